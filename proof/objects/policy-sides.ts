import { isRecord, list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  type Direction,
  type Entry,
  entriesOf,
  isNetworkPolicy,
  keysOf,
  labelsOf,
  matching,
  mayOverlap,
  metadataOf,
  type Part,
  partsOf,
  peersOf,
  record,
  records,
  shown,
  texts,
  violation,
} from "./policy-view.ts";

const other = { ingress: "egress", egress: "ingress" } as const;
const endpoints = { ingress: "fromEndpoints", egress: "toEndpoints" } as const;

/** Namespaces whose pods are denied a direction unless something allows it. */
function deniedNamespaces(subject: ObjectsSubject, direction: Direction): Set<string> {
  const cilium = partsOf(subject).flatMap(({ namespace, body }) => {
    const selector = record(body.endpointSelector);
    const every = selector !== undefined && Object.keys(selector).length === 0;
    const entries = body[direction];
    // An empty list is what people write who mean this (GB-1204 says that it denies nothing).
    const empty =
      Array.isArray(entries) && entries.every((entry) => isRecord(entry) && Object.keys(entry).length === 0);
    const enabled = record(body.enableDefaultDeny)?.[direction] !== false;
    return namespace !== undefined && every && empty && enabled ? [namespace] : [];
  });
  const kubernetes = matching(subject, isNetworkPolicy).flatMap(({ object }) => {
    const spec = record(object.spec) ?? {};
    const { namespace } = metadataOf(object);
    const every = isRecord(spec.podSelector) && Object.keys(spec.podSelector).length === 0;
    const listed = texts(spec.policyTypes).includes(direction === "ingress" ? "Ingress" : "Egress");
    return namespace !== undefined && every && listed && list(spec[direction]).length === 0 ? [namespace] : [];
  });
  return new Set([...cilium, ...kubernetes]);
}

/** Whether an entry may let its pods talk to, or hear from, pods with these labels. */
function mayReach(entry: Entry, selector: unknown, namespace: string): boolean {
  const peers = peersOf(entry);
  const field = endpoints[entry.direction];
  if (peers.length === 0) return true;
  if (!peers.includes(field))
    return (
      [...texts(entry.body.fromEntities), ...texts(entry.body.toEntities)].some((entity) =>
        ["all", "cluster", "cluster-mesh"].includes(entity),
      ) || peers.includes("toServices")
    );
  return records(entry.body[field], []).some(({ body }) => {
    const elsewhere = keysOf(body).some((key) => key.endsWith("io.kubernetes.pod.namespace"));
    const { "io.kubernetes.pod.namespace": named = meantNamespace(body), ...labels } = labelsOf(body);
    if (named !== undefined && named !== namespace) return false;
    return (elsewhere && Object.keys(labels).length === 0) || mayOverlap({ matchLabels: labels }, selector);
  });
}

/** What may allow a direction to pods of a namespace, by Cilium's policies and by Kubernetes' own. */
interface Allows {
  readonly entries: readonly Entry[];
  /** Selectors of NetworkPolicies with rules; whom those allow is not looked at. */
  readonly podSelectors: readonly unknown[];
}

function allowsIn(subject: ObjectsSubject, namespace: string, direction: Direction): Allows {
  const here = (name: string | undefined) => name === undefined || name === namespace;
  return {
    entries: entriesOf(subject).filter(
      (entry) =>
        entry.direction === direction &&
        !entry.deny &&
        here(entry.part.namespace) &&
        Object.keys(entry.body).length > 0,
    ),
    podSelectors: matching(subject, isNetworkPolicy)
      .filter(({ object }) => here(metadataOf(object).namespace) && list(record(object.spec)?.[direction]).length > 0)
      .map(({ object }) => record(object.spec)?.podSelector),
  };
}

