import { z } from "zod";
import { Cidr } from "../../components/network/cidr.ts";
import { interfaceType, subnetType, vpcType } from "./aws-types.ts";
import { type Nat, type Next, originOf, type Route, type Router, type StackResource } from "./model.ts";
import { keyOf, type Read, type Resources } from "./resources.ts";
import { gatewayType, type Transit } from "./transit.ts";

/** A subnet that stands in a VPC of the plan. */
export interface Subnet {
  readonly resource: StackResource;
  readonly vpc: StackResource;
  /** Model id of the VPC. */
  readonly network: string;
  readonly block: Cidr;
  readonly zone: string;
}

const tableType = "aws:ec2/routeTable:RouteTable";
const natType = "aws:ec2/natGateway:NatGateway";
const internetType = "aws:ec2/internetGateway:InternetGateway";
const eipType = "aws:ec2/eip:Eip";

const Table = z.object({
  vpcId: z.string(),
  routes: z.array(z.unknown()).max(0, "routes inside a table undo those of other resources").optional(),
});
const Association = z.object({ subnetId: z.string(), routeTableId: z.string() });
const RouteInputs = z
  .strictObject({
    routeTableId: z.string(),
    destinationCidrBlock: Cidr,
    gatewayId: z.string().optional(),
    natGatewayId: z.string().optional(),
    networkInterfaceId: z.string().optional(),
    transitGatewayId: z.string().optional(),
  })
  .refine((route) => targets.filter((field) => route[field] !== undefined).length === 1, {
    error: "a route has exactly one target",
  });
const targets = ["gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId"] as const;
const NatInputs = z.object({
  subnetId: z.string(),
  allocationId: z.string().optional(),
  connectivityType: z.enum(["public", "private"]).default("public"),
});

/** One router per subnet, since the same table leads to another end of a Transit Gateway in each zone. */
export function awsRouters(
  resources: Resources,
  subnets: readonly Subnet[],
  gatewayOf: ReadonlyMap<string, StackResource>,
  transit: Transit,
): { routers: Router[]; nats: Nat[] } {
  const tables = new Map(resources.ofType(tableType, Table).map((table) => [keyOf(table.resource), table]));
  const routesOf = readRoutes(resources);
  const tableOf = readAssociations(resources);
  const nats = readNats(resources, subnets);
  const routers = subnets.map((subnet): Router => {
    const table = tableOf.get(keyOf(subnet.resource));
    if (table && !sameVpc(resources, tables.get(keyOf(table)), subnet)) {
      resources.flaw(table, `it is not of the VPC of its subnet ${subnet.resource.name}`);
    }
    const written = table ? (routesOf.get(keyOf(table)) ?? []) : [];
    const own: Route = {
      prefix: vpcBlock(resources, subnet),
      next: { kind: "local" },
      // Nothing can be as long and win: EC2 refuses a second route of the VPC's own block.
      preference: 2,
      origin: originOf(subnet.vpc),
      implied: true,
    };
    return {
      id: keyOf(subnet.resource),
      label: table ? `route table ${table.name}` : `the main route table (subnet ${subnet.resource.name} has no other)`,
      origin: originOf(table ?? subnet.resource),
      network: subnet.network,
      routes: [own, ...written.map((route) => toRoute(resources, route, subnet, gatewayOf, transit))],
    };
  });
  return { routers, nats };
}

function vpcBlock(resources: Resources, { vpc }: Subnet): Cidr {
  const parsed = Cidr.safeParse(vpc.inputs.cidrBlock);
  if (!parsed.success) resources.flaw(vpc, "cidrBlock cannot be read");
  return parsed.success ? parsed.data : Cidr.parse("0.0.0.0/32");
}

function sameVpc(resources: Resources, table: Read<z.infer<typeof Table>> | undefined, { vpc }: Subnet): boolean {
  if (!table) return false;
  const found = resources.referred(table.resource, "vpcId", vpcType, table.inputs.vpcId);
  return found !== undefined && keyOf(found) === keyOf(vpc);
}

type RouteResource = Read<z.infer<typeof RouteInputs>>;

