import { beforeEach, describe, expect, it } from "vitest";
import { azurePassages } from "../../rehearsal/azure-native/path.ts";
import type { Packet } from "../../rehearsal/packet.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { type AzureCloud, arm, azureSite, machineInputs, nicInputs, nodeSubnet } from "./azure-cloud.ts";

const group = arm("network", "networkSecurityGroups/nodes");
const balancer = arm("network", "loadBalancers/api");
const [a, b] = ["10.20.0.20", "10.20.0.21"] as const;
const tcp = (packet: Partial<Packet> = {}): Packet => ({ from: a, to: b, protocol: "tcp", port: 10_250, ...packet });

const rule = (name: string, priority: number, more: Properties = {}): Properties => ({
  name,
  priority,
  access: "Allow",
  direction: "Inbound",
  protocol: "Tcp",
  sourceAddressPrefix: "10.20.0.0/20",
  sourcePortRange: "*",
  destinationAddressPrefix: "*",
  destinationPortRange: "10250",
  ...more,
});

let cloud: AzureCloud;
beforeEach(async () => {
  cloud = await azureSite();
  await cloud.create("network:NetworkSecurityGroup", "nodes", { networkSecurityGroupName: "nodes" });
  await cloud.create("network:RouteTable", "node", { routeTableName: "node" });
  await cloud.update("network:Subnet", "node", nodeSubnet, {
    routeTable: { id: arm("network", "routeTables/node") },
    defaultOutboundAccess: false,
  });
  await cloud.create("compute:AvailabilitySet", "set", { availabilitySetName: "set", sku: { name: "Aligned" } });
  await cloud.create("network:LoadBalancer", "api", {
    loadBalancerName: "api",
    sku: { name: "Standard" },
    frontendIPConfigurations: [
      { name: "api", subnet: { id: nodeSubnet }, privateIPAllocationMethod: "Static", privateIPAddress: "10.20.0.8" },
    ],
    backendAddressPools: [{ name: "api" }],
    probes: [{ name: "api", protocol: "Tcp", port: 6443 }],
    loadBalancingRules: [
      {
        name: "api",
        protocol: "Tcp",
        frontendPort: 8443,
        backendPort: 6443,
        frontendIPConfiguration: { id: `${balancer}/frontendIPConfigurations/api` },
        backendAddressPool: { id: `${balancer}/backendAddressPools/api` },
        probe: { id: `${balancer}/probes/api` },
      },
    ],
  });
  const pool = { loadBalancerBackendAddressPools: [{ id: `${balancer}/backendAddressPools/api` }] };
  for (const [name, address, more] of [
    ["a", a, {}],
    ["b", b, pool],
  ] as const) {
    const nic = nicInputs(name, address, more);
    await cloud.create("network:NetworkInterface", name, { ...nic, networkSecurityGroup: { id: group } });
    await cloud.create("compute:VirtualMachine", name, machineInputs(name));
  }
});

/** How a packet fares: `arrived`, `internet`, or what stops it. */
const fate = (packet: Packet): string => {
  const passage = azurePassages(cloud.world)(packet);
  return passage.end === "stopped" ? passage.by : passage.end;
};
const allow = (name: string, priority: number, more?: Properties) => {
  const { name: securityRuleName = "", ...rest } = rule(name, priority, more);
  return cloud.create("network:SecurityRule", name, { networkSecurityGroupName: "nodes", securityRuleName, ...rest });
};
const route = (name: string, addressPrefix: string, nextHopIpAddress: string) =>
  cloud.create("network:Route", name, {
    routeTableName: "node",
    routeName: name,
    addressPrefix,
    nextHopType: "VirtualAppliance",
    nextHopIpAddress,
  });

describe("a security group", () => {
  it("lets the network through by default, and nobody else", () => {
    expect(fate(tcp())).toBe("arrived");
    expect(fate(tcp({ source: "10.99.0.1" }))).toContain("nodes (DenyAllOutBound) of a denies tcp 10250");
  });
  it("asks its rules by priority", async () => {
    await allow("shut", 200, { access: "Deny", destinationPortRange: "*" });
    expect(fate(tcp())).toBe("network security group nodes (shut) of b denies tcp 10250 from 10.20.0.20 to 10.20.0.21");
    await allow("kubelet", 100);
    expect(fate(tcp())).toBe("arrived");
    expect(fate(tcp({ port: 10_251 }))).toContain("(shut)");
    expect(fate(tcp({ protocol: "udp" }))).toBe("arrived");
  });
  it("lets answers through", async () => {
    await allow("shut", 200, { access: "Deny", protocol: "*", destinationPortRange: "*" });
    expect(fate(tcp({ reply: true }))).toBe("arrived");
  });
});

describe("a route", () => {
  const toPod = tcp({ to: "10.129.1.7" });
  it("to pods leads through a machine that forwards", async () => {
    expect(fate(toPod)).toContain(
      "route table node of subnet node has no route for 10.129.1.7, and nothing in the network has that address",
    );
    await route("b", "10.129.1.0/24", b);
    expect(fate(toPod)).toBe("arrived");
    await cloud.update("network:NetworkInterface", "b", arm("network", "networkInterfaces/b"), {
      enableIPForwarding: false,
    });
    expect(fate(toPod)).toBe("network interface b drops packets for 10.129.1.7: enableIPForwarding is off");
  });
  it("to nobody is named", async () => {
    await route("gone", "10.129.1.0/24", "10.20.0.99");
    expect(fate(toPod)).toContain("route gone of table node leads to 10.20.0.99, which no network interface has");
  });
  it("of a longer prefix wins", async () => {
    await route("wide", "10.129.0.0/16", "10.20.0.99");
    await route("b", "10.129.1.0/24", b);
    expect(fate(toPod)).toBe("arrived");
  });
  it("out of the network needs NAT", () => {
    expect(fate(tcp({ to: "203.0.113.1" }))).toContain("subnet node has no way out: no NAT gateway");
  });
});

describe("a load balancer", () => {
  const call = tcp({ to: "10.20.0.8", port: 8443 });
  it("passes a call on, with the client's address", async () => {
    expect(fate(call)).toBe("arrived");
    expect(fate({ ...call, port: 443 })).toContain("nothing in the network has that address");
    await allow("shut", 200, { access: "Deny", destinationPortRange: "6443" });
    expect(fate(call)).toContain("(shut) of b denies tcp 6443 from 10.20.0.20");
  });
  it("needs its probe to come through", async () => {
    await allow("probe", 200, { access: "Deny", destinationPortRange: "*", sourceAddressPrefix: "AzureLoadBalancer" });
    expect(fate(call)).toContain("(probe) of b denies tcp 6443 from 168.63.129.16");
  });
  it("does not lead a machine to itself", () => {
    expect(fate({ ...call, from: b })).toBe("b is behind 10.20.0.8 itself and cannot reach itself by it");
  });
});
