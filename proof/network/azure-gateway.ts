import type { z } from "zod";
import { Cidr, contains, type Ipv4 } from "../../components/network/cidr.ts";
import { plannedAddress } from "../recorded.ts";
import { type Found, type Inventory, resolve } from "./azure-inventory.ts";
import { gatewaySubnet, type Place, preference } from "./azure-routers.ts";
import type { Connection, Ipsec, VirtualNetworkGateway } from "./azure-shapes.ts";
import type { Learner, Router, TunnelEnd } from "./model.ts";

type Gateway = Found<z.infer<typeof VirtualNetworkGateway>>;

/** The custom BGP addresses that Azure takes (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-howto-aws-bgp). */
const apipa = [Cidr.parse("169.254.21.0/24"), Cidr.parse("169.254.22.0/24")];

/** Reserved by Azure or IANA (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-bgp-overview). Inclusive. */
const reservedAsns = [
  [8074, 8075],
  [12_076, 12_076],
  [23_456, 23_456],
  [64_496, 64_511],
  [65_515, 65_515],
  [65_517, 65_520],
] as const;

/** VPN gateways as tables that hold what they learn, and nothing else. */
export function gatewayRouters({ gateways }: Inventory): Router[] {
  return gateways.map(({ id, name, origin }) => ({ id, label: `VPN gateway ${name}`, origin, routes: [] }));
}

/** The Azure ends of all tunnels. */
export function tunnelEndsOf(inventory: Inventory, places: readonly Place[]): TunnelEnd[] {
  const { connections, gateways, report } = inventory;
  const checked = new Map(gateways.map((gateway) => [gateway.id, checkGateway(inventory, gateway, places)] as const));
  const ends = connections.flatMap((connection): TunnelEnd[] => {
    const { origin, value } = connection;
    const gateway = resolve(gateways, value.virtualNetworkGateway1.id, origin, "virtualNetworkGateway1.id", report);
    const place = gateway && checked.get(gateway.id);
    return gateway && place ? [endOf(inventory, connection, gateway, place, places)] : [];
  });
  for (const gateway of gateways) checkAddressesInUse(inventory, gateway, ends);
  return ends;
}

/** The gateway's subnet; what keeps the gateway from coming up is reported. */
function checkGateway(
  { report, publicAddresses }: Inventory,
  gateway: Gateway,
  places: readonly Place[],
): Place | undefined {
  const { origin, value } = gateway;
  const { bgpSettings, ipConfigurations, sku, vpnGatewayGeneration } = value;
  if (ipConfigurations.length !== 2)
    report(origin, `has ${ipConfigurations.length} ipConfigurations; two machines need one each`);
  if (sku.tier !== sku.name) report(origin, `sku.tier ${sku.tier} is not sku.name ${sku.name}`);
  const generation = sku.name === "VpnGw1AZ" ? "Generation1" : "Generation2";
  if (vpnGatewayGeneration !== generation)
    report(origin, `vpnGatewayGeneration ${vpnGatewayGeneration} is not ${generation}, which ${sku.name} is made in`);
  if (new Set(ipConfigurations.map(({ name }) => name)).size !== ipConfigurations.length)
    report(origin, "two ipConfigurations have one name");
  for (const [index, { publicIPAddress }] of ipConfigurations.entries())
    resolve(publicAddresses, publicIPAddress.id, origin, `ipConfigurations.${index}.publicIPAddress.id`, report);
  checkAsn(bgpSettings.asn, "bgpSettings.asn", (message) => report(origin, message));
  const addresses = bgpSettings.bgpPeeringAddresses.flatMap(({ customBgpIpAddresses }) => customBgpIpAddresses);
  for (const [index, address] of addresses.entries()) {
    if (!apipa.some((block) => contains(block, address)))
      report(origin, `customBgpIpAddresses ${address} is not in 169.254.21.0 to 169.254.22.255`);
    if (addresses.indexOf(address) !== index) report(origin, `customBgpIpAddresses has ${address} twice`);
  }
  for (const { ipconfigurationId } of bgpSettings.bgpPeeringAddresses) {
    if (instanceOf(gateway, ipconfigurationId) === undefined)
      report(origin, `bgpPeeringAddresses names ${ipconfigurationId}, which is none of its ipConfigurations`);
  }
  const found = ipConfigurations.map((part, index) => {
    const place = places.find(({ subnet }) => subnet.id === part.subnet.id);
    if (place?.subnet.name !== gatewaySubnet)
      report(origin, `ipConfigurations.${index}.subnet.id ${part.subnet.id} is no subnet named ${gatewaySubnet}`);
    return place;
  });
  return found[0];
}

