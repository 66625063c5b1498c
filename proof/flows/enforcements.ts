import { policyObjects } from "../../components/cilium/policies/bundles.ts";
import type { Phase, PoliciesSpec } from "../../components/config/policies.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { blockRange } from "../objects/address-range.ts";
import { loadPolicies } from "../reachability/load.ts";
import type { KubernetesObject } from "../rule.ts";
import { engineOptions } from "../segmentation/engine-options.ts";
import type { Enforcement } from "./judge.ts";
import type { OwnRange } from "./missing-rules.ts";

/**
 * A site's policies as they will be once namespaces are enforced: those that are given, or else all of them. Namespaces of Kubernetes and
 * Cilium themselves stay as the stack file has them unless they are given.
 *
 * @param peers    The other members of its mesh.
 * @param further  Policies beside its own.
 */
export function siteEnforcement(
  site: SiteSpec,
  peers: readonly SiteSpec[],
  namespaces: readonly string[],
  further: readonly KubernetesObject[],
): Enforcement {
  const { policies, ...rest } = site;
  const own = policies ? policyObjects({ ...rest, policies: enforcing(policies, namespaces) }, peers) : [];
  const options = engineOptions(site, peers);
  return { options, loaded: loadPolicies([...own.map((object) => ({ ...object })), ...further], options) };
}

function enforcing(policies: PoliciesSpec, namespaces: readonly string[]): PoliciesSpec {
  const turned = namespaces.length > 0 ? namespaces : Object.keys(policies.namespaces);
  const enforced = Object.fromEntries(turned.map((name): [string, Phase] => [name, "enforce"]));
  return {
    ...policies,
    phase: namespaces.length > 0 ? policies.phase : "enforce",
    namespaces: { ...policies.namespaces, ...enforced },
  };
}

/** Addresses of the pods of sites. */
export function ownRangesOf(sites: readonly SiteSpec[]): OwnRange[] {
  return sites.flatMap(({ name, network }) => {
    const range = blockRange(network.pods);
    return range === undefined ? [] : [{ name: `pods of ${name}`, range }];
  });
}
