import { describe, expect, it } from "vitest";
import type { AwsSiteSpec } from "../../components/config/schema.ts";
import { AwsFirewall } from "../../components/network/aws-firewall.ts";
import { AwsLoadBalancers } from "../../components/network/aws-load-balancers.ts";
import { AwsNetwork } from "../../components/network/aws-network.ts";
import { firewallRules } from "../../components/network/firewall.ts";
import { apiEndpoint, awsSubnets, meshEndpoint, planSlots } from "../../components/network/plan.ts";
import { AwsNodes } from "../../components/nodes/aws-nodes.ts";
import { type DeployOptions, deploy, named, ofType, type Recorded, resolved } from "../support/deploy.ts";
import { awsSite, azureSite, type Config, within } from "../support/stacks.ts";

const peers = [azureSite()];

function build(site: AwsSiteSpec) {
  const network = new AwsNetwork(site.name, { site });
  const firewall = new AwsFirewall(site.name, { site, peers, network });
  new AwsLoadBalancers(site.name, { site, network, firewall });
  const nodes = new AwsNodes(site.name, { site, network, firewall, userData: (machine) => `#cloud-config ${machine}` });
  return { network, nodes };
}

/** Ids as EC2 gives them where the program reads them. */
const outputs: NonNullable<DeployOptions["outputs"]> = ({ name }) => ({ publicIp: "198.51.100.7", arn: `arn:${name}` });

const run = (edit?: (config: Config) => void) => {
  const site = awsSite(edit);
  return deploy(() => build(site), { outputs });
};

/** The shipped file's site. */
const { result, resources } = await run();

const nodeSpec = (config: Config) => within(config, "gyeongbu:site");
const route = "aws:ec2/route:Route";
const table = "aws:ec2/routeTable:RouteTable";
const targetOf = ({ inputs }: Recorded) => [inputs.routeTableId, inputs.destinationCidrBlock].join(" ");

