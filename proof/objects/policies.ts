import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { policyDnsRules } from "./policy-dns.ts";
import { policyEffectRules } from "./policy-effect.ts";
import { policyFeatureRules } from "./policy-features.ts";
import { policyHttpRules } from "./policy-http.ts";
import { policyKafkaRules } from "./policy-kafka.ts";
import { networkPolicyRules } from "./policy-kubernetes.ts";
import { policyNameRules } from "./policy-names.ts";
import { policyNamespaceRules } from "./policy-namespaces.ts";
import { policyOpeningRules } from "./policy-openings.ts";
import { policyPeerRules } from "./policy-peers.ts";
import { policyPortRules } from "./policy-ports.ts";
import { policyReferenceRules } from "./policy-references.ts";
import { policySchemaRules } from "./policy-schema.ts";
import { policySelectorRules } from "./policy-selectors.ts";
import { policySideRules } from "./policy-sides.ts";
import { at } from "./policy-view.ts";

/** What Flux, kustomize, Helm or a reader of a document fills in later: it can be anything yet. */
const placeholder = /\$\{|\$\(|\{\{|<[A-Za-z][\w .-]*>/;

function filledInLater({ objects }: ObjectsSubject, { path }: Violation): boolean {
  const [index, ...rest] = path;
  const value = at(typeof index === "number" ? objects[index] : undefined, rest);
  return typeof value === "string" && placeholder.test(value);
}

function withoutPlaceholders(rule: Rule<ObjectsSubject>): Rule<ObjectsSubject> {
  return { ...rule, check: (subject) => rule.check(subject).filter((found) => !filledInLater(subject, found)) };
}

/** Everything that is judged in CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and NetworkPolicy objects. */
export const policyRules: readonly Rule<ObjectsSubject>[] = [
  ...policySchemaRules,
  ...policyEffectRules,
  ...policyNamespaceRules,
  ...policySelectorRules,
  ...policyPeerRules,
  ...policyOpeningRules,
  ...policyPortRules,
  ...policyKafkaRules,
  ...policyHttpRules,
  ...policyNameRules,
  ...policyDnsRules,
  ...policySideRules,
  ...policyFeatureRules,
  ...policyReferenceRules,
  ...networkPolicyRules,
].map(withoutPlaceholders);
