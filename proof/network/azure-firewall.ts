import type { z } from "zod";
import { bounds, Cidr, type Ipv4, single } from "../../components/network/cidr.ts";
import type { Found, Inventory, Report } from "./azure-inventory.ts";
import type { NetworkSecurityGroup, SecurityRule, VirtualNetwork } from "./azure-shapes.ts";
import type { Filter, FilterRule, Origin } from "./model.ts";

type Group = Found<z.infer<typeof NetworkSecurityGroup>>;
type Network = Found<z.infer<typeof VirtualNetwork>>;

/** What is written as any address, and what Azure's own rules mean by it. */
export const anyAddress = Cidr.parse("0.0.0.0/0");
/** Where probes of load balancers come from (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). */
export const probeSource = Cidr.parse("168.63.129.16/32");
/** What a gateway may learn and a peering may bring: part of the tag VirtualNetwork once they are there. */
const privateSpace = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((block) => Cidr.parse(block));

type Tags = Readonly<Record<string, readonly Cidr[]>>;

/** Rules that every group ends with (learn.microsoft.com/azure/virtual-network/network-security-groups-overview). */
const defaults: readonly (readonly [
  name: string,
  priority: number,
  direction: FilterRule["direction"],
  action: FilterRule["action"],
  source: string,
  destination: string,
])[] = [
  ["AllowVnetInBound", 65_000, "ingress", "allow", "VirtualNetwork", "VirtualNetwork"],
  ["AllowAzureLoadBalancerInBound", 65_001, "ingress", "allow", "AzureLoadBalancer", "*"],
  ["DenyAllInBound", 65_500, "ingress", "deny", "*", "*"],
  ["AllowVnetOutBound", 65_000, "egress", "allow", "VirtualNetwork", "VirtualNetwork"],
  ["AllowInternetOutBound", 65_001, "egress", "allow", "*", "Internet"],
  ["DenyAllOutBound", 65_500, "egress", "deny", "*", "*"],
];

/** Id of a group's filter in one network: what its service tags stand for depends on the network. */
export function filterId(group: string, network: string): string {
  return `${group}@${network}`;
}

/** A group as packets of one network meet it. */
export function filterOf(inventory: Inventory, group: Group, network: Network): Filter {
  const { report } = inventory;
  const tags = tagsOf(inventory, network);
  const standing = inventory.securityRules.filter(
    ({ value }) =>
      value.networkSecurityGroupName === group.name && value.resourceGroupName === group.value.resourceGroupName,
  );
  const own = [
    ...group.value.securityRules.map((rule) => ({ rule, origin: { ...group.origin, part: `rule ${rule.name}` } })),
    ...standing.map(({ value, name, origin }) => ({ rule: { ...value, name }, origin })),
  ];
  for (const [index, { rule, origin }] of own.entries()) {
    const earlier = own.slice(0, index).map((one) => one.rule);
    const same = earlier.find((one) => one.direction === rule.direction && one.priority === rule.priority);
    if (same)
      report(origin, `has priority ${rule.priority}, as ${same.name} of the same direction has; Azure refuses it`);
    if (earlier.some(({ name }) => name === rule.name)) report(origin, `${rule.name} is the name of two rules`);
  }
  return {
    id: filterId(group.id, network.id),
    label: `NSG ${group.name}`,
    rules: [...own.flatMap(({ rule, origin }) => translate(rule, tags, origin, report)), ...impliedRules(group, tags)],
  };
}

function impliedRules({ origin }: Group, tags: Tags): FilterRule[] {
  return defaults.map(([name, priority, direction, action, source, destination]) => ({
    origin: { ...origin, part: `Azure's own rule ${name}` },
    direction,
    action,
    priority,
    protocol: "any",
    ranges: [],
    sources: tags[source] ?? [],
    destinations: tags[destination] ?? [],
    implied: true,
  }));
}

/** Service tags by name. With a gateway the network's tag also holds what the gateway learns, which is private space at most. */
function tagsOf(inventory: Inventory, network: Network): Tags {
  const blocks = network.value.addressSpace.addressPrefixes;
  const subnets = inventory.subnets.filter((subnet) => networkOf(inventory, subnet)?.id === network.id);
  const joined = inventory.gateways.some(({ value }) =>
    value.ipConfigurations.some((part) => subnets.some(({ id }) => id === part.subnet.id)),
  );
  const known = joined ? [...blocks, ...privateSpace] : blocks;
  return {
    "*": [anyAddress],
    VirtualNetwork: known,
    AzureLoadBalancer: [probeSource],
    Internet: complement(known),
  };
}

/** The network that a subnet names as its own. */
export function networkOf(
  { networks }: Inventory,
  { value }: { readonly value: { readonly virtualNetworkName: string; readonly resourceGroupName: string } },
): Network | undefined {
  return networks.find(
    (network) =>
      network.name === value.virtualNetworkName && network.value.resourceGroupName === value.resourceGroupName,
  );
}

