import type { Properties } from "../../rehearsal/stand-in.ts";
import { Secret } from "../../rehearsal/stand-in.ts";
import { type AzureCloud, arm, azureSite, gatewaySubnet } from "./azure-cloud.ts";

export const gateway = arm("network", "virtualNetworkGateways/vpn");
export const local = arm("network", "localNetworkGateways/local");
export const publicIp = (index: number): string => arm("network", `publicIPAddresses/vpn-${index}`);
export const configuration = (index: number): string => `${gateway}/ipConfigurations/inst${index}`;
export const psk = "Correct.Horse_Battery";

export function gatewayInputs(more: Properties = {}): Properties {
  return {
    virtualNetworkGatewayName: "vpn",
    gatewayType: "Vpn",
    vpnType: "RouteBased",
    sku: { name: "VpnGw2AZ", tier: "VpnGw2AZ" },
    vpnGatewayGeneration: "Generation2",
    activeActive: true,
    enableBgp: true,
    ipConfigurations: [0, 1].map((index) => ({
      name: `inst${index}`,
      subnet: { id: gatewaySubnet },
      publicIPAddress: { id: publicIp(index) },
    })),
    bgpSettings: bgp(64_520, [
      ["169.254.21.2", "169.254.22.2"],
      ["169.254.21.6", "169.254.22.6"],
    ]),
    ...more,
  };
}

export function bgp(asn: number, custom: string[][]): Properties {
  const bgpPeeringAddresses = custom.map((customBgpIpAddresses, index) => ({
    ipconfigurationId: configuration(index),
    customBgpIpAddresses,
  }));
  return { asn, bgpPeeringAddresses };
}

export function localInputs(more: Properties = {}): Properties {
  return {
    localNetworkGatewayName: "local",
    gatewayIpAddress: "203.0.113.1",
    bgpSettings: { asn: 64_512, bgpPeeringAddress: "169.254.21.1" },
    ...more,
  };
}

export const policy = {
  dhGroup: "DHGroup14",
  ikeEncryption: "GCMAES256",
  ikeIntegrity: "SHA384",
  ipsecEncryption: "GCMAES256",
  ipsecIntegrity: "GCMAES256",
  pfsGroup: "PFS14",
  saDataSizeKilobytes: 0,
  saLifeTimeSeconds: 3600,
};

export function connectionInputs(more: Properties = {}): Properties {
  return {
    virtualNetworkGatewayConnectionName: "tunnel",
    connectionType: "IPsec",
    virtualNetworkGateway1: { id: gateway },
    localNetworkGateway2: { id: local },
    enableBgp: true,
    sharedKey: new Secret(psk),
    ipsecPolicies: [policy],
    gatewayCustomBgpIpAddresses: [
      { ipConfigurationId: configuration(0), customBgpIpAddress: "169.254.21.2" },
      { ipConfigurationId: configuration(1), customBgpIpAddress: "169.254.21.6" },
    ],
    ...more,
  };
}

export async function site(): Promise<AzureCloud> {
  const cloud = await azureSite();
  for (const index of [0, 1])
    await cloud.create("network:PublicIPAddress", `vpn-${index}`, {
      publicIpAddressName: `vpn-${index}`,
      sku: { name: "Standard" },
      publicIPAllocationMethod: "Static",
    });
  return cloud;
}

export async function joined(gatewayMore: Properties = {}, localMore: Properties = {}): Promise<AzureCloud> {
  const cloud = await site();
  await cloud.create("network:VirtualNetworkGateway", "vpn", gatewayInputs(gatewayMore));
  await cloud.create("network:LocalNetworkGateway", "local", localInputs(localMore));
  return cloud;
}

export async function answer(cloud: AzureCloud, resource: string, inputs: Properties): Promise<string> {
  return cloud.create(resource, "new", inputs).then(
    () => "accepted",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
