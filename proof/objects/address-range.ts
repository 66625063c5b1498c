import { isIP } from "node:net";

/** Addresses from `first` to `last`, both inside. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** An IPv4 or IPv6 address as a number; `undefined` for anything else. */
export function addressNumber(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  switch (isIP(text)) {
    case 4:
      return { family: 4, value: text.split(".").reduce((sum, octet) => sum * 256n + BigInt(octet), 0n) };
    case 6:
      return { family: 6, value: groups(text).reduce((sum, group) => sum * 65_536n + BigInt(group), 0n) };
    default:
      return undefined;
  }
}

/** The eight groups of an IPv6 address, `::` filled in. */
function groups(text: string): number[] {
  const [head = "", tail] = (text.split("%")[0] ?? "").split("::");
  const parts = (side: string) =>
    side === ""
      ? []
      : side.split(":").flatMap((part) => {
          const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
          return part.includes(".") ? [a * 256 + b, c * 256 + d] : [Number.parseInt(part, 16)];
        });
  const [left, right] = [parts(head), parts(tail ?? "")];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

/** The addresses of a block; host bits may be set, as in Go's `netip.ParsePrefix`. */
export function blockRange(text: string): AddressRange | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const base = addressNumber(address);
  const bits = base?.family === 4 ? 32 : 128;
  if (base === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  const size = 2n ** BigInt(bits - Number(length));
  const first = base.value - (base.value % size);
  return { family: base.family, first, last: first + size - 1n };
}

export function rangesOverlap(one: AddressRange, other: AddressRange): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** The ranges that hold an address. */
export function holding<Item extends { readonly range: AddressRange }>(
  items: readonly Item[],
  address: string,
): Item[] {
  const number = addressNumber(address);
  if (number === undefined) return [];
  const { family, value } = number;
  return items.filter(({ range }) => range.family === family && range.first <= value && value <= range.last);
}

/** Every item that shares an address with another, with the one it shares with; the later of the two in the list is named first. */
export function overlapping<Item extends { readonly range: AddressRange }>(
  items: readonly Item[],
): { readonly item: Item; readonly other: Item }[] {
  const sorted = [...items.entries()].toSorted(([, { range: one }], [, { range: other }]) =>
    one.family === other.family
      ? one.first < other.first
        ? -1
        : one.first > other.first
          ? 1
          : 0
      : one.family - other.family,
  );
  const found: { readonly at: number; readonly item: Item; readonly other: Item }[] = [];
  let widest: (typeof sorted)[number] | undefined;
  for (const entry of sorted) {
    const [at, item] = entry;
    if (widest !== undefined && rangesOverlap(widest[1].range, item.range)) {
      found.push(at > widest[0] ? { at, item, other: widest[1] } : { at: widest[0], item: widest[1], other: item });
    }
    const further =
      widest === undefined || widest[1].range.family !== item.range.family || item.range.last > widest[1].range.last;
    if (further) widest = entry;
  }
  return found.toSorted((one, other) => one.at - other.at);
}
