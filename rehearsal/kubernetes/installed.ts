import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import type { World } from "../world.ts";
import { list, nodesOf, objectsOf, record, text } from "./cluster.ts";

/** Cilium as Helm installed it in a cluster, or is about to. */
export interface InstalledCilium {
  readonly version: string;
  /** The user's values over the chart's defaults; secrets are fingerprints. */
  readonly values: EffectiveValues;
  /** Kinds of Gateway API that its operator did not find when it started; what comes later it does not see. */
  readonly gatewayApi: { readonly missing: readonly string[] };
  /** Its operator has a node to run on, and is allowed to register the custom resources. */
  readonly registersResources: boolean;
}

/** The cluster's release of the `cilium` chart, if it has one. */
export function installedCilium(world: World, cluster: string): InstalledCilium | undefined {
  const release = objectsOf(world, cluster, "Release", "helm.sh").find(({ body }) => text(body.chart) === "cilium");
  if (release === undefined) return undefined;
  const missing = list(release.body.missingGatewayKinds).map(text);
  return releaseOf(text(release.body.version), record(release.body.values), world, cluster, missing);
}

export function releaseOf(
  version: string,
  given: unknown,
  world: World,
  cluster: string,
  missing: readonly string[] = [],
): InstalledCilium {
  const values = new EffectiveValues(version, given);
  const registersResources = nodesOf(world, cluster).length > 0 && !values.on("operator.skipCRDCreation");
  return { version, values, gatewayApi: { missing }, registersResources };
}
