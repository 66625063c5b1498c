import { Refusal } from "../stand-in.ts";
import type { Json, JsonObject, WorldObject } from "../world.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { claimPublicIp, subnetPrefixes } from "./allocation.ts";
import { all, azure, type Draft, lastName, refer, requirePrefix, withIds } from "./arm.ts";
import { flagAt, idOf, numberAt, objectsAt, textAt, textsAt } from "./fields.ts";
import type { ArmType } from "./resource.ts";

/** Generations of each size (learn.microsoft.com, vpn-gateway-about-vpn-gateway-settings). Sizes without zones can no longer be created. */
const generations: Readonly<Record<string, readonly string[]>> = {
  VpnGw1AZ: ["Generation1"],
  VpnGw2AZ: ["Generation1", "Generation2"],
  VpnGw3AZ: ["Generation1", "Generation2"],
  VpnGw4AZ: ["Generation2"],
  VpnGw5AZ: ["Generation2"],
};

/** What Azure and IANA keep (learn.microsoft.com, vpn-gateway-bgp-overview and its FAQ). Inclusive. */
const reservedAsns: readonly (readonly [first: number, last: number])[] = [
  [8074, 8075],
  [12_076, 12_076],
  [23_456, 23_456],
  [64_496, 64_511],
  [65_515, 65_515],
  [65_517, 65_520],
  [65_535, 65_551],
];

function requireAsn(asn: number | undefined, owner: string): void {
  if (asn === undefined) throw new Refusal("BgpSettingsAsnMissing", `The bgpSettings of ${owner} have no asn.`);
  if (!Number.isInteger(asn) || asn < 1 || asn > 65_535)
    throw new Refusal("InvalidBgpAsn", `The ASN ${asn} of ${owner} is not a 16-bit ASN; VPN gateways take 1 to 65534.`);
  if (reservedAsns.some(([first, last]) => first <= asn && asn <= last))
    throw new Refusal("BgpAsnReserved", `The ASN ${asn} of ${owner} is reserved by Azure or IANA and cannot be used.`);
}

/** Custom BGP addresses that Azure takes (learn.microsoft.com, vpn-gateway-howto-aws-bgp): 169.254.21.0 to 169.254.22.255. */
const apipa = { first: parseAddress("169.254.21.0") ?? 0, last: parseAddress("169.254.22.255") ?? 0 };

/** A route-based VPN gateway; `activeActive` is two machines with a public address each. */
export const virtualNetworkGateway: ArmType = {
  resource: "network:VirtualNetworkGateway",
  armType: "Microsoft.Network/virtualNetworkGateways",
  names: ["virtualNetworkGatewayName"],
  // "45 minutes or more" (learn.microsoft.com, vpn-gateway-howto-aws-bgp); changes and deletion are commonly seen at 10.
  seconds: { create: 2700, update: 600, delete: 600 },
  settle: (draft) => {
    requireSize(draft);
    const ipConfigurations = settleConfigurations(draft);
    const bgp = draft.inputs.bgpSettings !== undefined || flagAt(draft.inputs, "enableBgp");
    return { ipConfigurations, ...(bgp ? { bgpSettings: settleBgp(draft, ipConfigurations) } : {}) };
  },
  release: ({ id }, { world }) =>
    refuseConnected(
      world.find(azure, "azure-native:network:VirtualNetworkGatewayConnection"),
      "virtualNetworkGateway1",
      id,
    ),
};

