import type { World } from "../world.ts";
import { objectsOf, record, type StoredObject, texts } from "./cluster.ts";
import type { Member } from "./mesh.ts";

/** Annotations of Services that Cilium knows under this prefix (pkg/annotation/k8s.go, 1.18 to 1.20); it says nothing of others. */
const prefix = "service.cilium.io/";
const known = new Set(
  "affinity forwarding-mode global global-sync-endpoint-slices lb-algorithm lb-l7 lb-l7-algorithm node node-selector proxy-delegation shared src-ranges-policy type"
    .split(" ")
    .map((name) => prefix + name),
);

const isGlobal = ({ body }: StoredObject): boolean =>
  texts(record(body.metadata).annotations)[`${prefix}global`] === "true";

/** Services that are global in one member of a mesh and not in its peer, and annotations that mean nothing. */
export function globalServiceProblems(world: World, pairs: readonly (readonly [Member, Member])[]): string[] {
  return pairs.flatMap(([a, b]) => {
    const [own, other] = [a, b].map(({ cluster }) => objectsOf(world, cluster.name, "Service", "").filter(isGlobal));
    return [...missing(own ?? [], other ?? [], a, b), ...missing(other ?? [], own ?? [], b, a)];
  });
}

function missing(here: readonly StoredObject[], there: readonly StoredObject[], a: Member, b: Member): string[] {
  return here
    .filter(({ name, namespace }) => !there.some((one) => one.name === name && one.namespace === namespace))
    .map(
      ({ name, namespace }) =>
        `Service ${namespace}/${name} is global in ${a.cluster.name} and no global Service of ${b.cluster.name}, so neither serves for the other`,
    );
}

/** Annotations under Cilium's prefix that it does not know. */
export function annotationProblems(world: World, cluster: string): string[] {
  return objectsOf(world, cluster, "Service", "").flatMap(({ name, namespace, body }) =>
    Object.keys(texts(record(body.metadata).annotations))
      .filter((key) => key.startsWith(prefix) && !known.has(key))
      .map((key) => `${cluster}: Service ${namespace}/${name} has the annotation ${key}, which Cilium does not know`),
  );
}

/** Whether a cluster has any global Service. */
export function hasGlobalService(world: World, cluster: string): boolean {
  return objectsOf(world, cluster, "Service", "").some(isGlobal);
}
