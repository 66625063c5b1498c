import type { CrossClusterRule } from "../../config/policies.ts";
import { allow, subjectName } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { pods, portList } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * Conversations between members. The other end carries its cluster's label: without one a selector means this cluster only, or every
 * cluster, as `policyDefaultLocalCluster` has it.
 */
export function crossCluster({ cluster, policies }: PolicySite): PolicyObject[] {
  const side = (own: "from" | "to") => {
    const far = own === "from" ? "to" : "from";
    const [direction, field] =
      own === "from" ? (["egress", "toEndpoints"] as const) : (["ingress", "fromEndpoints"] as const);
    const entry = (rule: CrossClusterRule) => ({
      [field]: [pods(rule[far], rule[far].cluster)],
      toPorts: [{ ports: portList(rule.ports) }],
    });
    const rules = policies.crossCluster.filter((rule) => rule[own].cluster === cluster);
    return [...Map.groupBy(rules, (rule) => subjectName(rule[own]))].flatMap(([name, alike]) => {
      const [first] = alike;
      const spec = first && { endpointSelector: pods(first[own]), [direction]: alike.map(entry) };
      return spec ? [allow(`cross-cluster-${direction}.${name}`, spec)] : [];
    });
  };
  return [...side("from"), ...side("to")];
}
