import type { PlannedStack } from "../recorded.ts";
import { type MemberPolicies, memberPolicies } from "./member-policies.ts";
import { groupsOf, isSegmented, type Model, modelsOf } from "./model.ts";
import { type PairChange, pairChanges } from "./pair-changes.ts";
import { judgePromises, pathText } from "./promises.ts";

/** A promise that one of two states makes and keeps, and the other does not. */
export interface PromiseChange {
  readonly promise: string;
  readonly change: "no longer holds" | "holds now" | "no longer promised" | "newly promised";
  /** The first way in which it is broken. */
  readonly path?: string;
}

/** What a change does to who can reach whom, in one mesh or site. */
export interface Difference {
  readonly members: readonly string[];
  /** Sites that only one state has; their flows are not compared. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Flows that open, close, or pass other proxies' rules; and what only one end allows. */
  readonly pairs: readonly PairChange[];
  readonly promises: readonly PromiseChange[];
  /** Zones that mean other pods than before: both states are asked about the new ones. */
  readonly redefined: readonly string[];
}

/** @param before  What the programs would register for the other state of the same stack files. */
export function differences(before: readonly PlannedStack[], after: readonly PlannedStack[]): Difference[] {
  const [old, now] = [memberPolicies(before), memberPolicies(after)];
  const groups = groupsOf(now).map((group) => ({ group, other: sameMembers(group, old) }));
  const known = new Set(groups.flatMap(({ other }) => other));
  const gone = groupsOf(old.filter((member) => !known.has(member))).map((other) => ({ group: [], other }));
  return [...groups, ...gone]
    .filter(({ group, other }) => isSegmented([...group, ...other]))
    .map(({ group, other }) => difference(other, group));
}

/** The other state of the sites of a group, and of those that were in a mesh with one of them. */
function sameMembers(group: readonly MemberPolicies[], old: readonly MemberPolicies[]): MemberPolicies[] {
  const names = new Set(group.map(({ site }) => site.name));
  return groupsOf(old)
    .filter((members) => members.some(({ site }) => names.has(site.name)))
    .flat();
}

function difference(old: readonly MemberPolicies[], now: readonly MemberPolicies[]): Difference {
  const [after, before] = modelsOf([now, old]);
  const names = (members: readonly MemberPolicies[]) => members.map(({ options }) => options.cluster);
  const both = names(now).filter((name) => names(old).includes(name));
  return {
    members: names(now),
    added: names(now).filter((name) => !both.includes(name)),
    removed: names(old).filter((name) => !both.includes(name)),
    pairs: before && after ? pairChanges(before, after, both) : [],
    promises: before && after ? promiseChanges(before, after) : [],
    redefined: redefined(old, now),
  };
}

function redefined(old: readonly MemberPolicies[], now: readonly MemberPolicies[]): string[] {
  const changed = now.flatMap(({ options, segmentation }) => {
    const other = old.find((member) => member.options.cluster === options.cluster)?.segmentation.zones ?? {};
    return Object.entries(segmentation.zones).flatMap(([name, zone]) =>
      other[name] !== undefined && JSON.stringify(other[name]) !== JSON.stringify(zone) ? [name] : [],
    );
  });
  return [...new Set(changed)];
}

function promiseChanges(before: Model, after: Model): PromiseChange[] {
  const [old, now] = [judgePromises(before), judgePromises(after)].map(
    (verdicts) => new Map(verdicts.map((verdict) => [verdict.text, verdict])),
  );
  const texts = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])];
  return texts.flatMap((promise): PromiseChange[] => {
    const [then, later] = [old?.get(promise), now?.get(promise)];
    const [path] = later?.paths.map(pathText) ?? [];
    if (then === undefined) return [{ promise, change: "newly promised", ...(path === undefined ? {} : { path }) }];
    if (later === undefined) return [{ promise, change: "no longer promised" }];
    if (then.holds === later.holds) return [];
    return then.holds
      ? [{ promise, change: "no longer holds", ...(path === undefined ? {} : { path }) }]
      : [{ promise, change: "holds now" }];
  });
}
