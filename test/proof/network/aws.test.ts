import { describe, expect, it } from "vitest";
import { proveNetwork } from "../../../proof/network/prove.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import { edited, withInput } from "../../support/mutations.ts";
import { recordedFolder, recordedShipped } from "../../support/recorded.ts";

const alone = await recordedFolder(".", ["prod-seoul"]);
const joined = await recordedShipped();

/** Counterexamples by code. */
function red(stacks: readonly PlannedStack[]): Record<string, string> {
  return Object.fromEntries(
    proveNetwork(stacks).flatMap(({ id, counterexample }) =>
      counterexample === undefined ? [] : [[id, counterexample]],
    ),
  );
}

const nic = "aws:ec2/networkInterface:NetworkInterface";
const route = "aws:ec2/route:Route";
const association = "aws:ec2/routeTableAssociation:RouteTableAssociation";
const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const listener = "aws:lb/listener:Listener";
const attachment = "aws:lb/targetGroupAttachment:TargetGroupAttachment";
const vpn = "aws:ec2/vpnConnection:VpnConnection";

describe("prod-seoul by itself", () => {
  it("holds", () => {
    expect(red(alone)).toEqual({});
  });

  it.each<[what: string, code: string, says: string, stacks: () => PlannedStack[]]>([
    [
      "an interface with source/destination check",
      "GB-1903",
      "prod-seoul-app-2 takes no packet but for its own address",
      () => withInput(alone, nic, "prod-seoul-app-2", "sourceDestCheck", true),
    ],
    [
      "an interface that is gone",
      "GB-1902",
      "no interface of the plan has 10.10.0.32, the address of prod-seoul-app-0",
      () => edited(alone, nic, "prod-seoul-app-0"),
    ],
    [
      "an interface outside of its subnet",
      "GB-1901",
      "privateIps 10.10.99.9 lies outside of its subnet prod-seoul-node-a (10.10.0.0/20)",
      () => withInput(alone, nic, "prod-seoul-app-0", "privateIps.0", "10.10.99.9"),
    ],
    [
      "an interface in the other group",
      "GB-1902",
      "security group prod-seoul-worker at prod-seoul-control-1 has no egress rule for tcp 2379-2380 to 10.10.0.16",
      () => withInput(alone, nic, "prod-seoul-control-1", "securityGroups.0", "securitygroup-prod-seoul-worker"),
    ],
    [
      "a pod route that is gone in one zone",
      "GB-1903",
      "route table prod-seoul-node-b: 0.0.0.0/0 -> NAT gateway prod-seoul-nat-b",
      () => edited(alone, route, "prod-seoul-app-1-node-b"),
    ],
    [
      "a pod route to another node",
      "GB-1903",
      "it ends at prod-seoul-app-2",
      () =>
        withInput(alone, route, "prod-seoul-app-1-node-a", "networkInterfaceId", "networkinterface-prod-seoul-app-2"),
    ],
    [
      "a route to an interface that is not there",
      "GB-1901",
      "networkInterfaceId is eni-1, and no aws:ec2/networkInterface:NetworkInterface of the plan has that id",
      () => withInput(alone, route, "prod-seoul-app-1-node-a", "networkInterfaceId", "eni-1"),
    ],
    [
      "a subnet without its table",
      "GB-1903",
      "the main route table (subnet prod-seoul-node-c has no other)",
      () => edited(alone, association, "prod-seoul-node-c"),
    ],
    [
      "NAT without an address",
      "GB-1906",
      "NAT gateway prod-seoul-nat-b has no public address",
      () => withInput(alone, "aws:ec2/natGateway:NatGateway", "prod-seoul-nat-b", "connectivityType", "private"),
    ],
    [
      "an internet gateway that is gone",
      "GB-1905",
      "the Internet has no address for it",
      () => edited(alone, "aws:ec2/internetGateway:InternetGateway", "prod-seoul"),
    ],
    [
      "etcd's rule open to workers",
      "GB-1908",
      "prod-seoul-control-plane-ingress-etcd-10.10.0.16-32",
      () =>
        withInput(alone, ingress, "prod-seoul-control-plane-ingress-etcd-10.10.0.16-32", "cidrIpv4", "10.10.0.0/18"),
    ],
    [
      "SSH from everywhere",
      "GB-1908",
      "the Internet -> bastion 10.10.240.10: tcp 22 arrives",
      () => withInput(alone, ingress, "prod-seoul-bastion-ingress-ssh-admin-203.0.113.0-24", "cidrIpv4", "0.0.0.0/0"),
    ],
    [
      "a rule for another protocol",
      "GB-1901",
      "ipProtocol 47 is in no row of the port table",
      () => withInput(alone, ingress, "prod-seoul-bastion-ingress-ssh-admin-203.0.113.0-24", "ipProtocol", "47"),
    ],
    [
      "a target that is not registered",
      "GB-1904",
      "prod-seoul-control-2 10.10.32.18 is not a target on port 6443",
      () => edited(alone, attachment, "prod-seoul-control-2-api"),
    ],
    [
      "a listener on another port",
      "GB-1904",
      "nothing listens on tcp 8443",
      () => withInput(alone, listener, "prod-seoul-api", "port", 6443),
    ],
    [
      "a health check's time",
      "GB-1910",
      "healthCheck.interval = 60; the plan says",
      () => withInput(alone, "aws:lb/targetGroup:TargetGroup", "prod-seoul-api", "healthCheck.interval", 60),
    ],
  ])("falls for %s", (_, code, says, stacks) => {
    expect(red(stacks())[code]).toContain(says);
  });

  it("falls for a resource of a kind that may change what packets do", () => {
    const [stack] = alone;
    if (!stack) throw new RangeError("nothing was recorded");
    const peering = {
      id: "pcx-1",
      type: "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
      name: "elsewhere",
      inputs: { vpcId: "vpc-prod-seoul" },
      parent: "",
    };
    expect(red([{ ...stack, resources: [...stack.resources, peering] }])["GB-1901"]).toContain(
      "aws:ec2/vpcPeeringConnection:VpcPeeringConnection elsewhere (stack prod-seoul): the network proof does not know",
    );
  });

  it("does not mind tags and descriptions", () => {
    const tagged = withInput(alone, nic, "prod-seoul-app-0", "tags.Name", "another");
    expect(
      red(withInput(tagged, ingress, "prod-seoul-worker-ingress-kubelet-10.10.0.0-18", "description", "another")),
    ).toEqual({});
  });
});

