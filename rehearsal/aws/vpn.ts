import { type Problem, type Properties, Refusal, Secret } from "../stand-in.ts";
import { fingerprint } from "../wire.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { conflicts, exactlyOne, flag, given, knownText, networkProblem, objects, text } from "./fields.ts";
import { publicAddress } from "./interfaces.ts";
import { formatAddress, isPrivate, parseAddress } from "./ipv4.ts";
import { accountId, addressOf, blockOf, type Definition, digits, type Scene, type Self } from "./resource.ts";
import { asnOf, defaultTable, mustTransitGateway } from "./transit.ts";
import { types } from "./types.ts";

/** One of the two tunnels of a connection, as the other end has to match it: the fact `tunnels` of a VPN connection in the world. */
export interface Tunnel {
  /** Where AWS listens. */
  readonly outsideAddress: string;
  /** A /30; its first host is AWS, its second the customer's gateway. */
  readonly insideCidr: string;
  /** `sha256:<hex>` of the pre-shared key, as `fingerprint` writes it. */
  readonly pskFingerprint: string;
  /** The customer gateway's public address. */
  readonly peerAddress: string;
  readonly awsAsn: number;
  readonly customerAsn: number;
}

/** Seconds: CreateCustomerGateway answers within 10 (11-12 in the provider's logs, which poll every 10). */
const customerGateway: Definition = {
  type: types.customerGateway,
  prefix: "cgw",
  seconds: { create: 11, update: 1, delete: 11 },
  check: (inputs) => [
    ...exactlyOne(inputs, ["bgpAsn", "bgpAsnExtended"]),
    ...(given(inputs, "ipAddress") || given(inputs, "certificateArn")
      ? []
      : [{ property: "ipAddress", reason: "one of ipAddress, certificateArn must be given" }]),
    ...addressProblem(inputs),
    ...asnProblem(inputs),
  ],
  make(_, scene, { id, old }) {
    const count = scene.find(types.customerGateway).length;
    if (old === undefined && count >= scene.quotas.customerGateways) {
      throw new Refusal("CustomerGatewayLimitExceeded", "The maximum number of customer gateways has been reached.");
    }
    return { outputs: { arn: scene.arn("ec2", `customer-gateway/${id}`) } };
  },
  remove({ id }, scene) {
    if (scene.users(id, [[types.vpnConnection, "customerGatewayId"]]).length > 0) {
      throw new Refusal("IncorrectState", "The customer gateway is in use.");
    }
  },
};

function addressProblem(inputs: Properties): Problem[] {
  const address = knownText(inputs, "ipAddress");
  if (address === undefined || parseAddress(address) !== undefined) return [];
  return [{ property: "ipAddress", reason: `"${address}" is not a valid IPv4 address` }];
}

/** AWS keeps 7224 and 9059 for itself in some regions and takes any other (CreateCustomerGateway, BgpAsn). */
function asnProblem(inputs: Properties): Problem[] {
  const asn = Number(knownText(inputs, "bgpAsn") ?? 1);
  const most = 2_147_483_647;
  return asn > most
    ? [{ property: "bgpAsn", reason: `must be from 1 to ${most}; write larger ones as bgpAsnExtended` }]
    : [];
}

/** Blocks that AWS uses itself (VpnTunnelOptionsSpecification, TunnelInsideCidr). */
const reservedInside = [0, 1, 2, 3, 4, 5].map((part) => `169.254.${part}.0/30`).concat("169.254.169.252/30");

function insideProblem(inputs: Properties, key: string): Problem[] {
  const cidr = knownText(inputs, key);
  if (cidr === undefined) return [];
  const shape = networkProblem(inputs, key, 30, 30);
  if (shape.length > 0) return shape;
  if (!cidr.startsWith("169.254.")) return [{ property: key, reason: `"${cidr}" is not within 169.254.0.0/16` }];
  return reservedInside.includes(cidr) ? [{ property: key, reason: `"${cidr}" is reserved by AWS` }] : [];
}

function checkConnection(inputs: Properties): Problem[] {
  const needsTransit = [
    "enableAcceleration",
    "tunnel1InsideIpv6Cidr",
    "tunnel2InsideIpv6Cidr",
    "localIpv6NetworkCidr",
    "remoteIpv6NetworkCidr",
  ];
  return [
    ...exactlyOne(inputs, ["transitGatewayId", "vpnGatewayId", "vpnConcentratorId"]),
    ...(given(inputs, "transitGatewayId")
      ? []
      : needsTransit
          .filter((key) => given(inputs, key) && inputs[key] !== false)
          .map((property) => ({ property, reason: "requires transitGatewayId" }))),
    ...(inputs.tunnelBandwidth === "large" ? conflicts(inputs, "tunnelBandwidth", ["vpnGatewayId"]) : []),
    ...["tunnel1InsideCidr", "tunnel2InsideCidr"].flatMap((key) => insideProblem(inputs, key)),
    ...["localIpv4NetworkCidr", "remoteIpv4NetworkCidr"].flatMap((key) => networkProblem(inputs, key)),
    ...([1, 2] as const).flatMap((tunnel) => rekeyProblem(inputs, tunnel)),
  ];
}

