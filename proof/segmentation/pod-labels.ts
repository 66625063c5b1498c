import { inIdentity } from "../../components/cilium/identity-labels.ts";
import { meets } from "../label-condition.ts";
import type { PolicyEntry, Requirement } from "../reachability/entry.ts";
import { clusterKey, namespaceKey, namespaceLabelsKey } from "../reachability/labels.ts";

/** Labels of a pod's identity by key; all of them have Kubernetes as their source. */
export type PodLabels = ReadonlyMap<string, string>;
/** All of them must be fulfilled. */
export type Conditions = readonly Requirement[];

export const serviceAccountKey = "io.cilium.k8s.policy.serviceaccount";
/** Kubernetes gives every namespace this label with its own name (kubernetes.io/docs/reference/labels-annotations-taints). */
const namespaceNameKey = `${namespaceLabelsKey}.kubernetes.io/metadata.name`;
/** The namespace of pods of which nothing else is known. */
export const otherNamespace = "other-namespace";

/** What every pod has, and its value where nothing asks for another. */
const always: Readonly<Record<string, string>> = { [namespaceKey]: otherNamespace, [serviceAccountKey]: "default" };

/** Which pods a policy entry is about; a namespaced policy never leaves its namespace. */
export function subjectOf({ subject, namespace }: PolicyEntry): Conditions {
  return namespace === undefined ? subject.requirements : [...subject.requirements, is(namespaceKey, namespace)];
}

export function is(key: string, value: string): Requirement {
  return { source: "k8s", key, operator: "In", values: [value] };
}

export function fulfils(labels: PodLabels, conditions: Conditions): boolean {
  return conditions.every((condition) => meets(condition, labelValue(labels, condition)));
}

function labelValue(labels: PodLabels, { source, key }: Requirement): string | undefined {
  return (source === "k8s" || source === "any") && isVisible(key) ? labels.get(keyOf(key)) : undefined;
}

/** Whether the label is part of an identity: what Cilium leaves out, no policy sees. */
export function isVisible(key: string): boolean {
  const known = visible.get(key) ?? (key === namespaceKey || key.startsWith("io.cilium.k8s.") || inIdentity(key));
  visible.set(key, known);
  return known;
}

const visible = new Map<string, boolean>();

/** Whether one look says that no pod fulfils both: labels that the one pins, the other wants otherwise. */
export function excludes(pinning: Conditions, other: Conditions): boolean {
  return pinning.some(
    ({ key, operator, values }) =>
      operator === "In" &&
      other.some(
        (condition) =>
          condition.operator === "In" &&
          keyOf(condition.key) === keyOf(key) &&
          !values.some((value) => condition.values.includes(value)),
      ),
  );
}

/** Two names of one fact are one key. */
function keyOf(key: string): string {
  return key === namespaceNameKey ? namespaceKey : key;
}

/**
 * The fewest labels that a pod can have which fulfils all conditions of `all`, and of each list in `none` at least one not; `undefined` where
 * there can be no such pod.
 */
export function fewestLabels(all: Conditions, none: readonly Conditions[] = []): PodLabels | undefined {
  const labels = assign(all);
  if (labels === undefined) return undefined;
  const ways = none
    .filter((conditions) => fulfils(labels, conditions))
    .map((conditions) => conditions.map(opposite).filter((condition) => assign([...all, condition]) !== undefined))
    .toSorted((one, other) => one.length - other.length);
  const [fewest] = ways;
  if (fewest === undefined) return labels;
  for (const condition of fewest) {
    const escaped = fewestLabels([...all, condition], none);
    if (escaped !== undefined) return escaped;
  }
  return undefined;
}

const opposites = { In: "NotIn", NotIn: "In", Exists: "DoesNotExist", DoesNotExist: "Exists" } as const;

function opposite(condition: Requirement): Requirement {
  return { ...condition, operator: opposites[condition.operator] };
}

function assign(conditions: Conditions): PodLabels | undefined {
  const byKey = Map.groupBy(conditions, ({ key }) => keyOf(key));
  const labels = new Map<string, string>();
  for (const key of new Set([...Object.keys(always), ...byKey.keys()])) {
    const value = isVisible(key) ? choose(byKey.get(key) ?? [], always[key]) : undefined;
    if (value !== undefined) labels.set(key, value);
  }
  return fulfils(labels, conditions) ? labels : undefined;
}

/** A value that one label may have; `undefined` where it need not be there, or where there is none. */
function choose(conditions: Conditions, usual: string | undefined): string | undefined {
  const [first, ...others] = conditions.flatMap(({ operator, values }) => (operator === "In" ? [values] : []));
  const refused = conditions.flatMap(({ operator, values }) => (operator === "NotIn" ? values : []));
  if (first !== undefined) {
    return first.find((value) => others.every((values) => values.includes(value)) && !refused.includes(value));
  }
  const needed = usual !== undefined || conditions.some(({ operator }) => operator === "Exists");
  return needed ? fresh(usual ?? "any", refused) : undefined;
}

/** A value that nobody refuses. */
function fresh(name: string, refused: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const value = number === 1 ? name : `${name}-${number}`;
    if (!refused.includes(value)) return value;
  }
}

/** `namespace labels` of a pod's labels apart from those of its own, as `podParty` takes them. */
export function partsOf(labels: PodLabels): {
  readonly namespace: string;
  readonly cluster: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespaceLabels: Readonly<Record<string, string>>;
} {
  const prefix = `${namespaceLabelsKey}.`;
  const namespace = labels.get(namespaceKey) ?? otherNamespace;
  const own = [...labels].filter(
    ([key]) => ![namespaceKey, clusterKey, serviceAccountKey].includes(key) && !key.startsWith(prefix),
  );
  const ofNamespace = [...labels].flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
  );
  return {
    namespace,
    cluster: labels.get(clusterKey) ?? "",
    serviceAccount: labels.get(serviceAccountKey) ?? "default",
    labels: Object.fromEntries(own),
    namespaceLabels: { "kubernetes.io/metadata.name": namespace, ...Object.fromEntries(ofNamespace) },
  };
}
