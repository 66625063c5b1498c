import type { SiteSpec } from "../../components/config/schema.ts";
import type { ServiceMeshSpec } from "../../components/config/service-mesh.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";

export type ServiceMeshCheck = (spec: ServiceMeshSpec, site: SiteSpec) => Violation[];

/** Asks a rule of sites that have a service mesh; its paths are below `serviceMesh`. */
export function onServiceMesh(check: ServiceMeshCheck): Rule<SiteSubject>["check"] {
  return ({ site }) =>
    site.serviceMesh
      ? check(site.serviceMesh, site).map((violation) => ({ ...violation, path: ["serviceMesh", ...violation.path] }))
      : [];
}

/** Places of items whose key another item before has. */
export function repeated<Item>(items: readonly Item[], keyOf: (item: Item) => string): number[] {
  const keys = items.map(keyOf);
  return keys.flatMap((key, index) => (keys.indexOf(key) < index ? [index] : []));
}
