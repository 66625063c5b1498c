import {
  difference,
  everyPort,
  intersection,
  type PortRange,
  type PortSet,
  portsOf,
  protocols,
  rangesOf,
  union,
} from "../reachability/port-sets.ts";

/** `5432/TCP`, `8000-8010/UDP`, `8/ICMP`. @throws RangeError for other text. */
export function parsePort(text: string): PortRange {
  const [, from, to, name] = /^(\d+)(?:-(\d+))?\/([A-Z]\w*)$/.exec(text) ?? [];
  const protocol = protocols.find((each) => each === name);
  if (protocol === undefined) throw new RangeError(`"${text}" is no port; write one such as 443/TCP.`);
  return { protocol, from: Number(from), to: Number(to ?? from) };
}

export function setOf(ranges: readonly PortRange[]): PortSet {
  return union(
    ranges.map(({ protocol, from, to }) => (from === 0 ? fromZero(protocol, to) : portsOf(protocol, from, to))),
  );
}

/** Port 0 of a rule is every port; here it is the number 0. */
function fromZero(protocol: PortRange["protocol"], to: number): PortSet {
  const whole = portsOf(protocol, 0);
  const [first = 0] = whole;
  return [first, first + to];
}

/** `443/TCP, 53/UDP`, `everything`, `everything but 25/TCP`, `nothing`. */
export function portsText(set: PortSet): string {
  const [ranges, missing] = [rangesOf(set), rangesOf(difference(everyPort, set))];
  if (ranges.length === 0) return "nothing";
  if (missing.length === 0) return "everything";
  return missing.length < ranges.length
    ? `everything but ${missing.map(rangeText).join(", ")}`
    : ranges.map(rangeText).join(", ");
}

function rangeText(range: PortRange): string {
  const { protocol, from, to } = range;
  const whole = rangesOf(difference(portsOf(protocol, 0), setOf([range]))).length === 0;
  if (whole) return `all ${protocol}`;
  return `${from === to ? from : `${from}-${to}`}/${protocol}`;
}

export { difference, everyPort, intersection, type PortRange, type PortSet, rangesOf, union };
