import { type Problem, type Properties, Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import {
  cidrProblem,
  conflicts,
  exactlyOne,
  flag,
  given,
  knownText,
  networkProblem,
  number,
  objects,
  text,
  texts,
} from "./fields.ts";
import { groupVpc, mustVpc, vpcIdOf } from "./references.ts";
import type { Definition, Scene, View } from "./resource.ts";
import { types } from "./types.ts";

export type Direction = "ingress" | "egress";

/** One rule as AWS keeps it: one peer, one range of ports. */
export interface Rule {
  /** `tcp`, `udp`, `icmp`, `icmpv6`, another number, or `-1` for all. */
  readonly protocol: string;
  /** -1 for all. */
  readonly from: number;
  readonly to: number;
  /** A CIDR, a prefix list's id, or a group's id. */
  readonly peer: string;
}

const peers = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
const ruleTypes = { ingress: types.ingressRule, egress: types.egressRule } as const;
const protocolNumbers: Readonly<Record<string, string>> = {
  "1": "icmp",
  "6": "tcp",
  "17": "udp",
  "58": "icmpv6",
  all: "-1",
};

function protocolOf(written: string): string {
  return protocolNumbers[written.toLowerCase()] ?? written.toLowerCase();
}

function ruleOf(properties: JsonObject): Rule {
  const protocol = protocolOf(text(properties, "ipProtocol") ?? "");
  const everything = protocol === "-1";
  return {
    protocol,
    from: everything ? -1 : (number(properties, "fromPort") ?? -1),
    to: everything ? -1 : (number(properties, "toPort") ?? -1),
    peer: peers.map((key) => text(properties, key)).find((value) => value !== undefined) ?? "",
  };
}

/** The rules that a group's own `ingress` or `egress` list stands for. */
function inlineRules(group: WorldObject, direction: Direction): Rule[] {
  return objects(group.properties, direction).flatMap((block) => {
    const protocol = protocolOf(text(block, "protocol") ?? "");
    const [from, to] = protocol === "-1" ? [-1, -1] : [number(block, "fromPort") ?? -1, number(block, "toPort") ?? -1];
    const lists = ["cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups"].flatMap((key) =>
      texts(block, key),
    );
    return [...lists, ...(flag(block, "self", false) ? [group.id] : [])].map((peer) => ({ protocol, from, to, peer }));
  });
}

/** All rules of a group, inline and standalone, and what an untouched default group has. */
export function rulesOf(view: View, groupId: string, direction: Direction): Rule[] {
  const group = view.get(types.securityGroup, groupId) ?? view.get(types.defaultSecurityGroup, groupId);
  const standalone = view
    .users(groupId, [[ruleTypes[direction], "securityGroupId"]])
    .map(({ properties }) => ruleOf(properties));
  if (group !== undefined) return [...inlineRules(group, direction), ...standalone];
  const all = { protocol: "-1", from: -1, to: -1 };
  return [{ ...all, peer: direction === "ingress" ? groupId : "0.0.0.0/0" }, ...standalone];
}

function same(a: Rule, b: Rule): boolean {
  return a.protocol === b.protocol && a.from === b.from && a.to === b.to && a.peer === b.peer;
}

/** Refuses ports that do not fit the protocol. */
function checkPorts({ protocol, from, to }: Rule): void {
  if (!/^(-1|tcp|udp|icmp|icmpv6|\d{1,3})$/.test(protocol) || Number(protocol) > 255) {
    throw new Refusal("InvalidParameterValue", `Invalid value '${protocol}' for IP protocol. Unknown protocol.`);
  }
  if (protocol !== "tcp" && protocol !== "udp") return;
  if (from < 0 || to < 0) {
    throw new Refusal(
      "InvalidParameterValue",
      "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
    );
  }
  if (from > to) throw new Refusal("InvalidParameterValue", `Invalid TCP/UDP port range (${from}:${to})`);
}

function checkPeer(scene: Scene, peer: string, vpcId: string): void {
  if (!peer.startsWith("sg-")) return;
  const other = groupVpc(scene, peer);
  if (other === undefined) throw new Refusal("InvalidGroup.NotFound", `The security group '${peer}' does not exist`);
  if (other !== vpcId) {
    throw new Refusal(
      "InvalidGroup.NotFound",
      `You have specified two resources that belong to different networks: ${peer} is in ${other}.`,
    );
  }
}

function checkList(scene: Scene, vpcId: string, rules: readonly Rule[]): void {
  for (const [position, rule] of rules.entries()) {
    checkPorts(rule);
    checkPeer(scene, rule.peer, vpcId);
    if (rules.slice(0, position).some((other) => same(other, rule))) throw duplicate(rule);
  }
  if (rules.length > scene.quotas.rulesPerGroup) {
    throw new Refusal(
      "RulesPerSecurityGroupLimitExceeded",
      "The maximum number of rules per security group has been reached.",
    );
  }
}

function duplicate({ protocol, from, to, peer }: Rule): Refusal {
  const name = protocol === "-1" ? "ALL" : protocol.toUpperCase();
  return new Refusal(
    "InvalidPermission.Duplicate",
    `the specified rule "peer: ${peer}, ${name}, from port: ${from}, to port: ${to}, ALLOW" already exists`,
  );
}

/** Seconds: CreateSecurityGroup and the removal of its default egress rule, 2-3 in the provider's logs. */
const securityGroup: Definition = {
  type: types.securityGroup,
  prefix: "sg",
  seconds: { create: 3, update: 1, delete: 1 },
  check: (inputs) => [
    ...conflicts(inputs, "name", ["namePrefix"]),
    ...(knownText(inputs, "name")?.toLowerCase() === "default"
      ? [{ property: "name", reason: '"default" is a reserved name of security groups' }]
      : []),
    ...inlineProblems(inputs),
  ],
  make(inputs, scene, self) {
    const vpcId = text(inputs, "vpcId");
    if (vpcId === undefined) {
      throw new Refusal("VPCIdNotSpecified", "No default VPC for this user");
    }
    mustVpc(scene, vpcId);
    const name = scene.autoName(inputs, self);
    const siblings = scene.find(types.securityGroup).filter(({ id }) => id !== self.id);
    if (siblings.some((group) => vpcIdOf(group) === vpcId && text(group.properties, "name") === name)) {
      throw new Refusal("InvalidGroup.Duplicate", `The security group '${name}' already exists for VPC '${vpcId}'`);
    }
    if (self.old === undefined && siblings.length >= scene.quotas.securityGroups) {
      throw new Refusal("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.");
    }
    checkInline(inputs, scene, self.id, vpcId);
    return {
      outputs: {
        arn: scene.arn("ec2", `security-group/${self.id}`),
        name,
        namePrefix: "",
        description: "Managed by Pulumi",
      },
    };
  },
  remove({ id }, scene) {
    const rules = [types.ingressRule, types.egressRule].map((type) => [type, "referencedSecurityGroupId"] as const);
    const members = scene.users(id, [
      [types.networkInterface, "securityGroups"],
      [types.instance, "vpcSecurityGroupIds"],
      [types.vpcEndpoint, "securityGroupIds"],
      [types.loadBalancer, "securityGroups"],
    ]);
    const references = scene.users(id, rules).filter(({ properties }) => text(properties, "securityGroupId") !== id);
    if (members.length + references.length > 0) {
      const by = [...members, ...references].slice(0, 3).map((user) => user.id);
      throw new Refusal("DependencyViolation", `resource ${id} has a dependent object (${by.join(", ")})`);
    }
  },
};

function checkInline(inputs: JsonObject, scene: Scene, id: string, vpcId: string): void {
  for (const direction of ["ingress", "egress"] as const) {
    const given = objects(inputs, direction);
    if (given.length === 0) continue;
    const group = { provider: "aws", type: types.securityGroup, id, urn: "", place: scene.region, properties: inputs };
    const rules = inlineRules(group, direction).filter(({ peer }) => peer !== id);
    checkList(scene, vpcId, rules);
    if (scene.users(id, [[ruleTypes[direction], "securityGroupId"]]).length > 0) throw mixed(id, direction);
  }
}

/** AWS would take both; the provider then revokes the one through the other, up after up. */
function mixed(groupId: string, direction: Direction): Refusal {
  return new Refusal(
    "ConflictingRuleOwners",
    `${groupId} has inline ${direction} rules, and standalone ones as well: each would revoke the other's at the next update. Write all its rules as aws.vpc.SecurityGroup${direction === "ingress" ? "Ingress" : "Egress"}Rule.`,
  );
}

function inlineProblems(inputs: Properties): Problem[] {
  return ["ingress", "egress"].flatMap((direction) => {
    const blocks = inputs[direction];
    if (!Array.isArray(blocks)) return [];
    return blocks.flatMap((block, position) => {
      if (typeof block !== "object" || block === null) return [];
      const cidrs = (block as Properties).cidrBlocks;
      if (!Array.isArray(cidrs)) return [];
      return cidrs.flatMap((cidr, place) =>
        typeof cidr === "string" ? cidrProblem(`${direction}[${position}].cidrBlocks[${place}]`, cidr) : [],
      );
    });
  });
}

const defaultSecurityGroup: Definition = {
  type: types.defaultSecurityGroup,
  prefix: "sg",
  seconds: { create: 2, update: 1, delete: 1 },
  check: inlineProblems,
  make(inputs, scene) {
    const vpc = mustVpc(scene, text(inputs, "vpcId"));
    const id = text(vpc.properties, "defaultSecurityGroupId") ?? "";
    checkInline(inputs, scene, id, vpc.id);
    return {
      id,
      outputs: {
        arn: scene.arn("ec2", `security-group/${id}`),
        name: "default",
        description: "default VPC security group",
        namePrefix: "",
      },
    };
  },
};

/** Seconds: AuthorizeSecurityGroupIngress/Egress answer at once; the provider finds the rule on its first poll. */
function ruleDefinition(direction: Direction): Definition {
  return {
    type: ruleTypes[direction],
    prefix: "sgr",
    seconds: { create: 1, update: 1, delete: 1 },
    check: (inputs) => [
      ...exactlyOne(inputs, peers),
      ...networkProblem(inputs, "cidrIpv4"),
      ...portProblems(inputs),
      ...descriptionProblems(inputs),
    ],
    make(inputs, scene, self) {
      const groupId = text(inputs, "securityGroupId") ?? "";
      const vpcId = groupVpc(scene, groupId);
      if (vpcId === undefined) {
        throw new Refusal("InvalidGroup.NotFound", `The security group '${groupId}' does not exist`);
      }
      const group = scene.get(types.securityGroup, groupId) ?? scene.get(types.defaultSecurityGroup, groupId);
      if (group !== undefined && objects(group.properties, direction).length > 0) throw mixed(groupId, direction);
      const others = scene.users(
        groupId,
        [[ruleTypes[direction], "securityGroupId"]],
        self.old === undefined ? "" : self.id,
      );
      const rule = ruleOf(inputs);
      checkPorts(rule);
      checkPeer(scene, rule.peer, vpcId);
      if (others.some(({ properties }) => same(ruleOf(properties), rule))) throw duplicate(rule);
      if (others.length >= scene.quotas.rulesPerGroup) {
        throw new Refusal(
          "RulesPerSecurityGroupLimitExceeded",
          "The maximum number of rules per security group has been reached.",
        );
      }
      const arn = scene.arn("ec2", `security-group-rule/${self.id}`);
      return { outputs: { arn, securityGroupRuleId: self.id } };
    },
  };
}

function portProblems(inputs: Properties): Problem[] {
  const protocol = knownText(inputs, "ipProtocol");
  if (protocol === undefined) return [];
  const ports = ["fromPort", "toPort"];
  const name = protocolOf(protocol);
  if (name === "-1") {
    const wrong = ports.filter((key) => given(inputs, key) && inputs[key] !== -1);
    return wrong.map((property) => ({
      property,
      reason:
        "You may not specify all protocols and specific ports. Please specify each protocol and port range combination individually, or all protocols and no port range.",
    }));
  }
  if (name === "icmpv6") return [];
  const missing = ports.filter((key) => !given(inputs, key));
  return missing.map((property) => ({ property, reason: `is required with ipProtocol ${protocol}` }));
}

function descriptionProblems(inputs: Properties): Problem[] {
  const description = knownText(inputs, "description");
  // AuthorizeSecurityGroupIngress: up to 255 of these characters.
  if (description === undefined || /^[a-zA-Z0-9 ._:/()#,@[\]+=&;{}!$*-]{0,255}$/.test(description)) return [];
  return [
    {
      property: "description",
      reason: `"${description}" holds a character that AWS refuses; use a-zA-Z0-9 ._-:/()#,@[]+=&;{}!$*`,
    },
  ];
}

/** Security groups and their rules. */
export const securityDefinitions: readonly Definition[] = [
  securityGroup,
  defaultSecurityGroup,
  ruleDefinition("ingress"),
  ruleDefinition("egress"),
];
