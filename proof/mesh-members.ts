import { EffectiveValues } from "../components/cilium/effective-values.ts";
import { ciliumValues } from "../components/cilium/values.ts";
import type { SiteSpec } from "../components/config/schema.ts";
import { pairs } from "./rules/addresses.ts";

/** A site as a member: what its file says and what its Cilium would be told. */
export interface Member {
  readonly site: SiteSpec;
  /** The other members that it connects to. */
  readonly peers: readonly SiteSpec[];
  readonly values: EffectiveValues;
}

/** Members of one mesh, and which of them meet. */
export interface Mesh {
  readonly members: readonly Member[];
  /** Ordered: the first dials the second. */
  readonly links: readonly (readonly [Member, Member])[];
  /** Unordered: at least one dials the other. */
  readonly joined: readonly (readonly [Member, Member])[];
  /** Unordered: joined, or both are peers of a third. */
  readonly neighbours: readonly (readonly [Member, Member])[];
}

/** A value as the chart's templates print it: the member's, else the chart's default. */
export const value = (path: string) => (member: Member) => member.values.text(path);

/** Sites that are joined by peers, directly or through others, in the order of their ids. */
export function meshesOf(sites: readonly SiteSpec[]): SiteSpec[][] {
  const left = new Set(sites.filter(({ mesh }) => mesh !== undefined));
  const meshes: SiteSpec[][] = [];
  for (const first of left) {
    const members = [first];
    left.delete(first);
    // The list grows while it is walked.
    for (const member of members) {
      for (const other of left) {
        if (!isPeer(member, other) && !isPeer(other, member)) continue;
        members.push(other);
        left.delete(other);
      }
    }
    meshes.push(members.toSorted((one, other) => one.id - other.id));
  }
  return meshes;
}

const isPeer = (site: SiteSpec, other: SiteSpec) => site.mesh?.peers.includes(other.name) ?? false;

/** The members with their values. Their Cilium minors are known. */
export function meshOf(sites: readonly SiteSpec[]): Mesh {
  const members = sites.map((site): Member => {
    const peers = sites.filter((other) => other !== site && isPeer(site, other));
    return { site, peers, values: new EffectiveValues(site.cilium.version, ciliumValues(site, peers)) };
  });
  const links = members.flatMap((from) =>
    members.filter((to) => to !== from && isPeer(from.site, to.site)).map((to) => [from, to] as const),
  );
  const isJoined = ([one, other]: readonly [Member, Member]) =>
    isPeer(one.site, other.site) || isPeer(other.site, one.site);
  const neighbours = pairs(members).filter(
    ([one, other]) =>
      isJoined([one, other]) || members.some(({ site }) => isPeer(site, one.site) && isPeer(site, other.site)),
  );
  return { members, links, joined: neighbours.filter(isJoined), neighbours };
}
