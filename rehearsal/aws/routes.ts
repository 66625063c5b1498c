import { type Problem, type Properties, Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { exactlyOne, networkProblem, objects, text } from "./fields.ts";
import { contains, overlaps, parseBlock } from "./ipv4.ts";
import { mustSubnet, mustVpc, vpcIdOf } from "./references.ts";
import { accountId, blockOf, type Definition, digits, type Scene, type View } from "./resource.ts";
import { types } from "./types.ts";

const destinations = ["destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"];
const targets = [
  "carrierGatewayId",
  "coreNetworkArn",
  "egressOnlyGatewayId",
  "gatewayId",
  "localGatewayId",
  "natGatewayId",
  "networkInterfaceId",
  "odbNetworkArn",
  "transitGatewayId",
  "vpcEndpointId",
  "vpcPeeringConnectionId",
];

/** The VPC of a route table, be it of its own or a VPC's main one. */
export function tableVpc(scene: Scene, tableId: string): WorldObject | undefined {
  const table = scene.get(types.routeTable, tableId);
  if (table !== undefined) return scene.get(types.vpc, vpcIdOf(table));
  return scene.find(types.vpc).find(({ properties }) => text(properties, "mainRouteTableId") === tableId);
}

function mustTableVpc(scene: Scene, tableId: string): WorldObject {
  const vpc = tableVpc(scene, tableId);
  if (vpc === undefined) {
    throw new Refusal("InvalidRouteTableID.NotFound", `The routeTable ID '${tableId}' does not exist`);
  }
  return vpc;
}

/** Refuses a target that does not exist, stands in another VPC, or cannot take this destination. */
function checkTarget(scene: Scene, vpc: WorldObject, tableId: string, route: JsonObject, destination: string): void {
  const foreign = (what: string, id: string): Refusal =>
    new Refusal("InvalidParameterValue", `route table ${tableId} and ${what} ${id} belong to different networks`);
  const gatewayId = text(route, "gatewayId");
  if (gatewayId !== undefined && gatewayId !== "local") {
    const gateway =
      scene.get(types.internetGateway, gatewayId) ??
      (gatewayId.startsWith("vgw-") ? undefined : scene.get(types.vpcEndpoint, gatewayId));
    if (gateway === undefined) {
      const code = gatewayId.startsWith("igw-") ? "InvalidInternetGatewayID.NotFound" : "InvalidGatewayID.NotFound";
      throw new Refusal(code, `The gateway ID '${gatewayId}' does not exist`);
    }
    if (vpcIdOf(gateway) !== vpc.id) throw foreign("network gateway", gatewayId);
  }
  const natId = text(route, "natGatewayId");
  if (natId !== undefined) {
    const nat = scene.must(
      types.natGateway,
      natId,
      "InvalidNatGatewayID.NotFound",
      `The natGateway ID '${natId}' does not exist`,
    );
    if (vpcIdOf(nat) !== vpc.id) throw foreign("NAT gateway", natId);
  }
  const interfaceId = text(route, "networkInterfaceId");
  if (interfaceId !== undefined) {
    const found = scene.must(
      types.networkInterface,
      interfaceId,
      "InvalidNetworkInterfaceID.NotFound",
      `The networkInterface ID '${interfaceId}' does not exist`,
    );
    const subnet = mustSubnet(scene, text(found.properties, "subnetId"));
    if (vpcIdOf(subnet) !== vpc.id) throw foreign("interface", interfaceId);
  }
  const transitId = text(route, "transitGatewayId");
  if (transitId !== undefined) {
    const attached = scene
      .users(vpc.id, [[types.vpcAttachment, "vpcId"]])
      .some(({ properties }) => text(properties, "transitGatewayId") === transitId);
    // The same answer for a gateway that is nowhere and for one that this VPC is not attached to.
    if (scene.get(types.transitGateway, transitId) === undefined || !attached) {
      throw new Refusal(
        "InvalidTransitGatewayID.NotFound",
        `The transitGateway ID '${transitId}' does not exist or is not attached to ${vpc.id}.`,
      );
    }
  }
  const endpointId = text(route, "vpcEndpointId");
  if (endpointId !== undefined) {
    scene.must(
      types.vpcEndpoint,
      endpointId,
      "InvalidVpcEndpointId.NotFound",
      `The Vpc Endpoint Id '${endpointId}' does not exist`,
    );
  }
  checkDestination(
    scene,
    vpc,
    destination,
    interfaceId !== undefined || natId !== undefined || endpointId !== undefined,
  );
}

/** docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html: within the VPC only a whole subnet, and only to an interface or its like. */
function checkDestination(scene: Scene, vpc: WorldObject, destination: string, throughInterface: boolean): void {
  const block = parseBlock(destination);
  if (block === undefined) return;
  const own = text(vpc.properties, "cidrBlock") ?? "";
  if (destination === own) {
    throw new Refusal("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
  }
  if (contains(blockOf(own), block)) {
    if (!throughInterface) {
      throw new Refusal(
        "InvalidParameterValue",
        `The destination CIDR block ${destination} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.`,
      );
    }
    const subnets = scene.users(vpc.id, [[types.subnet, "vpcId"]]);
    if (!subnets.some(({ properties }) => text(properties, "cidrBlock") === destination)) {
      throw new Refusal(
        "InvalidParameterValue",
        `The destination CIDR block ${destination} does not match any subnet of ${vpc.id}; a route within the VPC must match a whole subnet.`,
      );
    }
  }
  // Link-local services (metadata, DNS, time) keep their addresses.
  const linkLocal = parseBlock("169.254.0.0/16");
  if (linkLocal !== undefined && overlaps(linkLocal, block) && block.prefix >= 16) {
    throw new Refusal("InvalidParameterValue", `invalid value for parameter destination-cidr-block: ${destination}`);
  }
}

function checkQuota(scene: Scene, count: number): void {
  if (count > scene.quotas.routesPerTable) {
    throw new Refusal("RouteLimitExceeded", "The maximum number of routes has been reached.");
  }
}

/** Seconds: CreateRouteTable, CreateRoute and AssociateRouteTable answer at once; the provider's first poll sees them (1 s in its logs). */
const routeTable: Definition = {
  type: types.routeTable,
  prefix: "rtb",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => inlineProblems(inputs),
  make(inputs, scene, { id, old }) {
    const vpc = mustVpc(scene, text(inputs, "vpcId"));
    const siblings = scene.users(vpc.id, [[types.routeTable, "vpcId"]], id);
    if (old === undefined && siblings.length >= scene.quotas.routeTablesPerVpc) {
      throw new Refusal("RouteTableLimitExceeded", "The maximum number of route tables has been reached.");
    }
    const routes = objects(inputs, "routes");
    const seen = new Set<string>();
    for (const route of routes) {
      const destination =
        text(route, "cidrBlock") ?? text(route, "ipv6CidrBlock") ?? text(route, "destinationPrefixListId") ?? "";
      if (seen.has(destination)) {
        throw new Refusal("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
      }
      seen.add(destination);
      checkTarget(scene, vpc, id, route, destination);
    }
    if (routes.length > 0 && standaloneRoutes(scene, id).length > 0) throw mixed(id);
    checkQuota(scene, routes.length);
    return { outputs: { arn: scene.arn("ec2", `route-table/${id}`), propagatingVgws: [] } };
  },
  remove({ id }, scene) {
    const users = scene.users(id, [[types.routeTableAssociation, "routeTableId"]]);
    if (users.length > 0) {
      throw new Refusal("DependencyViolation", `The routeTable '${id}' has dependencies and cannot be deleted.`);
    }
  },
};

function inlineProblems(inputs: Properties): Problem[] {
  const routes = inputs.routes;
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route, position) => {
    if (typeof route !== "object" || route === null) return [];
    const at = (problem: Problem): Problem => ({ ...problem, property: `routes[${position}].${problem.property}` });
    const properties = route as Properties;
    return [
      ...exactlyOne(properties, ["cidrBlock", "ipv6CidrBlock", "destinationPrefixListId"]),
      ...exactlyOne(properties, targets),
      ...networkProblem(properties, "cidrBlock"),
    ].map(at);
  });
}

function standaloneRoutes(scene: Scene, tableId: string): WorldObject[] {
  return scene.users(tableId, [[types.route, "routeTableId"]]);
}

/** AWS would take both; the provider then deletes the one through the other, up after up. */
function mixed(tableId: string): Refusal {
  return new Refusal(
    "ConflictingRouteOwners",
    `${tableId} has inline routes, and a standalone aws:ec2/route:Route as well: each would delete the other's routes at the next update. Write all its routes as standalone resources.`,
  );
}

const route: Definition = {
  type: types.route,
  prefix: "r",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => [
    ...exactlyOne(inputs, destinations),
    ...exactlyOne(inputs, targets),
    ...networkProblem(inputs, "destinationCidrBlock"),
  ],
  make(inputs, scene, self) {
    const tableId = text(inputs, "routeTableId") ?? "";
    const vpc = mustTableVpc(scene, tableId);
    const destination = destinations.map((key) => text(inputs, key)).find((value) => value !== undefined) ?? "";
    const others = standaloneRoutes(scene, tableId).filter(({ id }) => self.old === undefined || id !== self.id);
    if (others.some(({ properties }) => destinations.some((key) => text(properties, key) === destination))) {
      throw new Refusal("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
    }
    const table = scene.get(types.routeTable, tableId);
    if (table !== undefined && objects(table.properties, "routes").length > 0) throw mixed(tableId);
    checkTarget(scene, vpc, tableId, inputs, destination);
    checkQuota(scene, others.length + 1);
    const target = scene.get(types.networkInterface, text(inputs, "networkInterfaceId"));
    const instanceId = target === undefined ? "" : (attachedInstance(scene, target.id)?.id ?? "");
    return {
      id: self.old === undefined ? `r-${tableId}${digits(destination, 10)}` : self.id,
      outputs: {
        origin: "CreateRoute",
        state: "active",
        instanceId,
        instanceOwnerId: instanceId === "" ? "" : accountId,
      },
    };
  },
};

/** The instance that a network interface is attached to. */
export function attachedInstance(view: View, interfaceId: string): WorldObject | undefined {
  return view.users(interfaceId, [[types.instance, "primaryNetworkInterfaceId"]])[0];
}

const association: Definition = {
  type: types.routeTableAssociation,
  prefix: "rtbassoc",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => exactlyOne(inputs, ["subnetId", "gatewayId"]),
  make(inputs, scene, { id }) {
    const tableId = text(inputs, "routeTableId") ?? "";
    const vpc = mustTableVpc(scene, tableId);
    const subnetId = text(inputs, "subnetId");
    const gatewayId = text(inputs, "gatewayId");
    if (subnetId !== undefined && vpcIdOf(mustSubnet(scene, subnetId)) !== vpc.id) {
      throw new Refusal(
        "InvalidParameterValue",
        `Route table ${tableId} and subnet ${subnetId} belong to different networks`,
      );
    }
    if (gatewayId !== undefined) {
      scene.must(
        types.internetGateway,
        gatewayId,
        "InvalidGatewayID.NotFound",
        `The gateway ID '${gatewayId}' does not exist`,
      );
    }
    const taken = scene.users(
      subnetId ?? gatewayId ?? "",
      [[types.routeTableAssociation, subnetId === undefined ? "gatewayId" : "subnetId"]],
      id,
    );
    if (taken.length > 0) {
      throw new Refusal(
        "Resource.AlreadyAssociated",
        `the specified association for route table ${tableId} conflicts with an existing association`,
      );
    }
    return {};
  },
};

/** Route tables of VPCs, their routes, and which subnets use them. */
export const routeDefinitions: readonly Definition[] = [routeTable, route, association];
