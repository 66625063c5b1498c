import type { SiteSpec } from "../config/schema.ts";
import type { HelmValues } from "./helm-values.ts";

/** What network policies of ours need; empty without them. */
export function policyValues({ policies }: SiteSpec): HelmValues {
  if (!policies) return {};
  return {
    // Lookups of every pod pass the agent; while it restarts they go past it, which it allows itself for pattern `*` alone.
    dnsPolicyUnloadOnShutdown: true,
    // Without it Cilium refuses every policy that switches default deny on for nobody: the baseline, and all of an audit.
    enableNonDefaultDenyPolicies: true,
    ...(policies.hostFirewall ? { hostFirewall: { enabled: true } } : {}),
  };
}
