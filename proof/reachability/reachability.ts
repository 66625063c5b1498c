import { eachBit, hasBit } from "./bits.ts";
import type { Direction, EngineOptions, L7Rules, PolicyEntry } from "./entry.ts";
import { type Grant, GrantMaker, type Grants, portsForAll } from "./grants.ts";
import { type HttpRequest, matchesRequest } from "./http-requests.ts";
import { Identities } from "./identities.ts";
import { namespaceKey } from "./labels.ts";
import type { Loaded } from "./load.ts";
import { minorOf } from "./minor.ts";
import { isReserved, kubernetesLabel, type Party } from "./party.ts";
import {
  holdsPort,
  intersection,
  type PortRange,
  type PortSet,
  type Protocol,
  portNumber,
  rangesOf,
} from "./port-sets.ts";
import {
  type DirectionPolicy,
  isSubject,
  localHost,
  noDefaultDeny,
  noPolicy,
  type SubjectPolicy,
  subjectPolicy,
  type WellKnown,
} from "./subject-policy.ts";

/** One packet's protocol and port; for ICMP the type. */
export interface Traffic {
  readonly protocol: Protocol;
  readonly port: number;
  /** The request that the connection carries; without it the connection alone is judged. */
  readonly http?: HttpRequest;
}

/** What one side of a conversation decides. */
export interface Side {
  /** Whether any policy is enforced for the subject in this direction. */
  readonly enforced: boolean;
  readonly verdict: "allowed" | "denied";
  /** A sentence. */
  readonly reason: string;
  /** The rules that decided: those that deny, else those that allow. */
  readonly rules: readonly string[];
  /** Whether the traffic passes a proxy. */
  readonly l7: boolean;
}

/** Ports that are open for one pair in one direction. */
export interface Opening extends PortRange {
  /** There where the traffic passes a proxy: what each allowing rule asks of it, nothing (`{}`) where one asks nothing. */
  readonly l7?: readonly L7Rules[];
  /** Rules, or why it is open without one: `noPolicy`, `noDefaultDeny`, `localHost`. */
  readonly rules: readonly string[];
}

const unwritten: readonly string[] = [noPolicy, noDefaultDeny, localHost];

/** Who can reach whom under one cluster's policies, exactly as Cilium's agents there decide. */
export class Reachability {
  readonly parties: readonly Party[];
  readonly identities: Identities;
  readonly #options: EngineOptions;
  readonly #entries: readonly { readonly entry: PolicyEntry; readonly grants: Grants }[];
  /** For each identity, the entries that select it, in Cilium's order. */
  readonly #selecting: readonly (readonly number[])[];
  readonly #known: WellKnown;
  readonly #policies = new Map<Party, SubjectPolicy>();
  /** Subjects with the same entries and named ports have one policy. */
  readonly #shared = new Map<string, SubjectPolicy>();

