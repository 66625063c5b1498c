import { describe } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { type Cloud, image, node, type Seoul } from "./aws-cloud.ts";
import { refuses } from "./aws-refuses.ts";

const zone = (letter: string): string => `ap-northeast-2${letter}`;

const eni = (c: Cloud, s: Seoul, address: string) =>
  c.make("networkInterface", { subnetId: s.a.id, privateIps: [address], securityGroups: [s.group.id] });

const rule = (s: Seoul, rest: Properties): Properties => ({
  securityGroupId: s.group.id,
  ipProtocol: "tcp",
  fromPort: 6443,
  toPort: 6443,
  cidrIpv4: "10.20.0.0/16",
  ...rest,
});

describe("security groups", () => {
  refuses([
    ["a name twice", "securityGroup", (_, s) => ({ vpcId: s.vpc.id, name: "nodes" }), "InvalidGroup.Duplicate"],
    ["a reserved name", "securityGroup", (_, s) => ({ vpcId: s.vpc.id, name: "default" }), "reserved"],
    ["a name like an id", "securityGroup", (_, s) => ({ vpcId: s.vpc.id, name: "sg-nodes" }), "must match"],
    ["two sources", "ingressRule", (_, s) => rule(s, { referencedSecurityGroupId: s.group.id }), "only one of"],
    ["no source", "ingressRule", (_, s) => ({ securityGroupId: s.group.id, ipProtocol: "-1" }), "must be given"],
    ["host bits", "ingressRule", (_, s) => rule(s, { cidrIpv4: "10.20.0.1/16" }), "did you mean"],
    [
      "ports of everything",
      "ingressRule",
      (_, s) => rule(s, { ipProtocol: "-1" }),
      "You may not specify all protocols and specific ports",
    ],
    [
      "tcp without ports",
      "ingressRule",
      (_, s) => ({ securityGroupId: s.group.id, ipProtocol: "tcp", cidrIpv4: "10.0.0.0/8" }),
      "fromPort: is required",
    ],
    ["ports upside down", "ingressRule", (_, s) => rule(s, { toPort: 6442 }), "Invalid TCP/UDP port range"],
    ["no such protocol", "ingressRule", (_, s) => rule(s, { ipProtocol: "tpc" }), "Unknown protocol"],
    ["no such group", "ingressRule", (_, s) => rule(s, { securityGroupId: "sg-0" }), "InvalidGroup.NotFound"],
    [
      "a source group of nowhere",
      "egressRule",
      (_, s) => ({ ...rule(s, { referencedSecurityGroupId: "sg-0" }), cidrIpv4: null }),
      "InvalidGroup.NotFound",
    ],
    ["a port over 65535", "ingressRule", (_, s) => rule(s, { toPort: 70_000 }), "must be at most 65535"],
    [
      "a rule twice, the protocol by its number",
      "ingressRule",
      async (c, s) => {
        await c.make("ingressRule", rule(s, {}));
        return rule(s, { ipProtocol: "6" });
      },
      "InvalidPermission.Duplicate",
    ],
    [
      "a 61st rule",
      "ingressRule",
      async (c, s) => {
        for (let port = 1; port <= 60; port++) await c.make("ingressRule", rule(s, { fromPort: port, toPort: port }));
        return rule(s, {});
      },
      "RulesPerSecurityGroupLimitExceeded",
    ],
    [
      "a standalone rule beside inline ones",
      "ingressRule",
      async (c, s) => {
        const ingress = [{ protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["10.0.0.0/8"] }];
        const { id } = await c.make("securityGroup", { vpcId: s.vpc.id, name: "inline", ingress });
        return rule(s, { securityGroupId: id });
      },
      "ConflictingRuleOwners",
    ],
    ["a description with a bad character", "ingressRule", (_, s) => rule(s, { description: "노드" }), "description"],
  ]);
});

const machine = (rest: Properties): Properties => ({ ami: image, instanceType: "m7i.large", ...rest });

