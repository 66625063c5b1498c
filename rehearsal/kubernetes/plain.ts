import { type Properties, Secret, Unknown, type Value } from "../stand-in.ts";

/** A tree as validators read it; `undefined` where the value is not known yet. */
export type Plain = undefined | null | boolean | number | string | Plain[] | PlainObject;
export type PlainObject = { [key: string]: Plain };

/** The value without `Secret` wrappers and with `undefined` for what is unknown. Never log or store the result. */
export function plain(value: Value | undefined): Plain {
  if (value === undefined || value instanceof Unknown) return undefined;
  if (value instanceof Secret) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  return value === null || typeof value !== "object" ? value : plainObject(value);
}

export function plainObject(properties: Properties): PlainObject {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, plain(value)]));
}

/** The member at a dotted path of an object, `undefined` where there is none. */
export function member(value: Plain, path: string): Plain {
  let found = value;
  for (const key of path.split(".")) found = isPlainObject(found) ? found[key] : undefined;
  return found;
}

export function isPlainObject(value: Plain): value is PlainObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A scalar as text, `""` for anything else. */
export function scalarText(value: Plain): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
