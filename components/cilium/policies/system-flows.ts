import type { PodSelector, PoliciesSpec } from "../../config/policies.ts";
import type { SiteSpec } from "../../config/schema.ts";
import { host } from "../../network/cidr.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, nodeCidrs } from "../../network/plan.ts";
import { type Party, type Protocol, ports, portTable } from "../../network/ports.ts";
import { resolvers } from "./dns.ts";
import { landing } from "./host-firewall.ts";
import { azurePlatform as azureBlock } from "./platform-addresses.ts";
import { portList } from "./pods.ts";
import { apiServerPort, systemPodPorts, systemPods } from "./system-pods.ts";

/**
 * Who talks to whom in a cluster that does nothing yet, as policies see it: by identity, after addresses of Services and load balancers are
 * replaced. Rows of the port table between machines are among them; its rows for pods are ranges, of which this table has the ports in use.
 */
export interface SystemFlow {
  /** Stable name; that of the port table's row where there is one. */
  readonly id: string;
  readonly from: SystemEnd;
  readonly to: SystemEnd;
  readonly protocol: "TCP" | "UDP" | "ICMP";
  /** For ICMP the types. */
  readonly ports: readonly number[];
}

export type SystemEnd =
  /** Any pod that carries these labels and, as far as is known, no others. */
  | { readonly kind: "pod"; readonly pod: PodSelector }
  /** A node: the pod's own, and every other one of the mesh. */
  | { readonly kind: "node"; readonly role: "any" | "control-plane" | "worker" }
  /** Every node but the other end's own. */
  | { readonly kind: "remote-node" }
  /** The pod's own node. */
  | { readonly kind: "own-node" }
  /** The Kubernetes API, on control planes where these are ours. */
  | { readonly kind: "api" }
  /** Cilium's endpoints beside pods, and everybody else. */
  | { readonly kind: "reserved"; readonly name: "health" | "ingress" | "world" }
  /** Machines that are no nodes, or not yet known as such. */
  | { readonly kind: "address"; readonly address: string };

const pod = (selector: PodSelector): SystemEnd => ({ kind: "pod", pod: selector });
const address = (text: string): SystemEnd => ({ kind: "address", address: text });
/** Its own address, of which the block holds no other. */
const azurePlatform = host(azureBlock, 0);
const anyNode: SystemEnd = { kind: "node", role: "any" };
const api: SystemEnd = { kind: "api" };
const reserved = (name: "health" | "ingress" | "world"): SystemEnd => ({ kind: "reserved", name });

/** A namespace that no stack file names. */
const elsewhere = "somewhere-else";

/** @param peers  The other members of its mesh. */
export function systemFlows(site: SiteSpec, peers: readonly SiteSpec[], policies: PoliciesSpec): SystemFlow[] {
  return [
    ...machines(site, peers),
    ...dns(site, policies),
    ...health(),
    ...nodesToPods(policies),
    ...apiCalls(site, policies),
    ...observation(policies, site.mesh !== undefined),
    ...(site.mesh ? mesh(site, peers) : []),
    ...gateways(policies),
  ];
}

const protocols: Readonly<Partial<Record<Protocol, SystemFlow["protocol"]>>> = { tcp: "TCP", udp: "UDP", icmp: "ICMP" };

/** Rows that end at machines. They are open unless the host firewall denies. */
function machines(site: SiteSpec, peers: readonly SiteSpec[]): SystemFlow[] {
  return portTable
    .filter(({ when }) => when?.(site) ?? true)
    .flatMap((row) => {
      const { from, id, protocol } = row;
      const { range, to } = landing(site, row);
      const target = roleOf(to);
      const name = protocols[protocol];
      if (target === undefined || name === undefined || range === undefined) return [];
      const [first, last] = range;
      const numbers = name === "ICMP" ? [first] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
      return machineEnds(site, peers, from).map((end) => ({
        id,
        from: end,
        to: target,
        protocol: name,
        ports: numbers,
      }));
    });
}

function roleOf(party: Party): SystemEnd | undefined {
  if (party === "node") return anyNode;
  return party === "control-plane" || party === "worker" ? { kind: "node", role: party } : undefined;
}

/** The ends that a row's `from` stands for: machines that the cluster knows, and as mere addresses those that it may not know yet. */
function machineEnds(site: SiteSpec, peers: readonly SiteSpec[], from: Party): SystemEnd[] {
  const unknown = (blocks: ReturnType<typeof nodeCidrs>) => blocks.map((block) => address(host(block, 20)));
  switch (from) {
    case "node":
    case "control-plane":
    case "worker":
      return [anyNode, ...unknown(nodeCidrs(site))];
    case "peer-node":
      return [{ kind: "remote-node" }, ...unknown(peers.flatMap(nodeCidrs))];
    case "bastion": {
      const own = site.platform === "aws" || site.platform === "azure" ? bastionAddress(site) : undefined;
      return own ? [address(own)] : [];
    }
    case "jump-host":
      return site.platform !== "existing" && site.access.kind === "jump-host" ? [address(site.access.address)] : [];
    case "api-load-balancer":
      if (site.platform === "azure") return [address(azurePlatform)];
      return site.platform === "existing" ? [] : apiEndpoint(site).addresses.map(address);
    case "mesh-load-balancer":
      if (site.platform === "azure") return [address(azurePlatform), ...machineEnds(site, peers, "peer-node")];
      return site.platform === "aws" ? (meshEndpoint(site)?.addresses ?? []).map(address) : [];
    // They call no machine of the cluster, or as pods do: below.
    case "pod":
    case "worker-pod":
    case "peer-pod":
    case "peer-mesh":
    case "admin":
    case "tor":
    case "world":
      return [];
  }
}

