import type { SiteSpec } from "../../config/schema.ts";
import { ports } from "../../network/ports.ts";

/** Pods of Kubernetes and Cilium by their labels (kubeadm's CoreDNS manifest; templates of Cilium's chart, 1.18 to 1.20). */

const systemPod = (app: string) => ({ namespace: "kube-system", labels: { "k8s-app": app } });

export const systemPods = {
  dns: systemPod("kube-dns"),
  hubbleRelay: systemPod("hubble-relay"),
  hubbleUi: systemPod("hubble-ui"),
  meshApiserver: systemPod("clustermesh-apiserver"),
  metricsServer: systemPod("metrics-server"),
} as const;

/** Ports of those pods. Those of nodes are rows of the port table (`components/network/ports.ts`). */
export const systemPodPorts = {
  dns: 53,
  dnsMetrics: 9153,
  hubbleRelay: ports.hubbleRelay,
  hubbleRelayMetrics: 9966,
  mesh: ports.mesh.frontend,
  /** clustermesh-apiserver, its etcd, kvstoremesh. */
  meshMetrics: [9962, 9964],
  metricsServer: 10_250,
} as const;

/** Where API servers listen themselves: policies see packets after a Service's or load balancer's address is replaced. */
export function apiServerPort(site: SiteSpec): number {
  return site.platform === "existing" ? site.api.port : ports.api.backend;
}
