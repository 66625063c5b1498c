import type { SiteSpec } from "../config/schema.ts";

/**
 * The port table: the only place a port is written. Security groups, NSGs, proofs and documents derive from it.
 *
 * Sources: Cilium `Documentation/operations/system_requirements.rst` and chart values 1.20; kubernetes.io/docs/reference/networking/ports-and-protocols.
 */
export const ports = {
  ssh: 22,
  /** Not 6443 at the front: a proxy on a control plane shares the machine with its API server. */
  api: { frontend: 8443, backend: 6443 },
  /** clustermesh-apiserver's etcd; the NodePort is the chart's default. */
  mesh: { frontend: 2379, backend: 32_379 },
  etcd: [2379, 2380],
  kubelet: 10_250,
  health: 4240,
  hubble: 4244,
  hubbleRelay: 4245,
  wireguard: 51_871,
  vxlan: 8472,
  geneve: 6081,
  /** Agent, operator, Envoy, Hubble. */
  metrics: [9962, 9965],
  bgp: 179,
} as const;

/** A machine role of a site that a firewall group stands for. */
export type FirewallGroup = "control-plane" | "worker" | "bastion" | "api-load-balancer" | "mesh-load-balancer";

/**
 * Who speaks: a firewall group of this site, all its `node`s, its `pod`s (`worker-pod`: those on workers only), the same of its peers,
 * or someone outside.
 */
export type Party =
  | FirewallGroup
  | "node"
  | "pod"
  | "worker-pod"
  | "peer-node"
  | "peer-pod"
  | "peer-mesh"
  | "admin"
  | "jump-host"
  | "tor"
  | "world";

/** IANA names; `any` is every protocol. */
export type Protocol = "tcp" | "udp" | "icmp" | "esp" | "any";

export interface PortRow {
  /** Stable name, shown in rule descriptions and proofs. */
  readonly id: string;
  readonly protocol: Protocol;
  /** First and last port; for ICMP, type and code (-1: every code). Absent: all. */
  readonly range?: readonly [number, number];
  readonly from: Party;
  readonly to: Party;
  readonly when?: (site: SiteSpec) => boolean;
}

const inMesh = (site: SiteSpec) => site.mesh !== undefined;
const encrypted = (type: SiteSpec["cilium"]["encryption"]) => (site: SiteSpec) => site.cilium.encryption === type;
const routed = (mode: SiteSpec["cilium"]["routing"]) => (site: SiteSpec) => site.cilium.routing === mode;
const plainNative = (site: SiteSpec) => site.cilium.routing === "native" && site.cilium.encryption === "none";
const native = routed("native");
const hasNat = (site: SiteSpec) => (site.platform === "aws" || site.platform === "azure") && site.egress === "nat";
const one = (port: number) => [port, port] as const;

/** Type 3, code 4: fragmentation needed. Dropping it turns a small MTU into a black hole. */
const fragmentationNeeded = [3, 4] as const;
const echoRequest = [8, -1] as const;
/** Pods that hosts call (webhooks, mesh, ingress backends) listen here; lower ports would open a node's SSH where rules know no pods. */
const unprivileged = [1024, 65_535] as const;

/** Rows that hold inside a site and between members of the mesh alike. */
function among(own: Party, peer: Party, row: Omit<PortRow, "from" | "to">): PortRow[] {
  const { when = () => true } = row;
  return [
    { ...row, from: own, to: own },
    { ...row, id: `${row.id}-from-peer`, from: peer, to: own, when: (site) => inMesh(site) && when(site) },
    { ...row, id: `${row.id}-to-peer`, from: own, to: peer, when: (site) => inMesh(site) && when(site) },
  ];
}
const amongNodes = (row: Omit<PortRow, "from" | "to">) => among("node", "peer-node", row);
const amongPods = (row: Omit<PortRow, "from" | "to">) => among("pod", "peer-pod", row);

/**
 * Every flow a site needs, and no other. Replies are not listed: all firewalls in question are stateful.
 *
 * Pods reach load balancers and everything outside the cluster with their node's address, so those flows are rows of `node`. With native
 * routing they keep their own address towards other nodes (Cilium `bpf/lib/nat.h`; `Documentation/network/concepts/masquerading.rst`), in
 * clear whatever encrypts pods among each other: what pods ask of nodes are rows of `pod`. To add a port, add a row.
 */