  /** @param parties  Everybody who will be asked about. */
  constructor(loaded: Pick<Loaded, "entries" | "groups">, parties: readonly Party[], options: EngineOptions) {
    this.parties = parties;
    this.#options = options;
    this.identities = new Identities(parties, loaded, options);
    const maker = new GrantMaker(this.identities, parties, minorOf(options));
    this.#entries = inCiliumsOrder(loaded.entries).map((entry) => ({ entry, grants: maker.grantsOf(entry) }));
    const selecting: number[][] = Array.from({ length: this.identities.size }, () => []);
    for (const [at, { entry }] of this.#entries.entries()) {
      eachBit(this.identities.selected(entry.subject), (identity) => selecting[identity]?.push(at));
    }
    this.#selecting = selecting;
    const host = { source: "reserved", key: "host", operator: "Exists", values: [] } as const;
    this.#known = {
      everyone: this.identities.all,
      host: this.identities.selected({ kind: "labels", requirements: [host] }),
      portsForAll: portsForAll(parties),
      meeting: (requirements) => this.identities.selected({ kind: "labels", requirements }),
    };
  }

  /** Whether this cluster's agents enforce policies for a party. */
  holds(party: Party): boolean {
    return isSubject(party, this.#options);
  }

  /** Whether any policy is enforced for a party in a direction. */
  enforced(direction: Direction, subject: Party): boolean {
    return this.policyOf(subject)[direction].enforced;
  }

  /** What the agent of `subject` decides about traffic with `peer`; the ports are always those of the end that is reached. */
  side(direction: Direction, subject: Party, peer: Party, traffic: Traffic): Side {
    const policy = this.policyOf(subject)[direction];
    const number = portNumber(traffic.protocol, traffic.port);
    const identity = this.identities.of(peer);
    const matching = policy.grants.filter(({ peers, ports }) => hasBit(peers, identity) && holdsPort(ports, number));
    const judging = matching.filter(({ selected }) => hasBit(selected, identity));
    return sideOf(direction, subject, peer, traffic, policy, matching, judging);
  }

  /** Every port that is open for the pair on the subject's side, in ascending order; none of them overlap. */
  openings(direction: Direction, subject: Party, peer: Party): Opening[] {
    const identity = this.identities.of(peer);
    const matching = this.policyOf(subject)[direction].grants.filter(({ peers }) => hasBit(peers, identity));
    const bounds = new Set(
      matching.flatMap(({ ports }) => ports.map((bound, at) => (at % 2 === 0 ? bound : bound + 1))),
    );
    const starts = [...bounds].toSorted((one, other) => one - other);
    const openings: Opening[] = [];
    for (const [at, start] of starts.entries()) {
      const end = (starts[at + 1] ?? start) - 1;
      const here = matching.filter(({ ports }) => holdsPort(ports, start));
      if (end < start || here.length === 0 || here.some(({ verdict }) => verdict === "deny")) continue;
      for (const opening of openingsOf([start, end], here)) append(openings, opening);
    }
    return openings;
  }

  /** What is enforced for a party. */
  policyOf(subject: Party): SubjectPolicy {
    const known = this.#policies.get(subject);
    if (known !== undefined) return known;
    const node = isReserved(subject, "host");
    const namespace = kubernetesLabel(subject, namespaceKey);
    const own = (this.#selecting[this.identities.of(subject)] ?? []).filter((at) => {
      const entry = this.#entries[at]?.entry;
      return entry?.node === node && (entry.namespace === undefined || entry.namespace === namespace);
    });
    const kind = subject.labels.filter(({ source }) => source === "reserved" || source === "cidr");
    const cluster = kubernetesLabel(subject, "io.cilium.k8s.policy.cluster");
    const key = JSON.stringify([own, kind, cluster, subject.namedPorts]);
    const policy = this.#shared.get(key) ?? this.#compute(subject, own);
    this.#shared.set(key, policy);
    this.#policies.set(subject, policy);
    return policy;
  }

  #compute(subject: Party, own: readonly number[]): SubjectPolicy {
    const entries = own.flatMap((at) => {
      const found = this.#entries[at];
      return found === undefined ? [] : [[found.entry, found.grants] as const];
    });
    return subjectPolicy(subject, entries, this.#options, this.#known);
  }
}

