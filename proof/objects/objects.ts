import { closest } from "../../components/cilium/chart-keys.ts";
import { locateProblems } from "../../components/cilium/crd-schemas.ts";
import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import type { SchemaProblem } from "../../components/cilium/schema-walker.ts";
import { isRecord, list, record } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Rule, Violation } from "../rule.ts";

/** An object with what every rule asks of it. */
export interface Placed {
  /** Its place in the subject's list: the first step of a violation's path. */
  readonly index: number;
  /** Without fields that are null. */
  readonly object: KubernetesObject;
  /** `cilium.io` of `cilium.io/v2`; empty for the core group. */
  readonly group: string;
  /** `v2` of `cilium.io/v2`. */
  readonly version: string;
  readonly kind: string;
  /** Empty where there is none. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly annotations: Readonly<Record<string, unknown>>;
  /** Empty where there is none. */
  readonly spec: Readonly<Record<string, unknown>>;
}

type Steps = readonly (string | number)[];

/** Sixty rules ask for the same objects again and again, some of them once for each of thousands. */
const indexed = new WeakMap<readonly KubernetesObject[], ObjectIndex>();
interface ObjectIndex {
  readonly all: readonly Placed[];
  /** By `group/kind`. */
  readonly byKind: ReadonlyMap<string, readonly Placed[]>;
}

function indexOf({ objects }: ObjectsSubject): ObjectIndex {
  const known = indexed.get(objects);
  if (known !== undefined) return known;
  const all = objects.flatMap((object, index) => place(object, index) ?? []);
  const index = { all, byKind: Map.groupBy(all, ({ group, kind }) => `${group}/${kind}`) };
  indexed.set(objects, index);
  return index;
}

/** All objects of some kinds of a group, in the order of the kinds. */
export function objectsOf(subject: ObjectsSubject, group: string, kinds: readonly string[]): Placed[] {
  const { byKind } = indexOf(subject);
  return kinds.flatMap((kind) => byKind.get(`${group}/${kind}`) ?? []);
}

/** Every object that names its apiVersion and kind; documents without are nobody's. */
export function allObjects(subject: ObjectsSubject): readonly Placed[] {
  return indexOf(subject).all;
}

function place(written: KubernetesObject, index: number): Placed | undefined {
  const object = record(withoutNulls(written));
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const metadata = record(object.metadata);
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  return {
    index,
    object,
    group,
    version,
    kind,
    name: typeof metadata.name === "string" ? metadata.name : "",
    namespace: typeof metadata.namespace === "string" ? metadata.namespace : undefined,
    labels: record(metadata.labels),
    annotations: record(metadata.annotations),
    spec: record(object.spec),
  };
}

/** A field that is null counts as not written: the API server takes it out before it looks further. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (child === null ? [] : [[key, withoutNulls(child)] as const])),
  );
}

/** Two files may hold the same object for two clusters; it is not compared with itself. */
export function sameObject(one: Placed, other: Placed): boolean {
  return one.kind === other.kind && one.name === other.name && one.namespace === other.namespace;
}

export function flaw({ index }: Pick<Placed, "index">, path: Steps, message: string, fix: string): Violation {
  return { path: [index, ...path], message, fix };
}

/** The mappings of a list with their places; nothing where the value is no list. */
export function records(value: unknown): { readonly at: number; readonly item: Readonly<Record<string, unknown>> }[] {
  return list(value).flatMap((item, at) => (isRecord(item) ? [{ at, item }] : []));
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

/** Places of values that have come before in the list. */
export function repeated<Item>(items: readonly Item[], keyOf: (item: Item) => string | undefined): Item[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    if (key === undefined) return false;
    const before = seen.has(key);
    seen.add(key);
    return before;
  });
}

/** The first object of each name: a second one is the same object for another cluster. */
export function firstOfEachName(all: readonly Placed[]): Placed[] {
  return [
    ...new Map(all.toReversed().map((placed) => [`${placed.namespace ?? ""}/${placed.name}`, placed])).values(),
  ].toReversed();
}

