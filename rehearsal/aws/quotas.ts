/** Limits of one account in one region; all but the last two can be raised by request. */
const defaults = {
  /** docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, as are the next six. */
  vpcs: 5,
  subnetsPerVpc: 200,
  routeTablesPerVpc: 200,
  /** 500 by default since 2025, 50 before (docs.aws.amazon.com/vpc/latest/userguide, quotas: routes per route table). */
  routesPerTable: 500,
  securityGroups: 2500,
  /** For each of ingress and egress. */
  rulesPerGroup: 60,
  groupsPerInterface: 5,
  /** docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html */
  elasticIps: 5,
  /** docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html */
  transitGateways: 5,
  /** docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html */
  vpnConnections: 50,
  customerGateways: 50,
  /** docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html */
  networkLoadBalancers: 50,
  targetsPerZone: 500,
};

export type Quotas = Readonly<typeof defaults>;

/**
 * The quotas of the rehearsed account. `GYEONGBU_AWS_QUOTAS`, e.g. `elasticIps=10,vpcs=20`, stands for raised ones.
 *
 * @throws Error for a quota that does not exist or is no whole number.
 */
export function quotas(environment: NodeJS.ProcessEnv): Quotas {
  const raised = (environment.GYEONGBU_AWS_QUOTAS ?? "").split(",").filter((entry) => entry !== "");
  const entries = raised.map((entry) => {
    const [name = "", value = ""] = entry.split("=");
    if (!(name in defaults) || !/^\d+$/.test(value)) {
      throw new Error(
        `GYEONGBU_AWS_QUOTAS: "${entry}" is no quota; write <name>=<number> with one of ${Object.keys(defaults).join(", ")}`,
      );
    }
    return [name, Number(value)];
  });
  return { ...defaults, ...Object.fromEntries(entries) };
}
