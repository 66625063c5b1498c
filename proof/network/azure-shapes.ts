import { z } from "zod";
import { Cidr, Ipv4 } from "../../components/network/cidr.ts";

/**
 * What the proof reads of Azure's resources. Objects are strict: an input that is not listed might change where packets go, so a resource
 * that has one is not understood. A literal is the one value with which the resource comes up and does what the proof takes it to do.
 */
const Reference = z.strictObject({ id: z.string() });
/** For people, or without effect on packets. */
const ignored = z.unknown().optional();
const placed = { resourceGroupName: z.string(), location: z.string(), tags: ignored };
const Standard = z.strictObject({ name: z.literal("Standard") });

/** A secret's envelope holds the text in `value`. */
const Secret = z.union([z.string(), z.object({ value: z.string() }).transform(({ value }) => value)]);

export const ResourceGroup = z.strictObject({ location: z.string(), tags: ignored });

export const VirtualNetwork = z.strictObject({
  ...placed,
  addressSpace: z.strictObject({ addressPrefixes: z.array(Cidr).min(1) }),
  enableDdosProtection: ignored,
  enableVmProtection: ignored,
});

export const Subnet = z.strictObject({
  resourceGroupName: z.string(),
  virtualNetworkName: z.string(),
  subnetName: z.string(),
  addressPrefix: Cidr,
  routeTable: Reference.optional(),
  natGateway: Reference.optional(),
  networkSecurityGroup: Reference.optional(),
  defaultOutboundAccess: z.boolean().optional(),
  // Nothing here has a private endpoint or a private link service.
  privateEndpointNetworkPolicies: ignored,
  privateLinkServiceNetworkPolicies: ignored,
});

export const RouteTable = z.strictObject({ ...placed, disableBgpRoutePropagation: z.boolean().default(false) });

export const Route = z.strictObject({
  resourceGroupName: z.string(),
  routeTableName: z.string(),
  routeName: z.string().optional(),
  addressPrefix: Cidr,
  nextHopType: z.enum(["VirtualAppliance", "VirtualNetworkGateway", "VnetLocal", "Internet", "None"]),
  nextHopIpAddress: Ipv4.optional(),
});

export const PublicIpAddress = z.strictObject({
  ...placed,
  sku: Standard,
  publicIPAllocationMethod: z.literal("Static"),
});

export const NatGateway = z.strictObject({ ...placed, sku: Standard, publicIpAddresses: z.array(Reference).min(1) });

const Text = z.string();
/** One rule of a network security group; prefixes and ports come one by one, or as lists. */
const ruleFields = {
  priority: z.int().min(100).max(4096),
  direction: z.enum(["Inbound", "Outbound"]),
  access: z.enum(["Allow", "Deny"]),
  protocol: z.enum(["Tcp", "Udp", "Icmp", "Esp", "*"]),
  sourcePortRange: Text.optional(),
  sourcePortRanges: z.array(Text).default([]),
  destinationPortRange: Text.optional(),
  destinationPortRanges: z.array(Text).default([]),
  sourceAddressPrefix: Text.optional(),
  sourceAddressPrefixes: z.array(Text).default([]),
  destinationAddressPrefix: Text.optional(),
  destinationAddressPrefixes: z.array(Text).default([]),
  description: ignored,
};
const InlineRule = z.strictObject({ name: z.string(), ...ruleFields });
export type SecurityRule = z.infer<typeof InlineRule>;

export const NetworkSecurityGroup = z.strictObject({ ...placed, securityRules: z.array(InlineRule).default([]) });

/** A rule that is a resource of its own. */
export const StandaloneRule = z.strictObject({
  resourceGroupName: z.string(),
  networkSecurityGroupName: z.string(),
  securityRuleName: z.string().optional(),
  ...ruleFields,
});

export const NetworkInterface = z.strictObject({
  ...placed,
  enableIPForwarding: z.boolean().default(false),
  enableAcceleratedNetworking: ignored,
  networkSecurityGroup: Reference.optional(),
  ipConfigurations: z.tuple([
    z.strictObject({
      name: z.string(),
      primary: z.literal(true),
      subnet: Reference,
      privateIPAllocationMethod: z.literal("Static"),
      privateIPAddress: Ipv4,
      publicIPAddress: Reference.optional(),
      loadBalancerBackendAddressPools: z.array(Reference).default([]),
    }),
  ]),
});

