import { isDeepStrictEqual } from "node:util";
import { closest } from "fastest-levenshtein";
import { type Problem, type Properties, Secret, Unknown, type Value } from "../stand-in.ts";
import { reveal } from "../wire.ts";
import data from "./data/shapes.json" with { type: "json" };

/** What one input may hold. Written by `tools/aws-shapes.ts`. */
export interface Shape {
  /** `map`: an object with free keys; `json`: a JSON document, as text or as an object. */
  readonly type: "string" | "number" | "boolean" | "map" | "object" | "json";
  readonly list?: true;
  readonly required?: true;
  /** A change replaces the resource. */
  readonly replaces?: true;
  readonly values?: readonly (string | number)[];
  /** An ECMAScript regular expression. */
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  /** UTF-8 bytes. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Shapes;
}

export type Shapes = Readonly<Record<string, Shape>>;

/** The whole of `data/shapes.json`. */
export interface ShapeIndex {
  readonly sdk: string;
  readonly specification: string;
  /** Names of the provider's own configuration. */
  readonly provider: readonly string[];
  /** EC2 instance types that the SDK lists. */
  readonly instanceTypes: readonly string[];
  readonly regions: readonly string[];
  readonly types: Record<string, { readonly inputs: Shapes; readonly outputs: readonly string[] }>;
}

const index = data as ShapeIndex;

/** Version of `@pulumi/aws` that the index was made from, e.g. `7.48.0`. */
export const sdkVersion: string = index.sdk.split(" ")[1] ?? "";

export const providerOptions: readonly string[] = index.provider;

export const instanceTypes: ReadonlySet<string> = new Set(index.instanceTypes);

/** Every AWS region, opted in or not. */
export const regions: readonly string[] = index.regions;

/** Type tokens that have a shape. */
export const shapedTypes: readonly string[] = Object.keys(index.types);

/**
 * Everything wrong with the inputs' shape: unknown, read-only and missing properties, types, enums, patterns and ranges.
 * Unknown values pass. No reason repeats a value that is secret.
 */
export function checkShape(type: string, inputs: Properties): Problem[] {
  const entry = entryOf(type);
  return checkObject(entry.inputs, inputs, { path: "", secret: false }, entry.outputs);
}

/** Names of the inputs and of the outputs that AWS sets. */
export function namesOf(type: string): { inputs: string[]; outputs: readonly string[] } {
  const { inputs, outputs } = entryOf(type);
  return { inputs: Object.keys(inputs), outputs };
}

function entryOf(type: string): ShapeIndex["types"][string] {
  const entry = index.types[type];
  if (entry === undefined)
    throw new Error(`no shape for "${type}"; add it to tools/aws-types.ts and run tools/aws-shapes.ts`);
  return entry;
}

/** Where a value stands, and whether anything around it is secret. */
interface Place {
  readonly path: string;
  readonly secret: boolean;
}

function checkObject(
  shapes: Shapes,
  object: Properties,
  { path, secret }: Place,
  readOnly: readonly string[],
): Problem[] {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const missing = Object.entries(shapes)
    .filter(([name, { required }]) => required === true && isAbsent(object[name]))
    .map(([name]) => ({ property: at(name), reason: "is required, and missing" }));
  const wrong = Object.entries(object).flatMap(([name, value]) => {
    if (isAbsent(value)) return [];
    const shape = shapes[name];
    if (shape !== undefined) return checkValue(shape, value, { path: at(name), secret });
    if (readOnly.includes(name)) return [{ property: at(name), reason: "is read-only: AWS sets it" }];
    const nearest = nearestName(name, Object.keys(shapes));
    return [{ property: at(name), reason: `is not a property here; did you mean "${nearest}"?` }];
  });
  return [...missing, ...wrong];
}

function checkValue(shape: Shape, wrapped: Value, { path, secret: outer }: Place): Problem[] {
  const value = reveal(wrapped);
  const secret = outer || wrapped instanceof Secret;
  if (value instanceof Unknown) return [];
  if (shape.list !== true) return checkOne(shape, value, { path, secret });
  if (!Array.isArray(value)) return [{ property: path, reason: `must be a list, not ${kindOf(value)}` }];
  const elements = Array.isArray(wrapped) ? wrapped : value;
  return elements.flatMap((element, position) => {
    const place = { path: `${path}[${position}]`, secret: secret || element instanceof Secret };
    return isAbsent(element) ? [] : checkOne(shape, reveal(element), place);
  });
}

function checkOne(shape: Shape, value: Value, place: Place): Problem[] {
  if (value instanceof Unknown) return [];
  if (shape.type === "json" && (typeof value === "string" || isObject(value))) return [];
  if (shape.type === "object" || shape.type === "map") {
    if (!isObject(value)) return [{ property: place.path, reason: `must be an object, not ${kindOf(value)}` }];
    return shape.properties === undefined ? [] : checkObject(shape.properties, value, place, []);
  }
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    return [{ property: place.path, reason: `must be a ${shape.type}, not ${kindOf(value)}` }];
  }
  const reason =
    typeof value === shape.type ? scalarProblem(shape, value) : `must be a ${shape.type}, not ${kindOf(value)}`;
  if (reason === undefined) return [];
  const shown = place.secret || String(value).length > 200 ? "" : ` (it is ${JSON.stringify(value)})`;
  return [{ property: place.path, reason: `${reason}${shown}` }];
}

