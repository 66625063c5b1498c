import { beforeEach, describe, expect, it } from "vitest";
import { Cloud, type Name, node, output, type Resource, type Seoul, seoul } from "./aws-cloud.ts";

let cloud: Cloud;
let site: Seoul;
beforeEach(async () => {
  cloud = new Cloud();
  site = await seoul(cloud);
});

const zone = (letter: string): string => `ap-northeast-2${letter}`;

const eni = (c: Cloud, s: Seoul, address: string) =>
  c.make("networkInterface", { subnetId: s.a.id, privateIps: [address], securityGroups: [s.group.id] });

describe("deletion of what is in use", () => {
  const cases: readonly [what: string, type: Name, pick: () => Promise<Resource> | Resource, code: string][] = [
    ["a VPC with subnets", "vpc", () => site.vpc, "DependencyViolation"],
    [
      "a subnet with an interface",
      "subnet",
      async () => {
        await eni(cloud, site, "10.10.0.20");
        return site.a;
      },
      "DependencyViolation",
    ],
    [
      "a group with a member",
      "securityGroup",
      async () => {
        await eni(cloud, site, "10.10.0.20");
        return site.group;
      },
      "has a dependent object",
    ],
    [
      "a group that a rule names",
      "securityGroup",
      async () => {
        const other = await cloud.make("securityGroup", { vpcId: site.vpc.id, name: "lb" });
        await cloud.make("ingressRule", {
          securityGroupId: site.group.id,
          ipProtocol: "-1",
          referencedSecurityGroupId: other.id,
        });
        return other;
      },
      "has a dependent object",
    ],
    [
      "an interface of an instance",
      "networkInterface",
      async () => (await node(cloud, site, "10.10.0.20")).nic,
      "InvalidNetworkInterface.InUse",
    ],
    [
      "an attached volume",
      "volume",
      async () => {
        const { instance } = await node(cloud, site, "10.10.0.20");
        const volume = await cloud.make("volume", { availabilityZone: zone("a"), size: 8 });
        await cloud.make("volumeAttachment", { instanceId: instance.id, volumeId: volume.id, deviceName: "/dev/sdf" });
        return volume;
      },
      "VolumeInUse",
    ],
    [
      "a table with subnets",
      "routeTable",
      async () => {
        await cloud.make("routeTableAssociation", { routeTableId: site.table.id, subnetId: site.a.id });
        return site.table;
      },
      "DependencyViolation",
    ],
    [
      "a gateway under a NAT gateway",
      "internetGateway",
      async () => {
        await cloud.make("natGateway", { subnetId: site.a.id, allocationId: (await cloud.make("elasticIp", {})).id });
        return site.gateway;
      },
      "has some mapped public address",
    ],
    [
      "the address of a NAT gateway",
      "elasticIp",
      async () => {
        const address = await cloud.make("elasticIp", {});
        await cloud.make("natGateway", { subnetId: site.a.id, allocationId: address.id });
        return address;
      },
      "InvalidIPAddress.InUse",
    ],
    [
      "a protected instance",
      "instance",
      async () => (await node(cloud, site, "10.10.0.20", { disableApiTermination: true })).instance,
      "OperationNotPermitted",
    ],
  ];
  it.each(cases)("%s", async (_what, type, pick, code) => {
    const resource = await pick();
    await expect(cloud.remove(type, resource)).rejects.toThrow(code);
    expect(cloud.world.get("aws", resource.id)).toBeDefined();
  });
});

it("changes nothing in the world when it refuses", async () => {
  const before = cloud.world.all();
  await expect(cloud.make("subnet", { vpcId: site.vpc.id, cidrBlock: "10.10.0.0/24" })).rejects.toThrow(
    "InvalidSubnet.Conflict",
  );
  expect(cloud.world.all()).toEqual(before);
});

it("keeps regions apart", async () => {
  const tokyo = { vpcId: site.vpc.id, cidrBlock: "10.10.5.0/24", region: "ap-northeast-1" };
  await expect(cloud.make("subnet", tokyo)).rejects.toThrow("InvalidVpcID.NotFound");
  expect(output(site.a, "region")).toBe("ap-northeast-2");
});
