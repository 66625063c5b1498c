import type { SiteSpec } from "../../components/config/schema.ts";
import { type Cidr, contains, host, type Ipv4, prefixLength, single } from "../../components/network/cidr.ts";
import type { PlannedStack } from "../recorded.ts";
import { readAws } from "./aws.ts";
import { readAzure } from "./azure.ts";
import {
  type Network,
  type NetworkModel,
  type NetworkPart,
  noPart,
  type Origin,
  outsideRouter,
  type Port,
  type Route,
  type Router,
  type StackResource,
  type Tunnel,
} from "./model.ts";
import { readOnPrem } from "./on-prem.ts";
import { learn, pairTunnels } from "./tunnels.ts";

/** The sites of a plan and how they are joined. */
export interface Sites {
  readonly all: readonly SiteSpec[];
  /** Pairs with an interconnect of the plan between them. */
  readonly joined: readonly Joint[];
  /** Peers without one: the way between them is taken for granted. */
  readonly assumed: readonly Pair[];
}
type Pair = readonly [string, string];

/** An interconnect and the two sites that it joins. */
export interface Joint {
  readonly stack: string;
  readonly aws: string;
  readonly azure: string;
}

export function sitesOf(stacks: readonly PlannedStack[]): Sites {
  const all = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
  const joined = stacks.flatMap(({ file }): Joint[] =>
    file.kind === "interconnect" ? [{ stack: file.stack, aws: file.spec.aws.site, azure: file.spec.azure.site }] : [],
  );
  const isJoined = (one: string, other: string) =>
    joined.some(({ aws, azure }) => (aws === one && azure === other) || (aws === other && azure === one));
  const assumed = all.flatMap((site, index) =>
    all
      .slice(index + 1)
      .filter((other) => (peers(site, other) || peers(other, site)) && !isJoined(site.name, other.name))
      .map((other): Pair => [site.name, other.name]),
  );
  return { all, joined, assumed };
}

const peers = (site: SiteSpec, other: SiteSpec) => site.mesh?.peers.includes(other.name) ?? false;

/** Members of the mesh that a site sees, of those in the plan. */
export function peersOf({ all }: Sites, site: SiteSpec): SiteSpec[] {
  return all.filter((other) => other.name !== site.name && peers(site, other));
}

/** The resources of all stacks, with the stack and the site that each belongs to. */
export function stackResources(stacks: readonly PlannedStack[]): StackResource[] {
  return stacks.flatMap(({ file, resources }) =>
    resources.map((resource) => ({
      ...resource,
      stack: file.stack,
      ...(file.kind === "site" ? { site: file.spec.name } : {}),
    })),
  );
}

/** What the readers found, before tunnels teach routers anything. */
export interface Parts {
  readonly part: NetworkPart;
  readonly tunnels: readonly Tunnel[];
}

export function readParts(stacks: readonly PlannedStack[], resources: readonly StackResource[]): Parts {
  const parts = [readAws, readAzure, readOnPrem].map((read) => read(resources, stacks));
  const part = parts.reduce(
    (all, one): NetworkPart => ({
      networks: [...all.networks, ...one.networks],
      routers: [...all.routers, ...one.routers],
      ports: [...all.ports, ...one.ports],
      filters: [...all.filters, ...one.filters],
      frontEnds: [...all.frontEnds, ...one.frontEnds],
      nats: [...all.nats, ...one.nats],
      entries: [...all.entries, ...one.entries],
      tunnelEnds: [...all.tunnelEnds, ...one.tunnelEnds],
      flaws: [...all.flaws, ...one.flaws],
    }),
    noPart,
  );
  const { tunnels, flaws } = pairTunnels(part.tunnelEnds);
  return { part: { ...part, flaws: [...part.flaws, ...flaws] }, tunnels };
}

/** The model in which only these tunnels exist. */
export function assemble(sites: Sites, { part }: Parts, tunnels: readonly Tunnel[]): NetworkModel {
  const outside = outsideOf(sites, part);
  const routers = learn(part, tunnels).map((router) => ({
    ...router,
    routes: [...router.routes, ...(outside.ways.get(router.id) ?? [])],
  }));
  return {
    networks: byId([...part.networks, outside.network]),
    routers: byId([...routers, outside.router]),
    ports: byId([...part.ports, ...outside.ports]),
    filters: byId(part.filters),
    frontEnds: part.frontEnds,
    nats: byId(part.nats),
    entries: part.entries,
    tunnels,
    flaws: part.flaws,
  };
}

function byId<Item extends { readonly id: string }>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [item.id, item]));
}

interface Outside {
  readonly network: Network;
  readonly router: Router;
  readonly ports: Port[];
  /** Routes that networks of ours are taken to have, by router. */
  readonly ways: ReadonlyMap<string, Route[]>;
}

