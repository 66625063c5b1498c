import type { InterconnectSpec } from "../config/schema.ts";
import { host, type Ipv4 } from "../network/cidr.ts";

/** One of the four IPsec tunnels between the Transit Gateway and Azure's two gateway instances. */
export interface Tunnel {
  /** 0 to 3; also the index of its pre-shared key. */
  readonly index: number;
  /** Azure's gateway instance, which has its own public address and is one VPN connection on AWS. */
  readonly instance: 0 | 1;
  /** The tunnel's number within that VPN connection. */
  readonly tunnel: 1 | 2;
  /** /30 inside the tunnel. */
  readonly inside: string;
  /** BGP speaker on AWS: the first host of the /30. */
  readonly awsAddress: Ipv4;
  /** BGP speaker on Azure: the second. */
  readonly azureAddress: Ipv4;
  /**
   * What Azure's connection must be told, one address per gateway instance: this tunnel's own, and for the other instance, which does not
   * use it, one of that instance's. With either missing Azure takes the first address of its list everywhere
   * (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-howto-aws-bgp).
   */
  readonly customBgpAddresses: readonly [instance0: Ipv4, instance1: Ipv4];
}

/** The four tunnels, instance by instance. */
export function planTunnels({ tunnels }: Pick<InterconnectSpec, "tunnels">): Tunnel[] {
  const blocks = [tunnels.instance0, tunnels.instance1] as const;
  const azureAddress = (instance: 0 | 1, tunnel: 1 | 2) => host(blocks[instance][tunnel === 1 ? 0 : 1], 2);
  return ([0, 1] as const).flatMap((instance) =>
    ([1, 2] as const).map((tunnel) => {
      const inside = blocks[instance][tunnel === 1 ? 0 : 1];
      const own = azureAddress(instance, tunnel);
      return {
        index: instance * 2 + tunnel - 1,
        instance,
        tunnel,
        inside,
        awsAddress: host(inside, 1),
        azureAddress: own,
        customBgpAddresses: [
          instance === 0 ? own : azureAddress(0, 1),
          instance === 1 ? own : azureAddress(1, 1),
        ] as const,
      };
    }),
  );
}

/** Both BGP addresses of an Azure gateway instance. */
export function bgpAddresses(tunnels: readonly Tunnel[], instance: 0 | 1): Ipv4[] {
  return tunnels.filter((tunnel) => tunnel.instance === instance).map(({ azureAddress }) => azureAddress);
}

/**
 * What both ends propose, and nothing weaker: AES-256-GCM, elliptic curve group 20 (NIST P-384), SHA-384 as the pseudo-random function.
 * GCM also carries the most: 1.25 Gbit/s per tunnel on a VpnGw2AZ against 0.55 with AES-CBC (learn.microsoft.com, gateway performance).
 */
export const awsProposal = {
  ikeVersions: ["ikev2"],
  encryption: ["AES256-GCM-16"],
  integrity: ["SHA2-384"],
  dhGroups: [20],
  /** Seconds; the most that AWS takes, and for phase 1 what Azure has fixed. */
  phase1Seconds: 28_800,
  phase2Seconds: 3600,
};

/** The same for Azure. IPsec's integrity must repeat its GCM; volume in KiB is Azure's default. */
export const azureProposal = {
  ikeEncryption: "GCMAES256",
  ikeIntegrity: "SHA384",
  dhGroup: "ECP384",
  ipsecEncryption: "GCMAES256",
  ipsecIntegrity: "GCMAES256",
  pfsGroup: "ECP384",
  saLifeTimeSeconds: awsProposal.phase2Seconds,
  saDataSizeKilobytes: 102_400_000,
};
