import * as compute from "@pulumi/azure-native/compute/index.js";
import * as network from "@pulumi/azure-native/network/index.js";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack, engineLimit, errorOf } from "../support/engine-stack.ts";

const psk = "Sevenfold.Secret_4711";

let rehearsed: EngineStack;
/** What a test changes in the program. */
let change: { priority?: number; route?: string } = {};

/** One node as the project makes it, a gateway that takes 45 minutes, and a connection with a secret key. */
async function program(): Promise<void> {
  const group = new ResourceGroup("busan");
  const placed = { resourceGroupName: group.name };
  const net = new network.VirtualNetwork("net", { ...placed, addressSpace: { addressPrefixes: ["10.20.0.0/16"] } });
  const table = new network.RouteTable("pods", placed);
  const inNet = { resourceGroupName: group.name, virtualNetworkName: net.name };
  const node = new network.Subnet("node", {
    ...inNet,
    addressPrefix: "10.20.0.0/24",
    routeTable: { id: table.id },
    defaultOutboundAccess: false,
  });
  const edge = new network.Subnet("GatewaySubnet", { ...inNet, addressPrefix: "10.20.255.0/27" }, { dependsOn: node });
  const rules = new network.NetworkSecurityGroup("node", {
    ...placed,
    securityRules: [
      {
        name: "api",
        priority: change.priority ?? 100,
        direction: "Inbound",
        access: "Allow",
        protocol: "Tcp",
        sourceAddressPrefix: "10.20.0.0/16",
        sourcePortRange: "*",
        destinationAddressPrefix: "*",
        destinationPortRange: "6443",
      },
    ],
  });
  const nic = new network.NetworkInterface("node", {
    ...placed,
    enableIPForwarding: true,
    networkSecurityGroup: { id: rules.id },
    ipConfigurations: [
      { name: "primary", subnet: { id: node.id }, privateIPAllocationMethod: "Static", privateIPAddress: "10.20.0.16" },
    ],
  });
  new network.Route("slot", {
    resourceGroupName: group.name,
    routeTableName: table.name,
    addressPrefix: change.route ?? "10.129.0.0/24",
    nextHopType: "VirtualAppliance",
    nextHopIpAddress: nic.ipConfigurations.apply((list) => list?.[0]?.privateIPAddress ?? ""),
  });
  const customData = pulumi.secret(Buffer.from("#cloud-config\n").toString("base64"));
  const keyData = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5";
  new compute.VirtualMachine("node", {
    ...placed,
    hardwareProfile: { vmSize: "Standard_D4s_v5" },
    networkProfile: { networkInterfaces: [{ id: nic.id }] },
    osProfile: {
      computerName: "node",
      adminUsername: "ubuntu",
      customData,
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        ssh: { publicKeys: [{ path: "/home/ubuntu/.ssh/authorized_keys", keyData }] },
      },
    },
    storageProfile: {
      imageReference: { publisher: "Canonical", offer: "ubuntu-24_04-lts", sku: "server", version: "24.04.1" },
      osDisk: { createOption: "FromImage", deleteOption: "Delete", managedDisk: { storageAccountType: "Premium_LRS" } },
    },
  });
  const outside = new network.PublicIPAddress("vpn", {
    ...placed,
    sku: { name: "Standard" },
    publicIPAllocationMethod: "Static",
  });
  const gateway = new network.VirtualNetworkGateway("vpn", {
    ...placed,
    gatewayType: "Vpn",
    vpnType: "RouteBased",
    sku: { name: "VpnGw1AZ", tier: "VpnGw1AZ" },
    ipConfigurations: [{ name: "only", subnet: { id: edge.id }, publicIPAddress: { id: outside.id } }],
  });
  const local = new network.LocalNetworkGateway("idc", {
    ...placed,
    gatewayIpAddress: "203.0.113.1",
    localNetworkAddressSpace: { addressPrefixes: ["10.30.0.0/16"] },
  });
  new network.VirtualNetworkGatewayConnection("idc", {
    ...placed,
    connectionType: "IPsec",
    virtualNetworkGateway1: { id: gateway.id },
    localNetworkGateway2: { id: local.id },
    sharedKey: pulumi.secret(psk),
  });
}

beforeAll(async () => {
  rehearsed = await EngineStack.open("azure-native", program);
  await rehearsed.stack.setConfig("azure-native:location", { value: "koreasouth" });
}, engineLimit);
afterAll(() => rehearsed.close());

it("comes up through the engine once, changes in place, and leaves nothing", { timeout: 120_000 }, async () => {
  const first = await rehearsed.stack.up();
  expect(first.summary.resourceChanges).toEqual({ create: 14 });
  expect(rehearsed.inWorld((world) => world.get("host", "10.20.0.16")?.properties.userData)).toBe("#cloud-config\n");
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 14 });
  expect((await rehearsed.stack.refresh()).summary.resourceChanges).toEqual({ same: 14 });

  change = { route: "10.129.1.0/24", priority: 110 };
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 12, update: 2 });
  change = { priority: 5000 };
  expect(await errorOf(rehearsed.stack.up())).toContain(
    "SecurityRuleInvalidPriority: Security rule has invalid Priority",
  );

  expect(rehearsed.filesWith(psk)).toEqual([]);
  change = {};
  await rehearsed.stack.destroy();
  expect(rehearsed.inWorld((world) => world.all())).toEqual([]);
});
