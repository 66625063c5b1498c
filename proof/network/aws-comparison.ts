import type { AwsSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { type FirewallRule, firewallRules } from "../../components/network/firewall.ts";
import { apiEndpoint, awsSubnets, bastionAddress, meshEndpoint, planSlots } from "../../components/network/plan.ts";
import { type Protocol, ports } from "../../components/network/ports.ts";
import { recordedLines, refer, type Wanted, wantedLines } from "./comparison-lines.ts";
import type { Comparison, StackResource } from "./model.ts";

/** What an AWS site's stack should have, from its file and its peers', against what is recorded. */
export function awsComparison(
  stack: string,
  site: AwsSiteSpec,
  peers: readonly SiteSpec[],
  resources: readonly StackResource[],
): Comparison {
  const wanted = [...ground(site), ...slots(site), ...bastion(site), ...firewalls(site, peers), ...doors(site)];
  return { stack, planned: wantedLines(wanted), found: awsLines(stack, resources) };
}

const network = /^aws:(ec2|vpc|lb|ec2transitgateway)\//;
/** Of other resources only these inputs have to do with packets. */
const partly: Readonly<Record<string, string>> = { "aws:ec2/instance:Instance": "primaryNetworkInterface" };

/** The network resources of a stack on AWS, a line per input. */
export function awsLines(stack: string, resources: readonly StackResource[]) {
  const names = new Map<string, string>();
  for (const { id, name, type, stack: home } of resources.filter((each) => network.test(each.type))) {
    const noun = type.split(":").at(-1) ?? "";
    // The own stack's names come first where two stacks use one.
    for (const [key, text] of [
      [id, refer(noun, name)],
      [`arn:${id}`, refer(noun, name, " arn")],
      [`attachment-${id}`, refer(noun, name, " attachment")],
    ] as const)
      if (home === stack || !names.has(key)) names.set(key, text);
  }
  const own = resources.filter(
    ({ stack: home, type }) =>
      home === stack && network.test(type) && type !== "aws:ec2/volumeAttachment:VolumeAttachment",
  );
  const spoken = own.map((resource): StackResource => {
    const only = partly[resource.type];
    const inputs = only === undefined ? resource.inputs : { [only]: resource.inputs[only] };
    return {
      ...resource,
      inputs: Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, inWords(value, names)])),
    };
  });
  return recordedLines(spoken, []);
}

function inWords(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((part) => inWords(part, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inWords(part, names)]));
}

const vpc = (site: AwsSiteSpec) => refer("Vpc", site.name);
const subnet = (site: AwsSiteSpec, kind: string, zone: string) => refer("Subnet", `${site.name}-${kind}-${zone}`);
const table = (name: string) => refer("RouteTable", name);
const group = (site: AwsSiteSpec, noun: string) => refer("SecurityGroup", `${site.name}-${noun}`);

const isPublic = (site: AwsSiteSpec) => site.egress === "nat" || site.access.kind === "bastion";

