import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { EngineOptions } from "../reachability/entry.ts";

/**
 * How the Cilium of a site decides, by its Helm values and the chart's defaults.
 *
 * @param peers  The other members of its mesh.
 * @throws RangeError for a Cilium minor that is not known.
 */
export function engineOptions(site: SiteSpec, peers: readonly SiteSpec[]): EngineOptions {
  const values = new EffectiveValues(site.cilium.version, ciliumValues(site, peers));
  const mode = values.text("policyEnforcementMode");
  return {
    cluster: values.text("cluster.name"),
    enablePolicy: mode === "always" || mode === "never" ? mode : "default",
    policyDefaultLocalCluster: values.on("clustermesh.policyDefaultLocalCluster"),
    hostFirewall: values.on("hostFirewall.enabled"),
    version: site.cilium.version,
  };
}
