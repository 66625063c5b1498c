import type { L4Protocol, Label } from "./entry.ts";
import { clusterKey, namespaceKey, namespaceLabelsKey, splitKey } from "./labels.ts";

/** Where a port's name leads in one pod. */
export interface NamedPort {
  /** 1 to 65535. */
  readonly port: number;
  readonly protocol: L4Protocol;
}

/** One end of a conversation, as policies see it: by its labels. */
export interface Party {
  /** Shown to people: `payments/api-0`, `world`, `203.0.113.9`. */
  readonly name: string;
  /** One label per key, as in Cilium's identities. */
  readonly labels: readonly Label[];
  /** By the port's name in small letters. */
  readonly namedPorts?: Readonly<Record<string, NamedPort>>;
}

/** Who is neither a pod nor known by an address (`pkg/identity/numericidentity.go`). */
export const reservedNames = [
  "world",
  "host",
  "remote-node",
  "kube-apiserver",
  "health",
  "init",
  "ingress",
  "unmanaged",
] as const;

/** What Cilium writes before such a name in a label. */
export const reservedPrefix = /^reserved:/;

export type ReservedName = (typeof reservedNames)[number];

export function isReservedName(text: string): text is ReservedName {
  return reservedNames.some((name) => name === text);
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** `default` where nobody chose one. */
  readonly serviceAccount?: string;
  /** Name of its cluster. */
  readonly cluster: string;
  readonly namedPorts?: Readonly<Record<string, NamedPort>>;
}

/** A pod with the labels of its identity (`pkg/k8s/utils`, SanitizePodLabels); labels of Cilium's own names are not the pod's to choose. */
export function podParty(pod: Pod): Party {
  const own = Object.entries(pod.labels ?? {}).filter(([key]) => !key.startsWith("io.cilium.k8s"));
  // The API server gives every namespace a label with its name.
  const namespaceLabels = { "kubernetes.io/metadata.name": pod.namespace, ...pod.namespaceLabels };
  const labels = {
    ...Object.fromEntries(own),
    ...Object.fromEntries(
      Object.entries(namespaceLabels).map(([key, value]) => [`${namespaceLabelsKey}.${key}`, value]),
    ),
    [namespaceKey]: pod.namespace,
    [clusterKey]: pod.cluster,
    "io.cilium.k8s.policy.serviceaccount": pod.serviceAccount ?? "default",
  };
  return { name: `${pod.namespace}/${pod.name}`, labels: fromKubernetes(labels), ...namedPorts(pod.namedPorts) };
}

/** A reserved identity; a node may carry its Kubernetes labels, which `nodeSelector` looks at. */
export function reservedParty(name: ReservedName, labels: Readonly<Record<string, string>> = {}): Party {
  const names = name === "kube-apiserver" ? [name, "remote-node"] : [name];
  return { name, labels: [...fromKubernetes(labels), ...names.map(reservedLabel)] };
}

/**
 * An address, or a block of them as Cilium's identity of a prefix, outside of the cluster.
 *
 * @param fqdns  Names whose lookups gave the address.
 */
export function addressParty(address: string, fqdns: readonly string[] = []): Party {
  const isIpv6 = address.includes(":");
  const block = address.includes("/") ? address : `${address}/${isIpv6 ? 128 : 32}`;
  return {
    name: address,
    labels: [
      { source: "cidr", key: block, value: "" },
      ...fqdns.map((fqdn) => ({ source: "fqdn", key: fqdn, value: "" })),
      // Cilium's own default has both address families on.
      reservedLabel(isIpv6 ? "world-ipv6" : "world-ipv4"),
    ],
  };
}

/** The longest value that Kubernetes allows for a label. */
const maxValue = 63;

/**
 * From 1.20 on a pod's named ports are part of its identity, as labels that the agent generates: `http.TCP.80_metrics.TCP.9090`
 * (`pkg/k8s/labels.go`, NamedPortsIdentityLabels).
 */
export function namedPortLabels({ namedPorts: ports = {} }: Party): Label[] {
  const parts = Object.entries(ports)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { port, protocol }]) => `${name}.${protocol}.${port}`);
  const values: string[] = [];
  for (const part of parts) {
    const last = values.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= maxValue) values[values.length - 1] = `${last}_${part}`;
    else values.push(part);
  }
  return values.map((value, index) => ({
    source: "gen",
    key: `io.cilium.k8s.named-ports${index === 0 ? "" : `-${index}`}`,
    value,
  }));
}

/** An address outside that nobody knows, but for the names whose lookups gave it. */
export function namedParty(name: string, fqdns: readonly string[]): Party {
  const labels = fqdns.map((fqdn) => ({ source: "fqdn", key: fqdn, value: "" }));
  return { name, labels: [...labels, reservedLabel("world-ipv4")] };
}

/** Whether a label of this reserved name is there. */
export function isReserved({ labels }: Party, name: string): boolean {
  return labels.some(({ source, key }) => source === "reserved" && key === name);
}

/** The value of a label from Kubernetes. */
export function kubernetesLabel({ labels }: Party, wanted: string): string | undefined {
  return labels.find(({ source, key }) => source === "k8s" && key === wanted)?.value;
}

function reservedLabel(key: string): Label {
  return { source: "reserved", key, value: "" };
}

function fromKubernetes(labels: Readonly<Record<string, string>>): Label[] {
  return Object.entries(labels).map(([key, value]) => ({ ...splitKey(key, "k8s"), source: "k8s", value }));
}

function namedPorts(ports: Pod["namedPorts"]): Pick<Party, "namedPorts"> {
  if (ports === undefined) return {};
  return { namedPorts: Object.fromEntries(Object.entries(ports).map(([name, port]) => [name.toLowerCase(), port])) };
}
