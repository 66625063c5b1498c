import type { Protocol } from "../../components/network/ports.ts";

/** What is told apart: ports of TCP and UDP, type and code of ICMP (256 * type + code), ESP, and whatever else IP carries. */
const families = { tcp: 65_535, udp: 65_535, icmp: 65_535, esp: 0, other: 0 } as const;
type Family = keyof typeof families;
const names: readonly Family[] = ["tcp", "udp", "icmp", "esp", "other"];

type Interval = readonly [first: number, last: number];

/** A set of packets by protocol and destination port; intervals ascend and do not touch. */
export type Traffic = Readonly<Record<Family, readonly Interval[]>>;

export const nothing: Traffic = { tcp: [], udp: [], icmp: [], esp: [], other: [] };
export const everything: Traffic = each((family) => [[0, families[family]]]);

function each(make: (family: Family) => readonly Interval[]): Traffic {
  return { tcp: make("tcp"), udp: make("udp"), icmp: make("icmp"), esp: make("esp"), other: make("other") };
}

/** The packets of a row or a rule. @param range  As in `PortRow`: ports, or ICMP type and code with -1 for every one; absent: all. */
export function traffic(protocol: Protocol, range?: readonly [number, number]): Traffic {
  if (protocol === "any") return everything;
  if (!range || protocol === "esp") return { ...nothing, [protocol]: everything[protocol] };
  if (protocol !== "icmp") return { ...nothing, [protocol]: [range] };
  const [type, code] = range;
  if (type < 0) return { ...nothing, icmp: everything.icmp };
  return { ...nothing, icmp: [code < 0 ? [type * 256, type * 256 + 255] : [type * 256 + code, type * 256 + code]] };
}

export function union(parts: readonly Traffic[]): Traffic {
  if (parts.length === 1 && parts[0]) return parts[0];
  return each((family) => merged(parts.flatMap((part) => part[family])));
}

function merged(intervals: readonly Interval[]): Interval[] {
  if (intervals.length < 2) return [...intervals];
  const result: [number, number][] = [];
  for (const [first, last] of intervals.toSorted(([one], [other]) => one - other)) {
    const end = result.at(-1);
    if (end && first <= end[1] + 1) end[1] = Math.max(end[1], last);
    else result.push([first, last]);
  }
  return result;
}

export function common(one: Traffic, other: Traffic): Traffic {
  if (one === everything) return other;
  if (other === everything) return one;
  return each((family) =>
    one[family].flatMap(([first, last]) =>
      other[family].flatMap(([from, to]): Interval[] =>
        from <= last && first <= to ? [[Math.max(first, from), Math.min(last, to)]] : [],
      ),
    ),
  );
}

/** What is in `one` and not in `other`. */
export function without(one: Traffic, other: Traffic): Traffic {
  return each((family) =>
    other[family].reduce<readonly Interval[]>(
      (rest, [from, to]) =>
        rest.flatMap(([first, last]): Interval[] => {
          if (to < first || last < from) return [[first, last]];
          return [
            ...(first < from ? [[first, from - 1] as const] : []),
            ...(to < last ? [[to + 1, last] as const] : []),
          ];
        }),
      one[family],
    ),
  );
}

export function isEmpty(set: Traffic): boolean {
  return names.every((family) => set[family].length === 0);
}

/** `tcp 22, udp 51871, icmp type 3 code 4`. */
export function trafficText(set: Traffic): string {
  if (names.every((family) => covers(set, family))) return "every protocol";
  return names.flatMap((family) => set[family].map((interval) => intervalText(family, interval))).join(", ");
}

function covers(set: Traffic, family: Family): boolean {
  const [interval] = set[family];
  return interval !== undefined && interval[0] === 0 && interval[1] === families[family];
}

function intervalText(family: Family, [first, last]: Interval): string {
  if (family === "esp") return "esp";
  if (family === "other") return "other protocols";
  if (first === 0 && last === families[family]) return `${family}, all`;
  if (family !== "icmp") return first === last ? `${family} ${first}` : `${family} ${first}-${last}`;
  const [type, code] = [Math.floor(first / 256), first % 256];
  if (first === last) return `icmp type ${type} code ${code}`;
  const end = Math.floor(last / 256);
  return type === end ? `icmp type ${type}` : `icmp types ${type} to ${end}`;
}
