import type { Finding } from "../components/config/finding.ts";
import { isRecord, record } from "../components/config/untyped.ts";
import { objectRules } from "./documents/rule-lists.ts";
import type { PlannedStack } from "./recorded.ts";
import { text, unwrapped } from "./recorded-inputs.ts";
import type { KubernetesObject, ObjectsSubject } from "./rule.ts";

/** A program makes routes and no applications: the Services that they name come from elsewhere. */
const rules = objectRules.filter(({ code }) => code !== "GB-1416");

/**
 * What is wrong with the Kubernetes objects that each site's program would register, given the values of its own Cilium release. Pure.
 *
 * An adopted cluster holds objects that nobody has shown, so nothing is said about what it may lack.
 */
export function judgeObjects(stacks: readonly PlannedStack[]): Finding[] {
  return stacks.flatMap(({ file, resources }) => {
    if (file.kind !== "site") return [];
    const ours = resources.filter(({ type }) => type.startsWith("kubernetes:"));
    const objects = ours.flatMap(({ inputs }) => (typeof inputs.apiVersion === "string" ? [opened(inputs)] : []));
    const release = ours.find(({ type }) => type === "kubernetes:helm.sh/v3:Release");
    const values = record(unwrapped(release?.inputs.values));
    const complete = file.spec.platform !== "existing";
    const subject: ObjectsSubject = { cilium: file.spec.cilium.version, objects, values, complete };
    return rules.flatMap(({ code, severity, check }) =>
      check(subject).map(({ path: [index, ...path], message, fix }): Finding => {
        const object = objects[Number(index)] ?? {};
        const place = `${text(object.kind)} ${text(record(object.metadata).name)}, ${path.map(String).join(".")}`;
        return { code, severity, file: file.file, path: "gyeongbu:site", message: `${place}: ${message}`, fix };
      }),
    );
  });
}

/** Secret parts in clear: rules ask how long a password is, and print none. */
function opened(value: Readonly<Record<string, unknown>>): KubernetesObject {
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inClear(part)]));
}

function inClear(value: unknown): unknown {
  const inner = unwrapped(value);
  if (Array.isArray(inner)) return inner.map(inClear);
  return isRecord(inner) ? opened(inner) : inner;
}
