import type { SiteSpec } from "../../config/schema.ts";
import type { MutualAuthenticationSpec } from "../../config/service-mesh.ts";
import type { HelmValues } from "../helm-values.ts";
import { phaseOf } from "../policies/phases.ts";
import { pods, prefixed, toPorts } from "../policies/pods.ts";
import type { MeshObject } from "./mesh-object.ts";

/**
 * Mutual authentication by SPIRE, which comes with the release. It proves who speaks, once per pair of identities; what is said afterwards
 * is protected by the site's encryption, as ever. Not in a mesh, where identities of other clusters are unknown to a cluster's SPIRE:
 * rule GB-2153 refuses that. Deprecated in Cilium 1.20, gone in 1.21 (chart values 1.20, `authentication.mutual`).
 */
export function mutualAuthenticationValues({ mesh, serviceMesh }: SiteSpec): HelmValues {
  const spec = serviceMesh?.mutualAuthentication;
  if (!spec || mesh) return {};
  const { imageRegistry, storageClass } = spec;
  // Tags and digests stay the chart's.
  const from = (repository: string) => (imageRegistry ? { repository: `${imageRegistry}/${repository}` } : {});
  return {
    authentication: {
      enabled: true,
      mutual: {
        spire: {
          enabled: true,
          install: {
            enabled: true,
            initImage: from("library/busybox"),
            agent: { image: from("spiffe/spire-agent") },
            server: {
              image: from("spiffe/spire-server"),
              // A claim that nobody answers would keep a waiting release for ever.
              dataStorage: storageClass === undefined ? { enabled: false } : { enabled: true, storageClass },
            },
          },
        },
      },
    },
  };
}

/**
 * Policies that let pods in only once both sides have proven who they are. Each allows its connection and thereby denies every other into
 * the same pods; in a namespace whose policies are in audit there are none.
 */
export function mutualAuthenticationPolicies(site: SiteSpec, spec: MutualAuthenticationSpec): MeshObject[] {
  const phase = site.policies ? phaseOf(site.policies) : () => "enforce";
  return spec.required
    .filter(({ to }) => phase(to.namespace) === "enforce")
    .map(({ from, name, port, to }) => ({
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name, namespace: to.namespace },
      spec: {
        endpointSelector: { matchLabels: prefixed(to.labels) },
        ingress: [{ fromEndpoints: [pods(from)], authentication: { mode: "required" }, toPorts: toPorts(port) }],
      },
    }));
}
