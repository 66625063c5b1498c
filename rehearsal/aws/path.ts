import type { Json, World, WorldObject } from "../world.ts";
import { flag, text, texts } from "./fields.ts";
import { holds, parseAddress, parseBlock } from "./ipv4.ts";
import {
  awsRouteTables,
  awsTargets,
  interfaceAt,
  nameOf,
  type RouteFacts,
  type RouteTableFacts,
  routeTo,
  snapshot,
} from "./queries.ts";
import { vpcIdOf } from "./references.ts";
import { type Reader, View } from "./resource.ts";
import { type Rule, rulesOf } from "./security.ts";
import { types } from "./types.ts";

/** A packet on its way through AWS. */
export interface Packet {
  /** Private address of the machine that sends it, or the id of the VPN connection it comes in by. */
  readonly from: string;
  /** Its source address: the machine's own unless a pod sends. */
  readonly source?: string;
  /** Its destination address: a machine's, a pod's, or one beyond the VPN. */
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "esp";
  /** Destination port; leave it out for ICMP and ESP. */
  readonly port?: number;
}

/** The world at one moment, and its route tables. */
interface Ground {
  readonly reader: Reader;
  readonly tables: readonly RouteTableFacts[];
}

/**
 * Why packets do not arrive, asked of the world as it is now: the first table without a route, interface that checks source
 * and destination, or security group that does not admit the packet. `undefined` when it arrives, or leaves AWS towards the
 * Internet or a VPN.
 */
export function awsObstacles(world: World): (packet: Packet) => string | undefined {
  const reader = snapshot(world);
  const ground = { reader, tables: awsRouteTables(reader) };
  return (packet) => (packet.from.startsWith("vpn-") ? fromVpn(ground, packet) : fromMachine(ground, packet));
}

/** The same for one packet. */
export function awsObstacle(world: World, packet: Packet): string | undefined {
  return awsObstacles(world)(packet);
}

function fromMachine(ground: Ground, packet: Packet): string | undefined {
  const sender = interfaceAt(ground.reader, packet.from);
  if (sender === undefined) return `no interface has the address ${packet.from}`;
  const source = packet.source ?? packet.from;
  if (source !== packet.from && checks(sender)) {
    return `${nameOf(sender)} drops packets from ${source}: sourceDestCheck is on`;
  }
  const view = new View(ground.reader, sender.place);
  if (!admitted(view, sender, "egress", packet.to, packet)) return noRule(sender, "egress", packet.to, packet);
  return forward(ground, view, text(sender.properties, "subnetId") ?? "", packet);
}

function checks({ properties }: WorldObject): boolean {
  return flag(properties, "sourceDestCheck", true);
}

/** From a subnet's router to the destination. */
function forward(ground: Ground, view: View, subnetId: string, packet: Packet): string | undefined {
  const subnet = view.get(types.subnet, subnetId);
  const vpc = subnet === undefined ? undefined : view.get(types.vpc, vpcIdOf(subnet));
  const to = parseAddress(packet.to);
  const own = parseBlock(vpc === undefined ? "" : (text(vpc.properties, "cidrBlock") ?? ""));
  if (subnet === undefined || vpc === undefined || to === undefined) return `subnet ${subnetId} does not exist`;
  if (own !== undefined && holds(own, to)) return deliver(ground, packet, packet.to, undefined);
  const table = ground.tables.find(({ subnetIds }) => subnetIds.includes(subnetId));
  if (table === undefined) return `${nameOf(subnet)} has no route table with a route for ${packet.to}`;
  const route = routeTo(table, packet.to);
  if (route === undefined) return `route table ${table.name} has no route for ${packet.to}`;
  if (route.state === "blackhole")
    return `route table ${table.name}: ${route.destination} leads to ${route.target}, which is gone or attached to nothing`;
  if (route.address !== undefined) return deliver(ground, packet, route.address, route);
  if (route.target.startsWith("tgw-"))
    return overTransit(ground, view, { gatewayId: route.target, vpcId: vpc.id }, packet);
  return undefined;
}

