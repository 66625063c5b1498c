import { bounds, type Cidr } from "../../components/network/cidr.ts";

/** Addresses as numbers, since a proof looks up millions of them. */
export interface Block {
  readonly first: number;
  /** Inside the block. */
  readonly last: number;
}

export function block(cidr: Cidr): Block {
  const [first, last] = bounds(cidr);
  return { first, last };
}

/** An address in dotted decimal as a number; `undefined` if it is none. */
export function addressNumber(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

export const holds = ({ first, last }: Block, address: number): boolean => first <= address && address <= last;

/** Values by prefix, found by the longest one that holds an address. */
export class PrefixTable<Value> {
  /** By prefix length, then by the block's first address. */
  readonly #byLength = new Map<number, Map<number, Value[]>>();
  #lengths: number[] = [];

  add(cidr: Cidr, value: Value): void {
    const length = Number(cidr.split("/")[1]);
    const [first] = bounds(cidr);
    const ofLength = this.#byLength.get(length) ?? new Map<number, Value[]>();
    if (ofLength.size === 0) {
      this.#byLength.set(length, ofLength);
      this.#lengths = [...this.#byLength.keys()].sort((one, other) => other - one);
    }
    const values = ofLength.get(first);
    if (values) values.push(value);
    else ofLength.set(first, [value]);
  }

  /** Everything at the longest prefix that holds the address; empty if none does. */
  longest(address: number): readonly Value[] {
    for (const length of this.#lengths) {
      const size = 2 ** (32 - length);
      const found = this.#byLength.get(length)?.get(address - (address % size));
      if (found) return found;
    }
    return [];
  }

  /** Everything at all prefixes that hold the address, longest first. */
  all(address: number): Value[] {
    return this.#lengths.flatMap((length) => {
      const size = 2 ** (32 - length);
      return this.#byLength.get(length)?.get(address - (address % size)) ?? [];
    });
  }
}

/** Cuts the line of addresses at both ends of every block: within a piece no block begins or ends. */
export class Cuts {
  readonly #points: number[];

  constructor(blocks: Iterable<Block>) {
    const points = new Set([0]);
    for (const { first, last } of blocks) {
      points.add(first);
      points.add(last + 1);
    }
    this.#points = [...points].filter((point) => point < 2 ** 32).sort((one, other) => one - other);
  }

  /** The pieces of a block, or of all addresses. */
  pieces({ first, last }: Block = { first: 0, last: 2 ** 32 - 1 }): Block[] {
    const starts = [first, ...this.#points.slice(this.#after(first), this.#after(last))];
    return starts.map((start, index) => ({ first: start, last: (starts[index + 1] ?? last + 1) - 1 }));
  }

  /** Index of the first point above `address`. */
  #after(address: number): number {
    let [low, high] = [0, this.#points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#points[middle] ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
