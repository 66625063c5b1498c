import { z } from "zod";

/** An IPv4 block in canonical form: the address is the first of the block, e.g. `10.10.0.0/16`. */
export type Cidr = string & z.core.$brand<"Cidr">;
/** An IPv4 address in dotted decimal, e.g. `10.10.0.16`. */
export type Ipv4 = string & z.core.$brand<"Ipv4">;

const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function toNumber(address: string): number | undefined {
  const parts = octets.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function format(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".") as Ipv4;
}

/** What is wrong with a block, as a sentence that ends in what to write; `undefined` when it is right. */
function cidrProblem(text: string): string | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const base = toNumber(address);
  if (base === undefined || rest.length > 0) return `"${text}" is not an IPv4 block. Write one such as 10.10.0.0/16.`;
  if (length === "") return `"${text}" has no prefix length. Did you mean ${address}/32?`;
  const prefix = Number(length);
  if (!/^\d{1,2}$/.test(length) || prefix > 32) return `"${text}" has prefix length ${length}. Write 0 to 32.`;
  const aligned = base - (base % 2 ** (32 - prefix));
  return aligned === base ? undefined : `"${text}" starts inside a block. Did you mean ${format(aligned)}/${prefix}?`;
}

/** The door for blocks: every CIDR in a stack file passes here once. */
export const Cidr = z
  .string()
  .superRefine((text, context) => {
    const message = cidrProblem(text);
    if (message) context.addIssue({ code: "custom", message });
  })
  .transform((text) => text as Cidr);

/** The door for single addresses. */
export const Ipv4 = z
  .string()
  .refine((text) => toNumber(text) !== undefined, { error: "not an IPv4 address. Write one such as 10.10.0.10." })
  .transform((text) => text as Ipv4);

/** First and last address as numbers, both inside the block. */
export function bounds(block: Cidr): [first: number, last: number] {
  const [address = "", length = ""] = block.split("/");
  const first = toNumber(address);
  if (first === undefined) throw new RangeError(`${block} is not an IPv4 block.`);
  return [first, first + 2 ** (32 - Number(length)) - 1];
}

/** The number after the slash. */
export function prefixLength(block: Cidr): number {
  return Number(block.split("/")[1]);
}

/** Whether the two blocks share an address. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  const [first, last] = bounds(one);
  const [otherFirst, otherLast] = bounds(other);
  return first <= otherLast && otherFirst <= last;
}

/** Whether every address of `inner` lies in `outer`; an address counts as a /32. */
export function contains(outer: Cidr, inner: Cidr | Ipv4): boolean {
  const [first, last] = bounds(outer);
  const [innerFirst, innerLast] = bounds(inner.includes("/") ? (inner as Cidr) : single(inner as Ipv4));
  return first <= innerFirst && innerLast <= last;
}

/** The /32 of one address. */
export function single(address: Ipv4): Cidr {
  return `${address}/32` as Cidr;
}

/**
 * The `index`-th subnet of length `prefix` in `block`, counted from 0.
 *
 * `subnet("10.128.0.0/16", 24, 3)` is `10.128.3.0/24`.
 * @throws RangeError if the block holds no such subnet.
 */
export function subnet(block: Cidr, prefix: number, index: number): Cidr {
  const count = 2 ** (prefix - prefixLength(block));
  if (count < 1 || !Number.isInteger(index) || index < 0 || index >= count) {
    throw new RangeError(`${block} has no /${prefix} number ${index}; it holds ${Math.max(0, Math.floor(count))}.`);
  }
  return `${format(bounds(block)[0] + index * 2 ** (32 - prefix))}/${prefix}` as Cidr;
}

/**
 * The address `offset` places after the block's first.
 *
 * `host("10.10.0.0/20", 16)` is `10.10.0.16`.
 * @throws RangeError if it lies outside the block.
 */
export function host(block: Cidr, offset: number): Ipv4 {
  const [first, last] = bounds(block);
  if (!Number.isInteger(offset) || offset < 0 || first + offset > last) {
    throw new RangeError(`${block} has no address number ${offset}.`);
  }
  return format(first + offset);
}
