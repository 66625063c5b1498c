import { clusterwide } from "./allow.ts";
import { enforcedNamespaces, type PolicySite } from "./phases.ts";
import { namespaceLabel } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * Default deny in both directions for the namespaces that are enforced. An entry without peers and ports selects nobody and yet makes
 * its direction deny what nothing allows; an empty list would do nothing (cilium `examples/policies/l3/egress-default-deny`).
 */
export function defaultDeny({ policies }: Pick<PolicySite, "policies">): PolicyObject[] {
  const namespaces = enforcedNamespaces(policies);
  if (!namespaces) return [];
  return [
    clusterwide("default-deny", {
      endpointSelector: {
        matchExpressions: [
          // Cilium's own endpoints have no namespace, and `NotIn` alone would select them.
          ...(namespaces.operator === "NotIn" ? [{ key: namespaceLabel, operator: "Exists" }] : []),
          { key: namespaceLabel, ...namespaces },
        ],
      },
      ingress: [{}],
      egress: [{}],
    }),
  ];
}
