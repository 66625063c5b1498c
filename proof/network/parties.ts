import type { SiteSpec } from "../../components/config/schema.ts";
import { type Cidr, single } from "../../components/network/cidr.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, nodeCidrs, planSlots } from "../../components/network/plan.ts";
import { type Party, type PortRow, ports, portTable } from "../../components/network/ports.ts";
import { addressNumber, type Block, block, holds } from "./blocks.ts";
import { common, everything, isEmpty, nothing, type Traffic, traffic, union } from "./traffic.ts";

/** Who an endpoint is: in the table of its own site, and in that of a peer. */
export interface Identity {
  readonly site: string;
  readonly own: readonly Party[];
  readonly peer: readonly Party[];
}

/** Azure's probes (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). */
export const azureProbe = addressNumber("168.63.129.16") ?? 0;
const everywhere: Block = { first: 0, last: 2 ** 32 - 1 };

/** The port table of one site, with the addresses that its parties have. */
export class SiteTable {
  readonly site: SiteSpec;
  readonly #rows: readonly PortRow[];
  readonly #peers: readonly SiteSpec[];
  readonly #blocks = new Map<Party, readonly Block[]>();

  constructor(site: SiteSpec, peers: readonly SiteSpec[]) {
    this.site = site;
    this.#peers = peers;
    this.#rows = portTable.filter(({ when }) => when?.(site) ?? true);
  }

  sees(site: string): boolean {
    return site === this.site.name || this.#peers.some(({ name }) => name === site);
  }

  get native(): boolean {
    return this.site.cilium.routing === "native";
  }

  get rows(): readonly PortRow[] {
    return this.#rows;
  }

  /** Who an endpoint is in this table. */
  parties({ site, own, peer }: Identity): readonly Party[] {
    if (site === this.site.name || site === "") return own;
    return this.sees(site) ? peer : [];
  }

  /** Rows between two endpoints. */
  between(from: Identity, to: Identity): PortRow[] {
    const [sources, destinations] = [this.parties(from), this.parties(to)];
    return this.#rows.filter((row) => sources.includes(row.from) && destinations.includes(row.to));
  }

  /** What the table lets in to a firewall group's endpoint, with the coarseness that the cloud's firewalls have. */
  permittedIn(parties: readonly Party[], source: number): Traffic {
    const rows = this.#rows.map((row) => this.#behindBalancer(row)).filter(({ to }) => parties.includes(to));
    return this.#coarse(rows.filter(({ from }) => this.#remote(from, "in").some((each) => holds(each, source))));
  }

  permittedOut(parties: readonly Party[], destination: number): Traffic {
    const rows = this.#rows.filter(({ from }) => parties.includes(from));
    return this.#coarse(rows.filter(({ to }) => this.#remote(to, "out").some((each) => holds(each, destination))));
  }