function scalarProblem(shape: Shape, value: string | number | boolean): string | undefined {
  const { values, pattern, min, max, minLength, maxLength } = shape;
  if (values !== undefined && !values.some((allowed) => allowed === value))
    return `must be one of ${values.join(", ")}`;
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return "must be a whole number";
    if (min !== undefined && value < min) return `must be at least ${min}`;
    if (max !== undefined && value > max) return `must be at most ${max}`;
  }
  if (typeof value === "string") {
    // Some numbers are strings in this SDK; their range is on the number.
    if ((min !== undefined && Number(value) < min) || (max !== undefined && !(Number(value) <= max))) {
      return `must be from ${min ?? "any"} to ${max ?? "any"}`;
    }
    const bytes = Buffer.byteLength(value);
    if (minLength !== undefined && bytes < minLength) return `must have at least ${minLength} bytes, not ${bytes}`;
    if (maxLength !== undefined && bytes > maxLength) return `must have at most ${maxLength} bytes, not ${bytes}`;
    if (pattern !== undefined && !new RegExp(pattern).test(value)) return `must match ${pattern}`;
  }
  return undefined;
}

/** Paths of the inputs whose change replaces the resource. */
export function replacedPaths(type: string, olds: Properties, news: Properties): string[] {
  return changedPaths(index.types[type]?.inputs ?? {}, olds, news, "");
}

function changedPaths(shapes: Shapes, olds: Properties, news: Properties, prefix: string): string[] {
  return Object.entries(shapes).flatMap(([name, shape]) => {
    const [before, after] = [bare(olds[name]), bare(news[name])];
    if (isDeepStrictEqual(before, after)) return [];
    if (shape.replaces === true) return [`${prefix}${name}`];
    // A block that is dropped or added as a whole is judged by its own mark alone.
    if (shape.properties === undefined || shape.list === true || !isObject(before) || !isObject(after)) return [];
    return changedPaths(shape.properties, before, after, `${prefix}${name}.`);
  });
}

function bare(value: Value | undefined): Value {
  return value === undefined ? null : reveal(value);
}

function isAbsent(value: Value | undefined): boolean {
  return value === undefined || value === null;
}

function isObject(value: Value): value is Properties {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

function kindOf(value: Value): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : `a${typeof value === "object" ? "n" : ""} ${typeof value}`;
}

/** The name with the fewest single-letter edits from `name`. */
export function nearestName(name: string, known: readonly string[]): string {
  return closest(name, known);
}
