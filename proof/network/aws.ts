import { z } from "zod";
import { Cidr, contains, Ipv4 } from "../../components/network/cidr.ts";
import { awsBalancers } from "./aws-balancers.ts";
import { awsFilters } from "./aws-filters.ts";
import { awsRouters, type Subnet } from "./aws-routers.ts";
import { interfaceType, subnetType, vpcType } from "./aws-types.ts";
import {
  type Network,
  type NetworkPart,
  noPart,
  originOf,
  type Port,
  type Reader,
  type StackResource,
} from "./model.ts";
import { keyOf, type Read, Resources } from "./resources.ts";
import { transitGateways } from "./transit.ts";

/** Bytes: what instances send to each other inside a VPC (docs.aws.amazon.com/AWSEC2, network_mtu). */
const vpcMtu = 9001;

const eipType = "aws:ec2/eip:Eip";

/** Types that the readers of AWS know; any other of these services may change what packets do. */
const known = new Set([
  vpcType,
  subnetType,
  interfaceType,
  eipType,
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/route:Route",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:ec2/instance:Instance",
  "aws:ec2/volumeAttachment:VolumeAttachment",
  "aws:ec2/customerGateway:CustomerGateway",
  "aws:ec2/vpnConnection:VpnConnection",
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:lb/targetGroup:TargetGroup",
  "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  "aws:lb/listener:Listener",
  "aws:ec2transitgateway/transitGateway:TransitGateway",
  "aws:ec2transitgateway/routeTable:RouteTable",
  "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
  "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation",
  "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation",
  "aws:ec2transitgateway/route:Route",
]);
const services =
  /^aws:(ec2|vpc|lb|alb|elb|ec2transitgateway|networkmanager|networkfirewall|directconnect|dx|vpclattice|ram)[a-z0-9]*\//;

const Vpc = z.object({ cidrBlock: Cidr });
const SubnetInputs = z.object({ vpcId: z.string(), cidrBlock: Cidr, availabilityZone: z.string() });
const Interface = z.object({
  subnetId: z.string(),
  privateIps: z.tuple([Ipv4]),
  securityGroups: z.array(z.string()).min(1),
  sourceDestCheck: z.boolean().default(true),
});
const InternetGateway = z.object({ vpcId: z.string() });
const Instance = z.object({ primaryNetworkInterface: z.object({ networkInterfaceId: z.string() }) });
const Eip = z.object({ networkInterface: z.string().optional(), instance: z.never().optional() });

/** VPCs, their subnets, tables, interfaces, security groups and load balancers, and the Transit Gateways that join them to others. */
export const readAws: Reader = (all) => {
  const resources = new Resources(all);
  for (const resource of all) {
    if (services.test(resource.type) && !known.has(resource.type))
      resources.flaw(resource, "the network proof does not know what a resource of this type does");
  }
  const vpcs = resources.ofType(vpcType, Vpc);
  const gateways = resources.ofType("aws:ec2/internetGateway:InternetGateway", InternetGateway);
  const gatewayOf = new Map<string, StackResource>();
  for (const { resource, inputs } of gateways) {
    const vpc = resources.referred(resource, "vpcId", vpcType, inputs.vpcId);
    if (vpc && gatewayOf.has(keyOf(vpc))) resources.flaw(resource, `${vpc.name} has an internet gateway already`);
    else if (vpc) gatewayOf.set(keyOf(vpc), resource);
  }
  const networks = vpcs.map(({ resource, inputs }): Network => {
    return {
      id: keyOf(resource),
      label: `VPC ${resource.name}`,
      origin: originOf(resource),
      blocks: [inputs.cidrBlock],
      internet: gatewayOf.has(keyOf(resource)),
      mtu: vpcMtu,
    };
  });
  const subnets = readSubnets(resources, networks);
  const filters = awsFilters(resources);
  const transit = transitGateways(resources, subnets);
  const interfaces = resources.ofType(interfaceType, Interface);
  const { routers, nats } = awsRouters(resources, subnets, gatewayOf, transit);
  const ports = readPorts(resources, interfaces, subnets, filters.filterOf);
  const balancers = awsBalancers(resources, subnets, filters.filterOf);
  return {
    ...noPart,
    networks,
    routers: [...routers, ...transit.routers],
    nats,
    ports: [...ports, ...balancers.ports],
    frontEnds: balancers.frontEnds,
    filters: filters.all(),
    entries: entriesOf(subnets, transit.entrances, [...ports, ...balancers.ports], nats),
    tunnelEnds: transit.tunnelEnds,
    flaws: resources.flaws,
  };
};