/** The margin is at most half of the phase 2 lifetime, 3,600 s by default. */
function rekeyProblem(inputs: Properties, tunnel: 1 | 2): Problem[] {
  const key = `tunnel${tunnel}RekeyMarginTimeSeconds`;
  const [margin, lifetime] = [inputs[key], inputs[`tunnel${tunnel}Phase2LifetimeSeconds`] ?? 3600];
  if (typeof margin !== "number" || typeof lifetime !== "number" || margin <= lifetime / 2) return [];
  return [{ property: key, reason: `must be at most half of the phase 2 lifetime, ${lifetime / 2} (it is ${margin})` }];
}

function tunnelsOf(connection: WorldObject): JsonObject[] {
  return objects(connection.properties, "tunnels");
}

/** The customer's end: its address and ASN. */
function peerOf(inputs: JsonObject, scene: Scene): { address: string; asn: number; id: string } {
  const id = text(inputs, "customerGatewayId");
  const gateway = scene.must(
    types.customerGateway,
    id,
    "InvalidCustomerGatewayID.NotFound",
    `The customerGateway ID '${id}' does not exist`,
  );
  const address = text(gateway.properties, "ipAddress") ?? "";
  const asn = Number(text(gateway.properties, "bgpAsn") ?? text(gateway.properties, "bgpAsnExtended"));
  const overInternet = text(inputs, "outsideIpAddressType") !== "PrivateIpv4";
  if (address !== "" && overInternet && isPrivate(addressOf(address))) {
    throw new Refusal(
      "InvalidParameterValue",
      `Value (${address}) for parameter customer gateway address is invalid. It is not routable on the Internet.`,
    );
  }
  return { address, asn, id: gateway.id };
}

/** Two customer gateways with one address cannot both have connections (error InvalidCustomerGateway.DuplicateIpAddress). */
function checkPeers(scene: Scene, peer: { address: string; id: string }, self: Self): void {
  const clash = scene
    .find(types.vpnConnection)
    .filter(({ id }) => id !== self.id)
    .some((other) => {
      const theirs = scene.get(types.customerGateway, text(other.properties, "customerGatewayId"));
      return theirs !== undefined && theirs.id !== peer.id && text(theirs.properties, "ipAddress") === peer.address;
    });
  if (clash && peer.address !== "") {
    throw new Refusal("InvalidCustomerGateway.DuplicateIpAddress", "Conflict among chosen gateway IP addresses");
  }
}

/** The inside block of each tunnel: the wanted one, which nothing else on the gateway uses, or a free one. */
function insideBlocks(inputs: JsonObject, scene: Scene, self: Self): [string, string] {
  const gatewayId = text(inputs, "transitGatewayId") ?? text(inputs, "vpnGatewayId");
  const others = scene
    .find(types.vpnConnection)
    .filter(
      ({ id, properties }) =>
        id !== self.id && (text(properties, "transitGatewayId") ?? text(properties, "vpnGatewayId")) === gatewayId,
    );
  const used = new Set(others.flatMap(tunnelsOf).map((tunnel) => text(tunnel, "insideCidr") ?? ""));
  const choose = (tunnel: 1 | 2): string => {
    const key = `tunnel${tunnel}InsideCidr`;
    const wanted = text(inputs, key) ?? (self.old === undefined ? undefined : text(self.old, key));
    if (wanted !== undefined && used.has(wanted)) {
      throw new Refusal("InvalidParameterValue", `The tunnel inside CIDR ${wanted} is already in use on ${gatewayId}.`);
    }
    if (wanted !== undefined) return wanted;
    // One /24 of link-local space for each connection is more than the quota of connections needs.
    const parts = Array.from({ length: 160 }, (_, index) => `169.254.${index + 6}.${(tunnel - 1) * 4}/30`);
    return parts.find((free) => !used.has(free)) ?? "";
  };
  const first = choose(1);
  used.add(first);
  return [first, choose(2)];
}

