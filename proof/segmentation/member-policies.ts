import { policyObjects, segmentationOf } from "../../components/cilium/policies/bundles.ts";
import { phaseOf, systemNamespaces } from "../../components/cilium/policies/phases.ts";
import type { PolicyObject } from "../../components/cilium/policies/policy.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { SegmentationSpec } from "../../components/config/segmentation.ts";
import { record } from "../../components/config/untyped.ts";
import type { EngineOptions } from "../reachability/entry.ts";
import { type Loaded, loadPolicies } from "../reachability/load.ts";
import type { PlannedStack } from "../recorded.ts";
import type { KubernetesObject } from "../rule.ts";
import { engineOptions } from "./engine-options.ts";
import { isPodZone } from "./zones.ts";

/** One cluster of a report: its policies, as its program would register them, and what its stack file says about zones. */
export interface MemberPolicies {
  readonly site: SiteSpec;
  readonly peers: readonly SiteSpec[];
  readonly file: PlannedStack["file"];
  readonly options: EngineOptions;
  readonly segmentation: SegmentationSpec;
  readonly now: Loaded;
  /** Namespaces of zones in which nothing is dropped yet; then also the policies as they will be when these are enforced. */
  readonly audited: readonly string[];
  readonly enforced?: Loaded;
}

/** Every site of a plan as a cluster of a report. */
export function memberPolicies(stacks: readonly PlannedStack[]): MemberPolicies[] {
  const sites = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
  return stacks.flatMap(({ file, resources }) => {
    if (file.kind !== "site") return [];
    const site = file.spec;
    const peers = sites.filter(({ name }) => name !== site.name && site.mesh?.peers.includes(name));
    const options = engineOptions(site, peers);
    const segmentation = segmentationOf(site, peers);
    const objects = resources.flatMap(({ type, inputs }) => (type.startsWith("kubernetes:") ? [inputs] : []));
    const audited = auditedNamespaces(site, segmentation);
    const common = { site, peers, file, options, segmentation, audited, now: loadPolicies(objects, options) };
    if (audited.length === 0) return [common];
    return [{ ...common, enforced: loadPolicies(enforcedObjects(site, peers, objects, audited), options) }];
  });
}

function auditedNamespaces({ policies }: SiteSpec, { zones }: SegmentationSpec): string[] {
  if (!policies) return [];
  const of = phaseOf(policies);
  const namespaces = new Set(Object.values(zones).flatMap((zone) => (isPodZone(zone) ? [zone.namespace] : [])));
  return [...namespaces]
    .filter((name) => of(name) === "audit" && !systemNamespaces.some((each) => each === name))
    .toSorted();
}

/** The recorded objects with the site's own policies as they are once these namespaces are enforced. */
function enforcedObjects(
  site: SiteSpec,
  peers: readonly SiteSpec[],
  recorded: readonly KubernetesObject[],
  namespaces: readonly string[],
): KubernetesObject[] {
  if (!site.policies) return [...recorded];
  const phases = Object.fromEntries(namespaces.map((name) => [name, "enforce" as const]));
  const policies = { ...site.policies, namespaces: { ...site.policies.namespaces, ...phases } };
  const own = new Map(policyObjects(site, peers).map((object) => [identityOf(object), JSON.stringify(object)]));
  const later = policyObjects({ ...site, policies }, peers);
  const unchanged = new Set(
    later.filter((object) => own.get(identityOf(object)) === JSON.stringify(object)).map(identityOf),
  );
  const replaced = (object: KubernetesObject) => own.has(identityOf(object)) && !unchanged.has(identityOf(object));
  return [
    ...recorded.filter((object) => !replaced(object)),
    ...later.filter((object) => !unchanged.has(identityOf(object))).map(asObject),
  ];
}

function identityOf({ kind, metadata }: KubernetesObject | PolicyObject): string {
  const { namespace, name } = record(metadata);
  return JSON.stringify([kind, namespace, name]);
}

const asObject = (object: PolicyObject): KubernetesObject => ({ ...object });
