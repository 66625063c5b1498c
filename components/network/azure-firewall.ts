import { NetworkSecurityGroup } from "@pulumi/azure-native/network/networkSecurityGroup.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec, SiteSpec } from "../config/schema.ts";
import type { AzureNetwork } from "./azure-network.ts";
import { azureRules } from "./azure-rules.ts";
import { firewallRules } from "./firewall.ts";
import type { FirewallGroup } from "./ports.ts";

export interface AzureFirewallArgs {
  site: AzureSiteSpec;
  /** The other members of the mesh; their addresses are remotes. */
  peers: readonly SiteSpec[];
  network: AzureNetwork;
}

/**
 * One network security group per machine role, for the network interfaces: both roles share the node subnet.
 *
 * The rules are a list inside the group, and nothing else writes rules: Azure changes a group's rules one request at a time, so rules as
 * resources of their own would queue for minutes and leave the group half open meanwhile. A list is one request, and atomic.
 */
export class AzureFirewall extends pulumi.ComponentResource {
  readonly #groupIds: ReadonlyMap<FirewallGroup, pulumi.Output<string>>;

  constructor(name: string, { site, peers, network }: AzureFirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AzureFirewall", name, {}, opts);
    const rules = firewallRules(site, peers);
    const groups = [...new Set(rules.map(({ group }) => group))];
    this.#groupIds = new Map(
      groups.map((group) => {
        const created = new NetworkSecurityGroup(
          `${name}-${group}`,
          {
            resourceGroupName: network.resourceGroupName,
            location: site.location,
            securityRules: azureRules(rules, group),
            tags: { "gyeongbu:site": site.name },
          },
          { parent: this },
        );
        return [group, created.id];
      }),
    );
    this.registerOutputs({});
  }

  /** The id of a group's network security group. */
  groupId(group: FirewallGroup): pulumi.Output<string> {
    const id = this.#groupIds.get(group);
    if (!id) throw new RangeError(`no rule of the port table concerns ${group} at this site.`);
    return id;
  }
}
