import type { FirewallRule } from "./firewall.ts";

/** What a security group rule says, in EC2's terms. */
export interface AwsRule {
  readonly ipProtocol: string;
  /** First port, or ICMP type. */
  readonly fromPort?: number;
  /** Last port, or ICMP code; -1 is every code. */
  readonly toPort?: number;
  readonly cidrIpv4: string;
  readonly description: string;
}

/** IANA's number where EC2 has no name for the protocol (docs.aws.amazon.com/AWSEC2/latest/APIReference API_IpPermission). */
const ipProtocols = { tcp: "tcp", udp: "udp", icmp: "icmp", esp: "50", any: "-1" } as const;

/** What stands for "all" where a row names no ports: the provider wants both numbers with every protocol but `-1`, and ESP has none. */
const allPorts = { tcp: [0, 65_535], udp: [0, 65_535], icmp: [-1, -1], esp: [0, 0], any: undefined } as const;

export function awsRuleArgs({ row, protocol, range, remote }: FirewallRule): AwsRule {
  const ports = range ?? allPorts[protocol];
  return {
    ipProtocol: ipProtocols[protocol],
    ...(ports ? { fromPort: ports[0], toPort: ports[1] } : {}),
    cidrIpv4: remote,
    description: row,
  };
}

/** A rule's name within its site. By its remote, not by its position: a new peer or node renames no rule that stays. */
export function ruleKey({ group, direction, row, remote }: FirewallRule): string {
  return `${group}-${direction}-${row}-${remote.replace("/", "-")}`;
}