function requireSize({ inputs, id }: Draft): void {
  if (textAt(inputs, "gatewayType") !== "Vpn" || textAt(inputs, "vpnType") !== "RouteBased")
    throw new Refusal(
      "InvalidGatewayType",
      `Gateway ${id} must have gatewayType Vpn and vpnType RouteBased; the rehearsal knows no other.`,
    );
  const name = textAt(inputs, "sku.name") ?? "";
  const allowed = generations[name];
  if (allowed === undefined)
    throw new Refusal(
      "NonAzSkusNotAllowedForVPNGateway",
      `VpnGw1-5 non-AZ SKUs are no longer supported for VPN gateways. Only VpnGw1-5AZ SKUs can be created going forward, not '${name}'. See https://aka.ms/skuconsolidation for more details.`,
    );
  if (textAt(inputs, "sku.tier") !== name)
    throw new Refusal("InvalidGatewaySku", `The sku.tier of gateway ${id} must be its sku.name ${name}.`);
  const generation = textAt(inputs, "vpnGatewayGeneration") ?? "Generation1";
  if (!allowed.includes(generation))
    throw new Refusal(
      "InvalidGatewaySku",
      `Gateway ${id}: ${name} exists in ${allowed.join(" and ")}, not in ${generation}.`,
    );
}

function settleConfigurations(draft: Draft): JsonObject[] {
  const configurations = withIds(draft, "ipConfigurations");
  const wanted = flagAt(draft.inputs, "activeActive") ? 2 : 1;
  if (configurations.length !== wanted)
    throw new Refusal(
      "ActiveActiveGatewayIpConfigurationCount",
      `Gateway ${draft.id} has ${configurations.length} IP configurations; ${wanted === 2 ? "with activeActive it needs two" : "without activeActive it takes one"}.`,
    );
  const publicIps = configurations.map((part) =>
    claimPublicIp(draft, textAt(part, "publicIPAddress.id"), "ipConfigurations.publicIPAddress"),
  );
  if (new Set(publicIps.map(({ id }) => id)).size !== wanted)
    throw new Refusal(
      "PublicIPAddressInUse",
      `The IP configurations of gateway ${draft.id} must have a public IP address each.`,
    );
  for (const part of configurations) {
    const subnet = refer(draft, textAt(part, "subnet.id"), "network:Subnet", "ipConfigurations.subnet");
    if (lastName(subnet.id) !== "GatewaySubnet")
      throw new Refusal(
        "InvalidGatewaySubnet",
        `Gateway ${draft.id} must be in a subnet named GatewaySubnet, not ${lastName(subnet.id)}.`,
      );
    // learn.microsoft.com, vpn-gateway-about-vpn-gateway-settings: /27 or larger for every size but Basic.
    const narrow = subnetPrefixes(subnet).find(({ length }) => length > 27);
    if (narrow !== undefined)
      throw new Refusal(
        "GatewaySubnetTooSmall",
        `The GatewaySubnet ${subnet.id} has ${narrow.text}; gateway ${draft.id} needs /27 or larger.`,
      );
    const other = all(draft.world, "network:VirtualNetworkGateway").find(
      (gateway) =>
        gateway.id !== draft.id &&
        objectsAt(gateway.properties, "ipConfigurations").some((taken) => textAt(taken, "subnet.id") === subnet.id),
    );
    if (other !== undefined)
      throw new Refusal(
        "GatewaySubnetInUse",
        `The GatewaySubnet ${subnet.id} already has the VPN gateway ${other.id}.`,
      );
  }
  return configurations.map((part) => ({ privateIPAllocationMethod: "Dynamic", ...part }));
}