describe("the Transit Gateway", () => {
  const tgw = "aws:ec2transitgateway/";

  it.each<[what: string, code: string, says: string, stacks: () => PlannedStack[]]>([
    [
      "no route from the VPC",
      "GB-1902",
      "it leaves for the Internet by 0.0.0.0/0, as its table has no longer route",
      () => edited(joined, route, "interconnect-aws-node-b-10.20.0.0-16"),
    ],
    [
      "an attachment without a zone",
      "GB-1902",
      "attachment interconnect-aws has no subnet in zone ap-northeast-2c",
      () => withInput(joined, `${tgw}vpcAttachment:VpcAttachment`, "interconnect-aws", "subnetIds.2", undefined),
    ],
    [
      "an attachment without a table",
      "GB-1902",
      "attachment interconnect-aws is associated with no Transit Gateway table",
      () => edited(joined, `${tgw}routeTableAssociation:RouteTableAssociation`, "interconnect-aws-vpc"),
    ],
    [
      "a VPC that is not propagated",
      "GB-1902",
      "answer to prod-seoul-control-0 10.10.0.16 -> dr-busan-control-0 10.20.0.16",
      () => edited(joined, `${tgw}routeTablePropagation:RouteTablePropagation`, "interconnect-aws-vpc"),
    ],
    [
      "no route for pods",
      "GB-1903",
      "Azure's own route for 10.0.0.0/8 leads nowhere",
      () => edited(joined, `${tgw}route:Route`, "interconnect-aws-pods"),
    ],
    [
      "a pod route that only the gateway's subnet misses",
      "GB-1903",
      "no route to 10.128.16.0 in route table prod-seoul-transit-c",
      () => edited(joined, route, "prod-seoul-app-0-transit-c"),
    ],
    [
      "one tunnel's key",
      "GB-1911",
      "VPN connection interconnect-instance1, tunnel 2 (stack interconnect): the two ends have different pre-shared keys",
      () => withInput(joined, vpn, "interconnect-instance1", "tunnel2PresharedKey", "another"),
    ],
    [
      "one tunnel's inside",
      "GB-1901",
      "no end on the other side does the reverse",
      () => withInput(joined, vpn, "interconnect-instance0", "tunnel1InsideCidr", "169.254.21.8/30"),
    ],
    [
      "a customer gateway's ASN",
      "GB-1911",
      "expects ASN 64999",
      () => withInput(joined, "aws:ec2/customerGateway:CustomerGateway", "interconnect-instance0", "bgpAsn", "64999"),
    ],
    [
      "weaker cryptography on one end",
      "GB-1911",
      "AWS proposes phase 2 group14, Azure phase 2 group20",
      () => withInput(joined, vpn, "interconnect-instance0", "tunnel1Phase2DhGroupNumbers.0", 14),
    ],
    [
      "a VPN that the gateway learns nothing from",
      "GB-1911",
      "with only VPN connection interconnect-instance0, tunnel 1",
      () => edited(joined, `${tgw}routeTablePropagation:RouteTablePropagation`, "interconnect-aws-instance0"),
    ],
  ])("falls for %s", (_, code, says, stacks) => {
    expect(red(stacks())[code]).toContain(says);
  });
});
