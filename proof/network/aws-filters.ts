import { z } from "zod";
import { Cidr } from "../../components/network/cidr.ts";
import type { Protocol } from "../../components/network/ports.ts";
import { securityGroupType, vpcType } from "./aws-types.ts";
import { type Filter, type FilterRule, originOf, type StackResource } from "./model.ts";
import { keyOf, type Resources } from "./resources.ts";

const everywhere = Cidr.parse("0.0.0.0/0");

const empty = z.array(z.unknown()).max(0, "rules inside a group undo those that are resources of their own").optional();
const Group = z.object({ vpcId: z.string(), ingress: empty, egress: empty });
const Rule = z.strictObject({
  securityGroupId: z.string(),
  ipProtocol: z.string(),
  fromPort: z.int().optional(),
  toPort: z.int().optional(),
  cidrIpv4: Cidr,
  description: z.string().optional(),
  tags: z.unknown().optional(),
});

/** EC2's names, and IANA's numbers where a rule gives those (docs.aws.amazon.com/AWSEC2 API_IpPermission). */
const protocols: Readonly<Record<string, Protocol>> = {
  "-1": "any",
  all: "any",
  tcp: "tcp",
  "6": "tcp",
  udp: "udp",
  "17": "udp",
  icmp: "icmp",
  "1": "icmp",
  "50": "esp",
};

const directions = {
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
} as const;

/** The security groups of a plan; an interface with several lets through what any of them does. */
export function awsFilters(resources: Resources): {
  filterOf: (from: StackResource, groups: readonly string[]) => string;
  all: () => Filter[];
} {
  const groups = new Map(resources.ofType(securityGroupType, Group).map((group) => [keyOf(group.resource), group]));
  for (const { resource, inputs } of [
    ...groups.values(),
    ...resources.ofType("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", Group),
  ]) {
    resources.referred(resource, "vpcId", vpcType, inputs.vpcId);
  }
  const rulesOf = new Map<string, FilterRule[]>();
  for (const direction of ["ingress", "egress"] as const) {
    for (const { resource, inputs } of resources.ofType(directions[direction], Rule)) {
      const group = resources.referred(resource, "securityGroupId", securityGroupType, inputs.securityGroupId);
      const protocol = protocols[inputs.ipProtocol.toLowerCase()];
      if (protocol === undefined)
        resources.flaw(resource, `ipProtocol ${inputs.ipProtocol} is in no row of the port table`);
      if (!group || protocol === undefined) continue;
      const rule: FilterRule = {
        origin: originOf(resource),
        direction,
        action: "allow",
        priority: 0,
        protocol,
        ranges: rangesOf(resources, resource, protocol, inputs),
        sources: [direction === "ingress" ? inputs.cidrIpv4 : everywhere],
        destinations: [direction === "egress" ? inputs.cidrIpv4 : everywhere],
        implied: false,
      };
      const rules = rulesOf.get(keyOf(group));
      if (rules) rules.push(rule);
      else rulesOf.set(keyOf(group), [rule]);
    }
  }
  const filters = new Map<string, Filter>();
  const filterOf = (from: StackResource, ids: readonly string[]): string => {
    const found = ids.flatMap((id) => resources.referred(from, "securityGroups", securityGroupType, id) ?? []);
    const key = found.map(keyOf).toSorted().join(" + ");
    if (!filters.has(key)) {
      filters.set(key, {
        id: key,
        label: `security group ${found.map(({ name }) => name).join(" + ") || "(none)"}`,
        rules: found.flatMap((group) => rulesOf.get(keyOf(group)) ?? []),
      });
    }
    return key;
  };
  return { filterOf, all: () => [...filters.values()] };
}

function rangesOf(
  resources: Resources,
  resource: StackResource,
  protocol: Protocol,
  { fromPort, toPort }: z.infer<typeof Rule>,
): [number, number][] {
  if (protocol === "any" || protocol === "esp") return [];
  if (fromPort === undefined || toPort === undefined) {
    resources.flaw(resource, "fromPort and toPort are missing; EC2 wants both with this protocol");
    return [[1, 0]];
  }
  const [low, high] = protocol === "icmp" ? [-1, 255] : [0, 65_535];
  if (fromPort < low || toPort > high || toPort < low || (protocol !== "icmp" && fromPort > toPort)) {
    resources.flaw(resource, `fromPort ${fromPort} and toPort ${toPort} are no range`);
  }
  return [[fromPort, toPort]];
}
