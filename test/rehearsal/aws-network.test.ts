import { describe } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import type { Cloud, Resource, Seoul } from "./aws-cloud.ts";
import { refuses } from "./aws-refuses.ts";

const zone = (letter: string): string => `ap-northeast-2${letter}`;

const eni = (c: Cloud, s: Seoul, address: string) =>
  c.make("networkInterface", { subnetId: s.a.id, privateIps: [address], securityGroups: [s.group.id] });

/** A second VPC with a subnet in zone a. */
async function elsewhere(c: Cloud) {
  const vpc = await c.make("vpc", { cidrBlock: "10.50.0.0/16" });
  const subnet = await c.make("subnet", { vpcId: vpc.id, cidrBlock: "10.50.0.0/24", availabilityZone: zone("a") });
  const group = await c.make("securityGroup", { vpcId: vpc.id, name: "other" });
  return { vpc, subnet, group };
}

describe("vpc and subnet", () => {
  refuses([
    ["a VPC larger than /16", "vpc", () => ({ cidrBlock: "10.0.0.0/8" }), "prefix from /16 to /28"],
    ["host bits in a VPC's block", "vpc", () => ({ cidrBlock: "10.0.1.0/16" }), 'did you mean "10.0.0.0/16"?'],
    ["a link-local VPC", "vpc", () => ({ cidrBlock: "169.254.0.0/16" }), "InvalidVpc.Range"],
    [
      "a sixth VPC",
      "vpc",
      async (c) => {
        for (let n = 1; n < 5; n++) await c.make("vpc", { cidrBlock: `10.6${n}.0.0/16` });
        return { cidrBlock: "10.70.0.0/16" };
      },
      "VpcLimitExceeded",
    ],
    ["a second gateway", "internetGateway", (_, s) => ({ vpcId: s.vpc.id }), "Resource.AlreadyAssociated"],
    ["a gateway for no VPC", "internetGateway", () => ({ vpcId: "vpc-0" }), "InvalidVpcID.NotFound"],
    ["a subnet outside", "subnet", (_, s) => ({ vpcId: s.vpc.id, cidrBlock: "10.11.0.0/24" }), "InvalidSubnet.Range"],
    ["an overlap", "subnet", (_, s) => ({ vpcId: s.vpc.id, cidrBlock: "10.10.1.128/25" }), "InvalidSubnet.Conflict"],
    ["a /29", "subnet", (_, s) => ({ vpcId: s.vpc.id, cidrBlock: "10.10.9.0/29" }), "prefix from /16 to /28"],
    [
      "a zone that is none",
      "subnet",
      (_, s) => ({ vpcId: s.vpc.id, cidrBlock: "10.10.9.0/24", availabilityZone: zone("z") }),
      "Subnets can currently only be created in the following availability zones: ap-northeast-2a",
    ],
  ]);
});

const route = (s: Seoul, rest: Properties): Properties => ({
  routeTableId: s.table.id,
  destinationCidrBlock: "10.128.3.0/24",
  ...rest,
});

describe("routes", () => {
  refuses([
    ["no target", "route", (_, s) => route(s, {}), "must be given"],
    ["two targets", "route", (_, s) => route(s, { gatewayId: "igw-1", networkInterfaceId: "eni-1" }), "only one of"],
    [
      "host bits",
      "route",
      (_, s) => route(s, { destinationCidrBlock: "10.128.3.7/24", gatewayId: s.gateway.id }),
      "did you mean",
    ],
    [
      "no table",
      "route",
      (_, s) => route(s, { routeTableId: "rtb-0", gatewayId: s.gateway.id }),
      "InvalidRouteTableID.NotFound",
    ],
    [
      "no interface",
      "route",
      (_, s) => route(s, { networkInterfaceId: "eni-0" }),
      "InvalidNetworkInterfaceID.NotFound",
    ],
    ["an instance as gateway", "route", (_, s) => route(s, { gatewayId: "i-0" }), "InvalidGatewayID.NotFound"],
    ["no NAT gateway", "route", (_, s) => route(s, { natGatewayId: "nat-0" }), "InvalidNatGatewayID.NotFound"],
    [
      "a transit gateway without attachment",
      "route",
      async (c, s) => route(s, { transitGatewayId: (await c.make("transitGateway", {})).id }),
      "InvalidTransitGatewayID.NotFound",
    ],
    [
      "an interface of another VPC",
      "route",
      async (c, s) => {
        const { subnet } = await elsewhere(c);
        return route(s, { networkInterfaceId: (await c.make("networkInterface", { subnetId: subnet.id })).id });
      },
      "belong to different networks",
    ],
    [
      "a destination twice",
      "route",
      async (c, s) => {
        const { id } = await eni(c, s, "10.10.0.20");
        await c.make("route", route(s, { networkInterfaceId: id }));
        return route(s, { gatewayId: s.gateway.id });
      },
      "RouteAlreadyExists",
    ],
    [
      "the VPC's own block",
      "route",
      (_, s) => route(s, { destinationCidrBlock: "10.10.0.0/16", gatewayId: s.gateway.id }),
      "RouteAlreadyExists",
    ],
    [
      "a part of the VPC to a gateway",
      "route",
      (_, s) => route(s, { destinationCidrBlock: "10.10.0.0/24", gatewayId: s.gateway.id }),
      "can target only an interface",
    ],
    [
      "a part of the VPC that is no subnet",
      "route",
      async (c, s) =>
        route(s, { destinationCidrBlock: "10.10.0.0/25", networkInterfaceId: (await eni(c, s, "10.10.0.20")).id }),
      "must match a whole subnet",
    ],
    [
      "a standalone route beside inline ones",
      "route",
      async (c, s) => {
        const inline = await c.make("routeTable", {
          vpcId: s.vpc.id,
          routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: s.gateway.id }],
        });
        return route(s, { routeTableId: inline.id, gatewayId: s.gateway.id });
      },
      "ConflictingRouteOwners",
    ],
    [
      "an inline route to nothing",
      "routeTable",
      (_, s) => ({ vpcId: s.vpc.id, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-0" }] }),
      "InvalidInternetGatewayID.NotFound",
    ],
    [
      "a subnet in two tables",
      "routeTableAssociation",
      async (c, s) => {
        await c.make("routeTableAssociation", { routeTableId: s.table.id, subnetId: s.a.id });
        return { routeTableId: s.table.id, subnetId: s.a.id };
      },
      "Resource.AlreadyAssociated",
    ],
    [
      "a subnet of another VPC",
      "routeTableAssociation",
      async (c, s) => ({ routeTableId: s.table.id, subnetId: (await elsewhere(c)).subnet.id }),
      "belong to different networks",
    ],
  ]);
});

