import type { SiteSpec } from "../config/schema.ts";
import { overlaps } from "../network/cidr.ts";
import type { HelmValues } from "./helm-values.ts";
import { ciliumMinor } from "./versions.ts";

/** Secret in kube-system that IPsec's agents mount; it must exist before the release, since the mount is not optional. */
export const ipsecSecret = { name: "cilium-ipsec-keys", key: "keys" } as const;

/**
 * Pod-to-pod encryption between nodes.
 *
 * Node encryption stays off: under IPsec it does nothing, under WireGuard it is beta and has locked control planes out
 * (cilium issues 28965, 29872).
 */
export function encryptionValues(site: SiteSpec): HelmValues {
  switch (site.cilium.encryption) {
    case "none":
      return { encryption: { enabled: false } };
    case "wireguard":
      return {
        encryption: { enabled: true, type: "wireguard", nodeEncryption: false, strictMode: strictMode(site) },
      };
    case "ipsec":
      return {
        encryption: {
          enabled: true,
          type: "ipsec",
          nodeEncryption: false,
          ipsec: {
            secretName: ipsecSecret.name,
            keyFile: ipsecSecret.key,
            keyWatcher: true,
            // The old key must outlive the walk through all members; the chart's 5 minutes do not last for two `pulumi up`.
            keyRotationDuration: "60m",
          },
        },
      };
  }
}

/**
 * Drops what would leave in clear from a pod of the mesh to another, until the other node's key is known. Only packets with both
 * ends inside `cidr` are touched, so probes, webhooks, NodePorts and the world work on.
 *
 * Ingress strict mode stays off: in native routing it drops NodePort traffic between nodes, on which clustermesh-apiserver stands
 * (cilium issue 47147).
 */
function strictMode({ cilium, network }: SiteSpec): HelmValues {
  const egress = {
    enabled: true,
    cidr: cilium.nativeRoutingCidr,
    // In a tunnel the outer addresses are nodes'; natively only an overlap confuses nodes with pods.
    allowRemoteNodeIdentities: cilium.routing !== "native" || overlaps(cilium.nativeRoutingCidr, network.nodes),
  };
  return ciliumMinor(cilium.version).strictMode === "flat" ? egress : { egress };
}
