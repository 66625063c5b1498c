import type { SiteSpec } from "../../config/schema.ts";
import { type Cidr, contains, single } from "../../network/cidr.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, nodeCidrs } from "../../network/plan.ts";
import { type Party, type PortRow, ports, portTable } from "../../network/ports.ts";
import { clusterwide } from "./allow.ts";
import { type PolicySite, withoutDefaultDeny } from "./phases.ts";
import { azurePlatform } from "./platform-addresses.ts";
import { everyPod, type Port, pods, portList, type Selector } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { systemPods } from "./system-pods.ts";

/** Who may speak: identities that Cilium knows, addresses, pods. */
interface Speakers {
  readonly entities?: readonly string[];
  readonly blocks?: readonly Cidr[];
  readonly endpoints?: readonly Selector[];
}
/** What they may: a port, or an ICMP type. */
type Opening = { readonly port: Port } | { readonly icmpType: number };

/** Kubernetes' own label; kubeadm and every installer of note set it. */
const controlPlaneLabel = "node-role.kubernetes.io/control-plane";

const roles = [
  { name: "host", party: "node", nodeSelector: {} },
  {
    name: "host-control-plane",
    party: "control-plane",
    nodeSelector: { matchExpressions: [{ key: controlPlaneLabel, operator: "Exists" }] },
  },
  {
    name: "host-worker",
    party: "worker",
    nodeSelector: { matchExpressions: [{ key: controlPlaneLabel, operator: "DoesNotExist" }] },
  },
] as const;

/**
 * What the port table lets in to nodes, as policies of nodes. Only ingress: what nodes call themselves (time, packages, registries) is
 * no row of the table.
 */
export function hostAllow(facts: PolicySite): PolicyObject[] {
  const { hostFirewall } = facts.policies;
  if (!hostFirewall) return [];
  const rows = portTable.filter(({ when }) => when?.(facts.site) ?? true);
  return roles.flatMap(({ name, party, nodeSelector }) => {
    const openings = rows
      .filter((row) => party === landing(facts.site, row).to)
      .flatMap((row) => rowOpenings(facts, row).map((opening) => ({ opening, speakers: speakersOf(facts, row) })));
    const extra = (name === "host" ? hostFirewall.allow : []).flatMap(({ from, ports: texts }) =>
      portList(texts).map((port) => ({ opening: { port }, speakers: { blocks: [from] } })),
    );
    const ingress = entries([...openings, ...extra]);
    return ingress.length === 0 ? [] : [clusterwide(name, withoutDefaultDeny({ nodeSelector, ingress }))];
  });
}

/** Default deny of nodes, once they are enforced. */
export function hostDefaultDeny({ policies }: PolicySite): PolicyObject[] {
  return policies.hostFirewall?.phase === "enforce"
    ? [clusterwide("host-default-deny", { nodeSelector: {}, ingress: [{}] })]
    : [];
}

/** One entry for each set of peers and kind of opening: an entry holds ports or ICMP types, not both. */
function entries(
  all: readonly { readonly opening: Opening; readonly speakers: Speakers }[],
): Record<string, unknown>[] {
  const byOpening = Map.groupBy(all, ({ opening }) => JSON.stringify(opening));
  const pairs = [...byOpening.values()].flatMap((alike) =>
    peersOf(alike.map(({ speakers }) => speakers)).flatMap((peers) =>
      alike.slice(0, 1).map(({ opening }) => ({ opening, peers })),
    ),
  );
  const byPeers = Map.groupBy(pairs, ({ opening, peers }) => JSON.stringify([peers, "port" in opening]));
  return [...byPeers.values()].flatMap((alike) => {
    const allPorts = alike.flatMap(({ opening }) => ("port" in opening ? [opening.port] : []));
    const types = alike.flatMap(({ opening }) => ("icmpType" in opening ? [opening.icmpType] : []));
    const what =
      allPorts.length > 0
        ? { toPorts: [{ ports: allPorts }] }
        : { icmps: [{ fields: types.map((type) => ({ family: "IPv4", type })) }] };
    return alike.slice(0, 1).map(({ peers }) => ({ ...peers, ...what }));
  });
}