const nic = (s: Seoul, rest: Properties): Properties => ({ subnetId: s.a.id, ...rest });

describe("interfaces and addresses", () => {
  refuses([
    [
      "outside the subnet",
      "networkInterface",
      (_, s) => nic(s, { privateIps: ["10.10.1.9"] }),
      "does not fall within the subnet's address range",
    ],
    [
      "the router's address",
      "networkInterface",
      (_, s) => nic(s, { privateIps: ["10.10.0.1"] }),
      "is in subnet's reserved address range",
    ],
    [
      "the last address",
      "networkInterface",
      (_, s) => nic(s, { privateIps: ["10.10.0.255"] }),
      "is in subnet's reserved address range",
    ],
    [
      "an address twice",
      "networkInterface",
      async (c, s) => {
        await eni(c, s, "10.10.0.20");
        return nic(s, { privateIps: ["10.10.0.20"] });
      },
      "InvalidIPAddress.InUse",
    ],
    ["no subnet", "networkInterface", () => ({ subnetId: "subnet-0" }), "InvalidSubnetID.NotFound"],
    ["no group", "networkInterface", (_, s) => nic(s, { securityGroups: ["sg-0"] }), "InvalidSecurityGroupID.NotFound"],
    [
      "a group of another VPC",
      "networkInterface",
      async (c, s) => nic(s, { securityGroups: [(await elsewhere(c)).group.id] }),
      "belong to different networks",
    ],
    [
      "six groups",
      "networkInterface",
      async (c, s) => {
        const groups: Resource[] = [];
        for (let n = 0; n < 6; n++) groups.push(await c.make("securityGroup", { vpcId: s.vpc.id, name: `g${n}` }));
        return nic(s, { securityGroups: groups.map(({ id }) => id) });
      },
      "SecurityGroupsPerInterfaceLimitExceeded",
    ],
    [
      "a sixth elastic address",
      "elasticIp",
      async (c) => {
        for (let n = 0; n < 5; n++) await c.make("elasticIp", { domain: "vpc" });
        return { domain: "vpc" };
      },
      "AddressLimitExceeded",
    ],
    [
      "an elastic address without internet gateway",
      "elasticIp",
      async (c) => ({
        networkInterface: (await c.make("networkInterface", { subnetId: (await elsewhere(c)).subnet.id })).id,
      }),
      "Gateway.NotAttached",
    ],
    [
      "a public NAT gateway without address",
      "natGateway",
      (_, s) => ({ subnetId: s.a.id }),
      "allocationId: is required",
    ],
    [
      "a NAT gateway with no such address",
      "natGateway",
      (_, s) => ({ subnetId: s.a.id, allocationId: "eipalloc-0" }),
      "InvalidAllocationID.NotFound",
    ],
    [
      "a NAT gateway with a used address",
      "natGateway",
      async (c, s) => {
        const { id } = await c.make("elasticIp", {});
        await c.make("natGateway", { subnetId: s.a.id, allocationId: id });
        return { subnetId: s.b.id, allocationId: id };
      },
      "Resource.AlreadyAssociated",
    ],
  ]);
});