/** The gateway's BGP settings with the addresses that Azure adds per IP configuration. */
function settleBgp(draft: Draft, configurations: readonly JsonObject[]): JsonObject {
  const asn = numberAt(draft.inputs, "bgpSettings.asn");
  requireAsn(asn, draft.id);
  const given = objectsAt(draft.inputs, "bgpSettings.bgpPeeringAddresses");
  const seen = new Set<string>();
  for (const part of given) {
    const id = textAt(part, "ipconfigurationId") ?? "";
    if (!configurations.some((configuration) => configuration.id === id))
      throw new Refusal(
        "InvalidBgpPeeringAddress",
        `The bgpPeeringAddresses of gateway ${draft.id} name ${id}, which is none of its ipConfigurations: ${configurations.map((part) => idOf(part)).join(", ")}.`,
      );
    for (const text of textsAt(part, "customBgpIpAddresses")) requireApipa(draft, text, seen);
  }
  const bgpPeeringAddresses = configurations.map((configuration, index) => {
    const own = given.find((part) => part.ipconfigurationId === configuration.id);
    const publicIp = draft.world.get(azure, textAt(configuration, "publicIPAddress.id") ?? "");
    const subnet = draft.world.get(azure, textAt(configuration, "subnet.id") ?? "");
    const first = subnet === undefined ? 0 : (subnetPrefixes(subnet)[0]?.first ?? 0);
    return {
      ipconfigurationId: configuration.id ?? null,
      customBgpIpAddresses: own?.customBgpIpAddresses ?? [],
      defaultBgpIpAddresses: [formatAddress(first + 4 + index)],
      tunnelIpAddresses: [textAt(publicIp?.properties, "ipAddress") ?? ""],
    } satisfies JsonObject;
  });
  const bgpPeeringAddress = bgpPeeringAddresses.flatMap((part) => part.defaultBgpIpAddresses).join(",");
  return { asn: asn ?? 0, peerWeight: 0, bgpPeeringAddress, bgpPeeringAddresses };
}

function requireApipa(draft: Draft, text: string, seen: Set<string>): void {
  const address = parseAddress(text);
  if (address === undefined || address < apipa.first || address > apipa.last)
    throw new Refusal(
      "InvalidCustomBgpIpAddress",
      `The custom BGP IP address ${text} of gateway ${draft.id} is not within 169.254.21.0 to 169.254.22.255.`,
    );
  if (seen.has(text))
    throw new Refusal("InvalidCustomBgpIpAddress", `Gateway ${draft.id} has the custom BGP IP address ${text} twice.`);
  seen.add(text);
}

/** The other end of a connection as Azure is told about it. */
export const localNetworkGateway: ArmType = {
  resource: "network:LocalNetworkGateway",
  armType: "Microsoft.Network/localNetworkGateways",
  names: ["localNetworkGatewayName"],
  // Commonly seen.
  seconds: { create: 10, update: 10, delete: 10 },
  settle: ({ inputs, id }) => {
    const address = textAt(inputs, "gatewayIpAddress");
    if (textAt(inputs, "fqdn") === undefined && (address === undefined || parseAddress(address) === undefined))
      throw new Refusal(
        "InvalidGatewayIpAddress",
        `Local network gateway ${id} has the gatewayIpAddress '${address ?? ""}', which is not an IPv4 address.`,
      );
    const space = textsAt(inputs, "localNetworkAddressSpace.addressPrefixes");
    for (const prefix of space) requirePrefix(prefix, id);
    if (inputs.bgpSettings === undefined) {
      if (space.length > 0) return {};
      throw new Refusal(
        "LocalNetworkGatewayWithoutRoutes",
        `Local network gateway ${id} has neither localNetworkAddressSpace nor bgpSettings.`,
      );
    }
    requireAsn(numberAt(inputs, "bgpSettings.asn"), id);
    const peer = textAt(inputs, "bgpSettings.bgpPeeringAddress") ?? "";
    if (parseAddress(peer) === undefined)
      throw new Refusal(
        "InvalidBgpPeeringAddress",
        `Local network gateway ${id} has the bgpPeeringAddress '${peer}', which is not an IPv4 address.`,
      );
    return {};
  },
  release: ({ id }, { world }) =>
    refuseConnected(
      world.find(azure, "azure-native:network:VirtualNetworkGatewayConnection"),
      "localNetworkGateway2",
      id,
    ),
};

function refuseConnected(connections: readonly WorldObject[], end: string, id: string): void {
  const user = connections.find(({ properties }) => textAt(properties as Json, `${end}.id`) === id);
  if (user === undefined) return;
  throw new Refusal(
    "GatewayInUseByConnection",
    `${id} cannot be deleted because it is in use by connection ${user.id}.`,
  );
}
