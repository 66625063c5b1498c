import { describe, expect, it } from "vitest";
import { type Properties, Secret } from "../../rehearsal/stand-in.ts";
import { arm, gatewaySubnet, nodeSubnet } from "./azure-cloud.ts";
import {
  answer,
  bgp,
  configuration,
  connectionInputs,
  gateway,
  gatewayInputs,
  joined,
  local,
  localInputs,
  policy,
  psk,
  publicIp,
  site,
} from "./azure-link.ts";

describe("a VPN gateway that Azure refuses", () => {
  const two = gatewayInputs().ipConfigurations;
  const list = Array.isArray(two) ? two : [];
  it.each<[rule: string, code: string, more: Properties]>([
    ["a size without zones", "NonAzSkusNotAllowedForVPNGateway", { sku: { name: "VpnGw2", tier: "VpnGw2" } }],
    ["a tier beside the size", "InvalidGatewaySku", { sku: { name: "VpnGw2AZ", tier: "VpnGw1AZ" } }],
    ["a generation the size lacks", "InvalidGatewaySku", { sku: { name: "VpnGw1AZ", tier: "VpnGw1AZ" } }],
    ["policy-based", "InvalidGatewayType", { vpnType: "PolicyBased" }],
    [
      "active-active with one configuration",
      "ActiveActiveGatewayIpConfigurationCount",
      { ipConfigurations: list.slice(1) },
    ],
    ["two configurations without active-active", "ActiveActiveGatewayIpConfigurationCount", { activeActive: false }],
    [
      "one public address for both",
      "PublicIPAddressInUse",
      {
        ipConfigurations: ["inst0", "inst1"].map((name) => ({
          name,
          subnet: { id: gatewaySubnet },
          publicIPAddress: { id: publicIp(0) },
        })),
      },
    ],
    [
      "another subnet",
      "InvalidGatewaySubnet",
      {
        ipConfigurations: [0, 1].map((n) => ({
          name: `inst${n}`,
          subnet: { id: nodeSubnet },
          publicIPAddress: { id: publicIp(n) },
        })),
      },
    ],
    ["BGP without ASN", "BgpSettingsAsnMissing", { bgpSettings: {} }],
    ["a 32-bit ASN", "InvalidBgpAsn", { bgpSettings: { asn: 4_200_000_000 } }],
    ...[8074, 12_076, 23_456, 64_496, 65_515, 65_517, 65_520, 65_535].map((asn): [string, string, Properties] => [
      `ASN ${asn}`,
      "BgpAsnReserved",
      { bgpSettings: { asn } },
    ]),
    ["an address outside APIPA", "InvalidCustomBgpIpAddress", { bgpSettings: bgp(64_520, [["169.254.20.2"], []]) }],
    [
      "one address twice",
      "InvalidCustomBgpIpAddress",
      { bgpSettings: bgp(64_520, [["169.254.21.2"], ["169.254.21.2"]]) },
    ],
    [
      "addresses of a foreign configuration",
      "InvalidBgpPeeringAddress",
      { bgpSettings: bgp(64_520, [[], [], ["169.254.21.2"]]) },
    ],
  ])("%s", async (_, code, more) => {
    expect(await answer(await site(), "network:VirtualNetworkGateway", gatewayInputs(more))).toMatch(
      new RegExp(`^${code}: `),
    );
  });

  it("a second one, a narrow subnet, deletion while connected", async () => {
    const cloud = await joined();
    const third = arm("network", "publicIPAddresses/third");
    await cloud.create("network:PublicIPAddress", "third", {
      publicIpAddressName: "third",
      sku: { name: "Standard" },
      publicIPAllocationMethod: "Static",
    });
    const single = {
      activeActive: false,
      bgpSettings: { asn: 64_520 },
      virtualNetworkGatewayName: "second",
      ipConfigurations: [{ name: "only", subnet: { id: gatewaySubnet }, publicIPAddress: { id: third } }],
    };
    expect(await answer(cloud, "network:VirtualNetworkGateway", gatewayInputs(single))).toContain("GatewaySubnetInUse");
    await cloud.create("network:VirtualNetworkGatewayConnection", "tunnel", connectionInputs());
    for (const [resource, id] of [
      ["VirtualNetworkGateway", gateway],
      ["LocalNetworkGateway", local],
    ] as const)
      await expect(cloud.remove(`network:${resource}`, "x", id)).rejects.toThrow("GatewayInUseByConnection");
    const narrow = await site();
    await narrow.update("network:Subnet", "GatewaySubnet", gatewaySubnet, { addressPrefix: "10.20.255.0/28" });
    expect(await answer(narrow, "network:VirtualNetworkGateway", gatewayInputs())).toContain("GatewaySubnetTooSmall");
  });

  it("takes 45 minutes, and tells its addresses per configuration", async () => {
    const cloud = await joined();
    expect(cloud.kind("network:VirtualNetworkGateway").seconds.create).toBe(2700);
    expect(cloud.object(gateway)?.properties).toMatchObject({
      ipConfigurations: [{ id: configuration(0) }, { id: configuration(1) }],
      bgpSettings: {
        asn: 64_520,
        bgpPeeringAddresses: [
          {
            ipconfigurationId: configuration(0),
            tunnelIpAddresses: ["198.51.100.1"],
            customBgpIpAddresses: ["169.254.21.2", "169.254.22.2"],
          },
          { ipconfigurationId: configuration(1), tunnelIpAddresses: ["198.51.100.2"] },
        ],
      },
    });
  });
});