/** Of a machine only what joins it to a network. A slot's interface outlives it, hence `Detach`. */
export const VirtualMachine = z.object({
  resourceGroupName: z.string(),
  location: z.string(),
  networkProfile: z.strictObject({
    networkInterfaces: z.tuple([
      z.strictObject({ id: z.string(), primary: z.literal(true), deleteOption: z.literal("Detach") }),
    ]),
  }),
});

export const LoadBalancer = z.strictObject({
  ...placed,
  loadBalancerName: z.string().optional(),
  sku: Standard,
  frontendIPConfigurations: z.array(
    z.strictObject({
      name: z.string(),
      privateIPAddress: Ipv4,
      privateIPAllocationMethod: z.literal("Static"),
      subnet: Reference,
    }),
  ),
  backendAddressPools: z.array(z.strictObject({ name: z.string() })),
  // How fast a dead machine is left out is no matter of packets.
  probes: z.array(
    z.strictObject({
      name: z.string(),
      protocol: z.literal("Tcp"),
      port: z.int().min(1).max(65_535),
      intervalInSeconds: z.int().min(5),
      probeThreshold: z.int().min(1),
    }),
  ),
  loadBalancingRules: z.array(
    z.strictObject({
      name: z.string(),
      protocol: z.enum(["Tcp", "Udp"]),
      frontendPort: z.int().min(1).max(65_534),
      backendPort: z.int().min(1).max(65_534),
      frontendIPConfiguration: Reference,
      backendAddressPool: Reference,
      probe: Reference,
      // Otherwise machines would be sent packets for the balancer's address, which they do not have.
      enableFloatingIP: z.literal(false),
      idleTimeoutInMinutes: z.int().min(4).max(30),
      enableTcpReset: z.boolean(),
      disableOutboundSnat: z.boolean(),
    }),
  ),
});

/** The sizes that can still be created (learn.microsoft.com/azure/vpn-gateway/gateway-sku-consolidation). */
const GatewaySize = z.enum(["VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ"]);

export const VirtualNetworkGateway = z.strictObject({
  ...placed,
  virtualNetworkGatewayName: z.string().optional(),
  gatewayType: z.literal("Vpn"),
  vpnType: z.literal("RouteBased"),
  vpnGatewayGeneration: z.enum(["Generation1", "Generation2"]),
  sku: z.strictObject({ name: GatewaySize, tier: GatewaySize }),
  // One machine alone takes a single APIPA address and could not hold two tunnels to each end.
  activeActive: z.literal(true),
  enableBgp: z.literal(true),
  ipConfigurations: z.array(
    z.strictObject({
      name: z.string(),
      privateIPAllocationMethod: z.literal("Dynamic"),
      publicIPAddress: Reference,
      subnet: Reference,
    }),
  ),
  bgpSettings: z.strictObject({
    asn: z.int(),
    bgpPeeringAddresses: z.array(
      z.strictObject({ ipconfigurationId: z.string(), customBgpIpAddresses: z.array(Ipv4) }),
    ),
  }),
});

export const LocalNetworkGateway = z.strictObject({
  ...placed,
  gatewayIpAddress: Ipv4,
  // Prefixes here would be static routes into the tunnel, whatever BGP says.
  localNetworkAddressSpace: z
    .strictObject({
      addressPrefixes: z
        .array(z.unknown())
        .max(0, "static routes into the tunnel; leave it empty, BGP says what is there"),
    })
    .optional(),
  bgpSettings: z.strictObject({ asn: z.int(), bgpPeeringAddress: Ipv4 }),
});

const Ipsec = z.strictObject({
  ikeEncryption: z.string(),
  ikeIntegrity: z.string(),
  dhGroup: z.string(),
  ipsecEncryption: z.string(),
  ipsecIntegrity: z.string(),
  pfsGroup: z.string(),
  saLifeTimeSeconds: z.int().min(300).max(172_799),
  saDataSizeKilobytes: z.int().min(1024).max(2_147_483_647),
});
export type Ipsec = z.infer<typeof Ipsec>;

export const Connection = z.strictObject({
  ...placed,
  connectionType: z.literal("IPsec"),
  connectionProtocol: z.enum(["IKEv1", "IKEv2"]),
  connectionMode: z.literal("Default"),
  virtualNetworkGateway1: Reference,
  localNetworkGateway2: Reference,
  sharedKey: Secret,
  enableBgp: z.literal(true),
  gatewayCustomBgpIpAddresses: z.array(z.strictObject({ customBgpIpAddress: Ipv4, ipConfigurationId: z.string() })),
  ipsecPolicies: z.tuple([Ipsec]),
  usePolicyBasedTrafficSelectors: z.literal(false),
  dpdTimeoutSeconds: z.int().min(9).max(3600),
});
