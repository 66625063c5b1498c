import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type * as pulumi from "@pulumi/pulumi";
import type { SiteSpec } from "../../config/schema.ts";
import { policyNamespaces } from "../policies/bundles.ts";
import type { Definition } from "./gateway-api.ts";
import { serviceMeshNamespaces, serviceMeshObjects } from "./service-mesh.ts";

/** The definitions of Gateway API, which must be there before the release. */
export function gatewayDefinitions(
  name: string,
  definitions: readonly Definition[],
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  return definitions.map(
    ({ apiVersion, kind, metadata, spec }) =>
      new CustomResource(
        `${name}-${metadata.name}`,
        { apiVersion, kind, metadata, spec },
        // Deleting one would delete every Gateway or route of the cluster, those of others too.
        { ...opts, protect: true },
      ),
  );
}

/**
 * What the service mesh consists of.
 *
 * @param after  The release, whose operator serves it, the pool that gives addresses, and policies, so that nothing is reachable before
 *               they stand.
 */
export function serviceMesh(
  name: string,
  { peers, site }: { readonly site: SiteSpec; readonly peers: readonly SiteSpec[] },
  after: readonly pulumi.Resource[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const namespaces = ownNamespaces(site, peers).map(
    (namespace) =>
      new Namespace(
        `${name}-namespace-${namespace}`,
        { metadata: { name: namespace } },
        // Kept when the objects go: applications live in it.
        { ...opts, dependsOn: [...after], retainOnDelete: true },
      ),
  );
  const objects = serviceMeshObjects(site).map(
    ({ apiVersion, kind, metadata, spec }) =>
      new CustomResource(
        `${name}-${kind}-${metadata.namespace}-${metadata.name}`,
        { apiVersion, kind, metadata, spec },
        { ...opts, dependsOn: [...after, ...namespaces] },
      ),
  );
  return [...namespaces, ...objects];
}

/** Namespaces that neither the cluster nor the site's policies bring. */
function ownNamespaces(site: SiteSpec, peers: readonly SiteSpec[]): string[] {
  if (!site.serviceMesh?.createNamespaces) return [];
  const made = site.policies?.createNamespaces ? policyNamespaces(site, peers) : [];
  const given = ["default", "kube-system", "kube-public", "kube-node-lease", ...made];
  return serviceMeshNamespaces(site).filter((namespace) => !given.includes(namespace));
}
