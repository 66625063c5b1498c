import { Route } from "@pulumi/aws/ec2/route.js";
import { Route as TransitRoute } from "@pulumi/aws/ec2transitgateway/route.js";
import { RouteTable } from "@pulumi/aws/ec2transitgateway/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2transitgateway/routeTableAssociation.js";
import { RouteTablePropagation } from "@pulumi/aws/ec2transitgateway/routeTablePropagation.js";
import { TransitGateway as Gateway } from "@pulumi/aws/ec2transitgateway/transitGateway.js";
import { VpcAttachment } from "@pulumi/aws/ec2transitgateway/vpcAttachment.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec } from "../config/schema.ts";
import type { Cidr } from "../network/cidr.ts";
import type { AwsLink } from "./link.ts";

export interface TransitGatewayArgs {
  site: AwsSiteSpec;
  link: pulumi.Output<AwsLink>;
  /** 64512 to 65534 in practice; differs from the other side's. */
  asn: number;
  /** What lies behind the tunnels: the peer's node and pod ranges. */
  remotePrefixes: readonly Cidr[];
}

/**
 * The AWS end: a Transit Gateway, since a virtual private gateway carries and announces nothing but the VPC's own range, and pods are
 * outside it.
 *
 * Two tables of its own: packets from the tunnels find the VPC and its pods, packets from the VPC find what the tunnels have learned, and
 * the tunnels do not see each other. The VPC's tables learn nothing from a Transit Gateway, so the way to the peer is static there: in the
 * node subnets' tables, which also carry the answers of the load balancers that stand in those subnets. The public subnets have none, as
 * neither NAT nor the bastion speaks to a peer.
 */
export class TransitGateway extends pulumi.ComponentResource {
  readonly gatewayId: pulumi.Output<string>;
  readonly #name: string;
  readonly #tableIds: { readonly vpc: pulumi.Output<string>; readonly vpn: pulumi.Output<string> };

  constructor(
    name: string,
    { site, link, asn, remotePrefixes }: TransitGatewayArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("gyeongbu:index:TransitGateway", name, {}, opts);
    const own = { parent: this };
    const tags = (resource: string) => ({ Name: resource, "gyeongbu:site": site.name });
    const gateway = new Gateway(
      name,
      {
        description: `${name}: ${site.name} and its peer`,
        amazonSideAsn: asn,
        // All four tunnels carry traffic.
        vpnEcmpSupport: "enable",
        // Otherwise every attachment would land in one table and the tunnels would reach each other.
        defaultRouteTableAssociation: "disable",
        defaultRouteTablePropagation: "disable",
        tags: tags(name),
      },
      own,
    );
    const attachment = new VpcAttachment(
      name,
      {
        transitGatewayId: gateway.id,
        vpcId: link.vpcId,
        // One per zone: a zone without a subnet here is unreachable.
        subnetIds: link.transitSubnetIds,
        transitGatewayDefaultRouteTableAssociation: false,
        transitGatewayDefaultRouteTablePropagation: false,
        tags: tags(name),
      },
      own,
    );
    const table = (noun: string) =>
      new RouteTable(`${name}-${noun}`, { transitGatewayId: gateway.id, tags: tags(`${name}-${noun}`) }, own);
    const tables = { vpc: table("from-vpc"), vpn: table("from-vpn") };
    this.gatewayId = gateway.id;
    this.#name = name;
    this.#tableIds = { vpc: tables.vpc.id, vpn: tables.vpn.id };

    new RouteTableAssociation(
      `${name}-vpc`,
      { transitGatewayRouteTableId: tables.vpc.id, transitGatewayAttachmentId: attachment.id },
      own,
    );
    // The VPC's own range; the gateway announces to the peer what this table holds.
    new RouteTablePropagation(
      `${name}-vpc`,
      { transitGatewayRouteTableId: tables.vpn.id, transitGatewayAttachmentId: attachment.id },
      own,
    );
    // Static, as no propagation knows the pods. It stays when the cluster dies: failover is for health checks, not for BGP.
    new TransitRoute(
      `${name}-pods`,
      {
        transitGatewayRouteTableId: tables.vpn.id,
        destinationCidrBlock: site.network.pods,
        transitGatewayAttachmentId: attachment.id,
      },
      own,
    );
    for (const [index, zone] of site.zones.entries()) {
      for (const prefix of remotePrefixes) {
        new Route(
          `${name}-node-${zone}-${prefix.replace("/", "-")}`,
          {
            routeTableId: link.nodeRouteTableIds.apply((ids) => tableOf(site, ids, index)),
            destinationCidrBlock: prefix,
            transitGatewayId: gateway.id,
          },
          // EC2 knows the gateway as a target only once the VPC is attached to it.
          { ...own, dependsOn: attachment },
        );
      }
    }
    this.registerOutputs({ gatewayId: this.gatewayId });
  }

  /** Lets a VPN attachment send to the VPC, and the VPC learn what that VPN announces. */
  connect(noun: string, attachmentId: pulumi.Input<string>): void {
    const own = { parent: this };
    new RouteTableAssociation(
      `${this.#name}-${noun}`,
      { transitGatewayRouteTableId: this.#tableIds.vpn, transitGatewayAttachmentId: attachmentId },
      own,
    );
    new RouteTablePropagation(
      `${this.#name}-${noun}`,
      { transitGatewayRouteTableId: this.#tableIds.vpc, transitGatewayAttachmentId: attachmentId },
      own,
    );
  }
}

function tableOf(site: AwsSiteSpec, ids: readonly string[], zone: number): string {
  const id = ids[zone];
  if (id !== undefined && ids.length === site.zones.length) return id;
  throw new pulumi.RunError(
    `${site.name} has ${site.zones.length} zones in its stack file and ${ids.length} in its state. Run \`pulumi up\` on it first.`,
  );
}