/** Networks that are not ours: clusters that exist, jump hosts, and the lines between peers that no interconnect joins. */
function outsideOf(sites: Sites, part: NetworkPart): Outside {
  const label = "a network outside of the plan (assumed)";
  const origin = (site: SiteSpec): Origin => ({ stack: site.name, resource: label, type: "assumed" });
  const ports: Port[] = [];
  const routes: Route[] = [];
  const ways = new Map<string, Route[]>();
  const implied = (site: SiteSpec, prefix: Cidr, next: Route["next"]): Route => ({
    prefix,
    next,
    preference: 0,
    origin: origin(site),
    implied: true,
  });
  const routersOf = (site: SiteSpec) => [
    ...new Set(
      part.ports.filter(({ site: name, public: known }) => name === site.name && !known).map(({ router }) => router),
    ),
  ];
  const open = (site: SiteSpec, prefixes: readonly Cidr[]) => {
    // An IDC's racks send everything to their ToRs, and those what is not the site's to the outside.
    if (site.platform === "existing" || site.platform === "on-prem") return;
    for (const router of routersOf(site)) {
      const list = ways.get(router) ?? [];
      for (const prefix of prefixes)
        if (!list.some((route) => route.prefix === prefix))
          list.push(implied(site, prefix, { kind: "router", router: outsideRouter, label }));
      ways.set(router, list);
    }
  };
  const entered = new Set<string>();
  /** Lets the outside find a site. */
  const enter = (site: SiteSpec) => {
    if (entered.has(site.name)) return;
    entered.add(site.name);
    if (site.platform === "existing") {
      const [nodes, mesh] = existingPorts(site, origin(site));
      ports.push(nodes, ...(mesh ? [mesh] : []));
      for (const prefix of [site.network.nodes, site.network.pods])
        routes.push(implied(site, prefix, { kind: "port", port: nodes.id }));
      if (mesh) routes.push(implied(site, single(mesh.address), { kind: "port", port: mesh.id }));
      return;
    }
    for (const entry of part.entries.filter((each) => each.site === site.name))
      for (const prefix of blocksOf(site))
        routes.push(
          implied(site, prefix, { kind: "router", router: entry.router, label: `the border of ${site.name}` }),
        );
  };
  for (const [one, other] of sites.assumed) {
    const [from, to] = [one, other].map((name) => sites.all.find((site) => site.name === name));
    if (!from || !to) continue;
    for (const site of [from, to]) enter(site);
    open(from, blocksOf(to));
    open(to, blocksOf(from));
  }
  for (const site of sites.all) {
    if (site.platform === "existing" || site.access.kind !== "jump-host") continue;
    const { address } = site.access;
    const inside = part.networks.find(
      (network) =>
        part.ports.some((port) => port.network === network.id && port.site === site.name) &&
        network.blocks.some((block) => contains(block, address)),
    );
    const router = inside && part.ports.find((port) => port.network === inside.id && port.kind === "machine")?.router;
    const id = jumpHostId(site.name);
    ports.push({
      ...bare(id, `jump host ${address} of ${site.name}`, site.name, address, origin(site)),
      ...(inside && router !== undefined ? { network: inside.id, router } : {}),
    });
    if (inside) continue;
    enter(site);
    open(site, [single(address)]);
    if (!routes.some(({ prefix }) => prefix === single(address)))
      routes.push(implied(site, single(address), { kind: "port", port: id }));
  }
  return {
    network: {
      id: outsideRouter,
      label,
      origin: { stack: "", resource: label, type: "assumed" },
      blocks: [],
      internet: false,
      mtu: Number.POSITIVE_INFINITY,
    },
    router: {
      id: outsideRouter,
      label,
      origin: { stack: "", resource: label, type: "assumed" },
      network: outsideRouter,
      routes,
    },
    ports,
    ways,
  };
}

export const jumpHostId = (site: string) => `outside jump-host ${site}`;
export const existingNodeId = (site: string) => `outside nodes ${site}`;
export const existingMeshId = (site: string) => `outside mesh ${site}`;

/** Everything of a site that others may dial. */
function blocksOf(site: SiteSpec): Cidr[] {
  return [
    site.network.nodes,
    site.network.pods,
    ...(site.platform === "on-prem" ? [site.loadBalancers, ...site.racks.map(({ subnet }) => subnet)] : []),
    ...(site.platform === "existing" && site.meshAddress ? [single(site.meshAddress)] : []),
  ];
}

/** One node stands for all of a cluster that exists: we know their range, not their addresses. */
function existingPorts(site: Extract<SiteSpec, { platform: "existing" }>, origin: Origin): [Port, Port | undefined] {
  const { name, network, meshAddress } = site;
  return [
    {
      ...bare(
        existingNodeId(name),
        `a node of ${name}`,
        name,
        host(network.nodes, prefixLength(network.nodes) < 30 ? 4 : 0),
        origin,
      ),
      forwards: true,
    },
    meshAddress && {
      ...bare(existingMeshId(name), `mesh endpoint of ${name}`, name, meshAddress, origin),
      kind: "load-balancer",
    },
  ];
}

function bare(id: string, label: string, site: string, address: Ipv4, origin: Origin): Port {
  return {
    id,
    label,
    origin,
    site,
    kind: "machine",
    network: outsideRouter,
    router: outsideRouter,
    address,
    forwards: false,
    filters: [],
    public: false,
    zone: "",
  };
}
