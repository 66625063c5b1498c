import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../components/config/finding.ts";
import { documentRule } from "./document-rules.ts";
import { finding } from "./findings.ts";
import type { SourceFile } from "./source.ts";

/** What a folder is searched for. A file that is named itself is read whatever its name. */
const names = /\.(?:ya?ml|json|md|mdx|markdown|txt|sh|bash)$/i;
const skipped = new Set(["node_modules", ".git", ".gyeongbu", ".hg", ".terraform", "vendor", "__pycache__"]);
/** Lock files have tens of thousands of lines and nothing to judge. */
const locks = /^(?:package-lock|npm-shrinkwrap)\.json$|^pnpm-lock\.yaml$/;

/** More than any repository holds; a folder with more is a disk. */
const maxFiles = 50_000;

export interface Collected {
  readonly files: readonly SourceFile[];
  /** Files that could not be read. */
  readonly findings: readonly Finding[];
  /** A path that was asked for is not there: the command was misused. */
  readonly missing: boolean;
}

/**
 * Reads files and folders, in the order of their names. Files above `maxBytes` are refused unread, as are links to elsewhere and files that
 * are no text.
 */
export function collectFiles(paths: readonly string[], maxBytes: number): Collected {
  const files: SourceFile[] = [];
  const findings: Finding[] = [];
  let missing = false;
  const seen = new Set<string>();
  const problem = (code: "GB-1701" | "GB-1704", file: string, message: string, fix: string) =>
    findings.push(finding(documentRule(code), { message, fix }, { file, path: [], line: 1 }));

  const read = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    try {
      const { size } = statSync(file);
      if (size > maxBytes) {
        problem(
          "GB-1704",
          file,
          `The file has ${size} bytes; ${maxBytes} are read at most.`,
          "Split it, or leave it out.",
        );
        return;
      }
      const bytes = readFileSync(file);
      if (bytes.includes(0)) {
        problem("GB-1704", file, "The file is not text.", "Save it as UTF-8, or leave it out.");
        return;
      }
      files.push({ file, text: bytes.toString("utf8") });
    } catch (error) {
      problem("GB-1701", file, `It cannot be read: ${reason(error)}.`, "Make it readable, or leave it out.");
    }
  };

  const walk = (folder: string): void => {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      problem("GB-1701", folder, `It cannot be read: ${reason(error)}.`, "Make it readable, or leave it out.");
      return;
    }
    for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (seen.size >= maxFiles) return;
      if (entry.isDirectory() && !skipped.has(entry.name)) walk(path);
      else if (entry.isFile() && names.test(entry.name) && !locks.test(entry.name)) read(path);
    }
  };

  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      missing = true;
      problem("GB-1701", path, "There is no such file or folder.", "Correct the path.");
    } else if (found.isDirectory()) walk(path);
    else if (found.isFile()) read(path);
    else problem("GB-1701", path, "It is neither a file nor a folder.", "Name a file or a folder.");
  }
  return { files, findings, missing };
}

/** `EACCES` and the like, without the path that Node repeats. */
function reason(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "the system refused";
}
