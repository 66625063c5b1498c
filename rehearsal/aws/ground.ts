import type { Announced, Packet } from "../packet.ts";
import type { Json, WorldObject } from "../world.ts";
import { text, texts } from "./fields.ts";
import { holds, parseAddress, parseBlock } from "./ipv4.ts";
import { awsRouteTables, balancerAt, interfaceAt, type RouteTableFacts } from "./queries.ts";
import { type Reader, View } from "./resource.ts";
import { type Direction, type Rule, rulesOf } from "./security.ts";
import { types } from "./types.ts";

/** AWS at one moment, with everything that packets meet looked up once. */
export class Ground {
  readonly reader: Reader;
  readonly announced: Announced;
  readonly #tables: ReadonlyMap<string, RouteTableFacts>;
  readonly #interfaces: ReadonlyMap<string, WorldObject>;
  readonly #rules = new Map<string, readonly Rule[]>();

  constructor(reader: Reader, announced: Announced) {
    this.reader = reader;
    this.announced = announced;
    this.#tables = new Map(
      awsRouteTables(reader).flatMap((table) => table.subnetIds.map((id) => [id, table] as const)),
    );
    // An interface resource wins over the instance that has it.
    const owners = [types.instance, types.networkInterface].flatMap((type) => reader.find("aws", type));
    this.#interfaces = new Map(
      owners.flatMap((owner) => addressesOf(owner).map((address) => [address, owner] as const)),
    );
  }

  view(place: string): View {
    return new View(this.reader, place);
  }

  /** The route table of a subnet; `undefined` for the VPC's main one, which has no routes. */
  tableOf(subnetId: string): RouteTableFacts | undefined {
    return this.#tables.get(subnetId);
  }

  /** The interface resource, or the instance with an interface of its own, that has a private address. */
  interfaceAt(address: string): WorldObject | undefined {
    return this.#interfaces.get(address);
  }

  /** The public address of the machine at a private one. */
  publicAddressOf(address: string): string | undefined {
    const machine = this.reader.get("host", address);
    return text(machine?.properties ?? {}, "publicAddress");
  }

  balancerAt(address: string): WorldObject | undefined {
    return balancerAt(this.reader, address);
  }

  /** Whether something else in the VPC holds the address: an endpoint, a NAT gateway, an attachment. */
  isHeld(address: string): boolean {
    const holders = [types.vpcEndpoint, types.natGateway, types.vpcAttachment];
    return holders.flatMap((type) => this.reader.find("aws", type)).some((holder) => heldBy(holder).includes(address));
  }

  /** Whether one of the owner's security groups has a rule for the packet. */
  admits(owner: WorldObject, direction: Direction, peer: string, packet: Packet): boolean {
    return Ground.groupsOf(owner).some((groupId) =>
      this.#rulesOf(owner.place, groupId, direction).some(
        (rule) => fits(rule, packet) && this.#covers(rule.peer, peer),
      ),
    );
  }

  static groupsOf({ type, properties }: WorldObject): string[] {
    return texts(properties, type === types.instance ? "vpcSecurityGroupIds" : "securityGroups");
  }

  #rulesOf(place: string, groupId: string, direction: Direction): readonly Rule[] {
    const key = `${groupId} ${direction}`;
    const known = this.#rules.get(key) ?? rulesOf(this.view(place), groupId, direction);
    this.#rules.set(key, known);
    return known;
  }

  /** A CIDR covers addresses; a group covers the private addresses of its members' interfaces, never a pod's (docs.aws.amazon.com/vpc, security group rules). */
  #covers(rulePeer: string, address: string): boolean {
    const block = parseBlock(rulePeer);
    if (block !== undefined) return holds(block, parseAddress(address) ?? -1);
    const member = this.interfaceAt(address) ?? this.balancerAt(address);
    return member !== undefined && Ground.groupsOf(member).includes(rulePeer);
  }
}

function addressesOf({ properties }: WorldObject): string[] {
  const own = text(properties, "privateIp");
  return [...(own === undefined ? [] : [own]), ...texts(properties, "privateIps")];
}

function heldBy({ properties }: WorldObject): Json[] {
  return Object.values(properties.holds ?? {}).flat();
}

function fits({ protocol, from, to }: Rule, packet: Packet): boolean {
  if (protocol === "-1") return true;
  if (protocol !== (packet.protocol === "esp" ? "50" : packet.protocol)) return false;
  if (packet.protocol === "icmp") {
    // A rule's "ports" are ICMP's type and code, -1 for all.
    const [type, code] = packet.icmp ?? [8, 0];
    return (from === -1 || from === type) && (to === -1 || to === code);
  }
  if (packet.port === undefined || from === -1 || packet.protocol === "esp") return true;
  return from <= packet.port && packet.port <= to;
}

/** Subnet and security groups of a machine's interface: machines that are equal in these fare alike. */
export function awsClass(reader: Reader, address: string): string | undefined {
  const owner = interfaceAt(reader, address);
  return owner && [text(owner.properties, "subnetId") ?? "", ...Ground.groupsOf(owner)].join(" ");
}
