import * as ec2 from "@pulumi/aws/ec2/index.js";
import * as transit from "@pulumi/aws/ec2transitgateway/index.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack, engineLimit, errorOf } from "../support/engine-stack.ts";

const psk = "Sevenfold.Secret_4711";

let rehearsed: EngineStack;
/** What a test changes in the program. */
let change: { route?: string; image?: string; psk?: string; subnet?: string } = {};

/** One node with its pod route, and a VPN connection with a secret key. */
async function program(): Promise<Record<string, unknown>> {
  const vpc = new ec2.Vpc("net", { cidrBlock: "10.10.0.0/16" });
  const subnet = new ec2.Subnet("node", {
    vpcId: vpc.id,
    cidrBlock: change.subnet ?? "10.10.0.0/24",
    availabilityZone: "ap-northeast-2a",
  });
  const table = new ec2.RouteTable("node", { vpcId: vpc.id });
  new ec2.RouteTableAssociation("node", { subnetId: subnet.id, routeTableId: table.id });
  const group = new ec2.SecurityGroup("node", { vpcId: vpc.id });
  new SecurityGroupIngressRule("wireguard", {
    securityGroupId: group.id,
    ipProtocol: "udp",
    fromPort: 51_871,
    toPort: 51_871,
    referencedSecurityGroupId: group.id,
  });
  const nic = new ec2.NetworkInterface("node", {
    subnetId: subnet.id,
    privateIps: ["10.10.0.16"],
    sourceDestCheck: false,
    securityGroups: [group.id],
  });
  new ec2.Instance(
    "node",
    {
      ami: change.image ?? "ami-0123456789abcdef0",
      instanceType: "m7i.large",
      primaryNetworkInterface: { networkInterfaceId: nic.id },
      userData: pulumi.secret("#cloud-config\n"),
      metadataOptions: { httpTokens: "required" },
    },
    { deleteBeforeReplace: true },
  );
  new ec2.Route("slot", {
    routeTableId: table.id,
    destinationCidrBlock: change.route ?? "10.128.0.0/24",
    networkInterfaceId: nic.id,
  });
  const gateway = new transit.TransitGateway("vpn", { amazonSideAsn: 64_512 });
  const customer = new ec2.CustomerGateway("busan", { type: "ipsec.1", bgpAsn: "64520", ipAddress: "203.0.113.10" });
  const vpn = new ec2.VpnConnection("busan", {
    type: "ipsec.1",
    transitGatewayId: gateway.id,
    customerGatewayId: customer.id,
    tunnel1InsideCidr: "169.254.21.0/30",
    tunnel2InsideCidr: "169.254.22.0/30",
    tunnel1PresharedKey: pulumi.secret(change.psk ?? psk),
    tunnel2PresharedKey: pulumi.secret(psk),
  });
  return { inside: vpn.tunnel1CgwInsideAddress };
}

beforeAll(async () => {
  rehearsed = await EngineStack.open("aws", program);
  await rehearsed.stack.setConfig("aws:region", { value: "ap-northeast-2" });
}, engineLimit);
afterAll(() => rehearsed.close());

it("comes up through the engine once, changes as AWS would, and leaves nothing", { timeout: 180_000 }, async () => {
  const first = await rehearsed.stack.up();
  expect(first.summary.resourceChanges).toEqual({ create: 13 });
  expect(first.outputs.inside?.value).toBe("169.254.21.2");
  expect(rehearsed.inWorld((world) => world.get("host", "10.10.0.16")?.properties.userData)).toBe("#cloud-config\n");
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 13 });
  expect((await rehearsed.stack.refresh()).summary.resourceChanges).toEqual({ same: 13 });

  change = { route: "10.128.1.0/24", psk: `${psk}_b` };
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 11, replace: 1, update: 1 });
  change = { ...change, image: "ami-0fedcba9876543210" };
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 12, replace: 1 });
  change = { ...change, psk: "0starts.with.zero" };
  const refusal = await errorOf(rehearsed.stack.preview());
  expect(refusal).toContain("tunnel1PresharedKey: must match");
  expect(refusal).not.toContain("0starts.with.zero");
  change = { subnet: "10.11.0.0/24" };
  expect(await errorOf(rehearsed.stack.up())).toContain("InvalidSubnet.Range: The CIDR '10.11.0.0/24' is invalid.");

  expect(rehearsed.filesWith(psk)).toEqual([]);
  await rehearsed.stack.destroy();
  expect(rehearsed.inWorld((world) => world.all())).toEqual([]);
});
