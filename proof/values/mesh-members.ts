import { isRecord } from "../../components/config/untyped.ts";
import type { Settings } from "./settings.ts";

/** One entry of `clustermesh.config.clusters`, where it stands and what it is called. */
export interface Member {
  readonly steps: readonly (string | number)[];
  /** `undefined` in a list whose entry has none. */
  readonly name: string | undefined;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Where a cluster names the others. */
export const clusters = "clustermesh.config.clusters";

/** Every entry that is not switched off, of the list or of the map. */
export function members(settings: Settings): Member[] {
  const given = settings.given(clusters);
  const entries: [string | number, unknown][] = Array.isArray(given)
    ? [...given.entries()]
    : isRecord(given)
      ? Object.entries(given)
      : [];
  return entries.flatMap(([key, entry]) => {
    if (!isRecord(entry) || entry.enabled === false) return [];
    const name = typeof key === "string" ? key : entry.name;
    return [{ steps: [...clusters.split("."), key], name: typeof name === "string" ? name : undefined, entry }];
  });
}
