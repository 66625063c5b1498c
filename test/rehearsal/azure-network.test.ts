import { describe, expect, it } from "vitest";
import {
  type Act,
  balancer,
  drop,
  group,
  inlineRule,
  manyRules,
  nat,
  nic,
  nothing,
  publicIp,
  refusal,
  route,
  rule,
  steps,
  subnet,
  table,
} from "./azure-acts.ts";
import { arm, azureSite, gatewaySubnet, nicInputs, nodeSubnet } from "./azure-cloud.ts";

describe("what Azure's network refuses", () => {
  it.each<[rule: string, code: string, act: Act, prepare?: Act]>([
    [
      "an unknown region",
      "LocationNotAvailableForResourceType",
      (cloud) => cloud.create("resources:ResourceGroup", "g", { location: "busan" }),
    ],
    ["an impossible name", "InvalidResourceName", table("a b")],
    ["a second resource of one id", "ResourceExists", table("table"), table("table")],
    ["a block that starts inside", "InvalidCIDRNotation", subnet("a", "10.20.16.1/24")],
    ["a block that is none", "InvalidAddressPrefixFormat", subnet("a", "10.20.16.0")],
    ["a subnet outside the network", "NetcfgSubnetRangeOutsideVnet", subnet("a", "10.21.0.0/24")],
    ["an overlapping subnet", "NetcfgSubnetRangesOverlap", subnet("a", "10.20.15.0/24")],
    ["a tiny subnet", "NetcfgInvalidSubnet", subnet("a", "10.20.16.0/30")],
    [
      "a subnet without a network",
      "ParentResourceNotFound",
      subnet("a", "10.20.16.0/24", { virtualNetworkName: "gone" }),
    ],
    [
      "overlapping address space",
      "InvalidAddressSpace",
      (cloud) =>
        cloud.create("network:VirtualNetwork", "v", {
          addressSpace: { addressPrefixes: ["10.0.0.0/8", "10.20.0.0/16"] },
        }),
    ],
    [
      "shrinking under a subnet",
      "InUsePrefixCannotBeDeleted",
      (cloud) =>
        cloud.update("network:VirtualNetwork", "net", arm("network", "virtualNetworks/net"), {
          addressSpace: { addressPrefixes: ["10.129.0.0/16"] },
        }),
    ],
    [
      "moving a resource to another region",
      "InvalidResourceLocation",
      (cloud) =>
        cloud.update("network:VirtualNetwork", "net", arm("network", "virtualNetworks/net"), {
          location: "koreacentral",
        }),
    ],
    [
      "a group of another region",
      "InvalidResourceReference",
      subnet("a", "10.20.16.0/24", { networkSecurityGroup: { id: arm("network", "networkSecurityGroups/nsg") } }),
      (cloud) =>
        cloud.create("network:NetworkSecurityGroup", "nsg", {
          networkSecurityGroupName: "nsg",
          location: "koreacentral",
        }),
    ],
    [
      "a reference that is no id",
      "LinkedInvalidPropertyId",
      subnet("a", "10.20.16.0/24", { routeTable: { id: "table" } }),
    ],
    [
      "a group on the gateway's subnet",
      "GatewaySubnetAssociationNotSupported",
      (cloud) =>
        cloud.update("network:Subnet", "GatewaySubnet", gatewaySubnet, {
          networkSecurityGroup: { id: arm("network", "networkSecurityGroups/nsg") },
        }),
      group,
    ],
    [
      "a default route on the gateway's subnet",
      "GatewaySubnetRouteNotSupported",
      route("r", "0.0.0.0/0"),
      steps(table("table"), (cloud) =>
        cloud.update("network:Subnet", "GatewaySubnet", gatewaySubnet, {
          routeTable: { id: arm("network", "routeTables/table") },
        }),
      ),
    ],
    [
      "a gateway's table without propagation",
      "GatewaySubnetRouteNotSupported",
      (cloud) =>
        cloud.update("network:Subnet", "GatewaySubnet", gatewaySubnet, {
          routeTable: { id: arm("network", "routeTables/table") },
        }),
      table("table", { disableBgpRoutePropagation: true }),
    ],
    [
      "an appliance without address",
      "InvalidRouteNextHop",
      (cloud) =>
        cloud.create("network:Route", "r", {
          routeTableName: "table",
          addressPrefix: "10.129.0.0/24",
          nextHopType: "VirtualAppliance",
        }),
      table("table"),
    ],
    [
      "an address without appliance",
      "InvalidRouteNextHop",
      route("r", "10.129.0.0/24", { nextHopType: "Internet" }),
      table("table"),
    ],
    [
      "two routes to one block",
      "RouteConflict",
      route("b", "10.129.0.0/24"),
      steps(table("table"), route("a", "10.129.0.0/24")),
    ],
    [
      "400 routes and one",
      "RouteCountLimitReached",
      route("last", "10.140.0.0/24"),
      steps(
        table("table"),
        ...Array.from({ length: 400 }, (_, n) => route(`r${n}`, `10.${128 + Math.floor(n / 256)}.${n % 256}.0/24`)),
      ),
    ],
    [
      "standalone beside inline routes",
      "InlineAndStandaloneResources",
      route("b", "10.129.1.0/24"),
      table("table", { routes: [{ name: "a", addressPrefix: "10.129.0.0/24", nextHopType: "None" }] }),
    ],
    ["a rule's priority", "SecurityRuleInvalidPriority", rule("r", { priority: 99 }), group],
    ["two rules of one priority", "SecurityRuleConflict", rule("b"), steps(group, rule("a"))],
    [
      "a misspelt tag",
      "SecurityRuleInvalidAddressPrefix",
      rule("r", { sourceAddressPrefix: "VirtualNetworks" }),
      group,
    ],
    ["a rule without source", "SecurityRuleInvalidAddressPrefix", rule("r", { sourceAddressPrefix: "" }), group],
    ["a port range upside down", "SecurityRuleInvalidPortRange", rule("r", { destinationPortRange: "90-80" }), group],
    ["a port too high", "SecurityRuleInvalidPortRange", rule("r", { destinationPortRange: "65536" }), group],
    [
      "one prefix and a list",
      "SecurityRuleParameterConflict",
      rule("r", { sourceAddressPrefixes: ["10.0.0.0/8"] }),
      group,
    ],
    ["deleting a used subnet", "InUseSubnetCannotBeDeleted", drop("network:Subnet", nodeSubnet), nic("a", "10.20.0.4")],
    [
      "deleting a used network",
      "InUseSubnetCannotBeDeleted",
      drop("network:VirtualNetwork", arm("network", "virtualNetworks/net")),
      nic("a", "10.20.0.4"),
    ],
    [
      "deleting a used table",
      "InUseRouteTableCannotBeDeleted",
      drop("network:RouteTable", arm("network", "routeTables/table")),
      steps(table("table"), subnet("a", "10.20.16.0/24", { routeTable: { id: arm("network", "routeTables/table") } })),
    ],
    [
      "deleting a used group",
      "InUseNetworkSecurityGroupCannotBeDeleted",
      drop("network:NetworkSecurityGroup", arm("network", "networkSecurityGroups/nsg")),
      steps(
        group,
        subnet("a", "10.20.16.0/24", { networkSecurityGroup: { id: arm("network", "networkSecurityGroups/nsg") } }),
      ),
    ],
    ["1000 rules and one", "SecurityRuleCountLimitReached", rule("last"), steps(group, manyRules)],
    [
      "an inline list beside standalone rules",
      "InlineAndStandaloneResources",
      (cloud) =>
        cloud.update("network:NetworkSecurityGroup", "nsg", arm("network", "networkSecurityGroups/nsg"), {
          securityRules: [{ name: "b", ...inlineRule, priority: 200 }],
        }),
      steps(group, rule("a")),
    ],
    [
      "a group that is not there",
      "InvalidResourceReference",
      (cloud) =>
        cloud.create("network:NetworkInterface", "a", {
          ...nicInputs("a", "10.20.0.4"),
          networkSecurityGroup: { id: arm("network", "networkSecurityGroups/nsg") },
        }),
    ],
    [
      "a route to nowhere",
      "InvalidRequestFormat",
      (cloud) => cloud.create("network:Route", "r", { routeTableName: "table", nextHopType: "None" }),
      table("table"),
    ],
    [
      "a network without address space",
      "InvalidRequestFormat",
      (cloud) => cloud.create("network:VirtualNetwork", "v", {}),
    ],
    [
      "a subnet without range",
      "InvalidRequestFormat",
      (cloud) => cloud.create("network:Subnet", "a", { virtualNetworkName: "net" }),
    ],
    [
      "moving a used subnet",
      "InUseSubnetCannotBeUpdated",
      (cloud) => cloud.update("network:Subnet", "node", nodeSubnet, { addressPrefix: "10.20.0.0/21" }),
      nic("a", "10.20.0.4"),
    ],
    [
      "an association with a table that has a default route",
      "GatewaySubnetRouteNotSupported",
      (cloud) =>
        cloud.update("network:Subnet", "GatewaySubnet", gatewaySubnet, {
          routeTable: { id: arm("network", "routeTables/table") },
        }),
      steps(table("table"), route("r", "0.0.0.0/0")),
    ],
    [
      "taking propagation from the gateway's table",
      "GatewaySubnetRouteNotSupported",
      (cloud) =>
        cloud.update("network:RouteTable", "table", arm("network", "routeTables/table"), {
          disableBgpRoutePropagation: true,
        }),
      steps(table("table"), (cloud) =>
        cloud.update("network:Subnet", "GatewaySubnet", gatewaySubnet, {
          routeTable: { id: arm("network", "routeTables/table") },
        }),
      ),
    ],
    [
      "updating what is gone",
      "ResourceNotFound",
      async (cloud) =>
        cloud
          .kind("network:RouteTable")
          .update(
            arm("network", "routeTables/table"),
            {},
            { resourceGroupName: "busan" },
            cloud.call("network:RouteTable", "table"),
          ),
    ],
  ])("%s", async (_, code, act, prepare = nothing) => {
    expect(await refusal(prepare, act)).toMatch(new RegExp(`^${code}: `));
  });

  it("deletes what nothing uses", async () => {
    const cloud = await azureSite();
    await steps(table("table"), group, publicIp("p"), nat("n"), nic("a", "10.20.0.4"), balancer())(cloud);
    await drop("network:NetworkInterface", arm("network", "networkInterfaces/a"))(cloud);
    for (const path of [
      "loadBalancers/api",
      "natGateways/n",
      "publicIPAddresses/p",
      "networkSecurityGroups/nsg",
      "routeTables/table",
    ])
      await drop(
        cloud.object(arm("network", path))?.type.replace("azure-native:", "") ?? "",
        arm("network", path),
      )(cloud);
    await drop("network:VirtualNetwork", arm("network", "virtualNetworks/net"))(cloud);
    expect(cloud.world.all().map(({ properties }) => properties.name)).toEqual(["busan"]);
  });
});
