import type { Properties } from "../../rehearsal/stand-in.ts";
import { type AzureCloud, arm, azureSite, nicInputs, nodeSubnet } from "./azure-cloud.ts";

export type Act = (cloud: AzureCloud) => Promise<unknown>;

export const nothing: Act = async () => {};
export const subnet =
  (name: string, addressPrefix: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:Subnet", name, { virtualNetworkName: "net", addressPrefix, ...more });
export const table =
  (name: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:RouteTable", name, { routeTableName: name, ...more });
export const route =
  (name: string, addressPrefix: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:Route", name, {
      routeTableName: "table",
      addressPrefix,
      nextHopType: "VirtualAppliance",
      nextHopIpAddress: "10.20.0.4",
      ...more,
    });
export const group: Act = (cloud) =>
  cloud.create("network:NetworkSecurityGroup", "nsg", { networkSecurityGroupName: "nsg" });
/** A rule as an entry of a group's own list. */
export const inlineRule = {
  priority: 100,
  direction: "Inbound",
  access: "Allow",
  protocol: "Tcp",
  sourceAddressPrefix: "10.20.0.0/16",
  sourcePortRange: "*",
  destinationAddressPrefix: "*",
  destinationPortRange: "6443",
};
export const ruleInputs = { networkSecurityGroupName: "nsg", ...inlineRule };
export const rule =
  (name: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:SecurityRule", name, { ...ruleInputs, ...more });
export const nic =
  (name: string, address: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:NetworkInterface", name, nicInputs(name, address, more));
export const publicIp =
  (name: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:PublicIPAddress", name, {
      publicIpAddressName: name,
      sku: { name: "Standard" },
      publicIPAllocationMethod: "Static",
      ...more,
    });
export const nat =
  (name: string, more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:NatGateway", name, { natGatewayName: name, sku: { name: "Standard" }, ...more });
export const steps =
  (...acts: Act[]): Act =>
  async (cloud) => {
    for (const act of acts) await act(cloud);
  };
export const drop =
  (resource: string, id: string): Act =>
  (cloud) =>
    cloud.remove(resource, "dropped", id);

export const lb = arm("network", "loadBalancers/api");
export const balancerInputs = {
  loadBalancerName: "api",
  sku: { name: "Standard" },
  frontendIPConfigurations: [
    { name: "front", subnet: { id: nodeSubnet }, privateIPAllocationMethod: "Static", privateIPAddress: "10.20.0.200" },
  ],
  backendAddressPools: [{ name: "pool" }],
  probes: [{ name: "probe", protocol: "Tcp", port: 6443, intervalInSeconds: 5 }],
  loadBalancingRules: [
    {
      name: "api",
      protocol: "Tcp",
      frontendPort: 443,
      backendPort: 6443,
      frontendIPConfiguration: { id: `${lb}/frontendIPConfigurations/front` },
      backendAddressPool: { id: `${lb}/backendAddressPools/pool` },
      probe: { id: `${lb}/probes/probe` },
    },
  ],
};
export const [ruleOfBalancer] = balancerInputs.loadBalancingRules;
export const balancer =
  (more: Properties = {}): Act =>
  (cloud) =>
    cloud.create("network:LoadBalancer", "api", { ...balancerInputs, ...more });
export const inPool = { loadBalancerBackendAddressPools: [{ id: `${lb}/backendAddressPools/pool` }] };

/** The world's own objects: through the stand-in a thousand take a second. */
export const manyRules: Act = async ({ world }) => {
  for (let n = 0; n < 1000; n += 1) {
    const id = arm("network", `networkSecurityGroups/nsg/securityRules/r${n}`);
    const type = "azure-native:network:SecurityRule";
    world.put({ provider: "azure-native", type, id, urn: "", place: "koreasouth", properties: { priority: n + 200 } });
  }
};
export const otherSubnet = arm("network", "virtualNetworks/other/subnets/node");
export const otherNetwork: Act = (cloud) =>
  cloud.create("network:VirtualNetwork", "other", {
    virtualNetworkName: "other",
    addressSpace: { addressPrefixes: ["10.99.0.0/16"] },
    subnets: [{ name: "node", addressPrefix: "10.99.0.0/24" }],
  });

/** What `act` answers at a fresh site after `prepare`: the refusal, or `accepted`. */
export async function refusal(prepare: Act, act: Act): Promise<string> {
  const cloud = await azureSite();
  await prepare(cloud);
  return act(cloud).then(
    () => "accepted",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
