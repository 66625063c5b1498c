import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { formatAddress, parseBlock } from "../aws/ipv4.ts";
import type { ClusterNode } from "../kubernetes/cluster.ts";
import type { Packet } from "../packet.ts";

/** One packet that must get through, and the one that answers it. */
export interface Flow {
  /** Who speaks to whom about what, e.g. `prod-seoul-app-0 to prod-seoul-control-0, kubelet`. */
  readonly name: string;
  readonly packet: Packet;
  readonly reply: Packet;
  /** Private address of the machine that should get the packet; absent when any of several may. */
  readonly receiver?: string;
  /** The same for the reply. */
  readonly sender?: string;
}

/** What every node says to every other in one direction. */
type Talk = Omit<Packet, "from" | "source" | "to" | "reply"> & {
  readonly about: string;
  /** Its ends: the node itself, or a pod on it. A node's own address unless said otherwise. */
  readonly source?: "pod";
  readonly to?: "pod";
  readonly from?: "control-plane" | "worker";
  readonly at?: "control-plane" | "worker";
  /** Only within a cluster. */
  readonly local?: true;
  /** Only routes count: what comes through firewalls depends on what is asked for. */
  readonly routed?: true;
};

/** What a cluster is, as far as its traffic is concerned. */
export interface Speaker {
  readonly nodes: readonly ClusterNode[];
  readonly values: EffectiveValues;
}

/**
 * What Kubernetes and Cilium send between nodes (kubernetes.io/docs/reference/networking/ports-and-protocols; Cilium
 * Documentation/operations/system_requirements.rst). Pods that speak to load balancers and the world have their node's
 * address; to nodes they keep their own where routing is native.
 */
function talks(values: EffectiveValues): Talk[] {
  const port = (path: string, otherwise: number): number => Number(values.text(path) || otherwise);
  const kubernetes: Talk[] = [
    { about: "API server", protocol: "tcp", port: 6443, at: "control-plane", local: true },
    { about: "etcd clients", protocol: "tcp", port: 2379, from: "control-plane", at: "control-plane", local: true },
    { about: "etcd peers", protocol: "tcp", port: 2380, from: "control-plane", at: "control-plane", local: true },
    { about: "kubelet", protocol: "tcp", port: 10_250, from: "control-plane", local: true },
  ];
  const cilium: Talk[] = [
    { about: "Cilium health", protocol: "tcp", port: port("clusterHealthPort", 4240) },
    { about: "Cilium health", protocol: "icmp", icmp: [8, 0] },
    { about: "path MTU discovery", protocol: "icmp", icmp: [3, 4] },
  ];
  const relay = values.on("hubble.enabled") && values.on("hubble.relay.enabled");
  const observed: Talk[] = [
    ...(relay
      ? [
          {
            about: "Hubble",
            protocol: "tcp",
            port: port("hubble.peerService.targetPort", 4244),
            from: "worker",
            local: true,
          } as const,
        ]
      : []),
    ...metrics
      .filter(({ on }) => on.every((path) => values.on(path)))
      .map(
        ({ about, path, otherwise }): Talk => ({
          about,
          protocol: "tcp",
          port: port(path, otherwise),
          from: "worker",
          local: true,
        }),
      ),
  ];
  const fromPods =
    values.text("routingMode") === "native"
      ? [...kubernetes, ...observed]
          .filter(({ about }) => !about.startsWith("etcd"))
          .map((talk): Talk => ({ ...talk, about: `${talk.about} from pods`, from: "worker", source: "pod" }))
      : [];
  return [...kubernetes, ...cilium, ...observed, ...fromPods, ...carriage(values)];
}

/** Metrics that each node's agent, operator, Envoy and Hubble offer to a Prometheus on some worker. */
const metrics: readonly { about: string; on: readonly string[]; path: string; otherwise: number }[] = [
  { about: "agent metrics", on: ["prometheus.enabled"], path: "prometheus.port", otherwise: 9962 },
  { about: "operator metrics", on: ["operator.prometheus.enabled"], path: "operator.prometheus.port", otherwise: 9963 },
  {
    about: "Envoy metrics",
    on: ["envoy.enabled", "envoy.prometheus.enabled"],
    path: "envoy.prometheus.port",
    otherwise: 9964,
  },
  {
    about: "Hubble metrics",
    on: ["hubble.enabled", "hubble.metrics.enabled"],
    path: "hubble.metrics.port",
    otherwise: 9965,
  },
];

