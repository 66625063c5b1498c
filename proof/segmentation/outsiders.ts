import type { PolicyEntry } from "../reachability/entry.ts";
import { addressParty, type Party } from "../reachability/party.ts";
import type { Actor, Member } from "./actors.ts";
import { type AddressClass, addressClasses, blocksOf, hostsOf, isInside } from "./addresses.ts";

/** The name of addresses that nobody names, unless a zone gives them another. */
export const worldName = "world";
const everyAddress = "0.0.0.0/0";

interface Zone {
  readonly name: string;
  readonly text: string;
}

/** Zones outside of the clusters, by what they name. */
interface Zones {
  readonly world: string | undefined;
  readonly blocks: readonly Zone[];
  readonly hosts: readonly Zone[];
}

/** Addresses outside of the clusters, as far as policies and zones tell them apart, and those that are reached by a name. */
export function outsiders(members: readonly Member[], entries: readonly PolicyEntry[]): Actor[] {
  const zones = zonesOf(members);
  const groups = members.flatMap((member) => member.groups);
  const classes = addressClasses([...blocksOf(entries, groups), ...zones.blocks.map(({ text }) => text)]);
  const hosts = hostsOf(
    entries,
    zones.hosts.map(({ text }) => text),
  );
  const homes = classes.filter(({ block }) => block === everyAddress || isDenied(block, entries));
  return [
    ...classes.map((each) => address(each, zones)),
    ...hosts.flatMap((host) => homes.map((home) => hostAt(host, home, zones))),
  ];
}

/** An actor that is met everywhere. */
export function actor(name: string, kind: Actor["kind"], zones: readonly string[], peer: Party): Actor {
  return { name, kind, zones, wider: [], local: false, peer: { ...peer, name } };
}

function zonesOf(members: readonly Member[]): Zones {
  const zones = members.flatMap((member) => Object.entries(member.zones));
  return {
    world: zones.find(([, zone]) => "entity" in zone && zone.entity === "world")?.[0],
    blocks: zones.flatMap(([name, zone]) => ("cidr" in zone ? [{ name, text: zone.cidr }] : [])),
    hosts: zones.flatMap(([name, zone]) => ("fqdn" in zone ? [{ name, text: zone.fqdn }] : [])),
  };
}

/** A rule that denies a block denies the name that leads into it: then each name is asked about there, too. */
function isDenied(block: string, entries: readonly PolicyEntry[]): boolean {
  const denied = entries.filter(({ verdict, direction }) => verdict === "deny" && direction === "egress");
  return blocksOf(denied, []).some((outer) => outer !== everyAddress && isInside(block, outer));
}

function address({ block, address: witness }: AddressClass, zones: Zones): Actor {
  const { world = worldName, blocks } = zones;
  const around = blocks.filter(({ text }) => isInside(block, text));
  const innermost = around.filter(
    ({ text }) => !around.some((other) => other.text !== text && isInside(other.text, text)),
  );
  const names = [...new Set(innermost.map(({ name }) => name))];
  const name = block === everyAddress ? world : (innermost.find(({ text }) => text === block)?.name ?? block);
  const inWorld = zones.world === undefined ? [] : [zones.world];
  const [like = world] = names;
  const own = {
    ...actor(name, "address", names.length > 0 ? names : inWorld, addressParty(witness)),
    wider: names.length > 0 ? inWorld : [],
  };
  if (block === everyAddress) return { ...own, isWorld: true };
  return like === name ? own : { ...own, like };
}

function hostAt(host: string, { block, address: home }: AddressClass, zones: Zones): Actor {
  const { world = worldName, hosts } = zones;
  const zone = hosts.find(({ text }) => text === host)?.name;
  const inWorld = zones.world === undefined ? [] : [zones.world];
  const base = zone ?? host;
  const name = block === everyAddress ? base : `${base} at ${block}`;
  const like = zone ?? world;
  const own = {
    ...actor(name, "address", zone === undefined ? inWorld : [zone], addressParty(home, [host])),
    wider: zone === undefined ? [] : inWorld,
  };
  return like === name ? own : { ...own, like };
}
