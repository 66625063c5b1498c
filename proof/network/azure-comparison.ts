import type { AzureSiteSpec, InterconnectSpec, SiteSpec } from "../../components/config/schema.ts";
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
import { outsideAddresses, wantedGateway } from "./azure-gateway-comparison.ts";
import { azureNetwork, publicAddress, reference } from "./azure-wanted.ts";
import { recordedLines, type Wanted, wantedLines } from "./comparison-lines.ts";
import type { Comparison, StackResource } from "./model.ts";

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
    return type.startsWith(azureNetwork) || type === "azure-native:resources:ResourceGroup" ? [resource] : [];
  });
  return recordedLines(own, resources);
}

function wantedSite(site: AzureSiteSpec, peers: readonly SiteSpec[]): Wanted[] {
  const { name, location } = site;
  const placed = { resourceGroupName: name, location };
  const own = (noun: string, resource: string, inputs: Wanted["inputs"]): Wanted => ({
    type: `${azureNetwork}${noun}`,
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
            publicIpAddresses: [reference("PublicIPAddress", `${name}-nat`)],
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

function wantedSubnets(site: AzureSiteSpec): Wanted[] {
  const { name } = site;
  const plan = azureSubnets(site);
  const subnet = (subnetName: string, inputs: Wanted["inputs"]): Wanted => ({
    type: `${azureNetwork}Subnet`,
    name: `${name}-${subnetName}`,
    inputs: { resourceGroupName: name, virtualNetworkName: name, subnetName, ...inputs },
  });
  return [
    subnet("GatewaySubnet", { addressPrefix: plan.gateway, routeTable: reference("RouteTable", `${name}-gateway`) }),
    subnet("node", {
      addressPrefix: plan.node,
      defaultOutboundAccess: false,
      routeTable: reference("RouteTable", `${name}-node`),
      ...(site.egress === "nat" ? { natGateway: reference("NatGateway", `${name}-nat`) } : {}),
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
  const part = (kind: string, noun: string) => reference("LoadBalancer", balancer, `/${kind}/${noun}`);
  return {
    loadBalancerName: balancer,
    sku: { name: "Standard" },
    frontendIPConfigurations: doors.map(({ noun, address }) => ({
      name: noun,
      privateIPAddress: address,
      privateIPAllocationMethod: "Static",
      subnet: reference("Subnet", `${site.name}-node`),
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
    type: `${azureNetwork}Route`,
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
      type: `${azureNetwork}NetworkInterface`,
      name: slot.name,
      inputs: {
        ...placed,
        enableIPForwarding: true,
        enableAcceleratedNetworking: accelerated(site, slot),

        networkSecurityGroup: reference("NetworkSecurityGroup", `${site.name}-${slot.role}`),
        ipConfigurations: [
          {
            name: "primary",
            primary: true,
            subnet: reference("Subnet", `${site.name}-node`),
            privateIPAllocationMethod: "Static",
            privateIPAddress: slot.address,
            loadBalancerBackendAddressPools: pooled
              ? [reference("LoadBalancer", `${site.name}-internal`, `/backendAddressPools/${noun}`)]
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
      networkInterfaces: [{ ...reference("NetworkInterface", name), primary: true, deleteOption: "Detach" }],
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
      type: `${azureNetwork}NetworkInterface`,
      name,
      inputs: {
        ...placed,
        networkSecurityGroup: reference("NetworkSecurityGroup", name),
        ipConfigurations: [
          {
            name: "primary",
            primary: true,
            subnet: reference("Subnet", name),
            privateIPAllocationMethod: "Static",
            privateIPAddress: address,
            publicIPAddress: reference("PublicIPAddress", name),
          },
        ],
      },
    },
    machine(name),
  ];
}