export const portTable: readonly PortRow[] = [
  { id: "ssh", protocol: "tcp", range: one(ports.ssh), from: "bastion", to: "node" },
  { id: "ssh-jump-host", protocol: "tcp", range: one(ports.ssh), from: "jump-host", to: "node" },
  { id: "ssh-admin", protocol: "tcp", range: one(ports.ssh), from: "admin", to: "bastion" },

  { id: "api", protocol: "tcp", range: one(ports.api.backend), from: "node", to: "control-plane" },
  { id: "api-frontend", protocol: "tcp", range: one(ports.api.frontend), from: "node", to: "api-load-balancer" },
  { id: "api-bastion", protocol: "tcp", range: one(ports.api.frontend), from: "bastion", to: "api-load-balancer" },
  { id: "api-jump-host", protocol: "tcp", range: one(ports.api.frontend), from: "jump-host", to: "api-load-balancer" },
  { id: "api-backend", protocol: "tcp", range: one(ports.api.backend), from: "api-load-balancer", to: "control-plane" },
  { id: "etcd", protocol: "tcp", range: ports.etcd, from: "control-plane", to: "control-plane" },
  { id: "kubelet", protocol: "tcp", range: one(ports.kubelet), from: "node", to: "node" },

  ...amongNodes({ id: "health-icmp", protocol: "icmp", range: echoRequest }),
  ...amongNodes({ id: "health", protocol: "tcp", range: one(ports.health) }),
  ...amongNodes({ id: "pmtu", protocol: "icmp", range: fragmentationNeeded }),
  ...amongNodes({ id: "wireguard", protocol: "udp", range: one(ports.wireguard), when: encrypted("wireguard") }),
  ...amongNodes({ id: "esp", protocol: "esp", when: encrypted("ipsec") }),
  ...amongNodes({ id: "vxlan", protocol: "udp", range: one(ports.vxlan), when: routed("vxlan") }),
  ...amongNodes({ id: "geneve", protocol: "udp", range: one(ports.geneve), when: routed("geneve") }),
  // In native mode the outer addresses of Cilium's IPsec are router addresses of the pod range.
  ...amongPods({ id: "esp-pod", protocol: "esp", when: encrypted("ipsec") }),
  // Unencrypted pods keep their own address on the wire.
  ...amongPods({ id: "pod", protocol: "any", when: plainNative }),
  // Hosts to pods: webhooks, NodePort forwarding. WireGuard without node encryption does not carry it; control planes run no such pods.
  { id: "host-to-pod", protocol: "tcp", range: unprivileged, from: "node", to: "worker-pod", when: native },
  {
    id: "host-to-pod-from-peer",
    protocol: "tcp",
    range: unprivileged,
    from: "peer-node",
    to: "worker-pod",
    when: (site) => inMesh(site) && native(site),
  },
  {
    id: "host-to-pod-to-peer",
    protocol: "tcp",
    range: unprivileged,
    from: "node",
    to: "peer-pod",
    when: (site) => inMesh(site) && native(site),
  },

  { id: "hubble", protocol: "tcp", range: one(ports.hubble), from: "node", to: "node" },
  { id: "metrics", protocol: "tcp", range: ports.metrics, from: "node", to: "node" },
  // CoreDNS and controllers ask the API; metrics-server kubelets; Hubble's relay agents; a scraper their metrics.
  { id: "api-pod", protocol: "tcp", range: one(ports.api.backend), from: "pod", to: "control-plane", when: native },
  { id: "kubelet-pod", protocol: "tcp", range: one(ports.kubelet), from: "pod", to: "node", when: native },
  { id: "hubble-pod", protocol: "tcp", range: one(ports.hubble), from: "pod", to: "node", when: native },
  { id: "metrics-pod", protocol: "tcp", range: ports.metrics, from: "pod", to: "node", when: native },

  {
    id: "mesh",
    protocol: "tcp",
    range: one(ports.mesh.frontend),
    from: "peer-node",
    to: "mesh-load-balancer",
    when: inMesh,
  },
  {
    id: "mesh-backend",
    protocol: "tcp",
    range: one(ports.mesh.backend),
    from: "mesh-load-balancer",
    to: "worker",
    when: inMesh,
  },
  { id: "mesh-to-peer", protocol: "tcp", range: one(ports.mesh.frontend), from: "node", to: "peer-mesh", when: inMesh },

  {
    id: "bgp",
    protocol: "tcp",
    range: one(ports.bgp),
    from: "node",
    to: "tor",
    when: (site) => site.platform === "on-prem",
  },
  // Packages and images; without NAT they come from mirrors inside.
  { id: "https-out", protocol: "tcp", range: one(443), from: "node", to: "world", when: hasNat },
  { id: "http-out", protocol: "tcp", range: one(80), from: "node", to: "world", when: hasNat },
];
