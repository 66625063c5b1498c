import { type Problem, type Properties, Unknown, type Value } from "../stand-in.ts";
import { reveal } from "../wire.ts";
import type { Json, JsonObject } from "../world.ts";
import { networkOf } from "./ipv4.ts";

/** Readers of plain properties whose shape was checked: a value of another type counts as absent. */
export function text(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" ? value : undefined;
}

export function number(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === "number" ? value : undefined;
}

/** Whether a flag is set; absent is `otherwise`. */
export function flag(object: JsonObject, key: string, otherwise: boolean): boolean {
  const value = object[key];
  return typeof value === "boolean" ? value : otherwise;
}

export function texts(object: JsonObject, key: string): string[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];
}

export function objects(object: JsonObject, key: string): JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function child(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key];
  return isObject(value) ? value : undefined;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only what has a value. */
export function present(object: { [key: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== null),
  );
}

/** Inputs as plain data. Throws on what is not known yet: nothing is made from it. */
export function plain(inputs: Properties): JsonObject {
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, plainValue(reveal(value))]),
  );
}

function plainValue(value: Value): Json {
  if (value instanceof Unknown) throw new Error("an input is not known yet");
  if (Array.isArray(value)) return value.map(plainValue);
  if (value === null || typeof value !== "object") return value;
  return plain(value as Properties);
}

/** For checks in previews, which may hold unknown values: whether a property was given at all. */
export function given(inputs: Properties, key: string): boolean {
  const value = inputs[key];
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** For checks in previews: the text of a property, or `undefined` when absent or not known yet. */
export function knownText(inputs: Properties, key: string): string | undefined {
  const value = inputs[key] === undefined ? undefined : reveal(inputs[key]);
  return typeof value === "string" ? value : undefined;
}

/** A problem unless exactly one of the properties was given. */
export function exactlyOne(inputs: Properties, keys: readonly string[]): Problem[] {
  const chosen = keys.filter((key) => given(inputs, key));
  if (chosen.length === 1) return [];
  const reason =
    chosen.length === 0 ? `one of ${keys.join(", ")} must be given` : `only one of ${chosen.join(", ")} can be given`;
  return [{ property: chosen[1] ?? "", reason }];
}

/** Problems for each pair of properties that exclude each other. */
export function conflicts(inputs: Properties, key: string, others: readonly string[]): Problem[] {
  if (!given(inputs, key)) return [];
  return others
    .filter((other) => given(inputs, other))
    .map((other) => ({ property: other, reason: `conflicts with ${key}` }));
}

/** A problem unless the property, when known, is an IPv4 network such as `10.0.0.0/16` with a prefix in the range. */
export function networkProblem(inputs: Properties, key: string, least = 0, most = 32): Problem[] {
  const cidr = knownText(inputs, key);
  return cidr === undefined ? [] : cidrProblem(key, cidr, least, most);
}

/** The same for a value at a path. */
export function cidrProblem(property: string, cidr: string, least = 0, most = 32): Problem[] {
  const network = networkOf(cidr);
  if (network === undefined) return [{ property, reason: `"${cidr}" is not a valid IPv4 CIDR block` }];
  if (network !== cidr) {
    return [{ property, reason: `"${cidr}" is not a valid IPv4 CIDR block; did you mean "${network}"?` }];
  }
  const prefix = Number(cidr.split("/")[1]);
  if (prefix >= least && prefix <= most) return [];
  return [{ property, reason: `"${cidr}" must have a prefix from /${least} to /${most}` }];
}
