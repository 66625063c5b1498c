import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../components/config/finding.ts";
import { stackName } from "../components/config/parse.ts";
import { type Plan, recordFolder } from "../components/plan.ts";
import type { Difference } from "../proof/segmentation/difference.ts";
import { segmentationRules } from "../proof/segmentation/rules.ts";

/** What a plan is compared with, and what differs in who can reach whom. */
export interface Comparison {
  /** As the reader wrote it: a Git ref, or a folder. */
  readonly ref: string;
  readonly findings: readonly Finding[];
  /** One of each mesh or site that has policies or zones in either state; none where the other state could not be planned. */
  readonly differences?: readonly Difference[];
}

/** Where the other state's stack files lie, and how to clean up. */
type Other = { readonly folder: string; readonly done: () => void } | { readonly finding: Finding };

/**
 * Plans the stack files as they are at `ref` with the programs of the working tree, and compares. Whatever is wrong with `ref` or with those files
 * comes back as a finding.
 *
 * @param folder  Of the plan's stack files.
 * @param names   Stacks that were asked for; all of the folder when empty.
 */
export async function compareWith(
  ref: string,
  plan: Plan,
  folder: string,
  names: readonly string[],
): Promise<Comparison> {
  const other = isFolder(ref) ? { folder: ref, done: () => undefined } : checkedOut(ref, folder);
  if ("finding" in other) return { ref, findings: [other.finding] };
  try {
    const present = stacksIn(other.folder);
    const wanted = names.filter((name) => present.includes(name));
    if (present.length === 0 || (names.length > 0 && wanted.length === 0)) {
      return { ref, findings: [incomparable(ref, "It has no such stack file.", "Name a state that has the stacks.")] };
    }
    const { stacks, findings } = await recordFolder(other.folder, wanted);
    if (stacks === undefined) return { ref, findings: [refused(ref, findings)] };
    const { differences } = await import("../proof/segmentation/difference.ts");
    return { ref, findings: [], differences: differences(stacks, plan.stacks) };
  } finally {
    other.done();
  }
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function stacksIn(folder: string): string[] {
  return readdirSync(folder).filter(isStackFile).map(stackName);
}

const isStackFile = (file: string) => /^Pulumi\..+\.yaml$/.test(file);

/** The stack files of a folder at a commit, in a folder of their own. */
function checkedOut(ref: string, folder: string): Other {
  const commit = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
  if (commit === undefined) return { finding: unreadable(ref) };
  const names = git(folder, "ls-tree", "-z", "--name-only", commit.trim())?.split("\0").filter(isStackFile) ?? [];
  const copy = mkdtempSync(join(tmpdir(), "gyeongbu-against-"));
  for (const name of names) {
    const text = git(folder, "show", `${commit.trim()}:./${name}`);
    if (text !== undefined) writeFileSync(join(copy, name), text);
  }
  return { folder: copy, done: () => rmSync(copy, { recursive: true, force: true }) };
}

/** What Git prints; `undefined` where it refuses, or is not there. */
function git(folder: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: folder, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return status === 0 ? stdout : undefined;
}

function unreadable(ref: string): Finding {
  return {
    ...of("unreadable"),
    file: ref,
    path: "",
    message: "It is no folder here and no commit that Git has here.",
    fix: "Write a folder, or a branch, tag or commit that `git rev-parse` knows; a shallow clone has few: `git fetch --depth=1 origin BRANCH`, then FETCH_HEAD.",
  };
}

function refused(ref: string, findings: readonly Finding[]): Finding {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const example =
    first === undefined ? "" : ` (${first.code} ${stackName(first.file)} ${first.path}: ${first.message})`;
  return incomparable(
    ref,
    `Its stack files have ${errors.length} error(s) for the programs of this working tree${example}, so nothing is said about flows.`,
    "Compare with a state that today's programs can plan.",
  );
}

function incomparable(ref: string, message: string, fix: string): Finding {
  return { ...of("incomparable"), file: ref, path: "", message, fix };
}

function of(rule: keyof typeof segmentationRules): Pick<Finding, "code" | "severity"> {
  const { code, severity } = segmentationRules[rule];
  return { code, severity };
}
