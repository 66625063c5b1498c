import { mergeValues } from "../../components/cilium/helm-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { Rule, SiteSubject, ValuesSubject, Violation } from "../rule.ts";
import { valuesRules } from "../values/rules.ts";
import { withoutOverrides } from "./overrides.ts";
import { hasValues } from "./versions.ts";

/** What GB-415, GB-416 and GB-310 say of a stack file, and how a release waits, which is ours to decide (`components/cilium/release.ts`). */
const saidElsewhere = ["GB-1101", "GB-1102", "GB-1103", "GB-1104", "GB-1168", "GB-1170"];

/** The rules on Helm values that are asked of a site. */
export const siteValuesRules = valuesRules.filter(({ code }) => !saidElsewhere.includes(code));

/** What the release adds from the stack's secrets, as far as a rule may look at it: that it is there. */
const fromSecrets = {
  tls: { ca: { cert: btoa("-----BEGIN CERTIFICATE-----"), key: btoa("-----BEGIN PRIVATE KEY-----") } },
};

/**
 * The rules on Helm values, asked of what our program would pass. What the file's own `cilium.values` cause stands at their path, the rest at
 * `cilium`. A release that is taken over stays as it is, so nothing is asked of it.
 */
export function valuesViolations({ site, peers }: SiteSubject): [Rule<ValuesSubject>, Violation][] {
  const adopted = site.platform === "existing" && site.adopt !== undefined;
  if (adopted || !hasValues(site)) return [];
  const sites = peers.map((peer) => peer.site);
  const given = asked(valuesOf(site, sites));
  if (given.length === 0) return [];
  const ours = new Set(asked(valuesOf(withoutOverrides(site), sites)).map(([, { message }]) => message));
  return given.map(([rule, violation]) => {
    const path = ours.has(violation.message) ? ["cilium"] : ["cilium", "values", ...violation.path];
    return [rule, { ...violation, path }];
  });
}

function asked(subject: ValuesSubject): [Rule<ValuesSubject>, Violation][] {
  return siteValuesRules.flatMap((rule) =>
    rule.check(subject).map((violation): [Rule<ValuesSubject>, Violation] => [rule, violation]),
  );
}

function valuesOf(site: SiteSpec, peers: readonly SiteSpec[]): ValuesSubject {
  return { cilium: site.cilium.version, values: mergeValues(ciliumValues(site, peers), fromSecrets) };
}
