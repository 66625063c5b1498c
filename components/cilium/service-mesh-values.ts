import type { SiteSpec } from "../config/schema.ts";
import type { GatewayApiSpec, IngressSpec } from "../config/service-mesh.ts";
import { type HelmValues, mergeValues, type Tree } from "./helm-values.ts";
import { bandwidthValues } from "./service-mesh/bandwidth.ts";
import { mutualAuthenticationValues } from "./service-mesh/mutual-authentication.ts";

/** Prefixes of labels and annotations that the operator copies from an Ingress to its Service: the chart's, and that of our labels. */
const copiedPrefixes = [
  "lbipam.cilium.io",
  "nodeipam.cilium.io",
  "service.beta.kubernetes.io",
  "service.kubernetes.io",
  "cloud.google.com",
  "gyeongbu.io",
];

/** What the release needs to serve the site's service mesh; empty without one. */
export function serviceMeshValues(site: SiteSpec): Tree {
  const { serviceMesh } = site;
  if (!serviceMesh) return {};
  const { bandwidth, gatewayApi, ingress, l7LoadBalancing, rateLimits } = serviceMesh;
  return mergeValues(
    // The default, and what everything but bandwidth stands on.
    { l7Proxy: true },
    gatewayApi ? gatewayValues(gatewayApi) : {},
    ingress ? ingressValues(ingress) : {},
    rateLimits.length > 0 ? { envoyConfig: { enabled: true } } : {},
    l7LoadBalancing ? { loadBalancer: { l7: { backend: "envoy", algorithm: l7LoadBalancing.algorithm } } } : {},
    mutualAuthenticationValues(site),
    bandwidthValues(bandwidth),
  );
}

function gatewayValues({ expose }: GatewayApiSpec): HelmValues {
  return {
    gatewayAPI: {
      enabled: true,
      // `auto` leaves the class out in silence where the definitions are missing; this stops the release.
      gatewayClass: { create: "true" },
      ...(expose === "host-network" ? { hostNetwork: { enabled: true } } : {}),
    },
  };
}

/**
 * The chart makes the shared Service in either mode. Its type is LoadBalancer only where the stack file says so: Helm would wait for an
 * address that Cilium's own pool gives after the release only.
 */
function ingressValues({ shared }: IngressSpec): HelmValues {
  const front: HelmValues =
    shared.expose === "node-port"
      ? { service: { type: "NodePort", insecureNodePort: shared.http, secureNodePort: shared.https } }
      : shared.expose === "host-network"
        ? { hostNetwork: { enabled: true, sharedListenerPort: shared.port } }
        : { service: { type: "LoadBalancer" } };
  return {
    ingressController: {
      enabled: true,
      loadbalancerMode: "shared",
      ingressLBAnnotationPrefixes: copiedPrefixes,
      ...front,
    },
  };
}
