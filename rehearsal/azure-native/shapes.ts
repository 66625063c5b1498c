import { readFileSync } from "node:fs";
import { type Problem, type Properties, Secret, Unknown, type Value } from "../stand-in.ts";

/**
 * data/shapes.json, written by tools/azure-shapes.ts. A property's text is `[!]type[list or map][ least..most]`:
 * `!` for required; `string`, `number`, `boolean`, `any`, `@module.Type` or `#module.Enum`; `[]` or `{}`; a number's range.
 */
export interface ShapeFile {
  /** npm package to version. */
  readonly sources: Record<string, string>;
  /** Resource (`network:Subnet`) to the REST API version that the SDK calls. */
  readonly apiVersions: Record<string, string>;
  /** Resource or nested type (`network.SubResourceArgs`) to its properties. */
  readonly types: Record<string, { readonly properties: Record<string, string>; readOnly: string[] }>;
  readonly enums: Record<string, string[]>;
}

const file = JSON.parse(readFileSync(new URL("data/shapes.json", import.meta.url), "utf8")) as ShapeFile;

/** REST API version of a resource such as `network:Subnet`, as azure-native reports it in `azureApiVersion`. */
export function apiVersion(resource: string): string {
  return file.apiVersions[resource] ?? "";
}

/**
 * Everything wrong with the inputs of a resource such as `network:Subnet`, at any depth: unknown, read-only and missing
 * properties, wrong types, values outside an enum or range. Azure itself ignores the case of an enum; here the SDK's
 * spelling is asked for, so that later comparisons are exact. Unknown values (previews) pass.
 */
export function checkShape(resource: string, inputs: Properties): Problem[] {
  return checkObject(resource, inputs, "");
}

function checkObject(type: string, object: Properties, path: string): Problem[] {
  const shape = file.types[type];
  if (shape === undefined) throw new Error(`data/shapes.json has no ${type}; run tools/azure-shapes.ts`);
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const given = Object.entries(object).filter(([, value]) => value !== null);
  const names = new Set(given.map(([name]) => name));
  const missing = Object.entries(shape.properties)
    .filter(([name, field]) => field.startsWith("!") && !names.has(name))
    .map(([name]) => ({ property: at(name), reason: "is required" }));
  const wrong = given.flatMap(([name, value]): Problem[] => {
    const field = shape.properties[name];
    if (field !== undefined) return checkField(field.replace("!", ""), value, at(name));
    if (shape.readOnly.includes(name)) return [{ property: at(name), reason: "is set by Azure and cannot be given" }];
    return [{ property: at(name), reason: `is not a property here; ${suggest(name, Object.keys(shape.properties))}` }];
  });
  return [...missing, ...wrong];
}

function checkField(field: string, given: Value, path: string): Problem[] {
  const value = given instanceof Secret ? given.value : given;
  const [type = "", range] = field.split(" ");
  if (value instanceof Unknown || type === "any") return [];
  const expected = (what: string): Problem[] => [{ property: path, reason: `must be ${what}` }];
  if (type.endsWith("[]")) {
    if (!Array.isArray(value)) return expected("a list");
    return value.flatMap((part, index) => checkField(type.slice(0, -2), part, `${path}[${index}]`));
  }
  if (type.startsWith("@") || type.endsWith("{}")) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Secret)
      return expected("an object");
    if (type.startsWith("@")) return checkObject(type.slice(1), value, path);
    return Object.entries(value).flatMap(([key, part]) => checkField(type.slice(0, -2), part, `${path}.${key}`));
  }
  if (type.startsWith("#")) {
    const allowed = file.enums[type.slice(1)] ?? [];
    if (typeof value === "string" && allowed.includes(value)) return [];
    const near = typeof value === "string" ? ` ${suggest(value, allowed)}` : "";
    return expected(`one of ${allowed.join(", ")}${near === "" ? "" : `;${near}`}`);
  }
  if (typeof value !== type) return expected(`a ${type}`);
  if (range !== undefined && typeof value === "number") {
    const [least, most] = range.split("..");
    if (value < Number(least || -Infinity) || value > Number(most || Infinity)) return expected(`within ${range}`);
  }
  return [];
}

function suggest(wrong: string, names: readonly string[]): string {
  const distances = names.map((name) => ({ name, distance: editDistance(wrong.toLowerCase(), name.toLowerCase()) }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  return nearest === undefined ? "it takes none" : `did you mean "${nearest.name}"?`;
}

/** Least number of inserted, removed and changed characters between two words. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, letter] of from.split("").entries()) {
    const next = [line + 1];
    for (const [column, other] of to.split("").entries()) {
      const [above = 0, left = 0, corner = 0] = [row[column + 1], next[column], row[column]];
      next.push(Math.min(above + 1, left + 1, corner + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
