import { worldOf } from "./actors.ts";
import type { Model } from "./model.ts";
import type { PairReport, PassageReport } from "./report.ts";

/** How many parties a sentence names, and up to how many zones every closed pair is named. */
const partiesNamed = 8;
const zonesNamed = 8;

type Direction = "egress" | "ingress";

/** What the pairs come to for each zone of pods, in words: whom it reaches, by whom it is reached, and which zones have no path between them. */
export function sentencesOf(model: Model, pairs: readonly PairReport[]): string[] {
  const zones = [...new Set(model.actors.flatMap(({ kind, name }) => (kind === "zone" ? [name] : [])))].toSorted();
  return [...zones.flatMap((zone) => zoneSentences(model, zone, pairs)), ...noPaths(zones, pairs)];
}

export function isOpen({ open }: PassageReport): boolean {
  return open.length > 0;
}

function zoneSentences(model: Model, zone: string, pairs: readonly PairReport[]): string[] {
  const [sends, takes] = [isUnruled(model, zone, "egress"), isUnruled(model, zone, "ingress")];
  const unruled = [...(sends ? ["send"] : []), ...(takes ? ["take"] : [])].join(" and ");
  const says = (direction: Direction, portsOf: PortsOf) =>
    sentence(zone, direction, endsOf(model, pairs, zone, direction, portsOf));
  const later = (direction: Direction) =>
    willBeRuled(model, zone, direction) ? [`Once enforced, ${says(direction, laterText)}`] : [];
  return [
    ...(unruled === "" ? [] : [`${zone} may ${unruled} anything: nothing is denied by default.`]),
    ...(sends ? later("egress") : [says("egress", nowText)]),
    ...(takes ? later("ingress") : [says("ingress", nowText)]),
  ];
}

function isUnruled({ actors, now }: Model, zone: string, direction: Direction): boolean {
  return actors.some((actor) => actor.kind === "zone" && actor.name === zone && now.isOpen(direction, actor));
}

function willBeRuled({ actors, enforced }: Model, zone: string, direction: Direction): boolean {
  return (
    enforced !== undefined &&
    !actors.some((actor) => actor.kind === "zone" && actor.name === zone && enforced.isOpen(direction, actor))
  );
}

/** The ports of a passage as they are open now, and once enforced; empty where none are. */
type PortsOf = (passage: PassageReport) => string;

function nowText({ open }: PassageReport): string {
  return open.map(({ ports }) => ports).join(", ");
}

function laterText(passage: PassageReport): string {
  return passage.enforced === undefined ? nowText(passage) : passage.enforced === "nothing" ? "" : passage.enforced;
}

/** The other ends of a zone's pairs with their ports: `application on 5432/TCP`. Addresses that fare as the world does are not named. */
function endsOf(
  { actors }: Model,
  pairs: readonly PairReport[],
  zone: string,
  direction: Direction,
  portsOf: PortsOf,
): string[] {
  const ends = pairs.flatMap(({ from, to, passages }) => {
    const [own, other] = direction === "egress" ? [from, to] : [to, from];
    if (own !== zone) return [];
    return [{ other, ports: [...new Set(passages.map(portsOf).filter((text) => text !== ""))].join(" or ") }];
  });
  const world = ends.find(({ other }) => other === worldOf(actors));
  const addresses = new Set(actors.flatMap(({ kind, name }) => (kind === "address" ? [name] : [])));
  const isWorldly = ({ other, ports }: (typeof ends)[number]) =>
    addresses.has(other) && other !== world?.other && ports === world?.ports;
  const except = ends.flatMap(({ other, ports }) => (addresses.has(other) && ports === "" ? [other] : []));
  return ends
    .filter((end) => end.ports !== "" && !isWorldly(end))
    .map(
      (end) =>
        `${end.other} on ${end.ports}${end === world && except.length > 0 ? `, but not ${except.join(", ")}` : ""}`,
    );
}

function sentence(zone: string, direction: Direction, ends: readonly string[]): string {
  if (direction === "egress")
    return ends.length === 0 ? `${zone} has no egress, not even DNS.` : `${zone} reaches only ${some(ends)}.`;
  return ends.length === 0 ? `${zone} is reached from nowhere.` : `${zone} is reached only from ${some(ends)}.`;
}

function some(ends: readonly string[]): string {
  const shown = ends.slice(0, partiesNamed).join("; ");
  return ends.length > partiesNamed ? `${shown}; and ${ends.length - partiesNamed} more` : shown;
}

function noPaths(zones: readonly string[], pairs: readonly PairReport[]): string[] {
  const open = new Set(pairs.flatMap(({ from, to, passages }) => (passages.some(isOpen) ? [`${from} -> ${to}`] : [])));
  const closed = zones.map((from) => ({
    from,
    to: zones.filter((to) => to !== from && !open.has(`${from} -> ${to}`)),
  }));
  if (zones.length <= zonesNamed) {
    return closed.flatMap(({ from, to }) => (to.length === 0 ? [] : [`No path from ${from} to ${to.join(", ")}.`]));
  }
  const count = closed.reduce((sum, { to }) => sum + to.length, 0);
  return [`No path between ${count} of ${zones.length * (zones.length - 1)} ordered pairs of zones.`];
}
