import type { AzureSiteSpec, InterconnectSpec, SiteSpec } from "../../components/config/schema.ts";
import { azureProposal, bgpAddresses, planTunnels, type Tunnel } from "../../components/interconnect/tunnels.ts";
import { azureRules } from "../../components/network/azure-rules.ts";
import { firewallRules } from "../../components/network/firewall.ts";
import {
  apiEndpoint,
  azureSubnets,
  bastionAddress,
  meshEndpoint,
  planSlots,
  type Slot,
} from "../../components/network/plan.ts";
import { ports } from "../../components/network/ports.ts";
import { azureMachines } from "../../components/nodes/machines.ts";
import { plannedAddress } from "../recorded.ts";
import { recordedLines, refer, secret, type Wanted, wantedLines } from "./comparison-lines.ts";
import type { Comparison, StackResource } from "./model.ts";

const network = "azure-native:network:";
const machineType = "azure-native:compute:VirtualMachine";

/** What an Azure site's stack file wants of its network, against what its program would register. */
export function azureComparison(
  stack: string,
  site: AzureSiteSpec,
  peers: readonly SiteSpec[],
  resources: readonly StackResource[],
): Comparison {
  return { stack, planned: wantedLines(wantedSite(site, peers)), found: foundLines(stack, resources) };
}

/** The same of the Azure half of an interconnect. */
export function vpnGatewayComparison(
  stack: string,
  spec: InterconnectSpec,
  azure: AzureSiteSpec,
  resources: readonly StackResource[],
): Comparison {
  return {
    stack,
    planned: wantedLines(wantedGateway(spec, azure, outsideAddresses(stack, resources))),
    found: foundLines(stack, resources),
  };
}

/** All of Azure's network; of machines what joins them to it. */
function foundLines(stack: string, resources: readonly StackResource[]) {
  const own = resources.flatMap((resource): StackResource[] => {
    if (resource.stack !== stack) return [];
    const { type, inputs } = resource;
    if (type === machineType) return [{ ...resource, inputs: { networkProfile: inputs.networkProfile } }];
    return type.startsWith(network) || type === "azure-native:resources:ResourceGroup" ? [resource] : [];
  });
  return recordedLines(own, resources);
}

const idOf = (noun: string, name: string, part = "") => ({ id: refer(noun, name, part) });

function wantedSite(site: AzureSiteSpec, peers: readonly SiteSpec[]): Wanted[] {
  const { name, location } = site;
  const placed = { resourceGroupName: name, location };
  const own = (noun: string, resource: string, inputs: Wanted["inputs"]): Wanted => ({
    type: `${network}${noun}`,
    name: resource,
    inputs: { ...placed, ...inputs },
  });
  const rules = firewallRules(site, peers);
  const groups = [...new Set(rules.map(({ group }) => group))];
  return [
    { type: "azure-native:resources:ResourceGroup", name, inputs: { location } },
    own("VirtualNetwork", name, { addressSpace: { addressPrefixes: [site.network.nodes, site.network.pods] } }),
    ...["node", "gateway"].map((noun) => own("RouteTable", `${name}-${noun}`, { disableBgpRoutePropagation: false })),
    ...(site.egress === "nat"
      ? [
          publicAddress(`${name}-nat`, placed),
          own("NatGateway", `${name}-nat`, {
            sku: { name: "Standard" },
            publicIpAddresses: [idOf("PublicIPAddress", `${name}-nat`)],
          }),
        ]
      : []),
    ...wantedSubnets(site),
    ...groups.map((group) =>
      own("NetworkSecurityGroup", `${name}-${group}`, { securityRules: azureRules(rules, group) }),
    ),
    own("LoadBalancer", `${name}-internal`, wantedBalancer(site)),
    ...planSlots(site).flatMap((slot) => wantedSlot(site, slot)),
    ...wantedBastion(site),
  ];
}