/** Everybody of the list as elements of `ingress` name them, each kind once and no block inside another. */
function peersOf(all: readonly Speakers[]): Record<string, unknown>[] {
  const entities = [...new Set(all.flatMap((each) => each.entities ?? []))].toSorted();
  const blocks = [...new Set(all.flatMap((each) => each.blocks ?? []))].toSorted();
  const outer = blocks.filter((one) => !blocks.some((other) => other !== one && contains(other, one)));
  const endpoints = all.flatMap((each) => each.endpoints ?? []);
  return [
    ...(entities.length > 0 ? [{ fromEntities: entities }] : []),
    ...(outer.length > 0 ? [{ fromCIDR: outer }] : []),
    ...(endpoints.length > 0 ? [{ fromEndpoints: endpoints }] : []),
  ];
}

/**
 * Where a row ends. AWS's load balancer speaks for itself, and has rows for that. Azure's hands packets on with its clients' addresses, and in
 * a data centre operators call control planes themselves, or through a load balancer of which nothing is known.
 */
export function landing({ platform }: SiteSpec, { range, to }: PortRow): Pick<PortRow, "range" | "to"> {
  return platform !== "aws" && to === "api-load-balancer"
    ? { to: "control-plane", range: [ports.api.backend, ports.api.backend] }
    : { to, ...(range === undefined ? {} : { range }) };
}

/** None for what a policy of nodes cannot say, which is no row of a site that may have a host firewall (ESP needs IPsec). */
function rowOpenings({ site }: PolicySite, row: PortRow): Opening[] {
  const { protocol } = row;
  const { range } = landing(site, row);
  if (!range || protocol === "esp" || protocol === "any") return [];
  const [first, last] = range;
  if (protocol === "icmp") return [{ icmpType: first }];
  const port = { port: String(first), ...(first === last ? {} : { endPort: last }), protocol: protocol.toUpperCase() };
  return [{ port }];
}

function speakersOf({ peers, policies, site }: PolicySite, row: PortRow): Speakers {
  const machines = machinesOf(site, peers, row.from);
  const { endpoints, entities } = endpointsOf(row, policies.scrapers);
  return {
    entities: [...(machines.entities ?? []), ...(entities ?? [])],
    blocks: machines.blocks ?? [],
    endpoints: endpoints ?? [],
  };
}

/** A node is an address like any other until the cluster knows it: while it joins, and while the mesh is not up. */
function machinesOf(site: SiteSpec, peers: readonly SiteSpec[], from: Party): Speakers {
  switch (from) {
    case "node":
    case "control-plane":
    case "worker":
      return { entities: ["host", "remote-node"], blocks: nodeCidrs(site) };
    case "peer-node":
      return peers.length === 0 ? {} : { entities: ["remote-node"], blocks: peers.flatMap(nodeCidrs) };
    case "bastion": {
      const address = site.platform === "aws" || site.platform === "azure" ? bastionAddress(site) : undefined;
      return { blocks: address ? [single(address)] : [] };
    }
    case "jump-host":
      return site.platform !== "existing" && site.access.kind === "jump-host"
        ? { blocks: [single(site.access.address)] }
        : {};
    case "api-load-balancer":
      if (site.platform === "existing") return {};
      return { blocks: site.platform === "azure" ? [azurePlatform] : apiEndpoint(site).addresses.map(single) };
    // Azure's leaves the peers' nodes as they are; in a data centre it is Cilium itself.
    case "mesh-load-balancer": {
      if (site.platform === "aws") return { blocks: (meshEndpoint(site)?.addresses ?? []).map(single) };
      const { blocks = [], ...known } = machinesOf(site, peers, "peer-node");
      return site.platform === "azure" ? { ...known, blocks: [...blocks, azurePlatform] } : {};
    }
    // They call pods, no node of ours, or are said by `endpointsOf`.
    case "pod":
    case "worker-pod":
    case "peer-pod":
    case "peer-mesh":
    case "admin":
    case "tor":
    case "world":
      return {};
  }
}

/** At a node's own door pods are themselves however they are routed, so rows of nodes bring theirs; rows of `pod` are for firewalls outside. */
function endpointsOf({ id }: PortRow, scrapers: PolicySite["policies"]["scrapers"]): Speakers {
  switch (id) {
    case "api":
      return { endpoints: [everyPod] };
    case "kubelet":
      return { endpoints: [pods(systemPods.metricsServer)] };
    case "hubble":
      return { endpoints: [pods(systemPods.hubbleRelay)] };
    case "metrics":
      return { endpoints: scrapers.map((scraper) => pods(scraper)) };
    case "health":
    case "health-icmp":
      return { entities: ["health"] };
    default:
      return {};
  }
}
