import type { PodPorts, PodSelector } from "../../config/policies.ts";

/** How policies name pods and ports. Labels carry their source `k8s`, so that none of another source is meant by accident. */

export const namespaceLabel = "k8s:io.kubernetes.pod.namespace";
export const clusterLabel = "k8s:io.cilium.k8s.policy.cluster";
export const serviceAccountLabel = "k8s:io.cilium.k8s.policy.serviceaccount";

/** A LabelSelector as Cilium's policies take it. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values?: readonly string[];
  }[];
}

/**
 * Every pod, as a peer of a cluster-wide policy: Cilium adds that it has a namespace, which its own endpoints do not, and is of this cluster
 * (`pkg/k8s/apis/cilium.io/utils/utils.go`, getEndpointSelector).
 */
export const everyPod: Selector = {};

/** Pods for a policy without a namespace of its own, or as peers from anywhere. */
export function pods({ namespace, labels }: PodSelector, cluster?: string): { matchLabels: Record<string, string> } {
  return {
    matchLabels: {
      [namespaceLabel]: namespace,
      ...(cluster === undefined ? {} : { [clusterLabel]: cluster }),
      ...prefixed(labels),
    },
  };
}

/** Labels alone, for the subject of a policy inside their namespace. */
export function prefixed(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [`k8s:${key}`, value]));
}

/** One element of `ports`, as the CRD has it. */
export interface Port {
  readonly port: string;
  readonly endPort?: number;
  readonly protocol: string;
}

/** `443/TCP`, `8000-8010/UDP` as elements of `ports`. */
export function portList(texts: PodPorts["ports"]): Port[] {
  return texts.map((text) => {
    const [range = "", protocol = ""] = text.split("/");
    const [first = "", last] = range.split("-");
    return { port: first, ...(last === undefined ? {} : { endPort: Number(last) }), protocol };
  });
}

/** A TCP port or a range as the only element of `toPorts`. */
export function toPorts(range: number | readonly [number, number]): { ports: Port[] }[] {
  const [first, last] = typeof range === "number" ? [range, range] : range;
  return [{ ports: [{ port: String(first), ...(first === last ? {} : { endPort: last }), protocol: "TCP" }] }];
}
