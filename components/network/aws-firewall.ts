import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec, SiteSpec } from "../config/schema.ts";
import type { AwsNetwork } from "./aws-network.ts";
import { awsRuleArgs, ruleKey } from "./aws-rules.ts";
import { firewallRules } from "./firewall.ts";
import type { FirewallGroup } from "./ports.ts";

export interface AwsFirewallArgs {
  site: AwsSiteSpec;
  /** The other members of the mesh; their addresses are remotes. */
  peers: readonly SiteSpec[];
  network: AwsNetwork;
}

/** One security group per firewall group and one resource per rule: whatever is not in the port table stays shut. */
export class AwsFirewall extends pulumi.ComponentResource {
  readonly #groupIds: ReadonlyMap<FirewallGroup, pulumi.Output<string>>;

  constructor(name: string, { site, peers, network }: AwsFirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AwsFirewall", name, {}, opts);
    const own = { parent: this };
    const rules = firewallRules(site, peers);
    const groups = [...new Set(rules.map(({ group }) => group))];
    this.#groupIds = new Map(
      groups.map((group) => {
        const groupName = `${name}-${group}`;
        // Without a list of rules the provider also takes away the allow-all egress that a new group is born with.
        const created = new SecurityGroup(
          groupName,
          {
            vpcId: network.vpcId,
            // Part of the group's identity: changing it replaces the group.
            description: `${site.name} ${group}`,
            tags: { Name: groupName, "gyeongbu:site": site.name },
          },
          own,
        );
        return [group, created.id];
      }),
    );
    for (const rule of rules) {
      const args = { securityGroupId: this.groupId(rule.group), ...awsRuleArgs(rule) };
      const Rule = rule.direction === "ingress" ? SecurityGroupIngressRule : SecurityGroupEgressRule;
      new Rule(`${name}-${ruleKey(rule)}`, args, own);
    }
    this.registerOutputs({});
  }

  /** The id of a group's security group. */
  groupId(group: FirewallGroup): pulumi.Output<string> {
    const id = this.#groupIds.get(group);
    if (!id) throw new RangeError(`no rule of the port table concerns ${group} at this site.`);
    return id;
  }
}