/** To the interface with this address; `route` is set when the packet is for something behind it. */
function deliver(ground: Ground, packet: Packet, address: string, route: RouteFacts | undefined): string | undefined {
  const receiver = interfaceAt(ground.reader, address);
  if (receiver === undefined) return toBalancer(ground, packet, address);
  if (route !== undefined && checks(receiver)) {
    return `${nameOf(receiver)} drops packets for ${packet.to}: sourceDestCheck is on`;
  }
  const source = packet.source ?? packet.from;
  const view = new View(ground.reader, receiver.place);
  return admitted(view, receiver, "ingress", source, packet) ? undefined : noRule(receiver, "ingress", source, packet);
}

/** To a load balancer's front end, and from there to at least one of its targets. */
function toBalancer(ground: Ground, packet: Packet, address: string): string | undefined {
  const balancer = ground.reader
    .find("aws", types.loadBalancer)
    .find((candidate) => heldBy(candidate).includes(address));
  if (balancer === undefined)
    return isHeld(ground.reader, address) ? undefined : `no interface has the address ${address}`;
  const targets = awsTargets(ground.reader, address, packet.port ?? 0);
  if (targets === undefined) return `${nameOf(balancer)} has no listener on port ${packet.port}`;
  const view = new View(ground.reader, balancer.place);
  const source = packet.source ?? packet.from;
  const guarded = groupsOf(balancer).length > 0;
  if (guarded && !admitted(view, balancer, "ingress", source, packet))
    return noRule(balancer, "ingress", source, packet);
  const obstacles = targets.map((target) => {
    // Client addresses end here: our target groups do not preserve them.
    const next: Packet = { from: address, to: target.address, protocol: packet.protocol, port: target.port };
    if (guarded && !admitted(view, balancer, "egress", target.address, next))
      return noRule(balancer, "egress", target.address, next);
    return deliver(ground, next, target.address, undefined);
  });
  if (obstacles.length === 0) return `${nameOf(balancer)} has no target behind port ${packet.port}`;
  return obstacles.includes(undefined) ? undefined : obstacles[0];
}

function heldBy({ properties }: WorldObject): Json[] {
  return Object.values(properties.holds ?? {}).flat();
}

function isHeld(reader: Reader, address: string): boolean {
  const holders = [types.vpcEndpoint, types.natGateway, types.vpcAttachment];
  return holders.flatMap((type) => reader.find("aws", type)).some((holder) => heldBy(holder).includes(address));
}

/** From a VPC into a transit gateway: its attachment's table must lead on. */
function overTransit(
  ground: Ground,
  view: View,
  { gatewayId, vpcId }: { gatewayId: string; vpcId: string },
  packet: Packet,
): string | undefined {
  const attachment = view
    .users(vpcId, [[types.vpcAttachment, "vpcId"]])
    .find(({ properties }) => text(properties, "transitGatewayId") === gatewayId);
  if (attachment === undefined) return `${vpcId} is not attached to ${gatewayId}`;
  return transit(ground, view, attachment.id, packet);
}

function fromVpn(ground: Ground, packet: Packet): string | undefined {
  const connection = ground.reader.get("aws", packet.from);
  if (connection === undefined) return `VPN connection ${packet.from} does not exist`;
  const attachmentId = text(connection.properties, "transitGatewayAttachmentId") ?? "";
  return transit(ground, new View(ground.reader, connection.place), attachmentId, packet);
}

