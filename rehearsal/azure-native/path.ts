import { type Announced, arrived, kindOf, type Packet, type Passage, sourceOf, stopped } from "../packet.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { azure, lastName, parentId, tokenOf } from "./arm.ts";
import { azureTargets } from "./balancing.ts";
import { flagAt, idOf, idsAt, objectsAt, textAt, textsAt } from "./fields.ts";
import { type Direction, Filter, probeAddress } from "./filters.ts";
import { wayTo } from "./ways.ts";

type Reader = Pick<World, "get" | "find">;

/**
 * Answers how packets fare in Azure, asked of the world as `reader` has it. `announced` tells, by the id of a VPN gateway, what it has
 * learned by BGP; without it gateways have learned nothing.
 */
export function azurePassages(reader: Reader, announced: Announced = () => undefined): (packet: Packet) => Passage {
  const ground = new Ground(reader, announced);
  return (packet) =>
    packet.from.startsWith("/subscriptions/") ? fromGateway(ground, packet) : fromMachine(ground, packet);
}

/** Azure at one moment, with everything that packets meet looked up once. */
class Ground {
  readonly reader: Reader;
  readonly announced: Announced;
  readonly #interfaces: ReadonlyMap<string, { readonly nic: WorldObject; readonly part: JsonObject }>;
  readonly #filters = new Map<string, Filter>();
  readonly #children = new Map<string, readonly WorldObject[]>();

  constructor(reader: Reader, announced: Announced) {
    this.reader = reader;
    this.announced = announced;
    this.#interfaces = new Map(
      this.all("network:NetworkInterface").flatMap((nic) =>
        objectsAt(nic.properties, "ipConfigurations").map(
          (part) => [textAt(part, "privateIPAddress") ?? "", { nic, part }] as const,
        ),
      ),
    );
  }

  all(resource: string): WorldObject[] {
    return this.reader.find(azure, tokenOf(resource));
  }

  object(id: string | undefined): WorldObject | undefined {
    return id === undefined ? undefined : this.reader.get(azure, id);
  }

  interfaceAt(address: string): { readonly nic: WorldObject; readonly part: JsonObject } | undefined {
    return this.#interfaces.get(address);
  }

  /** Children of one type: routes of a table, rules of a group. */
  children(parent: string, resource: string): readonly WorldObject[] {
    const key = `${parent} ${resource}`;
    const known = this.#children.get(key) ?? this.all(resource).filter(({ id }) => id.startsWith(`${parent}/`));
    this.#children.set(key, known);
    return known;
  }

  spaceOf(network: string): string[] {
    return textsAt(this.object(network)?.properties, "addressSpace.addressPrefixes");
  }

  gatewayOf(network: string): string | undefined {
    return this.all("network:VirtualNetworkGateway").find(({ properties }) =>
      objectsAt(properties, "ipConfigurations").some((part) => parentId(textAt(part, "subnet.id") ?? "") === network),
    )?.id;
  }

  filter(group: string, network: string): Filter | undefined {
    const object = this.object(group);
    if (object === undefined) return undefined;
    const key = `${group} ${network}`;
    const known =
      this.#filters.get(key) ?? new Filter(object, this.children(group, "network:SecurityRule"), this.#tags(network));
    this.#filters.set(key, known);
    return known;
  }

  #tags(network: string) {
    const gateway = this.gatewayOf(network);
    const members = Map.groupBy(
      [...this.#interfaces.entries()].flatMap(([address, { part }]) =>
        idsAt(part, "applicationSecurityGroups").map((id) => ({ id, address })),
      ),
      ({ id }) => id,
    );
    return {
      network: [...this.spaceOf(network), ...(gateway === undefined ? [] : (this.announced(gateway) ?? []))],
      members: new Map([...members].map(([id, entries]) => [id, entries.map(({ address }) => address)] as const)),
    };
  }
}

function fromMachine(ground: Ground, packet: Packet): Passage {
  const sender = ground.interfaceAt(packet.from);
  if (sender === undefined) return stopped(`no network interface has the address ${packet.from}`);
  const source = sourceOf(packet);
  if (source !== packet.from && !flagAt(sender.nic.properties, "enableIPForwarding"))
    return stopped(
      `network interface ${lastName(sender.nic.id)} drops packets from ${source}: enableIPForwarding is off`,
    );
  const subnet = textAt(sender.part, "subnet.id") ?? "";
  const denial = denied(ground, sender.nic, subnet, "Outbound", packet);
  return denial === undefined ? forward(ground, subnet, packet, sender.part) : stopped(denial);
}

function fromGateway(ground: Ground, packet: Packet): Passage {
  const gateway = ground.object(packet.from);
  const [part] = objectsAt(gateway?.properties, "ipConfigurations");
  if (part === undefined) return stopped(`VPN gateway ${lastName(packet.from)} does not exist`);
  return forward(ground, textAt(part, "subnet.id") ?? "", packet, undefined);
}

