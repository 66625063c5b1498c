import type { World, WorldObject } from "../world.ts";
import { child, flag, number, objects, text, texts } from "./fields.ts";
import { holds, parseAddress, parseBlock } from "./ipv4.ts";
import { vpcIdOf } from "./references.ts";
import { type Reader, View } from "./resource.ts";
import { attachedInstance } from "./routes.ts";
import { targetGroupsOf } from "./targets.ts";
import { types } from "./types.ts";

/** An address and port that a load balancer sends to. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Where a route leads. */
export interface RouteFacts {
  /** An IPv4 CIDR; IPv6 and prefix lists are left out. */
  readonly destination: string;
  /** Id of an interface, a gateway or another target. */
  readonly target: string;
  /** `blackhole` when the target is gone or, for an interface, attached to no instance. */
  readonly state: "active" | "blackhole";
  /** Primary address of the target, when that is an interface. */
  readonly address?: string;
  /** Whether the target interface drops what is not addressed to itself. */
  readonly sourceDestCheck?: boolean;
}

/** A route table of a VPC as a reader wants it. */
export interface RouteTableFacts {
  readonly id: string;
  /** The `Name` tag, else the id. */
  readonly name: string;
  readonly vpcId: string;
  readonly region: string;
  readonly subnetIds: readonly string[];
  readonly routes: readonly RouteFacts[];
}

/** The world as it is now, each type read from the database once: for many questions at one time. */
export function snapshot(world: World): Reader {
  const objects = new Map(world.all().map((object) => [`${object.provider} ${object.id}`, object]));
  const types = Map.groupBy(objects.values(), ({ provider, type }) => `${provider} ${type}`);
  return {
    get: (provider, id) => objects.get(`${provider} ${id}`),
    find: (provider, type) => types.get(`${provider} ${type}`) ?? [],
  };
}

/** The `Name` tag of an object, else its id. */
export function nameOf({ id, properties }: WorldObject): string {
  const tags = properties.tags;
  const name = typeof tags === "object" && tags !== null && !Array.isArray(tags) ? tags.Name : undefined;
  return typeof name === "string" ? `${id} (${name})` : id;
}

/** A target group behind a listener. */
export interface TargetGroupFacts {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Whether its targets see the client's address instead of the load balancer's. */
  readonly preservesClient: boolean;
  /** Port of the health check; absent when each target's own is asked. */
  readonly healthPort?: number;
}

/** Target groups behind the front end `address:port` of a load balancer; `undefined` when nothing listens there. */
export function awsTargetGroups(reader: Reader, address: string, port: number): TargetGroupFacts[] | undefined {
  for (const balancer of reader.find("aws", types.loadBalancer)) {
    const front = Object.values(balancer.properties.holds ?? {}).flat();
    if (!front.includes(address)) continue;
    const view = new View(reader, balancer.place);
    const listener = view
      .users(balancer.id, [[types.listener, "loadBalancerArn"]])
      .find(({ properties }) => number(properties, "port") === port);
    if (listener !== undefined) return targetGroupsOf(listener.properties).map((arn) => groupFacts(view, arn));
  }
  return undefined;
}

function groupFacts(view: View, arn: string): TargetGroupFacts {
  const group = view.get(types.targetGroup, arn);
  const properties = group?.properties ?? {};
  const healthPort = Number(text(child(properties, "healthCheck") ?? {}, "port"));
  return {
    name: group === undefined ? arn : nameOf(group),
    targets: registered(view, arn),
    preservesClient: text(properties, "preserveClientIp") === "true",
    ...(Number.isInteger(healthPort) ? { healthPort } : {}),
  };
}

/** Targets behind the front end `address:port` of a load balancer; `undefined` when nothing listens there. */
export function awsTargets(reader: Reader, address: string, port: number): Target[] | undefined {
  return awsTargetGroups(reader, address, port)?.flatMap(({ targets }) => targets);
}

function registered(view: View, groupArn: string): Target[] {
  return view.users(groupArn, [[types.targetGroupAttachment, "targetGroupArn"]]).flatMap(({ properties }) => {
    const targetId = text(properties, "targetId") ?? "";
    const instance = view.get(types.instance, targetId);
    // An instance that was terminated stays registered, and is unused.
    if (instance === undefined && parseAddress(targetId) === undefined) return [];
    const address = instance === undefined ? targetId : (text(instance.properties, "privateIp") ?? "");
    return [{ address, port: number(properties, "port") ?? 0 }];
  });
}

