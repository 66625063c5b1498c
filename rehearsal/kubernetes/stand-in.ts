import { type Kind, Refusal, type StandIn } from "../stand-in.ts";
import { nodesOf } from "./cluster.ts";
import { parseType, releaseType } from "./kinds.ts";
import { findCluster, kubeconfigProblems } from "./kubeconfig.ts";
import { nodePatch } from "./node-patch.ts";
import { objectKind } from "./objects.ts";
import { releaseKind } from "./release.ts";

/** The API servers of the rehearsal's clusters and Helm, behind the plugin `kubernetes` 4.34.2. */
export const kubernetesStandIn: StandIn = {
  name: "kubernetes",
  version: "4.34.2",
  checkConfig: kubeconfigProblems,
  /** A cluster answers while its own place and those of its control planes do. */
  places: ({ world, config }) => {
    const cluster = findCluster(world, config);
    if (cluster === undefined) return [];
    const machines = nodesOf(world, cluster.name)
      .filter(({ controlPlane }) => controlPlane)
      .flatMap(({ address }) => world.get("host", address)?.place ?? []);
    return [...new Set([cluster.name, ...machines])];
  },
  kind: (type): Kind | undefined => {
    if (type === releaseType) return releaseKind;
    if (type === "kubernetes:core/v1:NodePatch") return nodePatch;
    const parsed = parseType(type);
    return parsed && objectKind(parsed);
  },
  invoke: (token) => {
    throw new Refusal(
      "UnknownFunction",
      `the rehearsal's kubernetes has no function "${token}"; add it to rehearsal/kubernetes/stand-in.ts`,
    );
  },
};
