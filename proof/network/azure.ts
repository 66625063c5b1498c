import type { z } from "zod";
import { bounds, contains, type Ipv4 } from "../../components/network/cidr.ts";
import { anyAddress, filterId, filterOf } from "./azure-firewall.ts";
import { gatewayRouters, tunnelEndsOf } from "./azure-gateway.ts";
import { type Found, type Inventory, reportShared, reportUnused, resolve, takeInventory } from "./azure-inventory.ts";
import { balancersOf } from "./azure-load-balancers.ts";
import { gatewaySubnet, natsOf, networksOf, type Place, placesOf, routersOf } from "./azure-routers.ts";
import type { NetworkInterface } from "./azure-shapes.ts";
import type { Entry, Filter, NetworkPart, Port, Reader } from "./model.ts";

type Interface = Found<z.infer<typeof NetworkInterface>>;

/** Virtual networks, their subnets, tables, interfaces, security groups and load balancers, and the VPN gateways that join them to others. */
export const readAzure: Reader = (resources) => {
  const inventory = takeInventory(resources);
  const places = placesOf(inventory);
  const placed = placeInterfaces(inventory, places);
  const filters = readFilters(inventory, placed);
  const balancers = balancersOf(inventory, places, filters);
  const ports = [...placed.map((one) => portOf(inventory, one)), ...balancers.ports];
  checkAddresses(inventory, ports);
  const nats = natsOf(inventory, places);
  const tunnelEnds = tunnelEndsOf(inventory, places);
  const portAt = new Map(ports.map(({ network, address, id }) => [`${network} ${address}`, id]));
  const routers = routersOf(inventory, places, (network, address) => portAt.get(`${network} ${address}`));
  checkUses(inventory);
  return {
    networks: networksOf(inventory),
    routers: [...routers, ...gatewayRouters(inventory)],
    ports,
    filters: [...filters.values(), ...(ports.some((port) => port.filters.includes(unguarded.id)) ? [unguarded] : [])],
    frontEnds: balancers.frontEnds,
    nats,
    entries: entriesOf(places),
    tunnelEnds,
    flaws: inventory.flaws,
  } satisfies NetworkPart;
};

/** An interface in its subnet. */
interface PlacedInterface {
  readonly nic: Interface;
  readonly place: Place;
}

function placeInterfaces(inventory: Inventory, places: readonly Place[]): PlacedInterface[] {
  const { interfaces, report } = inventory;
  return interfaces.flatMap((nic) => {
    const [part] = nic.value.ipConfigurations;
    const place = places.find(({ subnet }) => subnet.id === part.subnet.id);
    if (place) return [{ nic, place }];
    report(nic.origin, `ipConfigurations.0.subnet.id refers to ${part.subnet.id}, which is not in the plan`);
    return [];
  });
}

/** Groups as they meet packets, of an interface or its subnet; once per network, since service tags differ. */
function readFilters(inventory: Inventory, placed: readonly PlacedInterface[]): Map<string, Filter> {
  const { securityGroups, securityRules, report } = inventory;
  const filters = new Map<string, Filter>();
  for (const { nic, place } of placed) {
    for (const owner of [nic, place.subnet]) {
      const wanted = owner.value.networkSecurityGroup?.id;
      if (wanted === undefined || filters.has(filterId(wanted, place.network.id))) continue;
      const group = resolve(securityGroups, wanted, owner.origin, "networkSecurityGroup.id", report);
      if (group) filters.set(filterId(group.id, place.network.id), filterOf(inventory, group, place.network));
    }
  }
  for (const { origin, value } of securityRules) {
    if (!securityGroups.some(({ name }) => name === value.networkSecurityGroupName))
      report(origin, `networkSecurityGroupName ${value.networkSecurityGroupName} is no group of the plan`);
  }
  return filters;
}

/** What an interface without a group has: everything passes. */
const unguarded: Filter = {
  id: "no network security group",
  label: "no network security group",
  rules: (["ingress", "egress"] as const).map((direction) => ({
    origin: { stack: "", resource: "no network security group", type: "Azure's own" },
    direction,
    action: "allow",
    priority: 1,
    protocol: "any",
    ranges: [],
    sources: [anyAddress],
    destinations: [anyAddress],
    implied: true,
  })),
};