function readSubnets(resources: Resources, networks: readonly Network[]): Subnet[] {
  const subnets: Subnet[] = [];
  for (const { resource, inputs } of resources.ofType(subnetType, SubnetInputs)) {
    const vpc = resources.referred(resource, "vpcId", vpcType, inputs.vpcId);
    const network = vpc && networks.find(({ id }) => id === keyOf(vpc));
    if (!vpc || !network) continue;
    if (!network.blocks.some((block) => contains(block, inputs.cidrBlock)))
      resources.flaw(
        resource,
        `cidrBlock ${inputs.cidrBlock} lies outside of ${network.label} (${network.blocks.join(", ")})`,
      );
    const twin = subnets.find(
      (other) =>
        other.network === network.id &&
        (contains(other.block, inputs.cidrBlock) || contains(inputs.cidrBlock, other.block)),
    );
    if (twin) resources.flaw(resource, `cidrBlock ${inputs.cidrBlock} overlaps ${twin.resource.name}'s ${twin.block}`);
    subnets.push({ resource, vpc, network: network.id, block: inputs.cidrBlock, zone: inputs.availabilityZone });
  }
  return subnets;
}

function readPorts(
  resources: Resources,
  interfaces: readonly Read<z.infer<typeof Interface>>[],
  subnets: readonly Subnet[],
  filterOf: (from: StackResource, groups: readonly string[]) => string,
): Port[] {
  const machines = new Map<string, StackResource>();
  for (const { resource, inputs } of resources.ofType("aws:ec2/instance:Instance", Instance)) {
    const { networkInterfaceId } = inputs.primaryNetworkInterface;
    const port = resources.referred(
      resource,
      "primaryNetworkInterface.networkInterfaceId",
      interfaceType,
      networkInterfaceId,
    );
    if (!port) continue;
    const other = machines.get(keyOf(port));
    if (other) resources.flaw(resource, `its interface ${port.name} is ${other.name}'s`);
    machines.set(keyOf(port), resource);
  }
  const elastic = new Set<string>();
  for (const { resource, inputs } of resources.ofType(eipType, Eip)) {
    if (inputs.networkInterface === undefined) continue;
    const port = resources.referred(resource, "networkInterface", interfaceType, inputs.networkInterface);
    if (port) elastic.add(keyOf(port));
  }
  const taken = new Map<string, string>();
  return interfaces.flatMap(({ resource, inputs }): Port[] => {
    const found = resources.referred(resource, "subnetId", subnetType, inputs.subnetId);
    const subnet = found && subnets.find((each) => keyOf(each.resource) === keyOf(found));
    if (!subnet) return [];
    const [address] = inputs.privateIps;
    if (!contains(subnet.block, address))
      resources.flaw(
        resource,
        `privateIps ${address} lies outside of its subnet ${subnet.resource.name} (${subnet.block})`,
      );
    const place = `${subnet.network} ${address}`;
    const other = taken.get(place);
    if (other !== undefined) resources.flaw(resource, `${address} is ${other}'s`);
    taken.set(place, resource.name);
    if (!machines.has(keyOf(resource))) resources.flaw(resource, "no instance has this interface");
    return [
      {
        id: keyOf(resource),
        label: resource.name,
        origin: originOf(resource),
        site: resource.site ?? resource.stack,
        kind: "machine",
        network: subnet.network,
        router: keyOf(subnet.resource),
        address,
        forwards: !inputs.sourceDestCheck,
        filters: [filterOf(resource, inputs.securityGroups)],
        public: elastic.has(keyOf(resource)),
        zone: subnet.zone,
      },
    ];
  });
}

/** Where other sites' packets come in: the subnets of the gateway's attachment, or, without one, those that are kept free for it. */
function entriesOf(
  subnets: readonly Subnet[],
  entrances: readonly Subnet[],
  ports: readonly Port[],
  nats: NetworkPart["nats"],
): NetworkPart["entries"] {
  const busy = new Set([...ports.map(({ router }) => router), ...nats.map(({ router }) => router)]);
  const attached = new Set(entrances.map(({ network }) => network));
  const free = subnets.filter(({ resource, network }) => !attached.has(network) && !busy.has(keyOf(resource)));
  return [...entrances, ...free.filter(({ resource }) => /-transit-/.test(resource.name))].map(({ resource }) => ({
    site: resource.site ?? resource.stack,
    router: keyOf(resource),
  }));
}
