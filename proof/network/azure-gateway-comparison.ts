import type { AzureSiteSpec, InterconnectSpec } from "../../components/config/schema.ts";
import { azureProposal, bgpAddresses, planTunnels, type Tunnel } from "../../components/interconnect/tunnels.ts";
import { plannedAddress } from "../recorded.ts";
import { azureNetwork, publicAddress, reference } from "./azure-wanted.ts";
import { refer, secret, type Wanted } from "./comparison-lines.ts";
import type { StackResource } from "./model.ts";

/** The address at which a tunnel's AWS end is dialled. */
export type Outside = (tunnel: Tunnel) => string;

/** Those of an interconnect that the plan records. */
export function outsideAddresses(stack: string, resources: readonly StackResource[]): Outside {
  return ({ instance, tunnel }) => {
    const name = `${interconnect}-instance${instance}`;
    const vpn = resources.find(
      (one) => one.stack === stack && one.type === "aws:ec2/vpnConnection:VpnConnection" && one.name === name,
    );
    return vpn ? plannedAddress(vpn.id, `tunnel${tunnel}Address`) : `that of ${name}, which is not there`;
  };
}

/** Logical name of the interconnect's resources. */
const interconnect = "interconnect";
const gatewayName = `${interconnect}-azure`;

/** The Azure half of an interconnect as its stack file wants it. */
export function wantedGateway(spec: InterconnectSpec, azure: AzureSiteSpec, outside: Outside): Wanted[] {
  const placed = { resourceGroupName: azure.name, location: azure.location };
  const tunnels = planTunnels(spec);
  const instances = [0, 1] as const;
  const configuration = (instance: 0 | 1) => `/ipConfigurations/instance${instance}`;
  const { gatewaySku } = spec.azure;
  const gateway: Wanted = {
    type: `${azureNetwork}VirtualNetworkGateway`,
    name: gatewayName,
    inputs: {
      ...placed,
      virtualNetworkGatewayName: gatewayName,
      gatewayType: "Vpn",
      vpnType: "RouteBased",
      sku: { name: gatewaySku, tier: gatewaySku },
      vpnGatewayGeneration: gatewaySku === "VpnGw1AZ" ? "Generation1" : "Generation2",
      activeActive: true,
      enableBgp: true,
      ipConfigurations: instances.map((instance) => ({
        name: `instance${instance}`,
        privateIPAllocationMethod: "Dynamic",
        publicIPAddress: reference("PublicIPAddress", `${gatewayName}-${instance}`),
        subnet: reference("Subnet", `${azure.name}-GatewaySubnet`),
      })),
      bgpSettings: {
        asn: spec.azure.asn,
        bgpPeeringAddresses: instances.map((instance) => ({
          ipconfigurationId: refer("VirtualNetworkGateway", gatewayName, configuration(instance)),
          customBgpIpAddresses: bgpAddresses(tunnels, instance),
        })),
      },
    },
  };
  const far = (name: string, tunnel: Tunnel): Wanted => ({
    type: `${azureNetwork}LocalNetworkGateway`,
    name,
    inputs: {
      ...placed,
      gatewayIpAddress: outside(tunnel),
      localNetworkAddressSpace: { addressPrefixes: [] },
      bgpSettings: { asn: spec.aws.asn, bgpPeeringAddress: tunnel.awsAddress },
    },
  });
  const connection = (name: string, tunnel: Tunnel): Wanted => ({
    type: `${azureNetwork}VirtualNetworkGatewayConnection`,
    name,
    inputs: {
      ...placed,
      connectionType: "IPsec",
      connectionProtocol: "IKEv2",
      connectionMode: "Default",
      virtualNetworkGateway1: reference("VirtualNetworkGateway", gatewayName),
      localNetworkGateway2: reference("LocalNetworkGateway", name),
      sharedKey: secret,
      enableBgp: true,
      gatewayCustomBgpIpAddresses: instances.map((instance) => ({
        customBgpIpAddress: tunnel.customBgpAddresses[instance],
        ipConfigurationId: refer("VirtualNetworkGateway", gatewayName, configuration(instance)),
      })),
      ipsecPolicies: [azureProposal],
      usePolicyBasedTrafficSelectors: false,
      dpdTimeoutSeconds: 45,
    },
  });
  return [
    ...instances.map((instance) => publicAddress(`${gatewayName}-${instance}`, placed)),
    gateway,
    ...tunnels.flatMap((tunnel) => {
      const name = `${interconnect}-instance${tunnel.instance}-tunnel${tunnel.tunnel}`;
      return [far(name, tunnel), connection(name, tunnel)];
    }),
  ];
}
