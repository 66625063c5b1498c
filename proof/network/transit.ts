import { z } from "zod";
import { Cidr } from "../../components/network/cidr.ts";
import type { Subnet } from "./aws-routers.ts";
import { subnetType, vpcType } from "./aws-types.ts";
import { type Next, originOf, type Route, type Router, type StackResource, type TunnelEnd } from "./model.ts";
import { keyOf, type Read, type Resources } from "./resources.ts";
import { vpnEnds, vpnType } from "./vpn-connection.ts";

export const gatewayType = "aws:ec2transitgateway/transitGateway:TransitGateway";
const tableType = "aws:ec2transitgateway/routeTable:RouteTable";
const attachmentType = "aws:ec2transitgateway/vpcAttachment:VpcAttachment";

/** Bytes between VPCs over a Transit Gateway (docs.aws.amazon.com/vpc/latest/tgw, transit-gateway-quotas, MTU). */
const transitMtu = 8500;

const Gateway = z.object({
  amazonSideAsn: z.int(),
  // With either on, an attachment lands in a table that nobody wrote down.
  defaultRouteTableAssociation: z.literal("disable"),
  defaultRouteTablePropagation: z.literal("disable"),
  vpnEcmpSupport: z.enum(["enable", "disable"]).default("enable"),
});
const Table = z.object({ transitGatewayId: z.string() });
const Attachment = z.object({
  transitGatewayId: z.string(),
  vpcId: z.string(),
  subnetIds: z.array(z.string()).min(1),
  applianceModeSupport: z.string().optional(),
});
const Joint = z.object({ transitGatewayAttachmentId: z.string(), transitGatewayRouteTableId: z.string() });
const StaticRoute = z.object({
  transitGatewayRouteTableId: z.string(),
  destinationCidrBlock: Cidr,
  transitGatewayAttachmentId: z.string(),
  blackhole: z.literal(false).optional(),
});

/** What the Transit Gateways of a plan do. */
export interface Transit {
  readonly routers: Router[];
  readonly tunnelEnds: TunnelEnd[];
  /** Subnets in which packets from a gateway come in. */
  readonly entrances: Subnet[];
  /** Where a packet goes that a route of `subnet` hands to the gateway. */
  readonly from: (subnet: Subnet, gateway: StackResource) => Next;
}

interface VpcSide {
  readonly resource: StackResource;
  readonly gateway: StackResource;
  readonly vpc: StackResource;
  readonly subnets: readonly Subnet[];
}

export function transitGateways(resources: Resources, subnets: readonly Subnet[]): Transit {
  const gateways = new Map(resources.ofType(gatewayType, Gateway).map((gateway) => [keyOf(gateway.resource), gateway]));
  const tables = resources.ofType(tableType, Table);
  for (const { resource, inputs } of tables)
    resources.referred(resource, "transitGatewayId", gatewayType, inputs.transitGatewayId);
  const sides = resources.ofType(attachmentType, Attachment).flatMap((one) => vpcSide(resources, one, subnets));
  const tableOf = associations(resources);
  const propagated = propagations(resources);

  const statics = ties(resources, "aws:ec2transitgateway/route:Route", StaticRoute);
  const routersOf = (table: Read<z.infer<typeof Table>>): Router => {
    const own = keyOf(table.resource);
    const learned = sides.flatMap((side) => {
      const propagation = propagated.get(`${keyOf(side.resource)} ${own}`);
      const block = Cidr.safeParse(side.vpc.inputs.cidrBlock);
      return propagation && block.success ? into(side, block.data, 1, propagation, true) : [];
    });
    const written = statics.flatMap(({ resource, inputs, table: to, attachment }): Route[] => {
      if (keyOf(to) !== own) return [];
      const side = sides.find((each) => keyOf(each.resource) === keyOf(attachment));
      return side ? into(side, inputs.destinationCidrBlock, 2, resource, false) : [];
    });
    return {
      id: own,
      label: `Transit Gateway table ${table.resource.name}`,
      origin: originOf(table.resource),
      routes: [...learned, ...written],
    };
  };
  const tunnelEnds = vpnEnds(resources, {
    asnOf: (gateway) => gateways.get(keyOf(gateway))?.inputs.amazonSideAsn,
    associated: (vpn) => tableOf.get(keyOf(vpn)),
    propagatesTo: (vpn) =>
      tables.flatMap((table) => {
        const propagation = propagated.get(`${keyOf(vpn)} ${keyOf(table.resource)}`);
        return propagation ? [{ table: table.resource, propagation }] : [];
      }),
  });
  return {
    routers: tables.map(routersOf),
    tunnelEnds,
    entrances: sides.flatMap((side) => side.subnets),
    from: (subnet, gateway) => {
      const side = sides.find(
        (each) => keyOf(each.gateway) === keyOf(gateway) && keyOf(each.vpc) === keyOf(subnet.vpc),
      );
      if (!side) return { kind: "drop", reason: `${gateway.name} has no attachment to ${subnet.vpc.name}` };
      if (!side.subnets.some(({ zone }) => zone === subnet.zone))
        return { kind: "drop", reason: `attachment ${side.resource.name} has no subnet in zone ${subnet.zone}` };
      const table = tableOf.get(keyOf(side.resource));
      return table
        ? {
            kind: "router",
            router: keyOf(table),
            label: `Transit Gateway ${gateway.name}, attachment ${side.resource.name}`,
            mtu: transitMtu,
          }
        : { kind: "drop", reason: `attachment ${side.resource.name} is associated with no Transit Gateway table` };
    },
  };
}

