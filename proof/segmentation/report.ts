import type { SegmentationPromise, ZoneSpec } from "../../components/config/segmentation.ts";
import { type Actor, worldOf } from "./actors.ts";
import { type End, isKubelet, isUnwritten, type Passage } from "./flows.ts";
import { l7Text } from "./l7-text.ts";
import type { Model } from "./model.ts";
import { placed } from "./places.ts";
import { portsText, setOf } from "./ports.ts";
import { judgePromises, type PromiseVerdict, pathText } from "./promises.ts";
import { type RuleReport, ruleReports } from "./rule-report.ts";
import { sentencesOf } from "./sentences.ts";
import { notOurs, openByDefault } from "./unruled.ts";

/** Ports that the same rules open. */
export interface OpenPorts {
  /** `443/TCP, 8080/TCP`; `everything`. */
  readonly ports: string;
  /** What a proxy lets through, where it does not let everything. */
  readonly l7?: string;
  /** Rules of the sender's cluster, or why it needs none. */
  readonly egress: readonly string[];
  readonly ingress: readonly string[];
}

/** What holds for a pair in some places. */
export interface PassageReport {
  /** As in `Placed`. */
  readonly where: string;
  readonly open: readonly OpenPorts[];
  /** What the sender's cluster lets out, and the receiver's lets in. */
  readonly sends: string;
  readonly takes: string;
  /** What is left once the zones' namespaces are enforced, where that is less. */
  readonly enforced?: string;
}

export interface PairReport {
  readonly from: string;
  readonly to: string;
  readonly passages: readonly PassageReport[];
}

/** Who can reach whom in one mesh, or one site. */
export interface SegmentationReport {
  readonly members: readonly string[];
  readonly zones: readonly { readonly name: string; readonly clusters: readonly string[]; readonly spec: ZoneSpec }[];
  /** Namespaces of zones in which nothing is dropped yet. */
  readonly audited: readonly string[];
  /** Everybody that policies tell apart, zones first. */
  readonly parties: readonly {
    readonly name: string;
    readonly kind: Actor["kind"];
    readonly zones: readonly string[];
  }[];
  /** The party of all addresses that nobody names. */
  readonly world: string;
  /** Pairs with a zone, or pods, at one end; pods that fare like their zone, or like any other pod, are left out. */
  readonly pairs: readonly PairReport[];
  readonly sentences: readonly string[];
  readonly promises: readonly (SegmentationPromise & { readonly holds: boolean; readonly paths: readonly string[] })[];
  readonly rules: readonly RuleReport[];
}

export function reportOf(model: Model, verdicts: readonly PromiseVerdict[] = judgePromises(model)): SegmentationReport {
  const { members, actors } = model;
  const pairs = pairsOf(model);
  const zones = new Map(members.flatMap(({ segmentation }) => Object.entries(segmentation.zones)));
  return {
    members: members.map(({ options }) => options.cluster),
    zones: [...zones].map(([name, spec]) => ({
      name,
      clusters: members.flatMap(({ segmentation, options }) => (name in segmentation.zones ? [options.cluster] : [])),
      spec,
    })),
    audited: [...new Set(members.flatMap(({ audited }) => audited))],
    parties: distinctNames(actors).map(({ name, kind, zones: own }) => ({ name, kind, zones: own })),
    world: worldOf(actors),
    pairs,
    sentences: sentencesOf(model, pairs),
    promises: verdicts.map(({ from, to, ports, holds, paths }) => ({
      from,
      to,
      ports,
      holds,
      paths: paths.map(pathText),
    })),
    rules: ruleReports(model),
  };
}

export function distinctNames(actors: readonly Actor[]): Actor[] {
  const order = ({ kind }: Actor) => ["zone", "pods", "reserved", "address"].indexOf(kind);
  const first = new Map(actors.toReversed().map((actor) => [actor.name, actor]));
  return [...first.values()].toSorted((one, other) => order(one) - order(other) || one.name.localeCompare(other.name));
}

type Value = Omit<PassageReport, "where">;

function passagesOf(model: Model, from: readonly Actor[], to: readonly Actor[]): PassageReport[] {
  const found = placed(from, to, (sender, receiver) => judged(model, sender, receiver));
  return found.map(({ where, value }) => ({ where, ...value }));
}

const judgedBefore = new WeakMap<Passage, Value>();

function judged({ now, enforced }: Model, sender: Actor, receiver: Actor): Value {
  const passage = now.passage(sender, receiver);
  const known = judgedBefore.get(passage) ?? {
    open: openPorts(passage),
    sends: portsText(setOf(passage.egress)),
    takes: portsText(setOf(passage.ingress)),
  };
  judgedBefore.set(passage, known);
  const later = enforced?.passage(sender, receiver);
  const [text, before] = later === undefined ? ["", ""] : [openText(later), openText(passage)];
  return text === before ? known : { ...known, enforced: text };
}

const openTexts = new WeakMap<Passage, string>();

function openText(passage: Passage): string {
  const text = openTexts.get(passage) ?? portsText(setOf(passage.open.filter((flow) => !isKubelet(flow))));
  openTexts.set(passage, text);
  return text;
}

function openPorts({ open }: Passage): OpenPorts[] {
  const counted = open.filter((flow) => !isKubelet(flow));
  const groups = Map.groupBy(counted, (flow) =>
    JSON.stringify([decisive(flow.egress), decisive(flow.ingress), l7Text(flow)]),
  );
  return [...groups.values()].flatMap((flows) => {
    const [first] = flows;
    if (first === undefined) return [];
    const [egress, ingress] = [decisive(first.egress), decisive(first.ingress)];
    const l7 = l7Text(first);
    return {
      ports: portsText(setOf(flows)),
      ...(l7 === undefined ? {} : { l7 }),
      egress,
      ingress,
    };
  });
}

/** Where everything is open anyway, what rules add decides nothing. */
export function decisive({ rules }: End): readonly string[] {
  if (rules.includes(notOurs)) return [notOurs];
  return rules.some(isUnwritten) ? [openByDefault] : rules;
}

function pairsOf(model: Model): PairReport[] {
  const names = distinctNames(model.actors);
  const byName = Map.groupBy(model.actors, ({ name }) => name);
  const passages = (from: string, to: string) => passagesOf(model, byName.get(from) ?? [], byName.get(to) ?? []);
  const isPods = ({ kind }: Actor) => kind === "zone" || kind === "pods";
  return names.flatMap((from) =>
    names.flatMap((to): PairReport[] => {
      const [stranger, ...others] = [from, to].filter(({ like }) => like !== undefined);
      if (!(isPods(from) || isPods(to)) || others.length > 0) return [];
      const own = passages(from.name, to.name);
      if (own.length === 0) return [];
      if (stranger?.like === undefined) return [{ from: from.name, to: to.name, passages: own }];
      const usual = stranger === from ? passages(stranger.like, to.name) : passages(from.name, stranger.like);
      return JSON.stringify(own) === JSON.stringify(usual) ? [] : [{ from: from.name, to: to.name, passages: own }];
    }),
  );
}
