import type { SegmentationPromise } from "../../components/config/segmentation.ts";
import { namespaceKey } from "../reachability/labels.ts";
import { kubernetesLabel } from "../reachability/party.ts";
import type { Actor } from "./actors.ts";
import { canMeet, type Flow, isKubelet, type Judge } from "./flows.ts";
import type { Model } from "./model.ts";
import { difference, type PortSet, parsePort, portsText, rangesOf, setOf, union } from "./ports.ts";

/** Everyone about whom no other promise speaks. */
export const anyone = "anyone";

/** One way in which a promise is broken. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly fromCluster?: string;
  readonly toCluster?: string;
  /** What is open beyond the promise: `5432/TCP`. */
  readonly ports: string;
  readonly egress: readonly string[];
  readonly ingress: readonly string[];
}

export interface PromiseVerdict extends SegmentationPromise {
  readonly text: string;
  /** Under the policies as they are. */
  readonly holds: boolean;
  /** It does once its namespaces are enforced. */
  readonly holdsEnforced: boolean;
  /** Pairs of parties that were asked. */
  readonly pairs: number;
  readonly paths: readonly Path[];
  /** Zones it names that there are not. */
  readonly unknown: readonly string[];
}

/** Judges every promise of every member, each over all ports, protocols, clusters and parties. */
export function judgePromises(model: Model): PromiseVerdict[] {
  const promises = distinct(model.members.flatMap(({ segmentation }) => segmentation.promises));
  const zones = new Set(model.members.flatMap(({ segmentation }) => Object.keys(segmentation.zones)));
  return promises.map((promise): PromiseVerdict => {
    const unknown = [promise.from, promise.to].filter((name) => name !== anyone && !zones.has(name));
    const pairs = pairsOf(promise, promises, model.actors);
    const paths = broken(promise, pairs, model.now);
    const later = paths.length === 0 ? paths : onceEnforced(promise, pairs, model);
    return {
      ...promise,
      text: promiseText(promise),
      holds: paths.length === 0 && unknown.length === 0,
      holdsEnforced: later.length === 0 && unknown.length === 0,
      pairs: pairs.length,
      paths: later.length > 0 ? later : paths,
      unknown,
    };
  });
}

export function promiseText({ from, to, ports }: SegmentationPromise): string {
  const what = ports.length === 0 ? "nothing" : ports.join(", ");
  return `${from} -> ${to}: ${what}`;
}

function distinct(promises: readonly SegmentationPromise[]): SegmentationPromise[] {
  return [...new Map(promises.map((promise) => [promiseText(promise), promise])).values()];
}

/**
 * Whoever is meant by both ends, and can meet. Of promises about one pair those count that know it best: two zones by name, then the world
 * for a zone of addresses, then anyone.
 */
function pairsOf(
  promise: SegmentationPromise,
  promises: readonly SegmentationPromise[],
  actors: readonly Actor[],
): Pair[] {
  const named = new Set(promises.map(({ from, to }) => `${from} ${to}`));
  const senders = actors.filter((actor) => gradeOf(promise.from, actor) !== undefined);
  const receivers = actors.filter((actor) => gradeOf(promise.to, actor) !== undefined);
  return senders.flatMap((sender) =>
    receivers.flatMap((receiver) => {
      const grade = Math.max(gradeOf(promise.from, sender) ?? 0, gradeOf(promise.to, receiver) ?? 0);
      return canMeet(sender, receiver) && grade === bestGrade(named, sender, receiver)
        ? [[sender, receiver] as const]
        : [];
    }),
  );
}

type Pair = readonly [from: Actor, to: Actor];

/** How well a promise's end knows an actor, 0 best; `undefined` where it is about others. */
function gradeOf(end: string, { zones, wider }: Actor): number | undefined {
  if (end === anyone) return 2;
  if (zones.includes(end)) return 0;
  return wider.includes(end) ? 1 : undefined;
}

function bestGrade(named: ReadonlySet<string>, sender: Actor, receiver: Actor): number {
  const isNamed = (senders: readonly string[], receivers: readonly string[]) =>
    senders.some((from) => receivers.some((to) => named.has(`${from} ${to}`)));
  if (isNamed(sender.zones, receiver.zones)) return 0;
  return isNamed([...sender.zones, ...sender.wider], [...receiver.zones, ...receiver.wider]) ? 1 : 2;
}

function broken(promise: SegmentationPromise, pairs: readonly Pair[], judge: Judge): Path[] {
  const promised = union(promise.ports.map((text) => setOf([parsePort(text)])));
  return pairs.flatMap(([from, to]) => pathsOf(from, to, promised, judge.passage(from, to).open));
}

/** What stays broken: between pods whose namespaces are enforced already, what is broken now. */
function onceEnforced(
  promise: SegmentationPromise,
  pairs: readonly Pair[],
  { members, now, enforced = now }: Model,
): Path[] {
  const audited = new Set(members.flatMap((member) => member.audited));
  const isAudited = ({ peer }: Actor) => audited.has(kubernetesLabel(peer, namespaceKey) ?? "");
  const changing = pairs.filter((pair) => pair.some(isAudited));
  const lasting = pairs.filter((pair) => !pair.some(isAudited));
  return [...broken(promise, lasting, now), ...broken(promise, changing, enforced)];
}

function pathsOf(from: Actor, to: Actor, promised: PortSet, open: readonly Flow[]): Path[] {
  const beyond = open.filter((flow) => !isKubelet(flow) && rangesOf(difference(setOf([flow]), promised)).length > 0);
  const groups = Map.groupBy(beyond, ({ egress, ingress }) => JSON.stringify([egress.rules, ingress.rules]));
  return [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined
      ? []
      : {
          from: from.name,
          to: to.name,
          ...(from.cluster === undefined ? {} : { fromCluster: from.cluster }),
          ...(to.cluster === undefined ? {} : { toCluster: to.cluster }),
          ports: portsText(difference(setOf([first, ...rest]), promised)),
          egress: first.egress.rules,
          ingress: first.ingress.rules,
        },
  );
}

/** A path in one line: from where, what is open, to whom, and the rule at each end. */
export function pathText({ from, to, fromCluster, toCluster, ports, egress, ingress }: Path): string {
  const place = (cluster: string | undefined) => (cluster === undefined ? "" : ` (${cluster})`);
  return `${from}${place(fromCluster)} -> ${ports} -> ${to}${place(toCluster)}; egress: ${egress.join(", ")}; ingress: ${ingress.join(", ")}`;
}
