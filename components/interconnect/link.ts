import { z } from "zod";

/** What an AWS site's stack exports for the interconnect: ids that only the cloud hands out. Lists are in the order of the site's zones. */
export const AwsLink = z.strictObject({
  platform: z.literal("aws"),
  region: z.string().min(1),
  vpcId: z.string().startsWith("vpc-"),
  transitSubnetIds: z.array(z.string().startsWith("subnet-")).min(1),
  nodeRouteTableIds: z.array(z.string().startsWith("rtb-")).min(1),
});
export type AwsLink = z.infer<typeof AwsLink>;

/** The same of an Azure site. */
export const AzureLink = z.strictObject({
  platform: z.literal("azure"),
  location: z.string().min(1),
  resourceGroupName: z.string().min(1),
  gatewaySubnetId: z.string().endsWith("/subnets/GatewaySubnet"),
});
export type AzureLink = z.infer<typeof AzureLink>;
