import { describe, expect, it } from "vitest";
import { azureFrontend } from "../../rehearsal/azure-native/balancing.ts";
import { azureRouteTables } from "../../rehearsal/azure-native/routing.ts";
import { azureNativeStandIn } from "../../rehearsal/azure-native/stand-in.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { balancer, inlineRule, inPool, lb, nic, route, steps, table } from "./azure-acts.ts";
import { arm, azureSite, nicInputs, nodeSubnet } from "./azure-cloud.ts";

describe("what Azure's network answers", () => {
  it("names what has no name: children by the logical name, others with eight hex digits", async () => {
    const cloud = await azureSite();
    const { id, outputs } = await cloud.create("network:RouteTable", "pods", {});
    expect(id).toMatch(/\/routeTables\/pods[0-9a-f]{8}$/);
    expect(outputs).toMatchObject({
      location: "koreasouth",
      azureApiVersion: "2024-05-01",
      provisioningState: "Succeeded",
    });
    expect(outputs.resourceGroupName).toBeUndefined();
    expect(cloud.object(nodeSubnet)?.properties.name).toBe("node");
  });

  it("replaces on names and groups, and on what azure-native lists", async () => {
    const cloud = await azureSite();
    const replaces = (resource: string, olds: Properties, news: Properties): string[] =>
      cloud.kind(resource).replaces(olds, news);
    expect(replaces("network:Subnet", { virtualNetworkName: "a" }, { virtualNetworkName: "b" })).toEqual([
      "virtualNetworkName",
    ]);
    expect(replaces("network:Subnet", { addressPrefix: "a" }, { addressPrefix: "b" })).toEqual([]);
    expect(replaces("network:VirtualNetwork", { location: "Korea South" }, { location: "koreasouth" })).toEqual([]);
    expect(replaces("network:VirtualNetwork", { location: "koreasouth" }, { location: "koreacentral" })).toEqual([
      "location",
    ]);
    expect(replaces("network:PublicIPAddress", { sku: { name: "Basic" } }, { sku: { name: "Standard" } })).toEqual([
      "sku",
    ]);
  });

  it("gives nested objects their ids, and free addresses from the fifth on", async () => {
    const cloud = await azureSite();
    await balancer()(cloud);
    expect(cloud.object(lb)?.properties).toMatchObject({
      frontendIPConfigurations: [{ id: `${lb}/frontendIPConfigurations/front`, privateIPAddress: "10.20.0.200" }],
      backendAddressPools: [{ id: `${lb}/backendAddressPools/pool` }],
    });
    const free = { networkInterfaceName: "free", ipConfigurations: [{ name: "primary", subnet: { id: nodeSubnet } }] };
    const { outputs } = await cloud.create("network:NetworkInterface", "free", free);
    expect(outputs).toMatchObject({ ipConfigurations: [{ privateIPAddress: "10.20.0.4" }] });
    const second = { networkInterfaceName: "second", ipConfigurations: free.ipConfigurations };
    const { id } = await cloud.create("network:NetworkInterface", "second", second);
    await cloud.remove("network:NetworkInterface", "free", arm("network", "networkInterfaces/free"));
    expect(await cloud.update("network:NetworkInterface", "second", id, { tags: { a: "b" } })).toMatchObject({
      ipConfigurations: [{ privateIPAddress: "10.20.0.5" }],
    });
  });

  it("keeps inline children as objects, and removes those no longer listed", async () => {
    const cloud = await azureSite();
    const rules = ["a", "b"].map((name, n) => ({ ...inlineRule, name, priority: 100 + n }));
    const { id } = await cloud.create("network:NetworkSecurityGroup", "nsg", { securityRules: rules });
    expect(cloud.world.find("azure-native", "azure-native:network:SecurityRule").map((child) => child.id)).toEqual([
      `${id}/securityRules/a`,
      `${id}/securityRules/b`,
    ]);
    await cloud.update("network:NetworkSecurityGroup", "nsg", id, { securityRules: rules.slice(1) });
    expect(cloud.object(`${id}/securityRules/a`)).toBeUndefined();
    await cloud.remove("network:NetworkSecurityGroup", "nsg", id);
    expect(cloud.world.find("azure-native", "azure-native:network:SecurityRule")).toEqual([]);
  });

  it("keeps its hands off the other group when one is deleted", async () => {
    const cloud = await azureSite();
    await cloud.create("resources:ResourceGroup", "other", { resourceGroupName: "other" });
    await cloud.remove("resources:ResourceGroup", "busan", arm("network", "").split("/providers")[0] ?? "");
    expect(cloud.world.all().map((object) => object.properties.name)).toEqual(["other"]);
  });

  it("says for every route whether something forwards it", async () => {
    const cloud = await azureSite();
    await steps(
      table("table"),
      route("a", "10.129.0.0/24"),
      route("b", "10.129.1.0/24", { nextHopIpAddress: "10.20.0.9" }),
    )(cloud);
    await cloud.create("network:NetworkInterface", "nic", {
      ...nicInputs("nic", "10.20.0.4"),
      enableIPForwarding: false,
    });
    await cloud.update("network:Subnet", "node", nodeSubnet, {
      routeTable: { id: arm("network", "routeTables/table") },
    });
    expect(azureRouteTables(cloud.world)).toEqual([
      {
        id: arm("network", "routeTables/table"),
        propagatesBgp: true,
        subnets: [nodeSubnet],
        routes: [
          {
            name: "a",
            prefix: "10.129.0.0/24",
            nextHopType: "VirtualAppliance",
            nextHop: "10.20.0.4",
            networkInterface: arm("network", "networkInterfaces/nic"),
            forwards: false,
          },
          {
            name: "b",
            prefix: "10.129.1.0/24",
            nextHopType: "VirtualAppliance",
            nextHop: "10.20.0.9",
            forwards: false,
          },
        ],
      },
    ]);
    await cloud.update("network:NetworkInterface", "nic", arm("network", "networkInterfaces/nic"), {
      enableIPForwarding: true,
    });
    expect(azureRouteTables(cloud.world)[0]?.routes[0]?.forwards).toBe(true);
  });

  it("knows the running machines behind a front end", async () => {
    const cloud = await azureSite();
    await steps(balancer(), nic("a", "10.20.0.4", inPool), nic("b", "10.20.0.5", inPool), nic("c", "10.20.0.6"))(cloud);
    for (const [address, power] of [
      ["10.20.0.4", "on"],
      ["10.20.0.5", "off"],
      ["10.20.0.6", "on"],
    ] as const)
      cloud.world.put({
        provider: "host",
        type: "machine",
        id: address,
        urn: "",
        place: "koreasouth",
        properties: { power },
      });
    expect(azureFrontend(cloud.world, "10.20.0.200", 443)).toEqual(["10.20.0.4"]);
    expect(azureFrontend(cloud.world, "10.20.0.200", 6443)).toBeUndefined();
    expect(azureFrontend(cloud.world, "10.20.0.201", 443)).toBeUndefined();
  });

  it("places a call in the resource's region and its group's", async () => {
    const cloud = await azureSite();
    const places = (inputs: Properties): string[] =>
      azureNativeStandIn.places(cloud.call("network:RouteTable", "new"), inputs);
    expect(places({ resourceGroupName: "busan", location: "Korea Central" })).toEqual(["koreacentral", "koreasouth"]);
    expect(places({ resourceGroupName: "busan" })).toEqual(["koreasouth"]);
  });

  it("reads back what it holds, and nothing that is gone", async () => {
    const cloud = await azureSite();
    const read = await cloud.kind("network:Subnet").read(nodeSubnet, cloud.call("network:Subnet", "node"));
    expect(read?.inputs).toEqual({
      resourceGroupName: "busan",
      virtualNetworkName: "net",
      addressPrefix: "10.20.0.0/20",
    });
    expect(read?.outputs).toMatchObject({ name: "node", addressPrefix: "10.20.0.0/20", id: nodeSubnet });
    await cloud.remove("network:Subnet", "node", nodeSubnet);
    await cloud.remove("network:Subnet", "node", nodeSubnet);
    expect(cloud.kind("network:Subnet").read(nodeSubnet, cloud.call("network:Subnet", "node"))).toBeUndefined();
  });

  it("tells who it is, and knows no other function", async () => {
    const cloud = await azureSite();
    const ask = async (token: string) => azureNativeStandIn.invoke(token, {}, cloud.call("authorization", ""));
    expect(await ask("azure-native:authorization:getClientConfig")).toMatchObject({
      subscriptionId: "00000000-0000-0000-0000-000000000000",
    });
    await expect(ask("azure-native:network:getSubnet")).rejects.toThrow("UnknownFunction");
  });

  it.each([
    [{ location: "Korea South" }, []],
    [{ location: "busan" }, ["location"]],
    [{ subscriptionId: "mine" }, ["subscriptionId"]],
  ])("checks the provider's configuration %j", (config, wrong) => {
    expect(azureNativeStandIn.checkConfig(config).map(({ property }) => property)).toEqual(wrong);
  });
});
