import { text } from "../aws/fields.ts";
import { nameOf } from "../aws/queries.ts";
import { View } from "../aws/resource.ts";
import { propagatingTo, tableOf } from "../aws/transit-path.ts";
import { types } from "../aws/types.ts";
import { azure, lastName, tokenOf } from "../azure-native/arm.ts";
import { objectsAt, textAt, textsAt } from "../azure-native/fields.ts";
import { tunnelsAt } from "../azure-native/tunnel-match.ts";
import type { ClusterNode } from "../kubernetes/cluster.ts";
import { nodesOf } from "../kubernetes/cluster.ts";
import { type Member, membersOf, pairsOfPeers } from "../kubernetes/mesh.ts";
import type { World } from "../world.ts";
import { connection, type Flow, nodeFlows, pairsOf } from "./flows.ts";
import { Roads } from "./roads.ts";
import { flowProblems } from "./site.ts";

/** What the networks between two meshed clusters do not carry, and one line about what they do. */
export interface Crossing {
  readonly problems: readonly string[];
  readonly line: string;
}

/**
 * Every pair of meshed clusters whose machines lie in clouds: nodes and pods both ways, and each side's kvstoremesh to the other's
 * clustermesh-apiserver. `joined` is whether their interconnect should be up by now.
 */
export function crossings(world: World, joined: boolean): Crossing[] {
  const roads = new Roads(world);
  return pairsOfPeers(membersOf(world)).map(([a, b]) => {
    const names = `${a.cluster.name} <-> ${b.cluster.name}`;
    const [own, other] = [cloudNodes(world, roads, a), cloudNodes(world, roads, b)];
    if (own.length === 0 || other.length === 0)
      return { problems: [], line: `Mesh: ${names} agree; what lies between their machines is not rehearsed.` };
    if (!joined) return { problems: [], line: `Mesh: ${names} agree; nothing joins their networks in this run.` };
    const flows = [...flowsOf(roads, a, own, b, other), ...flowsOf(roads, b, other, a, own)];
    const up = roads.tunnels.filter(({ problems }) => problems.length === 0).length;
    return {
      problems: flowProblems(roads, flows),
      line: `Mesh: ${names} connected over ${up} tunnels, ${own.length * other.length} node pairs and both pod networks reachable.`,
    };
  });
}

function cloudNodes(world: World, roads: Roads, { cluster }: Member): ClusterNode[] {
  return nodesOf(world, cluster.name).filter(({ address }) => roads.classOf(address) !== undefined);
}

function flowsOf(
  roads: Roads,
  a: Member,
  own: readonly ClusterNode[],
  b: Member,
  other: readonly ClusterNode[],
): Flow[] {
  const classOf = (node: ClusterNode): string => `${node.controlPlane} ${roads.classOf(node.address)}`;
  const endpoints = a.peers
    .filter(({ name }) => name === b.name)
    .flatMap(({ hosts, port }) => hosts.map((host) => ({ host, port })));
  // kvstoremesh runs where clustermesh-apiserver does, which no control plane takes.
  const workers = own.filter(({ controlPlane }) => !controlPlane);
  return [
    ...nodeFlows({ nodes: own, values: a.values }, { nodes: other, values: b.values }, pairsOf(own, other, classOf)),
    ...workers.flatMap((worker) =>
      endpoints.map(({ host, port }) => connection(worker, host, port, `clustermesh-apiserver of ${b.name}`)),
    ),
  ];
}

/** What keeps tunnels between AWS and Azure from carrying what they should, one sentence each. */
export function interconnectProblems(world: World): string[] {
  const { tunnels, reader } = new Roads(world);
  const gateways = reader.find(azure, tokenOf("network:VirtualNetworkGateway"));
  const all = tunnelsAt(reader);
  const stray = all.filter(({ name }) => !tunnels.some((tunnel) => tunnel.name === name));
  const idle = gateways.flatMap((gateway) =>
    objectsAt(gateway.properties, "bgpSettings.bgpPeeringAddresses").flatMap((part) =>
      textsAt(part, "tunnelIpAddresses")
        .filter((address) => !all.some(({ facts }) => textAt(facts, "peerAddress") === address))
        .map((address) => `no AWS VPN connection leads to ${address}, a public address of ${lastName(gateway.id)}`),
    ),
  );
  const loose = reader.find(azure, tokenOf("network:VirtualNetworkGatewayConnection")).flatMap(({ id, properties }) => {
    const local = reader.get(azure, textAt(properties, "localNetworkGateway2.id") ?? "");
    const address = textAt(local?.properties, "gatewayIpAddress") ?? "";
    return all.some(({ facts }) => textAt(facts, "outsideAddress") === address)
      ? []
      : [`connection ${lastName(id)} leads to ${address}, where no AWS tunnel is`];
  });
  const vpns = new Set(tunnels.map(({ vpn }) => vpn));
  return [
    ...tunnels.flatMap(({ name, problems }) => problems.map((problem) => `${name} is down: ${problem}`)),
    ...stray.map(
      ({ name, facts }) => `${name} leads to ${textAt(facts, "peerAddress")}, which is no VPN gateway of Azure's`,
    ),
    ...idle,
    ...loose,
    ...transitProblems(vpns, world),
    ...sharingProblems(vpns, world),
  ];
}

/** Several VPN connections of a gateway share its traffic only when told to. */
function sharingProblems(vpns: ReadonlySet<string>, world: World): string[] {
  const gateways = [...vpns].flatMap((id) => text(world.get("aws", id)?.properties ?? {}, "transitGatewayId") ?? []);
  return [...new Set(gateways)].flatMap((id) => {
    const gateway = world.get("aws", id);
    const alone = gateways.filter((other) => other === id).length < 2;
    return gateway === undefined || alone || text(gateway.properties, "vpnEcmpSupport") !== "disable"
      ? []
      : [`${nameOf(gateway)} has vpnEcmpSupport disable, so one tunnel carries everything and the others nothing`];
  });
}

/** Each VPN must hear of the VPC and its pods, and the VPC's table must hear of what each VPN announces. */
function transitProblems(vpns: ReadonlySet<string>, world: World): string[] {
  return [...vpns].flatMap((id) => {
    const vpn = world.get("aws", id);
    if (vpn === undefined) return [];
    const view = new View(world, vpn.place);
    const attachment = text(vpn.properties, "transitGatewayAttachmentId") ?? "";
    const vpcs = view.users(text(vpn.properties, "transitGatewayId") ?? "", [
      [types.vpcAttachment, "transitGatewayId"],
    ]);
    if (tableOf(view, attachment) === undefined)
      return [`${nameOf(vpn)} is associated with no transit gateway route table, so what comes in by it goes nowhere`];
    return vpcs.flatMap((vpc) => {
      const table = tableOf(view, vpc.id);
      return table === undefined || propagatingTo(view, table.id).includes(attachment)
        ? []
        : [`${nameOf(vpn)} propagates nothing to ${table.name}, so ${nameOf(vpc)} sends nothing by its tunnels`];
    });
  });
}
