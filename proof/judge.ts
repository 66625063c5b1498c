import type { Finding } from "../components/config/finding.ts";
import type { StackFile } from "../components/config/parse.ts";
import type { Rule, SiteFile, StackSet, Violation } from "./rule.ts";
import { addressRules, missized } from "./rules/addresses.ts";
import { siteValuesRules, valuesViolations } from "./rules/chart-values.ts";
import { entryRules, interconnectRules } from "./rules/links.ts";
import { machineRules } from "./rules/machines.ts";
import { meshRules } from "./rules/mesh.ts";
import { nodeRules } from "./rules/nodes.ts";
import { onPremRules } from "./rules/on-prem.ts";
import { overrideRules } from "./rules/overrides.ts";
import { policiesRules } from "./rules/policies.ts";
import { entryPromiseRules, promiseRules } from "./rules/promises.ts";
import { serviceMeshRules } from "./rules/service-mesh.ts";
import { singleAddressRules } from "./rules/single-addresses.ts";
import { versionRules } from "./rules/versions.ts";

const siteRules = [
  ...addressRules,
  ...singleAddressRules,
  ...meshRules,
  ...overrideRules,
  ...nodeRules,
  ...machineRules,
  ...onPremRules,
  ...versionRules,
  ...promiseRules,
  ...policiesRules,
  ...serviceMeshRules,
];
const allEntryRules = [...entryRules, ...entryPromiseRules];

/** Every rule, whatever it judges. */
export const rules: readonly Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">[] = [
  ...siteRules,
  ...interconnectRules,
  ...allEntryRules,
];

/** Every rule that `judge` asks, those on Helm values too. */
export const askedRules: readonly Pick<Rule<never>, "code" | "severity">[] = [...rules, ...siteValuesRules];

/** Everything that is wrong with a stack, given the files of the stacks it names. Pure. */
export function judge({ own, others }: StackSet, backendUrl: string | undefined): Finding[] {
  const sites = others.flatMap((other) => siteFile(other) ?? []);
  switch (own.kind) {
    case "site": {
      const planned = [own.spec, ...sites.map(({ site }) => site)].every((site) => missized(site).length === 0);
      const applicable = planned ? siteRules : siteRules.filter(({ needsPlan }) => !needsPlan);
      const subject = { file: own.file, stack: own.stack, site: own.spec, config: own.config, peers: sites };
      // A peer whose file cannot be read is missing in the values as well, which is no second mistake.
      const met = (own.spec.mesh?.peers ?? []).every((name) => sites.some((peer) => peer.stack === name));
      const values = planned && met ? valuesViolations(subject) : [];
      return [...run(applicable, subject, own), ...values.map(([rule, violation]) => finding(rule, violation, own))];
    }
    case "interconnect":
      return run(interconnectRules, { file: own.file, interconnect: own.spec, config: own.config, sites }, own);
    case "entry": {
      const { file, spec, config, secretsProvider } = own;
      return run(allEntryRules, { file, entry: spec, config, secretsProvider, backendUrl, sites }, own);
    }
  }
}

function siteFile(stack: StackFile): SiteFile | undefined {
  return stack.kind === "site"
    ? { file: stack.file, stack: stack.stack, site: stack.spec, config: stack.config }
    : undefined;
}

function run<Subject>(rules: readonly Rule<Subject>[], subject: Subject, own: StackFile): Finding[] {
  return rules.flatMap((rule) => rule.check(subject).map((violation) => finding(rule, violation, own)));
}

function finding(
  { code, severity }: Pick<Rule<never>, "code" | "severity">,
  { path, message, fix }: Violation,
  own: StackFile,
): Finding {
  const full = [`gyeongbu:${own.kind}`, ...path];
  const line = own.lineOf(full);
  return {
    code,
    severity,
    file: own.file,
    path: full.map(String).join("."),
    ...(line === undefined ? {} : { line }),
    message,
    fix,
  };
}
