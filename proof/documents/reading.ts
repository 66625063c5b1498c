import type { Finding } from "../../components/config/finding.ts";
import { documentRule } from "./document-rules.ts";
import { finding } from "./findings.ts";
import type { Source, SourceFile, SourceProblem } from "./source.ts";

/** Larger files are refused unread: Kubernetes takes objects of 1.5 MB at most, and a parser takes seconds for more. */
export const maxFileBytes = 3_000_000;

/** What reading a file has already shown. */
export function readingFindings(source: Source): Finding[] {
  return [...once(source.problems).map((problem) => readingProblem(source, problem)), ...flattened(source)];
}

export function tooLarge({ file, text }: SourceFile): Finding {
  const message = `The file has ${text.length} bytes; ${maxFileBytes} are read at most.`;
  return finding(documentRule("GB-1704"), { message, fix: "Split it, or leave it out." }, { file, path: [], line: 1 });
}

function readingProblem({ file }: Source, { kind, line, message, whole }: SourceProblem): Finding {
  const place = { file, path: [], line };
  switch (kind) {
    case "template":
      return finding(
        documentRule("GB-1703"),
        {
          message: `${message} It was not checked.`,
          fix: "Render it first (helm template, kustomize build) and check the result.",
        },
        place,
      );
    case "limit":
      return finding(
        documentRule("GB-1704"),
        { message, fix: "Write the values out, without anchors and flatter." },
        place,
      );
    case "duplicate":
      return finding(
        documentRule(whole ? "GB-1702" : "GB-1705"),
        { message, fix: "Keep one of the two; the last one wins." },
        place,
      );
    case "syntax":
      return finding(
        documentRule(whole ? "GB-1702" : "GB-1705"),
        {
          message: `Not valid YAML: ${message}`,
          fix: "Mend the line; indent by spaces, two per level, and quote what has a colon.",
        },
        place,
      );
  }
}

/** A template's documents are one template. */
function once(problems: readonly SourceProblem[]): SourceProblem[] {
  const first = problems.findIndex(({ kind }) => kind === "template");
  return problems.filter(({ kind }, index) => kind !== "template" || index === first);
}

function flattened({ file, flattened: lines }: Source): Finding[] {
  const [line] = lines;
  if (line === undefined) return [];
  const many = lines.length === 1 ? "The manifest here" : `${lines.length} manifests from here on`;
  return [
    finding(
      documentRule("GB-1706"),
      {
        message: `${many} lost the indentation and cannot be applied as written; each was read by the shape of its kind.`,
        fix: "Restore the indentation.",
      },
      { file, path: [], line },
    ),
  ];
}
