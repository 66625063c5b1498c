import type { Finding } from "../components/config/finding.ts";
import type { PlannedStack } from "./recorded.ts";
import { cloudRules } from "./rules/cloud-resources.ts";
import type { ResourceRule } from "./rules/each-resource.ts";
import { resourceRules } from "./rules/resources.ts";

/** A resource as the engine records it; secrets are envelopes, `{"4dabf18193072939515e22adb298388d": ..}`. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  /** What other resources' inputs refer to it by, where it is known. */
  readonly id?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Whether the engine refuses to delete it. */
  readonly protect?: boolean;
  /** Seconds that the engine waits for a creation, where it is not left to the provider. */
  readonly createTimeoutSeconds?: number;
}

/** Every rule on resources. */
export const allResourceRules: readonly ResourceRule[] = [...resourceRules, ...cloudRules];

/** Everything that is wrong with the resources of a stack, one line each that names the resource. Pure. */
export function resourceProblems(resources: readonly RecordedResource[]): string[] {
  return allResourceRules.flatMap(({ check }) => check(resources).map(({ message, fix }) => `${message} ${fix}`));
}

/** The same of a plan, as findings of the stack file whose program would register the resource. Pure. */
export function judgeResources(stacks: readonly PlannedStack[]): Finding[] {
  const all = stacks.flatMap(({ file, resources }) => resources.map((resource) => ({ file: file.file, resource })));
  const resources = all.map(({ resource }) => resource);
  return allResourceRules.flatMap(({ code, severity, check }) =>
    check(resources).flatMap(({ path, message, fix }): Finding[] => {
      const found = all[Number(path[0])];
      return found ? [{ code, severity, file: found.file, path: "", message, fix }] : [];
    }),
  );
}
