import type { Cidr } from "./cidr.ts";
import type { FirewallRule } from "./firewall.ts";
import type { FirewallGroup, Protocol } from "./ports.ts";

/** One rule of a network security group, as Azure takes it. */
export type AzureRule = {
  readonly name: string;
  readonly priority: number;
  readonly access: "Allow" | "Deny";
  readonly direction: "Inbound" | "Outbound";
  readonly protocol: "Tcp" | "Udp" | "Icmp" | "Esp" | "*";
  readonly sourcePortRange: "*";
  readonly destinationPortRange: string;
} & Prefixes;

/** Azure wants one prefix in the singular property and several in the plural. */
interface Prefixes {
  readonly sourceAddressPrefix?: string;
  readonly sourceAddressPrefixes?: string[];
  readonly destinationAddressPrefix?: string;
  readonly destinationAddressPrefixes?: string[];
}

const protocols = { tcp: "Tcp", udp: "Udp", icmp: "Icmp", esp: "Esp", any: "*" } as const satisfies Record<
  Protocol,
  AzureRule["protocol"]
>;

/** Priorities that rules may have (learn.microsoft.com/azure/virtual-network/network-security-groups-overview). */
const firstPriority = 100;
const lastPriority = 4096;

/**
 * All rules of one group's NSG: a row of the port table is one rule per direction, with all its remotes in it, and whatever is left is
 * denied, since Azure's default rules allow the whole virtual network and everything that is peered with it.
 *
 * Priorities count up in the order of the table. They may move when a row comes in: all rules are written in one request, and among
 * rules that only allow the order has no meaning.
 */
export function azureRules(rules: readonly FirewallRule[], group: FirewallGroup): AzureRule[] {
  const own = rules.filter((rule) => rule.group === group);
  return (["ingress", "egress"] as const).flatMap((direction) => {
    const rows = Map.groupBy(
      own.filter((rule) => rule.direction === direction),
      ({ row }) => row,
    );
    const allowed = [...rows.values()].map((alike, index) => allow(alike, firstPriority + index));
    return [...allowed, denyRest(direction)];
  });
}

function allow(alike: readonly FirewallRule[], priority: number): AzureRule {
  const [rule] = alike;
  if (!rule) throw new RangeError("a row without rules has no priority.");
  if (priority >= lastPriority) throw new RangeError(`${rule.row}: an NSG has no priority beyond ${lastPriority - 1}.`);
  const remote = alike.map((one) => one.remote);
  const inbound = rule.direction === "ingress";
  return {
    name: `${rule.row}-${inbound ? "in" : "out"}`,
    priority,
    access: "Allow",
    direction: inbound ? "Inbound" : "Outbound",
    protocol: protocols[rule.protocol],
    sourcePortRange: "*",
    destinationPortRange: portRange(rule),
    ...prefixes("source", inbound ? remote : rule.local),
    ...prefixes("destination", inbound ? rule.local : remote),
  };
}

function denyRest(direction: FirewallRule["direction"]): AzureRule {
  const inbound = direction === "ingress";
  return {
    name: `deny-rest-${inbound ? "in" : "out"}`,
    priority: lastPriority,
    access: "Deny",
    direction: inbound ? "Inbound" : "Outbound",
    protocol: "*",
    sourcePortRange: "*",
    destinationPortRange: "*",
    sourceAddressPrefix: "*",
    destinationAddressPrefix: "*",
  };
}

/** An NSG matches no ICMP type, so ICMP rows open all of them between the same addresses. */
function portRange({ protocol, range }: FirewallRule): string {
  if (!range || protocol === "icmp") return "*";
  const [first, last] = range;
  return first === last ? `${first}` : `${first}-${last}`;
}

function prefixes(side: "source" | "destination", blocks: readonly Cidr[]): Prefixes {
  const [only, ...more] = blocks;
  if (only && more.length === 0) {
    return side === "source" ? { sourceAddressPrefix: only } : { destinationAddressPrefix: only };
  }
  return side === "source" ? { sourceAddressPrefixes: [...blocks] } : { destinationAddressPrefixes: [...blocks] };
}