/** Name of the machine that an id of an IP configuration stands for; ids are written in full before the gateway exists. */
function instanceOf({ id, name, value }: Gateway, reference: string): string | undefined {
  const homes = [
    `${id}/ipConfigurations/`,
    `/providers/Microsoft.Network/virtualNetworkGateways/${name}/ipConfigurations/`,
  ];
  return value.ipConfigurations.find(
    (part) => reference === `${homes[0]}${part.name}` || reference.endsWith(`${homes[1]}${part.name}`),
  )?.name;
}

/** BGP addresses of one machine. */
function addressesOf(gateway: Gateway, instance: string): readonly Ipv4[] {
  return gateway.value.bgpSettings.bgpPeeringAddresses
    .filter(({ ipconfigurationId }) => instanceOf(gateway, ipconfigurationId) === instance)
    .flatMap(({ customBgpIpAddresses }) => customBgpIpAddresses);
}

/** Each address is one tunnel's; an address without one is a tunnel that is missing. */
function checkAddressesInUse({ report }: Inventory, { id, origin, value }: Gateway, ends: readonly TunnelEnd[]): void {
  const own = ends.filter(({ learners }) => learners.some(({ router }) => router === id));
  for (const address of value.bgpSettings.bgpPeeringAddresses.flatMap(
    ({ customBgpIpAddresses }) => customBgpIpAddresses,
  )) {
    const users = own.filter((end) => end.address === address);
    if (users.length !== 1)
      report(
        origin,
        `customBgpIpAddresses ${address} is used by ${users.length === 0 ? "no connection" : users.map(({ label }) => label).join(" and ")}`,
      );
  }
}

function checkAsn(asn: number, field: string, problem: (message: string) => void): void {
  if (asn < 1 || asn > 65_534 || reservedAsns.some(([first, last]) => first <= asn && asn <= last))
    problem(`${field} ${asn} is reserved, or not one of 16 bits`);
}

function endOf(
  inventory: Inventory,
  connection: Found<z.infer<typeof Connection>>,
  gateway: Gateway,
  { network, subnet }: Place,
  places: readonly Place[],
): TunnelEnd {
  const { name, origin, value } = connection;
  const problems: string[] = [];
  const local = resolve(
    inventory.localGateways,
    value.localNetworkGateway2.id,
    origin,
    "localNetworkGateway2.id",
    inventory.report,
  );
  const twin = inventory.connections.find(
    (other) => other !== connection && other.value.localNetworkGateway2.id === value.localNetworkGateway2.id,
  );
  if (twin) problems.push(`localNetworkGateway2.id is ${twin.name}'s, too`);
  const peer = local?.value.bgpSettings.bgpPeeringAddress;
  if (local)
    checkAsn(local.value.bgpSettings.asn, `${local.name}: bgpSettings.asn`, (message) => problems.push(message));
  const given = value.gatewayCustomBgpIpAddresses;
  for (const { customBgpIpAddress, ipConfigurationId } of given) {
    const instance = instanceOf(gateway, ipConfigurationId);
    if (instance === undefined)
      problems.push(`gatewayCustomBgpIpAddresses names ${ipConfigurationId}, which ${gateway.name} does not have`);
    else if (!addressesOf(gateway, instance).includes(customBgpIpAddress))
      problems.push(`gatewayCustomBgpIpAddresses ${customBgpIpAddress} is no BGP address of ${instance}`);
  }
  const instances = given.map(({ ipConfigurationId }) => instanceOf(gateway, ipConfigurationId));
  const missing = gateway.value.ipConfigurations.filter((part) => !instances.includes(part.name));
  if (missing.length > 0 || given.length !== gateway.value.ipConfigurations.length)
    problems.push(
      "gatewayCustomBgpIpAddresses must have one entry for each machine of the gateway; Azure else takes the first address everywhere",
    );
  const address = given
    .map(({ customBgpIpAddress }) => customBgpIpAddress)
    .find((one) => peer !== undefined && sameTunnel(one, peer));
  if (address === undefined) problems.push(`no BGP address of it is in a /30 with the peer's ${peer ?? "unknown one"}`);
  return {
    side: "azure",
    label: `connection ${name}`,
    origin,
    address,
    peerAddress: peer,
    asn: gateway.value.bgpSettings.asn,
    peerAsn: local?.value.bgpSettings.asn,
    dials: local?.value.gatewayIpAddress,
    own: publicAddress(gateway, address),
    key: value.sharedKey,
    proposal: [value.connectionProtocol.toLowerCase(), ...proposalOf(value.ipsecPolicies[0], problems)],
    problems,
    router: subnet.id,
    announces: { kind: "blocks", blocks: network.value.addressSpace.addressPrefixes },
    learners: learnersOf(gateway, network.id, places),
    refuses: network.value.addressSpace.addressPrefixes,
  };
}

