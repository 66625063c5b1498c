import { beforeEach, describe, expect, it } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { Cloud, type Seoul, seoul } from "./aws-cloud.ts";
import { refuses } from "./aws-refuses.ts";

let cloud: Cloud;
let site: Seoul;
beforeEach(async () => {
  cloud = new Cloud();
  site = await seoul(cloud);
});

/** A transit gateway with the VPC attached and a table. */
async function transit(c: Cloud, s: Seoul, gatewayInputs: Properties = {}) {
  const gateway = await c.make("transitGateway", {
    defaultRouteTableAssociation: "disable",
    defaultRouteTablePropagation: "disable",
    ...gatewayInputs,
  });
  const attachment = await c.make("vpcAttachment", {
    transitGatewayId: gateway.id,
    vpcId: s.vpc.id,
    subnetIds: [s.a.id, s.b.id],
  });
  const tableOf = await c.make("transitRouteTable", { transitGatewayId: gateway.id });
  return { gateway, attachment, table: tableOf };
}

const ends = (table: { id: string }, attachment: { id: string }): Properties => ({
  transitGatewayRouteTableId: table.id,
  transitGatewayAttachmentId: attachment.id,
});

describe("transit gateways", () => {
  refuses([
    ["an ASN out of range", "transitGateway", () => ({ amazonSideAsn: 64_511 }), "amazonSideAsn"],
    ["a flag instead of enable", "transitGateway", () => ({ vpnEcmpSupport: true }), "must be a string, not a boolean"],
    ["a bad enum", "transitGateway", () => ({ vpnEcmpSupport: "enabled" }), "must be one of disable, enable"],
    [
      "no gateway",
      "vpcAttachment",
      (_, s) => ({ transitGatewayId: "tgw-0", vpcId: s.vpc.id, subnetIds: [s.a.id] }),
      "InvalidTransitGatewayID.NotFound",
    ],
    [
      "two subnets of one zone",
      "vpcAttachment",
      async (c, s) => {
        const { id } = await c.make("transitGateway", {});
        const other = await c.make("subnet", {
          vpcId: s.vpc.id,
          cidrBlock: "10.10.2.0/24",
          availabilityZone: "ap-northeast-2a",
        });
        return { transitGatewayId: id, vpcId: s.vpc.id, subnetIds: [s.a.id, other.id] };
      },
      "DuplicateSubnetsInSameZone",
    ],
    [
      "a VPC twice",
      "vpcAttachment",
      async (c, s) => ({ transitGatewayId: (await transit(c, s)).gateway.id, vpcId: s.vpc.id, subnetIds: [s.a.id] }),
      "DuplicateTransitGatewayAttachment",
    ],
    [
      "a route to no attachment",
      "transitRoute",
      async (c, s) => ({
        ...ends((await transit(c, s)).table, { id: "tgw-attach-0" }),
        destinationCidrBlock: "10.128.0.0/16",
      }),
      "InvalidTransitGatewayAttachmentID.NotFound",
    ],
    [
      "a route twice",
      "transitRoute",
      async (c, s) => {
        const { table: t, attachment } = await transit(c, s);
        const route = { ...ends(t, attachment), destinationCidrBlock: "10.128.0.0/16" };
        await c.make("transitRoute", route);
        return route;
      },
      "RouteAlreadyExists",
    ],
    [
      "an association twice",
      "transitAssociation",
      async (c, s) => {
        const { gateway, table: t, attachment } = await transit(c, s);
        await c.make("transitAssociation", ends(t, attachment));
        return ends(await c.make("transitRouteTable", { transitGatewayId: gateway.id }), attachment);
      },
      "Resource.AlreadyAssociated",
    ],
    [
      "an association beside the default one",
      "transitAssociation",
      async (c, s) => {
        const { table: t, attachment } = await transit(c, s, { defaultRouteTableAssociation: "enable" });
        return ends(t, attachment);
      },
      "Resource.AlreadyAssociated",
    ],
    [
      "a propagation twice",
      "transitPropagation",
      async (c, s) => {
        const { table: t, attachment } = await transit(c, s);
        await c.make("transitPropagation", ends(t, attachment));
        return ends(t, attachment);
      },
      "TransitGatewayRouteTablePropagation.Duplicate",
    ],
  ]);
});

const customer = (c: Cloud, ipAddress = "203.0.113.10") =>
  c.make("customerGateway", { type: "ipsec.1", bgpAsn: "64520", ipAddress });

async function vpn(c: Cloud, rest: Properties = {}): Promise<Properties> {
  const gateway = await c.make("transitGateway", { amazonSideAsn: 64_512 });
  return { type: "ipsec.1", customerGatewayId: (await customer(c)).id, transitGatewayId: gateway.id, ...rest };
}

