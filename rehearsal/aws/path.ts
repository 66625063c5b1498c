import { type Announced, arrived, kindOf, type Packet, type Passage, sourceOf, stopped } from "../packet.ts";
import type { World, WorldObject } from "../world.ts";
import { flag, text, texts } from "./fields.ts";
import { Ground } from "./ground.ts";
import { holds, isPrivate, parseAddress, parseBlock } from "./ipv4.ts";
import { awsTargetGroups, nameOf, type RouteFacts, routeTo, snapshot, type TargetGroupFacts } from "./queries.ts";
import { vpcIdOf, zoneOf } from "./references.ts";
import type { Reader, View } from "./resource.ts";
import { nextAttachment, tableOf } from "./transit-path.ts";
import { types } from "./types.ts";

/**
 * Answers how packets fare in AWS, asked of the world as `reader` has it. `announced` tells what comes in by BGP over a VPN connection;
 * without it every connection may announce anything.
 */
export function awsPassages(reader: Reader, announced: Announced = () => undefined): (packet: Packet) => Passage {
  const ground = new Ground(reader, announced);
  return (packet) => (packet.from.startsWith("vpn-") ? fromVpn(ground, packet) : fromMachine(ground, packet));
}

/** Why a packet does not arrive: the first table without a route, interface that checks source and destination, or security group that does not admit it. `undefined` when it arrives, or leaves AWS towards the Internet or a VPN. */
export function awsObstacle(world: World, packet: Packet): string | undefined {
  const passage = awsPassages(snapshot(world))(packet);
  return passage.end === "stopped" ? passage.by : undefined;
}

function fromMachine(ground: Ground, packet: Packet): Passage {
  const sender = ground.interfaceAt(packet.from);
  if (sender === undefined) return fromHolder(ground, packet);
  const source = sourceOf(packet);
  if (source !== packet.from && checks(sender)) {
    return stopped(`${nameOf(sender)} drops packets from ${source}: sourceDestCheck is on`);
  }
  const view = ground.view(sender.place);
  if (packet.reply === undefined && !ground.admits(sender, "egress", packet.to, packet))
    return noRule(sender, "egress", packet.to, packet);
  return forward(ground, view, text(sender.properties, "subnetId") ?? "", packet);
}

/** A load balancer's answer starts in the subnet of its address. */
function fromHolder(ground: Ground, packet: Packet): Passage {
  const balancer = packet.reply === undefined ? undefined : ground.balancerAt(packet.from);
  if (balancer === undefined) return stopped(`no interface has the address ${packet.from}`);
  const subnets = Object.entries(balancer.properties.holds ?? {});
  const [subnetId = ""] = subnets.find(([, held]) => Array.isArray(held) && held.includes(packet.from)) ?? [];
  return forward(ground, ground.view(balancer.place), subnetId, packet);
}

function checks({ properties }: WorldObject): boolean {
  return flag(properties, "sourceDestCheck", true);
}

/** From a subnet's router to the destination. */
function forward(ground: Ground, view: View, subnetId: string, packet: Packet): Passage {
  const subnet = view.get(types.subnet, subnetId);
  const vpc = subnet === undefined ? undefined : view.get(types.vpc, vpcIdOf(subnet));
  const to = parseAddress(packet.to);
  const own = parseBlock(vpc === undefined ? "" : (text(vpc.properties, "cidrBlock") ?? ""));
  if (subnet === undefined || vpc === undefined || to === undefined)
    return stopped(`subnet ${subnetId} does not exist`);
  if (own !== undefined && holds(own, to)) return deliver(ground, packet, packet.to, undefined);
  const table = ground.tableOf(subnetId);
  if (table === undefined) return stopped(`${nameOf(subnet)} has no route table with a route for ${packet.to}`);
  const route = routeTo(table, packet.to);
  if (route === undefined) return stopped(`route table ${table.name} has no route for ${packet.to}`);
  if (route.state === "blackhole")
    return stopped(
      `route table ${table.name}: ${route.destination} leads to ${route.target}, which is gone or attached to nothing`,
    );
  if (route.address !== undefined) return deliver(ground, packet, route.address, route);
  if (route.target.startsWith("tgw-")) return overTransit(ground, view, subnet, route.target, packet);
  return toInternet(ground, view, packet, { name: table.name, vpcId: vpc.id }, route);
}

