import { CustomerGateway } from "@pulumi/aws/ec2/customerGateway.js";
import { VpnConnection } from "@pulumi/aws/ec2/vpnConnection.js";
import { LocalNetworkGateway } from "@pulumi/azure-native/network/localNetworkGateway.js";
import { VirtualNetworkGatewayConnection } from "@pulumi/azure-native/network/virtualNetworkGatewayConnection.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec, AzureSiteSpec, InterconnectSpec, SiteSpec } from "../config/schema.ts";
import type { InterconnectSecrets } from "../secrets/schema.ts";
import { awsTunnelArgs } from "./aws-tunnels.ts";
import { AwsLink, AzureLink } from "./link.ts";
import { siteLink } from "./site-link.ts";
import { TransitGateway } from "./transit-gateway.ts";
import { azureProposal, planTunnels, type Tunnel } from "./tunnels.ts";
import { VpnGateway } from "./vpn-gateway.ts";

export interface InterconnectArgs {
  spec: InterconnectSpec;
  aws: { readonly site: AwsSiteSpec; readonly link: pulumi.Output<AwsLink> };
  azure: { readonly site: AzureSiteSpec; readonly link: pulumi.Output<AzureLink> };
  /** Secret: the four pre-shared keys. */
  secrets: pulumi.Output<InterconnectSecrets>;
}

/**
 * Joins the networks of an AWS and an Azure site by four IPsec tunnels with BGP: two gateway machines on Azure, two tunnels to each.
 *
 * Prefixes come from the two stack files, ids from the two stacks' outputs. Neither site knows of it, so either comes up and is rebuilt
 * without waiting for a gateway that takes 45 minutes.
 */
export class Interconnect extends pulumi.ComponentResource {
  /** Outside addresses of the tunnels' AWS ends, by tunnel index. */
  readonly tunnelAddresses: pulumi.Output<string[]>;

  constructor(name: string, args: InterconnectArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:Interconnect", name, {}, opts);
    const { spec, aws, azure } = args;
    const own = { parent: this };
    const tunnels = planTunnels(spec);
    const keys = pulumi.secret(args.secrets).apply(({ tunnelKeys }) => tunnelKeys);
    const keyOf = ({ index }: Pick<Tunnel, "index">) => keys.apply((all) => all[index] ?? noKey(index));

    const transit = new TransitGateway(
      `${name}-aws`,
      {
        site: aws.site,
        link: aws.link,
        asn: spec.aws.asn,
        remotePrefixes: [azure.site.network.nodes, azure.site.network.pods],
      },
      own,
    );
    const gateway = new VpnGateway(
      `${name}-azure`,
      { site: azure.site, link: azure.link, asn: spec.azure.asn, sku: spec.azure.gatewaySku, tunnels },
      own,
    );

    const createVpn = (instance: 0 | 1) => {
      const vpnName = `${name}-instance${instance}`;
      const tags = { Name: vpnName, "gyeongbu:site": aws.site.name };
      const [first, second] = tunnels.filter((tunnel) => tunnel.instance === instance);
      if (!first || !second) throw new RangeError(`gateway instance ${instance} has no two tunnels.`);
      const customer = new CustomerGateway(
        vpnName,
        {
          type: "ipsec.1",
          bgpAsn: `${spec.azure.asn}`,
          // The address alone, which exists at once: nothing on AWS waits for the gateway behind it.
          ipAddress: gateway.instances[instance].publicAddress,
          tags,
        },
        own,
      );
      const vpn = new VpnConnection(
        vpnName,
        {
          type: "ipsec.1",
          transitGatewayId: transit.gatewayId,
          customerGatewayId: customer.id,
          staticRoutesOnly: false,
          ...awsTunnelArgs([first, second], keyOf),
          tags,
        },
        own,
      );
      transit.connect(`instance${instance}`, vpn.transitGatewayAttachmentId);
      return vpn;
    };
    const vpns = [createVpn(0), createVpn(1)] as const;
    const outsideAddress = ({ instance, tunnel }: Tunnel) =>
      tunnel === 1 ? vpns[instance].tunnel1Address : vpns[instance].tunnel2Address;

    const placed = {
      resourceGroupName: azure.link.resourceGroupName,
      location: azure.link.location,
      tags: { "gyeongbu:site": azure.site.name },
    };
    for (const tunnel of tunnels) {
      const tunnelName = `${name}-instance${tunnel.instance}-tunnel${tunnel.tunnel}`;
      const far = new LocalNetworkGateway(
        tunnelName,
        {
          ...placed,
          gatewayIpAddress: outsideAddress(tunnel),
          // Empty: BGP says what is there.
          localNetworkAddressSpace: { addressPrefixes: [] },
          bgpSettings: { asn: spec.aws.asn, bgpPeeringAddress: tunnel.awsAddress },
        },
        own,
      );
      new VirtualNetworkGatewayConnection(
        tunnelName,
        {
          ...placed,
          connectionType: "IPsec",
          connectionProtocol: "IKEv2",
          connectionMode: "Default",
          virtualNetworkGateway1: { id: gateway.gatewayId },
          localNetworkGateway2: { id: far.id },
          sharedKey: keyOf(tunnel),
          enableBgp: true,
          gatewayCustomBgpIpAddresses: tunnel.customBgpAddresses.map((customBgpIpAddress, index) => ({
            customBgpIpAddress,
            ipConfigurationId: gateway.instances[index === 0 ? 0 : 1].ipConfigurationId,
          })),
          ipsecPolicies: [azureProposal],
          usePolicyBasedTrafficSelectors: false,
          // Seconds; Azure's default, and shorter ones read packet loss as a dead peer.
          dpdTimeoutSeconds: 45,
        },
        // The provider itself does not treat it as a secret.
        { ...own, additionalSecretOutputs: ["sharedKey"] },
      );
    }
    this.tunnelAddresses = pulumi.output(tunnels.map(outsideAddress));
    this.registerOutputs({ tunnelAddresses: this.tunnelAddresses });
  }
}

function noKey(index: number): never {
  throw new RangeError(`there is no pre-shared key number ${index}.`);
}

/** What `load` found in an interconnect's stack file. */
export interface InterconnectStack {
  readonly interconnect: InterconnectSpec;
  readonly sites: readonly SiteSpec[];
  readonly secrets: pulumi.Output<InterconnectSecrets>;
}

/** The program of the interconnect's stack. */
export function deployInterconnect({ interconnect, sites, secrets }: InterconnectStack): Record<string, unknown> {
  const aws = sites.find((site) => site.name === interconnect.aws.site);
  const azure = sites.find((site) => site.name === interconnect.azure.site);
  if (aws?.platform !== "aws" || azure?.platform !== "azure") {
    throw new pulumi.RunError("gyeongbu:interconnect must name one site on AWS and one on Azure.");
  }
  const stack = (site: string) => `${interconnect.organization}/${pulumi.getProject()}/${site}`;
  const { tunnelAddresses } = new Interconnect("interconnect", {
    spec: interconnect,
    aws: { site: aws, link: siteLink(AwsLink, stack(aws.name)) },
    azure: { site: azure, link: siteLink(AzureLink, stack(azure.name)) },
    secrets,
  });
  return { tunnelAddresses };
}
