import type { Violation } from "../rule.ts";
import type { ToolCall } from "./tools.ts";

/** The commands of one script or guide, in order. */
export interface CommandsSubject {
  /** Exact version of the Cilium they are for. */
  readonly cilium: string;
  /** A violation's path starts with the index in this list. */
  readonly calls: readonly ToolCall[];
  /** The whole text, for rules that ask whether something is mentioned at all. */
  readonly text: string;
}

/** Violations of the calls that one tool gets; `undefined` for a call that is right. */
export function eachCall(
  { calls }: CommandsSubject,
  tool: string | readonly string[],
  judge: (call: ToolCall) => Omit<Violation, "path"> | readonly Omit<Violation, "path">[] | undefined,
): Violation[] {
  return calls.flatMap((call, index) => {
    if (typeof tool === "string" ? call.tool !== tool : !tool.includes(call.tool)) return [];
    const found = judge(call) ?? [];
    return (Array.isArray(found) ? found : [found]).map((each: Omit<Violation, "path">) => ({
      path: [index],
      ...each,
    }));
  });
}
