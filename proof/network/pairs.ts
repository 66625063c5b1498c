import { addressText } from "./blocks.ts";
import type { EndpointClass } from "./classes.ts";
import type { Endpoint } from "./endpoints.ts";
import { required, type SiteTable } from "./parties.ts";
import type { Check, Leg, Paths } from "./path.ts";
import { common, everything, isEmpty, nothing, type Traffic, trafficText, union, without } from "./traffic.ts";

/** One direction between two classes, walked for one member of each. */
export interface Pair {
  readonly source: EndpointClass;
  readonly destination: EndpointClass;
  /** The members that were walked. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** How many ordered pairs of endpoints it stands for. */
  readonly count: number;
  readonly required: Traffic;
  readonly out: readonly Leg[];
  /** What passes all firewalls of at least one way that arrives. */
  readonly mayArrive: Traffic;
}

/** Walks every ordered pair of classes once. A node to itself and its own pods stays on the machine. */
export function walkPairs(
  classes: readonly EndpointClass[],
  tables: ReadonlyMap<string, SiteTable>,
  paths: Paths,
): Pair[] {
  return classes.flatMap((source) =>
    classes.flatMap((destination): Pair[] => {
      const chosen = representatives(source, destination);
      if (!chosen) return [];
      const [from, to] = chosen;
      const out = outward(from, to, paths);
      const passes = out.filter((leg) => arrived(leg, to)).map((leg) => passage(leg.checks, paths));
      return [
        {
          source,
          destination,
          from,
          to,
          count: countOf(source, destination),
          required: required(tables, from, to),
          out,
          mayArrive: union(passes),
        },
      ];
    }),
  );
}

function representatives(source: EndpointClass, destination: EndpointClass): [Endpoint, Endpoint] | undefined {
  const from = source.first;
  if (!from.port && !destination.first.port) return undefined;
  const to = destination.members.find((member) => !sameMachine(from, member));
  if (to) return [from, to];
  const other = source.members.find((member) => !sameMachine(member, destination.first));
  return other && [other, destination.first];
}

function sameMachine(one: Endpoint, other: Endpoint): boolean {
  return one === other || (one.port !== undefined && one.port === other.port);
}

/** Members that share a machine are in both classes at the same slots, so counting by slot is exact. */
function countOf(source: EndpointClass, destination: EndpointClass): number {
  const machines = new Map<unknown, number>();
  for (const { port } of destination.members) if (port) machines.set(port, (machines.get(port) ?? 0) + 1);
  return source.members.reduce(
    (sum, { port }) => sum + destination.members.length - (port ? (machines.get(port) ?? 0) : 0),
    0,
  );
}

/** The ways from one endpoint to another. */
export function outward(from: Endpoint, to: Endpoint, paths: Paths): Leg[] {
  const [source, destination] = [from.addresses.first, to.addresses.first];
  if (from.port) return paths.send(from.port, source, destination);
  if (!to.port?.public || !paths.model.networks.get(to.port.network)?.internet) return [];
  return [
    paths.arrive(
      to.port,
      source,
      `the Internet sends ${addressText(source)} -> the public address of ${to.port.label}`,
    ),
  ];
}

/** Whether the packet ends where it should. */
export function arrived({ end }: Leg, to: Endpoint): boolean {
  return to.port ? end.kind === "port" && end.port === to.port : end.kind === "internet";
}

/** What all firewalls on a way let through. */
export function passage(checks: readonly Check[], paths: Paths): Traffic {
  return checks.reduce<Traffic>(
    (rest, check) => (rest === nothing ? rest : common(rest, paths.allowed(check))),
    everything,
  );
}

/** Why required packets of a pair, or their answers, do not arrive: hops and the first that drops; `undefined` if all is well. */
export function failure(pair: Pair, paths: Paths, wanted: Traffic = pair.required): string | undefined {
  const { from, to, out } = pair;
  // Nothing is wanted where only the way counts.
  const what = `${from.label} -> ${to.label}, ${trafficText(isEmpty(wanted) ? everything : wanted)}`;
  if (out.length === 0) return `${what}: dropped: the Internet has no address for it`;
  for (const leg of out) {
    const lost = legFailure(leg, to, paths, wanted);
    if (lost) return `${what}: ${lost}`;
  }
  return answerFailure(pair, paths, what);
}

/** Firewalls remember the request, so an answer needs a way and a firewall that has seen the request. */
function answerFailure(pair: Pair, paths: Paths, what: string): string | undefined {
  const { from, out } = pair;
  const seen = new Set(out.flatMap(({ checks }) => checks.map(({ port, filter }) => `${port.id} ${filter}`)));
  for (const leg of backward(pair, paths)) {
    if (!arrived(leg, from)) return `answer to ${what}: ${text(leg)}`;
    const stranger = leg.checks.find(({ port, filter }) => !seen.has(`${port.id} ${filter}`));
    if (stranger)
      return `answer to ${what}: ${leg.hops.join("; ")}; dropped: ${filterLabel(stranger, paths)} has not seen the request`;
  }
  return undefined;
}

/** The ways of the answers. */
export function backward({ from, to, out }: Pair, paths: Paths): Leg[] {
  const [source, destination] = [to.addresses.first, from.addresses.first];
  if (to.port) return paths.send(to.port, source, destination);
  return out.flatMap(({ end }) => {
    const nat = end.kind === "internet" && end.nat !== undefined ? paths.model.nats.get(end.nat) : undefined;
    // A public interface answers for itself; a NAT gateway without a subnet of its own is part of the network's fabric.
    return nat?.router === undefined
      ? []
      : paths.enter(nat.router, source, destination, `${nat.label} takes the answer`);
  });
}

function legFailure(leg: Leg, to: Endpoint, paths: Paths, wanted: Traffic): string | undefined {
  if (!arrived(leg, to)) return text(leg);
  for (const check of leg.checks) {
    const shut = without(wanted, paths.allowed(check));
    if (!isEmpty(shut))
      return `${leg.hops.join("; ")}; dropped: ${filterLabel(check, paths)} has no ${check.direction} rule for ${trafficText(shut)} ${check.direction === "ingress" ? `from ${addressText(check.source)}` : `to ${addressText(check.destination)}`}`;
  }
  return undefined;
}

/** The hops of a way that does not end well, and why. */
export function text({ hops, routes, end }: Leg): string {
  const [way] = routes;
  const why = {
    dropped: end.kind === "dropped" ? end.reason : "",
    internet: `it leaves for the Internet by ${way?.route.prefix ?? "no route"}, as its table has no longer route`,
    port: `it ends at ${end.kind === "port" ? end.port.label : ""}`,
  }[end.kind];
  return `${hops.join("; ")}; dropped: ${why}`;
}

function filterLabel({ filter, port }: Check, paths: Paths): string {
  return `${paths.model.filters.get(filter)?.label ?? "a firewall that is not in the plan"} at ${port.label}`;
}
