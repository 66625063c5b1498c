import { allowEach } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { portList } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * Pods that may call hosts outside by name. Ports stand in the entry that names the hosts: an entry of its own would open them to
 * everyone. The lookups are the baseline's DNS rule, which shows Cilium the addresses.
 */
export function egressByName({ policies }: PolicySite): PolicyObject[] {
  return allowEach("egress", policies.egress, (items) => ({
    egress: items.map(({ hosts, ports }) => ({
      toFQDNs: hosts.map((name) => (name.includes("*") ? { matchPattern: name } : { matchName: name })),
      toPorts: [{ ports: portList(ports) }],
    })),
  }));
}
