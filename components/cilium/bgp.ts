import type { OnPremSiteSpec } from "../config/schema.ts";
import { contains } from "../network/cidr.ts";
import { announceLabel, rackLabel } from "./labels.ts";

/** Secret in `bgpControlPlane.secretsNamespace`; Cilium reads the key `password` and takes a missing Secret for an empty password. */
export const bgpSecret = { name: "bgp-tor-md5", key: "password" } as const;

interface Resource<Kind extends string, Spec> {
  readonly apiVersion: "cilium.io/v2";
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Spec;
}
interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
export type BgpClusterConfig = Resource<
  "CiliumBGPClusterConfig",
  {
    readonly nodeSelector: Selector;
    readonly bgpInstances: readonly {
      readonly name: string;
      readonly localASN: number;
      readonly peers: readonly {
        readonly name: string;
        readonly peerASN: number;
        /** Without a prefix length. */
        readonly peerAddress: string;
        readonly peerConfigRef: { readonly name: string };
      }[];
    }[];
  }
>;
export type BgpPeerConfig = Resource<
  "CiliumBGPPeerConfig",
  {
    readonly authSecretRef?: string;
    readonly ebgpMultihop: number;
    readonly timers: {
      readonly connectRetryTimeSeconds: number;
      readonly holdTimeSeconds: number;
      readonly keepAliveTimeSeconds: number;
    };
    readonly gracefulRestart: { readonly enabled: true; readonly restartTimeSeconds: number };
    readonly families: readonly { readonly afi: "ipv4"; readonly safi: "unicast"; readonly advertisements: Selector }[];
  }
>;
type Advertised =
  | { readonly advertisementType: "PodCIDR" }
  | {
      readonly advertisementType: "Service";
      readonly service: { readonly addresses: readonly ["LoadBalancerIP"] };
      readonly selector: Selector;
    };
export type BgpAdvertisement = Resource<"CiliumBGPAdvertisement", { readonly advertisements: readonly Advertised[] }>;
export type LoadBalancerPool = Resource<
  "CiliumLoadBalancerIPPool",
  { readonly blocks: readonly { readonly cidr: string }[]; readonly allowFirstLastIPs: "No" }
>;

/** One instance per node, as `bgpInstances` names it. */
const instance = "main";
const peerConfig = "tor";
const advertisementLabel = "gyeongbu.io/bgp";

/**
 * What an IDC's nodes tell their ToRs: each node its pod block, every node the addresses of labelled Services.
 *
 * Cilium installs no route that it learns, so the ToR must be the nodes' default gateway; it has no BFD, so `holdSeconds` is the time
 * to notice a dead ToR (`Documentation/network/bgp-control-plane`).
 */
export function bgpObjects(
  site: OnPremSiteSpec,
): (BgpClusterConfig | BgpPeerConfig | BgpAdvertisement | LoadBalancerPool)[] {
  return [peerConfigOf(site), advertisementOf(site), ...site.racks.map((rack) => rackConfig(site, rack)), poolOf(site)];
}

/** A node has one rack label, so it matches exactly one of these; two would conflict and configure nothing. */
function rackConfig({ bgp }: OnPremSiteSpec, { name, tors }: OnPremSiteSpec["racks"][number]): BgpClusterConfig {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPClusterConfig",
    metadata: { name: `rack-${name}` },
    spec: {
      nodeSelector: { matchLabels: { [rackLabel]: name } },
      bgpInstances: [
        {
          name: instance,
          localASN: bgp.nodeAsn,
          // No localPort: the agent dials out and needs no right to listen on 179.
          peers: tors.map((tor) => ({
            name: tor.name,
            peerASN: bgp.torAsn,
            peerAddress: tor.address,
            peerConfigRef: { name: peerConfig },
          })),
        },
      ],
    },
  };
}

function peerConfigOf({ bgp, name, racks }: OnPremSiteSpec): BgpPeerConfig {
  const adjacent = racks.every(({ subnet, tors }) => tors.every(({ address }) => contains(subnet, address)));
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPPeerConfig",
    metadata: { name: peerConfig },
    spec: {
      ...(bgp.md5 ? { authSecretRef: bgpSecret.name } : {}),
      // 1 is a neighbour on the same wire; a ToR that speaks from its loopback is one hop further.
      ebgpMultihop: adjacent ? 1 : 2,
      timers: {
        connectRetryTimeSeconds: bgp.connectRetrySeconds,
        holdTimeSeconds: bgp.holdSeconds,
        keepAliveTimeSeconds: bgp.keepAliveSeconds,
      },
      gracefulRestart: { enabled: true, restartTimeSeconds: bgp.restartSeconds },
      families: [{ afi: "ipv4", safi: "unicast", advertisements: { matchLabels: { [advertisementLabel]: name } } }],
    },
  };
}

function advertisementOf({ cilium, name }: OnPremSiteSpec): BgpAdvertisement {
  const services: Advertised = {
    advertisementType: "Service",
    service: { addresses: ["LoadBalancerIP"] },
    // Without a selector nothing would be announced (cilium issue 33076).
    selector: { matchLabels: { [announceLabel]: "true" } },
  };
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPAdvertisement",
    // The label that the peers' family asks for; no match means no routes, and no error.
    metadata: { name, labels: { [advertisementLabel]: name } },
    // In a tunnel the fabric never sees a pod's address.
    spec: {
      advertisements: cilium.routing === "native" ? [{ advertisementType: "PodCIDR" }, services] : [services],
    },
  };
}

/** Never shrink it: services whose address falls out get another at once (cilium issues 40358, 41458, 43131). */
function poolOf({ loadBalancers, name }: OnPremSiteSpec): LoadBalancerPool {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name },
    spec: { blocks: [{ cidr: loadBalancers }], allowFirstLastIPs: "No" },
  };
}
