import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InterconnectSpec } from "../../components/config/schema.ts";
import { deployInterconnect } from "../../components/interconnect/interconnect.ts";
import { AwsLink, AzureLink } from "../../components/interconnect/link.ts";
import { parseLink } from "../../components/interconnect/site-link.ts";
import { bgpAddresses, planTunnels } from "../../components/interconnect/tunnels.ts";
import type { InterconnectSecrets } from "../../components/secrets/schema.ts";
import { type DeployOptions, deploy, named, ofType, type Recorded, resolved } from "../support/deploy.ts";
import { awsSite, azureSite } from "../support/stacks.ts";

const spec = InterconnectSpec.parse({ aws: { site: "prod-seoul" }, azure: { site: "dr-busan" } });

describe("planTunnels", () => {
  it("is the plan of the published walk-through", () => {
    // learn.microsoft.com/azure/vpn-gateway/vpn-gateway-howto-aws-bgp, tables "APIPA configuration" and "Custom BGP addresses"
    expect(
      planTunnels(spec).map(({ index, instance, tunnel, inside, awsAddress, customBgpAddresses }) =>
        [index, instance, tunnel, inside, awsAddress, ...customBgpAddresses].join(" "),
      ),
    ).toEqual([
      "0 0 1 169.254.21.0/30 169.254.21.1 169.254.21.2 169.254.21.6",
      "1 0 2 169.254.22.0/30 169.254.22.1 169.254.22.2 169.254.21.6",
      "2 1 1 169.254.21.4/30 169.254.21.5 169.254.21.2 169.254.21.6",
      "3 1 2 169.254.22.4/30 169.254.22.5 169.254.21.2 169.254.22.6",
    ]);
  });

  it("gives each tunnel its own ends, and Azure's other instance an address that is that instance's", () => {
    const block = fc.integer({ min: 0, max: 127 }).map((n) => `169.254.${n < 64 ? 21 : 22}.${(n % 64) * 4}/30`);
    const four = fc.uniqueArray(block, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, ([a, b, c, d]) => {
        const { tunnels } = InterconnectSpec.parse({
          aws: { site: "a" },
          azure: { site: "b" },
          tunnels: { instance0: [a, b], instance1: [c, d] },
        });
        const plan = planTunnels({ tunnels });
        const ends = plan.flatMap(({ awsAddress, azureAddress }) => [awsAddress, azureAddress]);
        expect(new Set(ends).size).toBe(8);
        for (const { instance, azureAddress, customBgpAddresses } of plan) {
          expect(customBgpAddresses[instance]).toBe(azureAddress);
          expect(bgpAddresses(plan, 0)).toContain(customBgpAddresses[0]);
          expect(bgpAddresses(plan, 1)).toContain(customBgpAddresses[1]);
        }
      }),
    );
  });
});

describe("parseLink", () => {
  it("says which stack to bring up when there is nothing yet", () => {
    expect(() => parseLink(AwsLink, "acme/gyeongbu/prod-seoul", undefined)).toThrow(
      /acme\/gyeongbu\/prod-seoul has no output `interconnect` yet\. Run `pulumi up`/,
    );
  });

  it("names every wrong field", () => {
    const raw = { platform: "azure", location: "koreasouth", resourceGroupName: "", gatewaySubnetId: "x", extra: 1 };
    expect(() => parseLink(AzureLink, "s", raw)).toThrow(
      /interconnect\.resourceGroupName[\s\S]*interconnect\.gatewaySubnetId/,
    );
  });
});

const zones = ["a", "b", "c"];
const subnetId =
  "/subscriptions/0/resourceGroups/busan/providers/Microsoft.Network/virtualNetworks/busan/subnets/GatewaySubnet";
const gatewayId =
  "/subscriptions/0/resourceGroups/busan/providers/Microsoft.Network/virtualNetworkGateways/interconnect-azure";
