import { isRecord, list } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Violation } from "../rule.ts";

/** A lenient look at policies that may be wrong anywhere: what has another shape than it should is treated as absent. */

export type Fields = Readonly<Record<string, unknown>>;
export type Path = readonly PropertyKey[];
export type Direction = "ingress" | "egress";

/** One set of rules of a Cilium policy: its `spec`, or one of its `specs`. */
export interface Part {
  readonly kind: "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy";
  readonly clusterwide: boolean;
  readonly name: string;
  /** `undefined` for a cluster-wide policy, and where whoever applies the file chooses it. */
  readonly namespace: string | undefined;
  readonly path: Path;
  readonly body: Fields;
}

/** One element of `ingress`, `ingressDeny`, `egress` or `egressDeny`. */
export interface Entry {
  readonly part: Part;
  readonly direction: Direction;
  readonly deny: boolean;
  readonly path: Path;
  readonly body: Fields;
}

/** One element of an entry's `toPorts`. */
export interface PortRule {
  readonly entry: Entry;
  readonly path: Path;
  readonly body: Fields;
  readonly rules: Fields;
}

export const peerFields: Readonly<Record<Direction, readonly string[]>> = {
  ingress: ["fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet", "fromNodes", "fromGroups"],
  egress: ["toEndpoints", "toEntities", "toCIDR", "toCIDRSet", "toNodes", "toGroups", "toServices", "toFQDNs"],
};

export function record(value: unknown): Fields | undefined {
  return isRecord(value) ? value : undefined;
}

/** The value at a path; `undefined` where there is none. */
export function at(object: unknown, path: Path): unknown {
  let value = object;
  for (const step of path) {
    if (typeof step === "number") value = list(value)[step];
    else value = isRecord(value) && typeof step === "string" ? value[step] : undefined;
  }
  return value;
}

/** Any value in a sentence or for a comparison: text as it is, the rest as JSON. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** The same, cut where a reader has seen enough. */
export function shown(value: unknown): string {
  const text = asText(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function texts(value: unknown): string[] {
  return list(value).filter((item) => typeof item === "string");
}

/** The elements of a list that are records, with their paths. */
export function records(value: unknown, path: Path): { readonly path: Path; readonly body: Fields }[] {
  return list(value).flatMap((item, index) => (isRecord(item) ? [{ path: [...path, index], body: item }] : []));
}

export function metadataOf(object: KubernetesObject): {
  readonly name: string;
  readonly namespace: string | undefined;
} {
  const { name, namespace } = record(object.metadata) ?? {};
  return {
    name: typeof name === "string" ? name : "",
    namespace: typeof namespace === "string" && /^[-a-z0-9]+$/.test(namespace) ? namespace : undefined,
  };
}

export function isCiliumPolicy({ apiVersion, kind }: KubernetesObject): boolean {
  return asText(apiVersion).startsWith("cilium.io/") && /^Cilium(Clusterwide)?NetworkPolicy$/.test(asText(kind));
}

export function isNetworkPolicy({ apiVersion, kind }: KubernetesObject): boolean {
  return apiVersion === "networking.k8s.io/v1" && kind === "NetworkPolicy";
}

/** Every object of a kind, with its index. */
export function matching(
  { objects }: ObjectsSubject,
  wanted: (object: KubernetesObject) => boolean,
): { readonly index: number; readonly object: KubernetesObject }[] {
  return objects.flatMap((object, index) => (wanted(object) ? [{ index, object }] : []));
}

/** Every rule looks at the same objects: what they hold is worked out once for each list. */
const partsOfObjects = new WeakMap<ObjectsSubject["objects"], readonly Part[]>();
const entriesOfObjects = new WeakMap<ObjectsSubject["objects"], readonly Entry[]>();

export function partsOf(subject: ObjectsSubject): readonly Part[] {
  const known = partsOfObjects.get(subject.objects) ?? findParts(subject);
  partsOfObjects.set(subject.objects, known);
  return known;
}

export function entriesOf(subject: ObjectsSubject): readonly Entry[] {
  const known = entriesOfObjects.get(subject.objects) ?? partsOf(subject).flatMap(entriesOfPart);
  entriesOfObjects.set(subject.objects, known);
  return known;
}

function findParts(subject: ObjectsSubject): Part[] {
  return matching(subject, isCiliumPolicy).flatMap(({ index, object }) => {
    const clusterwide = object.kind === "CiliumClusterwideNetworkPolicy";
    const { name, namespace } = metadataOf(object);
    const spec = record(object.spec);
    return [
      ...(spec === undefined ? [] : [{ path: [index, "spec"], body: spec }]),
      ...records(object.specs, [index, "specs"]),
    ].map((body) => ({
      kind: clusterwide ? "CiliumClusterwideNetworkPolicy" : "CiliumNetworkPolicy",
      clusterwide,
      name,
      namespace: clusterwide ? undefined : namespace,
      ...body,
    }));
  });
}

export function entriesOfPart(part: Part): Entry[] {
  return (["ingress", "egress"] as const).flatMap((direction) =>
    ["", "Deny"].flatMap((suffix) =>
      records(part.body[`${direction}${suffix}`], [...part.path, `${direction}${suffix}`]).map(({ path, body }) => ({
        part,
        direction,
        deny: suffix === "Deny",
        path,
        body,
      })),
    ),
  );
}

export function portRulesOf(entry: Entry): PortRule[] {
  return records(entry.body.toPorts, [...entry.path, "toPorts"]).map(({ path, body }) => ({
    entry,
    path,
    body,
    rules: record(body.rules) ?? {},
  }));
}

export function portRulesIn(subject: ObjectsSubject): PortRule[] {
  return entriesOf(subject).flatMap(portRulesOf);
}

/** The peer fields that an entry writes, in whatever shape. */
export function peersOf({ direction, body }: Entry): string[] {
  return peerFields[direction].filter((field) => body[field] !== undefined);
}

const labelsOfSelectors = new WeakMap<Fields, Readonly<Record<string, string>>>();

/** `matchLabels` of a selector, without what is no text. Keys lose Cilium's `k8s:` and `any:`. */
export function labelsOf(selector: unknown): Readonly<Record<string, string>> {
  if (!isRecord(selector)) return {};
  const known =
    labelsOfSelectors.get(selector) ??
    Object.fromEntries(
      Object.entries(record(selector.matchLabels) ?? {}).flatMap(([key, value]) =>
        typeof value === "string" ? [[key.replace(/^(k8s|any):/, ""), value]] : [],
      ),
    );
  labelsOfSelectors.set(selector, known);
  return known;
}

/** Whether two selectors of pods can mean one pod: no label is asked for with two values. */
export function mayOverlap(one: unknown, other: unknown): boolean {
  const labels = labelsOf(other);
  return Object.entries(labelsOf(one)).every(([key, value]) => labels[key] === undefined || labels[key] === value);
}

/** The keys that a selector asks about, as they are written. */
export function keysOf(selector: unknown): string[] {
  const body = record(selector) ?? {};
  const expressions = records(body.matchExpressions, []).map(({ body: { key } }) => asText(key));
  return [...Object.keys(record(body.matchLabels) ?? {}), ...expressions];
}

export function minorOf({ cilium }: ObjectsSubject): number {
  return Number(cilium.split(".")[1]);
}

export function violation(path: Path, message: string, fix: string): Violation {
  return { path, message, fix };
}
