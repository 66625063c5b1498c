import { NatGateway } from "@pulumi/azure-native/network/natGateway.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { RouteTable } from "@pulumi/azure-native/network/routeTable.js";
import { Subnet, type SubnetArgs } from "@pulumi/azure-native/network/subnet.js";
import { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec } from "../config/schema.ts";
import type { AzureLink } from "../interconnect/link.ts";
import { azureSubnets } from "./plan.ts";

export interface AzureNetworkArgs {
  /** Plain, validated data: how many resources there are is known before any cloud call. */
  site: AzureSiteSpec;
}

/**
 * Resource group, VNet, subnets and route tables of an Azure site.
 *
 * The pod range is part of the VNet's address space, so that the gateway announces it; no subnet lies in it, and each slot's /24 gets its
 * route from the nodes' component. Both tables let the gateway's routes in: the interconnect's prefixes arrive that way.
 */
export class AzureNetwork extends pulumi.ComponentResource {
  readonly resourceGroupName: pulumi.Output<string>;
  /** `/subscriptions/.../resourceGroups/...`: what ids of sub-resources begin with. */
  readonly resourceGroupId: pulumi.Output<string>;
  readonly nodeSubnetId: pulumi.Output<string>;
  /** Absent where access is by a jump host. */
  readonly bastionSubnetId: pulumi.Output<string> | undefined;
  /** The tables that packets for pods meet: from other nodes, and from the interconnect's gateway. */
  readonly routeTableNames: { readonly node: pulumi.Output<string>; readonly gateway: pulumi.Output<string> };
  /** What the interconnect needs to know and only the cloud can tell. */
  readonly link: pulumi.Output<AzureLink>;

  constructor(name: string, { site }: AzureNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AzureNetwork", name, {}, opts);
    const own = { parent: this };
    const tags = { "gyeongbu:site": site.name };
    const plan = azureSubnets(site);

    const group = new ResourceGroup(name, { location: site.location, tags }, own);
    const placed = { resourceGroupName: group.name, location: site.location, tags };
    const network = new VirtualNetwork(
      name,
      { ...placed, addressSpace: { addressPrefixes: [site.network.nodes, site.network.pods] } },
      own,
    );
    const table = (noun: string) =>
      new RouteTable(`${name}-${noun}`, { ...placed, disableBgpRoutePropagation: false }, own);
    const tables = { node: table("node"), gateway: table("gateway") };

    const createNat = () => {
      const address = new PublicIPAddress(
        `${name}-nat`,
        { ...placed, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" },
        own,
      );
      return new NatGateway(
        `${name}-nat`,
        { ...placed, sku: { name: "Standard" }, publicIpAddresses: [{ id: address.id }] },
        own,
      );
    };
    const nat = site.egress === "nat" ? createNat() : undefined;

    // One after another: Azure writes a VNet's subnets one at a time and answers AnotherOperationInProgress to the others; the provider's
    // retries (20, 60, 120 s) would cost more than the queue.
    let previous: Subnet | undefined;
    const subnet = (
      subnetName: string,
      args: Omit<SubnetArgs, "resourceGroupName" | "virtualNetworkName" | "subnetName">,
    ): Subnet => {
      previous = new Subnet(
        `${name}-${subnetName}`,
        { resourceGroupName: group.name, virtualNetworkName: network.name, subnetName, ...args },
        { ...own, ...(previous ? { dependsOn: previous } : {}) },
      );
      return previous;
    };
    // `defaultOutboundAccess` is for subnets of machines; the gateway's own has its public addresses.
    const gatewaySubnet = subnet("GatewaySubnet", {
      addressPrefix: plan.gateway,
      routeTable: { id: tables.gateway.id },
    });
    const nodeSubnet = subnet("node", {
      addressPrefix: plan.node,
      // Machines without a way out of their own would otherwise get one from Azure.
      defaultOutboundAccess: false,
      routeTable: { id: tables.node.id },
      ...(nat ? { natGateway: { id: nat.id } } : {}),
    });
    const bastionSubnet =
      site.access.kind === "bastion"
        ? subnet("bastion", { addressPrefix: plan.bastion, defaultOutboundAccess: false })
        : undefined;

    this.resourceGroupName = group.name;
    this.resourceGroupId = group.id;
    this.nodeSubnetId = nodeSubnet.id;
    this.bastionSubnetId = bastionSubnet?.id;
    this.routeTableNames = { node: tables.node.name, gateway: tables.gateway.name };
    this.link = pulumi.output({
      platform: "azure" as const,
      location: site.location,
      resourceGroupName: group.name,
      gatewaySubnetId: gatewaySubnet.id,
    });
    this.registerOutputs({ resourceGroupName: this.resourceGroupName, link: this.link });
  }
}