const links: Record<string, unknown> = {
  "organization/gyeongbu/prod-seoul": {
    platform: "aws",
    region: "ap-northeast-2",
    vpcId: "vpc-1",
    transitSubnetIds: zones.map((zone) => `subnet-${zone}`),
    nodeRouteTableIds: zones.map((zone) => `rtb-${zone}`),
  },
  "organization/gyeongbu/dr-busan": {
    platform: "azure",
    location: "koreasouth",
    resourceGroupName: "busan",
    gatewaySubnetId: subnetId,
  },
};
const outputs: NonNullable<DeployOptions["outputs"]> = ({ type, name }) => {
  if (type === "pulumi:pulumi:StackReference") {
    return { outputs: { interconnect: links[name] }, secretOutputNames: [] };
  }
  if (type.endsWith(":PublicIPAddress")) return { ipAddress: `192.0.2.${name.at(-1)}` };
  if (!type.endsWith(":VpnConnection")) return {};
  const last = name.at(-1);
  return {
    tunnel1Address: `198.51.100.${last}1`,
    tunnel2Address: `198.51.100.${last}2`,
    transitGatewayAttachmentId: `attachment-${last}`,
  };
};
const tunnelKeys: InterconnectSecrets["tunnelKeys"] = ["key-0", "key-1", "key-2", "key-3"];
const secrets = () => pulumi.secret({ tunnelKeys });
const sites = [awsSite(), azureSite()];
const program = () => deployInterconnect({ interconnect: spec, sites, secrets: secrets() });
const { result, resources } = await deploy(program, { outputs });

const tgw = (noun: string) => `aws:ec2transitgateway/${noun[0]?.toLowerCase()}${noun.slice(1)}:${noun}`;
const pair = ({ inputs }: Recorded) => [inputs.transitGatewayRouteTableId, inputs.transitGatewayAttachmentId];

describe("the AWS end", () => {
  it("is a Transit Gateway with ECMP that puts no attachment anywhere by default", () => {
    expect(ofType(resources, tgw("TransitGateway"))[0]?.inputs).toMatchObject({
      amazonSideAsn: 64_512,
      vpnEcmpSupport: "enable",
      defaultRouteTableAssociation: "disable",
      defaultRouteTablePropagation: "disable",
    });
    expect(ofType(resources, tgw("VpcAttachment"))[0]?.inputs).toMatchObject({
      vpcId: "vpc-1",
      subnetIds: ["subnet-a", "subnet-b", "subnet-c"],
      transitGatewayDefaultRouteTableAssociation: false,
      transitGatewayDefaultRouteTablePropagation: false,
    });
  });

  it("leads from the tunnels to the VPC and its pods, from the VPC into the tunnels, and between tunnels nowhere", () => {
    const [vpn, vpc] = ["interconnect-aws-from-vpn-id", "interconnect-aws-from-vpc-id"];
    expect(ofType(resources, tgw("RouteTableAssociation")).map(pair)).toEqual([
      [vpn, "attachment-0"],
      [vpn, "attachment-1"],
      [vpc, "interconnect-aws-id"],
    ]);
    expect(ofType(resources, tgw("RouteTablePropagation")).map(pair)).toEqual([
      [vpc, "attachment-0"],
      [vpc, "attachment-1"],
      [vpn, "interconnect-aws-id"],
    ]);
    const [pods, ...more] = ofType(resources, tgw("Route"));
    expect(more).toEqual([]);
    expect(pods?.inputs).toEqual({
      transitGatewayRouteTableId: vpn,
      transitGatewayAttachmentId: "interconnect-aws-id",
      destinationCidrBlock: "10.128.0.0/16",
    });
  });

  it("sends nodes of every zone to the peer's nodes and pods, once the VPC is attached", () => {
    const routes = ofType(resources, "aws:ec2/route:Route");
    expect(routes.map(({ inputs }) => `${String(inputs.routeTableId)} ${String(inputs.destinationCidrBlock)}`)).toEqual(
      zones.flatMap((zone) => [`rtb-${zone} 10.129.0.0/16`, `rtb-${zone} 10.20.0.0/16`]),
    );
    for (const { inputs, dependencies } of routes) {
      expect(inputs.transitGatewayId).toBe("interconnect-aws-id");
      expect(dependencies.some((urn) => urn.includes(":VpcAttachment::"))).toBe(true);
    }
  });

  it("has a customer gateway per Azure address and two tunnels to each, with keys that stay secret", () => {
    for (const instance of [0, 1]) {
      expect(
        named(resources, "aws:ec2/customerGateway:CustomerGateway", `interconnect-instance${instance}`).inputs,
      ).toMatchObject({
        bgpAsn: "64520",
        ipAddress: `192.0.2.${instance}`,
      });
      const vpn = named(resources, "aws:ec2/vpnConnection:VpnConnection", `interconnect-instance${instance}`);
      expect(vpn.inputs).toMatchObject({
        staticRoutesOnly: false,
        tunnel1InsideCidr: `169.254.21.${instance * 4}/30`,
        tunnel2InsideCidr: `169.254.22.${instance * 4}/30`,
        tunnel1PresharedKey: `key-${instance * 2}`,
        tunnel2PresharedKey: `key-${instance * 2 + 1}`,
      });
      for (const tunnel of ["tunnel1", "tunnel2"]) {
        expect(vpn.inputs).toMatchObject({
          [`${tunnel}IkeVersions`]: ["ikev2"],
          [`${tunnel}Phase1EncryptionAlgorithms`]: ["AES256-GCM-16"],
          [`${tunnel}Phase2EncryptionAlgorithms`]: ["AES256-GCM-16"],
          [`${tunnel}Phase1DhGroupNumbers`]: [20],
          [`${tunnel}Phase2DhGroupNumbers`]: [20],
          [`${tunnel}StartupAction`]: "start",
          [`${tunnel}DpdTimeoutAction`]: "restart",
        });
      }
      expect(vpn.secretPaths).toEqual(["tunnel1PresharedKey", "tunnel2PresharedKey"]);
    }
  });
});