/** Routes by their table; two for the same block in one table are one too many. */
function readRoutes(resources: Resources): Map<string, RouteResource[]> {
  const byTable = new Map<string, Map<string, RouteResource>>();
  for (const route of resources.ofType("aws:ec2/route:Route", RouteInputs)) {
    const { resource, inputs } = route;
    const table = resources.referred(resource, "routeTableId", tableType, inputs.routeTableId);
    if (!table) continue;
    const routes = byTable.get(keyOf(table)) ?? new Map<string, RouteResource>();
    const other = routes.get(inputs.destinationCidrBlock);
    if (other)
      resources.flaw(
        resource,
        `${table.name} has a route for ${inputs.destinationCidrBlock} already, ${other.resource.name}`,
      );
    else routes.set(inputs.destinationCidrBlock, route);
    byTable.set(keyOf(table), routes);
  }
  return new Map([...byTable].map(([table, routes]) => [table, [...routes.values()]]));
}

function readAssociations(resources: Resources): Map<string, StackResource> {
  const tableOf = new Map<string, StackResource>();
  for (const { resource, inputs } of resources.ofType(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    Association,
  )) {
    const subnet = resources.referred(resource, "subnetId", subnetType, inputs.subnetId);
    const table = resources.referred(resource, "routeTableId", tableType, inputs.routeTableId);
    if (!subnet || !table) continue;
    const other = tableOf.get(keyOf(subnet));
    if (other) resources.flaw(resource, `${subnet.name} is associated with ${other.name} already`);
    else tableOf.set(keyOf(subnet), table);
  }
  return tableOf;
}

function toRoute(
  resources: Resources,
  { resource, inputs }: RouteResource,
  subnet: Subnet,
  gatewayOf: ReadonlyMap<string, StackResource>,
  transit: Transit,
): Route {
  return {
    prefix: inputs.destinationCidrBlock,
    next: nextOf(resources, resource, inputs, subnet, gatewayOf, transit),
    preference: 1,
    origin: originOf(resource),
    implied: false,
  };
}

function nextOf(
  resources: Resources,
  resource: StackResource,
  inputs: z.infer<typeof RouteInputs>,
  subnet: Subnet,
  gatewayOf: ReadonlyMap<string, StackResource>,
  transit: Transit,
): Next {
  const lost: Next = { kind: "drop", reason: `route ${resource.name} leads to nothing` };
  if (inputs.gatewayId !== undefined) {
    const gateway = resources.referred(resource, "gatewayId", internetType, inputs.gatewayId);
    if (!gateway) return lost;
    return gatewayOf.get(keyOf(subnet.vpc)) === gateway
      ? { kind: "internet" }
      : { kind: "drop", reason: `internet gateway ${gateway.name} is not attached to ${subnet.vpc.name}` };
  }
  if (inputs.natGatewayId !== undefined) {
    const nat = resources.referred(resource, "natGatewayId", natType, inputs.natGatewayId);
    return nat ? { kind: "nat", nat: keyOf(nat) } : lost;
  }
  if (inputs.networkInterfaceId !== undefined) {
    const port = resources.referred(resource, "networkInterfaceId", interfaceType, inputs.networkInterfaceId);
    return port ? { kind: "port", port: keyOf(port) } : lost;
  }
  const gateway = resources.referred(resource, "transitGatewayId", gatewayType, inputs.transitGatewayId ?? "");
  return gateway ? transit.from(subnet, gateway) : lost;
}

function readNats(resources: Resources, subnets: readonly Subnet[]): Nat[] {
  const allocated = new Map<string, string>();
  return resources.ofType(natType, NatInputs).flatMap(({ resource, inputs }) => {
    const found = resources.referred(resource, "subnetId", subnetType, inputs.subnetId);
    const subnet = found && subnets.find((each) => keyOf(each.resource) === keyOf(found));
    if (!subnet) return [];
    const eip =
      inputs.allocationId === undefined
        ? undefined
        : resources.referred(resource, "allocationId", eipType, inputs.allocationId);
    const other = eip && allocated.get(keyOf(eip));
    if (eip && other !== undefined) resources.flaw(resource, `its address ${eip.name} is ${other}'s`);
    if (eip) allocated.set(keyOf(eip), resource.name);
    return [
      {
        id: keyOf(resource),
        label: `NAT gateway ${resource.name}`,
        origin: originOf(resource),
        router: keyOf(subnet.resource),
        network: subnet.network,
        public: inputs.connectivityType === "public" && eip !== undefined,
      },
    ];
  });
}
