import { readdirSync } from "node:fs";
import { type Accepted, accept } from "../proof/accepted.ts";
import { judge } from "../proof/judge.ts";
import type { Proof } from "../proof/proof.ts";
import { plannedRules, provePlan } from "../proof/prove-plan.ts";
import type { PlannedStack } from "../proof/recorded.ts";
import type { SegmentationReport } from "../proof/segmentation/report.ts";
import type { Finding } from "./config/finding.ts";
import { readGatewayBundle } from "./config/gateway-api-bundle.ts";
import { type StackFile, stackName } from "./config/parse.ts";
import { namedStacks, readNamed, readStack } from "./config/read.ts";
import { makeInterconnectSecrets, makeSiteSecrets } from "./secrets/make.ts";

/** What the stack files of a folder come to. */
export interface Plan {
  readonly files: readonly StackFile[];
  /** What each stack's program would register; empty while a finding is an error, since programs run on files that are in order. */
  readonly stacks: readonly PlannedStack[];
  readonly proofs: readonly Proof[];
  /** Warnings that a stack file accepts are not among them. */
  readonly findings: readonly Finding[];
  readonly accepted: readonly Accepted[];
  /** Who can reach whom under the policies of each mesh or site; none where there are neither policies nor zones. */
  readonly segmentation: readonly SegmentationReport[];
}

/** What the programs of a folder's stack files would register. */
export interface RecordedFolder {
  readonly files: readonly StackFile[];
  readonly findings: readonly Finding[];
  /** Without them a finding is an error, since programs run on files that are in order. */
  readonly stacks?: readonly PlannedStack[];
}

/**
 * Reads, judges and records. Needs no cloud, no engine and no credentials, and never throws for what a file holds.
 *
 * @param folder  Where the stack files lie.
 * @param names   Stacks to plan, with those they name and those that join them; all of the folder when empty.
 * @param tell    Is told what happens next, for a progress line.
 */
export async function recordFolder(
  folder: string,
  names: readonly string[],
  tell: (step: string) => void = () => undefined,
): Promise<RecordedFolder> {
  tell("reading stack files");
  const { files, findings } = readAll(folder, names);
  const judged = files.flatMap((own) => {
    const { others, findings: named } = readNamed(folder, own);
    return [...named, ...judge({ own, others }, process.env.PULUMI_BACKEND_URL), ...readGatewayBundle(own).findings];
  });
  const all = unique([...findings, ...judged]);
  if (files.length === 0 || all.some(({ severity }) => severity === "error")) return { files, findings: all };

  tell(`running ${files.length === 1 ? "the program" : `the programs of ${files.length} stacks`}`);
  // Imported here: a file that is wrong is refused without loading the clouds' SDKs.
  const { record, ProgramStopped } = await import("./record.ts");
  const secrets = { site: await makeSiteSecrets(), interconnect: makeInterconnectSecrets() };
  try {
    return { files, findings: all, stacks: await record(files, secrets) };
  } catch (error) {
    if (!(error instanceof ProgramStopped)) throw error;
    return { files, findings: [...all, error.finding] };
  }
}

/** The same, and proves. */
export async function makePlan(
  folder: string,
  names: readonly string[],
  tell: (step: string) => void = () => undefined,
): Promise<Plan> {
  const { files, findings, stacks } = await recordFolder(folder, names, tell);
  if (stacks === undefined) return { files, stacks: [], proofs: [], segmentation: [], ...settle(files, findings) };
  tell("proving");
  const { proofs, segmentation, ...proven } = await provePlan(stacks);
  return { files, stacks, proofs, segmentation, ...settle(files, unique([...findings, ...proven.findings])) };
}

/** Sets aside what each stack file accepts among its own findings. */
function settle(files: readonly StackFile[], findings: readonly Finding[]): Pick<Plan, "findings" | "accepted"> {
  const today = new Date().toISOString().slice(0, 10);
  const own = files.map((file) =>
    accept({
      own: file,
      findings: findings.filter((finding) => finding.file === file.file),
      rules: plannedRules,
      today,
    }),
  );
  const others = findings.filter((finding) => !files.some(({ file }) => file === finding.file));
  return {
    findings: [...others, ...own.flatMap((each) => each.findings)],
    accepted: own.flatMap((each) => each.accepted),
  };
}

function readAll(folder: string, names: readonly string[]): { files: StackFile[]; findings: Finding[] } {
  const present = stackNames(folder);
  if ("finding" in present) return { files: [], findings: [present.finding] };
  const files = new Map<string, StackFile>();
  const findings: Finding[] = [];
  const visited = new Set<string>();
  const visit = (name: string): void => {
    if (visited.has(name)) return;
    visited.add(name);
    const parsed = readStack(folder, name);
    if ("findings" in parsed) findings.push(...parsed.findings);
    else {
      files.set(name, parsed.stack);
      // What it names and is not there is a finding of its own (`readNamed`).
      for (const other of namedStacks(parsed.stack)) if (present.names.includes(other)) visit(other);
    }
  };
  for (const name of names.length === 0 ? present.names : names) visit(name);
  // Whether two sites reach each other depends on what joins them.
  for (const name of present.names) {
    if (visited.has(name)) continue;
    const parsed = readStack(folder, name);
    if (
      "stack" in parsed &&
      parsed.stack.kind === "interconnect" &&
      namedStacks(parsed.stack).every((site) => files.has(site))
    )
      files.set(name, parsed.stack);
  }
  return { files: [...files.values()], findings };
}

function stackNames(folder: string): { readonly names: string[] } | { readonly finding: Finding } {
  const nothing = (message: string, fix: string) => ({
    finding: { code: "GB-103", severity: "error", file: folder, path: "", message, fix } as const,
  });
  try {
    const names = readdirSync(folder)
      .filter((file) => /^Pulumi\..+\.yaml$/.test(file))
      .map(stackName)
      .toSorted();
    return names.length > 0
      ? { names }
      : nothing("The folder holds no stack file.", "Write a Pulumi.<stack>.yaml there, or name another folder.");
  } catch {
    return nothing(
      "There is no such folder, or it cannot be read.",
      "Name a folder that holds Pulumi.<stack>.yaml files.",
    );
  }
}

/** Each once; what one stack takes for a warning and another for an error is an error. */
function unique(findings: readonly Finding[]): Finding[] {
  const errorsLast = findings.toSorted((one, other) => other.severity.localeCompare(one.severity));
  return [...new Map(errorsLast.map((finding) => [JSON.stringify({ ...finding, severity: "" }), finding])).values()];
}
