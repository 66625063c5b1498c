/**
 * One thing that is wrong, or doubtful, in a file. `error` stops every plan and `up`; `warning` is printed.
 */
export interface Finding {
  /** Stable; `docs/rules.md` explains each, `docs/rules.ko.md` in Korean. */
  readonly code: `GB-${number}`;
  readonly severity: "error" | "warning";
  /** The file as the reader knows it, e.g. `Pulumi.prod-seoul.yaml`. */
  readonly file: string;
  /** YAML path below `config`, e.g. `gyeongbu:site.network.pods`; empty for the file as a whole. */
  readonly path: string;
  /** 1-based, where the file's text is at hand. */
  readonly line?: number;
  /** What is wrong, as a sentence. */
  readonly message: string;
  /** What to write instead, as a sentence. */
  readonly fix: string;
}

/** `file:line: severity code path` and below it the sentence and the fix; 80 columns where the words allow. */
export function formatFinding({ code, severity, file, path, line, message, fix }: Finding): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const head = [place, severity, code, path].filter((part) => part !== "").join(" ");
  return `${head}\n  ${message}\n  -> ${fix}`;
}

/** All findings, errors first, one blank line apart. */
export function formatFindings(findings: readonly Finding[]): string {
  const rank = ({ severity }: Finding) => (severity === "error" ? 0 : 1);
  return findings
    .toSorted((one, other) => rank(one) - rank(other))
    .map(formatFinding)
    .join("\n\n");
}
