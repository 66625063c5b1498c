import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { VirtualNetworkGateway } from "@pulumi/azure-native/network/virtualNetworkGateway.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec, InterconnectSpec } from "../config/schema.ts";
import type { AzureLink } from "./link.ts";
import { bgpAddresses, type Tunnel } from "./tunnels.ts";

export interface VpnGatewayArgs {
  site: AzureSiteSpec;
  link: pulumi.Output<AzureLink>;
  asn: number;
  sku: InterconnectSpec["azure"]["gatewaySku"];
  tunnels: readonly Tunnel[];
}

/** One of the gateway's two machines. */
export interface GatewayInstance {
  readonly publicAddress: pulumi.Output<string>;
  /** Id of its IP configuration, which connections refer to. */
  readonly ipConfigurationId: pulumi.Output<string>;
}

/**
 * The Azure end: an active-active gateway in the site's `GatewaySubnet`. An active-passive one takes a single APIPA address and could not
 * hold four tunnels.
 */
export class VpnGateway extends pulumi.ComponentResource {
  readonly gatewayId: pulumi.Output<string>;
  readonly instances: readonly [GatewayInstance, GatewayInstance];

  constructor(name: string, args: VpnGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:VpnGateway", name, {}, opts);
    const { site, link, asn, sku, tunnels } = args;
    const own = { parent: this };
    const placed = {
      resourceGroupName: link.resourceGroupName,
      location: link.location,
      tags: { "gyeongbu:site": site.name },
    };
    // Its BGP settings name its own IP configurations by full id, so its name must be known before it exists.
    const resourceGroupId = link.gatewaySubnetId.apply((id) => id.slice(0, id.indexOf("/providers/")));
    const id = pulumi.interpolate`${resourceGroupId}/providers/Microsoft.Network/virtualNetworkGateways/${name}`;
    const createInstance = (index: 0 | 1) => {
      const address = new PublicIPAddress(
        `${name}-${index}`,
        { ...placed, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" },
        own,
      );
      return {
        configuration: {
          name: `instance${index}`,
          privateIPAllocationMethod: "Dynamic",
          publicIPAddress: { id: address.id },
          subnet: { id: link.gatewaySubnetId },
        },
        peering: {
          ipconfigurationId: pulumi.interpolate`${id}/ipConfigurations/instance${index}`,
          customBgpIpAddresses: bgpAddresses(tunnels, index),
        },
        address,
      };
    };
    const parts = [createInstance(0), createInstance(1)] as const;
    const gateway = new VirtualNetworkGateway(
      name,
      {
        ...placed,
        virtualNetworkGatewayName: name,
        gatewayType: "Vpn",
        vpnType: "RouteBased",
        sku: { name: sku, tier: sku },
        // The smallest size exists in the first generation only (learn.microsoft.com/azure/vpn-gateway/about-gateway-skus).
        vpnGatewayGeneration: sku === "VpnGw1AZ" ? "Generation1" : "Generation2",
        activeActive: true,
        enableBgp: true,
        ipConfigurations: parts.map(({ configuration }) => configuration),
        bgpSettings: { asn, bgpPeeringAddresses: parts.map(({ peering }) => peering) },
      },
      // Azure names 45 minutes and more for a creation; Pulumi would give up after 30.
      { ...own, customTimeouts: { create: "90m", update: "90m", delete: "60m" } },
    );
    const instance = (index: 0 | 1): GatewayInstance => ({
      publicAddress: parts[index].address.ipAddress.apply((address) => {
        if (address === undefined) throw new Error(`${name}-${index}: Azure gave no address to a static public IP.`);
        return address;
      }),
      ipConfigurationId: pulumi.interpolate`${gateway.id}/ipConfigurations/instance${index}`,
    });
    this.gatewayId = gateway.id;
    this.instances = [instance(0), instance(1)];
    this.registerOutputs({ gatewayId: this.gatewayId });
  }
}