const protocols = { Tcp: "tcp", Udp: "udp", Icmp: "icmp", Esp: "esp", "*": "any" } as const;

function translate(rule: SecurityRule, tags: Tags, origin: Origin, report: Report): FilterRule[] {
  const sides = (["source", "destination"] as const).map((side) => {
    const one = rule[`${side}AddressPrefix`];
    const words = [...(one === undefined ? [] : [one]), ...rule[`${side}AddressPrefixes`]];
    if (words.length === 0) report(origin, `has neither ${side}AddressPrefix nor ${side}AddressPrefixes`);
    return words.flatMap((word) => blocksOf(word, tags, origin, report));
  });
  const [sources = [], destinations = []] = sides;
  const from = listed(rule.sourcePortRange, rule.sourcePortRanges);
  if (!from.includes("*"))
    report(origin, `matches source ports ${from.join(", ") || "none"}; clients choose theirs at random, so write "*"`);
  const to = listed(rule.destinationPortRange, rule.destinationPortRanges);
  if (to.length === 0) report(origin, "has neither destinationPortRange nor destinationPortRanges");
  const ranges = to.includes("*") ? [] : to.flatMap((word) => rangeOf(word, origin, report));
  const protocol = protocols[rule.protocol];
  if (ranges.length > 0 && (protocol === "icmp" || protocol === "esp"))
    report(origin, `names ports ${to.join(", ")}, and ${rule.protocol} has none; write "*"`);
  const common = {
    origin,
    direction: rule.direction === "Inbound" ? ("ingress" as const) : ("egress" as const),
    action: rule.access === "Allow" ? ("allow" as const) : ("deny" as const),
    priority: rule.priority,
    ranges,
    sources,
    destinations,
    implied: false,
  };
  // Ports belong to TCP and UDP, so a rule for any protocol with ports says nothing of the others.
  return protocol === "any" && ranges.length > 0
    ? [
        { ...common, protocol: "tcp" },
        { ...common, protocol: "udp" },
      ]
    : [{ ...common, protocol }];
}

function listed(one: string | undefined, many: readonly string[]): string[] {
  return [...(one === undefined ? [] : [one]), ...many];
}

function blocksOf(word: string, tags: Tags, origin: Origin, report: Report): readonly Cidr[] {
  const tag = tags[word];
  if (tag !== undefined) return tag;
  const block = Cidr.safeParse(word.includes("/") ? word : `${word}/32`);
  if (block.success) return [block.data];
  report(origin, `${word} is neither a block nor a service tag that the proof knows`);
  return [];
}

function rangeOf(word: string, origin: Origin, report: Report): [number, number][] {
  const [first = "", last = first] = word.split("-");
  const [low, high] = [Number(first), Number(last)];
  if (/^\d+(-\d+)?$/.test(word) && low <= high && high <= 65_535) return [[low, high]];
  report(origin, `${word} is no port and no range of ports`);
  return [];
}

/** Everything that is in none of the blocks. */
export function complement(blocks: readonly Cidr[]): Cidr[] {
  const taken = blocks.map(bounds).sort(([a], [b]) => a - b);
  const free: Cidr[] = [];
  let next = 0;
  for (const [first, last] of [...taken, [2 ** 32, 2 ** 32] as const]) {
    free.push(...covering(next, first - 1));
    next = Math.max(next, last + 1);
  }
  return free;
}

/** The fewest blocks that hold exactly these addresses. */
function covering(first: number, last: number): Cidr[] {
  const blocks: Cidr[] = [];
  for (let start = first; start <= last; ) {
    let length = 32;
    while (length > 0 && start % 2 ** (33 - length) === 0 && start + 2 ** (33 - length) - 1 <= last) length -= 1;
    blocks.push(Cidr.parse(`${dotted(start)}/${length}`));
    start += 2 ** (32 - length);
  }
  return blocks;
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** The rule by which a filter would drop a new connection; `undefined` when it lets it through. */
export function refusal(
  { rules }: Filter,
  { source, destination, port }: { readonly source: Cidr; readonly destination: Ipv4; readonly port: number },
): FilterRule | "no rule" | undefined {
  const inside = (blocks: readonly Cidr[], block: Cidr) => {
    const [first, last] = bounds(block);
    return blocks.some((one) => bounds(one)[0] <= first && last <= bounds(one)[1]);
  };
  const decisive = rules
    .filter(
      (rule) =>
        rule.direction === "ingress" &&
        (rule.protocol === "tcp" || rule.protocol === "any") &&
        (rule.ranges.length === 0 || rule.ranges.some(([first, last]) => first <= port && port <= last)) &&
        inside(rule.sources, source) &&
        inside(rule.destinations, single(destination)),
    )
    .sort((a, b) => a.priority - b.priority)[0];
  if (decisive === undefined) return "no rule";
  return decisive.action === "deny" ? decisive : undefined;
}
