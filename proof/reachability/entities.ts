import type { Selector } from "./entry.ts";
import { clusterKey, equals, exists } from "./labels.ts";

const reserved = (name: string): Selector => ({ kind: "labels", requirements: [equals("reserved", name, "")] });

/** What is in a cluster apart from its pods. */
const machinery = ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"].map(reserved);

const fixed: Readonly<Record<string, readonly Selector[]>> = {
  all: [{ kind: "labels", requirements: [] }],
  // An address outside carries one of the three, by the address families that the cluster has.
  world: ["world", "world-ipv4", "world-ipv6"].map(reserved),
  "cluster-mesh": [...machinery, { kind: "labels", requirements: [exists("any", clusterKey)] }],
  ...Object.fromEntries(
    ["host", "init", "ingress", "remote-node", "health", "unmanaged", "none", "kube-apiserver"].map((name) => [
      name,
      [reserved(name)],
    ]),
  ),
};

/**
 * Whom an entity means, as labels (`pkg/policy/api/entity.go`). The API server takes no other names.
 *
 * @param cluster  Name of the cluster whose agents decide.
 */
export function entitySelectors(entity: string, cluster: string): readonly Selector[] {
  return entity === "cluster"
    ? [...machinery, { kind: "labels", requirements: [equals("k8s", clusterKey, cluster)] }]
    : (fixed[entity] ?? []);
}
