import { list, record } from "../../components/config/untyped.ts";
import { apiKeys } from "../objects/policy-kafka.ts";
import type { Refusals } from "./refusals.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The L7 rules that left with 1.20, which prunes them. */
export interface OldRules {
  readonly kafka: readonly unknown[];
  /** Rules of a protocol of `l7proto`. */
  readonly generic: readonly unknown[];
  readonly protocol?: string;
}

/** The rules of one `toPorts` item, as far as this minor (18, 19 or 20) has them. */
export function oldRulesOf(rules: Fields, minor: number): OldRules {
  if (minor >= 20) return { kafka: [], generic: [] };
  const { kafka, l7, l7proto } = rules;
  return {
    kafka: list(kafka),
    generic: list(l7),
    ...(typeof l7proto === "string" && l7proto !== "" ? { protocol: l7proto } : {}),
  };
}

/** What 1.18 and 1.19 refuse in them (cilium/proxy `pkg/policy/api/kafka`, `pkg/policy/api/l7.go`). */
export function checkOldRules({ kafka, generic, protocol }: OldRules, path: string, refusals: Refusals): void {
  if (generic.length > 0 && protocol === undefined) {
    refusals.add(`${path}.l7`, "the rules name no protocol", "Write l7proto beside them.");
  }
  if (generic.some((rule) => Object.hasOwn(record(rule), ""))) {
    refusals.add(`${path}.l7`, "a rule has an empty key", "Write a key, or delete the line.");
  }
  for (const [index, rule] of kafka.entries()) checkKafka(record(rule), `${path}.kafka[${index}]`, refusals);
}

function checkKafka({ role, apiKey, apiVersion, topic }: Fields, path: string, refusals: Refusals): void {
  const filled = (value: unknown): value is string => typeof value === "string" && value !== "";
  if (filled(role) && filled(apiKey)) refusals.add(path, "role and apiKey stand in one rule", "Write one of the two.");
  if (filled(apiKey) && !apiKeys.includes(apiKey.toLowerCase())) {
    refusals.add(`${path}.apiKey`, `Kafka has no API key "${apiKey}"`, "Write role: produce or consume.");
  }
  if (filled(apiVersion) && !(/^\+?\d+$/.test(apiVersion) && Number(apiVersion) <= 32_767)) {
    refusals.add(`${path}.apiVersion`, `"${apiVersion}" is no version`, "Write a number in quotes.");
  }
  if (filled(topic) && !/^[a-zA-Z0-9\\._-]+$/.test(topic)) {
    refusals.add(`${path}.topic`, `"${topic}" is no topic`, "Write one rule for each topic; patterns are not read.");
  }
}
