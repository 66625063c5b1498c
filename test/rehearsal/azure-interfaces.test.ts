import { describe, expect, it } from "vitest";
import {
  type Act,
  balancer,
  balancerInputs,
  drop,
  inPool,
  nat,
  nic,
  nothing,
  otherNetwork,
  otherSubnet,
  publicIp,
  refusal,
  ruleOfBalancer,
  steps,
  subnet,
} from "./azure-acts.ts";
import { arm, nodeSubnet } from "./azure-cloud.ts";

describe("what Azure's interfaces, addresses and load balancers refuse", () => {
  it.each<[rule: string, code: string, act: Act, prepare?: Act]>([
    [
      "a group that is not there",
      "ResourceGroupNotFound",
      (cloud) => cloud.create("network:NatGateway", "n", { resourceGroupName: "other" }),
    ],
    ["a fixed address outside", "PrivateIPAddressNotInSubnet", nic("a", "10.20.16.4")],
    ["a reserved address", "PrivateIPAddressInReservedRange", nic("a", "10.20.0.3")],
    ["the last address", "PrivateIPAddressInReservedRange", nic("a", "10.20.15.255")],
    ["a taken address", "PrivateIPAddressIsAllocated", nic("b", "10.20.0.4"), nic("a", "10.20.0.4")],
    ["an address of a front end", "PrivateIPAddressIsAllocated", nic("b", "10.20.0.200"), balancer()],
    ["fixed without an address", "PrivateIPAddressMissing", nic("a", "")],
    ["a pool that is not there", "InvalidResourceReference", nic("a", "10.20.0.4", inPool)],
    ["a Basic public address", "IPv4BasicSkuPublicIpCountLimitReached", publicIp("p", { sku: { name: "Basic" } })],
    [
      "a dynamic public address",
      "StandardSkuPublicIPAddressMustBeStatic",
      publicIp("p", { publicIPAllocationMethod: "Dynamic" }),
    ],
    ["zones where there are none", "AvailabilityZoneNotSupported", publicIp("p", { zones: ["1"] })],
    [
      "a shared public address",
      "PublicIPAddressInUse",
      nat("n", { publicIpAddresses: [{ id: arm("network", "publicIPAddresses/p") }] }),
      steps(publicIp("p"), nic("a", "10.20.0.4", { publicIPAddress: { id: arm("network", "publicIPAddresses/p") } })),
    ],
    ["a NAT gateway without SKU", "NatGatewaySkuRequired", (cloud) => cloud.create("network:NatGateway", "n", {})],
    ["a Basic load balancer", "BasicLoadBalancerRetired", balancer({ sku: { name: "Basic" } })],
    [
      "a front end outside",
      "PrivateIPAddressNotInSubnet",
      balancer({
        frontendIPConfigurations: [{ ...balancerInputs.frontendIPConfigurations[0], privateIPAddress: "10.99.0.1" }],
      }),
    ],
    ["a rule to no pool", "InvalidResourceReference", balancer({ backendAddressPools: [] })],
    ["a probe without path", "InvalidProbe", balancer({ probes: [{ name: "probe", protocol: "Https", port: 6443 }] })],
    [
      "rules on one front port",
      "RulesUseSameFrontendPortProtocolAndIPConfig",
      balancer({ loadBalancingRules: [{ ...ruleOfBalancer }, { ...ruleOfBalancer, name: "twin", backendPort: 7000 }] }),
    ],
    [
      "rules on one back port",
      "RulesUseSameBackendPortProtocolAndPool",
      balancer({
        loadBalancingRules: [{ ...ruleOfBalancer }, { ...ruleOfBalancer, name: "twin", frontendPort: 7000 }],
      }),
    ],
    [
      "deleting a used public address",
      "PublicIPAddressCannotBeDeleted",
      drop("network:PublicIPAddress", arm("network", "publicIPAddresses/p")),
      steps(publicIp("p"), nat("n", { publicIpAddresses: [{ id: arm("network", "publicIPAddresses/p") }] })),
    ],
    [
      "deleting a used NAT gateway",
      "InUseNatGatewayCannotBeDeleted",
      drop("network:NatGateway", arm("network", "natGateways/n")),
      steps(nat("n"), subnet("a", "10.20.16.0/24", { natGateway: { id: arm("network", "natGateways/n") } })),
    ],
    [
      "an interface without configuration",
      "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
      (cloud) => cloud.create("network:NetworkInterface", "a", {}),
    ],
    [
      "an interface in two networks",
      "SubnetsNotInSameVnet",
      (cloud) =>
        cloud.create("network:NetworkInterface", "a", {
          ipConfigurations: [nodeSubnet, otherSubnet].map((id, n) => ({ name: `c${n}`, subnet: { id } })),
        }),
      otherNetwork,
    ],
    [
      "one address twice in one interface",
      "PrivateIPAddressIsAllocated",
      (cloud) =>
        cloud.create("network:NetworkInterface", "a", {
          ipConfigurations: ["a", "b"].map((name) => ({
            name,
            subnet: { id: nodeSubnet },
            privateIPAllocationMethod: "Static",
            privateIPAddress: "10.20.0.9",
          })),
        }),
    ],
    [
      "a pool of another network",
      "NetworkInterfaceAndInternalLoadBalancerMustUseSameVnet",
      (cloud) =>
        cloud.create("network:NetworkInterface", "a", {
          ipConfigurations: [{ name: "primary", subnet: { id: otherSubnet }, ...inPool }],
        }),
      steps(otherNetwork, balancer()),
    ],
    ["a short idle timeout", "InvalidIdleTimeout", nat("n", { idleTimeoutInMinutes: 3 })],
    [
      "a front end without place",
      "InvalidFrontendIPConfiguration",
      balancer({ frontendIPConfigurations: [{ name: "front" }] }),
    ],
    [
      "front ends in two networks",
      "LoadBalancerFrontendsMustBeAlike",
      balancer({
        frontendIPConfigurations: [
          { ...balancerInputs.frontendIPConfigurations[0] },
          { name: "other", subnet: { id: otherSubnet } },
        ],
      }),
      otherNetwork,
    ],
    [
      "a back-end address elsewhere",
      "LoadBalancerBackendAddressNotInVnet",
      balancer({
        backendAddressPools: [
          {
            name: "pool",
            loadBalancerBackendAddresses: [
              { name: "a", ipAddress: "10.20.0.9", virtualNetwork: { id: arm("network", "virtualNetworks/other") } },
            ],
          },
        ],
      }),
      otherNetwork,
    ],
    [
      "two pools of one name",
      "InvalidRequestFormat",
      balancer({ backendAddressPools: [{ name: "pool" }, { name: "pool" }] }),
    ],
    [
      "a port out of range",
      "LoadBalancingRuleInvalidPort",
      balancer({ loadBalancingRules: [{ ...ruleOfBalancer, backendPort: 65_535 }] }),
    ],
    [
      "a full subnet",
      "SubnetIsFull",
      (cloud) =>
        cloud.create("network:NetworkInterface", "b", {
          ipConfigurations: [0, 1, 2, 3].map((n) => ({
            name: `c${n}`,
            subnet: { id: arm("network", "virtualNetworks/net/subnets/tiny") },
          })),
        }),
      subnet("tiny", "10.20.16.0/29"),
    ],
    [
      "two interfaces with one public address",
      "PublicIPAddressInUse",
      nic("b", "10.20.0.5", { publicIPAddress: { id: arm("network", "publicIPAddresses/p") } }),
      steps(publicIp("p"), nic("a", "10.20.0.4", { publicIPAddress: { id: arm("network", "publicIPAddresses/p") } })),
    ],
  ])("%s", async (_, code, act, prepare = nothing) => {
    expect(await refusal(prepare, act)).toMatch(new RegExp(`^${code}: `));
  });

  it("names the colliding address and its holder", async () => {
    expect(await refusal(nic("a", "10.20.0.4"), nic("b", "10.20.0.4"))).toContain(
      `10.20.0.4 which is already allocated to resource ${arm("network", "networkInterfaces/a/ipConfigurations/primary")}`,
    );
  });
});