describe("instances and volumes", () => {
  refuses([
    [
      "a malformed image",
      "instance",
      (_, s) => machine({ ami: "ami-xyz", subnetId: s.a.id }),
      "InvalidAMIID.Malformed",
    ],
    [
      "no such type",
      "instance",
      (_, s) => machine({ instanceType: "m7i.huge", subnetId: s.a.id }),
      "Invalid value 'm7i.huge' for InstanceType",
    ],
    [
      "IMDS with a misspelt option",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, metadataOptions: { httpToken: "required" } }),
      'did you mean "httpTokens"?',
    ],
    [
      "IMDS with a bad enum",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, metadataOptions: { httpTokens: "always" } }),
      "must be one of optional, required",
    ],
    [
      "a hop limit of 65",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, metadataOptions: { httpPutResponseHopLimit: 65 } }),
      "must be at most 64",
    ],
    [
      "an interface and a subnet",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, primaryNetworkInterface: { networkInterfaceId: "eni-0" } }),
      "conflicts with primaryNetworkInterface",
    ],
    [
      "no such interface",
      "instance",
      () => machine({ primaryNetworkInterface: { networkInterfaceId: "eni-0" } }),
      "InvalidNetworkInterfaceID.NotFound",
    ],
    [
      "an interface in use",
      "instance",
      async (c, s) =>
        machine({ primaryNetworkInterface: { networkInterfaceId: (await node(c, s, "10.10.0.20")).nic.id } }),
      "InvalidNetworkInterface.InUse",
    ],
    [
      "the wrong zone",
      "instance",
      async (c, s) =>
        machine({
          availabilityZone: zone("b"),
          primaryNetworkInterface: { networkInterfaceId: (await eni(c, s, "10.10.0.21")).id },
        }),
      "does not match the subnet",
    ],
    ["no such key", "instance", (_, s) => machine({ subnetId: s.a.id, keyName: "none" }), "InvalidKeyPair.NotFound"],
    [
      "no such profile",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, iamInstanceProfile: "none" }),
      "Invalid IAM Instance Profile name",
    ],
    [
      "user data of 16 KiB and a byte",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, userData: "x".repeat(16_385) }),
      "userData: must have at most 16384 bytes",
    ],
    [
      "user data that is no base64",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, userDataBase64: "#cloud-config" }),
      "userDataBase64: must match",
    ],
    [
      "a root volume type of gp2 with IOPS",
      "instance",
      (_, s) => machine({ subnetId: s.a.id, rootBlockDevice: { volumeType: "gp2", iops: 3000 } }),
      "iops is not supported for gp2",
    ],
    [
      "gp3 with 2999 IOPS",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 20, type: "gp3", iops: 2999 }),
      "minimum is 3000",
    ],
    [
      "gp3 with 80001 IOPS",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 2000, type: "gp3", iops: 80_001 }),
      "maximum is 80000",
    ],
    [
      "gp3 with too many IOPS for its size",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 10, type: "gp3", iops: 6000 }),
      "ratio of 600 is too high",
    ],
    [
      "gp3 with too much throughput for its IOPS",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 100, type: "gp3", iops: 3000, throughput: 1000 }),
      "maximum is 0.25 MiBps per iops",
    ],
    ["no size", "volume", () => ({ availabilityZone: zone("a") }), "one of size, snapshotId"],
    ["a zone of another region", "volume", () => ({ availabilityZone: "us-east-1a", size: 8 }), "InvalidZone.NotFound"],
    [
      "a key without encryption",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 8, kmsKeyId: "x" }),
      "InvalidParameterDependency",
    ],
    [
      "a key of nowhere",
      "volume",
      () => ({ availabilityZone: zone("a"), size: 8, encrypted: true, kmsKeyId: "x" }),
      "InvalidKMSKey.NotFound",
    ],
    [
      "attaching across zones",
      "volumeAttachment",
      async (c, s) => {
        const { instance } = await node(c, s, "10.10.0.20");
        const { id } = await c.make("volume", { availabilityZone: zone("b"), size: 8 });
        return { instanceId: instance.id, volumeId: id, deviceName: "/dev/sdf" };
      },
      "InvalidVolume.ZoneMismatch",
    ],
    [
      "attaching twice",
      "volumeAttachment",
      async (c, s) => {
        const [first, second] = [await node(c, s, "10.10.0.20"), await node(c, s, "10.10.0.21")];
        const { id } = await c.make("volume", { availabilityZone: zone("a"), size: 8 });
        await c.make("volumeAttachment", { instanceId: first.instance.id, volumeId: id, deviceName: "/dev/sdf" });
        return { instanceId: second.instance.id, volumeId: id, deviceName: "/dev/sdf" };
      },
      "VolumeInUse",
    ],
    [
      "a device that is none",
      "volumeAttachment",
      async (c, s) => {
        const { instance } = await node(c, s, "10.10.0.20");
        const { id } = await c.make("volume", { availabilityZone: zone("a"), size: 8 });
        return { instanceId: instance.id, volumeId: id, deviceName: "/dev/nvme1n1" };
      },
      "is not a valid EBS device name",
    ],
    [
      "a private key as public key",
      "keyPair",
      () => ({ publicKey: "-----BEGIN OPENSSH PRIVATE KEY-----" }),
      "InvalidKey.Format",
    ],
  ]);
});
