import type { SiteSpec } from "../config/schema.ts";
import { type Endpoint, meshEndpoint } from "../network/plan.ts";
import { ports } from "../network/ports.ts";
import { certificatesByJob } from "./certificates.ts";
import type { HelmValues } from "./helm-values.ts";
import { announceLabel } from "./labels.ts";
import { type CiliumMinor, ciliumMinor } from "./versions.ts";

/** A member of the mesh as all the others see it. */
export interface Member {
  readonly name: string;
  readonly id: number;
  readonly endpoint: Endpoint;
}

/**
 * All members with a mesh address, this site among them, by id. Every member gets the same list; agents skip their own entry
 * (cilium `pkg/clustermesh/common/clustermesh.go`).
 */
export function meshMembers(site: SiteSpec, peers: readonly SiteSpec[]): Member[] {
  return [site, ...peers]
    .flatMap((member) => {
      const endpoint = meshEndpoint(member);
      return endpoint ? [{ name: member.name, id: member.id, endpoint }] : [];
    })
    .toSorted((one, other) => one.id - other.id);
}

/** Who makes the Service in front of clustermesh-apiserver, and of what kind. */
export type MeshService = "chart-node-port" | "chart-load-balancer" | "own-load-balancer";

/**
 * Clouds: a NodePort behind a load balancer of ours with fixed addresses. Elsewhere a Service of type LoadBalancer, which gets its
 * address only after the release: the pool that gives it needs the CRDs that the operator registers. Helm takes such a Service for
 * not ready, so a release that waits must not hold it; where the chart allows, the Service is a resource of its own.
 */
export function meshService(site: SiteSpec): MeshService {
  if (site.platform === "aws" || site.platform === "azure") return "chart-node-port";
  return ciliumMinor(site.cilium.version).ownMeshService ? "own-load-balancer" : "chart-load-balancer";
}

/** Marks the Service's address; LB-IPAM hands out exactly this one. */
export const fixedAddressAnnotation = "lbipam.cilium.io/ips";
/** Services of this class belong to Cilium's BGP and to no other controller. */
export const bgpLoadBalancerClass = "io.cilium/bgp-control-plane";

/** ClusterMesh by values alone; empty outside a mesh. */
export function meshValues(site: SiteSpec, peers: readonly SiteSpec[]): HelmValues {
  const { mesh } = site;
  if (!mesh) return {};
  const version = ciliumMinor(site.cilium.version);
  return {
    clustermesh: {
      useAPIServer: true,
      maxConnectedClusters: mesh.maxConnectedClusters,
      // Explicit: its default turned from false to true with 1.19.
      policyDefaultLocalCluster: mesh.policyDefaultLocalCluster,
      ...(version.cacheTtl ? { cacheTTL: `${mesh.cacheTtlSeconds}s` } : {}),
      config: { enabled: true, clusters: clusters(meshMembers(site, peers), version) },
      apiserver: {
        replicas: mesh.apiserverReplicas,
        service: serviceValues(site),
        tls: { authMode: "cluster", auto: certificatesByJob },
        podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
        // The chart prefers distinct nodes already; this adds zones.
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "topology.kubernetes.io/zone",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: { "k8s-app": "clustermesh-apiserver" } },
          },
        ],
        priorityClassName: "system-cluster-critical",
        metrics: { enabled: true, kvstoremesh: { enabled: true }, etcd: { enabled: true } },
        // The chart's own commented suggestion.
        resources: { requests: { cpu: "100m", memory: "64Mi" } },
        etcd: { resources: { requests: { cpu: "200m", memory: "256Mi" } } },
        kvstoremesh: { resources: { requests: { cpu: "100m", memory: "64Mi" } } },
      },
    },
  };
}

/** With `ips` the chart names the endpoint `<name>.mesh.cilium.io`, which the server's certificate covers, and no DNS is asked. */
function clusters(members: readonly Member[], { clusters: form }: CiliumMinor): HelmValues | HelmValues[] {
  const facts = ({ endpoint }: Member) => ({ port: endpoint.port, ips: [...endpoint.addresses] });
  return form === "list"
    ? members.map((member) => ({ name: member.name, ...facts(member) }))
    : Object.fromEntries(members.map((member) => [member.name, facts(member)]));
}

function serviceValues(site: SiteSpec): HelmValues {
  switch (meshService(site)) {
    case "chart-node-port":
      return { type: "NodePort", nodePort: ports.mesh.backend };
    case "own-load-balancer":
      return { externallyCreated: true };
    case "chart-load-balancer":
      return {
        type: "LoadBalancer",
        labels: { [announceLabel]: "true" },
        annotations: fixedAddress(site),
        ...(site.platform === "on-prem" ? { loadBalancerClass: bgpLoadBalancerClass } : {}),
        // LB-IPAM reads the annotation, other controllers this field.
        ...(site.platform === "existing" && site.meshAddress ? { loadBalancerIP: site.meshAddress } : {}),
      };
  }
}

/** The annotation that fixes the mesh Service's address. */
export function fixedAddress(site: SiteSpec): Record<string, string> {
  const addresses = meshEndpoint(site)?.addresses ?? [];
  return addresses.length > 0 ? { [fixedAddressAnnotation]: addresses.join(",") } : {};
}
