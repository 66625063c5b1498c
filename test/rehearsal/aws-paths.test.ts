import { beforeEach, describe, expect, it } from "vitest";
import { awsObstacle } from "../../rehearsal/aws/path.ts";
import { awsFrontend, awsRouteTables, awsTargets, strandedNatGateways } from "../../rehearsal/aws/queries.ts";
import type { Packet } from "../../rehearsal/packet.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { Cloud, output, type Resource, type Seoul, seoul } from "./aws-cloud.ts";

/** Two nodes in two zones with a pod range each, a NAT gateway, a transit gateway with a VPN. */
async function twoNodes(cloud: Cloud) {
  const site = await seoul(cloud);
  const { vpc, a, b, group, table } = site;
  for (const subnet of [a, b])
    await cloud.make("routeTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
  const nodes: { nic: Resource; instance: Resource }[] = [];
  for (const [index, subnet] of [a, b].entries()) {
    const nic = await cloud.make("networkInterface", {
      subnetId: subnet.id,
      privateIps: [`10.10.${index}.20`],
      sourceDestCheck: false,
      securityGroups: [group.id],
    });
    const instance = await cloud.make("instance", {
      ami: "ami-0123456789abcdef0",
      instanceType: "m7i.large",
      primaryNetworkInterface: { networkInterfaceId: nic.id },
    });
    nodes.push({ nic, instance });
  }
  const routes = [];
  for (const [index, { nic }] of nodes.entries()) {
    routes.push(
      await cloud.make("route", {
        routeTableId: table.id,
        destinationCidrBlock: `10.128.${index}.0/24`,
        networkInterfaceId: nic.id,
      }),
    );
  }
  const open = (type: "ingressRule" | "egressRule", rest: Properties) =>
    cloud.make(type, { securityGroupId: group.id, ...rest });
  await open("egressRule", { ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" });
  const rules = [
    await open("ingressRule", {
      ipProtocol: "udp",
      fromPort: 51_871,
      toPort: 51_871,
      referencedSecurityGroupId: group.id,
    }),
    await open("ingressRule", { ipProtocol: "tcp", fromPort: 4240, toPort: 4240, cidrIpv4: "10.20.0.0/16" }),
    await open("ingressRule", { ipProtocol: "-1", cidrIpv4: "10.128.0.0/16" }),
    await open("ingressRule", { ipProtocol: "tcp", fromPort: 6443, toPort: 6443, cidrIpv4: "10.10.0.0/16" }),
  ];
  return { ...site, vpc, nodes, routes, rules };
}

let cloud: Cloud;
let site: Seoul & Awaited<ReturnType<typeof twoNodes>>;
beforeEach(async () => {
  cloud = new Cloud();
  site = await twoNodes(cloud);
});

const wireguard: Packet = { from: "10.10.0.20", to: "10.10.1.20", protocol: "udp", port: 51_871 };
const podToPod: Packet = { from: "10.10.0.20", source: "10.128.0.5", to: "10.128.1.7", protocol: "tcp", port: 80 };
const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
};

describe("a packet within the VPC", () => {
  it("arrives", () => {
    expect(awsObstacle(cloud.world, wireguard)).toBeUndefined();
    expect(awsObstacle(cloud.world, podToPod)).toBeUndefined();
  });
  it("needs a rule for its port", () => {
    expect(awsObstacle(cloud.world, { ...wireguard, port: 4240, protocol: "tcp" })).toContain(
      "no ingress rule for tcp 4240 from 10.10.0.20",
    );
  });
  it("from a pod is not covered by a rule for its node's group", async () => {
    await cloud.remove("ingressRule", at(site.rules, 2));
    const fromPod: Packet = { ...podToPod, protocol: "udp", port: 51_871 };
    expect(awsObstacle(cloud.world, fromPod)).toContain("no ingress rule for udp 51871 from 10.128.0.5");
  });
  it("needs a route to the pod", async () => {
    await cloud.remove("route", at(site.routes, 1));
    expect(awsObstacle(cloud.world, podToPod)).toBe(
      `route table ${site.table.id} (prod-seoul-node-a) has no route for 10.128.1.7`,
    );
  });
  it.each([
    [0, "drops packets from 10.128.0.5: sourceDestCheck is on"],
    [1, "drops packets for 10.128.1.7: sourceDestCheck is on"],
  ])("of a pod needs the check off at both ends (%i)", async (index, words) => {
    const { nic } = at(site.nodes, index);
    const { subnetId, privateIps, securityGroups } = nic.outputs;
    await cloud.update("networkInterface", nic, {
      subnetId: subnetId ?? "",
      privateIps: privateIps ?? [],
      securityGroups: securityGroups ?? [],
    });
    expect(awsObstacle(cloud.world, podToPod)).toContain(words);
  });
  it("finds a route into a deleted machine black", async () => {
    await cloud.remove("instance", at(site.nodes, 1).instance);
    expect(awsObstacle(cloud.world, podToPod)).toContain("attached to nothing");
    expect(at(awsRouteTables(cloud.world), 0).routes).toContainEqual({
      destination: "10.128.1.0/24",
      target: at(site.nodes, 1).nic.id,
      state: "blackhole",
      address: "10.10.1.20",
      sourceDestCheck: false,
    });
  });
});

describe("a load balancer", () => {
  async function balance(targetId: string, inputs: Properties = {}) {
    const balancer = await cloud.make("loadBalancer", {
      loadBalancerType: "network",
      internal: true,
      subnetMappings: [{ subnetId: site.a.id, privateIpv4Address: "10.10.0.8" }],
      ...inputs,
    });
    const group = await cloud.make("targetGroup", {
      vpcId: site.vpc.id,
      protocol: "TCP",
      port: 6443,
      targetType: "ip",
      preserveClientIp: "false",
    });
    await cloud.make("listener", {
      loadBalancerArn: balancer.id,
      protocol: "TCP",
      port: 443,
      defaultActions: [{ type: "forward", targetGroupArn: group.id }],
    });
    await cloud.make("targetGroupAttachment", { targetGroupArn: group.id, targetId });
  }
  it("tells what is behind its front end", async () => {
    await balance("10.10.0.20");
    expect(awsFrontend(cloud.world, "10.10.0.8", 443)).toEqual(["10.10.0.20"]);
    expect(awsTargets(cloud.world, "10.10.0.8", 443)).toEqual([{ address: "10.10.0.20", port: 6443 }]);
    expect(awsFrontend(cloud.world, "10.10.0.8", 6443)).toBeUndefined();
    expect(awsFrontend(cloud.world, "10.10.0.9", 443)).toBeUndefined();
  });
  it("is passed when its target admits it", async () => {
    await balance("10.10.0.20");
    const call: Packet = { from: "10.10.1.20", to: "10.10.0.8", protocol: "tcp", port: 443 };
    expect(awsObstacle(cloud.world, call)).toBeUndefined();
    expect(awsObstacle(cloud.world, { ...call, port: 444 })).toContain("has no listener on port 444");
    await cloud.remove("ingressRule", at(site.rules, 3));
    expect(awsObstacle(cloud.world, call)).toContain("no ingress rule for tcp 6443 from 10.10.0.8");
  });
  it("with a security group of its own asks it first", async () => {
    const own = await cloud.make("securityGroup", { vpcId: site.vpc.id, name: "api" });
    await balance("10.10.0.20", { securityGroups: [own.id] });
    expect(awsObstacle(cloud.world, { from: "10.10.1.20", to: "10.10.0.8", protocol: "tcp", port: 443 })).toContain(
      "no ingress rule for tcp 443 from 10.10.1.20",
    );
  });
});

describe("a packet through the transit gateway", () => {
  async function interconnect() {
    const off = { defaultRouteTableAssociation: "disable", defaultRouteTablePropagation: "disable" };
    const gateway = await cloud.make("transitGateway", { amazonSideAsn: 64_512, ...off });
    const attachment = await cloud.make("vpcAttachment", {
      transitGatewayId: gateway.id,
      vpcId: site.vpc.id,
      subnetIds: [site.a.id],
    });
    const customer = await cloud.make("customerGateway", {
      type: "ipsec.1",
      bgpAsn: "64520",
      ipAddress: "203.0.113.10",
    });
    const vpn = await cloud.make("vpnConnection", {
      type: "ipsec.1",
      transitGatewayId: gateway.id,
      customerGatewayId: customer.id,
    });
    const vpnAttachment = output(vpn, "transitGatewayAttachmentId");
    const [fromVpc, fromVpn] = [
      await cloud.make("transitRouteTable", { transitGatewayId: gateway.id }),
      await cloud.make("transitRouteTable", { transitGatewayId: gateway.id }),
    ];
    const join = (type: "transitAssociation" | "transitPropagation", table: Resource, attachmentId: string) =>
      cloud.make(type, { transitGatewayRouteTableId: table.id, transitGatewayAttachmentId: attachmentId });
    await join("transitAssociation", fromVpc, attachment.id);
    await join("transitAssociation", fromVpn, vpnAttachment);
    await join("transitPropagation", fromVpn, attachment.id);
    const learned = await join("transitPropagation", fromVpc, vpnAttachment);
    const pods = await cloud.make("transitRoute", {
      transitGatewayRouteTableId: fromVpn.id,
      destinationCidrBlock: "10.128.0.0/16",
      transitGatewayAttachmentId: attachment.id,
    });
    await cloud.make("route", {
      routeTableId: site.table.id,
      destinationCidrBlock: "10.20.0.0/16",
      transitGatewayId: gateway.id,
    });
    return { vpn, pods, learned };
  }
  it("leaves by the VPN, and only if the gateway has learned the way", async () => {
    const { learned } = await interconnect();
    const out: Packet = { from: "10.10.0.20", to: "10.20.0.4", protocol: "tcp", port: 4240 };
    expect(awsObstacle(cloud.world, out)).toBeUndefined();
    await cloud.remove("transitPropagation", learned);
    expect(awsObstacle(cloud.world, out)).toMatch(
      /^transit gateway route table tgw-rtb-\w+ has no route for 10\.20\.0\.4$/,
    );
  });
  it("arrives from the VPN at nodes and at pods", async () => {
    const { vpn, pods } = await interconnect();
    const toNode: Packet = { from: vpn.id, source: "10.20.0.4", to: "10.10.1.20", protocol: "tcp", port: 4240 };
    const toPod: Packet = { from: vpn.id, source: "10.128.9.9", to: "10.128.1.7", protocol: "tcp", port: 80 };
    expect(awsObstacle(cloud.world, toNode)).toBeUndefined();
    expect(awsObstacle(cloud.world, { ...toNode, port: 22 })).toContain("no ingress rule for tcp 22 from 10.20.0.4");
    expect(awsObstacle(cloud.world, toPod)).toBeUndefined();
    await cloud.remove("transitRoute", pods);
    expect(awsObstacle(cloud.world, toPod)).toContain("has no route for 10.128.1.7");
  });
});

it("tells of a NAT gateway that stands where nothing is public", async () => {
  const nat = await cloud.make("natGateway", {
    subnetId: site.a.id,
    allocationId: (await cloud.make("elasticIp", {})).id,
  });
  expect(strandedNatGateways(cloud.world)).toEqual([nat.id]);
  await cloud.make("route", {
    routeTableId: site.table.id,
    destinationCidrBlock: "0.0.0.0/0",
    gatewayId: site.gateway.id,
  });
  expect(strandedNatGateways(cloud.world)).toEqual([]);
});
