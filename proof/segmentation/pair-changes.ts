import type { Actor } from "./actors.ts";
import { type Flow, isKubelet, type Passage } from "./flows.ts";
import { l7Text } from "./l7-text.ts";
import type { Model } from "./model.ts";
import { placed } from "./places.ts";
import { difference, intersection, type PortSet, portsText, rangesOf, setOf } from "./ports.ts";
import { decisive, distinctNames } from "./report.ts";

/** Ports that open or close, and the rules at both ends that open them, or did. */
export interface FlowChange {
  readonly ports: string;
  readonly egress: readonly string[];
  readonly ingress: readonly string[];
}

/** What a change does to one pair in one place. */
export interface Change {
  readonly opens?: FlowChange;
  readonly closes?: FlowChange;
  /** What proxies let through on ports that stay open. */
  readonly l7?: { readonly ports: string; readonly before: string; readonly after: string };
  /** What one end allows, where the flow as a whole stays as it is. */
  readonly sends?: { readonly before: string; readonly after: string };
  readonly takes?: { readonly before: string; readonly after: string };
}

export interface PairChange extends Change {
  readonly from: string;
  readonly to: string;
  /** As in `Placed`. */
  readonly where: string;
}

/**
 * Every pair that fares differently. Pods that nobody names are told of where they do not fare like those they resemble.
 *
 * @param clusters  Members that both states have.
 */
export function pairChanges(before: Model, after: Model, clusters: readonly string[]): PairChange[] {
  const actors = after.actors.filter(({ cluster }) => cluster === undefined || clusters.includes(cluster));
  const names = distinctNames(actors);
  const byName = Map.groupBy(actors, ({ name }) => name);
  const known = new Map<string, { readonly changes: PairChange[]; readonly text: string }>();
  const between = (from: string, to: string) => {
    const key = JSON.stringify([from, to]);
    const found = known.get(key) ?? described(before, after, byName, from, to);
    known.set(key, found);
    return found;
  };
  return names.flatMap((from) =>
    names.flatMap((to) => {
      const { changes, text } = between(from.name, to.name);
      const alike = [
        ...(from.like === undefined ? [] : [between(from.like, to.name)]),
        ...(to.like === undefined ? [] : [between(from.name, to.like)]),
      ];
      return changes.length === 0 || alike.some((other) => other.text === text) ? [] : changes;
    }),
  );
}

function described(
  before: Model,
  after: Model,
  byName: ReadonlyMap<string, readonly Actor[]>,
  from: string,
  to: string,
): { readonly changes: PairChange[]; readonly text: string } {
  const found = placed(byName.get(from) ?? [], byName.get(to) ?? [], (sender, receiver) =>
    changeOf(before.now.passage(sender, receiver), after.now.passage(sender, receiver)),
  ).filter(({ value }) => Object.keys(value).length > 0);
  return { changes: found.map(({ where, value }) => ({ from, to, where, ...value })), text: JSON.stringify(found) };
}

const changesKnown = new WeakMap<Passage, WeakMap<Passage, Change>>();

function changeOf(before: Passage, after: Passage): Change {
  const known = changesKnown.get(before) ?? new WeakMap<Passage, Change>();
  const change = known.get(after) ?? compare(before, after);
  known.set(after, change);
  changesKnown.set(before, known);
  return change;
}

function compare(before: Passage, after: Passage): Change {
  const [old, now] = [counted(before), counted(after)];
  const [oldPorts, nowPorts] = [setOf(old), setOf(now)];
  const opens = flowChange(now, difference(nowPorts, oldPorts));
  const closes = flowChange(old, difference(oldPorts, nowPorts));
  const l7 = l7Change(old, now);
  if (opens !== undefined || closes !== undefined || l7 !== undefined) {
    return { ...(opens && { opens }), ...(closes && { closes }), ...(l7 && { l7 }) };
  }
  return {
    ...endChange("sends", setOf(before.egress), setOf(after.egress)),
    ...endChange("takes", setOf(before.ingress), setOf(after.ingress)),
  };
}

function counted({ open }: Passage): Flow[] {
  return open.filter((flow) => !isKubelet(flow));
}

function flowChange(flows: readonly Flow[], ports: PortSet): FlowChange | undefined {
  if (rangesOf(ports).length === 0) return undefined;
  const concerned = flows.filter((flow) => rangesOf(intersection(setOf([flow]), ports)).length > 0);
  const rules = (end: "egress" | "ingress") => [...new Set(concerned.flatMap((flow) => decisive(flow[end])))];
  return { ports: portsText(ports), egress: rules("egress"), ingress: rules("ingress") };
}

/** The first ports that are open in both states, and on which proxies let other requests through. */
function l7Change(old: readonly Flow[], now: readonly Flow[]): Change["l7"] {
  for (const one of old) {
    for (const other of now) {
      const shared = intersection(setOf([one]), setOf([other]));
      const [before, after] = [l7Text(one) ?? "anything", l7Text(other) ?? "anything"];
      if (before !== after && rangesOf(shared).length > 0) return { ports: portsText(shared), before, after };
    }
  }
  return undefined;
}

function endChange(end: "sends" | "takes", old: PortSet, now: PortSet): Change {
  const [before, after] = [portsText(old), portsText(now)];
  return before === after ? {} : { [end]: { before, after } };
}
