import type { PodSelector } from "../../config/policies.ts";
import { withoutDefaultDeny } from "./phases.ts";
import { pods } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/** In front of every cluster-wide policy of ours, so that none of the customer's has its name. */
const prefix = "gyeongbu-";

/** A cluster-wide policy that adds what it allows and denies nobody anything. */
export function allow(name: string, spec: PolicyObject["spec"]): PolicyObject {
  return clusterwide(name, withoutDefaultDeny(spec));
}

export function clusterwide(name: string, spec: PolicyObject["spec"]): PolicyObject {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumClusterwideNetworkPolicy",
    metadata: { name: `${prefix}${name}` },
    spec,
  };
}

/** One policy for each subject of a list, with what all of its items say. */
export function allowEach<Item extends PodSelector>(
  name: string,
  items: readonly Item[],
  spec: (items: Item[]) => PolicyObject["spec"],
): PolicyObject[] {
  const bySubject = Map.groupBy(items, (item) => subjectName(item));
  return [...bySubject].flatMap(([suffix, alike]) => {
    const [first] = alike;
    return first ? [allow(`${name}.${suffix}`, { endpointSelector: pods(first), ...spec(alike) })] : [];
  });
}

/**
 * Stable, short, and another one for each selector: the namespace, and after a dot, which no namespace has, eight hex digits of its labels
 * (FNV-1a).
 */
export function subjectName({ namespace, labels }: PodSelector): string {
  const sorted = Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (sorted.length === 0) return namespace;
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(sorted))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${namespace}.${hash.toString(16).padStart(8, "0")}`;
}
