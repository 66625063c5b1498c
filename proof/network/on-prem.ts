import { z } from "zod";
import type { OnPremSiteSpec } from "../../components/config/schema.ts";
import { Cidr, type Ipv4, single } from "../../components/network/cidr.ts";
import { type BgpState, bgpState } from "./bgp.ts";
import {
  type Flaw,
  type FrontEnd,
  type NetworkPart,
  noPart,
  type Origin,
  outsideRouter,
  type Port,
  type Reader,
  type Route,
  type Router,
  type StackResource,
} from "./model.ts";

/** Bytes: an IDC may have jumbo frames, and its wires are not ours, so nothing here limits a packet. */
const fabricMtu = Number.POSITIVE_INFINITY;
const anyAddress = Cidr.parse("0.0.0.0/0");
/** A direct route of Cilium's or one of the fabric itself, and one that a ToR learns; they meet only by mistake. */
const preference = { own: 1, learned: 2 } as const;

/**
 * IDCs: racks with their ToRs from the stack files, nodes and what they announce from the recorded objects. There is no firewall of ours.
 * Taken for granted: ToRs are set up as the stack file says, are the nodes' default gateways, reach each other, and take everything else to
 * the networks outside.
 */
export const readOnPrem: Reader = (resources, stacks) => {
  const parts = stacks.flatMap(({ file }) =>
    file.kind === "site" && file.spec.platform === "on-prem"
      ? [
          siteNetwork(
            file.spec,
            file.stack,
            resources.filter(({ stack }) => stack === file.stack),
          ),
        ]
      : [],
  );
  return {
    ...noPart,
    networks: parts.flatMap(({ networks }) => networks),
    routers: parts.flatMap(({ routers }) => routers),
    ports: parts.flatMap(({ ports }) => ports),
    frontEnds: parts.flatMap(({ frontEnds }) => frontEnds),
    entries: parts.flatMap(({ entries }) => entries),
    flaws: parts.flatMap(({ flaws }) => flaws),
  };
};

type Rack = OnPremSiteSpec["racks"][number];
type TopOfRack = Rack["tors"][number];

/** What all parts of a site's network refer to. */
interface Fabric {
  readonly site: OnPremSiteSpec;
  readonly state: BgpState;
  readonly network: string;
  readonly origin: Origin;
  readonly rackId: (rack: string) => string;
  readonly torId: (rack: string, tor: TopOfRack) => string;
  readonly nodeId: (address: Ipv4) => string;
}

function siteNetwork(site: OnPremSiteSpec, stack: string, resources: readonly StackResource[]): NetworkPart {
  const network = `${stack} fabric`;
  const fabric: Fabric = {
    site,
    state: bgpState(site, resources),
    network,
    origin: { stack, resource: site.name, type: "site" },
    rackId: (rack) => `${stack} rack ${rack}`,
    torId: (rack, tor) => `${stack} ${rack} ${tor.name}`,
    nodeId: (address) => `${stack} node ${address}`,
  };
  const balancers = virtualAddresses(fabric);
  const routers = [
    ...site.racks.map((rack) => rackRouter(fabric, rack, directRoutes(resources))),
    ...site.racks.flatMap((rack) => rack.tors.map((tor) => torRouter(fabric, rack, tor))),
  ];
  return {
    ...noPart,
    networks: [
      {
        id: network,
        label: `network of ${site.name}`,
        origin: fabric.origin,
        blocks: [...site.racks.map(({ subnet }) => subnet), site.loadBalancers],
        internet: false,
        mtu: fabricMtu,
      },
    ],
    routers,
    ports: [...nodePorts(fabric), ...torPorts(fabric), ...balancers.ports],
    frontEnds: balancers.frontEnds,
    entries: site.racks.flatMap(({ name, tors }) =>
      tors.map((tor) => ({ site: site.name, router: fabric.torId(name, tor) })),
    ),
    flaws: [...fabric.state.flaws, ...missing(fabric)],
  };
}

const Release = z.object({ values: z.object({ autoDirectNodeRoutes: z.boolean().default(false) }) });

/** Whether nodes of one rack send each other's pods directly. */
function directRoutes(resources: readonly StackResource[]): boolean {
  return resources.some(({ type, inputs }) => {
    const release = Release.safeParse(inputs);
    return type === "kubernetes:helm.sh/v3:Release" && release.success && release.data.values.autoDirectNodeRoutes;
  });
}

function nodePorts({ state, site, network, origin, rackId, nodeId }: Fabric): Port[] {
  return state.nodes.map(({ name, address, rack }) => ({
    ...wired,
    id: nodeId(address),
    label: name,
    origin: { ...origin, resource: name, type: "node" },
    site: site.name,
    network,
    router: rackId(rack),
    address,
    zone: rack,
  }));
}

/** No firewall of ours; Linux forwards for pods, and a ToR for everyone. */
const wired = { kind: "machine", forwards: true, filters: [], public: false } as const;

function torPorts({ site, network, origin, torId }: Fabric): Port[] {
  return site.racks.flatMap(({ name, tors }) =>
    tors.map((tor) => ({
      ...wired,
      id: `${torId(name, tor)} port`,
      label: tor.name,
      origin: { ...origin, part: `ToR ${tor.name} of rack ${name}` },
      site: site.name,
      network,
      router: torId(name, tor),
      address: tor.address,
      zone: name,
    })),
  );
}

