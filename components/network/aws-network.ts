import { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec } from "../config/schema.ts";
import type { AwsLink } from "../interconnect/link.ts";
import { type AwsZone, awsSubnets } from "./plan.ts";

export interface AwsNetworkArgs {
  /** Plain, validated data: how many resources there are is known before any cloud call. */
  site: AwsSiteSpec;
}

/** One availability zone's subnets and tables. */
export interface AwsZoneNetwork {
  /** `a` to `f`. */
  readonly zone: string;
  readonly nodeSubnetId: pulumi.Output<string>;
  readonly transitSubnetId: pulumi.Output<string>;
  readonly nodeTableId: pulumi.Output<string>;
  readonly transitTableId: pulumi.Output<string>;
}

/** The public side: subnets of NAT gateways and the bastion, one per zone. */
interface PublicSide {
  readonly gateway: InternetGateway;
  readonly subnets: readonly Subnet[];
}

/**
 * VPC, subnets and route tables of an AWS site.
 *
 * Names follow the zone's letter, so appending a zone changes nothing that exists. All routes are resources of their own: a list inside a
 * table would undo those that other components and the interconnect add. Without NAT and bastion there is no internet gateway at all.
 */
export class AwsNetwork extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly zones: readonly AwsZoneNetwork[];
  /** Where the bastion stands; absent when nothing of the site is public. */
  readonly publicSubnetId: pulumi.Output<string> | undefined;
  /** What the interconnect needs to know and only the cloud can tell. */
  readonly link: pulumi.Output<AwsLink>;

  constructor(name: string, { site }: AwsNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AwsNetwork", name, {}, opts);
    const own = { parent: this };
    const tags = (resource: string) => ({ Name: resource, "gyeongbu:site": site.name });
    const plan = awsSubnets(site);

    const vpc = new Vpc(
      name,
      { cidrBlock: site.network.nodes, enableDnsSupport: true, enableDnsHostnames: true, tags: tags(name) },
      own,
    );
    // Adopts the group that every VPC is born with and, having no rules here, takes all of its rules away.
    new DefaultSecurityGroup(`${name}-default`, { vpcId: vpc.id, tags: tags(`${name}-default`) }, own);

    const subnet = (kind: string, { zone }: AwsZone, cidrBlock: string) => {
      const subnetName = `${name}-${kind}-${zone}`;
      const args = { vpcId: vpc.id, cidrBlock, availabilityZone: `${site.region}${zone}`, tags: tags(subnetName) };
      return new Subnet(subnetName, args, own);
    };
    const table = (tableName: string) => new RouteTable(tableName, { vpcId: vpc.id, tags: tags(tableName) }, own);
    const associate = (kind: string, { zone }: AwsZone, of: Subnet, to: RouteTable) =>
      new RouteTableAssociation(`${name}-${kind}-${zone}`, { subnetId: of.id, routeTableId: to.id }, own);

    const createPublicSide = (): PublicSide => {
      const gateway = new InternetGateway(name, { vpcId: vpc.id, tags: tags(name) }, own);
      const publicTable = table(`${name}-public`);
      new Route(
        `${name}-public-default`,
        { routeTableId: publicTable.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
        own,
      );
      const subnets = plan.map((zone) => {
        const created = subnet("public", zone, zone.public);
        associate("public", zone, created, publicTable);
        return created;
      });
      return { gateway, subnets };
    };
    const isPublic = site.egress === "nat" || site.access.kind === "bastion";
    const publicSide = isPublic ? createPublicSide() : undefined;

    const createNat = ({ zone }: AwsZone, nodeTable: RouteTable, publicSubnet: Subnet, gateway: InternetGateway) => {
      const natName = `${name}-nat-${zone}`;
      const address = new Eip(natName, { domain: "vpc", tags: tags(natName) }, { ...own, dependsOn: gateway });
      const nat = new NatGateway(
        natName,
        { subnetId: publicSubnet.id, allocationId: address.id, tags: tags(natName) },
        { ...own, dependsOn: gateway },
      );
      new Route(
        `${natName}-default`,
        { routeTableId: nodeTable.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id },
        own,
      );
    };

    this.zones = plan.map((zone, index) => {
      const nodeSubnet = subnet("node", zone, zone.node);
      const transitSubnet = subnet("transit", zone, zone.transit);
      const nodeTable = table(`${name}-node-${zone.zone}`);
      const transitTable = table(`${name}-transit-${zone.zone}`);
      associate("node", zone, nodeSubnet, nodeTable);
      associate("transit", zone, transitSubnet, transitTable);
      const publicSubnet = publicSide?.subnets[index];
      if (site.egress === "nat" && publicSide && publicSubnet) {
        createNat(zone, nodeTable, publicSubnet, publicSide.gateway);
      }
      return {
        zone: zone.zone,
        nodeSubnetId: nodeSubnet.id,
        transitSubnetId: transitSubnet.id,
        nodeTableId: nodeTable.id,
        transitTableId: transitTable.id,
      };
    });
    this.vpcId = vpc.id;
    this.publicSubnetId = publicSide?.subnets[0]?.id;
    this.link = pulumi.output({
      platform: "aws" as const,
      region: site.region,
      vpcId: vpc.id,
      transitSubnetIds: this.zones.map(({ transitSubnetId }) => transitSubnetId),
      nodeRouteTableIds: this.zones.map(({ nodeTableId }) => nodeTableId),
    });
    this.registerOutputs({ vpcId: this.vpcId, link: this.link });
  }

  /** The zone's subnets and tables. */
  zone(letter: string): AwsZoneNetwork {
    const found = this.zones.find(({ zone }) => zone === letter);
    if (!found) throw new RangeError(`zone ${letter} is none of ${this.zones.map(({ zone }) => zone).join(", ")}.`);
    return found;
  }
}
