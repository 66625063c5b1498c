import type { z } from "zod";
import { Cidr, contains, overlaps, prefixLength } from "../../components/network/cidr.ts";
import { anyAddress, networkOf } from "./azure-firewall.ts";
import { type Found, type Inventory, resolve } from "./azure-inventory.ts";
import type { Route as RouteShape, RouteTable, Subnet, VirtualNetwork } from "./azure-shapes.ts";
import type { Nat, Network, Next, Route, Router } from "./model.ts";

/** Of equal prefixes a written route wins over a learned one, and that over Azure's own (virtual-networks-udr-overview). */
export const preference = { written: 3, learned: 2, own: 1 } as const;

/** Bytes: the network carries what machines send, and their interfaces have 1500, or 9000 with MANA, which is no matter of a plan. */
const vnetMtu = Number.POSITIVE_INFINITY;

/** A subnet whose network is there. */
export interface Place {
  readonly subnet: Found<z.infer<typeof Subnet>>;
  readonly network: Found<z.infer<typeof VirtualNetwork>>;
  /** Absent: only Azure's own routes and what the gateway learns. */
  readonly table: Found<z.infer<typeof RouteTable>> | undefined;
}

/** Subnet of the VPN gateway; Azure knows it by this name. */
export const gatewaySubnet = "GatewaySubnet";

/** Subnets with their network and table. A subnet beside its network, or over another, is reported. */
export function placesOf(inventory: Inventory): Place[] {
  const { report, subnets, tables } = inventory;
  const places = subnets.flatMap((subnet): Place[] => {
    const network = networkOf(inventory, subnet);
    const { routeTable, virtualNetworkName } = subnet.value;
    if (network === undefined) {
      report(subnet.origin, `virtualNetworkName ${virtualNetworkName} is no network of its resource group`);
      return [];
    }
    const table =
      routeTable === undefined ? undefined : resolve(tables, routeTable.id, subnet.origin, "routeTable.id", report);
    return [{ subnet, network, table }];
  });
  for (const [index, place] of places.entries()) checkPlace(inventory, place, places.slice(0, index));
  return places;
}

function checkPlace({ report }: Inventory, { subnet, network, table }: Place, earlier: readonly Place[]): void {
  const { origin, name, value } = subnet;
  const blocks = network.value.addressSpace.addressPrefixes;
  if (!blocks.some((block) => contains(block, value.addressPrefix)))
    report(origin, `addressPrefix ${value.addressPrefix} lies outside of ${network.name} (${blocks.join(", ")})`);
  for (const other of earlier.filter((one) => one.network === network)) {
    if (overlaps(other.subnet.value.addressPrefix, value.addressPrefix))
      report(
        origin,
        `addressPrefix ${value.addressPrefix} overlaps ${other.subnet.name} (${other.subnet.value.addressPrefix})`,
      );
    if (other.subnet.name === name) report(origin, `subnetName ${name} is ${other.subnet.origin.resource}'s, too`);
  }
  if (name !== gatewaySubnet) {
    if (value.defaultOutboundAccess !== false)
      report(origin, "has Azure's default way out; set defaultOutboundAccess: false");
    return;
  }
  // learn.microsoft.com/azure/vpn-gateway/vpn-gateway-about-vpn-gateway-settings#gwsub
  if (prefixLength(value.addressPrefix) > 27)
    report(origin, `addressPrefix ${value.addressPrefix} is smaller than a /27`);
  if (value.networkSecurityGroup) report(origin, "has a network security group, which a gateway does not support");
  if (value.natGateway) report(origin, "has a NAT gateway, which a gateway does not support");
  if (table?.value.disableBgpRoutePropagation)
    report(
      table.origin,
      "disableBgpRoutePropagation is true on the gateway's own subnet; the gateway then carries nothing",
    );
}

/** Networks, with the room that Azure keeps private networks apart by. */
export function networksOf({ networks, report }: Inventory): Network[] {
  return networks.map(({ id, name, origin, value }) => {
    const blocks = value.addressSpace.addressPrefixes;
    for (const [index, block] of blocks.entries()) {
      const twin = blocks.slice(0, index).find((other) => overlaps(other, block));
      if (twin) report(origin, `addressSpace ${block} overlaps ${twin}`);
    }
    return { id, label: `VNet ${name}`, origin, blocks, internet: true, mtu: vnetMtu };
  });
}

/** Private space that Azure drops where nothing says otherwise (virtual-networks-udr-overview, default routes). */
const unroutable = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map((block) => Cidr.parse(block));

/** One router per subnet. What its gateway learns comes later, when both ends of the tunnels are known. */
export function routersOf(
  inventory: Inventory,
  places: readonly Place[],
  interfaceAt: (network: string, address: string) => string | undefined,
): Router[] {
  const routesIn = routesByTable(inventory);
  checkTables(inventory, places, routesIn);
  return places.map((place): Router => {
    const { subnet, network, table } = place;
    const own = (prefix: Cidr, next: Next): Route => ({
      prefix,
      next,
      preference: preference.own,
      origin: subnet.origin,
      implied: true,
    });
    return {
      id: subnet.id,
      label:
        table === undefined
          ? `subnet ${subnet.name} of ${network.name}`
          : `route table ${table.name} of subnet ${subnet.name}`,
      origin: table?.origin ?? subnet.origin,
      network: network.id,
      routes: [
        ...routesIn(table).map((route) => toRoute(inventory, place, route, interfaceAt)),
        ...network.value.addressSpace.addressPrefixes.map((block) => own(block, { kind: "local" })),
        ...unroutable.map((block) =>
          own(block, { kind: "drop", reason: `Azure's own route for ${block} leads nowhere` }),
        ),
        own(anyAddress, wayOut(inventory, place)),
      ],
    };
  });
}

