import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  describePorts,
  difference,
  everyPort,
  holdsPort,
  intersection,
  noPorts,
  type PortSet,
  portNumber,
  portsOf,
  protocols,
  rangesOf,
  union,
} from "../../proof/reachability/port-sets.ts";

const protocol = fc.constantFrom(...protocols, "ANY" as const);
const range = fc
  .tuple(protocol, fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 300 }))
  .map(([name, port, more]) => portsOf(name, port, Math.min(port + more, 65_535)));
const ports: fc.Arbitrary<PortSet> = fc.array(range, { maxLength: 6 }).map(union);
/** Numbers at and around every bound, where sets differ if they differ at all. */
const around = (...sets: readonly PortSet[]) =>
  [...sets.flat(), ...everyPort]
    .flatMap((bound) => [bound - 1, bound, bound + 1])
    .filter((number) => holdsPort(everyPort, number));

describe("sets of ports", () => {
  test.each([
    ["union", union, (one: boolean, other: boolean) => one || other],
    [
      "intersection",
      (sets: readonly [PortSet, PortSet]) => intersection(...sets),
      (one: boolean, other: boolean) => one && other,
    ],
    [
      "difference",
      (sets: readonly [PortSet, PortSet]) => difference(...sets),
      (one: boolean, other: boolean) => one && !other,
    ],
  ] as const)("%s holds the ports it must", (_, operation, expected) => {
    fc.assert(
      fc.property(ports, ports, (one, other) => {
        const made = operation([one, other]);
        for (const number of around(one, other, made)) {
          expect(holdsPort(made, number)).toBe(expected(holdsPort(one, number), holdsPort(other, number)));
        }
      }),
    );
  });

  test("two ways to the same set are one value", () => {
    fc.assert(
      fc.property(ports, ports, (one, other) => {
        expect(union([difference(one, other), intersection(one, other)])).toEqual(one);
        expect(difference(everyPort, difference(everyPort, one))).toEqual(one);
      }),
    );
  });

  test("port 0 of a rule is every port of its protocols, and ANY is three of them", () => {
    expect(rangesOf(portsOf("ANY", 0))).toEqual([
      { protocol: "TCP", from: 0, to: 65_535 },
      { protocol: "UDP", from: 0, to: 65_535 },
      { protocol: "SCTP", from: 0, to: 65_535 },
    ]);
    expect(rangesOf(portsOf("ICMP", 0))).toEqual([{ protocol: "ICMP", from: 0, to: 255 }]);
    expect(rangesOf(portsOf("GRE", 0))).toEqual([{ protocol: "GRE", from: 0, to: 0 }]);
  });

  test("a range that ends before it starts is its first port", () => {
    expect(rangesOf(portsOf("TCP", 443, 80))).toEqual([{ protocol: "TCP", from: 443, to: 443 }]);
  });

  test("a port of one protocol is not that of another", () => {
    expect(holdsPort(portsOf("TCP", 53), portNumber("UDP", 53))).toBe(false);
  });

  test.each([
    [everyPort, "everything"],
    [noPorts, "nothing"],
    [union([portsOf("TCP", 443), portsOf("TCP", 80), portsOf("UDP", 53)]), "TCP 80, 443; UDP 53"],
    [union([portsOf("TCP", 0), portsOf("ICMP", 8)]), "TCP; ICMP 8"],
    [portsOf("SCTP", 1000, 2000), "SCTP 1000-2000"],
  ])("%j is written %s", (set, text) => {
    expect(describePorts(set)).toBe(text);
  });
});
