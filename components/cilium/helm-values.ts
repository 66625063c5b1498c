/** A value tree as Helm takes it. */
export type HelmValue = null | boolean | number | string | readonly HelmValue[] | HelmValues;
export interface HelmValues {
  readonly [key: string]: HelmValue;
}

/** A tree whose leaves may also be what a stack file holds, or an Output. */
export type Tree = Readonly<Record<string, unknown>>;

/**
 * Helm's own rule for `-f a -f b`: maps merge key by key, anything else (lists too) is replaced by the later tree.
 *
 * `mergeValues({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] } })` is `{ a: { b: 1, c: [3] } }`.
 */
export function mergeValues(...trees: readonly Tree[]): Tree {
  const merged = new Map<string, unknown>();
  for (const [key, value] of trees.flatMap((tree) => Object.entries(tree))) {
    const base = merged.get(key);
    merged.set(key, isMap(base) && isMap(value) ? mergeValues(base, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Plain objects only: an Output is a leaf. */
function isMap(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