type RouteResource = Found<z.infer<typeof RouteShape>>;
type Table = NonNullable<Place["table"]>;

/** Routes by the table that they name, by its name and group. */
function routesByTable({ routes }: Inventory): (table: Place["table"]) => readonly RouteResource[] {
  const key = (group: string, table: string) => `${group}/${table}`;
  const byTable = Map.groupBy(routes, ({ value }) => key(value.resourceGroupName, value.routeTableName));
  return (table) => (table && byTable.get(key(table.value.resourceGroupName, table.name))) ?? [];
}

function checkTables(
  { report, routes, tables }: Inventory,
  places: readonly Place[],
  routesIn: (table: Table) => readonly RouteResource[],
): void {
  const found = new Set(tables.flatMap(routesIn));
  for (const route of routes) {
    const { nextHopIpAddress, nextHopType, routeTableName } = route.value;
    if (!found.has(route)) report(route.origin, `routeTableName ${routeTableName} is no table of its resource group`);
    if ((nextHopType === "VirtualAppliance") !== (nextHopIpAddress !== undefined))
      report(
        route.origin,
        `nextHopType ${nextHopType} and nextHopIpAddress ${nextHopIpAddress ?? "(none)"} do not go together`,
      );
  }
  for (const table of tables) {
    const [prefixes, names] = [new Map<string, RouteResource>(), new Set<string>()];
    for (const route of routesIn(table)) {
      const twin = prefixes.get(route.value.addressPrefix);
      if (twin)
        report(route.origin, `addressPrefix ${route.value.addressPrefix} is ${twin.name}'s in table ${table.name}`);
      if (names.has(route.name)) report(route.origin, `routeName ${route.name} is taken in table ${table.name}`);
      prefixes.set(route.value.addressPrefix, route);
      names.add(route.name);
    }
    const forGateway = places.some((place) => place.table === table && place.subnet.name === gatewaySubnet);
    const byDefault = prefixes.get(anyAddress);
    if (forGateway && byDefault)
      report(byDefault.origin, "is a default route on the gateway's subnet; Azure refuses it");
  }
}

function toRoute(
  inventory: Inventory,
  place: Place,
  { name, origin, value }: RouteResource,
  interfaceAt: (network: string, address: string) => string | undefined,
): Route {
  const next = (): Next => {
    switch (value.nextHopType) {
      case "VirtualAppliance": {
        const port = interfaceAt(place.network.id, value.nextHopIpAddress ?? "");
        return port === undefined
          ? {
              kind: "drop",
              reason: `route ${name} leads to ${value.nextHopIpAddress ?? "no address"}, which no interface has`,
            }
          : { kind: "port", port };
      }
      case "VirtualNetworkGateway": {
        const gateway = gatewayOf(inventory, place.network.id);
        return gateway === undefined
          ? { kind: "drop", reason: `route ${name} leads to a gateway that is not there` }
          : { kind: "router", router: gateway.id, label: `VPN gateway ${gateway.name}` };
      }
      case "VnetLocal":
        return { kind: "local" };
      case "Internet":
        return wayOut(inventory, place);
      case "None":
        return { kind: "drop", reason: `route ${name} leads nowhere` };
    }
  };
  return { prefix: value.addressPrefix, next: next(), preference: preference.written, origin, implied: false };
}

/** The gateway that stands in the network. */
export function gatewayOf(inventory: Inventory, network: string) {
  return inventory.gateways.find(({ value }) =>
    value.ipConfigurations.some((part) =>
      inventory.subnets.some((subnet) => subnet.id === part.subnet.id && networkOf(inventory, subnet)?.id === network),
    ),
  );
}

function wayOut({ nats }: Inventory, { subnet }: Place): Next {
  const nat = nats.find(({ id }) => id === subnet.value.natGateway?.id);
  return nat === undefined ? { kind: "internet" } : { kind: "nat", nat: nat.id };
}

/** NAT gateways with the network that their subnets are of. */
export function natsOf(inventory: Inventory, places: readonly Place[]): Nat[] {
  const { nats, publicAddresses, report } = inventory;
  for (const { subnet } of places) {
    if (subnet.value.natGateway) resolve(nats, subnet.value.natGateway.id, subnet.origin, "natGateway.id", report);
  }
  return nats.flatMap(({ id, name, origin, value }) => {
    const user = places.find(({ subnet }) => subnet.value.natGateway?.id === id);
    const addresses = value.publicIpAddresses.map((address, index) =>
      resolve(publicAddresses, address.id, origin, `publicIpAddresses.${index}.id`, report),
    );
    return user === undefined
      ? []
      : [{ id, label: `NAT gateway ${name}`, origin, network: user.network.id, public: addresses.some(Boolean) }];
  });
}
