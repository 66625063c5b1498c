import type { EngineOptions } from "./entry.ts";

/** 18, 19 or 20 of Cilium 1.x. */
export function minorOf({ version }: Pick<EngineOptions, "version">): number {
  return Number(version.split(".")[1]);
}