/** Addresses of the machines behind the front end `address:port` of a load balancer; `undefined` when nothing listens there. */
export function awsFrontend(reader: Reader, address: string, port: number): string[] | undefined {
  return awsTargets(reader, address, port)?.map((target) => target.address);
}

/** Every route table of every VPC with its routes and where they lead: the material for "rtb-0.. (prod-seoul-node-a) has no route for 10.128.3.0/24". */
export function awsRouteTables(reader: Reader): RouteTableFacts[] {
  return reader.find("aws", types.routeTable).map((table) => {
    const view = new View(reader, table.place);
    const standalone = view.users(table.id, [[types.route, "routeTableId"]]).map(({ properties }) => properties);
    const inline = objects(table.properties, "routes").map((route) => ({
      ...route,
      destinationCidrBlock: route.cidrBlock ?? null,
    }));
    return {
      id: table.id,
      name: nameOf(table),
      vpcId: vpcIdOf(table),
      region: table.place,
      subnetIds: view
        .users(table.id, [[types.routeTableAssociation, "routeTableId"]])
        .map(({ properties }) => text(properties, "subnetId") ?? ""),
      routes: [...standalone, ...inline].flatMap((route) => {
        const destination = text(route, "destinationCidrBlock");
        return destination === undefined ? [] : [{ destination, ...leadsTo(view, route) }];
      }),
    };
  });
}

const targetKeys = [
  ["gatewayId", types.internetGateway],
  ["natGatewayId", types.natGateway],
  ["transitGatewayId", types.transitGateway],
  ["vpcEndpointId", types.vpcEndpoint],
] as const;

function leadsTo(view: View, route: WorldObject["properties"]): Omit<RouteFacts, "destination"> {
  const interfaceId = text(route, "networkInterfaceId");
  if (interfaceId === undefined) {
    const [key, type] = targetKeys.find(([name]) => text(route, name) !== undefined) ?? targetKeys[0];
    const target = text(route, key) ?? "";
    return { target, state: view.get(type, target) === undefined ? "blackhole" : "active" };
  }
  const found = view.get(types.networkInterface, interfaceId);
  const attached = found !== undefined && attachedInstance(view, interfaceId) !== undefined;
  return {
    target: interfaceId,
    state: attached ? "active" : "blackhole",
    ...(found === undefined
      ? {}
      : {
          address: text(found.properties, "privateIp") ?? "",
          sourceDestCheck: flag(found.properties, "sourceDestCheck", true),
        }),
  };
}

/** The route that a packet to `address` takes: the longest prefix that holds it. */
export function routeTo(table: RouteTableFacts, address: string): RouteFacts | undefined {
  const number = parseAddress(address);
  if (number === undefined) return undefined;
  const fitting = table.routes.flatMap((route) => {
    const block = parseBlock(route.destination);
    return block !== undefined && holds(block, number) ? [{ route, prefix: block.prefix }] : [];
  });
  return fitting.sort((a, b) => b.prefix - a.prefix)[0]?.route;
}

/** Public NAT gateways in subnets whose table does not lead to an internet gateway: AWS makes them, and nothing passes. */
export function strandedNatGateways(reader: Reader): string[] {
  const tables = awsRouteTables(reader);
  return reader
    .find("aws", types.natGateway)
    .filter(({ properties }) => text(properties, "connectivityType") !== "private")
    .filter(({ properties }) => {
      const table = tables.find(({ subnetIds }) => subnetIds.includes(text(properties, "subnetId") ?? ""));
      return table === undefined || !routeTo(table, "198.51.100.1")?.target.startsWith("igw-");
    })
    .map(nameOf);
}

/** The interface of a machine by its private address: an interface resource, or an instance that has its own. */
export function interfaceAt(reader: Reader, address: string): WorldObject | undefined {
  const holding = ({ properties }: WorldObject): boolean =>
    text(properties, "privateIp") === address || texts(properties, "privateIps").includes(address);
  const interfaces = reader.find("aws", types.networkInterface).find(holding);
  return interfaces ?? reader.find("aws", types.instance).find(holding);
}

/** The load balancer that has a front end at an address. */
export function balancerAt(reader: Reader, address: string): WorldObject | undefined {
  return reader.find("aws", types.loadBalancer).find(({ properties }) =>
    Object.values(properties.holds ?? {})
      .flat()
      .includes(address),
  );
}
