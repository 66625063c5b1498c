import { ciliumKinds } from "../../components/cilium/crd-schemas.ts";
import { minorOf, type Placed } from "./objects.ts";

/** A kind or version that Cilium once had. */
interface Past {
  readonly kind: string;
  readonly version: string;
  /** First minor that no longer serves it. */
  readonly gone: number;
  /** First minor that warns about it. */
  readonly deprecated: number;
  readonly instead: string;
}

const bgpInstead =
  "CiliumBGPClusterConfig, CiliumBGPPeerConfig and CiliumBGPAdvertisement (cilium.io/v2), which hold its instances, sessions and prefixes";

/**
 * Compared: the definitions of v1.18.11, v1.19.5 and 1.20.2 (cilium `pkg/k8s/apis/cilium.io/client/crds`), and for what left earlier the
 * upgrade notes (`Documentation/operations/upgrade.rst`).
 */
const past: readonly Past[] = [
  { kind: "CiliumBGPPeeringPolicy", version: "v2alpha1", deprecated: 18, gone: 19, instead: bgpInstead },
  { kind: "CiliumNodeConfig", version: "v2alpha1", deprecated: 16, gone: 20, instead: "cilium.io/v2" },
  { kind: "CiliumCIDRGroup", version: "v2alpha1", deprecated: 18, gone: 99, instead: "cilium.io/v2" },
  { kind: "CiliumLoadBalancerIPPool", version: "v2alpha1", deprecated: 19, gone: 99, instead: "cilium.io/v2" },
  ...[
    "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig",
    "CiliumBGPAdvertisement",
    "CiliumBGPNodeConfig",
    "CiliumBGPNodeConfigOverride",
  ].map((kind) => ({ kind, version: "v2alpha1", deprecated: 18, gone: 99, instead: "cilium.io/v2" })),
  {
    kind: "CiliumExternalWorkload",
    version: "v2",
    deprecated: 17,
    gone: 18,
    instead: "nothing: workloads outside of the cluster are no longer joined",
  },
  {
    kind: "CiliumEgressNATPolicy",
    version: "v2alpha1",
    deprecated: 12,
    gone: 13,
    instead: "CiliumEgressGatewayPolicy (cilium.io/v2)",
  },
];

/** What is known of an object's kind and version that Cilium once had, or still has but will drop. */
export function pastOf({ kind, version }: Placed): Past | undefined {
  return past.find((entry) => entry.kind === kind && entry.version === version);
}

/** Whether this Cilium's operator registers the object's kind in its version. */
export function served(cilium: string, placed: Placed): boolean {
  const known = pastOf(placed);
  return known === undefined ? described(cilium, placed) : minorOf(cilium) < known.gone;
}

/** Whether its schema is at hand; that of CiliumBGPPeeringPolicy, which went before, is not. */
export function described(cilium: string, { kind, version }: Placed): boolean {
  return ciliumKinds(cilium).some((entry) => entry.kind === kind && entry.version === version);
}
