import { hasBit } from "../reachability/bits.ts";
import type { Direction, L7Rules, Selector } from "../reachability/entry.ts";
import { rangesOf } from "../reachability/port-sets.ts";
import type { Opening, Reachability } from "../reachability/reachability.ts";
import { type DirectionPolicy, localHost, noDefaultDeny, noPolicy } from "../reachability/subject-policy.ts";
import type { Actor } from "./actors.ts";
import { everyPort, type PortRange } from "./ports.ts";
import { notOurs } from "./unruled.ts";

/** What one end says about some ports: the rules that allow them, or why none has to, and what a proxy there asks. */
export interface End {
  readonly rules: readonly string[];
  readonly l7?: readonly L7Rules[];
}

/** Ports that are open at both ends. */
export interface Flow extends PortRange {
  readonly egress: End;
  readonly ingress: End;
}

/** What is open for one pair: at each end, and through both. */
export interface Passage {
  readonly egress: readonly Opening[];
  readonly ingress: readonly Opening[];
  readonly open: readonly Flow[];
}

/** Whether this in place of a rule's name says that none was needed. */
export function isUnwritten(rule: string): boolean {
  return rule === noPolicy || rule === noDefaultDeny || rule === notOurs;
}

const everything: readonly Opening[] = rangesOf(everyPort).map((range) => ({ ...range, rules: [notOurs] }));

/** Asks each end's own cluster: an agent judges what its pods send and what they receive, by the policies of its cluster. */
export class Judge {
  readonly #byCluster: ReadonlyMap<string, Reachability>;
  /** Few of many pairs differ: each list of openings is kept once. */
  readonly #known = new Map<string, readonly Opening[]>();
  readonly #byGrants = new Map<DirectionPolicy, Map<string, readonly Opening[]>>();
  readonly #passages = new Map<readonly Opening[], Map<readonly Opening[], Passage>>();

  constructor(byCluster: ReadonlyMap<string, Reachability>) {
    this.#byCluster = byCluster;
  }

  /** The same object wherever the same holds. */
  passage(from: Actor, to: Actor): Passage {
    const egress = this.#openings("egress", from, to);
    const ingress = this.#openings("ingress", to, from);
    const known = this.#passages.get(egress) ?? new Map<readonly Opening[], Passage>();
    const passage = known.get(ingress) ?? { egress, ingress, open: through(egress, ingress) };
    known.set(ingress, passage);
    this.#passages.set(egress, known);
    return passage;
  }

  /** Whether an actor may send, or take, whatever no rule denies: its own rules say nothing about it. */
  isOpen(direction: Direction, { subject, cluster = "" }: Actor): boolean {
    const reachability = this.#byCluster.get(cluster);
    if (subject === undefined || reachability === undefined) return true;
    return reachability.policyOf(subject)[direction].grants.some(({ rule }) => isUnwritten(rule));
  }

  /** Why Cilium cannot compute a policy for an actor, so that nothing passes. */
  conflict({ subject, cluster = "" }: Actor): string | undefined {
    return subject === undefined ? undefined : this.#byCluster.get(cluster)?.policyOf(subject).ingress.conflict;
  }

  /** Which of the actors a selector of a cluster's policies selects. */
  selected(cluster: string, selector: Selector, actors: readonly Actor[]): Actor[] {
    const identities = this.#byCluster.get(cluster)?.identities;
    if (identities === undefined) return [];
    const bits = identities.selected(selector);
    return actors.filter(({ peer }) => hasBit(bits, identities.of(peer)));
  }

  #openings(direction: Direction, { subject, cluster = "" }: Actor, { peer }: Actor): readonly Opening[] {
    const reachability = this.#byCluster.get(cluster);
    if (subject === undefined || reachability === undefined) return everything;
    const policy = reachability.policyOf(subject)[direction];
    const identity = reachability.identities.of(peer);
    // What is open follows from the rules that name the peer.
    const key = policy.grants.map(({ peers }) => (hasBit(peers, identity) ? "1" : "0")).join("");
    const byGrants = this.#byGrants.get(policy) ?? new Map<string, readonly Opening[]>();
    this.#byGrants.set(policy, byGrants);
    const known = byGrants.get(key) ?? this.#once(reachability.openings(direction, subject, peer));
    byGrants.set(key, known);
    return known;
  }

  #once(openings: readonly Opening[]): readonly Opening[] {
    const text = JSON.stringify(openings);
    const known = this.#known.get(text) ?? openings;
    this.#known.set(text, known);
    return known;
  }
}

/** What both ends let through. */
function through(egress: readonly Opening[], ingress: readonly Opening[]): Flow[] {
  return egress.flatMap((out) =>
    ingress.flatMap((into): Flow[] => {
      const [from, to] = [Math.max(out.from, into.from), Math.min(out.to, into.to)];
      return out.protocol === into.protocol && from <= to
        ? [{ protocol: out.protocol, from, to, egress: endOf(out), ingress: endOf(into) }]
        : [];
    }),
  );
}

function endOf({ rules, l7 }: Opening): End {
  return l7 === undefined ? { rules } : { rules, l7 };
}

/** Whether two actors can meet at all, and under the identities that they have here. */
export function canMeet(from: Actor, to: Actor): boolean {
  if (from.kind !== "pods" && from.kind !== "zone" && to.kind !== "pods" && to.kind !== "zone") {
    // Nodes have policies of their own where the host firewall is on.
    return sameCluster(from, to) && from.kind !== to.kind && [from, to].some(({ subject }) => subject !== undefined);
  }
  return sameCluster(from, to) || !(from.local || to.local);
}

function sameCluster(one: Actor, other: Actor): boolean {
  return one.cluster === undefined || other.cluster === undefined || one.cluster === other.cluster;
}

/** A node's own kubelet must reach its pods, whatever policies say (`allow-localhost`). */
export function isKubelet({ ingress }: Flow): boolean {
  return ingress.rules.includes(localHost);
}

/** Whether a proxy at one of the ends lets only some requests through. */
export function isRestricted({ egress, ingress }: Pick<Flow, "egress" | "ingress">): boolean {
  return [egress, ingress].some(({ l7 }) => asksSomething(l7));
}

export function asksSomething(l7: End["l7"]): boolean {
  return l7?.every((rules) => Object.keys(rules).length > 0) ?? false;
}
