/** An IPv4 block as numbers, first and last address inclusive. */
export interface Prefix {
  readonly text: string;
  readonly first: number;
  readonly last: number;
  /** 0 to 32. */
  readonly length: number;
}

/** A dotted-decimal IPv4 address as a number; `undefined` when it is not one. */
export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** The number as dotted decimal. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** `10.0.0.1/24` gives the block 10.0.0.0/24, whose `text` then differs from what was given; `undefined` when it is no block. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, base = "", bits = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const address = parseAddress(base);
  const length = Number(bits);
  if (address === undefined || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const first = address - (address % size);
  return { text: `${formatAddress(first)}/${length}`, first, last: first + size - 1, length };
}

/** Whether the two blocks share an address. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Whether every address of `inner` is in `outer`. */
export function within(inner: Prefix, outer: Prefix): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether the address is in the block. */
export function holds(prefix: Prefix, address: number): boolean {
  return prefix.first <= address && address <= prefix.last;
}
