import { distance } from "fastest-levenshtein";
import { isRecord } from "../config/untyped.ts";
import index from "./data/chart-keys.json" with { type: "json" };
import { earlierKeys, removedKeys } from "./removed-keys.ts";

/**
 * What the Cilium chart knows: its value keys per version, derived from the charts themselves by `tools/chart-keys.ts`. Helm
 * accepts any other key without a word (`values.schema.json` never says `additionalProperties: false`), so a slip changes nothing.
 */

/** A value that the chart of this version would ignore or refuse. */
export interface ValueProblem {
  /** Dotted, list elements as `[0]`: `hubble.relay.replica`. */
  readonly path: string;
  /** The same, step by step: `["hubble", "relay", "replica"]`, list elements as numbers. */
  readonly steps: readonly (string | number)[];
  /** What is wrong with a known key's value; absent for an unknown key. */
  readonly wrongType?: string;
  /** What to write where the type is wrong, as a sentence. */
  readonly wanted?: string;
  /** The known key that looks most like it. */
  readonly nearest?: string;
  /** What does the key's job in this version, when it was removed or renamed, or comes later. */
  readonly movedTo?: string;
  /** The first later chart that has the key: its minor, or its full version where it is a later patch of this minor. */
  readonly since?: string;
  /** The last Cilium minor whose chart had the key. */
  readonly until?: string;
}

type PerVersion<T> = T | { by: (T | null)[] };
type Section<T> = Readonly<Record<string, PerVersion<T>>>;
/** JSON imports lose the union; the generator writes exactly this. */
const { versions, types, enums, defaults }: ChartIndex = index;
interface ChartIndex {
  readonly versions: readonly string[];
  readonly types: Section<string>;
  readonly enums: Section<string[]>;
  readonly defaults: Section<boolean | number | string>;
}

/**
 * The indexed chart that stands for a version: itself, else the newest indexed patch of its minor (1.20.2 -> 1.20.0).
 *
 * @throws RangeError for a minor that is not indexed.
 */
export function indexedVersion(chartVersion: string): string {
  const minor = chartVersion.split(".").slice(0, 2).join(".");
  const found = versions.includes(chartVersion) ? chartVersion : versions.findLast((v) => v.startsWith(`${minor}.`));
  if (found !== undefined) return found;
  throw new RangeError(
    `no keys of Cilium chart ${chartVersion} are indexed, only of ${versions.join(", ")}; write one of these minors, or add the chart with tools/chart-keys.ts`,
  );
}

/** The chart's own default of a scalar key, `undefined` where `values.yaml` has none. */
export function chartDefault(chartVersion: string, path: string): boolean | number | string | undefined {
  return at(defaults, path, versions.indexOf(indexedVersion(chartVersion)));
}

/**
 * Every key of `values` that the chart does not know or whose type its schema refuses; empty for a sound tree. `undefined` stands
 * for a value that is not known yet.
 *
 * @example unknownValues("1.20.2", { hubble: { relays: {} } }) // [{ path: "hubble.relays", nearest: "hubble.relay" }]
 * @throws RangeError for a minor that is not indexed.
 */
export function unknownValues(chartVersion: string, values: unknown): ValueProblem[] {
  const version = versions.indexOf(indexedVersion(chartVersion));
  const problems: ValueProblem[] = [];
  /** `key` is the index's spelling of `path`, with `[]` for any element. */
  const visit = (value: unknown, steps: readonly (string | number)[], key: string): void => {
    if (value === undefined) return;
    const type = key === "" ? "o" : at(types, key, version);
    if (type === undefined) {
      problems.push(unknownKey(steps, key, version));
      return;
    }
    const wrong = key === "" ? undefined : typeProblem(value, type, at(enums, key, version));
    if (wrong !== undefined) problems.push({ path: dotted(steps), steps, ...wrong });
    else if (Array.isArray(value)) {
      if (at(types, `${key}[]`, version) === undefined) return;
      for (const [position, element] of value.entries()) visit(element, [...steps, position], `${key}[]`);
    } else if (isRecord(value) && !/[m?]/.test(type)) {
      const anyName = at(types, `${key}[]`, version) !== undefined;
      for (const [name, child] of Object.entries(value)) {
        // Helm hands `global` to every chart, whether it reads it or not.
        if (key === "" && name === "global") continue;
        if (!anyName && name.includes(".")) {
          problems.push({ path: dotted([...steps, name]), steps: [...steps, name], nearest: nest(name) });
        } else visit(child, [...steps, name], anyName ? `${key}[]` : join(key, name));
      }
    }
  };
  visit(values, [], "");
  return problems;
}

/** Whether the chart of this version has a key, and all below it is its own: a section that templates read field by field. */
export function isSection(chartVersion: string, path: string): boolean {
  return at(types, path, versions.indexOf(indexedVersion(chartVersion))) === "o";
}

/** A sentence that says what is wrong and what to write instead. */
export function describe(
  { path, wrongType, nearest, movedTo, since, until }: ValueProblem,
  chartVersion: string,
): string {
  if (wrongType !== undefined) return `${path}: ${wrongType}`;
  const parts = [`${path}: the Cilium ${chartVersion} chart has no such key`];
  if (since !== undefined) parts.push(`it came with ${since}`);
  if (until !== undefined) parts.push(`${until} was the last to have it`);
  if (movedTo !== undefined) parts.push(`use ${movedTo}`);
  else if (nearest !== undefined) parts.push(`did you mean ${nearest}?`);
  return parts.join("; ");
}

function at<T>(section: Section<T>, key: string, version: number): T | undefined {
  const entry = Object.hasOwn(section, key) ? section[key] : undefined;
  if (entry === undefined) return undefined;
  return (isPerVersion(entry) ? entry.by[version] : entry) ?? undefined;
}