describe("the Azure end", () => {
  it("is an active-active gateway with both APIPA addresses on each instance and time to be made", () => {
    const [gateway] = ofType(resources, "azure-native:network:VirtualNetworkGateway");
    expect(gateway?.inputs).toMatchObject({
      resourceGroupName: "busan",
      virtualNetworkGatewayName: "interconnect-azure",
      gatewayType: "Vpn",
      vpnType: "RouteBased",
      vpnGatewayGeneration: "Generation2",
      sku: { name: "VpnGw2AZ", tier: "VpnGw2AZ" },
      activeActive: true,
      enableBgp: true,
      ipConfigurations: [0, 1].map((instance) => ({
        name: `instance${instance}`,
        publicIPAddress: { id: `interconnect-azure-${instance}-id` },
        subnet: { id: subnetId },
      })),
      bgpSettings: {
        asn: 64_520,
        bgpPeeringAddresses: [
          {
            ipconfigurationId: `${gatewayId}/ipConfigurations/instance0`,
            customBgpIpAddresses: ["169.254.21.2", "169.254.22.2"],
          },
          {
            ipconfigurationId: `${gatewayId}/ipConfigurations/instance1`,
            customBgpIpAddresses: ["169.254.21.6", "169.254.22.6"],
          },
        ],
      },
    });
    expect(gateway?.customTimeouts).toEqual({ create: "90m", update: "90m", delete: "60m" });
  });

  it("has a local gateway and a connection per tunnel, each with its outside address, its key and both BGP addresses", () => {
    for (const { index, instance, tunnel, awsAddress, customBgpAddresses } of planTunnels(spec)) {
      const name = `interconnect-instance${instance}-tunnel${tunnel}`;
      expect(named(resources, "azure-native:network:LocalNetworkGateway", name).inputs).toMatchObject({
        gatewayIpAddress: `198.51.100.${instance}${tunnel}`,
        localNetworkAddressSpace: { addressPrefixes: [] },
        bgpSettings: { asn: 64_512, bgpPeeringAddress: awsAddress },
      });
      const connection = named(resources, "azure-native:network:VirtualNetworkGatewayConnection", name);
      expect(connection.inputs).toMatchObject({
        connectionType: "IPsec",
        connectionProtocol: "IKEv2",
        enableBgp: true,
        sharedKey: `key-${index}`,
        localNetworkGateway2: { id: `${name}-id` },
        gatewayCustomBgpIpAddresses: [0, 1].map((end) => ({
          customBgpIpAddress: customBgpAddresses[end === 0 ? 0 : 1],
          ipConfigurationId: `interconnect-azure-id/ipConfigurations/instance${end}`,
        })),
        ipsecPolicies: [{ ikeEncryption: "GCMAES256", ipsecEncryption: "GCMAES256", ipsecIntegrity: "GCMAES256" }],
      });
      expect(connection.secretPaths).toEqual(["sharedKey"]);
    }
  });

  it("hands out no secret as an output", async () => {
    expect(Object.keys(result)).toEqual(["tunnelAddresses"]);
    const addresses = result.tunnelAddresses;
    expect(pulumi.Output.isInstance(addresses) && (await resolved(addresses))).toEqual([
      "198.51.100.01",
      "198.51.100.02",
      "198.51.100.11",
      "198.51.100.12",
    ]);
  });
});

it("shows the same resources in a preview", async () => {
  const list = (all: readonly Recorded[]) =>
    all.map(({ type, name }) => `${type} ${name}`).filter((line) => !line.startsWith("pulumi:pulumi:StackReference"));
  const preview = await deploy(program, { preview: true, outputs });
  expect(list(preview.resources)).toEqual(list(resources));
});
