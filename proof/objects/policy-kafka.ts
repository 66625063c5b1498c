import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { minorOf, portRulesIn, records, violation } from "./policy-view.ts";

const rejected = "so Cilium refuses the whole policy: nothing is enforced";

/** Kafka's API keys as Cilium spells them (cilium/proxy pkg/policy/api/kafka). */
export const apiKeys = (
  "produce fetch offsets metadata leaderandisr stopreplica updatemetadata controlledshutdown offsetcommit offsetfetch findcoordinator " +
  "joingroup heartbeat leavegroup syncgroup describegroups listgroups saslhandshake apiversions createtopics deletetopics deleterecords " +
  "initproducerid offsetforleaderepoch addpartitionstotxn addoffsetstotxn endtxn writetxnmarkers txnoffsetcommit describeacls createacls " +
  "deleteacls describeconfigs alterconfigs"
).split(" ");

export const policyKafkaRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1222",
    severity: "warning",
    title: "Kafka and generic L7 rules are not used any more.",
    korean: "Kafka 규칙과 l7/l7proto 규칙은 더 이상 쓰지 않습니다.",
    reason:
      "Deprecated in 1.19, removed with 1.20: after the upgrade the port is open to every request (Documentation/operations/upgrade.rst).",
    check: (subject) =>
      minorOf(subject) >= 20
        ? []
        : portRulesIn(subject).flatMap(({ path, rules }) =>
            ["kafka", "l7proto"]
              .filter((protocol) => rules[protocol] !== undefined)
              .map((protocol) =>
                violation(
                  [...path, "rules", protocol],
                  `\`${protocol}\` rules go with Cilium 1.20, and then open the port to every request.`,
                  "Allow the port (L4) and restrict topics with Kafka's own ACLs.",
                ),
              ),
          ),
  },
  {
    code: "GB-1223",
    severity: "error",
    title: "Kafka rules name a role or an API key, and topics by their full name.",
    korean: "Kafka 규칙은 role 또는 apiKey 하나와 정확한 topic 이름을 씁니다.",
    reason:
      "Role and key exclude each other, and neither keys nor topics are patterns (pkg/policy/api/kafka of cilium/proxy).",
    check: (subject) =>
      minorOf(subject) >= 20
        ? []
        : portRulesIn(subject).flatMap(({ path, rules }) =>
            records(rules.kafka, [...path, "rules", "kafka"]).flatMap(
              ({ path: place, body: { role, apiKey, topic } }) => {
                const found: Violation[] = [];
                if (typeof apiKey === "string" && !apiKeys.includes(apiKey.toLowerCase())) {
                  const fix =
                    apiKey === "consume"
                      ? "Write role: consume."
                      : "Write one rule for each key, or role: produce or consume.";
                  found.push(
                    violation([...place, "apiKey"], `There is no Kafka API key "${apiKey}", ${rejected}.`, fix),
                  );
                }
                if (role !== undefined && apiKey !== undefined) {
                  found.push(violation(place, `role and apiKey exclude each other, ${rejected}.`, "Delete apiKey."));
                }
                if (typeof topic === "string" && !/^[a-zA-Z0-9._\\-]+$/.test(topic)) {
                  const message = `topic "${topic}" has characters that no topic has, and patterns are not read, ${rejected}.`;
                  found.push(violation([...place, "topic"], message, "Write one rule for each topic."));
                }
                return found;
              },
            ),
          ),
  },
];
