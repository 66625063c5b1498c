import { type Bits, both } from "./bits.ts";
import { conflictOf } from "./conflicts.ts";
import type { Direction, EngineOptions, PolicyEntry, Requirement } from "./entry.ts";
import type { Grant, Grants, NamedGrant } from "./grants.ts";
import { clusterKey, namespaceKey } from "./labels.ts";
import { minorOf } from "./minor.ts";
import { isReserved, kubernetesLabel, type Party } from "./party.ts";
import { everyPort, type PortSet, portsOf } from "./port-sets.ts";

/** In place of a rule's name: what is open although no rule says so. */
export const noPolicy = "no policy is enforced";
/** The same where rules select the subject, but none of them denies by default. */
export const noDefaultDeny = "no rule denies by default";
/** The same for the node that a pod runs on, whose kubelet must reach it. */
export const localHost = "the node of the pod itself";

/** What is enforced for one subject in one direction. */
export interface DirectionPolicy {
  readonly enforced: boolean;
  readonly grants: readonly Grant[];
  /** Why Cilium cannot compute the policy: then nothing passes. */
  readonly conflict?: string;
}

export interface SubjectPolicy {
  readonly ingress: DirectionPolicy;
  readonly egress: DirectionPolicy;
}

/** Sets of identities that no rule names. */
export interface WellKnown {
  readonly everyone: Bits;
  /** The local node. */
  readonly host: Bits;
  /** By `http/TCP`: what egress rules mean by a name up to 1.19. */
  readonly portsForAll: ReadonlyMap<string, number>;
  readonly meeting: (requirements: readonly Requirement[]) => Bits;
}

/**
 * Whether an agent of this cluster enforces policies for a party: pods of the cluster and the reserved endpoints; the node itself with the
 * host firewall only.
 */
export function isSubject(party: Party, { cluster, hostFirewall }: EngineOptions): boolean {
  if (isReserved(party, "host")) return hostFirewall;
  if (["health", "init", "ingress"].some((name) => isReserved(party, name))) return true;
  if (party.labels.some(({ source }) => source === "reserved" || source === "cidr")) return false;
  return (kubernetesLabel(party, clusterKey) ?? cluster) === cluster;
}

/**
 * The policy of one subject (`pkg/policy/repository.go`, computePolicyEnforcementAndRules).
 *
 * @param entries  Those that select the subject, in Cilium's order, with what each grants.
 */
export function subjectPolicy(
  subject: Party,
  entries: readonly (readonly [entry: PolicyEntry, grants: Grants])[],
  options: EngineOptions,
  known: WellKnown,
): SubjectPolicy {
  if (options.enablePolicy === "never" || !isSubject(subject, options))
    return { ingress: open(known), egress: open(known) };
  const own = entries.map(([entry]) => entry);
  const namespace = kubernetesLabel(subject, namespaceKey);
  const conflict = conflictOf(own, "ingress", namespace) ?? conflictOf(own, "egress", namespace);
  if (conflict !== undefined) {
    const closed = { enforced: true, grants: [], conflict };
    return { ingress: closed, egress: closed };
  }
  return {
    ingress: directionPolicy("ingress", subject, entries, options, known),
    egress: directionPolicy("egress", subject, entries, options, known),
  };
}

function directionPolicy(
  direction: Direction,
  subject: Party,
  entries: readonly (readonly [entry: PolicyEntry, grants: Grants])[],
  options: EngineOptions,
  known: WellKnown,
): DirectionPolicy {
  const own = entries.filter(([entry]) => entry.direction === direction);
  const always = options.enablePolicy === "always" || isReserved(subject, "init");
  if (own.length === 0 && !always) return open(known);
  const ports = namedRanges(
    own.flatMap(([, { named }]) => named),
    direction === "ingress" ? portsOfOne(subject) : known.portsForAll,
  );
  const grants = own.flatMap(([entry, { fixed, named }]) =>
    restricted(entry, own, known, [...fixed, ...named.flatMap((each) => resolved(each, ports))]),
  );
  if (!always && !own.some(([{ defaultDeny }]) => defaultDeny)) grants.push(allow(known.everyone, noDefaultDeny));
  // From 1.20 on the node may enter where there is a rule at all, before that always.
  else if (direction === "ingress" && !isReserved(subject, "host") && (own.length > 0 || minorOf(options) < 20)) {
    grants.push(allow(known.host, localHost));
  }
  return { enforced: true, grants };
}

function portsOfOne({ namedPorts = {} }: Party): ReadonlyMap<string, number> {
  return new Map(Object.entries(namedPorts).map(([name, { port, protocol }]) => [`${name}/${protocol}`, port]));
}

/** What port names stand for. A range that starts at one ends where the first rule that uses the name ends it. */
function namedRanges(named: readonly NamedGrant[], ports: ReadonlyMap<string, number>): Map<string, PortSet> {
  const ranges = new Map<string, PortSet>();
  for (const { name, protocol, endPort } of named) {
    const key = `${name}/${protocol}`;
    const port = ports.get(key);
    if (port !== undefined && !ranges.has(key)) ranges.set(key, portsOf(protocol, port, endPort));
  }
  return ranges;
}

function resolved({ grant, name, protocol }: NamedGrant, ranges: ReadonlyMap<string, PortSet>): Grant[] {
  const ports = ranges.get(`${name}/${protocol}`);
  return ports === undefined ? [] : [{ ...grant, ports }];
}

/** Up to 1.18 an entry may put conditions on the peers of all the others. */
function restricted(
  { restricted: concerned, verdict }: PolicyEntry,
  entries: readonly (readonly [entry: PolicyEntry, grants: Grants])[],
  { meeting }: WellKnown,
  grants: readonly Grant[],
): readonly Grant[] {
  const conditions = concerned
    ? entries.flatMap(([{ requires = [], verdict: other }]) => (other === verdict ? requires : []))
    : [];
  if (conditions.length === 0) return grants;
  const meets = meeting(conditions);
  return grants.map((grant) => ({ ...grant, peers: both(grant.peers, meets), selected: both(grant.selected, meets) }));
}

function open({ everyone }: WellKnown): DirectionPolicy {
  return { enforced: false, grants: [allow(everyone, noPolicy)] };
}

function allow(peers: Bits, rule: string): Grant {
  return { peers, selected: peers, ports: everyPort, verdict: "allow", rule };
}
