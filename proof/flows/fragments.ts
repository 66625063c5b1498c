import { clusterLabel, namespaceLabel, prefixed } from "../../components/cilium/policies/pods.ts";
import type { Direction, EngineOptions } from "../reachability/entry.ts";
import { blocksOf, type Means } from "./named-end.ts";
import type { FlowProtocol } from "./observation.ts";

/** A policy to add: it allows, and switches default deny on for nobody. */
export interface Fragment {
  readonly apiVersion: "cilium.io/v2";
  readonly kind: "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy";
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What one port needs: nothing more than to be open, or requests and lookups that its rules refuse. */
export interface PortNeed {
  readonly protocol: FlowProtocol;
  readonly port: number;
  readonly http: readonly { readonly method: string; readonly path: string }[];
  readonly dns: readonly string[];
}

export interface FragmentNeed {
  readonly name: string;
  readonly direction: Direction;
  readonly subject: Means;
  readonly peer: Means;
  readonly peerAddresses: ReadonlySet<string>;
  readonly ports: readonly PortNeed[];
}

/** Cilium takes 40 ports in one element of `toPorts` (`pkg/policy/api/rule_validation.go`). */
const portsOfOneElement = 40;

/** Reserved identities that are endpoints with policies of their own. */
const endpoints: readonly string[] = ["health", "ingress", "init"];

/**
 * The policy that lets what is needed pass on the subject's side.
 *
 * @param options  Of the subject's cluster.
 */
export function fragmentOf(need: FragmentNeed, options: EngineOptions): Fragment {
  const { direction, name, subject } = need;
  const peers = peersOf(need, options);
  const rules = [
    ...[toPorts(need.ports)].flatMap((ports) => (ports.length > 0 ? [{ ...peers, toPorts: ports }] : [])),
    ...[icmps(need.ports)].flatMap((fields) => (fields.length > 0 ? [{ ...peers, icmps: [{ fields }] }] : [])),
  ];
  const spec = { ...subjectOf(subject), enableDefaultDeny: { [direction]: false }, [direction]: rules };
  return subject.kind === "pods"
    ? {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { name, namespace: subject.namespace },
        spec,
      }
    : { apiVersion: "cilium.io/v2", kind: "CiliumClusterwideNetworkPolicy", metadata: { name }, spec };
}

function subjectOf(subject: Means): Readonly<Record<string, unknown>> {
  if (subject.kind === "pods") return { endpointSelector: selector(prefixed(subject.labels)) };
  const name = subject.kind === "entities" ? subject.names.find((each) => endpoints.includes(each)) : undefined;
  // The host firewall's policies name nodes; endpoints of Cilium's own have a reserved label.
  return name === undefined ? { nodeSelector: {} } : { endpointSelector: selector({ [`reserved:${name}`]: "" }) };
}

function peersOf(
  { direction, peer, peerAddresses, subject }: FragmentNeed,
  { cluster, policyDefaultLocalCluster }: EngineOptions,
): Readonly<Record<string, unknown>> {
  const side = direction === "ingress" ? "from" : "to";
  switch (peer.kind) {
    case "pods": {
      const inside = subject.kind === "pods" && subject.namespace === peer.namespace;
      const foreign = peer.cluster !== cluster;
      const labels = {
        ...(inside && !foreign ? {} : { [namespaceLabel]: peer.namespace }),
        // Without the label a selector means the local cluster, or every one.
        ...(foreign || !policyDefaultLocalCluster ? { [clusterLabel]: peer.cluster } : {}),
        ...prefixed(peer.labels),
      };
      return { [`${side}Endpoints`]: [selector(labels)] };
    }
    case "entities":
      return { [`${side}Entities`]: peer.names };
    case "names":
      return { toFQDNs: peer.names.map((matchName) => ({ matchName })) };
    case "addresses": {
      const blocks = blocksOf(peerAddresses);
      return blocks === undefined ? { [`${side}Entities`]: ["world"] } : { [`${side}CIDR`]: blocks };
    }
  }
}

function selector(matchLabels: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.keys(matchLabels).length === 0 ? {} : { matchLabels };
}

function toPorts(needs: readonly PortNeed[]): Record<string, unknown>[] {
  const ports = needs.filter(({ protocol }) => protocol !== "ICMP" && protocol !== "ICMPV6").toSorted(byPort);
  const plain = ports.filter(({ http, dns }) => http.length === 0 && dns.length === 0).map(portOf);
  const elements = Array.from({ length: Math.ceil(plain.length / portsOfOneElement) }, (_, index) => ({
    ports: plain.slice(index * portsOfOneElement, (index + 1) * portsOfOneElement),
  }));
  const looked = ports.flatMap((need) => [
    ...(need.http.length > 0 ? [{ ports: [portOf(need)], rules: { http: need.http } }] : []),
    ...(need.dns.length > 0
      ? [{ ports: [portOf(need)], rules: { dns: need.dns.map((matchName) => ({ matchName })) } }]
      : []),
  ]);
  return [...elements, ...looked];
}

function portOf({ port, protocol }: PortNeed): { readonly port: string; readonly protocol: string } {
  return { port: String(port), protocol };
}

function icmps(needs: readonly PortNeed[]): { readonly family: string; readonly type: number }[] {
  return needs.toSorted(byPort).flatMap(({ protocol, port }) => {
    if (protocol === "ICMP") return [{ family: "IPv4", type: port }];
    return protocol === "ICMPV6" ? [{ family: "IPv6", type: port }] : [];
  });
}

function byPort(one: PortNeed, other: PortNeed): number {
  return one.port - other.port || one.protocol.localeCompare(other.protocol);
}
