import type { ZoneSpec } from "../../components/config/segmentation.ts";
import type { CidrGroup } from "../reachability/cidr-groups.ts";
import type { PolicyEntry } from "../reachability/entry.ts";
import { clusterKey } from "../reachability/labels.ts";
import { type NamedPort, type Party, podParty, type ReservedName, reservedParty } from "../reachability/party.ts";
import { actor, outsiders, worldName } from "./outsiders.ts";
import { type Ground, otherPods, type PodClass, podClasses } from "./pod-classes.ts";
import { type Conditions, partsOf } from "./pod-labels.ts";
import { parsePort } from "./ports.ts";
import { clusterDns, conditionsOf, isPodZone, PodZones } from "./zones.ts";

/** Whoever may be at one end of a flow: one for all that no policy tells apart. */
export interface Actor {
  /** The same in every cluster. */
  readonly name: string;
  readonly kind: "zone" | "pods" | "reserved" | "address";
  /** Zones that it is in; what is promised about them holds for it. */
  readonly zones: readonly string[];
  /** The zone of the whole world, for addresses of another zone. */
  readonly wider: readonly string[];
  /** For pods that nobody names: those that they are like but for some labels. A report shows where the two differ. */
  readonly like?: string;
  /** The addresses that nobody names. */
  readonly isWorld?: true;
  /** Where it is; without one, outside of all members. */
  readonly cluster?: string;
  /** Whether it is met inside its own cluster only, since elsewhere it has another identity. */
  readonly local: boolean;
  /** As policies of others see it. */
  readonly peer: Party;
  /** As policies about itself see it; without one, none of ours decide. */
  readonly subject?: Party;
}

/** What the parties of a report follow from. */
export interface Member {
  readonly cluster: string;
  readonly entries: readonly PolicyEntry[];
  readonly groups: readonly CidrGroup[];
  readonly zones: Readonly<Record<string, ZoneSpec>>;
  readonly hostFirewall: boolean;
  /** Labels of namespaces, as far as they are known. */
  readonly namespaceLabels: ReadonlyMap<string, Conditions>;
}

export const dnsName = "kube-dns";

/**
 * Everybody a report and its promises are about.
 *
 * @param meshed  Whether pods of other clusters may call.
 */
export function actorsOf(members: readonly Member[], meshed: boolean): Actor[] {
  const entries = members.flatMap((member) => member.entries);
  return [
    ...members.flatMap((member) => [...pods(member, entries), ...reserved(member)]),
    ...(meshed ? strangers(members, entries) : []),
    ...outsiders(members, entries),
  ];
}

function pods(member: Member, entries: readonly PolicyEntry[]): Actor[] {
  const zones = new PodZones(member.zones);
  const named = [...zones.conditions.keys()];
  const dns = conditionsOf(clusterDns);
  const bases = new Map(zones.conditions);
  if (!named.includes(dnsName)) bases.set(dnsName, dns);
  const ground: Ground = { entries, zones, bases, namespaceLabels: member.namespaceLabels };
  return podClasses(ground, member.cluster).map((each): Actor => {
    const party = partyOf(each, member.cluster, portsOf(member.zones, each));
    const kind = named.includes(each.name) ? "zone" : "pods";
    return {
      ...actor(each.name, kind, each.zones, party),
      ...likeOf(each, ""),
      cluster: member.cluster,
      subject: party,
    };
  });
}

function likeOf({ base = otherPods, name }: PodClass, suffix: string): Pick<Actor, "like"> {
  return base === name ? {} : { like: `${base}${suffix}` };
}

/** Named ports of the zones that pods are in; those of the cluster's DNS do not matter to its peers. */
function portsOf(zones: Readonly<Record<string, ZoneSpec>>, { zones: own }: PodClass): Record<string, NamedPort> {
  return Object.assign(
    {},
    ...own.map((name) => {
      const zone = zones[name];
      return zone !== undefined && isPodZone(zone)
        ? Object.fromEntries(
            Object.entries(zone.namedPorts).map(([port, text]) => {
              const { protocol, from } = parsePort(text);
              return [port, { protocol, port: from }];
            }),
          )
        : {};
    }),
  );
}

function partyOf(
  { name, labels }: Pick<PodClass, "name" | "labels">,
  cluster: string,
  ports: Record<string, NamedPort>,
): Party {
  const namedPorts = Object.keys(ports).length === 0 ? {} : { namedPorts: ports };
  return { ...podParty({ name, ...partsOf(labels), cluster, ...namedPorts }), name };
}

/** Stands for a member of the mesh that no stack file describes. */
const anotherCluster = "another-cluster";

/** Pods of a cluster that joins the mesh one day, or is in it and not in this folder: of one that policies name, and of one that none does. */
function strangers(members: readonly Member[], entries: readonly PolicyEntry[]): Actor[] {
  const named = clustersNamed(entries).filter((name) => !members.some(({ cluster }) => cluster === name));
  const ground: Ground = { entries, zones: new PodZones({}), bases: new Map(), namespaceLabels: new Map() };
  return [anotherCluster, ...named].flatMap((cluster) => {
    const suffix = cluster === anotherCluster ? " of another cluster" : ` of cluster ${cluster}`;
    return podClasses(ground, cluster).map((each) => {
      const name = `${each.name}${suffix}`;
      const party = partyOf({ ...each, name }, cluster, {});
      return { ...actor(name, "pods", [], party), ...likeOf(each, suffix) };
    });
  });
}

function clustersNamed(entries: readonly PolicyEntry[]): string[] {
  const peers = entries.flatMap(({ peers: written }) => (written === "none" ? [] : written));
  const requirements = peers.flatMap((peer) => (peer.kind === "labels" ? peer.requirements : []));
  return [...new Set(requirements.flatMap(({ key, values }) => (key === clusterKey ? values : [])))];
}

/** Those that nodes of other members see under the same identity. */
const everywhere: readonly ReservedName[] = ["remote-node", "ingress", "health"];
const identities: readonly ReservedName[] = [...everywhere, "host", "kube-apiserver", "init", "unmanaged"];

function reserved({ cluster, zones, hostFirewall }: Member): Actor[] {
  return identities.map((identity) => {
    const zone = Object.entries(zones).find(([, each]) => "entity" in each && each.entity === identity)?.[0];
    const party = reservedParty(identity);
    const isNode = identity === "host" || identity === "remote-node";
    const subject =
      identity === "ingress" || identity === "health"
        ? { subject: party }
        : isNode && hostFirewall
          ? { subject: reservedParty("host") }
          : {};
    return {
      ...actor(zone ?? identity, "reserved", zone === undefined ? [] : [zone], party),
      cluster,
      local: !everywhere.includes(identity),
      ...subject,
    };
  });
}

/** Namespace labels that zones state. */
export function knownNamespaceLabels(zones: Readonly<Record<string, ZoneSpec>>): Map<string, Conditions> {
  const known = new Map<string, Conditions>();
  for (const zone of Object.values(zones)) {
    if (!isPodZone(zone)) continue;
    const conditions = conditionsOf({ ...zone, labels: {}, serviceAccount: undefined });
    known.set(zone.namespace, [...(known.get(zone.namespace) ?? []), ...conditions]);
  }
  return known;
}

/** The name of the addresses that nobody names. */
export function worldOf(actors: readonly Actor[]): string {
  return actors.find(({ isWorld }) => isWorld)?.name ?? worldName;
}