/** One side of a conversation that is allowed, while the other side's default deny is not lifted. */
function oneSided(subject: ObjectsSubject): Violation[] {
  const denied = { ingress: deniedNamespaces(subject, "ingress"), egress: deniedNamespaces(subject, "egress") };
  const known = new Map<string, Allows>();
  const allows = (namespace: string, direction: Direction): Allows => {
    const key = `${namespace}/${direction}`;
    const found = known.get(key) ?? allowsIn(subject, namespace, direction);
    known.set(key, found);
    return found;
  };
  const cilium = entriesOf(subject).flatMap((entry) => {
    const { part, direction, deny, path, body } = entry;
    const { namespace } = part;
    const back = other[direction];
    if (deny || namespace === undefined) return [];
    const field = endpoints[direction];
    return records(body[field], [...path, field]).flatMap((peer) => {
      const labels = labelsOf(peer.body);
      const { "io.kubernetes.pod.namespace": named = meantNamespace(peer.body) ?? namespace, ...own } = labels;
      const plain = Object.keys(own).length > 0 && list(peer.body.matchExpressions).length === 0;
      if (!plain || !denied[back].has(named)) return [];
      const { entries, podSelectors } = allows(named, back);
      const answered =
        entries.some(
          (candidate) =>
            mayOverlap(candidate.part.body.endpointSelector, peer.body) &&
            mayReach(candidate, part.body.endpointSelector, namespace),
        ) || podSelectors.some((selector) => mayOverlap(selector, peer.body));
      if (answered) return [];
      const who = Object.entries(own)
        .map(([key, value]) => `${key}: ${value}`)
        .join(", ");
      return [oneSidedViolation(peer.path, part, back, who, named)];
    });
  });
  const kubernetes = matching(subject, isNetworkPolicy).flatMap(({ index, object }) => {
    const spec = record(object.spec) ?? {};
    const { name, namespace } = metadataOf(object);
    if (namespace === undefined) return [];
    return (["ingress", "egress"] as const).flatMap((direction) => {
      const back = other[direction];
      if (!denied[back].has(namespace)) return [];
      const field = direction === "ingress" ? "from" : "to";
      const peers = records(spec[direction], [index, "spec", direction]).flatMap(({ path, body }) =>
        records(body[field], [...path, field]),
      );
      return peers.flatMap(({ path, body }) => {
        const labels = Object.entries(labelsOf(body.podSelector));
        const expressions = list(record(body.podSelector)?.matchExpressions);
        if (labels.length === 0 || expressions.length > 0 || body.namespaceSelector !== undefined) return [];
        const { entries, podSelectors } = allows(namespace, back);
        const selectors = [...entries.map(({ part }) => part.body.endpointSelector), ...podSelectors];
        if (selectors.some((selector) => mayOverlap(selector, body.podSelector))) return [];
        const who = labels.map(([key, value]) => `${key}: ${value}`).join(", ");
        return [
          violation(
            path,
            `Pods ${who} may ${back === "egress" ? "reach" : "be reached by"} those of ${name} by this entry, but namespace ${namespace} is denied ${back} and no policy allows theirs.`,
            `Add a NetworkPolicy for ${who} with ${back}: [{${back === "egress" ? "to" : "from"}: [{podSelector: ${JSON.stringify(spec.podSelector ?? {})}}]}]${back === "egress" ? ", and one that allows them DNS" : ""}.`,
          ),
        ];
      });
    });
  });
  return [...cilium, ...kubernetes];
}

/** A namespaceSelector is no field of these policies (GB-1201 says so), but it tells whom the writer meant. */
function meantNamespace(peer: Readonly<Record<string, unknown>>): string | undefined {
  const labels = labelsOf(peer.namespaceSelector);
  return labels["kubernetes.io/metadata.name"] ?? labels.name;
}

function oneSidedViolation(
  path: Violation["path"],
  part: Part,
  back: Direction,
  who: string,
  namespace: string,
): Violation {
  const own = labelsOf(part.body.endpointSelector);
  const verb = back === "egress" ? "reach" : "be reached by";
  return violation(
    path,
    `Pods ${who} may ${verb} ${shown(part.name)} by this entry, but namespace ${namespace} is denied ${back} and no policy allows theirs.`,
    `Add a policy for ${who} with ${back}: [{${endpoints[back]}: [{matchLabels: ${shown(own)}}]}].`,
  );
}

export const policySideRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1247",
    severity: "warning",
    title: "After a default deny in both directions, both ends of a conversation are allowed.",
    korean: "양방향 기본 거부 뒤에는 보내는 쪽 egress와 받는 쪽 ingress를 모두 허용합니다.",
    reason:
      "A packet passes the sender's egress and the receiver's ingress policy (Documentation/security/policy/intro.rst).",
    check: oneSided,
  },
];
