import { type Packet, sourceOf } from "../packet.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { holds, parseAddress, parsePrefix } from "./address.ts";
import { lastName } from "./arm.ts";
import { idsAt, numberAt, textAt, textsAt } from "./fields.ts";

export type Direction = "Inbound" | "Outbound";

/** What the service tags of a rule stand for in one network. */
export interface Tags {
  /** Address space, peers' and what the gateway has learned: the tag VirtualNetwork. */
  readonly network: readonly string[];
  /** Addresses of the members of application security groups, by the group's id. */
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** Where the load balancer's probes come from (learn.microsoft.com, what-is-ip-address-168-63-129-16). */
export const probeAddress = "168.63.129.16";

/** The rules that every group ends with (learn.microsoft.com, network-security-groups-overview). */
const defaults: readonly JsonObject[] = [
  standard("AllowVnetInBound", 65_000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
  standard("AllowAzureLoadBalancerInBound", 65_001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
  standard("DenyAllInBound", 65_500, "Inbound", "Deny", "*", "*"),
  standard("AllowVnetOutBound", 65_000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
  standard("AllowInternetOutBound", 65_001, "Outbound", "Allow", "*", "Internet"),
  standard("DenyAllOutBound", 65_500, "Outbound", "Deny", "*", "*"),
];

function standard(
  name: string,
  priority: number,
  direction: Direction,
  access: string,
  source: string,
  destination: string,
): JsonObject {
  return {
    name,
    priority,
    direction,
    access,
    protocol: "*",
    sourceAddressPrefix: source,
    destinationAddressPrefix: destination,
    destinationPortRange: "*",
  };
}

/** Rules of one security group as packets meet them: by priority, the first that fits decides. */
export class Filter {
  readonly #name: string;
  readonly #rules: readonly JsonObject[];
  readonly #tags: Tags;

  constructor(group: WorldObject, rules: readonly WorldObject[], tags: Tags) {
    this.#name = lastName(group.id);
    const own = rules.map(({ id, properties }) => ({ ...properties, name: lastName(id) }) satisfies JsonObject);
    this.#rules = [...own, ...defaults].sort((a, b) => (numberAt(a, "priority") ?? 0) - (numberAt(b, "priority") ?? 0));
    this.#tags = tags;
  }

  /** The rule that denies the packet; `undefined` when one allows it. */
  denial(direction: Direction, packet: Packet): string | undefined {
    const rule = this.#rules.find((one) => textAt(one, "direction") === direction && this.#fits(one, packet));
    return rule === undefined || textAt(rule, "access") === "Allow"
      ? undefined
      : `${this.#name} (${textAt(rule, "name") ?? ""})`;
  }

  #fits(rule: JsonObject, packet: Packet): boolean {
    const { protocol, port } = packet;
    const wanted = textAt(rule, "protocol") ?? "*";
    if (wanted !== "*" && wanted.toLowerCase() !== protocol) return false;
    const ranges = listed(rule, "destinationPortRange");
    if (port !== undefined && !ranges.some((range) => coversPort(range, port))) return false;
    return this.#coversSide(rule, "source", sourceOf(packet)) && this.#coversSide(rule, "destination", packet.to);
  }

  #coversSide(rule: JsonObject, side: "source" | "destination", address: string): boolean {
    const groups = idsAt(rule, `${side}ApplicationSecurityGroups`);
    if (groups.some((id) => this.#tags.members.get(id)?.includes(address) === true)) return true;
    return listed(rule, `${side}AddressPrefix`).some((prefix) => this.#covers(prefix, address));
  }

  #covers(prefix: string, address: string): boolean {
    switch (prefix) {
      case "*":
        return true;
      case "VirtualNetwork":
        return this.#tags.network.some((block) => inside(block, address));
      case "AzureLoadBalancer":
        return address === probeAddress;
      case "Internet":
        return address !== probeAddress && !this.#tags.network.some((block) => inside(block, address));
      default:
        return prefix === address || inside(prefix, address);
    }
  }
}

/** A rule's singular and plural property together, e.g. `sourceAddressPrefix`. */
export function listed(rule: JsonObject, key: string): string[] {
  const many = key.endsWith("Prefix") ? `${key}es` : `${key}s`;
  const one = textAt(rule, key);
  return [...(one === undefined ? [] : [one]), ...textsAt(rule, many)];
}

/** Whether a range such as `*`, `22` or `9962-9965` holds a port. */
export function coversPort(range: string, port: number): boolean {
  const [first = "", last = first] = range.split("-");
  return range === "*" || (Number(first) <= port && port <= Number(last));
}

/** Whether a block, or an address that stands for itself, holds the address. */
export function inside(block: string, address: string): boolean {
  const [prefix, number] = [parsePrefix(block), parseAddress(address)];
  return prefix !== undefined && number !== undefined && holds(prefix, number);
}
