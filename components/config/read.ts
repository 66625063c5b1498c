import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";
import { type Parsed, parseStackFile, type StackFile } from "./parse.ts";

/** Files larger than this are refused unread; a stack file has a few kB. */
const maxBytes = 1_000_000;

/** Reads one stack's file from `folder`. Whatever goes wrong comes back as findings. */
export function readStack(folder: string, stack: string): Parsed {
  const file = join(folder, `Pulumi.${stack}.yaml`);
  const failure = (message: string, fix: string): Parsed => ({
    findings: [{ code: "GB-103", severity: "error", file, path: "", message, fix }],
  });
  try {
    const { size } = statSync(file);
    if (size > maxBytes)
      return failure(`The file has ${size} bytes; a stack file has a few thousand.`, "Name the stack file.");
    return parseStackFile(file, readFileSync(file, "utf8"));
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return failure(
      missing
        ? "There is no such file."
        : `It cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      missing ? `Create it, or correct the name "${stack}" where it is listed.` : "Make it readable.",
    );
  }
}

/** The stacks whose files a stack needs: its peers, the sites it joins, the sites users may be sent to. */
export function namedStacks(own: StackFile): string[] {
  switch (own.kind) {
    case "site":
      return (own.spec.mesh?.peers ?? []).filter((peer) => peer !== own.spec.name);
    case "interconnect":
      return [own.spec.aws.site, own.spec.azure.site];
    case "entry":
      return Object.keys(own.spec.sites);
  }
}

/**
 * Reads all files a stack names. A named file that is no site is a finding of the file that names it.
 *
 * For the entry they are warnings: users must be moved away from a site even while somebody's edit of its file is half done.
 */
export function readNamed(folder: string, own: StackFile): { others: StackFile[]; findings: Finding[] } {
  const others: StackFile[] = [];
  const findings: Finding[] = [];
  for (const name of new Set(namedStacks(own))) {
    const parsed = readStack(folder, name);
    if ("findings" in parsed) findings.push(...parsed.findings);
    else if (parsed.stack.kind === "site") others.push(parsed.stack);
    else {
      findings.push({
        code: "GB-104",
        severity: "error",
        file: own.file,
        path: `gyeongbu:${own.kind}`,
        message: `It names ${name}, but ${parsed.stack.file} holds gyeongbu:${parsed.stack.kind}, not a site.`,
        fix: "Name a site's stack.",
      });
    }
  }
  const severity = own.kind === "entry" ? "warning" : "error";
  return { others, findings: findings.map((finding) => ({ ...finding, severity })) };
}
