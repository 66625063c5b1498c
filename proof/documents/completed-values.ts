import { helmCall } from "./helm-set.ts";
import type { Source } from "./source.ts";
import { flagValues, hasFlag, toolCalls } from "./tools.ts";

/** Names, without folders, of values files that a command of this script completes: by `--set`, or by a second file. */
export function filesCompletedBySet({ commands }: Pick<Source, "commands">): string[] {
  return commands.flatMap(toolCalls).flatMap((call) => {
    if (helmCall(call) === undefined) return [];
    const files = flagValues(call, "-f", "--values").flatMap((each) => each.split(","));
    const completed = files.length > 1 || hasFlag(call, "--set", "--set-string", "--set-json", "--reuse-values");
    return completed ? files.map((file) => file.slice(file.lastIndexOf("/") + 1)) : [];
  });
}