describe("VPN", () => {
  refuses([
    [
      "an ASN as a number",
      "customerGateway",
      () => ({ type: "ipsec.1", bgpAsn: 64_520, ipAddress: "203.0.113.1" }),
      "must be a string, not a number",
    ],
    [
      "an ASN of 32 bits in the short field",
      "customerGateway",
      () => ({ type: "ipsec.1", bgpAsn: "4200000000", ipAddress: "203.0.113.1" }),
      "bgpAsnExtended",
    ],
    [
      "an address that is none",
      "customerGateway",
      () => ({ type: "ipsec.1", bgpAsn: "64520", ipAddress: "203.0.113.256" }),
      "not a valid IPv4 address",
    ],
    [
      "neither gateway",
      "vpnConnection",
      async (c) => ({ type: "ipsec.1", customerGatewayId: (await customer(c)).id }),
      "must be given",
    ],
    ["both gateways", "vpnConnection", (c) => vpn(c, { vpnGatewayId: "vgw-1" }), "only one of"],
    [
      "a private customer gateway",
      "vpnConnection",
      async (c) => vpn(c, { customerGatewayId: (await customer(c, "10.20.255.4")).id }),
      "not routable",
    ],
    [
      "an inside block beyond APIPA",
      "vpnConnection",
      (c) => vpn(c, { tunnel1InsideCidr: "10.0.0.0/30" }),
      "not within 169.254.0.0/16",
    ],
    [
      "an inside block of /29",
      "vpnConnection",
      (c) => vpn(c, { tunnel1InsideCidr: "169.254.21.0/29" }),
      "prefix from /30 to /30",
    ],
    [
      "a reserved inside block",
      "vpnConnection",
      (c) => vpn(c, { tunnel2InsideCidr: "169.254.5.0/30" }),
      "reserved by AWS",
    ],
    [
      "an inside block twice",
      "vpnConnection",
      (c) => vpn(c, { tunnel1InsideCidr: "169.254.21.0/30", tunnel2InsideCidr: "169.254.21.0/30" }),
      "already in use",
    ],
    [
      "an inside block of another connection",
      "vpnConnection",
      async (c) => {
        const inputs = await vpn(c, { tunnel1InsideCidr: "169.254.21.0/30", tunnel2InsideCidr: "169.254.22.0/30" });
        await c.make("vpnConnection", inputs);
        return { ...inputs, customerGatewayId: (await customer(c, "203.0.113.11")).id };
      },
      "already in use",
    ],
    [
      "two gateways with one address",
      "vpnConnection",
      async (c) => {
        const inputs = await vpn(c);
        await c.make("vpnConnection", inputs);
        return { ...inputs, customerGatewayId: (await customer(c)).id };
      },
      "InvalidCustomerGateway.DuplicateIpAddress",
    ],
    [
      "a short key",
      "vpnConnection",
      (c) => vpn(c, { tunnel1PresharedKey: "Short12" }),
      "tunnel1PresharedKey: must match",
    ],
    [
      "a key that starts with 0",
      "vpnConnection",
      (c) => vpn(c, { tunnel1PresharedKey: "0123456789" }),
      "tunnel1PresharedKey: must match",
    ],
    [
      "a key with a slash",
      "vpnConnection",
      (c) => vpn(c, { tunnel1PresharedKey: "abc/defghij" }),
      "tunnel1PresharedKey: must match",
    ],
    [
      "a startup action of its own",
      "vpnConnection",
      (c) => vpn(c, { tunnel1StartupAction: "initiate" }),
      "must be one of add, start",
    ],
    [
      "IKE version 3",
      "vpnConnection",
      (c) => vpn(c, { tunnel1IkeVersions: ["ikev3"] }),
      "tunnel1IkeVersions[0]: must be one of ikev1, ikev2",
    ],
    [
      "a cipher that is none",
      "vpnConnection",
      (c) => vpn(c, { tunnel1Phase1EncryptionAlgorithms: ["AES256-GCM"] }),
      "AES256-GCM-16",
    ],
    [
      "group 13",
      "vpnConnection",
      (c) => vpn(c, { tunnel2Phase2DhGroupNumbers: [13] }),
      "tunnel2Phase2DhGroupNumbers[0]",
    ],
    ["DPD below 30 s", "vpnConnection", (c) => vpn(c, { tunnel1DpdTimeoutSeconds: 10 }), "must be at least 30"],
    [
      "a rekey margin over half the lifetime",
      "vpnConnection",
      (c) => vpn(c, { tunnel1RekeyMarginTimeSeconds: 1000, tunnel1Phase2LifetimeSeconds: 1800 }),
      "at most half",
    ],
  ]);
});

it("keeps a transit gateway with attachments", async () => {
  const { gateway } = await transit(cloud, site);
  await expect(cloud.remove("transitGateway", gateway)).rejects.toThrow("has non-deleted VPC Attachments");
});

it("keeps a customer gateway with a connection", async () => {
  const end = await customer(cloud);
  await cloud.make("vpnConnection", { ...(await vpn(cloud)), customerGatewayId: end.id });
  await expect(cloud.remove("customerGateway", end)).rejects.toThrow("is in use");
});
