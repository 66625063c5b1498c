import type { SiteSpec } from "../config/schema.ts";
import { apiEndpoint } from "../network/plan.ts";
import type { HelmValues } from "./helm-values.ts";
import { identityLabels } from "./identity-labels.ts";

/** Identity, addresses, routing, services: how packets go. */
export function datapathValues(site: SiteSpec): HelmValues {
  const { cilium, id, name } = site;
  const replacesKubeProxy = site.platform !== "existing" || site.kubeProxyReplacement;
  const ipam = site.platform === "existing" ? site.ipam : "kubernetes";
  const api =
    site.platform === "existing"
      ? { k8sServiceHost: site.api.host, k8sServicePort: site.api.port }
      : { k8sServiceHost: apiEndpoint(site).name, k8sServicePort: apiEndpoint(site).port };
  return {
    cluster: { name, id },
    ...api,
    kubeProxyReplacement: replacesKubeProxy,
    ...ipamValues(site, ipam),
    ...routingValues(site),
    MTU: cilium.mtu,
    // Masquerading in BPF needs the NodePort code of the kube-proxy replacement.
    bpf: { masquerade: replacesKubeProxy },
    // Explicit, since the chart derives it from another key: without socketLB pods of the host network see no global service.
    socketLB: { enabled: replacesKubeProxy },
    cni: { exclusive: true },
    agentNotReadyTaintKey: "node.cilium.io/agent-not-ready",
    policyEnforcementMode: "default",
    labels: identityLabels,
    ...(site.platform === "on-prem"
      ? { bgpControlPlane: { enabled: true, secretsNamespace: { create: false, name: "kube-system" } } }
      : {}),
  };
}

function ipamValues({ network }: SiteSpec, mode: "kubernetes" | "cluster-pool"): HelmValues {
  return mode === "kubernetes"
    ? // Each slot's /24 is written into `node.spec.podCIDR` at join; the agent waits for it.
      { ipam: { mode }, k8s: { requireIPv4PodCIDR: true } }
    : // Never left to the chart, whose default 10.0.0.0/8 meets node networks and other members.
      { ipam: { mode, operator: { clusterPoolIPv4PodCIDRList: [network.pods], clusterPoolIPv4MaskSize: 24 } } };
}

function routingValues(site: SiteSpec): HelmValues {
  const { nativeRoutingCidr, routing } = site.cilium;
  if (routing !== "native") return { routingMode: "tunnel", tunnelProtocol: routing };
  // Nodes of one rack share a wire and route to each other; the rest, and every cloud, goes through a router that knows the blocks.
  const direct = site.platform === "on-prem" || site.platform === "existing";
  return {
    routingMode: "native",
    ipv4NativeRoutingCIDR: nativeRoutingCidr,
    autoDirectNodeRoutes: direct,
    directRoutingSkipUnreachable: direct,
  };
}
