import { Refusal } from "../stand-in.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { formatAddress, holds, type Prefix, parseAddress, parsePrefix } from "./address.ts";
import { all, type Draft, lastName, parentId, refer } from "./arm.ts";
import { idOf, idsAt, objectsAt, textAt, textsAt } from "./fields.ts";

/** Which resources hold IP configurations, and under which property. */
const holders: readonly (readonly [resource: string, list: string])[] = [
  ["network:NetworkInterface", "ipConfigurations"],
  ["network:LoadBalancer", "frontendIPConfigurations"],
  ["network:VirtualNetworkGateway", "ipConfigurations"],
];

/** One IP configuration: of an interface, a load balancer's front end, a gateway. */
export interface Holding {
  /** Id of the configuration. */
  readonly id: string;
  readonly owner: WorldObject;
  readonly subnet: string | undefined;
  readonly publicIp: string | undefined;
  readonly address: string | undefined;
}

/** Every IP configuration in the world. */
export function holdings(world: World): Holding[] {
  return holders.flatMap(([resource, list]) =>
    all(world, resource).flatMap((owner) =>
      objectsAt(owner.properties, list).map((configuration) => holdingOf(configuration, owner)),
    ),
  );
}

function holdingOf(configuration: JsonObject, owner: WorldObject): Holding {
  return {
    id: idOf(configuration),
    owner,
    subnet: textAt(configuration, "subnet.id"),
    publicIp: textAt(configuration, "publicIPAddress.id"),
    address: textAt(configuration, "privateIPAddress"),
  };
}

/** IPv4 blocks of a subnet. */
export function subnetPrefixes(subnet: WorldObject): Prefix[] {
  const one = textAt(subnet.properties, "addressPrefix");
  const texts = one === undefined ? textsAt(subnet.properties, "addressPrefixes") : [one];
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

/** Azure keeps the first four addresses and the last of every subnet (learn.microsoft.com, virtual-networks-faq). */
function isReserved(prefix: Prefix, address: number): boolean {
  return address < prefix.first + 4 || address === prefix.last;
}

/**
 * The IP configurations (with ids, all with a subnet) and their private addresses: the one asked for, or the lowest free
 * one of the subnet. Refuses a static one that is missing, outside the subnet, reserved or taken.
 */
export function allocateAddresses(draft: Draft, configurations: readonly JsonObject[]): JsonObject[] {
  const others = holdings(draft.world).filter(({ owner }) => owner.id !== draft.id);
  const mine: Holding[] = [];
  return configurations.map((configuration) => {
    const subnet = refer(draft, textAt(configuration, "subnet.id"), "network:Subnet", "ipConfigurations.subnet");
    const network = parentId(subnet.id);
    const taken = new Map(
      [...others, ...mine].flatMap((holding) =>
        holding.address !== undefined && parentId(holding.subnet ?? "") === network
          ? [[holding.address, holding.id]]
          : [],
      ),
    );
    const fixed = textAt(configuration, "privateIPAllocationMethod") === "Static";
    const address = fixed
      ? staticAddress(configuration, subnet, taken)
      : dynamicAddress(draft, configuration, subnet, taken);
    const allocated = { ...configuration, privateIPAddress: address };
    mine.push(holdingOf(allocated, subnet));
    return allocated;
  });
}

function dynamicAddress(
  draft: Draft,
  configuration: JsonObject,
  subnet: WorldObject,
  taken: ReadonlyMap<string, string>,
): string {
  const id = idOf(configuration);
  const before = draft.before === undefined ? [] : holdings(draft.world).filter(({ owner }) => owner.id === draft.id);
  const kept = before.find((holding) => holding.id === id && holding.subnet === subnet.id)?.address;
  if (kept !== undefined) return kept;
  const prefixes = subnetPrefixes(subnet);
  for (const prefix of prefixes) {
    for (let address = prefix.first + 4; address < prefix.last; address += 1) {
      if (!taken.has(formatAddress(address))) return formatAddress(address);
    }
  }
  throw new Refusal(
    "SubnetIsFull",
    `Subnet ${lastName(subnet.id)} with address prefix ${textOf(prefixes)} does not have enough capacity for 1 IP addresses.`,
  );
}

function staticAddress(configuration: JsonObject, subnet: WorldObject, taken: ReadonlyMap<string, string>): string {
  const id = idOf(configuration);
  const prefixes = subnetPrefixes(subnet);
  const wanted = textAt(configuration, "privateIPAddress");
  if (wanted === undefined)
    throw new Refusal(
      "PrivateIPAddressMissing",
      `Private IP address is required when privateIPAllocationMethod is Static in IP configuration ${id}.`,
    );
  const address = parseAddress(wanted);
  const home = address === undefined ? undefined : prefixes.find((prefix) => holds(prefix, address));
  if (address === undefined || home === undefined)
    throw new Refusal(
      "PrivateIPAddressNotInSubnet",
      `Private static IP address ${wanted} does not belong to the range of subnet prefix ${textOf(prefixes)}.`,
    );
  if (isReserved(home, address))
    throw new Refusal(
      "PrivateIPAddressInReservedRange",
      `Private static IP address ${wanted} falls within reserved IP range of subnet prefix ${home.text}.`,
    );
  const holder = taken.get(wanted);
  if (holder === undefined) return wanted;
  throw new Refusal(
    "PrivateIPAddressIsAllocated",
    `IP configuration ${id} is using the private IP address ${wanted} which is already allocated to resource ${holder}.`,
  );
}

function textOf(prefixes: readonly Prefix[]): string {
  return prefixes.map((prefix) => prefix.text).join(",");
}

/** The public address that a configuration uses: there, Standard, and nobody else's. */
export function claimPublicIp(draft: Draft, id: string | undefined, path: string): WorldObject {
  const publicIp = refer(draft, id, "network:PublicIPAddress", path);
  const user = publicIpUser(draft.world, publicIp.id);
  if (user !== undefined && user !== draft.id && !user.startsWith(`${draft.id}/`))
    throw new Refusal(
      "PublicIPAddressInUse",
      `Resource ${draft.id} is referencing public IP address ${publicIp.id} that is already allocated to resource ${user}.`,
    );
  return publicIp;
}

/** Id of the IP configuration or NAT gateway that uses a public address. */
export function publicIpUser(world: World, publicIp: string): string | undefined {
  const configuration = holdings(world).find((holding) => holding.publicIp === publicIp);
  if (configuration !== undefined) return configuration.id;
  const uses = (nat: WorldObject): boolean =>
    objectsAt(nat.properties, "publicIpAddresses").some((part) => textAt(part, "id") === publicIp);
  return all(world, "network:NatGateway").find(uses)?.id;
}

/** The interfaces' IP configurations that are members of a load balancer's pool. */
export function poolMembers(world: Pick<World, "find">, pool: string): JsonObject[] {
  return all(world, "network:NetworkInterface")
    .flatMap((nic) => objectsAt(nic.properties, "ipConfigurations"))
    .filter((part) => idsAt(part, "loadBalancerBackendAddressPools").includes(pool));
}