function dns(site: SiteSpec, { dns: { upstreams, without } }: PoliciesSpec): SystemFlow[] {
  const server = pod(systemPods.dns);
  const callers = [elsewhere, "kube-system"]
    .filter((namespace) => !without.some((each) => each.namespace === namespace))
    .map((namespace) => pod({ namespace, labels: {} }));
  return (["UDP", "TCP"] as const).flatMap((protocol) => {
    const lookup = { protocol, ports: [systemPodPorts.dns] };
    return [
      ...[...callers, anyNode].map((from) => ({ id: "dns", from, to: server, ...lookup })),
      ...resolvers(site, upstreams).map((to) => ({ id: "dns-upstream", from: server, to: address(to), ...lookup })),
    ];
  });
}

function health(): SystemFlow[] {
  const from = anyNode;
  const to = reserved("health");
  const both = [
    { from, to },
    { from: to, to: from },
  ];
  return both.flatMap((ends) => [
    { id: "health", ...ends, protocol: "TCP" as const, ports: [ports.health] },
    // Echo request (RFC 792).
    { id: "health-icmp", ...ends, protocol: "ICMP" as const, ports: [8] },
  ]);
}

function nodesToPods({ fromNodes }: PoliciesSpec): SystemFlow[] {
  const called = (id: string, to: SystemEnd, numbers: readonly number[]): SystemFlow[] =>
    [anyNode, api].map((from) => ({ id, from, to, protocol: "TCP", ports: numbers }));
  return [
    {
      id: "probe",
      from: { kind: "own-node" },
      to: pod({ namespace: elsewhere, labels: {} }),
      protocol: "TCP",
      ports: [8080],
    },
    // The API server forwards to its extensions.
    {
      id: "host-to-pod",
      from: api,
      to: pod(systemPods.metricsServer),
      protocol: "TCP",
      ports: [systemPodPorts.metricsServer],
    },
    ...fromNodes.flatMap(({ ports: texts, ...selector }) =>
      portList(texts)
        .filter(({ protocol }) => protocol === "TCP")
        .flatMap(({ port }) => called("host-to-pod", pod(selector), [Number(port)])),
    ),
  ];
}

function apiCalls(site: SiteSpec, { apiClients }: PoliciesSpec): SystemFlow[] {
  const callers = [...Object.values(systemPods), { namespace: "kube-system", labels: {} }, ...apiClients];
  return [
    ...callers.map(
      (caller): SystemFlow => ({
        id: "api-pod",
        from: pod(caller),
        to: api,
        protocol: "TCP",
        ports: [apiServerPort(site)],
      }),
    ),
    { id: "kubelet-pod", from: pod(systemPods.metricsServer), to: anyNode, protocol: "TCP", ports: [ports.kubelet] },
  ];
}

function observation({ scrapers }: PoliciesSpec, inMesh: boolean): SystemFlow[] {
  const tcp = (id: string, from: SystemEnd, to: SystemEnd, range: number | readonly [number, number]): SystemFlow => {
    const [first, last] = typeof range === "number" ? [range, range] : range;
    return {
      id,
      from,
      to,
      protocol: "TCP",
      ports: Array.from({ length: last - first + 1 }, (_, index) => first + index),
    };
  };
  const relay = pod(systemPods.hubbleRelay);
  return [
    tcp("hubble-pod", relay, anyNode, ports.hubble),
    tcp("hubble-relay", pod(systemPods.hubbleUi), relay, systemPodPorts.hubbleRelay),
    ...scrapers
      .map(pod)
      .flatMap((scraper) => [
        tcp("metrics-pod", scraper, anyNode, ports.metrics),
        tcp("dns-metrics", scraper, pod(systemPods.dns), systemPodPorts.dnsMetrics),
        tcp("hubble-relay-metrics", scraper, relay, systemPodPorts.hubbleRelayMetrics),
        ...(inMesh ? [tcp("mesh-metrics", scraper, pod(systemPods.meshApiserver), systemPodPorts.meshMetrics)] : []),
      ]),
  ];
}

function mesh(site: SiteSpec, peers: readonly SiteSpec[]): SystemFlow[] {
  const server = pod(systemPods.meshApiserver);
  const etcd = { protocol: "TCP" as const, ports: [systemPodPorts.mesh] };
  const balancers =
    site.platform === "aws" ? (meshEndpoint(site)?.addresses ?? []) : site.platform === "azure" ? [azurePlatform] : [];
  const callers = [...machineEnds(site, peers, "peer-node"), ...balancers.map(address)];
  const endpoints = peers.flatMap((peer) => meshEndpoint(peer)?.addresses ?? []);
  return [
    ...callers.map((from) => ({ id: "mesh-backend", from, to: server, ...etcd })),
    ...endpoints.map((to) => ({ id: "mesh-to-peer", from: server, to: address(to), ...etcd })),
  ];
}

function gateways({ ingressBackends }: PoliciesSpec): SystemFlow[] {
  const proxy = reserved("ingress");
  const web = { protocol: "TCP" as const, ports: [80, 443] };
  return [
    { id: "gateway", from: reserved("world"), to: proxy, ...web },
    ...ingressBackends.flatMap(({ ports: texts, ...selector }) =>
      portList(texts)
        .filter(({ protocol }) => protocol === "TCP")
        .map(
          ({ port }): SystemFlow => ({
            id: "gateway-backend",
            from: proxy,
            to: pod(selector),
            protocol: "TCP",
            ports: [Number(port)],
          }),
        ),
    ),
  ];
}
