import { createHash } from "node:crypto";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { formatAddress, parsePrefix } from "./address.ts";
import { lastName } from "./arm.ts";
import { at, flagAt, numberAt, objectsAt, textAt, textsAt } from "./fields.ts";

/** One tunnel of an AWS VPN connection. */
export interface AwsTunnel {
  /** `tunnel 1 of vpn-.. (address)`. */
  readonly name: string;
  readonly connection: WorldObject;
  readonly number: number;
  /** Ends, ASNs and the key's fingerprint, as the AWS stand-in leaves them for the other side. */
  readonly facts: JsonObject;
}

/** Every tunnel of AWS, or only those whose outside address is this one. */
export function tunnelsAt(world: Pick<World, "find">, outside?: string): AwsTunnel[] {
  return world.find("aws", "aws:ec2/vpnConnection:VpnConnection").flatMap((connection) =>
    objectsAt(connection.properties, "tunnels").flatMap((facts, index) => {
      const address = textAt(facts, "outsideAddress") ?? "";
      if (outside !== undefined && address !== outside) return [];
      const number = index + 1;
      return [{ name: `tunnel ${number} of ${connection.id} (${address})`, connection, number, facts }];
    }),
  );
}

/** What keeps the tunnel and an Azure connection towards its outside address from coming up, one clause each. */
export function tunnelDifferences(
  inputs: JsonObject,
  tunnel: AwsTunnel,
  gateway: WorldObject,
  local: WorldObject,
): string[] {
  const { facts } = tunnel;
  const differences: string[] = [];
  const compare = (what: string, aws: unknown, azure: unknown): void => {
    if (aws !== azure) differences.push(`${what}: ${String(aws)} on AWS, ${String(azure)} on Azure`);
  };
  if (textAt(facts, "pskFingerprint") !== keyFingerprint(textAt(inputs, "sharedKey") ?? ""))
    differences.push("pre-shared keys differ");
  compare("ASN of AWS", numberAt(facts, "awsAsn"), numberAt(local.properties, "bgpSettings.asn"));
  compare("ASN of Azure", numberAt(facts, "customerAsn"), numberAt(gateway.properties, "bgpSettings.asn"));
  const first = parsePrefix(textAt(facts, "insideCidr") ?? "")?.first ?? 0;
  compare(
    "BGP address of AWS (first host of the tunnel's /30)",
    formatAddress(first + 1),
    textAt(local.properties, "bgpSettings.bgpPeeringAddress"),
  );
  differences.push(...proposalDifferences(inputs, tunnel));
  const peer = textAt(facts, "peerAddress") ?? "";
  const instance = objectsAt(gateway.properties, "bgpSettings.bgpPeeringAddresses").find((part) =>
    textsAt(part, "tunnelIpAddresses").includes(peer),
  );
  if (instance === undefined) {
    differences.push(`AWS's customer gateway is ${peer}, which is no public address of ${lastName(gateway.id)}`);
    return differences;
  }
  const own = objectsAt(inputs, "gatewayCustomBgpIpAddresses").find(
    (part) => part.ipConfigurationId === instance.ipconfigurationId,
  );
  compare(
    "BGP address of Azure (second host of the tunnel's /30)",
    formatAddress(first + 2),
    textAt(own, "customBgpIpAddress"),
  );
  return differences;
}

/** The world holds keys as fingerprints, a request in clear. */
function keyFingerprint(key: string): string {
  return key.startsWith("sha256:") ? key : `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Azure's names of algorithms and groups, and AWS's for the same (VpnTunnelOptionsSpecification; learn.microsoft.com, ipsec-ike-policy-howto). */
const sameAs: Readonly<Record<string, string | number>> = {
  AES128: "AES128",
  AES256: "AES256",
  GCMAES128: "AES128-GCM-16",
  GCMAES256: "AES256-GCM-16",
  SHA1: "SHA1",
  SHA256: "SHA2-256",
  SHA384: "SHA2-384",
  DHGroup2: 2,
  PFS2: 2,
  DHGroup14: 14,
  PFS2048: 14,
  PFS14: 14,
  DHGroup24: 24,
  PFS24: 24,
  ECP256: 19,
  ECP384: 20,
};

/** Where both ends have to find something in common: Azure's property and AWS's option. With GCM, phase 2 has no integrity of its own. */
const proposals: readonly (readonly [what: string, azure: string, aws: string])[] = [
  ["IKE encryption", "ikeEncryption", "Phase1EncryptionAlgorithms"],
  ["IKE integrity", "ikeIntegrity", "Phase1IntegrityAlgorithms"],
  ["IKE group", "dhGroup", "Phase1DhGroupNumbers"],
  ["IPsec encryption", "ipsecEncryption", "Phase2EncryptionAlgorithms"],
  ["IPsec integrity", "ipsecIntegrity", "Phase2IntegrityAlgorithms"],
  ["perfect forward secrecy", "pfsGroup", "Phase2DhGroupNumbers"],
];

/** AWS without an option takes every algorithm; Azure without a policy proposes its defaults, which AWS takes. */
function proposalDifferences(inputs: JsonObject, { connection, number }: AwsTunnel): string[] {
  const option = (name: string): unknown[] | undefined => {
    const value = at(connection.properties, `tunnel${number}${name}`);
    return Array.isArray(value) && value.length > 0 ? value : undefined;
  };
  const versions = option("IkeVersions");
  const version = (textAt(inputs, "connectionProtocol") ?? "IKEv2").toLowerCase();
  const [policy] = objectsAt(inputs, "ipsecPolicies");
  const named = (what: string, aws: readonly unknown[], azure: string): string =>
    `${what}: ${aws.join(", ")} on AWS, ${azure} on Azure`;
  const waits =
    textAt(inputs, "connectionMode") === "ResponderOnly" &&
    textAt(connection.properties, `tunnel${number}StartupAction`) !== "start";
  const bgp = [flagAt(inputs, "enableBgp"), !flagAt(connection.properties, "staticRoutesOnly")] as const;
  return [
    ...(bgp[0] && !bgp[1] ? ["BGP: off on AWS (staticRoutesOnly), on on Azure (enableBgp)"] : []),
    ...(waits ? ["neither end dials: connectionMode is ResponderOnly, and the startup action is not start"] : []),
    ...(versions !== undefined && !versions.includes(version) ? [named("IKE version", versions, version)] : []),
    ...proposals.flatMap(([what, azureKey, awsKey]) => {
      const azure = textAt(policy, azureKey);
      const aws = option(awsKey);
      const combined = azureKey === "ipsecIntegrity" && azure?.startsWith("GCM") === true;
      if (azure === undefined || aws === undefined || combined || aws.includes(sameAs[azure])) return [];
      return [named(what, aws, azure)];
    }),
  ];
}
