import type { L4Protocol } from "./entry.ts";

/** Every protocol that "everything" has here; `ANY` in a rule is the first three. */
export const protocols = [
  "TCP",
  "UDP",
  "SCTP",
  "ICMP",
  "ICMPV6",
  "VRRP",
  "IGMP",
  "GRE",
  "IPIP",
  "IPV6",
  "ESP",
  "AH",
] as const satisfies readonly L4Protocol[];

export type Protocol = (typeof protocols)[number];

/** Ports of one protocol, both ends inside; for ICMP types, for a protocol without ports 0 to 0. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly from: number;
  readonly to: number;
}

/**
 * A set of ports of all protocols, as the bounds of its intervals: even places are first numbers, odd ones last numbers, in ascending order.
 * A port's number is its protocol's place in `protocols` times 65,536 plus the port.
 */
export type PortSet = readonly number[];

const portsPerProtocol = 65_536;

export const noPorts: PortSet = [];
export const everyPort: PortSet = [0, protocols.length * portsPerProtocol - 1];

/** The number of one port. */
export function portNumber(protocol: Protocol, port: number): number {
  return protocols.indexOf(protocol) * portsPerProtocol + port;
}

/** A range of a rule; port 0 is every port of its protocols. */
export function portsOf(protocol: L4Protocol, port: number, endPort = port): PortSet {
  const names = protocol === "ANY" ? protocols.slice(0, 3) : protocols.filter((name) => name === protocol);
  const [from, to] = port === 0 ? [0, portsPerProtocol - 1] : [port, Math.max(port, endPort)];
  return union(names.map((name) => [portNumber(name, from), portNumber(name, to)]));
}

export function union(sets: readonly PortSet[]): PortSet {
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only;
  const intervals = sets.flatMap(intervalsOf).toSorted(([one], [other]) => one - other);
  const merged: number[] = [];
  for (const [from, to] of intervals) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last + 1) merged[merged.length - 1] = Math.max(last, to);
    else merged.push(from, to);
  }
  return merged;
}

export function intersection(one: PortSet, other: PortSet): PortSet {
  const shared: number[] = [];
  for (let at = 0, otherAt = 0; at < one.length && otherAt < other.length; ) {
    const [from = 0, to = 0, otherFrom = 0, otherTo = 0] = [one[at], one[at + 1], other[otherAt], other[otherAt + 1]];
    if (Math.max(from, otherFrom) <= Math.min(to, otherTo))
      shared.push(Math.max(from, otherFrom), Math.min(to, otherTo));
    if (to < otherTo) at += 2;
    else otherAt += 2;
  }
  return shared;
}

/** What `one` has and `other` has not. */
export function difference(one: PortSet, other: PortSet): PortSet {
  const gaps = [-1, ...other, protocols.length * portsPerProtocol];
  const outside: number[] = [];
  for (let at = 0; at < gaps.length; at += 2) {
    const [before = 0, after = 0] = [gaps[at], gaps[at + 1]];
    if (before + 1 <= after - 1) outside.push(before + 1, after - 1);
  }
  return intersection(one, outside);
}

export function holdsPort(set: PortSet, number: number): boolean {
  for (let at = 0; at < set.length; at += 2) if ((set[at] ?? 0) <= number && number <= (set[at + 1] ?? 0)) return true;
  return false;
}

/** The set as ranges of one protocol each; types end at 255, and what has no ports at 0. */
export function rangesOf(set: PortSet): PortRange[] {
  return protocols.flatMap((protocol) => {
    const last = lastPort(protocol);
    return intervalsOf(intersection(set, [portNumber(protocol, 0), portNumber(protocol, last)])).map(([from, to]) => ({
      protocol,
      from: from % portsPerProtocol,
      to: to % portsPerProtocol,
    }));
  });
}

/** The highest number that a port of a protocol can have. */
export function lastPort(protocol: Protocol): number {
  switch (protocol) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return portsPerProtocol - 1;
    case "ICMP":
    case "ICMPV6":
      return 255;
    default:
      return 0;
  }
}

/** `everything`, `nothing`, `TCP 80, 443; UDP 53`. */
export function describePorts(set: PortSet): string {
  if (difference(everyPort, set).length === 0) return "everything";
  if (set.length === 0) return "nothing";
  const ranges = rangesOf(set);
  return protocols
    .flatMap((protocol) => {
      const own = ranges.filter((range) => range.protocol === protocol);
      return own.length === 0 ? [] : [own.every(isWhole) ? protocol : `${protocol} ${own.map(numbers).join(", ")}`];
    })
    .join("; ");
}

function isWhole({ protocol, from, to }: PortRange): boolean {
  return from === 0 && to === lastPort(protocol);
}

function numbers({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

function intervalsOf(set: PortSet): [from: number, to: number][] {
  return Array.from({ length: set.length / 2 }, (_, at) => [set[2 * at] ?? 0, set[2 * at + 1] ?? 0]);
}
