import type { AwsSiteSpec, AzureSiteSpec, SiteSpec } from "../config/schema.ts";
import { type Cidr, type Ipv4, single } from "./cidr.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, nodeCidrs, planSlots } from "./plan.ts";
import { type FirewallGroup, type Party, type PortRow, type Protocol, ports, portTable } from "./ports.ts";

/** One allow rule on one group, for one remote block. Everything else is denied. */
export interface FirewallRule {
  /** `<row>` or `<row>-<n>`; unique within group and direction, and stable while the port table and the addresses are. */
  readonly name: string;
  readonly row: string;
  readonly group: FirewallGroup;
  readonly direction: "ingress" | "egress";
  readonly protocol: Protocol;
  /** First and last port, or ICMP type and code; absent: all. */
  readonly range?: readonly [number, number];
  readonly remote: Cidr;
  /** The group's own side of the flow. NSGs can match it; AWS security groups cannot, so there a rule for pods covers their nodes too. */
  readonly local: readonly Cidr[];
}

/** A site whose cloud has firewalls of ours. */
export type CloudSiteSpec = AwsSiteSpec | AzureSiteSpec;

/** Azure's health probes come from this address on every host (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). */
const azureProbe = single("168.63.129.16" as Ipv4);
const everywhere = "0.0.0.0/0" as Cidr;

/**
 * All rules of a cloud site, derived from the port table.
 *
 * @param peers  The other members of its mesh; their node, pod and mesh addresses become remotes.
 */
export function firewallRules(site: CloudSiteSpec, peers: readonly SiteSpec[]): FirewallRule[] {
  const listed = portTable
    .filter(({ when }) => when?.(site) ?? true)
    .flatMap((row) => [...ingress(site, peers, row), ...egress(site, peers, row)]);
  const rules = site.platform === "aws" ? once(listed) : listed;
  return rules.map((rule) => {
    const alike = rules.filter((other) => sameSlot(rule, other));
    return alike.length === 1 ? rule : { ...rule, name: `${rule.row}-${alike.indexOf(rule)}` };
  });
}

/** A security group does not tell pods from their node, so rows of both can come to one rule, and EC2 refuses it twice. */
function once(rules: readonly FirewallRule[]): FirewallRule[] {
  const key = ({ group, direction, protocol, range, remote }: FirewallRule) =>
    JSON.stringify([group, direction, protocol, range, remote]);
  const first = new Map<string, FirewallRule>();
  for (const rule of rules) if (!first.has(key(rule))) first.set(key(rule), rule);
  return [...first.values()];
}

const sameSlot = (one: FirewallRule, other: FirewallRule) =>
  one.row === other.row && one.group === other.group && one.direction === other.direction;

function ingress(site: CloudSiteSpec, peers: readonly SiteSpec[], row: PortRow): FirewallRule[] {
  const { to, range } = site.platform === "azure" ? behindLoadBalancer(row) : row;
  return groups(site, to).flatMap((group) =>
    unique(sources(site, peers, row.from)).map((remote) => ({
      name: row.id,
      row: row.id,
      group,
      direction: "ingress" as const,
      protocol: row.protocol,
      ...(range ? { range } : {}),
      remote,
      local: localBlocks(site, group, to),
    })),
  );
}

function egress(site: CloudSiteSpec, peers: readonly SiteSpec[], row: PortRow): FirewallRule[] {
  return groups(site, row.from).flatMap((group) =>
    unique(blocks(site, peers, row.to)).map((remote) => ({
      name: row.id,
      row: row.id,
      group,
      direction: "egress" as const,
      protocol: row.protocol,
      ...(row.range ? { range: row.range } : {}),
      remote,
      local: localBlocks(site, group, row.from),
    })),
  );
}

/** An Azure load balancer has no firewall of its own and rewrites the destination before the backend's NSG sees it. */
function behindLoadBalancer(row: PortRow): Pick<PortRow, "to" | "range"> {
  if (row.to === "api-load-balancer") return { to: "control-plane", range: [ports.api.backend, ports.api.backend] };
  if (row.to === "mesh-load-balancer") return { to: "worker", range: [ports.mesh.backend, ports.mesh.backend] };
  return row;
}

/** Azure's load balancer keeps the client's address; only its probes speak for themselves. */
function sources(site: CloudSiteSpec, peers: readonly SiteSpec[], party: Party): Cidr[] {
  const probes = site.platform === "azure" && (party === "api-load-balancer" || party === "mesh-load-balancer");
  return probes ? [azureProbe] : blocks(site, peers, party);
}

/** The groups of this site that hold the party's rules; none if it lives elsewhere. */
function groups(site: CloudSiteSpec, party: Party): FirewallGroup[] {
  switch (party) {
    case "control-plane":
    case "worker":
      return [party];
    case "worker-pod":
      return ["worker"];
    case "node":
    case "pod":
      return ["control-plane", "worker"];
    case "bastion":
      return site.access.kind === "bastion" ? ["bastion"] : [];
    case "api-load-balancer":
      return site.platform === "aws" ? [party] : [];
    case "mesh-load-balancer":
      return site.platform === "aws" && site.mesh ? [party] : [];
    case "peer-node":
    case "peer-pod":
    case "peer-mesh":
    case "admin":
    case "jump-host":
    case "tor":
    case "world":
      return [];
  }
}

function blocks(site: CloudSiteSpec, peers: readonly SiteSpec[], party: Party): Cidr[] {
  switch (party) {
    case "control-plane":
      return planSlots(site)
        .filter(({ role }) => role === party)
        .map(({ address }) => single(address));
    // Workers come and go by the hundred, and a security group holds 60 rules a direction; control planes do not answer on their ports.
    case "worker":
    case "node":
      return nodeCidrs(site);
    case "pod":
    case "worker-pod":
      return [site.network.pods];
    case "bastion": {
      const address = bastionAddress(site);
      return address ? [single(address)] : [];
    }
    case "api-load-balancer":
      return apiEndpoint(site).addresses.map(single);
    case "mesh-load-balancer":
      return (meshEndpoint(site)?.addresses ?? []).map(single);
    case "peer-node":
      return peers.flatMap(nodeCidrs);
    case "peer-pod":
      return peers.map(({ network }) => network.pods);
    case "peer-mesh":
      return peers.flatMap((peer) => meshEndpoint(peer)?.addresses ?? []).map(single);
    case "admin":
      return site.access.kind === "bastion" ? site.access.adminCidrs : [];
    case "jump-host":
      return site.access.kind === "jump-host" ? [single(site.access.address)] : [];
    case "tor":
      return [];
    case "world":
      return [everywhere];
  }
}

/** The addresses at the group's end: pods for rows of pods, the machines' own otherwise. */
function localBlocks(site: CloudSiteSpec, group: FirewallGroup, party: Party): Cidr[] {
  if (party === "pod" || party === "worker-pod") return [site.network.pods];
  return blocks(site, [], party === "node" ? "node" : group);
}

function unique(list: Cidr[]): Cidr[] {
  return [...new Set(list)];
}
