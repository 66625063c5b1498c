import { isIPv4 } from "node:net";
import { z } from "zod";
import type { NodeRecord } from "../cluster.ts";

const texts = z.record(z.string(), z.string().nullable());
/** The parts of a node that a merge patch may change here. */
const Patch = z.strictObject({
  metadata: z.strictObject({ labels: texts.optional(), annotations: texts.optional() }).optional(),
  spec: z
    .strictObject({
      podCIDR: z.string().optional(),
      podCIDRs: z.array(z.string()).optional(),
      unschedulable: z.boolean().nullable().optional(),
      providerID: z.string().optional(),
      taints: z
        .array(z.strictObject({ key: z.string(), value: z.string().optional(), effect: z.string() }))
        .nullable()
        .optional(),
    })
    .optional(),
});

/** Applies a merge patch; a string says why the API server refuses it. */
export function patchNode(node: NodeRecord, text: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return `unable to parse ${JSON.stringify(text)}: invalid character in JSON`;
  }
  const { data, error } = Patch.safeParse(document);
  if (data === undefined)
    return `error: the rehearsal does not play this patch: ${error?.issues[0]?.path.join(".") ?? ""}: ${error?.issues[0]?.message ?? ""}`;
  const { metadata, spec } = data;
  const block = spec?.podCIDR ?? spec?.podCIDRs?.[0];
  if (block !== undefined) {
    const problem = podCidrProblem(node, block, spec?.podCIDRs);
    if (problem !== undefined) return problem;
    node.podCIDR = block;
  }
  if (spec?.unschedulable !== undefined) node.unschedulable = spec.unschedulable === true;
  if (spec?.taints !== undefined) node.taints = spec.taints ?? [];
  merge(node.labels, metadata?.labels);
  merge(node.annotations, metadata?.annotations);
  return invalidLabels(node);
}

function podCidrProblem(
  { name, podCIDR }: NodeRecord,
  block: string,
  all: readonly string[] | undefined,
): string | undefined {
  const invalid = `The Node "${name}" is invalid: `;
  const [address = "", prefix = ""] = block.split("/");
  if (!isIPv4(address) || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32)
    return `${invalid}spec.podCIDRs[0]: Invalid value: "${block}": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`;
  if (all !== undefined && all[0] !== block)
    return `${invalid}spec.podCIDRs: Invalid value: node.spec.podCIDR must match the first of node.spec.podCIDRs`;
  if (podCIDR !== undefined && podCIDR !== block)
    return `${invalid}spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid`;
  return undefined;
}

function merge(target: Record<string, string>, patch: Readonly<Record<string, string | null>> | undefined): void {
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) delete target[key];
    else target[key] = value;
  }
}

/** `key=value` and `key-` words of `kubectl label` and `annotate`. */
export function editPairs(
  target: Record<string, string>,
  words: readonly string[],
  overwrite: boolean,
  what: string,
): string | undefined {
  for (const word of words) {
    if (word.endsWith("-") && !word.includes("=")) {
      delete target[word.slice(0, -1)];
      continue;
    }
    const at = word.indexOf("=");
    if (at < 1) return `error: at least one ${what} update is required`;
    const [key, value] = [word.slice(0, at), word.slice(at + 1)];
    if (target[key] !== undefined && target[key] !== value && !overwrite)
      return `error: '${key}' already has a value (${target[key]}), and --overwrite is false`;
    target[key] = value;
  }
  return undefined;
}

/** What the API server says of labels that are none. */
export function invalidLabels({ name, labels }: NodeRecord): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(key))
      return `The Node "${name}" is invalid: metadata.labels: Invalid value: "${key}": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
    if (value.length > 63 || !/^(([A-Za-z0-9][-\w.]*)?[A-Za-z0-9])?$/.test(value))
      return `The Node "${name}" is invalid: metadata.labels: Invalid value: "${value}": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
  }
  return undefined;
}

/** `key=value:Effect` and `key:Effect-` words of `kubectl taint`. */
export function editTaints(node: NodeRecord, words: readonly string[], overwrite: boolean): string | undefined {
  for (const word of words) {
    const gone = /^([^=:]+)(?:=[^:]*)?(?::(\w+))?-$/.exec(word);
    if (gone !== null) {
      const before = node.taints.length;
      node.taints = node.taints.filter(
        ({ key, effect }) => key !== gone[1] || (gone[2] !== undefined && effect !== gone[2]),
      );
      if (node.taints.length === before) return `error: taint "${word.slice(0, -1)}" not found`;
      continue;
    }
    const taint = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(word);
    if (taint === null) return `error: invalid taint spec: ${word}`;
    const [, key = "", value, effect = ""] = taint;
    if (node.taints.some((one) => one.key === key && one.effect === effect) && !overwrite)
      return `error: node ${node.name} already has ${key} taint(s) with same effect(s) and --overwrite is false`;
    node.taints = [
      ...node.taints.filter((one) => one.key !== key || one.effect !== effect),
      { key, ...(value === undefined ? {} : { value }), effect },
    ];
  }
  return undefined;
}
