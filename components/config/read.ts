import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";
import { type Parsed, parseStackFile, type StackFile } from "./parse.ts";

/** Files larger than this are refused unread; a stack file has a few kB. */
const maxBytes = 1_000_000;

function stackPath(folder: string, stack: string): string {
  return join(folder, `Pulumi.${stack}.yaml`);
}

/** Reads one stack's file from `folder`. Whatever goes wrong comes back as findings. */
export function readStack(folder: string, stack: string): Parsed {
  const file = stackPath(folder, stack);
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
    if ("stack" in parsed && parsed.stack.kind === "site") others.push(parsed.stack);
    else if ("stack" in parsed) {
      const { file, kind } = parsed.stack;
      findings.push(misnamed(own, "GB-104", `It names ${name}, but ${file} holds gyeongbu:${kind}, not a site.`));
    } else if (existsSync(stackPath(folder, name))) findings.push(...parsed.findings);
    else findings.push(misnamed(own, "GB-103", `It names ${name}, but there is no ${stackPath(folder, name)}.`));
  }
  const severity = own.kind === "entry" ? "warning" : "error";
  return { others, findings: findings.map((finding) => ({ ...finding, severity })) };
}

/** A finding of the file that names another stack, at the place where it does. */
function misnamed(own: StackFile, code: "GB-103" | "GB-104", message: string): Finding {
  const path = [`gyeongbu:${own.kind}`, ...(own.kind === "site" ? ["mesh", "peers"] : [])];
  const line = own.lineOf(path);
  const place = { file: own.file, path: path.join("."), ...(line === undefined ? {} : { line }) };
  return { code, severity: "error", ...place, message, fix: "Correct the name, or create that site's file." };
}
