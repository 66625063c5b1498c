/** A block of IPv4 addresses, `first` to `last`, both inclusive, as numbers from 0 to 2^32-1. */
export interface Block {
  readonly first: number;
  readonly last: number;
  /** 0 to 32. */
  readonly prefix: number;
}

/** The number of a dotted address, or `undefined` for what is none. Refuses leading zeros, as AWS does. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** The block of `10.0.0.0/16`; `undefined` for what is no CIDR or has bits set behind its prefix. */
export function parseBlock(cidr: string): Block | undefined {
  const network = networkOf(cidr);
  return network !== undefined && network === cidr ? blockAround(cidr) : undefined;
}

/** The CIDR with the bits behind its prefix cleared: `10.0.1.5/16` is `10.0.0.0/16`. `undefined` for what is no CIDR. */
export function networkOf(cidr: string): string | undefined {
  const block = blockAround(cidr);
  return block === undefined ? undefined : `${formatAddress(block.first)}/${block.prefix}`;
}

function blockAround(cidr: string): Block | undefined {
  const [text = "", mask = "", ...rest] = cidr.split("/");
  const address = parseAddress(text);
  if (address === undefined || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(mask)) return undefined;
  const prefix = Number(mask);
  const size = 2 ** (32 - prefix);
  const first = address - (address % size);
  return { first, last: first + size - 1, prefix };
}

export function contains(outer: Block, inner: Block): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

export function overlaps(a: Block, b: Block): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function holds(block: Block, address: number): boolean {
  return block.first <= address && address <= block.last;
}

const privateBlocks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(parseBlock);

/** Whether an address is of RFC 1918. */
export function isPrivate(address: number): boolean {
  return privateBlocks.some((block) => block !== undefined && holds(block, address));
}