describe("a local gateway that Azure refuses", () => {
  it.each<[rule: string, code: string, more: Properties]>([
    ["no address", "InvalidGatewayIpAddress", { gatewayIpAddress: "vpn" }],
    ["no routes and no BGP", "LocalNetworkGatewayWithoutRoutes", { bgpSettings: null }],
    ["a reserved ASN", "BgpAsnReserved", { bgpSettings: { asn: 65_515, bgpPeeringAddress: "169.254.21.1" } }],
    ["no peer", "InvalidBgpPeeringAddress", { bgpSettings: { asn: 64_512 } }],
    ["a crooked block", "InvalidCIDRNotation", { localNetworkAddressSpace: { addressPrefixes: ["10.10.0.1/16"] } }],
  ])("%s", async (_, code, more) => {
    const inputs = Object.fromEntries(Object.entries(localInputs(more)).filter(([, value]) => value !== null));
    expect(await answer(await site(), "network:LocalNetworkGateway", inputs)).toMatch(new RegExp(`^${code}: `));
  });
});

describe("a connection that Azure refuses", () => {
  const custom = connectionInputs().gatewayCustomBgpIpAddresses;
  const both = Array.isArray(custom) ? custom : [];
  it.each<[rule: string, code: string, more: Properties]>([
    ["a gateway that is not there", "InvalidResourceReference", { virtualNetworkGateway1: { id: `${gateway}x` } }],
    ["another type", "InvalidConnectionType", { connectionType: "Vnet2Vnet" }],
    ["no shared key", "VpnSharedKeyInvalid", { sharedKey: "" }],
    ["a shared key with a space", "VpnSharedKeyInvalid", { sharedKey: "a b" }],
    ["GCM with SHA", "VpnIpsecPolicyGcmMismatch", { ipsecPolicies: [{ ...policy, ipsecIntegrity: "SHA256" }] }],
    ["a short lifetime", "VpnIpsecPolicyInvalid", { ipsecPolicies: [{ ...policy, saLifeTimeSeconds: 60 }] }],
    ["two policies", "InvalidIpsecPolicies", { ipsecPolicies: [policy, policy] }],
    ["a short DPD", "InvalidDpdTimeout", { dpdTimeoutSeconds: 5 }],
    ["no BGP and no routes", "BgpRequired", { enableBgp: false }],
    ["no custom addresses", "GatewayCustomBgpIpAddressesMissing", { gatewayCustomBgpIpAddresses: [] }],
    [
      "custom addresses of one instance",
      "GatewayCustomBgpIpAddressesMissing",
      { gatewayCustomBgpIpAddresses: both.slice(1) },
    ],
    [
      "an address the gateway lacks",
      "GatewayCustomBgpIpAddressUnknown",
      {
        gatewayCustomBgpIpAddresses: [
          { ipConfigurationId: configuration(0), customBgpIpAddress: "169.254.21.10" },
          ...both.slice(1),
        ],
      },
    ],
  ])("%s", async (_, code, more) => {
    expect(await answer(await joined(), "network:VirtualNetworkGatewayConnection", connectionInputs(more))).toMatch(
      new RegExp(`^${code}: `),
    );
  });

  it("a local gateway or a gateway without BGP, one ASN on both sides, the same pair twice", async () => {
    const inputs = Object.fromEntries(Object.entries(localInputs()).filter(([key]) => key !== "bgpSettings"));
    const plain = await site();
    await plain.create("network:VirtualNetworkGateway", "vpn", gatewayInputs());
    const routes = { localNetworkAddressSpace: { addressPrefixes: ["10.10.0.0/16"] } };
    await plain.create("network:LocalNetworkGateway", "local", { ...inputs, ...routes });
    const words = `BgpNotEnabledOnBothEnds: Connection ${arm("network", "connections/tunnel")} has enableBgp, but`;
    expect(await answer(plain, "network:VirtualNetworkGatewayConnection", connectionInputs())).toContain(
      `${words} local network gateway ${local} has no bgpSettings`,
    );
    const deaf = await joined({ enableBgp: false });
    expect(await answer(deaf, "network:VirtualNetworkGatewayConnection", connectionInputs())).toContain(
      `${words} gateway ${gateway} has no enableBgp`,
    );
    const same = await joined({}, { bgpSettings: { asn: 64_520, bgpPeeringAddress: "169.254.21.1" } });
    expect(await answer(same, "network:VirtualNetworkGatewayConnection", connectionInputs())).toContain(
      "BgpAsnConflict",
    );
    const cloud = await joined();
    await cloud.create("network:VirtualNetworkGatewayConnection", "tunnel", connectionInputs());
    const twin = connectionInputs({ virtualNetworkGatewayConnectionName: "twin" });
    expect(await answer(cloud, "network:VirtualNetworkGatewayConnection", twin)).toContain("ConnectionAlreadyExists");
  });

  it("and one without APIPA, or without BGP, that it accepts", async () => {
    const plain = { gatewayCustomBgpIpAddresses: [] };
    const bgpPeer = await joined({}, { bgpSettings: { asn: 64_512, bgpPeeringAddress: "10.30.0.1" } });
    expect(await answer(bgpPeer, "network:VirtualNetworkGatewayConnection", connectionInputs(plain))).toBe("accepted");
    const routes = await joined({}, { localNetworkAddressSpace: { addressPrefixes: ["10.30.0.0/16"] } });
    const still = { ...plain, enableBgp: false };
    expect(await answer(routes, "network:VirtualNetworkGatewayConnection", connectionInputs(still))).toBe("accepted");
  });

  it("keeps the key secret as it came, and only its fingerprint in the world", async () => {
    const cloud = await joined();
    const { id, outputs } = await cloud.create("network:VirtualNetworkGatewayConnection", "tunnel", connectionInputs());
    expect(outputs.sharedKey).toEqual(new Secret(psk));
    expect(JSON.stringify(cloud.world.all())).not.toContain(psk);
    expect(cloud.object(id)?.properties.sharedKey).toMatch(/^sha256:/);
  });
});
