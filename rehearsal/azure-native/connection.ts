import { Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { all, type Draft, lastName, refer } from "./arm.ts";
import { flagAt, numberAt, objectsAt, textAt, textsAt } from "./fields.ts";
import type { ArmType } from "./resource.ts";
import { tunnelDifferences, tunnelsAt } from "./tunnel-match.ts";

/** One IPsec connection of a VPN gateway; with the other end in the world, both ends must agree. */
export const gatewayConnection: ArmType = {
  resource: "network:VirtualNetworkGatewayConnection",
  armType: "Microsoft.Network/connections",
  names: ["virtualNetworkGatewayConnectionName"],
  // Commonly seen; a few minutes until the status reads Connected.
  seconds: { create: 60, update: 60, delete: 60 },
  settle: (draft) => {
    const { inputs } = draft;
    if (textAt(inputs, "connectionType") !== "IPsec")
      throw new Refusal(
        "InvalidConnectionType",
        `Connection ${draft.id} must have connectionType IPsec; the rehearsal knows no other.`,
      );
    const gateway = refer(
      draft,
      textAt(inputs, "virtualNetworkGateway1.id"),
      "network:VirtualNetworkGateway",
      "virtualNetworkGateway1",
    );
    const local = refer(
      draft,
      textAt(inputs, "localNetworkGateway2.id"),
      "network:LocalNetworkGateway",
      "localNetworkGateway2",
    );
    const twin = all(draft.world, "network:VirtualNetworkGatewayConnection").find(
      ({ id, properties }) =>
        id !== draft.id &&
        textAt(properties, "virtualNetworkGateway1.id") === gateway.id &&
        textAt(properties, "localNetworkGateway2.id") === local.id,
    );
    if (twin !== undefined)
      throw new Refusal(
        "ConnectionAlreadyExists",
        `Connection ${lastName(twin.id)} already joins ${gateway.id} and ${local.id}.`,
      );
    requireKeyAndPolicies(draft);
    requireBgp(draft, gateway, local);
    matchTunnel(draft, gateway, local);
    return { connectionStatus: "Connected", routingWeight: inputs.routingWeight ?? 0 };
  },
};

function requireKeyAndPolicies({ inputs, id }: Draft): void {
  // learn.microsoft.com, vpn-gateway-vpn-faq: printable ASCII but no space, at most 128 characters.
  if (!/^[!-~]{1,128}$/.test(textAt(inputs, "sharedKey") ?? ""))
    throw new Refusal(
      "VpnSharedKeyInvalid",
      `The shared key of connection ${id} must be 1 to 128 printable ASCII characters without spaces.`,
    );
  const dpd = numberAt(inputs, "dpdTimeoutSeconds") ?? 45;
  if (dpd < 9 || dpd > 3600)
    throw new Refusal("InvalidDpdTimeout", `Connection ${id} has dpdTimeoutSeconds ${dpd}. Allowed range 9-3600.`);
  const policies = objectsAt(inputs, "ipsecPolicies");
  if (policies.length > 1)
    throw new Refusal(
      "InvalidIpsecPolicies",
      `Connection ${id} has ${policies.length} ipsecPolicies; only one is allowed.`,
    );
  for (const policy of policies) requirePolicy(policy, id);
}

/** learn.microsoft.com, vpn-gateway-about-compliance-crypto and ipsec-ike-policy-howto. */
function requirePolicy(policy: JsonObject, id: string): void {
  const [encryption = "", integrity = ""] = [textAt(policy, "ipsecEncryption"), textAt(policy, "ipsecIntegrity")];
  const gcm = encryption.startsWith("GCM") || integrity.startsWith("GCM");
  if (gcm && encryption !== integrity)
    throw new Refusal(
      "VpnIpsecPolicyGcmMismatch",
      `The IPsec policy of connection ${id} has ipsecEncryption ${encryption} and ipsecIntegrity ${integrity}; with GCMAES both must be the same.`,
    );
  const seconds = numberAt(policy, "saLifeTimeSeconds") ?? 0;
  if (seconds < 300 || seconds > 172_799)
    throw new Refusal(
      "VpnIpsecPolicyInvalid",
      `The IPsec policy of connection ${id} has saLifeTimeSeconds ${seconds}. Allowed range 300-172799.`,
    );
  const kilobytes = numberAt(policy, "saDataSizeKilobytes") ?? 0;
  if (kilobytes !== 0 && (kilobytes < 1024 || kilobytes > 2_147_483_647))
    throw new Refusal(
      "VpnIpsecPolicyInvalid",
      `The IPsec policy of connection ${id} has saDataSizeKilobytes ${kilobytes}. Allowed range 1024-2147483647.`,
    );
}

function requireBgp({ inputs, id }: Draft, gateway: WorldObject, local: WorldObject): void {
  const custom = objectsAt(inputs, "gatewayCustomBgpIpAddresses");
  const ends = {
    gateway: flagAt(gateway.properties, "enableBgp"),
    local: local.properties.bgpSettings !== undefined,
  };
  if (!flagAt(inputs, "enableBgp")) {
    if (custom.length === 0 && textsAt(local.properties, "localNetworkAddressSpace.addressPrefixes").length > 0) return;
    throw new Refusal(
      "BgpRequired",
      `Connection ${id} must have enableBgp: its local network gateway has no address space, or it has gatewayCustomBgpIpAddresses.`,
    );
  }
  if (!ends.gateway || !ends.local)
    throw new Refusal(
      "BgpNotEnabledOnBothEnds",
      `Connection ${id} has enableBgp, but ${ends.gateway ? `local network gateway ${local.id} has no bgpSettings` : `gateway ${gateway.id} has no enableBgp`}.`,
    );
  if (numberAt(gateway.properties, "bgpSettings.asn") === numberAt(local.properties, "bgpSettings.asn"))
    throw new Refusal(
      "BgpAsnConflict",
      `Gateway ${gateway.id} and local network gateway ${local.id} have the same ASN.`,
    );
  const link = (textAt(local.properties, "bgpSettings.bgpPeeringAddress") ?? "").startsWith("169.254.");
  if (custom.length === 0 && !link) return;
  const configured = objectsAt(gateway.properties, "bgpSettings.bgpPeeringAddresses");
  const missing = configured.find((part) => !custom.some((own) => own.ipConfigurationId === part.ipconfigurationId));
  if (missing !== undefined || custom.length !== configured.length)
    throw new Refusal(
      "GatewayCustomBgpIpAddressesMissing",
      `Connection ${id} must have one gatewayCustomBgpIpAddresses entry for each IP configuration of ${gateway.id}; missing: ${textAt(missing, "ipconfigurationId") ?? "none, but one is given twice"}.`,
    );
  for (const own of custom) {
    const home = configured.find((part) => part.ipconfigurationId === own.ipConfigurationId);
    const address = textAt(own, "customBgpIpAddress") ?? "";
    if (textsAt(home, "customBgpIpAddresses").includes(address)) continue;
    throw new Refusal(
      "GatewayCustomBgpIpAddressUnknown",
      `Connection ${id} uses the custom BGP IP address ${address}, which IP configuration ${textAt(own, "ipConfigurationId") ?? ""} of the gateway does not have.`,
    );
  }
}

/** In reality such a connection is created and stays down; here it is refused, and the words say what differs. */
function matchTunnel(draft: Draft, gateway: WorldObject, local: WorldObject): void {
  for (const tunnel of tunnelsAt(draft.world, textAt(local.properties, "gatewayIpAddress"))) {
    const differences = tunnelDifferences(draft.inputs, tunnel, gateway, local);
    if (differences.length === 0) continue;
    throw new Refusal("TunnelNeverComesUp", `${tunnel.name} and connection ${draft.name}: ${differences.join("; ")}`);
  }
}
