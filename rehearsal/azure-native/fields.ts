import type { Json, JsonObject } from "../world.ts";

/** The value at a path such as `sku.name`; `undefined` when any step is missing. */
export function at(root: Json | undefined, path: string): Json | undefined {
  return path.split(".").reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), root);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at a path, or an empty one. */
export function objectAt(root: Json | undefined, path: string): JsonObject {
  const value = at(root, path);
  return isObject(value) ? value : {};
}

/** The text at a path; `undefined` when there is none or it is empty. */
export function textAt(root: Json | undefined, path: string): string | undefined {
  const value = at(root, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The number at a path. */
export function numberAt(root: Json | undefined, path: string): number | undefined {
  const value = at(root, path);
  return typeof value === "number" ? value : undefined;
}

/** Whether the path holds `true`. */
export function flagAt(root: Json | undefined, path: string): boolean {
  return at(root, path) === true;
}

/** The objects of a list at a path; empty when there is no list. */
export function objectsAt(root: Json | undefined, path: string): JsonObject[] {
  const value = at(root, path);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The texts of a list at a path; empty when there is no list. */
export function textsAt(root: Json | undefined, path: string): string[] {
  const value = at(root, path);
  return Array.isArray(value) ? value.filter((part) => typeof part === "string") : [];
}

/** The `id` of a reference or child; empty when it has none. */
export function idOf(object: Json | undefined): string {
  return textAt(object, "id") ?? "";
}

/** The `id` of every object in a list at a path. */
export function idsAt(root: Json | undefined, path: string): string[] {
  return objectsAt(root, path).flatMap((part) => textAt(part, "id") ?? []);
}
