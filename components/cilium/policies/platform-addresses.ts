import type { SiteSpec } from "../../config/schema.ts";
import { Cidr, host, single } from "../../network/cidr.ts";

/**
 * Azure's own address in every virtual network: resolver on port 53, the source of load balancers' probes, and the wire server
 * (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
 */
export const azurePlatform = Cidr.parse("168.63.129.16/32");

/** TCP ports of Azure's wire server, which gives out extensions' settings, secrets among them (same page). */
export const azureWireServerPorts = [80, 32_526];

/** Instance metadata, on AWS and Azure alike; AWS has an address for IPv6 as well (docs.aws.amazon.com/AWSEC2, instance metadata). */
export const instanceMetadata = Cidr.parse("169.254.169.254/32");
export const awsInstanceMetadataIpv6 = "fd00:ec2::254/128";

/** AWS answers names at the VPC's second address and at a link-local one (docs.aws.amazon.com/vpc, AmazonDNS-concepts). */
export function awsResolvers({ network }: Pick<SiteSpec, "network">): Cidr[] {
  return [single(host(network.nodes, 2)), Cidr.parse("169.254.169.253/32")];
}