/** A sentence that names the nearest of the allowed words, or all of them. */
export function oneOf(word: string, allowed: readonly string[]): string {
  const near = closest(word, allowed, 3);
  return near === undefined ? `Write ${words(allowed)}.` : `Did you mean ${near}?`;
}

/** `a, b or c`. */
export function words(all: readonly string[]): string {
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} or ${all.at(-1) ?? ""}`;
}

/** The Helm values as the chart sees them, where they are known. */
export function chartValues({ cilium, values }: ObjectsSubject): EffectiveValues | undefined {
  return values === undefined ? undefined : new EffectiveValues(cilium, values);
}

/** 18 of `1.18.4`. */
export function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

/** What this Cilium's resource definition refuses. A namespace on a cluster-scoped kind is cleared without harm, so it is not counted. */
export function definitionProblems({ cilium }: ObjectsSubject, { object }: Placed): SchemaProblem[] {
  return locateProblems(cilium, object).filter(({ path }) => path.join(".") !== "metadata.namespace");
}

/** What a schema refuses, as violations: what an API server would answer, and what to do. */
export function schemaViolations(
  { index, object }: Pick<Placed, "index" | "object">,
  problems: readonly SchemaProblem[],
  explain: (problem: SchemaProblem) => Pick<Violation, "message" | "fix"> | undefined = () => undefined,
): Violation[] {
  return problems.map((problem) => ({
    path: [index, ...problem.path],
    ...(explain(problem) ?? plainly(problem, valueAt(object, problem.path))),
  }));
}

function plainly({ path, problem, known }: SchemaProblem, value: unknown): Pick<Violation, "message" | "fix"> {
  const field = String(path.findLast((step) => typeof step === "string") ?? "The object");
  if (known !== undefined) {
    const near =
      closest(field, known, Math.max(2, Math.floor(field.length / 3))) ??
      known.find((name) => name.toLowerCase().startsWith(field.toLowerCase()));
    return {
      message: `There is no field ${field} here; the API server drops it.`,
      fix:
        near === undefined
          ? known.length === 0
            ? `Take it out: ${problem}.`
            : `Take it out; there are ${known.join(", ")}.`
          : `Write ${near}.`,
    };
  }
  if (problem.startsWith("required value")) {
    return { message: `${field} is missing.`, fix: `Write ${field}; without it the API server refuses the object.` };
  }
  if (problem.startsWith("has 0 characters")) return { message: `${field} is empty.`, fix: "Write a value." };
  const brief = problem.length > 300 ? `${problem.slice(0, 200)}...` : problem;
  const named = typeof value === "string" && !problem.includes(value) ? `${field} ${value}` : field;
  return { message: `${named}: ${brief}.`, fix: "Write a value that the resource's definition accepts." };
}

/** The value at a path; `undefined` where the path leaves the object. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof step === "number" ? list(inner)[step] : record(inner)[String(step)]),
    value,
  );
}

/** What Flux, Helm, envsubst and the like fill in later. */
const placeholder = /\$\{[^}]*\}|#\{[^}]*\}#|\$\([A-Z_]+\)|\{\{.*\}\}/s;

function open(value: unknown): boolean {
  if (typeof value === "string") return placeholder.test(value);
  if (Array.isArray(value)) return value.some(open);
  return isRecord(value) && Object.values(value).some(open);
}

/** The same rules, silent about values that are filled in later: a `${...}` may become anything. */
export function knownOnly(rules: readonly Rule<ObjectsSubject>[]): readonly Rule<ObjectsSubject>[] {
  return rules.map((rule) => ({
    ...rule,
    check: (subject) =>
      rule
        .check(subject)
        .filter(({ path, message }) => !placeholder.test(message) && !open(valueAt(subject.objects, path))),
  }));
}