/** Seconds: 180-300 to `available`, 60-120 to gone (acceptance logs of the provider; docs.aws.amazon.com/vpn speaks of "a few minutes"). */
const vpnConnection: Definition = {
  type: types.vpnConnection,
  prefix: "vpn",
  seconds: { create: 240, update: 120, delete: 90 },
  secrets: ["tunnel1PresharedKey", "tunnel2PresharedKey", "customerGatewayConfiguration"],
  check: checkConnection,
  make(inputs, scene, self) {
    if (self.old === undefined && scene.find(types.vpnConnection).length >= scene.quotas.vpnConnections) {
      throw new Refusal("VpnConnectionLimitExceeded", "The maximum number of VPN connections has been reached.");
    }
    const peer = peerOf(inputs, scene);
    checkPeers(scene, peer, self);
    const transitId = text(inputs, "transitGatewayId");
    if (transitId === undefined) {
      const gatewayId = text(inputs, "vpnGatewayId") ?? text(inputs, "vpnConcentratorId");
      throw new Refusal("InvalidVpnGatewayID.NotFound", `The vpnGateway ID '${gatewayId}' does not exist`);
    }
    const gateway = mustTransitGateway(scene, transitId);
    const awsAsn = asnOf(gateway);
    const blocks = insideBlocks(inputs, scene, self);
    const tunnels = blocks.map((insideCidr, position) => {
      const tunnel = position + 1;
      const psk = text(inputs, `tunnel${tunnel}PresharedKey`) ?? `r${digits(`${self.id} psk ${tunnel}`, 31)}`;
      const outside = self.old === undefined ? undefined : text(self.old, `tunnel${tunnel}Address`);
      return { tunnel, insideCidr, psk, outsideAddress: outside ?? publicAddress(scene, "vpn") };
    });
    const attachmentId = `tgw-attach-0${digits(self.id, 16)}`;
    const facts = tunnels.map(
      ({ outsideAddress, insideCidr, psk }): Tunnel => ({
        outsideAddress,
        insideCidr,
        pskFingerprint: keyFingerprint(psk),
        peerAddress: peer.address,
        awsAsn,
        customerAsn: peer.asn,
      }),
    );
    return {
      outputs: {
        arn: scene.arn("ec2", `vpn-connection/${self.id}`),
        transitGatewayAttachmentId: attachmentId,
        coreNetworkArn: "",
        coreNetworkAttachmentArn: "",
        presharedKeyArn:
          text(inputs, "presharedKeyStorage") === "SecretsManager"
            ? scene.arn("secretsmanager", `secret:s2svpn!${self.id}`)
            : "",
        customerGatewayConfiguration: configuration(self.id, tunnels),
        enableAcceleration: flag(inputs, "enableAcceleration", false),
        staticRoutesOnly: false,
        outsideIpAddressType: "PublicIpv4",
        localIpv4NetworkCidr: "0.0.0.0/0",
        remoteIpv4NetworkCidr: "0.0.0.0/0",
        tunnelInsideIpVersion: "ipv4",
        routes: [],
        vgwTelemetries: [],
        ...Object.assign({}, ...tunnels.map((tunnel) => tunnelOutputs(tunnel, awsAsn))),
      },
      facts: { tunnels: facts.map((tunnel) => ({ ...tunnel })), defaultTable: defaultTable(gateway) },
    };
  },
};

/** As every secret is kept in the world. */
function keyFingerprint(key: string): string {
  return text(fingerprint({ key: new Secret(key) }), "key") ?? "";
}

interface Ends {
  readonly tunnel: number;
  readonly insideCidr: string;
  readonly psk: string;
  readonly outsideAddress: string;
}

function tunnelOutputs({ tunnel, insideCidr, psk, outsideAddress }: Ends, awsAsn: number): JsonObject {
  const { first } = blockOf(insideCidr);
  const outputs = {
    Address: outsideAddress,
    InsideCidr: insideCidr,
    VgwInsideAddress: formatAddress(first + 1),
    CgwInsideAddress: formatAddress(first + 2),
    BgpAsn: String(awsAsn),
    // The value in every configuration that AWS hands out.
    BgpHoldtime: 30,
    PresharedKey: psk,
  };
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [`tunnel${tunnel}${name}`, value]));
}

/** A short form of the XML that AWS makes for the customer's device. */
function configuration(id: string, tunnels: readonly Ends[]): string {
  const parts = tunnels.map(
    ({ outsideAddress, insideCidr, psk }) =>
      `<ipsec_tunnel><vpn_gateway>${outsideAddress}</vpn_gateway><inside>${insideCidr}</inside><pre_shared_key>${psk}</pre_shared_key></ipsec_tunnel>`,
  );
  return `<vpn_connection id="${id}" account="${accountId}">${parts.join("")}</vpn_connection>`;
}

/** Customer gateways and VPN connections. */
export const vpnDefinitions: readonly Definition[] = [customerGateway, vpnConnection];
