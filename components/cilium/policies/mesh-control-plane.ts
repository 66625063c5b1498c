import type { SiteSpec } from "../../config/schema.ts";
import { single } from "../../network/cidr.ts";
import { meshEndpoint, nodeCidrs } from "../../network/plan.ts";
import { allow } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { azurePlatform } from "./platform-addresses.ts";
import { pods, toPorts } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { systemPodPorts, systemPods } from "./system-pods.ts";

/**
 * clustermesh-apiserver: agents of this cluster and of its peers read its etcd, kvstoremesh beside it reads the peers'. Peers' nodes are
 * addresses of the world until the mesh has told this cluster who they are, and nodes ever after.
 */
export function meshControlPlane({ peers, site }: PolicySite): PolicyObject[] {
  if (!site.mesh) return [];
  const etcd = toPorts(systemPodPorts.mesh);
  const remote = peers.flatMap((peer) => meshEndpoint(peer)?.addresses ?? []).map(single);
  // Somebody else's cluster may answer on a node's own address.
  const onNodes = peers.some(({ platform }) => platform === "existing");
  return [
    allow("clustermesh-apiserver", {
      endpointSelector: pods(systemPods.meshApiserver),
      ingress: [
        { fromEntities: ["host", "remote-node"], toPorts: etcd },
        { fromCIDR: [...new Set([...peers.flatMap(nodeCidrs), ...balancers(site)])].toSorted(), toPorts: etcd },
      ],
      egress: [
        ...(remote.length > 0 ? [{ toCIDR: remote, toPorts: etcd }] : []),
        ...(onNodes ? [{ toEntities: ["remote-node"], toPorts: etcd }] : []),
      ],
    }),
  ];
}

/** AWS's network load balancer speaks for its clients; Azure's for itself only, when it probes. */
function balancers(site: SiteSpec): string[] {
  if (site.platform === "aws") return (meshEndpoint(site)?.addresses ?? []).map(single);
  return site.platform === "azure" ? [azurePlatform] : [];
}
