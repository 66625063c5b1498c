import { clusters } from "../kubernetes/cluster.ts";
import { annotationProblems, globalServiceProblems, hasGlobalService } from "../kubernetes/global-services.ts";
import { membersOf, meshProblems, pairsOfPeers } from "../kubernetes/mesh.ts";
import { releaseProblems } from "../kubernetes/readiness.ts";
import { isRecord, type StackFile } from "../stack-files.ts";
import type { World } from "../world.ts";
import { hardeningProblems, nodeProblems, spreadProblems } from "./hardening.ts";
import { crossings, interconnectProblems } from "./mesh.ts";
import { userDataProblems } from "./user-data.ts";

/** What came of looking at the whole world after all stacks are up. */
export interface Verdict {
  /** What holds, one line per pair of sites. */
  readonly lines: readonly string[];
  /** What does not, one sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

/** Whether the world carries what the clusters in it need: each on its own, all as a mesh, and over the interconnect. */
export function verifyWorld(world: World, stacks: readonly StackFile[]): Verdict {
  const joined = stacks.some(({ kind }) => kind === "interconnect");
  const found = crossings(world, joined);
  const problems = [
    ...clusters(world).flatMap(({ name }) => releaseProblems(world, name)),
    ...membershipProblems(world, stacks),
    ...meshProblems(world, absentPeers(stacks)),
    ...serviceProblems(world, stacks),
    ...(joined ? interconnectProblems(world) : []),
    ...found.flatMap((crossing) => crossing.problems),
    ...userDataProblems(world),
    ...hardeningProblems(world),
    ...nodeProblems(world),
    ...spreadProblems(world),
  ];
  return { lines: problems.length === 0 ? found.map(({ line }) => line) : [], problems };
}

/** Sites that others name as peers and that are none of this run's stacks. */
function absentPeers(stacks: readonly StackFile[]): Set<string> {
  return new Set(stacks.flatMap(peersOf).filter((peer) => !stacks.some(({ name }) => name === peer)));
}

/** Whoever is a peer by the stack files is one in the cluster, too. */
function membershipProblems(world: World, stacks: readonly StackFile[]): string[] {
  const members = membersOf(world);
  return stacks.flatMap((stack) => {
    const member = members.find(({ cluster }) => cluster.name === stack.name);
    return peersOf(stack)
      .filter((peer) => member?.peers.some(({ name }) => name === peer) !== true)
      .map(
        (peer) =>
          `${stack.name}: its stack file names the peer ${peer}, which its Cilium does not list in clustermesh.config.clusters`,
      );
  });
}

/** Global Services are so on both sides; where a stack file asks for the demo, there is one. */
function serviceProblems(world: World, stacks: readonly StackFile[]): string[] {
  const wanting = stacks.filter(
    ({ name, spec }) => isRecord(spec.mesh) && spec.mesh.demoService === true && !hasGlobalService(world, name),
  );
  return [
    ...clusters(world).flatMap(({ name }) => annotationProblems(world, name)),
    ...globalServiceProblems(world, pairsOfPeers(membersOf(world))),
    ...wanting.map(
      ({ name }) =>
        `${name}: its stack file asks for the demo service, and no Service is annotated service.cilium.io/global`,
    ),
  ];
}

function peersOf({ spec }: StackFile): string[] {
  const peers = isRecord(spec.mesh) ? spec.mesh.peers : undefined;
  return Array.isArray(peers) ? peers.filter((peer) => typeof peer === "string") : [];
}