/** VPC, subnets, tables and the ways to the Internet. */
function ground(site: AwsSiteSpec): Wanted[] {
  const { name } = site;
  const own = { vpcId: vpc(site) };
  const zones = awsSubnets(site);
  const open = isPublic(site);
  const kinds = open ? (["node", "transit", "public"] as const) : (["node", "transit"] as const);
  return [
    {
      type: "aws:ec2/vpc:Vpc",
      name,
      inputs: { cidrBlock: site.network.nodes, enableDnsHostnames: true, enableDnsSupport: true },
    },
    { type: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", name: `${name}-default`, inputs: own },
    ...(open
      ? [
          { type: "aws:ec2/internetGateway:InternetGateway", name, inputs: own },
          { type: "aws:ec2/routeTable:RouteTable", name: `${name}-public`, inputs: own },
          {
            type: routeType,
            name: `${name}-public-default`,
            inputs: {
              destinationCidrBlock: "0.0.0.0/0",
              gatewayId: refer("InternetGateway", name),
              routeTableId: table(`${name}-public`),
            },
          },
        ]
      : []),
    ...zones.flatMap((zone) => [
      ...kinds.flatMap((kind): Wanted[] => {
        const noun = `${name}-${kind}-${zone.zone}`;
        const tableName = kind === "public" ? `${name}-public` : noun;
        return [
          {
            type: "aws:ec2/subnet:Subnet",
            name: noun,
            inputs: { ...own, availabilityZone: `${site.region}${zone.zone}`, cidrBlock: zone[kind] },
          },
          ...(kind === "public" ? [] : [{ type: "aws:ec2/routeTable:RouteTable", name: noun, inputs: own }]),
          {
            type: "aws:ec2/routeTableAssociation:RouteTableAssociation",
            name: noun,
            inputs: { routeTableId: table(tableName), subnetId: subnet(site, kind, zone.zone) },
          },
        ];
      }),
      ...(site.egress === "nat" ? nat(site, zone.zone) : []),
    ]),
  ];
}

const routeType = "aws:ec2/route:Route";

function nat(site: AwsSiteSpec, zone: string): Wanted[] {
  const name = `${site.name}-nat-${zone}`;
  return [
    { type: "aws:ec2/eip:Eip", name, inputs: { domain: "vpc" } },
    {
      type: "aws:ec2/natGateway:NatGateway",
      name,
      inputs: { allocationId: refer("Eip", name), subnetId: subnet(site, "public", zone) },
    },
    {
      type: routeType,
      name: `${name}-default`,
      inputs: {
        destinationCidrBlock: "0.0.0.0/0",
        natGatewayId: refer("NatGateway", name),
        routeTableId: table(`${site.name}-node-${zone}`),
      },
    },
  ];
}

function slots(site: AwsSiteSpec): Wanted[] {
  const zones = awsSubnets(site);
  return planSlots(site).flatMap(({ name, address, role, zone, podCidr }) => [
    {
      type: "aws:ec2/networkInterface:NetworkInterface",
      name,
      inputs: {
        privateIps: [address],
        securityGroups: [group(site, role)],
        sourceDestCheck: false,
        subnetId: subnet(site, "node", zone),
      },
    },
    machine(name),
    ...zones.flatMap((each) =>
      ["node", "transit"].map((kind) => ({
        type: routeType,
        name: `${name}-${kind}-${each.zone}`,
        inputs: {
          destinationCidrBlock: podCidr,
          networkInterfaceId: refer("NetworkInterface", name),
          routeTableId: table(`${site.name}-${kind}-${each.zone}`),
        },
      })),
    ),
  ]);
}

function machine(name: string): Wanted {
  return {
    type: "aws:ec2/instance:Instance",
    name,
    inputs: { primaryNetworkInterface: { networkInterfaceId: refer("NetworkInterface", name) } },
  };
}

function bastion(site: AwsSiteSpec): Wanted[] {
  const address = bastionAddress(site);
  const [zone] = awsSubnets(site);
  if (!address || !zone) return [];
  const name = `${site.name}-bastion`;
  return [
    {
      type: "aws:ec2/networkInterface:NetworkInterface",
      name,
      inputs: {
        privateIps: [address],
        securityGroups: [group(site, "bastion")],
        subnetId: subnet(site, "public", zone.zone),
      },
    },
    machine(name),
    { type: "aws:ec2/eip:Eip", name, inputs: { domain: "vpc", networkInterface: refer("NetworkInterface", name) } },
  ];
}

function firewalls(site: AwsSiteSpec, peers: readonly SiteSpec[]): Wanted[] {
  const rules = firewallRules(site, peers);
  return [
    ...[...new Set(rules.map((rule) => rule.group))].map((noun) => ({
      type: "aws:ec2/securityGroup:SecurityGroup",
      name: `${site.name}-${noun}`,
      inputs: { vpcId: vpc(site) },
    })),
    ...rules.map((rule) => ({
      type: `aws:vpc/securityGroup${rule.direction === "ingress" ? "Ingress" : "Egress"}Rule:SecurityGroup${rule.direction === "ingress" ? "Ingress" : "Egress"}Rule`,
      name: `${site.name}-${rule.group}-${rule.direction}-${rule.row}-${rule.remote.replace("/", "-")}`,
      inputs: { securityGroupId: group(site, rule.group), cidrIpv4: rule.remote, ...packets(rule) },
    })),
  ];
}

/** EC2's words; ESP has no ports and still wants numbers. */
function packets({ protocol, range }: FirewallRule): Record<string, unknown> {
  const whole: Readonly<Record<Protocol, readonly [number, number] | undefined>> = {
    tcp: [0, 65_535],
    udp: [0, 65_535],
    icmp: [-1, -1],
    esp: [0, 0],
    any: undefined,
  };
  const numbers = range ?? whole[protocol];
  const words = { tcp: "tcp", udp: "udp", icmp: "icmp", esp: "50", any: "-1" } as const;
  return { ipProtocol: words[protocol], ...(numbers ? { fromPort: numbers[0], toPort: numbers[1] } : {}) };
}

/** Characters of a site's name that fit into a load balancer's: 32 without Pulumi's 8 and `-mesh`. */
const nameRoom = 19;

function doors(site: AwsSiteSpec): Wanted[] {
  const mesh = meshEndpoint(site);
  return [
    ...door(site, "api", apiEndpoint(site), ports.api.backend, "control-plane"),
    ...(mesh ? door(site, "mesh", mesh, ports.mesh.backend, "worker") : []),
  ];
}

function door(
  site: AwsSiteSpec,
  noun: "api" | "mesh",
  { addresses, port }: { readonly addresses: readonly string[]; readonly port: number },
  backend: number,
  role: "control-plane" | "worker",
): Wanted[] {
  const name = `${site.name.slice(0, nameRoom)}-${noun}`;
  const targets = refer("TargetGroup", name, " arn");
  return [
    {
      type: "aws:lb/loadBalancer:LoadBalancer",
      name,
      inputs: {
        enableCrossZoneLoadBalancing: true,
        internal: true,
        loadBalancerType: "network",
        securityGroups: [group(site, `${noun}-load-balancer`)],
        subnetMappings: awsSubnets(site).map(({ zone }, index) => ({
          privateIpv4Address: addresses[index],
          subnetId: subnet(site, "node", zone),
        })),
      },
    },
    {
      type: "aws:lb/targetGroup:TargetGroup",
      name,
      inputs: {
        healthCheck: {
          healthyThreshold: 2,
          interval: 10,
          port: "traffic-port",
          protocol: "TCP",
          unhealthyThreshold: 2,
        },
        port: backend,
        preserveClientIp: "false",
        protocol: "TCP",
        targetType: "ip",
        vpcId: vpc(site),
      },
    },
    {
      type: "aws:lb/listener:Listener",
      name,
      inputs: {
        defaultActions: [{ targetGroupArn: targets, type: "forward" }],
        loadBalancerArn: refer("LoadBalancer", name, " arn"),
        port,
        protocol: "TCP",
      },
    },
    ...planSlots(site)
      .filter((slot) => slot.role === role)
      .map((slot) => ({
        type: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
        name: `${slot.name}-${noun}`,
        inputs: { port: backend, targetGroupArn: targets, targetId: slot.address },
      })),
  ];
}
