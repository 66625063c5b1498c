import type { NodeSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { Cidr, type Ipv4, overlaps } from "../../components/network/cidr.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, planSlots, type Slot } from "../../components/network/plan.ts";
import type { Party } from "../../components/network/ports.ts";
import { existingMeshId, existingNodeId, jumpHostId, type Sites } from "./assemble.ts";
import { addressNumber, type Block, block, Cuts } from "./blocks.ts";
import type { NetworkModel, Port } from "./model.ts";
import type { Identity } from "./parties.ts";
import type { Paths } from "./path.ts";
import { allBlocks } from "./rule-order.ts";

/** Not on the Internet: private, shared, loopback, link-local, multicast and reserved blocks (RFC 6890). */
const reserved = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
].map((text) => Cidr.parse(text));

/** Somebody who sends or receives: a block of addresses behind one interface, or somewhere on the Internet. */
export interface Endpoint extends Identity {
  readonly kind: "node" | "pod" | "bastion" | "load-balancer" | "jump-host" | "tor" | "internet";
  /** What a counterexample calls it. */
  readonly label: string;
  /** Its interface; absent on the Internet. */
  readonly port: Port | undefined;
  readonly addresses: Block;
  /** The slot that it is, or whose pods they are. */
  readonly slot: string;
}

export interface Found {
  readonly endpoints: readonly Endpoint[];
  /** Addresses of the plan that no interface has, one sentence each. */
  readonly missing: readonly string[];
}

/** Everybody whom the port tables of a plan know, at the addresses of the plan, with the interfaces that the resources give them. */
export function findEndpoints(sites: Sites, paths: Paths): Found {
  const blocks = allBlocks(paths.model);
  const cuts = new Cuts(blocks);
  const missing: string[] = [];
  const bySite = new Map<string, Map<string, Port>>();
  for (const port of paths.model.ports.values()) {
    const ports = bySite.get(port.site) ?? new Map<string, Port>();
    ports.set(port.address, port);
    bySite.set(port.site, ports);
  }
  const endpoints = sites.all.flatMap((site) => {
    const ports = bySite.get(site.name) ?? new Map<string, Port>();
    if (site.platform === "existing") return existing(site, paths.model);
    const at = (address: Ipv4, what: string): Port | undefined => {
      const port = ports.get(address);
      if (!port) missing.push(`no interface of the plan has ${address}, the address of ${what} (stack ${site.name})`);
      return port;
    };
    return [
      ...planSlots(site).flatMap((slot) => slotEndpoints(site, slot, at(slot.address, slot.name), missing, cuts)),
      ...others(site, ports, paths.model, at),
    ];
  });
  return { endpoints: [...endpoints, ...internet(sites, paths.model, blocks)], missing };
}

function slotEndpoints(
  site: NodeSiteSpec,
  slot: Slot,
  port: Port | undefined,
  missing: string[],
  cuts: Cuts,
): Endpoint[] {
  if (!port) return [];
  if (port.label !== slot.name)
    missing.push(`${slot.address} is the address of ${slot.name}, and ${port.label} has it (stack ${site.name})`);
  const address = addressNumber(slot.address) ?? 0;
  const pods = block(slot.podCidr);
  return [
    {
      kind: "node",
      label: `${slot.name} ${slot.address}`,
      port,
      addresses: { first: address, last: address },
      slot: slot.name,
      site: site.name,
      own: [slot.role, "node"],
      peer: ["peer-node"],
    },
    ...cuts.pieces(pods).map(
      (piece): Endpoint => ({
        kind: "pod",
        label: `pod of ${slot.name}`,
        port,
        addresses: piece,
        slot: slot.name,
        site: site.name,
        own: slot.role === "worker" ? ["pod", "worker-pod"] : ["pod"],
        peer: ["peer-pod"],
      }),
    ),
  ];
}

type At = (address: Ipv4, what: string) => Port | undefined;