function sideOf(
  direction: Direction,
  subject: Party,
  peer: Party,
  { protocol, port, http }: Traffic,
  { enforced, conflict }: DirectionPolicy,
  matching: readonly Grant[],
  judging: readonly Grant[],
): Side {
  const what = `${direction} of ${subject.name}`;
  const preposition = direction === "ingress" ? "from" : "to";
  const traffic = `${protocol}${port === 0 ? "" : ` ${port}`} ${preposition} ${peer.name}`;
  if (!enforced) {
    return { enforced, verdict: "allowed", reason: `No policy is enforced on ${what}.`, rules: [], l7: false };
  }
  const denied = (reason: string, grants: readonly Grant[], l7 = false): Side => ({
    enforced,
    verdict: "denied",
    reason,
    rules: rulesOf(grants),
    l7,
  });
  if (conflict !== undefined) return denied(`Cilium cannot compute a policy for ${subject.name}: ${conflict}.`, []);
  const denies = matching.filter(({ verdict }) => verdict === "deny");
  if (denies.length > 0) return denied(`${traffic} is denied by ${rulesOf(denies).join(", ")}.`, denies);
  if (matching.length === 0) return denied(`No rule for ${what} allows ${traffic}.`, []);
  const l7 = matching.some(({ parser }) => parser !== undefined);
  if (http !== undefined && !admits(matching, judging, http)) {
    const judges = matching.filter(({ parser }) => parser === "http");
    return denied(`No HTTP rule of ${rulesOf(judges).join(", ")} matches the request.`, judges, l7);
  }
  const rules = rulesOf(matching);
  const reason =
    rules.length > 0 ? `${traffic} is allowed by ${rules.join(", ")}.` : `${traffic} is allowed: ${matching[0]?.rule}.`;
  return { enforced, verdict: "allowed", reason, rules, l7 };
}

/**
 * Envoy asks every allowing rule of the peer and port in turn: one without HTTP rules admits all. A listener of one's own comes first where
 * its priority says so, and its rules count on that listener alone.
 *
 * @param redirecting  The rules that send the traffic to Envoy, `judging` those that it knows to be about the peer.
 */
function admits(redirecting: readonly Grant[], judging: readonly Grant[], request: HttpRequest): boolean {
  const listener = redirecting.some(({ parser, l7 }) => {
    const priority = parser === "crd" ? (l7?.listener?.priority ?? 0) : 0;
    return priority > 0 && priority <= 100;
  });
  if (listener || redirecting.every(({ parser }) => parser !== "http")) return true;
  return judging.some(
    ({ parser, l7 }) =>
      parser !== "crd" && (parser !== "http" || (l7?.http ?? []).some((rule) => matchesRequest(rule, request))),
  );
}

function rulesOf(grants: readonly Grant[]): string[] {
  return [...new Set(grants.map(({ rule }) => rule))].filter((rule) => !unwritten.includes(rule));
}

function openingsOf(ports: PortSet, allows: readonly Grant[]): Opening[] {
  const rules = [...new Set(allows.map(({ rule }) => rule))];
  const l7 = allows.some(({ parser }) => parser !== undefined)
    ? { l7: [...new Set(allows.map(({ parser, l7: asked }) => (parser === undefined ? nothing : (asked ?? nothing))))] }
    : {};
  return rangesOf(intersection(ports, ports)).map((range) => ({ ...range, ...l7, rules }));
}

const nothing: L7Rules = {};

/** Joins an opening to the one before it where they differ in ports only. */
function append(openings: Opening[], next: Opening): void {
  const last = openings.at(-1);
  const joined =
    last !== undefined &&
    last.protocol === next.protocol &&
    last.to + 1 === next.from &&
    JSON.stringify([last.rules, last.l7]) === JSON.stringify([next.rules, next.l7]);
  if (joined) openings[openings.length - 1] = { ...last, to: next.to };
  else openings.push(next);
}

const kinds: Readonly<Record<string, string>> = {
  CiliumNetworkPolicy: "cnp",
  CiliumClusterwideNetworkPolicy: "ccnp",
  NetworkPolicy: "netpol",
};

/** By the name of the resource (`pkg/ipcache/types/types.go`), within one as written. */
function inCiliumsOrder(entries: readonly PolicyEntry[]): PolicyEntry[] {
  const named = entries.map((entry) => {
    const [kind = "", name = ""] = entry.policy.split(" ");
    return { entry, resource: `${kinds[kind] ?? kind}/${name.includes("/") ? "" : "/"}${name}` };
  });
  return named
    .toSorted(({ resource: one }, { resource: other }) => (one < other ? -1 : one > other ? 1 : 0))
    .map(({ entry }) => entry);
}