function portOf(inventory: Inventory, { nic, place }: PlacedInterface): Port {
  const { publicAddresses, report, securityGroups } = inventory;
  const { id, name, origin, site, value } = nic;
  const [part] = value.ipConfigurations;
  const block = place.subnet.value.addressPrefix;
  if (!contains(block, part.privateIPAddress) || isAzures(part.privateIPAddress, place))
    report(
      origin,
      `privateIPAddress ${part.privateIPAddress} is none that subnet ${place.subnet.name} (${block}) has to give`,
    );
  if (part.publicIPAddress)
    resolve(publicAddresses, part.publicIPAddress.id, origin, "ipConfigurations.0.publicIPAddress.id", report);
  const groups = [value.networkSecurityGroup, place.subnet.value.networkSecurityGroup].flatMap(
    (group) => group?.id ?? [],
  );
  if (groups.length === 0) report(origin, "has no network security group, and its subnet has none");
  const known = groups.filter((group) => securityGroups.some((one) => one.id === group));
  const filters = known.map((group) => filterId(group, place.network.id));
  return {
    id,
    label: name,
    origin,
    site: site ?? "",
    kind: "machine",
    network: place.network.id,
    router: place.subnet.id,
    address: part.privateIPAddress,
    forwards: value.enableIPForwarding,
    filters: filters.length === 0 ? [unguarded.id] : [...new Set(filters)],
    public: part.publicIPAddress !== undefined,
    zone: "",
  };
}

/** The first four addresses of a subnet and its last are Azure's (learn.microsoft.com/azure/virtual-network/virtual-networks-faq). */
function isAzures(address: Ipv4, { subnet }: Place): boolean {
  const [first, last] = bounds(subnet.value.addressPrefix);
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return number < first + 4 || number === last;
}

function checkAddresses({ report }: Inventory, ports: readonly Port[]): void {
  const taken = new Map<string, Port>();
  for (const port of ports) {
    const place = `${port.network} ${port.address}`;
    const other = taken.get(place);
    if (other) report(port.origin, `address ${port.address} is ${other.label}'s`);
    taken.set(place, port);
  }
}

/** What is used by nothing is a leftover or a mistake; what takes one user has no second. */
function checkUses(inventory: Inventory): void {
  const { report } = inventory;
  const subnets = inventory.subnets.map(({ value }) => value);
  const machines = inventory.machines.map(({ value }) => value.networkProfile.networkInterfaces[0].id);
  const parts = inventory.interfaces.map(({ value }) => ({
    ...value.ipConfigurations[0],
    group: value.networkSecurityGroup,
  }));
  const idsOf = (references: readonly ({ readonly id: string } | undefined)[]) =>
    references.flatMap((one) => one?.id ?? []);
  const groups = idsOf([...parts.map(({ group }) => group), ...subnets.map((subnet) => subnet.networkSecurityGroup)]);
  const addresses = idsOf([
    ...parts.map(({ publicIPAddress }) => publicIPAddress),
    ...inventory.nats.flatMap(({ value }) => value.publicIpAddresses),
    ...inventory.gateways.flatMap(({ value }) => value.ipConfigurations.map(({ publicIPAddress }) => publicIPAddress)),
  ]);
  const gateways = inventory.connections.map(({ value }) => value.virtualNetworkGateway1.id);
  const localGateways = inventory.connections.map(({ value }) => value.localNetworkGateway2.id);
  reportUnused(inventory.tables, idsOf(subnets.map(({ routeTable }) => routeTable)), report);
  reportUnused(inventory.nats, idsOf(subnets.map(({ natGateway }) => natGateway)), report);
  reportUnused(inventory.securityGroups, groups, report);
  reportUnused(inventory.publicAddresses, addresses, report);
  reportShared(inventory.publicAddresses, addresses, report);
  reportUnused(inventory.gateways, gateways, report);
  reportUnused(inventory.localGateways, localGateways, report);
  reportUnused(inventory.interfaces, machines, report);
  reportShared(inventory.interfaces, machines, report);
  for (const { origin, value } of inventory.machines)
    resolve(
      inventory.interfaces,
      value.networkProfile.networkInterfaces[0].id,
      origin,
      "networkProfile.networkInterfaces.0.id",
      report,
    );
}

function entriesOf(places: readonly Place[]): Entry[] {
  return places
    .filter(({ subnet }) => subnet.name === gatewaySubnet)
    .map(({ subnet }) => ({ site: subnet.site ?? "", router: subnet.id }));
}
