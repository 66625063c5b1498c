import type * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec, SiteSpec } from "../config/schema.ts";
import { AzureFirewall } from "../network/azure-firewall.ts";
import { AzureLoadBalancers } from "../network/azure-load-balancers.ts";
import { AzureNetwork } from "../network/azure-network.ts";
import { AzureNodes } from "./azure-nodes.ts";
import type { Ground } from "./node.ts";
import type { UserData } from "./pool.ts";

/** Everything of a site that is Microsoft's. */
export function createAzureGround(
  site: AzureSiteSpec,
  peers: readonly SiteSpec[],
  userData: UserData,
  sshPublicKey: pulumi.Output<string>,
): Ground {
  const { name } = site;
  const network = new AzureNetwork(name, { site });
  const firewall = new AzureFirewall(name, { site, peers, network });
  const loadBalancers = new AzureLoadBalancers(name, { site, network });
  const nodes = new AzureNodes(name, { site, network, firewall, loadBalancers, userData, sshPublicKey });
  return {
    nodes: nodes.nodes,
    endpoints: [loadBalancers],
    bastion: nodes.bastion,
    interconnect: network.link,
  };
}
