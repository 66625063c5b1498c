import { isRecord } from "../config/untyped.ts";
import type { EffectiveValues } from "./effective-values.ts";

/** A `fail` or `required` of the charts 1.18.4 to 1.20.0 that values alone can trip. */
export interface ChartCheck {
  readonly template: string;
  /** The chart's wording, without its links. */
  readonly message: string;
  /** The key to change. */
  readonly path: string | ((values: EffectiveValues) => string);
  readonly fix: string;
  /** `key`: it refuses a key that was removed. `cluster`: it passes where the cluster has the kind that it looks for. */
  readonly because?: "key" | "cluster";
  /** Minors that have the check, e.g. `1.19`; all indexed ones without. */
  readonly first?: string;
  readonly last?: string;
  readonly when: (values: EffectiveValues) => boolean;
}

export const validate = "validate.yaml";

/** The mappings of a list or of a map. */
export function elements(value: unknown): Record<string, unknown>[] {
  const list = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
  return list.filter(isRecord);
}
