import { type AddressRange, addressNumber, blockRange } from "../objects/address-range.ts";
import type { Selector } from "../reachability/entry.ts";
import type { Loaded } from "../reachability/load.ts";

/** Addresses are remembered up to this many, so that a million clients of a public service take no more memory than these. */
const rememberedAddresses = 100_000;

/** Tells addresses apart as far as policies do: by the blocks that any of them names. */
export class AddressClasses {
  readonly #ranges: readonly AddressRange[];
  readonly #known = new Map<string, string>();

  constructor(loaded: readonly Loaded[]) {
    const blocks = loaded.flatMap(({ entries, groups }) => [
      ...groups.flatMap(({ blocks: listed }) => listed),
      ...entries.flatMap(({ peers }) => (peers === "none" ? [] : peers.flatMap(blocksOf))),
    ]);
    this.#ranges = [...new Set(blocks)].flatMap(
      (block) => blockRange(block.includes("/") ? block : `${block}/${block.includes(":") ? 128 : 32}`) ?? [],
    );
  }

  /** Equal texts: no policy treats the two addresses differently. `undefined` for what is no address. */
  of(address: string): string | undefined {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const number = addressNumber(address);
    if (number === undefined) return undefined;
    const { family, value } = number;
    const inside = this.#ranges.flatMap((range, index) =>
      range.family === family && range.first <= value && value <= range.last ? [index] : [],
    );
    const found = `${family === 4 ? "IPv4" : "IPv6"} ${inside.join(",")}`;
    if (this.#known.size >= rememberedAddresses) this.#known.clear();
    this.#known.set(address, found);
    return found;
  }
}

function blocksOf(selector: Selector): readonly string[] {
  switch (selector.kind) {
    case "cidr":
      return [selector.block, ...selector.except];
    case "cidr-group":
    case "cidr-groups":
      return selector.except;
    case "labels":
    case "fqdn":
      return [];
  }
}
