import type { PolicyEntry, Requirement } from "../reachability/entry.ts";
import { clusterKey, namespaceLabelsKey } from "../reachability/labels.ts";
import {
  type Conditions,
  excludes,
  fewestLabels,
  fulfils,
  is,
  otherNamespace,
  type PodLabels,
  partsOf,
  subjectOf,
} from "./pod-labels.ts";
import type { PodZones } from "./zones.ts";

/** Pods that no policy and no zone tells apart. */
export interface PodClass {
  /** The same in every cluster: a zone, `other pods`, `pods with role=batch in payments`, `database with role=batch`. */
  readonly name: string;
  /** The party whose labels it has at least; a zone, or the cluster's DNS. */
  readonly base?: string;
  readonly zones: readonly string[];
  readonly labels: PodLabels;
}

/** What is searched for pods that behave differently. */
export interface Ground {
  /** Of every cluster, so that all clusters are asked about the same pods. */
  readonly entries: readonly PolicyEntry[];
  readonly zones: PodZones;
  /** Pods that have a name of their own: the zones, and the cluster's DNS. */
  readonly bases: ReadonlyMap<string, Conditions>;
  /** Labels that every pod of a namespace has by its namespace, by namespace. */
  readonly namespaceLabels: ReadonlyMap<string, Conditions>;
}

/** The pods of a namespace that nobody names, without any label that a policy asks for. */
export const otherPods = "other pods";

/**
 * One pod of every kind that policies can tell apart, as far as a flow may depend on it.
 *
 * A flow needs at most these: one rule about the sender and one that names it as a peer, and likewise at the receiver; that it is in a zone or
 * in none; that rules which would forbid it (deny rules, and those that switch default deny on) do not select it. So for every zone, every
 * subject and every peer of a rule there is a pod that all three select, with as few labels as it can have, and one more that escapes what
 * forbids. Of pods that the same selectors select, one is kept.
 */
export function podClasses(ground: Ground, cluster: string): PodClass[] {
  const subjects = distinct(ground.entries.filter(({ node }) => !node).map(subjectOf));
  const peers = distinct(ground.entries.flatMap(labelPeers)).filter((peer) => fewestLabels(peer) !== undefined);
  const selectors = [...subjects, ...peers, ...ground.bases.values()];
  const outside = [...ground.bases.values()];
  const found = new Map<string, PodClass>();

  const add = (base: string | undefined, all: Conditions, none: readonly Conditions[]): PodLabels | undefined => {
    const labels = realistic(ground, all, none);
    if (labels === undefined) return undefined;
    const zones = ground.zones.of(labels);
    const key = `${zones.join()} ${selectors.map((selector) => (fulfils(labels, selector) ? 1 : 0)).join("")}`;
    if (!found.has(key)) {
      const shared = base === undefined ? {} : { base };
      found.set(key, { name: nameOf(ground, base, labels), ...shared, zones, labels });
    }
    return labels;
  };

  // First of all, so that no pod of an outer zone takes an inner zone's place.
  for (const [base, conditions] of ground.bases) add(base, [is(clusterKey, cluster), ...conditions], []);
  const forbidding = forbiddingSelectors(ground.entries);
  const places = [...ground.bases, [undefined, []] as const];
  for (const [base, conditions] of places) {
    const none = base === undefined ? outside : [];
    for (const subject of [[], ...subjects]) {
      const both = [is(clusterKey, cluster), ...conditions, ...subject];
      if (excludes(conditions, subject) || fewestLabels(both) === undefined) continue;
      const escapable = forbidding.filter((escaped) => fewestLabels(both, [...none, ...escaped]) !== undefined);
      for (const peer of [[], ...peers]) {
        if (excludes(both, peer)) continue;
        const all = [...both, ...peer];
        const labels = add(base, all, none);
        for (const escaped of escapable) {
          if (labels !== undefined && escaped.some((selector) => fulfils(labels, selector)))
            add(base, all, [...none, ...escaped]);
        }
      }
    }
  }
  return [...found.values()];
}

/** Lists of selectors that a pod may want to escape together: what enforces, by direction, and each thing that denies. */
function forbiddingSelectors(entries: readonly PolicyEntry[]): Conditions[][] {
  const enforcing = (["ingress", "egress"] as const).map((direction) =>
    distinct(
      entries.filter((entry) => entry.direction === direction && entry.defaultDeny && !entry.node).map(subjectOf),
    ),
  );
  const denying = entries.filter(({ verdict }) => verdict === "deny");
  const denied = distinct(denying.flatMap((entry) => [subjectOf(entry), ...labelPeers(entry)]));
  return [...enforcing, ...denied.map((selector) => [selector])].filter((list) => list.length > 0);
}

/** Peers of an entry that pods can be; an entry without peers names everyone, which tells nobody apart. */
function labelPeers({ peers }: PolicyEntry): Conditions[] {
  if (peers === "none") return [];
  return peers.flatMap((peer) => (peer.kind === "labels" ? [peer.requirements] : []));
}

/** Whatever is known of a pod's namespace holds for the pod. */
function realistic({ namespaceLabels }: Ground, all: Conditions, none: readonly Conditions[]): PodLabels | undefined {
  const labels = fewestLabels(all, none);
  const known = labels === undefined ? [] : (namespaceLabels.get(partsOf(labels).namespace) ?? []);
  return labels === undefined || fulfils(labels, known) ? labels : fewestLabels([...all, ...known], none);
}

function distinct(selectors: readonly Conditions[]): Conditions[] {
  return [...new Map(selectors.map((selector) => [selector.map(textOf).toSorted().join(), selector])).values()];
}

function textOf({ source, key, operator, values }: Requirement): string {
  return `${source} ${key} ${operator} ${values.join()}`;
}

function nameOf({ bases }: Ground, base: string | undefined, labels: PodLabels): string {
  const own = base === undefined ? undefined : fewestLabels(bases.get(base) ?? []);
  const { namespace, serviceAccount, labels: ofPod, namespaceLabels } = partsOf(labels);
  const extra = Object.entries(ofPod).filter(([key]) => own?.get(key) === undefined);
  const extraOfNamespace = Object.entries(namespaceLabels).filter(
    ([key]) => key !== "kubernetes.io/metadata.name" && own?.get(`${namespaceLabelsKey}.${key}`) === undefined,
  );
  const words = [
    ...extra.map(([key, value]) => `${key}=${value}`),
    ...(serviceAccount === "default" || own?.get("io.cilium.k8s.policy.serviceaccount") === serviceAccount
      ? []
      : [`service account ${serviceAccount}`]),
  ];
  const place = [
    ...(base === undefined && namespace !== otherNamespace ? [namespace] : []),
    ...(extraOfNamespace.length === 0
      ? []
      : [`a namespace with ${extraOfNamespace.map(([key, value]) => `${key}=${value}`).join(", ")}`]),
  ];
  const features = `${words.length > 0 ? ` with ${words.join(", ")}` : ""}${place.length > 0 ? ` in ${place.join(", ")}` : ""}`;
  if (base !== undefined) return `${base}${features}`;
  return features === "" ? otherPods : `pods${features}`;
}
