import { type Reader, View } from "../aws/resource.ts";
import { prefixesOf, tableOf } from "../aws/transit-path.ts";
import { azure, lastName, parentId, tokenOf } from "../azure-native/arm.ts";
import { objectsAt, textAt, textsAt } from "../azure-native/fields.ts";
import { type AwsTunnel, tunnelDifferences, tunnelsAt } from "../azure-native/tunnel-match.ts";
import type { Announced } from "../packet.ts";
import type { WorldObject } from "../world.ts";

/** An AWS tunnel towards an Azure gateway, and what became of it. */
export interface JoinedTunnel {
  readonly name: string;
  /** Id of the AWS VPN connection. */
  readonly vpn: string;
  /** Id of the Azure VPN gateway. */
  readonly gateway: string;
  /** Why it is down; empty when it is up. */
  readonly problems: readonly string[];
}

export interface Joined {
  readonly tunnels: readonly JoinedTunnel[];
  /** What AWS learns over a VPN connection. */
  readonly fromAzure: Announced;
  /** What a VPN gateway learns over its tunnels. */
  readonly fromAws: Announced;
}

/** Finds the two ends of every tunnel between AWS and Azure, and what they tell each other. */
export function joinTunnels(reader: Reader): Joined {
  const gateways = reader.find(azure, tokenOf("network:VirtualNetworkGateway"));
  const tunnels = tunnelsAt(reader).flatMap((tunnel) => {
    const peer = textAt(tunnel.facts, "peerAddress") ?? "";
    const gateway = gateways.find(({ properties }) =>
      objectsAt(properties, "bgpSettings.bgpPeeringAddresses").some((part) =>
        textsAt(part, "tunnelIpAddresses").includes(peer),
      ),
    );
    if (gateway === undefined) return [];
    const problems = problemsOf(reader, tunnel, gateway);
    return [{ name: tunnel.name, vpn: tunnel.connection.id, gateway: gateway.id, problems }];
  });
  const up = tunnels.filter(({ problems }) => problems.length === 0);
  return {
    tunnels,
    fromAzure: (vpn) =>
      // The other end of a connection that is none of Azure's is not in the world.
      tunnels.some((tunnel) => tunnel.vpn === vpn)
        ? [...new Set(up.filter((tunnel) => tunnel.vpn === vpn).map(({ gateway }) => gateway))].flatMap((gateway) =>
            spaceOf(reader, gateway),
          )
        : undefined,
    fromAws: (gateway) => [
      ...new Set(up.filter((tunnel) => tunnel.gateway === gateway).flatMap(({ vpn }) => announcedBy(reader, vpn))),
    ],
  };
}

function problemsOf(reader: Reader, tunnel: AwsTunnel, gateway: WorldObject): string[] {
  const outside = textAt(tunnel.facts, "outsideAddress");
  const connections = reader
    .find(azure, tokenOf("network:VirtualNetworkGatewayConnection"))
    .filter(({ properties }) => textAt(properties, "virtualNetworkGateway1.id") === gateway.id)
    .flatMap((connection) => {
      const local = reader.get(azure, textAt(connection.properties, "localNetworkGateway2.id") ?? "");
      return local !== undefined && textAt(local.properties, "gatewayIpAddress") === outside
        ? [{ connection, local }]
        : [];
    });
  const [first] = connections;
  if (first === undefined) return [`no connection of ${lastName(gateway.id)} leads to it`];
  const differences = connections.map(({ connection, local }) =>
    tunnelDifferences(connection.properties, tunnel, gateway, local),
  );
  return differences.some((list) => list.length === 0) ? [] : (differences[0] ?? []);
}

/** A gateway announces the address space of its network. */
function spaceOf(reader: Reader, gateway: string): string[] {
  const [part] = objectsAt(reader.get(azure, gateway)?.properties, "ipConfigurations");
  const network = reader.get(azure, parentId(textAt(part, "subnet.id") ?? ""));
  return textsAt(network?.properties, "addressSpace.addressPrefixes");
}

/** A transit gateway announces, over a VPN, the table that the VPN's attachment is associated with. */
function announcedBy(reader: Reader, vpn: string): string[] {
  const connection = reader.get("aws", vpn);
  if (connection === undefined) return [];
  const view = new View(reader, connection.place);
  const table = tableOf(view, textAt(connection.properties, "transitGatewayAttachmentId") ?? "");
  return table === undefined ? [] : prefixesOf(view, table.id);
}
