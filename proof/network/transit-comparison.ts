import type { AwsSiteSpec, AzureSiteSpec, InterconnectSpec } from "../../components/config/schema.ts";
import { planTunnels, type Tunnel } from "../../components/interconnect/tunnels.ts";
import { plannedAddress } from "../recorded.ts";
import { awsLines } from "./aws-comparison.ts";
import { refer, secret, type Wanted, wantedLines } from "./comparison-lines.ts";
import type { Comparison, StackResource } from "./model.ts";

/** What the AWS half of an interconnect should have, from its file and the two sites', against what is recorded. */
export function transitComparison(
  stack: string,
  spec: InterconnectSpec,
  aws: AwsSiteSpec,
  azure: AzureSiteSpec,
  resources: readonly StackResource[],
): Comparison {
  const tunnels = planTunnels(spec);
  const wanted = [
    ...gateway(spec, aws),
    ...vpcSide(aws, azure),
    ...([0, 1] as const).flatMap((instance) =>
      vpnSide(
        spec,
        instance,
        tunnels.filter((tunnel) => tunnel.instance === instance),
        publicAddress(stack, instance, resources),
      ),
    ),
  ];
  return { stack, planned: wantedLines(wanted), found: awsLines(stack, resources) };
}

const name = "interconnect-aws";
const gatewayId = refer("TransitGateway", name);
const fromVpc = refer("RouteTable", `${name}-from-vpc`);
const fromVpn = refer("RouteTable", `${name}-from-vpn`);

function gateway(spec: InterconnectSpec, aws: AwsSiteSpec): Wanted[] {
  return [
    {
      type: "aws:ec2transitgateway/transitGateway:TransitGateway",
      name,
      inputs: {
        amazonSideAsn: spec.aws.asn,
        defaultRouteTableAssociation: "disable",
        defaultRouteTablePropagation: "disable",
        vpnEcmpSupport: "enable",
      },
    },
    ...["from-vpc", "from-vpn"].map((noun) => ({
      type: "aws:ec2transitgateway/routeTable:RouteTable",
      name: `${name}-${noun}`,
      inputs: { transitGatewayId: gatewayId },
    })),
    {
      type: "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
      name,
      inputs: {
        subnetIds: aws.zones.map((zone) => refer("Subnet", `${aws.name}-transit-${zone}`)),
        transitGatewayDefaultRouteTableAssociation: false,
        transitGatewayDefaultRouteTablePropagation: false,
        transitGatewayId: gatewayId,
        vpcId: refer("Vpc", aws.name),
      },
    },
  ];
}

/** The VPC's ways into the gateway and the gateway's into the VPC. */
function vpcSide(aws: AwsSiteSpec, azure: AzureSiteSpec): Wanted[] {
  const attachment = refer("VpcAttachment", name);
  return [
    ...aws.zones.flatMap((zone) =>
      [azure.network.nodes, azure.network.pods].map((prefix) => ({
        type: "aws:ec2/route:Route",
        name: `${name}-node-${zone}-${prefix.replace("/", "-")}`,
        inputs: {
          destinationCidrBlock: prefix,
          routeTableId: refer("RouteTable", `${aws.name}-node-${zone}`),
          transitGatewayId: gatewayId,
        },
      })),
    ),
    ...joint(`${name}-vpc`, attachment, fromVpc, fromVpn),
    {
      type: "aws:ec2transitgateway/route:Route",
      name: `${name}-pods`,
      inputs: {
        destinationCidrBlock: aws.network.pods,
        transitGatewayAttachmentId: attachment,
        transitGatewayRouteTableId: fromVpn,
      },
    },
  ];
}

/** The table that an attachment's packets meet, and the one that learns of it. */
function joint(noun: string, attachment: string, meets: string, taught: string): Wanted[] {
  return [
    {
      type: "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation",
      name: noun,
      inputs: { transitGatewayAttachmentId: attachment, transitGatewayRouteTableId: meets },
    },
    {
      type: "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation",
      name: noun,
      inputs: { transitGatewayAttachmentId: attachment, transitGatewayRouteTableId: taught },
    },
  ];
}

function vpnSide(spec: InterconnectSpec, instance: 0 | 1, tunnels: readonly Tunnel[], ipAddress: string): Wanted[] {
  const vpn = `interconnect-instance${instance}`;
  return [
    {
      type: "aws:ec2/customerGateway:CustomerGateway",
      name: vpn,
      inputs: { bgpAsn: `${spec.azure.asn}`, ipAddress, type: "ipsec.1" },
    },
    {
      type: "aws:ec2/vpnConnection:VpnConnection",
      name: vpn,
      inputs: {
        customerGatewayId: refer("CustomerGateway", vpn),
        staticRoutesOnly: false,
        transitGatewayId: gatewayId,
        type: "ipsec.1",
        ...Object.assign({}, ...tunnels.map(tunnelInputs)),
      },
    },
    ...joint(`${name}-instance${instance}`, refer("VpnConnection", vpn, " attachment"), fromVpn, fromVpc),
  ];
}

/** AES-256-GCM, group 20 and SHA-384 only; AWS dials, and dials again. */
function tunnelInputs({ tunnel, inside }: Tunnel): Record<string, unknown> {
  const options = {
    DpdTimeoutAction: "restart",
    IkeVersions: ["ikev2"],
    InsideCidr: inside,
    Phase1DhGroupNumbers: [20],
    Phase1EncryptionAlgorithms: ["AES256-GCM-16"],
    Phase1IntegrityAlgorithms: ["SHA2-384"],
    Phase1LifetimeSeconds: 28_800,
    Phase2DhGroupNumbers: [20],
    Phase2EncryptionAlgorithms: ["AES256-GCM-16"],
    Phase2IntegrityAlgorithms: ["SHA2-384"],
    Phase2LifetimeSeconds: 3600,
    PresharedKey: secret,
    StartupAction: "start",
  };
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [`tunnel${tunnel}${key}`, value]));
}

/** The address that Azure's gateway machine gets: a placeholder that follows from its resource. */
function publicAddress(stack: string, instance: 0 | 1, resources: readonly StackResource[]): string {
  const address = resources.find(
    (resource) =>
      resource.stack === stack &&
      resource.type === "azure-native:network:PublicIPAddress" &&
      resource.name === `interconnect-azure-${instance}`,
  );
  return address ? plannedAddress(address.id, "ipAddress") : `the address of interconnect-azure-${instance}`;
}