/** From a subnet to the destination, by its effective routes. */
function forward(ground: Ground, subnet: string, packet: Packet, sender: JsonObject | undefined): Passage {
  const network = parentId(subnet);
  const object = ground.object(subnet);
  const table = ground.object(textAt(object?.properties, "routeTable.id"));
  const routes = table === undefined ? [] : ground.children(table.id, "network:Route");
  const gateway = ground.gatewayOf(network);
  const place =
    table === undefined
      ? `subnet ${lastName(subnet)}, which has no route table,`
      : `route table ${lastName(table.id)} of subnet ${lastName(subnet)}`;
  const way = wayTo(packet.to, { space: ground.spaceOf(network), table, routes, gateway, announced: ground.announced });
  if (way === undefined) return stopped(`${place} has no route for ${packet.to}`);
  switch (way.hop) {
    case "VnetLocal":
      return deliver(ground, packet, packet.to, place);
    case "VirtualAppliance":
      return throughAppliance(ground, packet, way.address ?? "", `${place}: ${way.origin}`);
    case "VirtualNetworkGateway":
      return gateway === undefined
        ? stopped(`${place}: ${way.origin} leads to a gateway that is not there`)
        : { end: "vpn", by: [gateway] };
    case "Internet": {
      const exit =
        textAt(object?.properties, "natGateway.id") ??
        textAt(sender, "publicIPAddress.id") ??
        (object?.properties.defaultOutboundAccess === false ? undefined : "Azure's default outbound access");
      return exit === undefined
        ? stopped(`subnet ${lastName(subnet)} has no way out: no NAT gateway, and defaultOutboundAccess is false`)
        : { end: "internet", by: exit };
    }
    default:
      return stopped(`${place} has no route for ${packet.to}`);
  }
}

/** To what has the address in the network. */
function deliver(ground: Ground, packet: Packet, address: string, place: string): Passage {
  const receiver = ground.interfaceAt(address);
  if (receiver === undefined) return toBalancer(ground, packet, place);
  return admit(ground, receiver, packet);
}

/** To an interface that forwards what is not its own. */
function throughAppliance(ground: Ground, packet: Packet, address: string, place: string): Passage {
  const receiver = ground.interfaceAt(address);
  if (receiver === undefined) return stopped(`${place} leads to ${address}, which no network interface has`);
  if (address !== packet.to && !flagAt(receiver.nic.properties, "enableIPForwarding"))
    return stopped(
      `network interface ${lastName(receiver.nic.id)} drops packets for ${packet.to}: enableIPForwarding is off`,
      address,
    );
  return admit(ground, receiver, packet);
}

function admit(ground: Ground, { nic, part }: { nic: WorldObject; part: JsonObject }, packet: Packet): Passage {
  const denial = denied(ground, nic, textAt(part, "subnet.id") ?? "", "Inbound", packet);
  if (denial !== undefined) return stopped(denial, textAt(part, "privateIPAddress"));
  const machine = ground
    .all("compute:VirtualMachine")
    .some(({ properties }) => idsAt(properties, "networkProfile.networkInterfaces").includes(nic.id));
  return machine
    ? arrived(textAt(part, "privateIPAddress") ?? "")
    : stopped(`network interface ${lastName(nic.id)} belongs to no virtual machine`);
}

/** What the interface's and the subnet's security groups say; out of an interface its own comes first, into it last. */
function denied(
  ground: Ground,
  nic: WorldObject,
  subnet: string,
  direction: Direction,
  packet: Packet,
): string | undefined {
  if (packet.reply !== undefined) return undefined;
  const groups = [nic, ground.object(subnet)].flatMap(
    (owner) => textAt(owner?.properties, "networkSecurityGroup.id") ?? [],
  );
  for (const group of direction === "Outbound" ? groups : groups.toReversed()) {
    const denial = ground.filter(group, parentId(subnet))?.denial(direction, packet);
    if (denial === undefined) continue;
    const way =
      direction === "Inbound" ? `from ${sourceOf(packet)} to ${packet.to}` : `to ${packet.to} from ${sourceOf(packet)}`;
    return `network security group ${denial} of ${lastName(nic.id)} denies ${kindOf(packet)} ${way}`;
  }
  return undefined;
}

/** To a load balancer's front end, and from there to at least one machine of the pool whose probe passes. */
function toBalancer(ground: Ground, packet: Packet, place: string): Passage {
  const found = azureTargets(ground.reader, packet.to, packet.port ?? 0);
  if (found === undefined)
    return stopped(`${place} has no route for ${packet.to}, and nothing in the network has that address`);
  const passages = found.targets.map(({ address, port, probePort }) => {
    const receiver = ground.interfaceAt(address);
    if (receiver === undefined) return stopped(`no network interface has the address ${address}`);
    // The client's address stays, so an answer to oneself never leaves the machine (learn.microsoft.com, load-balancer-troubleshoot-backend-traffic).
    if (address === sourceOf(packet))
      return stopped(`${lastName(receiver.nic.id)} is behind ${packet.to} itself and cannot reach itself by it`);
    if (probePort !== undefined) {
      const probe: Packet = { from: probeAddress, to: address, protocol: "tcp", port: probePort };
      const probed = admit(ground, receiver, probe);
      if (probed.end === "stopped") return probed;
    }
    return admit(ground, receiver, { ...packet, source: sourceOf(packet), to: address, port });
  });
  const failed = passages.find(({ end }) => end === "stopped");
  if (passages.length === 0)
    return stopped(`load balancer ${found.name} has no machine behind ${packet.to}:${packet.port}`);
  return passages.find(({ end }) => end === "arrived") ?? failed ?? arrived(packet.to);
}

/** Ids of the security groups of a machine's interface, and its subnet: machines that are equal in these fare alike. */
export function azureClass(reader: Reader, address: string): string | undefined {
  for (const nic of reader.find(azure, tokenOf("network:NetworkInterface"))) {
    const part = objectsAt(nic.properties, "ipConfigurations").find(
      (one) => textAt(one, "privateIPAddress") === address,
    );
    if (part === undefined) continue;
    const group = textAt(nic.properties, "networkSecurityGroup.id") ?? "";
    return [idOf(part.subnet), group, idsAt(part, "loadBalancerBackendAddressPools").join()].join(" ");
  }
  return undefined;
}
