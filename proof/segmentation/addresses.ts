import { type AddressRange, blockRange } from "../objects/address-range.ts";
import type { CidrGroup } from "../reachability/cidr-groups.ts";
import type { PolicyEntry, Selector } from "../reachability/entry.ts";

/** Addresses outside of the cluster that no policy tells apart, and one of them. */
export interface AddressClass {
  /** The smallest block that policies name around it; `0.0.0.0/0` for those that none names. */
  readonly block: string;
  readonly address: string;
}

/**
 * Blocks are nested or disjoint, so an address is told from others by the smallest block that holds it, and there are as many classes as
 * blocks, less those that smaller ones fill.
 *
 * @param blocks  Everything that policies, groups and zones name; what is no block is left out.
 */
export function addressClasses(blocks: readonly string[]): AddressClass[] {
  const ranges = new Map(
    ["0.0.0.0/0", ...blocks].flatMap((text) => {
      const range = blockRange(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
      return range === undefined ? [] : [[`${range.family} ${range.first} ${range.last}`, { text, range }] as const];
    }),
  );
  const all = [...ranges.values()];
  return all.flatMap(({ text, range }) => {
    const inner = all
      .filter((other) => other.range !== range && within(other.range, range))
      .map((other) => other.range);
    const free = firstOutside(range, inner);
    return free === undefined ? [] : [{ block: text, address: textOf(range.family, free) }];
  });
}

/** Every block that the entries and groups name, exceptions too. */
export function blocksOf(entries: readonly PolicyEntry[], groups: readonly CidrGroup[]): string[] {
  const named = peersOf(entries).flatMap((peer) => {
    if (peer.kind === "cidr") return [peer.block, ...peer.except];
    return peer.kind === "cidr-group" || peer.kind === "cidr-groups" ? peer.except : [];
  });
  return [...named, ...groups.flatMap(({ blocks }) => blocks)];
}

/** For every name and pattern of `toFQDNs` a name that it matches; those of `names` besides. */
export function hostsOf(entries: readonly PolicyEntry[], names: readonly string[]): string[] {
  const patterns = peersOf(entries).flatMap((peer) => (peer.kind === "fqdn" ? [peer.name ?? peer.pattern ?? ""] : []));
  const witnesses = patterns.map((pattern) => pattern.replace(/^\*+\.?$/, "any.example").replaceAll(/\*+/g, "any"));
  return [...new Set([...names, ...witnesses])];
}

function peersOf(entries: readonly PolicyEntry[]): Selector[] {
  return entries.flatMap(({ peers }) => (peers === "none" ? [] : peers));
}

/** Whether the block lies in the other. */
export function isInside(block: string, outer: string): boolean {
  const [one, other] = [blockRange(block), blockRange(outer)];
  return one !== undefined && other !== undefined && within(one, other);
}

function within(inner: AddressRange, outer: AddressRange): boolean {
  return inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** The first address of a block that is in none of the blocks inside; neither the network's own nor an unspecified one where it can be helped. */
function firstOutside({ first, last }: AddressRange, inner: readonly AddressRange[]): bigint | undefined {
  let candidate = first === last ? first : first + 1n;
  for (const block of inner.toSorted((one, other) => (one.first < other.first ? -1 : 1))) {
    if (block.first > candidate) break;
    if (block.last >= candidate) candidate = block.last + 1n;
  }
  if (candidate <= last) return candidate;
  return inner.some((block) => block.first <= first) ? undefined : first;
}

function textOf(family: 4 | 6, value: bigint): string {
  const [size, count] = family === 4 ? [8n, 4] : [16n, 8];
  const parts = Array.from(
    { length: count },
    (_, index) => (value >> (size * BigInt(count - 1 - index))) & ((1n << size) - 1n),
  );
  return parts.map((part) => part.toString(family === 4 ? 10 : 16)).join(family === 4 ? "." : ":");
}
