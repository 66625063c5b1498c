import type { AwsSiteSpec, AzureSiteSpec, NodeSiteSpec, OnPremSiteSpec, SiteSpec } from "../config/schema.ts";
import { type Cidr, host, type Ipv4, prefixLength, subnet } from "./cidr.ts";
import { ports } from "./ports.ts";

/**
 * Which range is whose. Everything here follows from a site's stack file alone, so a peer computes the same addresses without asking.
 *
 * Inside `network.nodes` (shown for 10.10.0.0/16):
 *
 * | range | what |
 * |---|---|
 * | 10.10.0.0/18 | nodes: one /20 per AWS zone, the first /20 on Azure; .8 API and .9 mesh load balancer, slots from .16 |
 * | 10.10.240.0/24 + zone | public subnets: NAT gateways and the bastion (.10) |
 * | 10.10.250.0/24 | AWS: a /28 per zone for the Transit Gateway's attachment; Azure: the /27 `GatewaySubnet` |
 */
const firstSlotHost = 16;
const apiHost = 8;
const meshHost = 9;
const bastionHost = 10;

/** The fixed half of a node. A machine may be replaced; its slot, and with it every route, peer and certificate, stays. */
export interface Slot {
  /** Kubernetes node name and prefix of every resource of the slot: `<site>-<pool>-<ordinal>`. */
  readonly name: string;
  /** 0 to 255; fixes the pod block. */
  readonly index: number;
  readonly pool: string;
  readonly role: "control-plane" | "worker";
  /** Availability zone letter on AWS, rack on-prem, empty on Azure (Korea South has no zones). */
  readonly zone: string;
  readonly address: Ipv4;
  /** /24. */
  readonly podCidr: Cidr;
  readonly labels: Readonly<Record<string, string>>;
}

/** All slots of a site, pool by pool. */
export function planSlots(site: NodeSiteSpec): Slot[] {
  switch (site.platform) {
    case "aws": {
      const subnets = awsSubnets(site);
      return site.nodePools.flatMap((pool) =>
        Array.from({ length: pool.count }, (_, ordinal) => {
          const zone = subnets[ordinal % subnets.length];
          if (!zone) throw new RangeError(`${site.name} has no zones.`);
          return slot(site, pool, ordinal, zone.zone, (index) => host(zone.node, firstSlotHost + index));
        }),
      );
    }
    case "azure": {
      const { node } = azureSubnets(site);
      return site.nodePools.flatMap((pool) =>
        Array.from({ length: pool.count }, (_, ordinal) =>
          slot(site, pool, ordinal, "", (index) => host(node, firstSlotHost + index)),
        ),
      );
    }
    case "on-prem":
      return site.nodePools.flatMap((pool) =>
        pool.hosts.map(({ address, rack }, ordinal) => slot(site, pool, ordinal, rack, () => address)),
      );
  }
}

function slot(
  site: NodeSiteSpec,
  pool: NodeSiteSpec["nodePools"][number],
  ordinal: number,
  zone: string,
  address: (index: number) => Ipv4,
): Slot {
  const index = pool.firstSlot + ordinal;
  return {
    name: `${site.name}-${pool.name}-${ordinal}`,
    index,
    pool: pool.name,
    role: pool.role,
    zone,
    address: address(index),
    podCidr: subnet(site.network.pods, 24, index),
    labels: pool.labels,
  };
}

/** Subnets of one availability zone. */
export interface AwsZone {
  readonly zone: string;
  readonly node: Cidr;
  readonly public: Cidr;
  readonly transit: Cidr;
}

export function awsSubnets({ network, zones }: AwsSiteSpec): AwsZone[] {
  const prefix = prefixLength(network.nodes);
  return zones.map((zone, index) => ({
    zone,
    node: subnet(network.nodes, prefix + 4, index),
    public: subnet(network.nodes, prefix + 8, 240 + index),
    transit: subnet(network.nodes, prefix + 12, 250 * 16 + index),
  }));
}

export interface AzureSubnets {
  readonly node: Cidr;
  readonly bastion: Cidr;
  readonly gateway: Cidr;
}

export function azureSubnets({ network }: AzureSiteSpec): AzureSubnets {
  const prefix = prefixLength(network.nodes);
  return {
    node: subnet(network.nodes, prefix + 4, 0),
    bastion: subnet(network.nodes, prefix + 8, 240),
    gateway: subnet(network.nodes, prefix + 11, 250 * 8),
  };
}

/** The smallest list of blocks that holds all node addresses of a site and no bastion or gateway. */
export function nodeCidrs(site: SiteSpec): Cidr[] {
  switch (site.platform) {
    case "aws":
      return [subnet(site.network.nodes, prefixLength(site.network.nodes) + 2, 0)];
    case "azure":
      return [azureSubnets(site).node];
    case "on-prem":
      return site.racks.map((rack) => rack.subnet);
    case "existing":
      return [site.network.nodes];
  }
}

/** The bastion's fixed private address, where the site has one of ours. */
export function bastionAddress(site: AwsSiteSpec | AzureSiteSpec): Ipv4 | undefined {
  if (site.access.kind !== "bastion") return undefined;
  if (site.platform === "azure") return host(azureSubnets(site).bastion, bastionHost);
  const [first] = awsSubnets(site);
  return first && host(first.public, bastionHost);
}

/** A name and the addresses behind it. */
export interface Endpoint {
  readonly name: string;
  readonly port: number;
  /** Front-end addresses, all equivalent. */
  readonly addresses: readonly Ipv4[];
}

/** Where nodes and operators find the Kubernetes API. On-prem without `apiAddress`: the control planes themselves. */
export function apiEndpoint(site: NodeSiteSpec): Endpoint {
  return {
    name: `api.${site.name}.${site.kubernetes.domain}`,
    port: ports.api.frontend,
    addresses: apiAddresses(site),
  };
}

function apiAddresses(site: NodeSiteSpec): Ipv4[] {
  switch (site.platform) {
    case "aws":
      return awsSubnets(site).map(({ node }) => host(node, apiHost));
    case "azure":
      return [host(azureSubnets(site).node, apiHost)];
    case "on-prem":
      return site.apiAddress ? [site.apiAddress] : [];
  }
}

/** Where peers find the clustermesh-apiserver; `undefined` outside a mesh. */
export function meshEndpoint(site: SiteSpec): Endpoint | undefined {
  const addresses = site.mesh ? meshAddresses(site) : [];
  return addresses.length > 0 ? { name: site.name, port: ports.mesh.frontend, addresses } : undefined;
}

function meshAddresses(site: SiteSpec): Ipv4[] {
  switch (site.platform) {
    case "aws":
      return awsSubnets(site).map(({ node }) => host(node, meshHost));
    case "azure":
      return [host(azureSubnets(site).node, meshHost)];
    case "on-prem":
    case "existing":
      return site.meshAddress ? [site.meshAddress] : [];
  }
}

/** Whether the node finds the API through a proxy on itself: it survives a dead load balancer and never meets its hairpin. */
export function usesLocalProxy(site: NodeSiteSpec, { role }: Pick<Slot, "role">): boolean {
  return role === "control-plane" || site.platform === "on-prem";
}

/** Racks with the nodes' view of BGP. */
export type Rack = OnPremSiteSpec["racks"][number];
