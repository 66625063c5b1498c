import { type AddressRange, blockRange } from "../objects/address-range.ts";
import { addBit, type Bits, noBits } from "./bits.ts";
import type { CidrGroup } from "./cidr-groups.ts";
import { matchesName } from "./domain-names.ts";
import type { Label, PolicyEntry, Selector } from "./entry.ts";

interface Outside {
  readonly number: number;
  /** Undefined for an address of which nothing but its names is known. */
  readonly range: AddressRange | undefined;
  /** Those that list the address, by the narrowest block of each. */
  readonly groups: readonly CidrGroup[];
  /** Names whose lookups gave the address. */
  readonly names: readonly string[];
}

/** The identities that are addresses, and who of them a block, a group or a name means. */
export class AddressIdentities {
  readonly #size: number;
  readonly #minor: number;
  readonly #outside: readonly Outside[];

  /**
   * @param labels  Of every identity, by its number.
   * @param minor  Of Cilium 1.x.
   */
  constructor(labels: readonly (readonly Label[])[], groups: readonly CidrGroup[], minor: number) {
    this.#size = labels.length;
    this.#minor = minor;
    const ranges = groups.map((group) => ({ group, ranges: group.blocks.flatMap((block) => blockRange(block) ?? []) }));
    this.#outside = labels.flatMap((own, number): Outside[] => {
      const range = own.flatMap(({ source, key }) => (source === "cidr" ? (blockRange(key) ?? []) : []))[0];
      const names = own.filter(({ source }) => source === "fqdn").map(({ key }) => key);
      if (range === undefined) return names.length === 0 ? [] : [{ number, range, groups: [], names }];
      const listing = ranges.flatMap(({ group, ranges: blocks }) => {
        const [narrowest] = blocks
          .filter((block) => holds(block, range))
          .map(sizeOf)
          .toSorted(compare);
        return narrowest === undefined ? [] : [{ group, size: narrowest }];
      });
      const inside = listing.toSorted((one, other) => compare(one.size, other.size)).map(({ group }) => group);
      return [{ number, range, groups: inside, names }];
    });
  }

  /** The labels that groups give each address; of two for one key that of the narrower block (`pkg/ipcache/metadata.go`). */
  groupLabels(): { readonly number: number; readonly label: Label }[] {
    return this.#outside.flatMap(({ number, groups }) => {
      const labels = groups.flatMap(({ name, labels: own }) => [
        ...own,
        { source: "cidrgroup", key: `io.cilium.policy.cidrgroupname/${name}`, value: "" },
      ]);
      const byKey = new Map(labels.toReversed().map((label) => [label.key, label]));
      return [...byKey.values()].map((label) => ({ number, label }));
    });
  }

  inBlock(block: string): Bits {
    const range = rangeOf(block);
    return this.#bits((inner) => range !== undefined && holds(range, inner.range));
  }

  inGroups(wanted: (group: CidrGroup) => boolean): Bits {
    return this.#bits(({ groups }) => groups.some(wanted));
  }

  named({ name, pattern = "" }: Extract<Selector, { kind: "fqdn" }>): Bits {
    return this.#bits(({ names }) => names.some((each) => matchesName(name ?? pattern, each, this.#minor)));
  }

  /** Those that Cilium gives an identity of their own: some policy or group names a prefix that they lie in, or a name that led to them. */
  known(entries: readonly PolicyEntry[]): Bits {
    const selectors = new Set(entries.flatMap(({ peers }) => (peers === "none" ? [] : peers)));
    const blocks = new Set([...selectors].flatMap(blocksOf));
    const ranges = [...blocks].flatMap((block) => (block.endsWith("/0") ? [] : (rangeOf(block) ?? [])));
    const patterns = [...selectors].filter((selector) => selector.kind === "fqdn");
    return this.#bits(
      ({ range, groups, names }) =>
        groups.length > 0 ||
        ranges.some((block) => holds(block, range)) ||
        patterns.some(({ name, pattern = "" }) =>
          names.some((each) => matchesName(name ?? pattern, each, this.#minor)),
        ),
    );
  }

  #bits(wanted: (address: Outside) => boolean): Bits {
    const bits = noBits(this.#size);
    for (const address of this.#outside) if (wanted(address)) addBit(bits, address.number);
    return bits;
  }
}

/** The addresses of a block, or the one that stands alone. */
export function rangeOf(block: string): AddressRange | undefined {
  return blockRange(block.includes("/") ? block : `${block}/${block.includes(":") ? 128 : 32}`);
}

function blocksOf(selector: Selector): readonly string[] {
  if (selector.kind === "cidr") return [selector.block, ...selector.except];
  return selector.kind === "cidr-group" || selector.kind === "cidr-groups" ? selector.except : [];
}

function sizeOf({ first, last }: AddressRange): bigint {
  return last - first;
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function holds(outer: AddressRange, inner: AddressRange | undefined): boolean {
  return inner !== undefined && outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}
