import { Refusal } from "../stand-in.ts";
import type { World, WorldObject } from "../world.ts";
import { parseAddress } from "./address.ts";
import { all, azure, childrenOf, type Draft, lastName, requirePrefix } from "./arm.ts";
import { flagAt, objectsAt, textAt } from "./fields.ts";
import { inlineOutputs, putInline, refuseBesideInline } from "./inline.ts";
import type { ArmType } from "./resource.ts";

/** Routes per table (learn.microsoft.com, azure-subscription-service-limits, networking). */
const routesPerTable = 400;

/** One route of a table. */
export const route: ArmType = {
  resource: "network:Route",
  armType: "Microsoft.Network/routeTables/routes",
  names: ["routeTableName", "routeName"],
  // Commonly seen; one operation at a time per table.
  seconds: { create: 4, update: 4, delete: 4 },
  settle: (draft) => {
    refuseBesideInline(draft, "routes");
    const prefix = textAt(draft.inputs, "addressPrefix");
    if (prefix === undefined)
      throw new Refusal("InvalidRequestFormat", `Cannot parse the request: ${draft.id} has no addressPrefix.`);
    // A service tag such as AzureCloud.koreasouth is allowed in place of a block.
    if (!/^[A-Z][\w.]*$/.test(prefix)) requirePrefix(prefix, draft.id);
    requireNextHop(draft);
    const others = childrenOf(draft.world, draft.parent, "network:Route").filter(({ id }) => id !== draft.id);
    const twin = others.find((other) => textAt(other.properties, "addressPrefix") === prefix);
    if (twin !== undefined)
      throw new Refusal(
        "RouteConflict",
        `Route ${draft.name} conflicts with route ${lastName(twin.id)}. Routes cannot have the same AddressPrefix ${prefix}.`,
      );
    if (others.length >= routesPerTable)
      throw new Refusal(
        "RouteCountLimitReached",
        `Cannot create more than ${routesPerTable} routes per route table ${draft.parent}.`,
      );
    if (prefix === "0.0.0.0/0") {
      const gateway = associated(draft.world, draft.parent).find((subnet) => lastName(subnet.id) === "GatewaySubnet");
      if (gateway !== undefined) throw defaultRouteOnGateway(draft.parent);
    }
    return {};
  },
};

function requireNextHop({ id, inputs }: Draft): void {
  const type = textAt(inputs, "nextHopType") ?? "";
  const address = textAt(inputs, "nextHopIpAddress");
  const appliance = type === "VirtualAppliance";
  if (appliance === (address !== undefined) && (address === undefined || parseAddress(address) !== undefined)) return;
  throw new Refusal(
    "InvalidRouteNextHop",
    appliance
      ? `Route ${id} with nextHopType VirtualAppliance needs a nextHopIpAddress that is an IPv4 address, not '${address ?? ""}'.`
      : `Route ${id} with nextHopType ${type} cannot have the nextHopIpAddress ${address}; only VirtualAppliance takes one.`,
  );
}

/** Routes listed inline or standing alone; used by subnets. */
export const routeTable: ArmType = {
  resource: "network:RouteTable",
  armType: "Microsoft.Network/routeTables",
  names: ["routeTableName"],
  // Commonly seen.
  seconds: { create: 4, update: 4, delete: 5 },
  settle: (draft) => {
    const gateway = associated(draft.world, draft.id).find((subnet) => lastName(subnet.id) === "GatewaySubnet");
    if (gateway !== undefined && flagAt(draft.inputs, "disableBgpRoutePropagation"))
      throw noPropagationOnGateway(draft.id);
    return inlineOutputs(draft, "routes");
  },
  settled: (draft) => putInline(draft, route, "routes"),
  release: ({ id }, { world }) => {
    const subnets = associated(world, id);
    if (subnets.length > 0)
      throw new Refusal(
        "InUseRouteTableCannotBeDeleted",
        `Route table ${lastName(id)} is in use and cannot be deleted. It is associated with ${subnets.map((subnet) => subnet.id).join(", ")}.`,
      );
    for (const inside of childrenOf(world, id, "network:Route")) world.remove(azure, inside.id);
  },
};

/** Subnets that use a route table. */
function associated(world: World, table: string): WorldObject[] {
  return all(world, "network:Subnet").filter((subnet) => textAt(subnet.properties, "routeTable.id") === table);
}

/** Refuses what a gateway's subnet cannot live with (learn.microsoft.com, vpn-gateway-about-vpn-gateway-settings, "gateway subnet"). */
export function refuseGatewayRoutes(world: World, table: WorldObject): void {
  if (flagAt(table.properties, "disableBgpRoutePropagation")) throw noPropagationOnGateway(table.id);
  const routes = childrenOf(world, table.id, "network:Route");
  if (routes.some((inside) => textAt(inside.properties, "addressPrefix") === "0.0.0.0/0"))
    throw defaultRouteOnGateway(table.id);
}

function defaultRouteOnGateway(table: string): Refusal {
  return new Refusal(
    "GatewaySubnetRouteNotSupported",
    `Route table ${table} has a route to 0.0.0.0/0, which is not supported on the GatewaySubnet it is associated with.`,
  );
}

function noPropagationOnGateway(table: string): Refusal {
  return new Refusal(
    "GatewaySubnetRouteNotSupported",
    `Route table ${table} has disableBgpRoutePropagation, with which the gateway in the GatewaySubnet will not function.`,
  );
}

/** One route table as a readiness check wants to read it. */
export interface RouteTableState {
  readonly id: string;
  readonly propagatesBgp: boolean;
  /** Ids of the subnets that use it. */
  readonly subnets: readonly string[];
  readonly routes: readonly RouteState[];
}

/** One route and whether something takes what it sends. */
export interface RouteState {
  readonly name: string;
  readonly prefix: string;
  readonly nextHopType: string;
  /** Only of `VirtualAppliance`. */
  readonly nextHop?: string;
  /** Id of the network interface that has the next hop's address; absent when none has. */
  readonly networkInterface?: string;
  /** Whether that interface has IP forwarding; without it Azure drops the packets. */
  readonly forwards: boolean;
}

/** All route tables of the world with their routes, for a check that says which route is missing or leads nowhere. */
export function azureRouteTables(world: World): RouteTableState[] {
  const interfaces = new Map(
    all(world, "network:NetworkInterface").flatMap((nic) =>
      objectsAt(nic.properties, "ipConfigurations").map(
        (part) => [textAt(part, "privateIPAddress") ?? "", nic] as const,
      ),
    ),
  );
  return all(world, "network:RouteTable").map((table) => ({
    id: table.id,
    propagatesBgp: !flagAt(table.properties, "disableBgpRoutePropagation"),
    subnets: associated(world, table.id).map((subnet) => subnet.id),
    routes: childrenOf(world, table.id, "network:Route").map(({ id, properties }): RouteState => {
      const nextHop = textAt(properties, "nextHopIpAddress");
      const nic = nextHop === undefined ? undefined : interfaces.get(nextHop);
      return {
        name: lastName(id),
        prefix: textAt(properties, "addressPrefix") ?? "",
        nextHopType: textAt(properties, "nextHopType") ?? "",
        ...(nextHop === undefined ? {} : { nextHop }),
        ...(nic === undefined ? {} : { networkInterface: nic.id }),
        forwards: nic !== undefined && flagAt(nic.properties, "enableIPForwarding"),
      };
    }),
  }));
}
