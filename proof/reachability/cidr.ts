import { blockRange } from "../objects/address-range.ts";

/** What keeps a text from being a block of addresses, as Go's `netip.ParsePrefix` reads it. */
export function blockProblem(text: string): string | undefined {
  const [, length = ""] = text.split("/");
  const fine = !text.includes("%") && /^(0|[1-9]\d*)$/.test(length) && blockRange(text) !== undefined;
  return fine ? undefined : `"${text}" is no block of addresses`;
}

/** Whether a block holds the address that another one is written with; both parse. */
export function containsAddress(block: string, other: string): boolean {
  const [address = "", length = ""] = other.split("/");
  const outer = blockRange(block);
  const bits = outer?.family === 4 ? 32 : 128;
  return length !== "" && contains(block, `${address}/${bits}`);
}

/** Whether an exception lies in a block; both parse. */
export function contains(block: string, except: string): boolean {
  const [outer, inner] = [blockRange(block), blockRange(except)];
  return (
    outer !== undefined &&
    inner !== undefined &&
    outer.family === inner.family &&
    outer.first <= inner.first &&
    inner.last <= outer.last
  );
}
