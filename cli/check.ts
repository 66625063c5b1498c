import { Command, CommanderError } from "commander";
import { ciliumMinors } from "../components/cilium/versions.ts";
import { type Finding, formatFindings } from "../components/config/finding.ts";
import project from "../package.json" with { type: "json" };
import { check } from "../proof/check.ts";
import { documentRule } from "../proof/documents/document-rules.ts";
import { collectFiles } from "../proof/documents/files.ts";
import { finding } from "../proof/documents/findings.ts";
import { maxFileBytes } from "../proof/documents/reading.ts";
import { checkRules } from "../proof/documents/rule-lists.ts";
import { toSarif } from "../proof/sarif.ts";

interface Options {
  readonly cilium?: string;
  readonly json?: true;
  readonly sarif?: true;
}

const newest = ciliumMinors.at(-1)?.newest ?? "";

/** A finding about the command line itself. */
function misuse(message: string, fix: string): Finding {
  return finding(documentRule("GB-1701"), { message, fix }, { file: "npm run check", path: [], line: 1 });
}

/** `1.18.4`, `v1.18.4`, or the newest patch of `1.18`; `undefined` for a version that cannot be judged. */
function exactVersion(given: string): string | undefined {
  const [, minor, patch] = /^v?(\d+\.\d+)(?:\.(\d+))?$/.exec(given) ?? [];
  const known = ciliumMinors.find((each) => each.minor === minor);
  return known && (patch === undefined ? known.newest : `${known.minor}.${patch}`);
}

function run(
  paths: readonly string[],
  cilium: string | undefined,
): { findings: Finding[]; files: number; misused: boolean } {
  const version = exactVersion(cilium ?? newest);
  if (version === undefined) {
    const known = ciliumMinors.map(({ minor }) => minor).join(", ");
    const found = misuse(`--cilium ${cilium ?? ""} cannot be judged.`, `Write a version of ${known}, e.g. ${newest}.`);
    return { findings: [found], files: 0, misused: true };
  }
  if (paths.length === 0) {
    const found = misuse(
      "No file or folder is named.",
      "Write npm run check -- PATH..., e.g. npm run check -- manifests values.yaml.",
    );
    return { findings: [found], files: 0, misused: true };
  }
  const { files, findings, missing } = collectFiles(paths, maxFileBytes);
  return { findings: [...findings, ...check(files, version)], files: files.length, misused: missing };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function print(findings: readonly Finding[], files: number, { json, sarif }: Options): void {
  if (sarif) process.stdout.write(`${JSON.stringify(toSarif(findings, checkRules, project.version), null, 2)}\n`);
  else if (json) process.stdout.write(`${JSON.stringify({ findings }, null, 2)}\n`);
  else {
    const errors = findings.filter(({ severity }) => severity === "error").length;
    const counts = `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")} in ${counted(files, "file")}.`;
    process.stdout.write(`${[formatFindings(findings), counts].filter((part) => part !== "").join("\n\n")}\n`);
  }
}

const command = new Command("npm run check --")
  .description(
    "Judges files that nobody generated: Cilium values, Kubernetes objects, kubeadm and alert rules, scripts, guides.",
  )
  .argument("[paths...]", "files, or folders of .yaml, .yml, .json, .md, .txt and .sh files", [])
  .option("--cilium <version>", "version of Cilium that reads them, unless it stands beside the values", newest)
  .option("--json", "print {findings: [...]} as JSON")
  .option("--sarif", "print SARIF 2.1.0, for code scanners")
  .exitOverride()
  .action((paths: string[], options: Options) => {
    const { findings, files, misused } = run(paths, options.cilium);
    print(findings, files, options);
    process.exitCode = misused ? 2 : findings.some(({ severity }) => severity === "error") ? 1 : 0;
  });

try {
  command.parse();
} catch (error) {
  // Commander has told what is wrong with the options; --help is no mistake.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