function others(site: NodeSiteSpec, ports: ReadonlyMap<string, Port>, model: NetworkModel, at: At): Endpoint[] {
  const one = (
    kind: Endpoint["kind"],
    label: string,
    port: Port | undefined,
    own: Party,
    peer: Party[] = [],
  ): Endpoint[] => (port ? [single(kind, label, port, site.name, [own], peer)] : []);
  const bastion = site.platform === "on-prem" ? undefined : bastionAddress(site);
  const mesh = meshEndpoint(site)?.addresses ?? [];
  // The load balancer before an IDC's control planes is not ours.
  const api = site.platform === "on-prem" ? [] : apiEndpoint(site).addresses;
  const tors = site.platform === "on-prem" ? site.racks.flatMap((rack) => rack.tors) : [];
  return [
    ...(bastion ? one("bastion", `bastion ${bastion}`, at(bastion, "the bastion"), "bastion") : []),
    ...api.flatMap((address) =>
      one(
        "load-balancer",
        `API of ${site.name} ${address}`,
        at(address, "the API's load balancer"),
        "api-load-balancer",
      ),
    ),
    ...mesh.flatMap((address) =>
      one(
        "load-balancer",
        `mesh endpoint of ${site.name} ${address}`,
        at(address, "the mesh endpoint"),
        "mesh-load-balancer",
        ["peer-mesh"],
      ),
    ),
    ...one("jump-host", `jump host of ${site.name}`, model.ports.get(jumpHostId(site.name)), "jump-host"),
    ...tors.flatMap(({ name, address }) => one("tor", `ToR ${name} ${address}`, ports.get(address), "tor")),
  ];
}

function single(
  kind: Endpoint["kind"],
  label: string,
  port: Port,
  site: string,
  own: readonly Party[],
  peer: readonly Party[],
): Endpoint {
  const address = addressNumber(port.address) ?? 0;
  return { kind, label, port, addresses: { first: address, last: address }, slot: "", site, own, peer };
}

function existing(site: Extract<SiteSpec, { platform: "existing" }>, model: NetworkModel): Endpoint[] {
  const node = model.ports.get(existingNodeId(site.name));
  const mesh = model.ports.get(existingMeshId(site.name));
  if (!node) return [];
  return [
    single("node", `nodes of ${site.name}`, node, site.name, ["node"], ["peer-node"]),
    {
      ...single("pod", `pods of ${site.name}`, node, site.name, ["pod"], ["peer-pod"]),
      addresses: block(site.network.pods),
    },
    ...(mesh
      ? [
          single(
            "load-balancer",
            `mesh endpoint of ${site.name}`,
            mesh,
            site.name,
            ["mesh-load-balancer"],
            ["peer-mesh"],
          ),
        ]
      : []),
  ];
}

/** The Internet, in pieces that no rule and no route divides: 0.0.0.0/0 without what the plan uses, and the administrators' blocks. */
function internet(sites: Sites, model: NetworkModel, blocks: readonly Block[]): Endpoint[] {
  const admins = sites.all.flatMap((site) =>
    site.platform !== "existing" && site.access.kind === "bastion"
      ? site.access.adminCidrs.map((cidr) => ({ site: site.name, cidr }))
      : [],
  );
  const used = [
    ...reserved,
    ...sites.all.flatMap(({ network }) => [network.nodes, network.pods]),
    ...[...model.networks.values()].flatMap(({ blocks }) => blocks),
    ...sites.all.flatMap((site) =>
      site.platform === "on-prem" ? [site.loadBalancers, ...site.racks.map(({ subnet }) => subnet)] : [],
    ),
    ...admins.map(({ cidr }) => cidr),
  ].map(block);
  const hosts = [...model.ports.values()].map(({ address }) => addressNumber(address) ?? 0);
  const free = new Cuts([...blocks, ...used])
    .pieces()
    .filter(({ first, last }) => !used.some((each) => each.first <= last && first <= each.last))
    .filter(({ first, last }) => !hosts.some((each) => first <= each && each <= last));
  const somewhere = (label: string, addresses: Block, site: string, own: Party[]): Endpoint => ({
    kind: "internet",
    label,
    port: undefined,
    addresses,
    slot: "",
    site,
    own,
    peer: [],
  });
  return [
    ...free.map((piece) => somewhere("the Internet", piece, "", ["world"])),
    ...admins
      .filter(
        ({ cidr }) => !sites.all.some(({ network }) => overlaps(network.nodes, cidr) || overlaps(network.pods, cidr)),
      )
      .map(({ site, cidr }) => somewhere(`administrator of ${site} in ${cidr}`, block(cidr), site, ["admin"])),
  ];
}
