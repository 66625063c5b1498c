import type { Place } from "./classify.ts";
import { type Located, valueAt } from "./findings.ts";

/** Finds the lines of a part's violations. */
export function locator({ document, prefix }: Place): (path: readonly PropertyKey[]) => Located {
  return (path) => {
    const full = [...prefix, ...path];
    return { file: document.file, path: full, line: document.lineOf(full), value: valueAt(document.value, full) };
  };
}
