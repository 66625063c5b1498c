import type { StackFile } from "../components/config/parse.ts";
import type { RecordedResource } from "./resources.ts";

/** A resource that the program of a stack would register, as `components/record.ts` writes it down. */
export interface PlannedResource extends RecordedResource {
  /** What other resources' inputs refer to it by; unique over all stacks of a plan. */
  readonly id: string;
  /** Logical name of its parent component; empty at the top. */
  readonly parent: string;
}

/** One stack of a plan: its file and what its program would register. */
export interface PlannedStack {
  readonly file: StackFile;
  readonly resources: readonly PlannedResource[];
}

/** Outputs in which a cloud hands out a public address. */
export type AddressOutput = "ipAddress" | "publicIp" | "tunnel1Address" | "tunnel2Address";

/**
 * Stands for an address that only a cloud hands out: out of 240.0.0.0/4, which nobody is given, and another one for each resource and
 * output (FNV-1a of both; two of a plan's hundred share one once in 50,000 plans).
 */
export function plannedAddress(id: string, output: AddressOutput): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${id} ${output}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [240 + (hash >>> 28), (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255].join(".");
}
