import type { Finding } from "../components/config/finding.ts";
import type { Rule } from "./rule.ts";

/** What SARIF tells of a rule. */
export type Explained = Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

/** The part of SARIF 2.1.0 that code scanners read (docs.oasis-open.org/sarif/sarif/v2.1.0). */
export interface SarifLog {
  readonly $schema: string;
  readonly version: "2.1.0";
  readonly runs: readonly [SarifRun];
}

interface SarifRun {
  readonly tool: { readonly driver: SarifDriver };
  readonly results: readonly SarifResult[];
  readonly columnKind: "utf16CodeUnits";
}

interface SarifDriver {
  readonly name: string;
  readonly version: string;
  readonly rules: readonly SarifRule[];
}

interface SarifRule {
  readonly id: string;
  readonly shortDescription: SarifText;
  readonly fullDescription: SarifText;
  readonly help: SarifText & { readonly markdown: string };
  readonly defaultConfiguration: { readonly level: "error" | "warning" };
}

interface SarifText {
  readonly text: string;
}

interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: "error" | "warning";
  readonly message: SarifText;
  readonly locations: readonly [
    {
      readonly physicalLocation: {
        readonly artifactLocation: { readonly uri: string };
        readonly region: { readonly startLine: number };
      };
      readonly logicalLocations?: readonly [{ readonly fullyQualifiedName: string }];
    },
  ];
}

/**
 * Findings as one SARIF run. Only rules that found something are listed.
 *
 * @param version  Of this program.
 */
export function toSarif(findings: readonly Finding[], rules: readonly Explained[], version: string): SarifLog {
  const codes = [...new Set(findings.map(({ code }) => code))].toSorted();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "gyeongbu", version, rules: codes.map((code) => describe(code, findings, rules)) } },
        results: findings.map((finding) => result(finding, codes)),
        columnKind: "utf16CodeUnits",
      },
    ],
  };
}

function describe(code: Finding["code"], findings: readonly Finding[], rules: readonly Explained[]): SarifRule {
  const rule = rules.find((each) => each.code === code);
  const level = rule?.severity ?? findings.find((each) => each.code === code)?.severity ?? "error";
  const title = rule?.title ?? "The file can be read.";
  const text = [title, rule?.reason, rule?.korean].filter((part) => part !== undefined).join("\n");
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: rule?.reason ?? title },
    help: { text, markdown: text.replaceAll("\n", "\n\n") },
    defaultConfiguration: { level },
  };
}

function result({ code, severity, file, path, line, message, fix }: Finding, codes: readonly string[]): SarifResult {
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: `${message} ${fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: { startLine: line ?? 1 },
        },
        ...(path === "" ? {} : { logicalLocations: [{ fullyQualifiedName: path }] as const }),
      },
    ],
  };
}

/** A path as a relative reference: each of its names escaped, separators kept. */
function uriOf(file: string): string {
  return file
    .replaceAll("\\", "/")
    .replace(/^\.\//, "")
    .split("/")
    .map((name) => encodeURIComponent(name.toWellFormed()))
    .join("/");
}
