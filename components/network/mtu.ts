import type { SiteSpec } from "../config/schema.ts";

/**
 * Bytes that a packet through an IPsec tunnel between Azure and AWS may have before it is wrapped
 * (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-about-vpn-devices); AWS alone would take 1446 with AES-GCM
 * (docs.aws.amazon.com/vpn/latest/s2svpn, cgw-best-practice).
 */
export const vpnMtu = 1400;

/** Bytes that Azure's virtual networks carry by default (learn.microsoft.com/azure/virtual-network/how-to-virtual-machine-mtu). */
export const azureMtu = 1500;

/** What the packets of pods are wrapped in, in bytes over IPv4 (cilium `pkg/mtu`). */
const overhead = { native: 0, vxlan: 50, geneve: 50, none: 0, ipsec: 77, wireguard: 80 } as const;

/** Bytes left for pods' packets of a device that carries `mtu`. */
export function podMtu({
  routing,
  encryption,
  mtu,
}: Pick<SiteSpec["cilium"], "routing" | "encryption" | "mtu">): number {
  return mtu - overhead[routing] - overhead[encryption];
}