  /** Whether a row of these parties speaks any of the packets with anybody in the blocks. */
  needs(parties: readonly Party[], direction: "ingress" | "egress", packets: Traffic, far: readonly Block[]): boolean {
    return this.#rows
      .map((row) => (direction === "ingress" ? this.#behindBalancer(row) : row))
      .filter((row) => parties.includes(direction === "ingress" ? row.to : row.from))
      .filter((row) => !isEmpty(common(this.#coarse([row]), packets)))
      .some((row) => {
        const remote = direction === "ingress" ? this.#remote(row.from, "in") : this.#remote(row.to, "out");
        return remote.some((one) => far.some((other) => one.first <= other.last && other.first <= one.last));
      });
  }

  /**
   * Parties whose rules an endpoint's firewall holds. A security group does not tell a machine's own address from its pods'; an NSG does.
   */
  local({ own }: Identity): readonly Party[] {
    if (this.site.platform !== "aws") return own;
    if (own.includes("worker") || own.includes("worker-pod")) return ["worker", "node", "pod", "worker-pod"];
    return own.includes("control-plane") || own.includes("pod") ? ["control-plane", "node", "pod"] : own;
  }

  /** NSGs know ICMP's types as little as its codes. */
  #coarse(rows: readonly PortRow[]): Traffic {
    if (rows.length === 0) return nothing;
    const sets = rows.map(({ protocol, range }) =>
      traffic(protocol, protocol === "icmp" && this.site.platform === "azure" ? undefined : range),
    );
    return union(sets);
  }

  /** Azure's balancer rewrites the destination before the backend's firewall sees it. */
  #behindBalancer(row: PortRow): PortRow {
    if (this.site.platform !== "azure") return row;
    if (row.to === "api-load-balancer")
      return { ...row, to: "control-plane", range: [ports.api.backend, ports.api.backend] };
    if (row.to === "mesh-load-balancer")
      return { ...row, to: "worker", range: [ports.mesh.backend, ports.mesh.backend] };
    return row;
  }

  /** Addresses that a rule for a party as the far end covers. */
  #remote(party: Party, direction: "in" | "out"): readonly Block[] {
    const balancer = party === "api-load-balancer" || party === "mesh-load-balancer";
    if (balancer && direction === "in" && this.site.platform === "azure")
      return [{ first: azureProbe, last: azureProbe }];
    const known = this.#blocks.get(party);
    if (known) return known;
    const found = party === "world" ? [everywhere] : this.#cidrs(party).map(block);
    this.#blocks.set(party, found);
    return found;
  }

  #cidrs(party: Party): Cidr[] {
    const { site } = this;
    const own = site.platform === "existing" ? undefined : site;
    switch (party) {
      case "control-plane":
        return own
          ? planSlots(own)
              .filter(({ role }) => role === party)
              .map(({ address }) => single(address))
          : [];
      case "worker":
      case "node":
        return nodeCidrs(site);
      case "pod":
      case "worker-pod":
        return [site.network.pods];
      case "bastion": {
        const address = own && own.platform !== "on-prem" ? bastionAddress(own) : undefined;
        return address ? [single(address)] : [];
      }
      case "api-load-balancer":
        return own ? apiEndpoint(own).addresses.map(single) : [];
      case "mesh-load-balancer":
        return (meshEndpoint(site)?.addresses ?? []).map(single);
      case "peer-node":
        return this.#peers.flatMap(nodeCidrs);
      case "peer-pod":
        return this.#peers.map(({ network }) => network.pods);
      case "peer-mesh":
        return this.#peers.flatMap((peer) => meshEndpoint(peer)?.addresses ?? []).map(single);
      case "admin":
        return own?.access.kind === "bastion" ? own.access.adminCidrs : [];
      case "jump-host":
        return own?.access.kind === "jump-host" ? [single(own.access.address)] : [];
      case "tor":
        return site.platform === "on-prem"
          ? site.racks.flatMap(({ tors }) => tors.map(({ address }) => single(address)))
          : [];
      case "world":
        return [];
    }
  }
}

/** What must get through between two endpoints: the rows that the tables of both ends list. */
export function required(tables: ReadonlyMap<string, SiteTable>, from: Identity, to: Identity): Traffic {
  const [source, destination] = [tables.get(from.site), tables.get(to.site)];
  if (isPod(from, to) && !(source?.native && destination?.native)) return nothing;
  if (from.site === to.site || from.site === "" || to.site === "") {
    const table = source ?? destination;
    return table ? setOf(table.between(from, to)) : nothing;
  }
  if (!source?.sees(to.site) || !destination?.sees(from.site)) return nothing;
  return common(setOf(source.between(from, to)), setOf(destination.between(from, to)));
}

/** In tunnel modes packets of pods travel between node addresses, those of IPsec as well. */
function isPod(...ends: readonly Identity[]): boolean {
  return ends.some(({ own }) => own.includes("pod"));
}

function setOf(rows: readonly PortRow[]): Traffic {
  if (rows.length === 0) return nothing;
  return rows.some(({ protocol }) => protocol === "any")
    ? everything
    : union(rows.map(({ protocol, range }) => traffic(protocol, range)));
}