describe("AwsNetwork", () => {
  it("gives every zone its three subnets, each in that zone and with its own range", async () => {
    const subnets = ofType(resources, "aws:ec2/subnet:Subnet");

    const seen = subnets.map(({ inputs }) => `${String(inputs.availabilityZone)} ${String(inputs.cidrBlock)}`);
    const planned = awsSubnets(awsSite()).flatMap((zone) =>
      [zone.node, zone.public, zone.transit].map((cidr) => `ap-northeast-2${zone.zone} ${cidr}`),
    );
    expect(seen.sort()).toEqual(planned.sort());
    expect(subnets.some(({ inputs }) => inputs.mapPublicIpOnLaunch)).toBe(false);
  });

  it("lists no route inside a table, since others add routes to it", async () => {
    expect(ofType(resources, table)).toHaveLength(7);
    expect(ofType(resources, table).filter(({ inputs }) => "routes" in inputs)).toEqual([]);
  });

  it("sends each zone's nodes out through the NAT of that zone", async () => {
    const out = ofType(resources, route).filter(({ inputs }) => "natGatewayId" in inputs);
    expect(out.map(({ inputs }) => [inputs.routeTableId, inputs.natGatewayId])).toEqual(
      ["a", "b", "c"].map((zone) => [`prod-seoul-node-${zone}-id`, `prod-seoul-nat-${zone}-id`]),
    );
  });

  it("has neither internet gateway nor NAT nor public subnet when nothing is public", async () => {
    const variant = await run((config) => {
      const site = nodeSpec(config);
      site.egress = "none";
      site.access = { kind: "jump-host", address: "10.9.0.5", user: "ops", hostKey: "ssh-ed25519 AAAA" };
    });
    const types = variant.resources.map(({ type }) => type);
    expect(types.filter((type) => /internetGateway|natGateway|eip:/.test(type))).toEqual([]);
    expect(ofType(variant.resources, "aws:ec2/subnet:Subnet")).toHaveLength(6);
    expect(
      ofType(variant.resources, route).filter(({ inputs }) => inputs.destinationCidrBlock === "0.0.0.0/0"),
    ).toEqual([]);
  });

  it("keeps the bastion's way in where nodes have no way out", async () => {
    const variant = await run((config) => {
      nodeSpec(config).egress = "none";
    });
    const types = variant.resources.map(({ type }) => type);
    expect(types).toContain("aws:ec2/internetGateway:InternetGateway");
    expect(types).not.toContain("aws:ec2/natGateway:NatGateway");
  });

  it("empties the VPC's default security group", async () => {
    const [group] = ofType(resources, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    expect(group?.inputs).toMatchObject({ vpcId: "prod-seoul-id" });
    expect(group?.inputs).not.toHaveProperty("ingress");
    expect(group?.inputs).not.toHaveProperty("egress");
  });

  it("exports what the interconnect asks for, in the order of the zones", async () => {
    expect(await resolved(result.network.link)).toEqual({
      platform: "aws",
      region: "ap-northeast-2",
      vpcId: "prod-seoul-id",
      transitSubnetIds: ["a", "b", "c"].map((zone) => `prod-seoul-transit-${zone}-id`),
      nodeRouteTableIds: ["a", "b", "c"].map((zone) => `prod-seoul-node-${zone}-id`),
    });
  });
});

describe("AwsFirewall", () => {
  it("makes one rule per planned rule and no other", async () => {
    const rules = firewallRules(awsSite(), peers);
    for (const direction of ["ingress", "egress"] as const) {
      const kind = direction === "ingress" ? "Ingress" : "Egress";
      const made = ofType(resources, `aws:vpc/securityGroup${kind}Rule:SecurityGroup${kind}Rule`);
      const planned = rules.filter((rule) => rule.direction === direction);
      expect(made.map(({ inputs }) => `${String(inputs.securityGroupId)} ${String(inputs.cidrIpv4)}`).sort()).toEqual(
        planned.map(({ group, remote }) => `prod-seoul-${group}-id ${remote}`).sort(),
      );
    }
  });

  it("lists no rule inside a group", async () => {
    const groups = ofType(resources, "aws:ec2/securityGroup:SecurityGroup");
    expect(groups.map(({ name }) => name)).toEqual(
      ["api-load-balancer", "bastion", "control-plane", "mesh-load-balancer", "worker"].map((g) => `prod-seoul-${g}`),
    );
    expect(groups.filter(({ inputs }) => "ingress" in inputs || "egress" in inputs)).toEqual([]);
  });
});

describe("AwsLoadBalancers", () => {
  it("stands at the planned address in every zone and forwards to the slots' addresses", async () => {
    const site = awsSite();
    for (const [noun, endpoint, role, port] of [
      ["api", apiEndpoint(site), "control-plane", 6443],
      ["mesh", meshEndpoint(site), "worker", 32_379],
    ] as const) {
      const balancer = named(resources, "aws:lb/loadBalancer:LoadBalancer", `prod-seoul-${noun}`);
      expect(balancer.inputs).toMatchObject({
        internal: true,
        enableCrossZoneLoadBalancing: true,
        securityGroups: [`prod-seoul-${noun}-load-balancer-id`],
        subnetMappings: endpoint?.addresses.map((address, index) => ({
          subnetId: `prod-seoul-node-${"abc"[index]}-id`,
          privateIpv4Address: address,
        })),
      });
      expect(balancer.protect).toBe(true);
      expect(named(resources, "aws:lb/targetGroup:TargetGroup", `prod-seoul-${noun}`).inputs).toMatchObject({
        preserveClientIp: "false",
        targetType: "ip",
        port,
        healthCheck: { protocol: "TCP" },
      });
      expect(named(resources, "aws:lb/listener:Listener", `prod-seoul-${noun}`).inputs).toMatchObject({
        port: endpoint?.port,
      });
      const targets = ofType(resources, "aws:lb/targetGroupAttachment:TargetGroupAttachment")
        .filter(({ inputs }) => inputs.targetGroupArn === `arn:prod-seoul-${noun}`)
        .map(({ inputs }) => String(inputs.targetId));
      const planned = planSlots(site).filter((slot) => slot.role === role);
      expect(targets.sort()).toEqual(planned.map(({ address }) => String(address)).sort());
    }
  });

  it("has no mesh door outside a mesh", async () => {
    const variant = await run((config) => delete nodeSpec(config).mesh);
    const balancers = ofType(variant.resources, "aws:lb/loadBalancer:LoadBalancer");
    expect(balancers.map(({ name }) => name)).toEqual(["prod-seoul-api"]);
  });

  it("keeps names within the 32 characters of ELB for the longest site name", async () => {
    const name = "a-site-with-a-name-of-32-letters";
    const variant = await run((config) => {
      nodeSpec(config).name = name;
    });
    const named32 = ["aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup"];
    const names = variant.resources.filter(({ type }) => named32.includes(type)).map((r) => r.name);
    expect(names).toHaveLength(4);
    expect(names.filter((logical) => `${logical}-1234567`.length > 32)).toEqual([]);
  });
});

describe("AwsNodes", () => {
  it("routes every slot's pods to its interface, in every table that packets for pods meet", async () => {
    const wanted = planSlots(awsSite()).flatMap(({ podCidr }) =>
      ["a", "b", "c"].flatMap((zone) => ["node", "transit"].map((kind) => `prod-seoul-${kind}-${zone}-id ${podCidr}`)),
    );
    const made = ofType(resources, route).filter(({ inputs }) => "networkInterfaceId" in inputs);
    expect(made.map(targetOf).sort()).toEqual(wanted.sort());
    for (const { inputs } of made) {
      const slot = planSlots(awsSite()).find(({ podCidr }) => podCidr === inputs.destinationCidrBlock);
      expect(inputs.networkInterfaceId).toBe(`${slot?.name}-id`);
    }
  });

  it("gives every slot its fixed address and lets pods' packets through", async () => {
    for (const slot of planSlots(awsSite())) {
      const port = named(resources, "aws:ec2/networkInterface:NetworkInterface", slot.name);
      expect(port.inputs).toMatchObject({
        privateIps: [slot.address],
        sourceDestCheck: false,
        subnetId: `prod-seoul-node-${slot.zone}-id`,
        securityGroups: [`prod-seoul-${slot.role}-id`],
      });
      expect(port.deleteBeforeReplace).toBe(true);
    }
  });

  it("hardens machines, keeps them when image or user data change, and protects control planes", async () => {
    const machines = ofType(resources, "aws:ec2/instance:Instance");
    expect(machines).toHaveLength(10);
    for (const { name, inputs, ignoreChanges, protect, deleteBeforeReplace } of machines) {
      expect(inputs).toMatchObject({
        primaryNetworkInterface: { networkInterfaceId: `${name}-id` },
        metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { encrypted: true, volumeType: "gp3" },
        userData: `#cloud-config ${name}`,
      });
      expect(inputs).not.toHaveProperty("iamInstanceProfile");
      expect(ignoreChanges).toEqual(["ami", "userData"]);
      expect(deleteBeforeReplace).toBe(true);
      expect(protect).toBe(name.includes("-control-"));
    }
  });

  it("puts etcd on a protected, encrypted volume in the slot's zone, found by its id", async () => {
    const volumes = ofType(resources, "aws:ebs/volume:Volume");
    expect(volumes.map(({ inputs }) => inputs.availabilityZone)).toEqual(
      ["a", "b", "c"].map((z) => `ap-northeast-2${z}`),
    );
    expect(volumes.every(({ inputs, protect }) => inputs.encrypted === true && inputs.type === "gp3" && protect)).toBe(
      true,
    );

    const [first] = result.nodes.nodes;
    expect(await resolved(first?.etcdDevice)).toBe(
      // The mock's id is `prod-seoul-control-0-etcd-id`; only the first dash goes, as in `vol-0123`.
      "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_prodseoul-control-0-etcd-id",
    );
    expect(
      result.nodes.nodes.filter(({ etcdDevice }) => etcdDevice !== undefined).map(({ slot }) => slot.role),
    ).toEqual(Array.from({ length: 3 }, () => "control-plane"));
  });

  it("puts the bastion in the first public subnet, with the public address that nodes are reached through", async () => {
    expect(named(resources, "aws:ec2/networkInterface:NetworkInterface", "prod-seoul-bastion").inputs).toMatchObject({
      subnetId: "prod-seoul-public-a-id",
      privateIps: ["10.10.240.10"],
      securityGroups: ["prod-seoul-bastion-id"],
    });
    expect(await resolved(result.nodes.bastion?.publicAddress)).toBe("198.51.100.7");
  });

  it("touches nothing that exists when a worker is added", async () => {
    const after = (
      await run((config) => {
        within(config, "gyeongbu:site", "nodePools", 1).count = 7;
      })
    ).resources;
    const key = ({ type, name, inputs }: Recorded) => `${type} ${name} ${JSON.stringify(inputs)}`;
    const kept = new Set(after.map(key));
    // A rule that changes would be listed here; machines, interfaces, routes and volumes must not be.
    expect(resources.map(key).filter((one) => !kept.has(one))).toEqual([]);
    expect(after.length).toBeGreaterThan(resources.length);
  });

  it("shows the same resources in a preview, when nothing is known yet", async () => {
    const site = awsSite();
    const list = (all: readonly Recorded[]) => all.map(({ type, name }) => `${type} ${name}`);
    const preview = await deploy(() => build(site), { preview: true });
    expect(list(preview.resources)).toEqual(list(resources));
  });
});
