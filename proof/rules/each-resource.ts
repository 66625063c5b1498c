import type { RecordedResource } from "../resources.ts";
import type { Rule, Violation } from "../rule.ts";

/** A rule on all resources of a stack, or of a plan. A violation's path starts with the index of the resource in the list. */
export type ResourceRule = Rule<readonly RecordedResource[]>;

type Wrong = Pick<Violation, "message" | "fix">;

/** @param message  What the resource is or does, without its name: `is not protected.` */
export function wrong(message: string, fix: string): Wrong {
  return { message, fix };
}

/** A rule that looks at one resource of certain types at a time. */
export function each({
  types,
  check,
  ...described
}: Omit<ResourceRule, "check"> & {
  /** Type tokens it is about. */
  readonly types: readonly string[];
  readonly check: (resource: RecordedResource) => readonly Wrong[];
}): ResourceRule {
  return {
    ...described,
    check: (resources) =>
      resources.flatMap((resource, index) =>
        types.includes(resource.type) ? check(resource).map((found) => at(index, resource, found)) : [],
      ),
  };
}

/** A violation that names its resource. */
export function at(index: number, { name, type }: RecordedResource, { message, fix }: Wrong): Violation {
  return { path: [index], message: `${name} (${type}): ${message}`, fix };
}
