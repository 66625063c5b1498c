import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sdkVersion, shapedTypes } from "../../rehearsal/aws/shapes.ts";
import { awsStandIn } from "../../rehearsal/aws/stand-in.ts";
import { types } from "../../rehearsal/aws/types.ts";
import { type Properties, Secret, Unknown } from "../../rehearsal/stand-in.ts";
import { Cloud, image, node, output, type Seoul, seoul } from "./aws-cloud.ts";

let cloud: Cloud;
let site: Seoul;
beforeEach(async () => {
  cloud = new Cloud();
  site = await seoul(cloud);
});

const machine = (address: string): Properties | undefined => cloud.world.get("host", address)?.properties;
const disk = (volumeId: string): string =>
  `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;

describe("an instance is a machine", () => {
  it("at its interface's address, with its user data and root disk", async () => {
    const text = "#cloud-config\npackages: []\n";
    const encoded = Buffer.from(text).toString("base64");
    await node(cloud, site, "10.10.0.20", {
      userDataBase64: encoded,
      rootBlockDevice: { volumeType: "gp3", volumeSize: 50, encrypted: true },
      tags: { Name: "prod-seoul-a-0" },
    });
    expect(machine("10.10.0.20")).toMatchObject({
      name: "prod-seoul-a-0",
      address: "10.10.0.20",
      zone: "ap-northeast-2a",
      os: "ubuntu-24.04",
      kernel: "6.8.0-1021-aws",
      userData: text,
      power: "on",
      disks: [{ path: expect.stringMatching(/Elastic_Block_Store_vol0[0-9a-f]{16}$/), sizeGiB: 50 }],
    });
    expect(cloud.world.get("host", "10.10.0.20")?.place).toBe("ap-northeast-2");
  });

  it("gains and loses disks with attachments", async () => {
    const { instance } = await node(cloud, site, "10.10.0.20");
    const volume = await cloud.make("volume", {
      availabilityZone: "ap-northeast-2a",
      size: 20,
      type: "gp3",
      encrypted: true,
    });
    const attachment = await cloud.make("volumeAttachment", {
      instanceId: instance.id,
      volumeId: volume.id,
      deviceName: "/dev/sdf",
    });
    expect(machine("10.10.0.20")?.disks).toContainEqual({ path: disk(volume.id), sizeGiB: 20 });
    await cloud.update("instance", instance, {
      ami: image,
      instanceType: "m7i.xlarge",
      primaryNetworkInterface: { networkInterfaceId: output(instance, "primaryNetworkInterfaceId") },
    });
    expect(machine("10.10.0.20")?.disks).toContainEqual({ path: disk(volume.id), sizeGiB: 20 });
    await cloud.remove("volumeAttachment", attachment);
    expect(machine("10.10.0.20")?.disks).not.toContainEqual({ path: disk(volume.id), sizeGiB: 20 });
  });

  it("has a public address while an elastic one is on its interface, whichever came first", async () => {
    const { nic } = await node(cloud, site, "10.10.0.20");
    const elastic = await cloud.make("elasticIp", { domain: "vpc", networkInterface: nic.id });
    expect(machine("10.10.0.20")?.publicAddress).toBe(output(elastic, "publicIp"));
    await cloud.remove("elasticIp", elastic);
    expect(machine("10.10.0.20")).not.toHaveProperty("publicAddress");

    const other = await cloud.make("networkInterface", { subnetId: site.a.id, privateIps: ["10.10.0.21"] });
    const early = await cloud.make("elasticIp", { domain: "vpc", networkInterface: other.id });
    await cloud.make("instance", {
      ami: image,
      instanceType: "t3.small",
      primaryNetworkInterface: { networkInterfaceId: other.id },
    });
    expect(machine("10.10.0.21")?.publicAddress).toBe(output(early, "publicIp"));
  });

  it("leaves its interface free when it is deleted", async () => {
    const { nic, instance } = await node(cloud, site, "10.10.0.20");
    await cloud.remove("instance", instance);
    expect(machine("10.10.0.20")).toBeUndefined();
    await cloud.remove("networkInterface", nic);
    await cloud.remove("instance", instance);
  });
});

describe("the machine's files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gyeongbu-aws-"));
    process.env.GYEONGBU_WORLD = join(folder, "world.sqlite");
  });
  afterEach(() => {
    delete process.env.GYEONGBU_WORLD;
    rmSync(folder, { recursive: true, force: true });
  });
  it("go with the instance", async () => {
    const { instance } = await node(cloud, site, "10.10.0.20");
    const root = join(folder, "hosts", "10.10.0.20");
    mkdirSync(root, { recursive: true });
    await cloud.remove("instance", instance);
    expect(existsSync(root)).toBe(false);
    expect(existsSync(join(folder, "hosts"))).toBe(true);
  });
});

describe("what replaces", () => {
  const base: Properties = {
    ami: image,
    instanceType: "m7i.large",
    userData: "a",
    primaryNetworkInterface: { networkInterfaceId: "eni-1" },
    rootBlockDevice: { volumeSize: 30, encrypted: true },
    metadataOptions: { httpTokens: "required" },
  };
  const cases: readonly [what: string, change: Properties, paths: string[]][] = [
    ["an image", { ami: "ami-0fedcba9876543210" }, ["ami"]],
    ["an interface", { primaryNetworkInterface: { networkInterfaceId: "eni-2" } }, ["primaryNetworkInterface"]],
    [
      "the encryption of the root volume",
      { rootBlockDevice: { volumeSize: 30, encrypted: false } },
      ["rootBlockDevice.encrypted"],
    ],
    ["nothing: a larger root volume", { rootBlockDevice: { volumeSize: 40, encrypted: true } }, []],
    ["nothing: a larger type", { instanceType: "m7i.xlarge" }, []],
    ["nothing: IMDS", { metadataOptions: { httpTokens: "optional" } }, []],
    ["nothing: user data", { userData: "b" }, []],
    ["user data when asked", { userData: "b", userDataReplaceOnChange: true }, ["userData"]],
    ["nothing: tags", { tags: { Name: "x" } }, []],
  ];
  it.each(cases)("%s", (_what, change, paths) => {
    expect(cloud.kind("instance").replaces(base, { ...base, ...change })).toEqual(paths);
  });
  it("an interface whose primary address goes, not one that gains another", () => {
    const kind = cloud.kind("networkInterface");
    const old = { subnetId: "subnet-1", privateIps: ["10.10.0.20"] };
    expect(kind.replaces(old, { ...old, privateIps: ["10.10.0.21"] })).toEqual(["privateIps"]);
    expect(kind.replaces(old, { ...old, privateIps: ["10.10.0.20", "10.10.0.21"] })).toEqual([]);
    expect(kind.replaces(old, { ...old, sourceDestCheck: false })).toEqual([]);
  });
  it("a network load balancer whose front end's address changes", () => {
    const kind = cloud.kind("loadBalancer");
    const at = (privateIpv4Address: string): Properties => ({
      loadBalancerType: "network",
      subnetMappings: [{ subnetId: "subnet-1", privateIpv4Address }],
    });
    expect(kind.replaces(at("10.10.0.8"), at("10.10.0.9"))).toEqual(["subnetMappings"]);
    expect(kind.replaces(at("10.10.0.8"), at("10.10.0.8"))).toEqual([]);
  });
  it("a route's destination, not its target", () => {
    const kind = cloud.kind("route");
    const old = { routeTableId: "rtb-1", destinationCidrBlock: "10.128.0.0/24", networkInterfaceId: "eni-1" };
    expect(kind.replaces(old, { ...old, networkInterfaceId: "eni-2" })).toEqual([]);
    expect(kind.replaces(old, { ...old, destinationCidrBlock: "10.128.1.0/24" })).toEqual(["destinationCidrBlock"]);
  });
});

describe("VPN connections", () => {
  const key = "Sevenfold.Secret_4711";
  async function connect() {
    const gateway = await cloud.make("transitGateway", { amazonSideAsn: 64_512 });
    const customer = await cloud.make("customerGateway", {
      type: "ipsec.1",
      bgpAsn: "64520",
      ipAddress: "203.0.113.10",
    });
    return cloud.make("vpnConnection", {
      type: "ipsec.1",
      transitGatewayId: gateway.id,
      customerGatewayId: customer.id,
      tunnel1InsideCidr: "169.254.21.0/30",
      tunnel2InsideCidr: "169.254.22.0/30",
      tunnel1PresharedKey: new Secret(key),
    });
  }

  it("give both ends their addresses, the same every time", async () => {
    const vpn = await connect();
    expect(vpn.outputs).toMatchObject({
      tunnel1VgwInsideAddress: "169.254.21.1",
      tunnel1CgwInsideAddress: "169.254.21.2",
      tunnel2CgwInsideAddress: "169.254.22.2",
      tunnel1BgpAsn: "64512",
    });
    const [one, two] = [output(vpn, "tunnel1Address"), output(vpn, "tunnel2Address")];
    expect(new Set([one, two]).size).toBe(2);
    expect(one).toMatch(/^198\.19\./);
  });

  it("keep what the other end must match, and no key in clear", async () => {
    const vpn = await connect();
    const stored = cloud.world.get("aws", vpn.id)?.properties;
    expect(stored?.tunnels).toMatchObject([
      {
        outsideAddress: output(vpn, "tunnel1Address"),
        insideCidr: "169.254.21.0/30",
        pskFingerprint: `sha256:${createHash("sha256").update(key).digest("hex")}`,
        peerAddress: "203.0.113.10",
        awsAsn: 64_512,
        customerAsn: 64_520,
      },
      { insideCidr: "169.254.22.0/30" },
    ]);
    expect(JSON.stringify(cloud.world.all())).not.toContain(key);
    for (const name of ["tunnel1PresharedKey", "tunnel2PresharedKey", "customerGatewayConfiguration"]) {
      expect(vpn.outputs[name]).toBeInstanceOf(Secret);
    }
  });

  it("do not show a wrong key in the error", () => {
    const problems = cloud.check("vpnConnection", {
      type: "ipsec.1",
      customerGatewayId: "cgw-1",
      transitGatewayId: "tgw-1",
      tunnel1PresharedKey: new Secret("0wrong-key"),
    });
    // The engine would print the value of a property that is named.
    expect(problems).toEqual([{ property: "", reason: expect.stringMatching(/^tunnel1PresharedKey: must match/) }]);
    expect(JSON.stringify(problems)).not.toContain("0wrong-key");
  });
});

describe("reading back", () => {
  it("gives the inputs as they were and all outputs but facts", async () => {
    const inputs = { subnetId: site.a.id, privateIps: ["10.10.0.20"], sourceDestCheck: false };
    const { id, outputs } = await cloud.make("networkInterface", inputs);
    const found = await cloud.kind("networkInterface").read(id, cloud.call("networkInterface"));
    expect(found).toEqual({ inputs, outputs });
    expect(outputs).not.toHaveProperty("holds");
  });
  it("finds nothing of another type or after deletion", async () => {
    expect(await cloud.kind("subnet").read(site.vpc.id, cloud.call("subnet"))).toBeUndefined();
    await cloud.remove("securityGroup", site.group);
    expect(await cloud.kind("securityGroup").read(site.group.id, cloud.call("securityGroup"))).toBeUndefined();
  });
});

describe("shapes", () => {
  it("are made from the installed SDK, for exactly the types that have a kind", () => {
    const installed: { version: string } = createRequire(import.meta.url)("@pulumi/aws/package.json");
    expect(sdkVersion).toBe(installed.version);
    expect(shapedTypes.filter((type) => awsStandIn.kind(type) === undefined)).toEqual([]);
    expect(new Set(Object.values(types))).toEqual(new Set(shapedTypes));
  });
  it("let unknown values pass, and name what is wrong beside them", () => {
    const problems = cloud.check("subnet", { vpcId: Unknown.value, cidrBlok: "10.10.0.0/24" });
    expect(problems).toEqual([{ property: "cidrBlok", reason: 'is not a property here; did you mean "cidrBlock"?' }]);
  });
  it("refuse what AWS sets, and what is missing", () => {
    expect(cloud.check("subnet", { arn: "x" })).toEqual([
      { property: "vpcId", reason: "is required, and missing" },
      { property: "arn", reason: "is read-only: AWS sets it" },
    ]);
  });
  it("give every declared output that this project reads", async () => {
    const { instance } = await node(cloud, site, "10.10.0.20");
    expect(Object.keys(instance.outputs)).toEqual(
      expect.arrayContaining([
        "arn",
        "privateIp",
        "availabilityZone",
        "primaryNetworkInterfaceId",
        "tagsAll",
        "region",
      ]),
    );
  });
});

describe("the provider", () => {
  it.each([
    [{ region: "ap-northeast-2" }, []],
    [{ region: "ap-northeast-9" }, ["region"]],
    [{}, ["region"]],
    [{ region: "us-east-1", regoin: "x" }, ["regoin"]],
  ])("checks %o", (config, wrong) => {
    expect(awsStandIn.checkConfig(config).map(({ property }) => property)).toEqual(wrong);
  });
  it("puts IAM and Route 53 beside all regions", () => {
    const call = { ...cloud.call("role"), config: { region: "ap-northeast-2" } };
    expect(awsStandIn.places(call, {})).toEqual(["aws-global"]);
    expect(awsStandIn.places(cloud.call("vpc"), {})).toEqual(["ap-northeast-2"]);
    expect(awsStandIn.places(cloud.call("vpc"), { region: "us-east-1" })).toEqual(["us-east-1"]);
  });
  it("adds its default tags", async () => {
    const tagged = new Cloud({
      region: "ap-northeast-2",
      defaultTags: JSON.stringify({ tags: { owner: "platform" } }),
    });
    const vpc = await tagged.make("vpc", { cidrBlock: "10.10.0.0/16", tags: { Name: "x" } });
    expect(vpc.outputs).toMatchObject({ tags: { Name: "x" }, tagsAll: { owner: "platform", Name: "x" } });
  });
  it("knows its zones", async () => {
    const { urn: _urn, type: _type, name: _name, ...call } = cloud.call("vpc");
    const zones = await awsStandIn.invoke(
      "aws:index/getAvailabilityZones:getAvailabilityZones",
      { state: "available" },
      call,
    );
    expect(zones).toMatchObject({
      names: ["a", "b", "c", "d"].map((letter) => `ap-northeast-2${letter}`),
      zoneIds: expect.arrayContaining(["apne2-az1"]),
    });
  });
});
