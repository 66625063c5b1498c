import type { Finding } from "../components/config/finding.ts";

/** Nothing can be answered; the findings say why. */
export class Unusable extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ message }) => message).join(" "));
    this.name = "Unusable";
    this.findings = findings;
  }
}

type Code = Extract<Finding["code"], `GB-${number}`>;

/** A finding about a file, or about the command line. */
export function found(
  code: Code,
  file: string,
  message: string,
  fix: string,
  severity: Finding["severity"] = "error",
): Finding {
  return { code, severity, file, path: "", message, fix };
}

/** What the operating system says about a file, as a finding; anything else is a mistake of ours. */
export function unreadable(error: unknown, file?: string): Unusable {
  const system = systemError(error);
  if (system === undefined) {
    const message = `It stopped: ${error instanceof Error ? error.message : String(error)}.`;
    return new Unusable([found("GB-2349", file ?? command, message, "Report this with the files that were given.")]);
  }
  const name = file ?? system.path ?? command;
  const missing = system.code === "ENOENT";
  const what = missing ? "There is no such file." : `It cannot be read or written: ${system.code}.`;
  const fix = missing
    ? "Correct the name; names of stacks stand before --policies."
    : "See to its permissions and kind.";
  return new Unusable([found("GB-2320", name, what, fix)]);
}

/** Where no file is to blame. */
export const command = "npm run reach";

function systemError(error: unknown): { readonly code: string; readonly path?: string } | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  return { code: String(error.code), ...("path" in error ? { path: String(error.path) } : {}) };
}