/** How pods' packets travel, by encryption and routing mode. */
function carriage(values: EffectiveValues): Talk[] {
  const native = values.text("routingMode") === "native";
  // Hosts' packets to pods (webhooks, probes, NodePorts) are routed in clear whatever encrypts pods.
  const hosts: Talk[] = native
    ? [
        { about: "routes to pods", protocol: "tcp", port: 8443, to: "pod", routed: true },
        { about: "host to pods", protocol: "tcp", port: 8443, to: "pod", at: "worker" },
      ]
    : [];
  if (values.on("encryption.enabled") && values.text("encryption.type") === "wireguard")
    return [{ about: "WireGuard", protocol: "udp", port: 51_871 }, ...hosts];
  if (values.on("encryption.enabled") && values.text("encryption.type") === "ipsec")
    // Natively the outer addresses are those of cilium_host, out of the node's pod block.
    return native
      ? [{ about: "IPsec", protocol: "esp", source: "pod", to: "pod" }, ...hosts]
      : [{ about: "IPsec", protocol: "esp" }];
  if (!native) {
    const geneve = values.text("tunnelProtocol") === "geneve";
    return [{ about: geneve ? "Geneve" : "VXLAN", protocol: "udp", port: geneve ? 6081 : 8472 }];
  }
  return [
    { about: "pods", protocol: "tcp", port: 8080, source: "pod", to: "pod" },
    { about: "pods", protocol: "udp", port: 5353, source: "pod", to: "pod" },
    ...hosts,
  ];
}

/** What the nodes of `own` say to those of `other`, which is the same cluster or a peer. `pairs` says which of them to ask about. */
export function nodeFlows(
  own: Speaker,
  other: Speaker,
  pairs: readonly (readonly [ClusterNode, ClusterNode])[],
): Flow[] {
  const list = talks(own.values).filter(({ local }) => own === other || local === undefined);
  return pairs.flatMap(([from, to]) =>
    list.filter((talk) => plays(from, talk.from) && plays(to, talk.at)).flatMap((talk) => flowOf(talk, from, to)),
  );
}

function plays({ controlPlane }: ClusterNode, role: Talk["from"]): boolean {
  return role === undefined || controlPlane === (role === "control-plane");
}

function flowOf(talk: Talk, from: ClusterNode, to: ClusterNode): Flow[] {
  const { about, protocol, port, icmp } = talk;
  const source = talk.source === "pod" ? podOf(from) : from.address;
  const destination = talk.to === "pod" ? podOf(to) : to.address;
  // Without a block of its own a node has no pods; readiness says so elsewhere.
  if (source === undefined || destination === undefined) return [];
  const what = { protocol, ...(port === undefined ? {} : { port }), ...(icmp === undefined ? {} : { icmp }) };
  const ends = [talk.source === "pod" ? podsOf(from) : from.name, talk.to === "pod" ? podsOf(to) : to.name];
  return [
    {
      name: `${ends.join(" to ")}, ${about}`,
      packet: {
        from: from.address,
        source,
        to: destination,
        ...what,
        ...(talk.routed ? { reply: true as const } : {}),
      },
      reply: { from: to.address, source: destination, to: source, ...what, reply: true },
      receiver: to.address,
      sender: from.address,
    },
  ];
}

function podsOf({ name, podCidr }: ClusterNode): string {
  return `pods of ${name} (${podCidr ?? ""})`;
}

/** An address out of the node's pod block. */
function podOf({ podCidr }: ClusterNode): string | undefined {
  const block = parseBlock(podCidr ?? "");
  return block && formatAddress(block.first + 10);
}

/** A TCP connection from a machine to an address: a load balancer's front end, another machine, somebody outside. */
export function connection(
  from: Pick<ClusterNode, "name" | "address">,
  address: string,
  port: number,
  about: string,
): Flow {
  const what = { protocol: "tcp", port } as const;
  return {
    name: `${from.name} to ${address}, ${about}`,
    packet: { from: from.address, to: address, ...what },
    reply: { from: address, to: from.address, ...what, reply: true },
  };
}

/** Enough pairs of nodes to find every fault: each node with one of every class, both ways. */
export function pairsOf(
  own: readonly ClusterNode[],
  others: readonly ClusterNode[],
  classOf: (node: ClusterNode) => string,
): [ClusterNode, ClusterNode][] {
  const pairs = new Map<string, [ClusterNode, ClusterNode]>();
  const add = (from: ClusterNode, to: ClusterNode): void => {
    if (from.address !== to.address) pairs.set(`${from.address} ${to.address}`, [from, to]);
  };
  const samples = (nodes: readonly ClusterNode[], not: ClusterNode): ClusterNode[] => [
    ...new Map(nodes.filter(({ address }) => address !== not.address).map((node) => [classOf(node), node])).values(),
  ];
  for (const from of own) for (const to of samples(others, from)) add(from, to);
  for (const to of others) for (const from of samples(own, to)) add(from, to);
  return [...pairs.values()];
}
