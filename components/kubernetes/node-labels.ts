import { rackLabel } from "../cilium/labels.ts";
import type { NodeSiteSpec } from "../config/schema.ts";
import type { Slot } from "../network/plan.ts";

/**
 * The address that a node's serving certificate may name. Only an administrator can set labels of this prefix, so a node cannot talk itself
 * into another's certificate (kubernetes.io/docs/reference/access-authn-authz/admission-controllers, NodeRestriction).
 */
export const addressLabel = "node-restriction.kubernetes.io/address";

/** Labels of the slot's node; the stack file's win over all of ours but the address. */
export function nodeLabels(site: NodeSiteSpec, { address, pool, role, zone, labels }: Slot): Record<string, string> {
  return {
    "gyeongbu.io/pool": pool,
    ...(role === "worker" ? { "node-role.kubernetes.io/worker": "" } : {}),
    ...placeLabels(site, zone),
    ...labels,
    [addressLabel]: address,
  };
}

/** Region and zone as cloud controllers would set them; there is none here. A rack is on-prem's zone. */
function placeLabels(site: NodeSiteSpec, zone: string): Record<string, string> {
  switch (site.platform) {
    case "aws":
      return { "topology.kubernetes.io/region": site.region, "topology.kubernetes.io/zone": `${site.region}${zone}` };
    case "azure":
      // Korea South has no zones; all its nodes count as one.
      return {
        "topology.kubernetes.io/region": site.location,
        "topology.kubernetes.io/zone": `${site.location}${zone}`,
      };
    case "on-prem":
      return {
        "topology.kubernetes.io/region": site.name,
        "topology.kubernetes.io/zone": zone,
        [rackLabel]: zone,
      };
  }
}