/** Public address of the machine that has a BGP address. */
function publicAddress(gateway: Gateway, address: Ipv4 | undefined): string | undefined {
  const part = gateway.value.ipConfigurations.find(
    ({ name }) => address !== undefined && addressesOf(gateway, name).includes(address),
  );
  return part && plannedAddress(part.publicIPAddress.id, "ipAddress");
}

/** A tunnel's inside is a /30, whose two hosts are its BGP speakers. */
function sameTunnel(one: Ipv4, other: Ipv4): boolean {
  const last = (address: Ipv4) => Number(address.split(".").at(-1));
  const rest = (address: Ipv4) => address.slice(0, address.lastIndexOf("."));
  const hosts = [last(one) % 4, last(other) % 4];
  return rest(one) === rest(other) && last(one) >> 2 === last(other) >> 2 && hosts.includes(1) && hosts.includes(2);
}

/** The gateway itself, and all subnets of its network whose tables take learned routes. */
function learnersOf(gateway: Gateway, network: string, places: readonly Place[]): Learner[] {
  const { id, name, origin } = gateway;
  const subnets = places.filter(
    (place) => place.network.id === network && place.table?.value.disableBgpRoutePropagation !== true,
  );
  return [
    { router: id, preference: preference.learned, origin },
    ...subnets.map(({ subnet }) => ({
      router: subnet.id,
      via: { router: id, label: `VPN gateway ${name}` },
      preference: preference.learned,
      origin,
    })),
  ];
}

/** Azure's names of algorithms (learn.microsoft.com/azure/vpn-gateway/ipsec-ike-policy-howto) in the words both sides are compared in. */
const words: Readonly<Record<string, string>> = {
  AES128: "aes128-cbc",
  AES256: "aes256-cbc",
  GCMAES128: "aes128-gcm",
  GCMAES256: "aes256-gcm",
  SHA1: "sha1",
  SHA256: "sha256",
  SHA384: "sha384",
  DHGroup14: "group14",
  PFS2048: "group14",
  PFS14: "group14",
  DHGroup24: "group24",
  PFS24: "group24",
  ECP256: "group19",
  ECP384: "group20",
};

function proposalOf(policy: Ipsec, problems: string[]): string[] {
  const word = (
    field: "ikeEncryption" | "ikeIntegrity" | "dhGroup" | "ipsecEncryption" | "ipsecIntegrity" | "pfsGroup",
  ) => {
    const known = words[policy[field]];
    if (known === undefined)
      problems.push(`ipsecPolicies.0.${field} ${policy[field]} is no algorithm that the proof knows`);
    return known ?? policy[field];
  };
  const encryption = word("ipsecEncryption");
  const gcm = policy.ipsecEncryption.startsWith("GCM");
  // GCM checks integrity by itself; Azure wants it named twice (about-compliance-crypto).
  if ((gcm || policy.ipsecIntegrity.startsWith("GCM")) && policy.ipsecIntegrity !== policy.ipsecEncryption)
    problems.push(
      `ipsecPolicies.0.ipsecIntegrity ${policy.ipsecIntegrity} must be ${policy.ipsecEncryption}, as GCM does both`,
    );
  return [
    `phase 1 ${word("ikeEncryption")}`,
    `phase 1 ${word("ikeIntegrity")}`,
    `phase 1 ${word("dhGroup")}`,
    `phase 2 ${encryption}`,
    ...(gcm ? [] : [`phase 2 ${word("ipsecIntegrity")}`]),
    `phase 2 ${word("pfsGroup")}`,
    `phase 2 ${policy.saLifeTimeSeconds} s`,
  ];
}
