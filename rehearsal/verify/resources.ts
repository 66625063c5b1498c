import { resourceProblems } from "../../proof/resources.ts";
import { nameOf } from "../critical-path.ts";
import type { DeployedResource } from "../stacks.ts";

/** What no resource of a stack may be, asked of its state. */
export function stateProblems(stack: string, resources: readonly DeployedResource[]): string[] {
  const recorded = resources.map(({ urn, type, inputs = {}, outputs = {}, protect = false, customTimeouts }) => ({
    type,
    name: nameOf(urn),
    inputs,
    outputs,
    protect,
    ...(customTimeouts?.create === undefined ? {} : { createTimeoutSeconds: customTimeouts.create }),
  }));
  return resourceProblems(recorded).map((problem) => `${stack}: ${problem}`);
}
