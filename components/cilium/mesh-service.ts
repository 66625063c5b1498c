import type { SiteSpec } from "../config/schema.ts";
import { ports } from "../network/ports.ts";
import { announceLabel } from "./labels.ts";
import { bgpLoadBalancerClass, fixedAddress, meshService } from "./mesh-values.ts";

/**
 * The Service in front of clustermesh-apiserver, where the chart leaves it to us; the same as the chart's own
 * (`templates/clustermesh-apiserver/service.yaml`) with a fixed address.
 */
export function meshServiceObject(site: SiteSpec) {
  const { mesh } = site;
  if (!mesh || meshService(site) !== "own-load-balancer") return undefined;
  return {
    metadata: {
      name: "clustermesh-apiserver",
      namespace: "kube-system",
      labels: { "k8s-app": "clustermesh-apiserver", [announceLabel]: "true" },
      annotations: fixedAddress(site),
    },
    spec: {
      type: "LoadBalancer",
      selector: { "k8s-app": "clustermesh-apiserver" },
      ports: [{ name: "etcd", port: ports.mesh.frontend, targetPort: ports.mesh.frontend, protocol: "TCP" }],
      // Each replica has an etcd of its own: a client that changes replica must read everything again.
      ...(mesh.apiserverReplicas > 1 ? { sessionAffinity: "ClientIP" } : {}),
      externalTrafficPolicy: "Cluster",
      internalTrafficPolicy: "Cluster",
      // Of someone else's cluster we know the address, not the controller.
      ...(site.platform === "on-prem" ? { loadBalancerClass: bgpLoadBalancerClass } : {}),
      ...(site.platform === "existing" && site.meshAddress ? { loadBalancerIP: site.meshAddress } : {}),
    },
  };
}