function vpcSide(
  resources: Resources,
  { resource, inputs }: Read<z.infer<typeof Attachment>>,
  subnets: readonly Subnet[],
): VpcSide[] {
  const gateway = resources.referred(resource, "transitGatewayId", gatewayType, inputs.transitGatewayId);
  const vpc = resources.referred(resource, "vpcId", vpcType, inputs.vpcId);
  if (!gateway || !vpc) return [];
  const own = inputs.subnetIds.flatMap((id): Subnet[] => {
    const found = resources.referred(resource, "subnetIds", subnetType, id);
    const subnet = found && subnets.find((each) => keyOf(each.resource) === keyOf(found));
    if (subnet && keyOf(subnet.vpc) !== keyOf(vpc))
      resources.flaw(resource, `subnet ${subnet.resource.name} is of another VPC`);
    return subnet ? [subnet] : [];
  });
  const zones = own.map(({ zone }) => zone);
  if (new Set(zones).size < zones.length) resources.flaw(resource, "two of its subnets are in one zone");
  return [{ resource, gateway, vpc, subnets: own }];
}

/** One route per zone: the gateway hands a packet to any of its interfaces in the VPC. */
function into(side: VpcSide, prefix: Cidr, preference: number, by: StackResource, implied: boolean): Route[] {
  return side.subnets.map(({ resource }) => ({
    prefix,
    next: {
      kind: "router",
      router: keyOf(resource),
      label: `attachment ${side.resource.name}, subnet ${resource.name}`,
      mtu: transitMtu,
    },
    preference,
    origin: originOf(by),
    implied,
  }));
}

/** What an attachment's id means: a VPC attachment, or the one that a VPN connection brings along (its output, by the recorder's form). */
function attachmentOf(resources: Resources, from: StackResource, id: string): StackResource | undefined {
  const vpn = /^attachment-(.+)$/.exec(id)?.[1];
  return vpn === undefined
    ? resources.referred(from, "transitGatewayAttachmentId", attachmentType, id)
    : resources.referred(from, "transitGatewayAttachmentId", vpnType, vpn);
}

/** What one resource ties together: an attachment and a table of the gateway. */
interface Tie<Inputs> {
  readonly resource: StackResource;
  readonly inputs: Inputs;
  readonly attachment: StackResource;
  readonly table: StackResource;
}

function ties<Inputs extends z.infer<typeof Joint>>(
  resources: Resources,
  type: string,
  shape: z.ZodType<Inputs>,
): Tie<Inputs>[] {
  return resources.ofType(type, shape).flatMap(({ resource, inputs }): Tie<Inputs>[] => {
    const { transitGatewayAttachmentId, transitGatewayRouteTableId } = inputs;
    const attachment = attachmentOf(resources, resource, transitGatewayAttachmentId);
    const table = resources.referred(resource, "transitGatewayRouteTableId", tableType, transitGatewayRouteTableId);
    return attachment && table ? [{ resource, inputs, attachment, table }] : [];
  });
}

function associations(resources: Resources): Map<string, StackResource> {
  const tableOf = new Map<string, StackResource>();
  const type = "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation";
  for (const { resource, attachment, table } of ties(resources, type, Joint)) {
    const other = tableOf.get(keyOf(attachment));
    if (other) resources.flaw(resource, `${attachment.name} is associated with ${other.name} already`);
    else tableOf.set(keyOf(attachment), table);
  }
  return tableOf;
}

function propagations(resources: Resources): Map<string, StackResource> {
  const found = new Map<string, StackResource>();
  const type = "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation";
  for (const { resource, attachment, table } of ties(resources, type, Joint)) {
    const key = `${keyOf(attachment)} ${keyOf(table)}`;
    if (found.has(key)) resources.flaw(resource, `${attachment.name} propagates to ${table.name} already`);
    found.set(key, resource);
  }
  return found;
}
