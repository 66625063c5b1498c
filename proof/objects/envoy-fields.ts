import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord, record } from "../../components/config/untyped.ts";
import messages from "./data/envoy-messages.json" with { type: "json" };
import { shown, words } from "./objects.ts";

export type Item = Readonly<Record<string, unknown>>;
export type Steps = readonly (string | number)[];

/**
 * The messages of Envoy's API that people write, by the names of their fields (go-control-plane of Cilium 1.20): `s` text, `b` true or false,
 * `n` number, `d` duration, `e` word of a list, `o` a message that is not listed, else the message's name; `*` before it for a list.
 */
const fieldsOf: Readonly<Record<string, Readonly<Record<string, string>>>> = messages;

/** Words that fields of kind `e` take, where people choose between them. */
const wordsOf: Readonly<Record<string, readonly string[]>> = {
  "Cluster.type": ["STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"],
  "Cluster.lb_policy": [
    "ROUND_ROBIN",
    "LEAST_REQUEST",
    "RING_HASH",
    "RANDOM",
    "MAGLEV",
    "CLUSTER_PROVIDED",
    "LOAD_BALANCING_POLICY_CONFIG",
  ],
  "FractionalPercent.denominator": ["HUNDRED", "TEN_THOUSAND", "MILLION"],
};

/** A field that protobuf cannot read: the whole resource is dropped for it. */
export interface FieldProblem {
  readonly path: Steps;
  readonly message: string;
  readonly fix: string;
}

/** A field in either of the two spellings that protobuf reads: `route_config`, `routeConfig`. */
export function field(item: unknown, name: string): unknown {
  const fields = record(item);
  return fields[name] ?? fields[camel(name)];
}

/** How a field is spelt where it stands, for paths. */
export function spelling(item: unknown, name: string): string {
  return camel(name) in record(item) ? camel(name) : name;
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Every field that a message does not have, or whose value is of another kind, as deep as messages are listed.
 *
 * @param typed  What to do with a `typed_config`, which names its message itself.
 */
export function fieldProblems(
  message: string,
  value: unknown,
  path: Steps,
  typed: (config: Item, path: Steps) => FieldProblem[],
): FieldProblem[] {
  const fields = fieldsOf[message];
  if (fields === undefined || !isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, child]): FieldProblem[] => {
    if (name === "@type") return [];
    const here = [...path, name];
    const known = Object.keys(fields).find((one) => one === name || camel(one) === name);
    if (known === undefined) {
      const near = closest(name, Object.keys(fields), Math.max(2, Math.floor(name.length / 3)));
      return [
        {
          path: here,
          message: `Envoy has no field ${name} here; Cilium leaves the whole resource out.`,
          fix: near === undefined ? "Take it out, or move it to where it belongs." : `Did you mean ${near}?`,
        },
      ];
    }
    const kind = fields[known] ?? "o";
    if (known === "typed_config" && isRecord(child)) return typed(child, here);
    const wrong = kindProblem(kind, child, wordsOf[`${message}.${known}`]);
    if (wrong !== undefined) {
      return [
        {
          path: here,
          message: `${name} is ${brief(child)}, not ${wrong}; Cilium leaves the whole resource out.`,
          fix: `Write ${wrong}.`,
        },
      ];
    }
    const inner = kind.replace("*", "");
    return Array.isArray(child)
      ? child.flatMap((item, index) => fieldProblems(inner, item, [...here, index], typed))
      : fieldProblems(inner, child, here, typed);
  });
}

function brief(value: unknown): string {
  const text = shown(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** What should stand there instead, in words; `undefined` where protobuf can read the value. */
function kindProblem(kind: string, value: unknown, allowed?: readonly string[]): string | undefined {
  if (value === null) return undefined;
  if (kind.startsWith("*")) return Array.isArray(value) ? undefined : "a list";
  switch (kind) {
    case "s":
      return typeof value === "string" ? undefined : "text in quotes";
    case "b":
      return typeof value === "boolean" ? undefined : "true or false";
    case "n":
      return typeof value === "number" || (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value))
        ? undefined
        : "a number";
    case "d":
      return typeof value === "string" && /^-?\d+(\.\d{1,9})?s$/.test(value) ? undefined : "a duration such as 5s";
    case "e":
      return typeof value === "number" || (typeof value === "string" && (allowed?.includes(value) ?? true))
        ? undefined
        : words(allowed ?? ["a word of Envoy's list"]);
    default:
      return isRecord(value) ? undefined : "a mapping";
  }
}
