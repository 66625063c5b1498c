import type { SiteSpec } from "../config/schema.ts";
import { planSlots } from "../network/plan.ts";
import { datapathValues } from "./datapath-values.ts";
import { encryptionValues } from "./encryption-values.ts";
import { mergeValues, type Tree } from "./helm-values.ts";
import { imageValues } from "./image-values.ts";
import { meshValues } from "./mesh-values.ts";
import { observabilityValues } from "./observability-values.ts";
import { policyValues } from "./policy-values.ts";
import { serviceMeshValues } from "./service-mesh-values.ts";
import { workloadValues } from "./workload-values.ts";

/**
 * The Helm values of a site, without secrets (`release.ts` adds those). What the stack file says under `cilium.values` comes last:
 * maps merge, lists replace.
 *
 * `upgradeCompatibility` is not ours to guess: a new cluster has none, and one that moves to the next minor names the first installed
 * minor under `cilium.values`, to keep that minor's defaults.
 *
 * A site that adopts a running release gets the stack file's values and nothing else: taking over must change nothing.
 *
 * @param peers  The other members of its mesh.
 * @throws RangeError for a Cilium minor that `versions.ts` does not have, or a digest of an unknown image.
 */
export function ciliumValues(site: SiteSpec, peers: readonly SiteSpec[]): Tree {
  if (site.platform === "existing" && site.adopt) return site.cilium.values;
  const { nodes, workers } = nodeCounts(site);
  return mergeValues(
    datapathValues(site),
    encryptionValues(site),
    meshValues(site, peers),
    observabilityValues(site, workers),
    policyValues(site),
    workloadValues(nodes),
    serviceMeshValues(site),
    imageValues(site),
    site.cilium.values,
  );
}

/** Nodes that may run Cilium's own pods, and those that run all others. An existing cluster tells neither: two is what it needs. */
function nodeCounts(site: SiteSpec): { nodes: number; workers: number } {
  if (site.platform === "existing") return { nodes: 2, workers: 2 };
  const slots = planSlots(site);
  const workers = slots.filter(({ role }) => role === "worker").length;
  return { nodes: slots.length, workers: Math.max(1, workers) };
}