/** Private addresses lead nowhere there; a NAT gateway must itself stand where a route leads out, and machines beside it need a public address. */
function toInternet(
  ground: Ground,
  view: View,
  packet: Packet,
  { name: table, vpcId }: { name: string; vpcId: string },
  route: RouteFacts,
): Passage {
  const { destination, target } = route;
  if (isPrivate(parseAddress(packet.to) ?? 0))
    return stopped(`route table ${table} has no route for ${packet.to} but ${destination}, which leads to ${target}`);
  const vpc = view.get(types.vpc, vpcId);
  if (vpc !== undefined && !flag(vpc.properties, "enableDnsSupport", true))
    return stopped(`${nameOf(vpc)} has enableDnsSupport off, so no name of the Internet resolves in it`);
  if (target.startsWith("nat-")) {
    const nat = view.get(types.natGateway, target);
    const exit = ground.tableOf(text(nat?.properties ?? {}, "subnetId") ?? "");
    const leads = exit !== undefined && routeTo(exit, packet.to)?.target.startsWith("igw-") === true;
    if (!leads) return stopped(`NAT gateway ${target} stands in a subnet without a route to an internet gateway`);
  } else if (ground.publicAddressOf(packet.from) === undefined) {
    return stopped(`${packet.from} has no public address, and route table ${table} leads to ${target}`);
  }
  return { end: "internet", by: `${table}: ${destination} to ${target}` };
}

/** To the interface with this address; `route` is set when the packet is for something behind it. */
function deliver(ground: Ground, packet: Packet, address: string, route: RouteFacts | undefined): Passage {
  const receiver = ground.interfaceAt(address);
  if (receiver === undefined) return toBalancer(ground, packet, address);
  if (route !== undefined && checks(receiver)) {
    return stopped(`${nameOf(receiver)} drops packets for ${packet.to}: sourceDestCheck is on`, address);
  }
  const admitted = packet.reply !== undefined || ground.admits(receiver, "ingress", sourceOf(packet), packet);
  return admitted ? arrived(address) : noRule(receiver, "ingress", sourceOf(packet), packet, address);
}

/** To a load balancer's front end, and from there to at least one of its targets. */
function toBalancer(ground: Ground, packet: Packet, address: string): Passage {
  const balancer = ground.balancerAt(address);
  if (balancer === undefined)
    return ground.isHeld(address) ? arrived(address) : stopped(`no interface has the address ${address}`);
  if (packet.reply !== undefined) return arrived(address);
  const groups = awsTargetGroups(ground.reader, address, packet.port ?? 0);
  if (groups === undefined) return stopped(`${nameOf(balancer)} has no listener on port ${packet.port}`);
  const guarded = Ground.groupsOf(balancer).length > 0;
  if (guarded && !ground.admits(balancer, "ingress", sourceOf(packet), packet))
    return noRule(balancer, "ingress", sourceOf(packet), packet);
  const passages = groups.flatMap((group) => toTargets(ground, packet, address, balancer, group));
  const failed = passages.find(({ end }) => end === "stopped");
  if (failed === undefined && passages.length === 0)
    return stopped(`${nameOf(balancer)} has no target behind port ${packet.port}`);
  return passages.find(({ end }) => end === "arrived") ?? failed ?? arrived(address);
}

