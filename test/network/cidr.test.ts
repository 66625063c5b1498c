import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bounds, Cidr, contains, host, overlaps, prefixLength, subnet } from "../../components/network/cidr.ts";

const block = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 8, max: 30 }))
  .map(([second, third, prefix]) => {
    const value = 10 * 2 ** 24 + second * 2 ** 16 + third * 2 ** 8;
    const base = value - (value % 2 ** (32 - prefix));
    return Cidr.parse(`${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${prefix}`);
  });

describe("Cidr", () => {
  it.each([
    ["10.10.0.0", "no prefix length. Did you mean 10.10.0.0/32?"],
    ["10.10.1.0/16", "starts inside a block. Did you mean 10.10.0.0/16?"],
    ["10.10.0.0/33", "prefix length 33. Write 0 to 32."],
    ["10.256.0.0/16", "not an IPv4 block"],
    ["10.10.0.0/16/2", "not an IPv4 block"],
    ["fd00::/8", "not an IPv4 block"],
    ["", "not an IPv4 block"],
  ])("refuses %j and says what to write", (text, message) => {
    expect(Cidr.safeParse(text).error?.issues[0]?.message).toContain(message);
  });

  it("takes the whole address space", () => {
    expect(bounds(Cidr.parse("0.0.0.0/0"))).toEqual([0, 2 ** 32 - 1]);
  });
});

describe("subnet", () => {
  it.each([
    ["10.128.0.0/16", 24, 3, "10.128.3.0/24"],
    ["10.10.0.0/16", 20, 2, "10.10.32.0/20"],
    ["10.10.0.0/16", 28, 4001, "10.10.250.16/28"],
  ])("%s /%i number %i is %s", (outer, prefix, index, expected) => {
    expect(subnet(Cidr.parse(outer), prefix, index)).toBe(expected);
  });

  it("stays inside the block and never overlaps its neighbour", () => {
    fc.assert(
      fc.property(block, fc.integer({ min: 0, max: 2 }), fc.nat(), (outer, extra, seed) => {
        const prefix = prefixLength(outer) + extra;
        const count = 2 ** extra;
        const [one, other] = [subnet(outer, prefix, seed % count), subnet(outer, prefix, (seed + 1) % count)];
        expect(contains(outer, one)).toBe(true);
        expect(overlaps(one, other)).toBe(one === other);
      }),
    );
  });

  it("refuses what the block does not hold", () => {
    expect(() => subnet(Cidr.parse("10.128.0.0/16"), 24, 256)).toThrow("no /24 number 256; it holds 256");
  });
});

describe("overlaps and contains", () => {
  it("agree with counting addresses", () => {
    fc.assert(
      fc.property(block, block, (one, other) => {
        const [first, last] = bounds(one);
        const [otherFirst, otherLast] = bounds(other);
        const shared = Math.min(last, otherLast) - Math.max(first, otherFirst) + 1;
        expect(overlaps(one, other)).toBe(shared > 0);
        expect(contains(one, other)).toBe(shared === otherLast - otherFirst + 1);
      }),
    );
  });

  it("takes an address for a /32", () => {
    const pods = Cidr.parse("10.128.0.0/16");
    expect(contains(pods, host(pods, 65_535))).toBe(true);
    expect(() => host(pods, 65_536)).toThrow(RangeError);
  });
});
