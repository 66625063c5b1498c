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

/** An internal NLB on both subnets. */
const nlb = (s: Seoul, rest: Properties = {}): Properties => ({
  loadBalancerType: "network",
  internal: true,
  subnetMappings: [
    { subnetId: s.a.id, privateIpv4Address: "10.10.0.8" },
    { subnetId: s.b.id, privateIpv4Address: "10.10.1.8" },
  ],
  ...rest,
});

const group = (s: Seoul, rest: Properties = {}): Properties => ({
  vpcId: s.vpc.id,
  protocol: "TCP",
  port: 6443,
  targetType: "ip",
  ...rest,
});

async function front(c: Cloud, s: Seoul, groupInputs: Properties = {}) {
  const balancer = await c.make("loadBalancer", nlb(s));
  const targets = await c.make("targetGroup", group(s, groupInputs));
  const listener: Properties = {
    loadBalancerArn: balancer.id,
    protocol: "TCP",
    port: 6443,
    defaultActions: [{ type: "forward", targetGroupArn: targets.id }],
  };
  return { balancer, targets, listener };
}

const mapped = (...mappings: Properties[]): Properties => ({ subnetMappings: mappings });

describe("load balancers", () => {
  refuses([
    ["a name with an underscore", "loadBalancer", (_, s) => nlb(s, { name: "prod_api" }), "must match"],
    ["a name of 33 letters", "loadBalancer", (_, s) => nlb(s, { name: "a".repeat(33) }), "must match"],
    [
      "a name twice",
      "loadBalancer",
      async (c, s) => {
        await c.make("loadBalancer", { name: "api", loadBalancerType: "network", internal: true, subnets: [s.a.id] });
        return nlb(s, { name: "api" });
      },
      "DuplicateLoadBalancerName",
    ],
    ["subnets and mappings", "loadBalancer", (_, s) => nlb(s, { subnets: [s.a.id] }), "only one of"],
    ["no such subnet", "loadBalancer", (_, s) => nlb(s, mapped({ subnetId: "subnet-0" })), "SubnetNotFound"],
    [
      "two subnets of one zone",
      "loadBalancer",
      async (c, s) => {
        const other = await c.make("subnet", {
          vpcId: s.vpc.id,
          cidrBlock: "10.10.2.0/24",
          availabilityZone: "ap-northeast-2a",
        });
        return nlb(s, mapped({ subnetId: s.a.id }, { subnetId: other.id }));
      },
      "multiple subnets in the same Availability Zone",
    ],
    [
      "an address outside the subnet",
      "loadBalancer",
      (_, s) => nlb(s, mapped({ subnetId: s.a.id, privateIpv4Address: "10.10.1.8" })),
      "does not fall within",
    ],
    [
      "a reserved address",
      "loadBalancer",
      (_, s) => nlb(s, mapped({ subnetId: s.a.id, privateIpv4Address: "10.10.0.3" })),
      "reserved address range",
    ],
    [
      "a taken address",
      "loadBalancer",
      async (c, s) => {
        await c.make("networkInterface", { subnetId: s.a.id, privateIps: ["10.10.0.8"] });
        return nlb(s);
      },
      "Address 10.10.0.8 is in use",
    ],
    [
      "a private address to the Internet",
      "loadBalancer",
      (_, s) => nlb(s, { internal: false }),
      "only for internal Network Load Balancers",
    ],
    [
      "an application balancer in one zone",
      "loadBalancer",
      (_, s) => ({ internal: true, subnets: [s.a.id] }),
      "At least two subnets",
    ],
    [
      "a misspelt mapping",
      "loadBalancer",
      (_, s) => nlb(s, mapped({ subnetId: s.a.id, privateIpv4: "10.10.0.8" })),
      'did you mean "privateIpv4Address"?',
    ],
    [
      "a flag where the provider wants text",
      "targetGroup",
      (_, s) => group(s, { preserveClientIp: false }),
      "preserveClientIp: must be a string, not a boolean",
    ],
    [
      "UDP without client addresses",
      "targetGroup",
      (_, s) => group(s, { protocol: "UDP", preserveClientIp: "false" }),
      "cannot be disabled",
    ],
    [
      "a TCP check with a path",
      "targetGroup",
      (_, s) => group(s, { healthCheck: { protocol: "TCP", path: "/readyz" } }),
      "healthCheck.path: is not supported",
    ],
    [
      "a threshold of 1",
      "targetGroup",
      (_, s) => group(s, { healthCheck: { healthyThreshold: 1 } }),
      "must be at least 2",
    ],
    ["an interval of 3 s", "targetGroup", (_, s) => group(s, { healthCheck: { interval: 3 } }), "must be at least 5"],
    [
      "a timeout over the interval",
      "targetGroup",
      (_, s) => group(s, { healthCheck: { interval: 10, timeout: 11 } }),
      "must be smaller than or equal to the interval",
    ],
    ["no VPC", "targetGroup", () => ({ protocol: "TCP", port: 1, targetType: "ip" }), "vpcId: is required"],
    [
      "an instance that is none",
      "targetGroupAttachment",
      async (c, s) => ({ targetGroupArn: (await front(c, s, { targetType: "instance" })).targets.id, targetId: "i-0" }),
      "are not valid instances",
    ],
    [
      "a public target",
      "targetGroupAttachment",
      async (c, s) => ({ targetGroupArn: (await front(c, s)).targets.id, targetId: "203.0.113.7" }),
      "InvalidTarget",
    ],
    [
      "a target beyond the VPC without zone all",
      "targetGroupAttachment",
      async (c, s) => ({ targetGroupArn: (await front(c, s)).targets.id, targetId: "10.20.0.4" }),
      "Availability Zone of 'all'",
    ],
    [
      "no target group",
      "targetGroupAttachment",
      () => ({ targetGroupArn: "arn:0", targetId: "10.10.0.9" }),
      "TargetGroupNotFound",
    ],
    [
      "a port twice",
      "listener",
      async (c, s) => {
        const { listener } = await front(c, s);
        await c.make("listener", listener);
        return listener;
      },
      "DuplicateListener",
    ],
    [
      "a UDP listener for a TCP group",
      "listener",
      async (c, s) => ({ ...(await front(c, s)).listener, protocol: "UDP" }),
      "is not supported with target group protocol 'TCP'",
    ],
    [
      "HTTP on a network balancer",
      "listener",
      async (c, s) => ({ ...(await front(c, s)).listener, protocol: "HTTP" }),
      "must be one of",
    ],
    [
      "forwarding to nothing",
      "listener",
      async (c, s) => ({ ...(await front(c, s)).listener, defaultActions: [{ type: "forward" }] }),
      "A target group ARN must be specified",
    ],
  ]);
});

it("keeps a target group that a listener forwards to", async () => {
  const { targets, listener } = await front(cloud, site);
  await cloud.make("listener", listener);
  await expect(cloud.remove("targetGroup", targets)).rejects.toThrow("ResourceInUse");
});

it("keeps a protected load balancer", async () => {
  const balancer = await cloud.make("loadBalancer", nlb(site, { enableDeletionProtection: true }));
  await expect(cloud.remove("loadBalancer", balancer)).rejects.toThrow("deletion protection is enabled");
});
