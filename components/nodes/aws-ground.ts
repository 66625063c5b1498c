import type { AwsSiteSpec, SiteSpec } from "../config/schema.ts";
import { AwsFirewall } from "../network/aws-firewall.ts";
import { AwsLoadBalancers } from "../network/aws-load-balancers.ts";
import { AwsNetwork } from "../network/aws-network.ts";
import { AwsNodes } from "./aws-nodes.ts";
import type { Ground } from "./node.ts";
import type { UserData } from "./pool.ts";

/** Everything of a site that is Amazon's. */
export function createAwsGround(site: AwsSiteSpec, peers: readonly SiteSpec[], userData: UserData): Ground {
  const { name } = site;
  const network = new AwsNetwork(name, { site });
  const firewall = new AwsFirewall(name, { site, peers, network });
  const nodes = new AwsNodes(name, { site, network, firewall, userData });
  const loadBalancers = new AwsLoadBalancers(name, { site, network, firewall });
  return {
    nodes: nodes.nodes,
    endpoints: [loadBalancers],
    bastion: nodes.bastion,
    interconnect: network.link,
  };
}
