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