/** Through the transit gateway's table that is associated with an attachment, and on. */
function transit(ground: Ground, view: View, attachmentId: string, packet: Packet): string | undefined {
  const association = view.users(attachmentId, [[types.transitAssociation, "transitGatewayAttachmentId"]])[0];
  const entry =
    view.get(types.vpcAttachment, attachmentId) ??
    view.users(attachmentId, [[types.vpnConnection, "transitGatewayAttachmentId"]])[0];
  const tableId =
    association === undefined
      ? (text(entry?.properties ?? {}, "defaultTable") ?? "")
      : (text(association.properties, "transitGatewayRouteTableId") ?? "");
  if (tableId === "") return `${attachmentId} is associated with no transit gateway route table`;
  const next = nextAttachment(view, tableId, packet.to);
  if (next === undefined) return `transit gateway route table ${tableId} has no route for ${packet.to}`;
  if (next === "blackhole") return `transit gateway route table ${tableId} drops packets for ${packet.to}`;
  const target = view.get(types.vpcAttachment, next);
  // Beyond a VPN the other cloud decides.
  if (target === undefined) return undefined;
  // Traffic enters the VPC through the attachment's subnets, each with its own table.
  return texts(target.properties, "subnetIds")
    .map((subnetId) => forward(ground, view, subnetId, packet))
    .find((obstacle) => obstacle !== undefined);
}

/** Static routes first by length of prefix, then what VPCs and VPNs propagate. A VPN may announce any prefix. */
function nextAttachment(view: View, tableId: string, address: string): string | undefined {
  const to = parseAddress(address) ?? 0;
  const inside = (cidr: string | undefined): number => {
    const block = parseBlock(cidr ?? "");
    return block !== undefined && holds(block, to) ? block.prefix : -1;
  };
  const [best] = view
    .users(tableId, [[types.transitRoute, "transitGatewayRouteTableId"]])
    .map(({ properties }) => ({ properties, prefix: inside(text(properties, "destinationCidrBlock")) }))
    .filter(({ prefix }) => prefix >= 0)
    .sort((a, b) => b.prefix - a.prefix);
  if (best !== undefined) return text(best.properties, "transitGatewayAttachmentId") ?? "blackhole";
  const propagating = view
    .users(tableId, [[types.transitPropagation, "transitGatewayRouteTableId"]])
    .map(({ properties }) => text(properties, "transitGatewayAttachmentId") ?? "");
  const vpc = propagating.find((id) => {
    const attachment = view.get(types.vpcAttachment, id);
    const network = attachment === undefined ? undefined : view.get(types.vpc, vpcIdOf(attachment));
    return network !== undefined && inside(text(network.properties, "cidrBlock")) >= 0;
  });
  return vpc ?? propagating.find((id) => view.get(types.vpcAttachment, id) === undefined);
}

function groupsOf({ type, properties }: WorldObject): string[] {
  return texts(properties, type === types.instance ? "vpcSecurityGroupIds" : "securityGroups");
}

function admitted(
  view: View,
  owner: WorldObject,
  direction: "ingress" | "egress",
  peer: string,
  packet: Packet,
): boolean {
  return groupsOf(owner).some((groupId) =>
    rulesOf(view, groupId, direction).some((rule) => fits(rule, packet) && covers(view, rule.peer, peer)),
  );
}

function fits({ protocol, from, to }: Rule, packet: Packet): boolean {
  if (protocol === "-1") return true;
  const name = packet.protocol === "esp" ? "50" : packet.protocol;
  if (protocol !== name) return false;
  if (packet.port === undefined || from === -1 || packet.protocol === "esp" || packet.protocol === "icmp") return true;
  return from <= packet.port && packet.port <= to;
}

/** A CIDR covers addresses; a group covers the private addresses of its members' interfaces, never a pod's (facts/cloud.md §1.4). */
function covers(view: View, rulePeer: string, address: string): boolean {
  const block = parseBlock(rulePeer);
  if (block !== undefined) return holds(block, parseAddress(address) ?? -1);
  const member = interfaceAt(view.reader, address);
  return member !== undefined && groupsOf(member).includes(rulePeer);
}

function noRule(owner: WorldObject, direction: "ingress" | "egress", peer: string, { protocol, port }: Packet): string {
  const what = port === undefined ? protocol : `${protocol} ${port}`;
  return `security groups ${groupsOf(owner).join(", ")} of ${nameOf(owner)} have no ${direction} rule for ${what} ${direction === "ingress" ? "from" : "to"} ${peer}`;
}