function toTargets(
  ground: Ground,
  packet: Packet,
  address: string,
  balancer: WorldObject,
  { name, preservesClient, targets, healthPort }: TargetGroupFacts,
): Passage[] {
  const guarded = Ground.groupsOf(balancer).length > 0;
  return targets.map((target) => {
    const { protocol } = packet;
    const next: Packet = { from: address, to: target.address, protocol, port: target.port };
    const health: Packet = { ...next, port: healthPort ?? target.port };
    for (const one of [next, health]) {
      if (guarded && !ground.admits(balancer, "egress", target.address, one))
        return noRule(balancer, "egress", target.address, one);
    }
    const checked = deliver(ground, health, target.address, undefined);
    if (checked.end === "stopped") return checked;
    if (!preservesClient) return deliver(ground, next, target.address, undefined);
    // docs.aws.amazon.com/elasticloadbalancing/latest/network: hairpinning is not supported with client IP preservation.
    if (sourceOf(packet) === target.address)
      return stopped(`target group ${name} preserves client addresses, so ${target.address} cannot reach itself by it`);
    return deliver(ground, { ...next, source: sourceOf(packet) }, target.address, undefined);
  });
}

/** From a subnet into a transit gateway: the VPC's attachment must stand in the subnet's zone, and its table must lead on. */
function overTransit(ground: Ground, view: View, subnet: WorldObject, gatewayId: string, packet: Packet): Passage {
  const vpcId = vpcIdOf(subnet);
  const attachment = view
    .users(vpcId, [[types.vpcAttachment, "vpcId"]])
    .find(({ properties }) => text(properties, "transitGatewayId") === gatewayId);
  if (attachment === undefined) return stopped(`${vpcId} is not attached to ${gatewayId}`);
  const zones = texts(attachment.properties, "subnetIds").flatMap((id) => {
    const entry = view.get(types.subnet, id);
    return entry === undefined ? [] : [zoneOf(entry)];
  });
  if (!zones.includes(zoneOf(subnet)))
    return stopped(`${nameOf(attachment)} has no subnet in ${zoneOf(subnet)}, so nothing there reaches ${gatewayId}`);
  return transit(ground, view, attachment.id, packet);
}

function fromVpn(ground: Ground, packet: Packet): Passage {
  const connection = ground.reader.get("aws", packet.from);
  if (connection === undefined) return stopped(`VPN connection ${packet.from} does not exist`);
  const attachmentId = text(connection.properties, "transitGatewayAttachmentId") ?? "";
  return transit(ground, ground.view(connection.place), attachmentId, packet);
}

/** Through the transit gateway's table that is associated with an attachment, and on. */
function transit(ground: Ground, view: View, attachmentId: string, packet: Packet): Passage {
  const table = tableOf(view, attachmentId);
  if (table === undefined) return stopped(`${attachmentId} is associated with no transit gateway route table`);
  const next = nextAttachment(view, table.id, packet.to, ground.announced);
  if (next === undefined) return stopped(`transit gateway route table ${table.name} has no route for ${packet.to}`);
  if (next === "blackhole") return stopped(`transit gateway route table ${table.name} drops packets for ${packet.to}`);
  // Beyond a VPN the other cloud decides.
  if ("vpns" in next) return { end: "vpn", by: next.vpns };
  // Traffic enters the VPC through the attachment's subnets, each with its own table.
  const passages = texts(next.vpc.properties, "subnetIds").map((subnetId) => forward(ground, view, subnetId, packet));
  return passages.find(({ end }) => end === "stopped") ?? passages[0] ?? stopped(`${next.vpc.id} has no subnets`);
}

function noRule(
  owner: WorldObject,
  direction: "ingress" | "egress",
  peer: string,
  packet: Packet,
  at?: string,
): Passage {
  const groups = Ground.groupsOf(owner).join(", ");
  return stopped(
    `security groups ${groups} of ${nameOf(owner)} have no ${direction} rule for ${kindOf(packet)} ${direction === "ingress" ? "from" : "to"} ${peer}`,
    at,
  );
}