/** A node's way: its own rack directly, everything else by either ToR. */
function rackRouter(
  { site, state, network, origin, rackId, torId, nodeId }: Fabric,
  rack: Rack,
  direct: boolean,
): Router {
  const own = { preference: preference.own, origin, implied: true } as const;
  const neighbours = state.nodes.filter((node) => node.rack === rack.name);
  const podRoutes = direct && site.cilium.routing === "native" ? neighbours : [];
  return {
    id: rackId(rack.name),
    label: `nodes of rack ${rack.name}`,
    origin: { ...origin, part: `rack ${rack.name}` },
    network,
    routes: [
      { ...own, prefix: rack.subnet, next: { kind: "local" } },
      ...podRoutes.flatMap(({ address, podCidr }): Route[] =>
        podCidr === undefined ? [] : [{ ...own, prefix: podCidr, next: { kind: "port", port: nodeId(address) } }],
      ),
      ...rack.tors.map(
        (tor): Route => ({
          ...own,
          prefix: anyAddress,
          next: { kind: "router", router: torId(rack.name, tor), label: `ToR ${tor.name} of rack ${rack.name}` },
        }),
      ),
    ],
  };
}

/** A ToR's table: the racks, what its own nodes announce, what the nodes of other racks announce to theirs, and the way out. */
function torRouter(fabric: Fabric, rack: Rack, tor: TopOfRack): Router {
  const { site, state, network, origin, torId, nodeId } = fabric;
  const own = { preference: preference.own, origin, implied: true } as const;
  const virtual = new Map(state.vips.map(({ address, origin: service }) => [single(address), service]));
  const heard = state.announcements.filter((one) => one.tor === tor.address);
  const learned = heard.map(
    ({ prefix, node, origin: session }): Route => ({
      prefix,
      next: virtual.has(prefix) ? { kind: "local" } : { kind: "port", port: nodeId(node) },
      preference: preference.learned,
      origin: session,
      implied: true,
    }),
  );
  const elsewhere = site.racks
    .filter((other) => other !== rack)
    .flatMap((other) => {
      const tors = new Set(other.tors.map(({ address }) => address));
      const told = state.announcements.filter(
        (one) => tors.has(one.tor) && !heard.some(({ prefix }) => prefix === one.prefix),
      );
      return [...new Set(told.map(({ prefix }) => prefix))].flatMap((prefix) =>
        other.tors.map(
          (far): Route => ({
            ...own,
            prefix,
            next: { kind: "router", router: torId(other.name, far), label: `ToR ${far.name} of rack ${other.name}` },
          }),
        ),
      );
    });
  return {
    id: torId(rack.name, tor),
    label: `ToR ${tor.name} of rack ${rack.name}`,
    origin: { ...origin, part: `ToR ${tor.name} of rack ${rack.name}` },
    network,
    routes: [
      ...site.racks.flatMap(({ subnet, tors }) =>
        [subnet, ...tors.map(({ address }) => single(address))].map(
          (prefix): Route => ({
            ...own,
            prefix,
            next: { kind: "local" },
          }),
        ),
      ),
      ...once(learned),
      ...elsewhere,
      { ...own, prefix: anyAddress, next: { kind: "router", router: outsideRouter, label: "networks outside" } },
    ],
  };
}

/** Every node announces a virtual address; one route of the fabric's is enough to find it. */
function once(routes: readonly Route[]): Route[] {
  const keys = new Map(
    routes.map((route) => [`${route.prefix} ${route.next.kind === "port" ? route.next.port : route.next.kind}`, route]),
  );
  return [...keys.values()];
}

/** Addresses of Services: any node that announces one takes its packets, and Cilium there hands them to a pod. */
function virtualAddresses({ site, state, network, nodeId, rackId }: Fabric): Pick<NetworkPart, "ports" | "frontEnds"> {
  const [rack] = site.racks;
  const ports = state.vips.map(
    ({ address, origin }): Port => ({
      id: nodeId(address),
      label: `Service ${origin.resource}`,
      origin,
      site: site.name,
      kind: "load-balancer",
      network,
      router: rackId(rack?.name ?? ""),
      address,
      forwards: false,
      filters: [],
      public: false,
      zone: "",
    }),
  );
  const frontEnds = state.vips.flatMap(({ address, origin, ports: open }) =>
    open.map(({ port, protocol }): FrontEnd => {
      const speakers = new Set(
        state.announcements.filter(({ prefix }) => prefix === single(address)).map(({ node }) => node),
      );
      return {
        label: `Service ${origin.resource} (${address}):${port}`,
        origin,
        port: nodeId(address),
        protocol: protocol === "UDP" ? "udp" : "tcp",
        number: port,
        targets: [...speakers].map((node) => ({ origin, address: node, number: port })),
        source: "client",
      };
    }),
  );
  return { ports, frontEnds };
}

/** What a ToR ought to have heard and has not: with one ToR less, or one node, the site would not hold. */
function missing({ site, state, origin }: Fabric): Flaw[] {
  const heard = new Set(state.announcements.map(({ prefix, node, tor }) => `${prefix} ${node} ${tor}`));
  const virtual = state.vips.map(({ address }) => single(address));
  const wanted = site.meshAddress && site.mesh ? single(site.meshAddress) : undefined;
  const unasked = wanted !== undefined && !virtual.includes(wanted) ? [wanted] : [];
  return state.nodes.flatMap((node) => {
    const rack = site.racks.find(({ name }) => name === node.rack);
    const pods = site.cilium.routing === "native" && node.podCidr ? [node.podCidr] : [];
    return (rack?.tors ?? []).flatMap((tor) =>
      [...pods, ...virtual, ...unasked]
        .filter((prefix) => !heard.has(`${prefix} ${node.address} ${tor.address}`))
        .map((prefix) => ({
          origin: { ...origin, resource: node.name, type: "node" },
          message: `does not announce ${prefix} to ToR ${tor.name} (${tor.address}) of its rack ${node.rack}`,
        })),
    );
  });
}
