import { clusters } from "../kubernetes/cluster.ts";
import { meshProblems } from "../kubernetes/mesh.ts";
import { releaseProblems } from "../kubernetes/readiness.ts";
import type { StackKind } from "../stack-files.ts";
import type { World } from "../world.ts";
import { crossings, interconnectProblems } from "./mesh.ts";

/** What came of looking at the whole world after all stacks are up. */
export interface Verdict {
  /** What holds, one line per pair of sites. */
  readonly lines: readonly string[];
  /** What does not, one sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

/** Whether the world carries what the clusters in it need: each on its own, all as a mesh, and over the interconnect. */
export function verifyWorld(
  world: World,
  stacks: readonly { readonly name: string; readonly kind: StackKind }[],
): Verdict {
  const joined = stacks.some(({ kind }) => kind === "interconnect");
  const names = new Set(stacks.map(({ name }) => name));
  const sites = clusters(world).flatMap(({ name }) => releaseProblems(world, name));
  const mesh = meshProblems(world, names);
  // Nobody answers beyond a tunnel that is down: its own reason is the one to tell.
  const links = joined ? interconnectProblems(world) : [];
  const found = crossings(world, joined);
  return {
    lines: found.filter(({ problems }) => problems.length === 0).map(({ line }) => line),
    problems: [...sites, ...mesh, ...links, ...found.flatMap(({ problems }) => problems)],
  };
}