function isPerVersion<T>(entry: PerVersion<T>): entry is { by: (T | null)[] } {
  return typeof entry === "object" && entry !== null && "by" in entry;
}

function unknownKey(steps: readonly (string | number)[], key: string, version: number): ValueProblem {
  const having = versions.filter((_, position) => at(types, key, position) !== undefined);
  const since = having.find((other) => versions.indexOf(other) > version);
  const removed = Object.hasOwn(removedKeys, key) ? removedKeys[key] : undefined;
  const until = removed?.last ?? minorOf(having.findLast((other) => versions.indexOf(other) < version));
  const movedTo = since === undefined ? removed?.instead : earlierKeys[key];
  const near = nearestKey(key, version);
  const parent = key.slice(0, key.lastIndexOf(".") + 1);
  const sibling = near?.startsWith(parent) && parent !== "";
  const nearest = sibling ? join(dotted(steps.slice(0, -1)), near?.slice(parent.length) ?? "") : near;
  const patch = since !== undefined && minorOf(since) === minorOf(versions[version]);
  return {
    path: dotted(steps),
    steps,
    ...(nearest === undefined ? {} : { nearest }),
    ...(movedTo === undefined ? {} : { movedTo }),
    ...(since === undefined ? {} : { since: patch ? since : (minorOf(since) ?? since) }),
    ...(until === undefined || since !== undefined ? {} : { until }),
  };
}

function minorOf(version: string | undefined): string | undefined {
  return version?.split(".").slice(0, 2).join(".");
}

/** So many keys with the same last word, and the word says little about which of them was meant. */
const commonWord = 4;

/** A sibling if one is near, else the same last word elsewhere, else whatever path is near as a whole. */
function nearestKey(key: string, version: number): string | undefined {
  const known = Object.keys(types).filter((other) => at(types, other, version) !== undefined);
  const cut = key.lastIndexOf(".") + 1;
  const siblings = known.filter((other) => other.startsWith(key.slice(0, cut)) && !/[.[]/.test(other.slice(cut)));
  const word = key.slice(cut);
  const namesakes = known.filter((other) => other.toLowerCase().endsWith(`.${word.toLowerCase()}`));
  const reach = namesakes.length < commonWord ? Math.floor(key.length / 2) : 2;
  return closest(key, siblings) ?? closest(key, namesakes, reach) ?? closest(key, known);
}

/** The candidate with the fewest edits, at most a third of the length of the last word unless said otherwise. */
export function closest(word: string, candidates: readonly string[], limit?: number): string | undefined {
  const last = word.slice(word.lastIndexOf(".") + 1);
  let best: string | undefined;
  let fewest = (limit ?? Math.max(1, Math.floor(last.length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [best, fewest] = [candidate, edits];
  }
  return best;
}

const typeNames: Readonly<Record<string, string>> = {
  b: "boolean",
  i: "integer",
  n: "number",
  s: "string",
  o: "object",
  m: "object",
  a: "array",
  z: "null",
};

/** Helm checks types and enums by `values.schema.json` and refuses; `null` always passes, since it removes the default first. */
function typeProblem(
  value: unknown,
  type: string,
  allowed: string[] | undefined,
): Pick<Required<ValueProblem>, "wrongType" | "wanted"> | undefined {
  if (type === "?" || value === null) return undefined;
  const own = ownTypes(value);
  const wanted = type.split("");
  const got = JSON.stringify(value)?.slice(0, 60);
  if (!wanted.some((letter) => own.includes(letter))) {
    const names = [...new Set(wanted.map((letter) => typeNames[letter] ?? letter))].join(" or ");
    return { wrongType: `the chart wants ${names}, got ${got}`, wanted: wantedValue(value, wanted, names) };
  }
  if (allowed === undefined || (typeof value === "string" && allowed.includes(value))) return undefined;
  const words = allowed.join(", ");
  return { wrongType: `the chart wants one of ${words}, got ${got}`, wanted: `Write one of ${words}.` };
}

function wantedValue(value: unknown, wanted: readonly string[], names: string): string {
  if (wanted.join("") === "z") return "Leave it out: the chart's own schema takes nothing here.";
  const plain = typeof value === "string" ? value.trim() : "";
  const boolean = wanted.includes("b") && /^(true|false)$/i.test(plain);
  const number = /[in]/.test(wanted.join("")) && /^-?\d+(\.\d+)?$/.test(plain);
  if (boolean || number) return `Write ${plain.toLowerCase()} without quotes.`;
  if (wanted.includes("s") && ["boolean", "number"].includes(typeof value))
    return `Write "${String(value)}" in quotes.`;
  if (wanted.includes("a") && plain !== "") {
    // `{a,b}` and `a,b` are lists for --set only.
    const parts = plain.replace(/^\{(.*)\}$/, "$1").split(",");
    return `Write a list: [${parts.map((part) => JSON.stringify(part.trim())).join(", ")}].`;
  }
  return `Write a value of type ${names}.`;
}

function ownTypes(value: unknown): string {
  if (typeof value === "boolean") return "b";
  if (typeof value === "number") return Number.isInteger(value) ? "in" : "n";
  if (typeof value === "string") return "s";
  return Array.isArray(value) ? "a" : "om";
}

/** What a dotted key means in YAML: `hubble.enabled` is `hubble: {enabled: ...}`. */
function nest(name: string): string {
  return name.split(".").reduceRight((inner, key) => (inner === "" ? `${key}: ...` : `${key}: {${inner}}`), "");
}

/** `clusters[0].name` of `["clusters", 0, "name"]`. */
function dotted(steps: readonly (string | number)[]): string {
  return steps.reduce<string>((path, step) => (typeof step === "number" ? `${path}[${step}]` : join(path, step)), "");
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