function publicAddress(name: string, placed: Wanted["inputs"]): Wanted {
  const inputs = { ...placed, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" };
  return { type: `${network}PublicIPAddress`, name, inputs };
}

function wantedSubnets(site: AzureSiteSpec): Wanted[] {
  const { name } = site;
  const plan = azureSubnets(site);
  const subnet = (subnetName: string, inputs: Wanted["inputs"]): Wanted => ({
    type: `${network}Subnet`,
    name: `${name}-${subnetName}`,
    inputs: { resourceGroupName: name, virtualNetworkName: name, subnetName, ...inputs },
  });
  return [
    subnet("GatewaySubnet", { addressPrefix: plan.gateway, routeTable: idOf("RouteTable", `${name}-gateway`) }),
    subnet("node", {
      addressPrefix: plan.node,
      defaultOutboundAccess: false,
      routeTable: idOf("RouteTable", `${name}-node`),
      ...(site.egress === "nat" ? { natGateway: idOf("NatGateway", `${name}-nat`) } : {}),
    }),
    ...(site.access.kind === "bastion"
      ? [subnet("bastion", { addressPrefix: plan.bastion, defaultOutboundAccess: false })]
      : []),
  ];
}

/** What a load balancer needs to be known by: the name of each front end, with where it leads. */
function wantedBalancer(site: AzureSiteSpec): Wanted["inputs"] {
  const balancer = `${site.name}-internal`;
  const api = apiEndpoint(site);
  const mesh = meshEndpoint(site);
  const doors = [
    ...api.addresses.map((address) => ({ noun: "api", address, port: api.port, target: ports.api.backend })),
    ...(mesh?.addresses ?? []).map((address) => ({
      noun: "mesh",
      address,
      port: mesh?.port,
      target: ports.mesh.backend,
    })),
  ];
  const part = (kind: string, noun: string) => idOf("LoadBalancer", balancer, `/${kind}/${noun}`);
  return {
    loadBalancerName: balancer,
    sku: { name: "Standard" },
    frontendIPConfigurations: doors.map(({ noun, address }) => ({
      name: noun,
      privateIPAddress: address,
      privateIPAllocationMethod: "Static",
      subnet: idOf("Subnet", `${site.name}-node`),
    })),
    backendAddressPools: doors.map(({ noun }) => ({ name: noun })),
    probes: doors.map(({ noun, target }) => ({
      name: noun,
      protocol: "Tcp",
      port: target,
      intervalInSeconds: 5,
      probeThreshold: 2,
    })),
    loadBalancingRules: doors.map(({ noun, port, target }) => ({
      name: noun,
      protocol: "Tcp",
      frontendPort: port,
      backendPort: target,
      frontendIPConfiguration: part("frontendIPConfigurations", noun),
      backendAddressPool: part("backendAddressPools", noun),
      probe: part("probes", noun),
      enableFloatingIP: false,
      idleTimeoutInMinutes: 30,
      enableTcpReset: true,
      disableOutboundSnat: true,
    })),
  };
}

function wantedSlot(site: AzureSiteSpec, slot: Slot): Wanted[] {
  const placed = { resourceGroupName: site.name, location: site.location };
  const noun = slot.role === "control-plane" ? "api" : "mesh";
  const pooled = noun === "api" || meshEndpoint(site) !== undefined;
  const route = (kind: string): Wanted => ({
    type: `${network}Route`,
    name: `${slot.name}-${kind}`,
    inputs: {
      resourceGroupName: site.name,
      routeTableName: `${site.name}-${kind}`,
      routeName: slot.name,
      addressPrefix: slot.podCidr,
      nextHopType: "VirtualAppliance",
      nextHopIpAddress: slot.address,
    },
  });
  return [
    {
      type: `${network}NetworkInterface`,
      name: slot.name,
      inputs: {
        ...placed,
        enableIPForwarding: true,
        enableAcceleratedNetworking: accelerated(site, slot),

        networkSecurityGroup: idOf("NetworkSecurityGroup", `${site.name}-${slot.role}`),
        ipConfigurations: [
          {
            name: "primary",
            primary: true,
            subnet: idOf("Subnet", `${site.name}-node`),
            privateIPAllocationMethod: "Static",
            privateIPAddress: slot.address,
            loadBalancerBackendAddressPools: pooled
              ? [idOf("LoadBalancer", `${site.name}-internal`, `/backendAddressPools/${noun}`)]
              : [],
          },
        ],
      },
    },
    machine(slot.name),
    route("node"),
    route("gateway"),
  ];
}

/** A size that borrows its processor has no such interface. */
function accelerated({ nodePools }: AzureSiteSpec, slot: Slot): boolean {
  const pool = nodePools.find(({ name }) => name === slot.pool);
  return pool !== undefined && !azureMachines[pool.vmSize].burstable;
}

function machine(name: string): Wanted {
  const inputs = {
    networkProfile: {
      networkInterfaces: [{ ...idOf("NetworkInterface", name), primary: true, deleteOption: "Detach" }],
    },
  };
  return { type: machineType, name, inputs };
}

function wantedBastion(site: AzureSiteSpec): Wanted[] {
  const address = bastionAddress(site);
  if (address === undefined) return [];
  const name = `${site.name}-bastion`;
  const placed = { resourceGroupName: site.name, location: site.location };
  return [
    publicAddress(name, placed),
    {
      type: `${network}NetworkInterface`,
      name,
      inputs: {
        ...placed,
        networkSecurityGroup: idOf("NetworkSecurityGroup", name),
        ipConfigurations: [
          {
            name: "primary",
            primary: true,
            subnet: idOf("Subnet", name),
            privateIPAllocationMethod: "Static",
            privateIPAddress: address,
            publicIPAddress: idOf("PublicIPAddress", name),
          },
        ],
      },
    },
    machine(name),
  ];
}

/** The address at which a tunnel's AWS end is dialled. */
type Outside = (tunnel: Tunnel) => string;

function outsideAddresses(stack: string, resources: readonly StackResource[]): Outside {
  return ({ instance, tunnel }) => {
    const name = `${interconnect}-instance${instance}`;
    const vpn = resources.find(
      (one) => one.stack === stack && one.type === "aws:ec2/vpnConnection:VpnConnection" && one.name === name,
    );
    return vpn ? plannedAddress(vpn.id, `tunnel${tunnel}Address`) : `that of ${name}, which is not there`;
  };
}

/** Logical name of the interconnect's resources. */
const interconnect = "interconnect";
const gatewayName = `${interconnect}-azure`;

function wantedGateway(spec: InterconnectSpec, azure: AzureSiteSpec, outside: Outside): Wanted[] {
  const placed = { resourceGroupName: azure.name, location: azure.location };
  const tunnels = planTunnels(spec);
  const instances = [0, 1] as const;
  const configuration = (instance: 0 | 1) => `/ipConfigurations/instance${instance}`;
  const { gatewaySku } = spec.azure;
  const gateway: Wanted = {
    type: `${network}VirtualNetworkGateway`,
    name: gatewayName,
    inputs: {
      ...placed,
      virtualNetworkGatewayName: gatewayName,
      gatewayType: "Vpn",
      vpnType: "RouteBased",
      sku: { name: gatewaySku, tier: gatewaySku },
      vpnGatewayGeneration: gatewaySku === "VpnGw1AZ" ? "Generation1" : "Generation2",
      activeActive: true,
      enableBgp: true,
      ipConfigurations: instances.map((instance) => ({
        name: `instance${instance}`,
        privateIPAllocationMethod: "Dynamic",
        publicIPAddress: idOf("PublicIPAddress", `${gatewayName}-${instance}`),
        subnet: idOf("Subnet", `${azure.name}-GatewaySubnet`),
      })),
      bgpSettings: {
        asn: spec.azure.asn,
        bgpPeeringAddresses: instances.map((instance) => ({
          ipconfigurationId: refer("VirtualNetworkGateway", gatewayName, configuration(instance)),
          customBgpIpAddresses: bgpAddresses(tunnels, instance),
        })),
      },
    },
  };
  const far = (name: string, tunnel: Tunnel): Wanted => ({
    type: `${network}LocalNetworkGateway`,
    name,
    inputs: {
      ...placed,
      gatewayIpAddress: outside(tunnel),
      localNetworkAddressSpace: { addressPrefixes: [] },
      bgpSettings: { asn: spec.aws.asn, bgpPeeringAddress: tunnel.awsAddress },
    },
  });
  const connection = (name: string, tunnel: Tunnel): Wanted => ({
    type: `${network}VirtualNetworkGatewayConnection`,
    name,
    inputs: {
      ...placed,
      connectionType: "IPsec",
      connectionProtocol: "IKEv2",
      connectionMode: "Default",
      virtualNetworkGateway1: idOf("VirtualNetworkGateway", gatewayName),
      localNetworkGateway2: idOf("LocalNetworkGateway", name),
      sharedKey: secret,
      enableBgp: true,
      gatewayCustomBgpIpAddresses: instances.map((instance) => ({
        customBgpIpAddress: tunnel.customBgpAddresses[instance],
        ipConfigurationId: refer("VirtualNetworkGateway", gatewayName, configuration(instance)),
      })),
      ipsecPolicies: [azureProposal],
      usePolicyBasedTrafficSelectors: false,
      dpdTimeoutSeconds: 45,
    },
  });
  return [
    ...instances.map((instance) => publicAddress(`${gatewayName}-${instance}`, placed)),
    gateway,
    ...tunnels.flatMap((tunnel) => {
      const name = `${interconnect}-instance${tunnel.instance}-tunnel${tunnel.tunnel}`;
      return [far(name, tunnel), connection(name, tunnel)];
    }),
  ];
}
