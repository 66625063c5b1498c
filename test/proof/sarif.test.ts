import { describe, expect, it } from "vitest";
import type { Finding } from "../../components/config/finding.ts";
import { checkRules } from "../../proof/documents/rule-lists.ts";
import { toSarif } from "../../proof/sarif.ts";

const findings: Finding[] = [
  { code: "GB-1702", severity: "error", file: "./a b/정책.yaml", path: "", line: 3, message: "Bad.", fix: "Mend it." },
  {
    code: "GB-1601",
    severity: "warning",
    file: "rules.yaml",
    path: "groups.0",
    message: "No metric.",
    fix: "Write one.",
  },
  { code: "GB-100", severity: "error", file: "Pulumi.x.yaml", path: "", message: "Empty.", fix: "Write it." },
];

describe("SARIF", () => {
  const log = toSarif(findings, checkRules, "0.1.0");
  const [run] = log.runs;

  it("is one run of version 2.1.0 with its rules described", () => {
    expect(log.version).toBe("2.1.0");
    expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(["GB-100", "GB-1601", "GB-1702"]);
    for (const rule of run.tool.driver.rules) {
      expect(rule.shortDescription.text).not.toBe("");
      expect(rule.help.text).not.toBe("");
    }
    expect(run.tool.driver.rules[1]?.help.markdown).toMatch(/메트릭/);
  });

  it("points each result at its rule, file and line", () => {
    expect(run.results.map(({ ruleId, ruleIndex }) => run.tool.driver.rules[ruleIndex]?.id === ruleId)).toEqual([
      true,
      true,
      true,
    ]);
    expect(run.results.map(({ locations: [{ physicalLocation }] }) => physicalLocation)).toEqual([
      { artifactLocation: { uri: "a%20b/%EC%A0%95%EC%B1%85.yaml" }, region: { startLine: 3 } },
      { artifactLocation: { uri: "rules.yaml" }, region: { startLine: 1 } },
      { artifactLocation: { uri: "Pulumi.x.yaml" }, region: { startLine: 1 } },
    ]);
    expect(run.results[0]?.message.text).toBe("Bad. Mend it.");
    expect(run.results[1]?.locations[0].logicalLocations).toEqual([{ fullyQualifiedName: "groups.0" }]);
  });

  it("of nothing is an empty run", () => {
    expect(toSarif([], checkRules, "0.1.0").runs[0]).toMatchObject({ results: [], tool: { driver: { rules: [] } } });
  });

  it("knows every rule that may be reported, once per severity", () => {
    const keys = checkRules.map(({ code, severity }) => `${code} ${severity}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(
      checkRules.every(({ title, korean, reason }) => title !== "" && /[가-힣]/.test(korean) && reason !== ""),
    ).toBe(true);
  });
});
