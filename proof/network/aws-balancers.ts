import { z } from "zod";
import { contains, Ipv4 } from "../../components/network/cidr.ts";
import type { Subnet } from "./aws-routers.ts";
import { subnetType, vpcType } from "./aws-types.ts";
import { type FrontEnd, originOf, type Port, type StackResource, type Target } from "./model.ts";
import { keyOf, type Read, type Resources } from "./resources.ts";

const balancerType = "aws:lb/loadBalancer:LoadBalancer";
const groupType = "aws:lb/targetGroup:TargetGroup";

const Balancer = z.object({
  loadBalancerType: z.literal("network"),
  internal: z.literal(true),
  securityGroups: z.array(z.string()).min(1),
  enableCrossZoneLoadBalancing: z.boolean().default(false),
  subnetMappings: z.array(z.object({ subnetId: z.string(), privateIpv4Address: Ipv4 })).min(1),
});
const Group = z.object({
  vpcId: z.string(),
  port: z.int(),
  protocol: z.literal("TCP"),
  targetType: z.literal("ip"),
  preserveClientIp: z.enum(["true", "false"]),
  healthCheck: z.object({ protocol: z.literal("TCP"), port: z.literal("traffic-port") }),
});
const Attachment = z.object({ targetGroupArn: z.string(), targetId: Ipv4, port: z.int() });
const Listener = z.object({
  loadBalancerArn: z.string(),
  protocol: z.literal("TCP"),
  port: z.int(),
  defaultActions: z.tuple([z.object({ type: z.literal("forward"), targetGroupArn: z.string() })]),
});

/** Network load balancers: an interface per zone, the listeners' ports and the targets behind. */
export function awsBalancers(
  resources: Resources,
  subnets: readonly Subnet[],
  filterOf: (from: StackResource, groups: readonly string[]) => string,
): { ports: Port[]; frontEnds: FrontEnd[] } {
  const balancers = resources.ofType(balancerType, Balancer);
  const ports = balancers.flatMap((balancer) => portsOf(resources, balancer, subnets, filterOf));
  const groups = new Map(resources.ofType(groupType, Group).map((group) => [keyOf(group.resource), group]));
  for (const { resource, inputs } of groups.values()) resources.referred(resource, "vpcId", vpcType, inputs.vpcId);
  const targetsOf = readTargets(resources, groups);
  const taken = new Set<string>();
  const frontEnds = resources.ofType("aws:lb/listener:Listener", Listener).flatMap(({ resource, inputs }) => {
    const balancer = byArn(resources, resource, "loadBalancerArn", balancerType, inputs.loadBalancerArn);
    const [action] = inputs.defaultActions;
    const found = byArn(resources, resource, "defaultActions.targetGroupArn", groupType, action.targetGroupArn);
    const group = found && groups.get(keyOf(found));
    const own = balancers.find((each) => balancer && keyOf(each.resource) === keyOf(balancer));
    if (!own || !group) return [];
    const listener = `${keyOf(own.resource)}:${inputs.port}`;
    if (taken.has(listener)) resources.flaw(resource, `${own.resource.name} listens on ${inputs.port} already`);
    taken.add(listener);
    const targets = targetsOf.get(keyOf(group.resource)) ?? [];
    return ports
      .filter(({ id }) => id.startsWith(`${keyOf(own.resource)}#`))
      .map((port): FrontEnd => {
        return {
          label: `load balancer ${own.resource.name} ${port.address}:${inputs.port}`,
          origin: originOf(resource),
          port: port.id,
          protocol: "tcp",
          number: inputs.port,
          targets: own.inputs.enableCrossZoneLoadBalancing
            ? targets
            : targets.filter(({ address }) => zoneOf(subnets, port.network, address) === port.zone),
          source: group.inputs.preserveClientIp === "true" ? "client" : "own",
        };
      });
  });
  return { ports, frontEnds };
}

const zoneOf = (subnets: readonly Subnet[], network: string, address: Ipv4) =>
  subnets.find((subnet) => subnet.network === network && contains(subnet.block, address))?.zone;

/** The recorder gives every resource the ARN `arn:` and its id; a reader of a real state would find ARNs as well. */
function byArn(
  resources: Resources,
  from: StackResource,
  field: string,
  type: string,
  arn: string,
): StackResource | undefined {
  return resources.referred(from, field, type, arn.replace(/^arn:/, ""));
}

function portsOf(
  resources: Resources,
  { resource, inputs }: Read<z.infer<typeof Balancer>>,
  subnets: readonly Subnet[],
  filterOf: (from: StackResource, groups: readonly string[]) => string,
): Port[] {
  const filter = filterOf(resource, inputs.securityGroups);
  return inputs.subnetMappings.flatMap(({ subnetId, privateIpv4Address }): Port[] => {
    const found = resources.referred(resource, "subnetMappings.subnetId", subnetType, subnetId);
    const subnet = found && subnets.find((each) => keyOf(each.resource) === keyOf(found));
    if (!subnet) return [];
    if (!contains(subnet.block, privateIpv4Address)) {
      resources.flaw(
        resource,
        `its address ${privateIpv4Address} lies outside of subnet ${subnet.resource.name} (${subnet.block})`,
      );
    }
    return [
      {
        id: `${keyOf(resource)}#${subnet.zone}`,
        label: `${resource.name} (${subnet.zone})`,
        origin: originOf(resource),
        site: resource.site ?? resource.stack,
        kind: "load-balancer",
        network: subnet.network,
        router: keyOf(subnet.resource),
        address: privateIpv4Address,
        forwards: false,
        filters: [filter],
        public: false,
        zone: subnet.zone,
      },
    ];
  });
}

function readTargets(
  resources: Resources,
  groups: ReadonlyMap<string, Read<z.infer<typeof Group>>>,
): Map<string, Target[]> {
  const targetsOf = new Map<string, Target[]>();
  for (const { resource, inputs } of resources.ofType(
    "aws:lb/targetGroupAttachment:TargetGroupAttachment",
    Attachment,
  )) {
    const found = byArn(resources, resource, "targetGroupArn", groupType, inputs.targetGroupArn);
    if (!found || !groups.has(keyOf(found))) continue;
    const targets = targetsOf.get(keyOf(found)) ?? [];
    if (targets.some(({ address, number }) => address === inputs.targetId && number === inputs.port))
      resources.flaw(resource, `${found.name} has the target ${inputs.targetId}:${inputs.port} already`);
    targets.push({ origin: originOf(resource), address: inputs.targetId, number: inputs.port });
    targetsOf.set(keyOf(found), targets);
  }
  return targetsOf;
}
