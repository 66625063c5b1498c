import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type * as pulumi from "@pulumi/pulumi";
import type { SiteSpec } from "../../config/schema.ts";
import { policyNamespaces, policyResourceName, policyStages } from "./bundles.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * A site's policies, in stages that never lock out: what everybody needs, then what applications may, then what denies the rest. Pulumi
 * removes them the other way round.
 *
 * @param opts  Depends on the release, which brings the CRDs.
 */
export function networkPolicies(
  name: string,
  { peers, site }: { readonly site: SiteSpec; readonly peers: readonly SiteSpec[] },
  opts: Omit<pulumi.CustomResourceOptions, "dependsOn"> & { readonly dependsOn: readonly pulumi.Resource[] },
): pulumi.Resource[] {
  const make = (objects: readonly PolicyObject[], after: readonly pulumi.Resource[]) =>
    objects.map(
      (object) =>
        new CustomResource(
          policyResourceName(name, object),
          { ...object },
          { ...opts, dependsOn: [...opts.dependsOn, ...after] },
        ),
    );
  const { allows, baseline, denies } = policyStages(site, peers);
  const wanted = site.policies?.createNamespaces ? policyNamespaces(site, peers) : [];
  // Kept when the policies go: applications live in them.
  const namespaces = wanted.map(
    (namespace) =>
      new Namespace(
        `${name}-namespace-${namespace}`,
        { metadata: { name: namespace } },
        { ...opts, dependsOn: [...opts.dependsOn], retainOnDelete: true },
      ),
  );
  const first = make(baseline, []);
  const second = make(allows, [...namespaces, ...first]);
  return [...namespaces, ...first, ...second, ...make(denies, [...first, ...second])];
}
