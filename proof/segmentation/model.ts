import { meshesOf } from "../mesh-members.ts";
import type { Loaded } from "../reachability/load.ts";
import { Reachability } from "../reachability/reachability.ts";
import { type Actor, actorsOf, knownNamespaceLabels, type Member } from "./actors.ts";
import { Judge } from "./flows.ts";
import type { MemberPolicies } from "./member-policies.ts";

/** A mesh, or a single site, with everybody in and around it. */
export interface Model {
  readonly members: readonly MemberPolicies[];
  readonly actors: readonly Actor[];
  /** What is decided by the policies as they are recorded. */
  readonly now: Judge;
  /** The same once the zones' namespaces are enforced; without one, they are. */
  readonly enforced?: Judge;
}

/** The sites of each mesh together, each other site alone. */
export function groupsOf(members: readonly MemberPolicies[]): MemberPolicies[][] {
  const meshes = meshesOf(members.map(({ site }) => site));
  const joined = new Set(meshes.flat());
  return [
    ...meshes.map((sites) => sites.flatMap((site) => members.filter((member) => member.site === site))),
    ...members.filter(({ site }) => !joined.has(site)).map((member) => [member]),
  ];
}

/** Whether there is anything to say about a mesh or site. */
export function isSegmented(members: readonly MemberPolicies[]): boolean {
  return members.some(
    ({ now, segmentation }) =>
      now.outcomes.length > 0 || Object.keys(segmentation.zones).length > 0 || segmentation.promises.length > 0,
  );
}

/**
 * One model for each state of a mesh, all with the same parties: what policies of any state tell apart.
 *
 * @param states  The first says what a zone of several states is.
 */
export function modelsOf(states: readonly (readonly MemberPolicies[])[]): Model[] {
  const all = states.flat();
  const actors = actorsOf(
    groundOf(all),
    all.some(({ site }) => site.mesh !== undefined),
  );
  return states.map((members) => {
    const isAudited = members.some(({ enforced }) => enforced !== undefined);
    return {
      members,
      actors,
      now: judge(members, actors, ({ now }) => now),
      ...(isAudited ? { enforced: judge(members, actors, ({ now, enforced }) => enforced ?? now) } : {}),
    };
  });
}

/** By cluster, what either state has; a zone of both is what the first says. */
function groundOf(all: readonly MemberPolicies[]): Member[] {
  const byCluster = Map.groupBy(all, ({ options }) => options.cluster);
  return [...byCluster].map(([cluster, states]): Member => {
    const loaded = states.flatMap(({ now, enforced }) => [now, ...(enforced === undefined ? [] : [enforced])]);
    const zones = Object.assign({}, ...states.toReversed().map(({ segmentation }) => segmentation.zones));
    return {
      cluster,
      entries: loaded.flatMap(({ entries }) => entries),
      groups: loaded.flatMap(({ groups }) => groups),
      zones,
      hostFirewall: states.some(({ options }) => options.hostFirewall),
      namespaceLabels: knownNamespaceLabels(zones),
    };
  });
}

function judge(
  members: readonly MemberPolicies[],
  actors: readonly Actor[],
  loaded: (member: MemberPolicies) => Loaded,
): Judge {
  const parties = [
    ...new Set(actors.flatMap(({ peer, subject }) => (subject === undefined ? [peer] : [peer, subject]))),
  ];
  return new Judge(
    new Map(
      members.map(
        (member) => [member.options.cluster, new Reachability(loaded(member), parties, member.options)] as const,
      ),
    ),
  );
}
