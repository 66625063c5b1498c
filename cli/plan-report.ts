import { formatFindings } from "../components/config/finding.ts";
import type { Plan } from "../components/plan.ts";
import type { Proof } from "../proof/proof.ts";
import type { Comparison } from "./against.ts";
import { differenceMarkdown, differenceText } from "./difference-report.ts";
import { segmentationMarkdown, segmentationText } from "./segmentation-report.ts";
import { cell, fenced, table, wrap } from "./text.ts";

/** Whether everything that can be proven is, and nothing is wrong. */
export function holds({ proofs, findings }: Plan): boolean {
  return findings.every(({ severity }) => severity !== "error") && proofs.every((proof) => proof.holds);
}

/**
 * `{stacks, proofs, findings, accepted, segmentation, against}`, for machines; the last two only where there are zones or policies, and
 * where another state was asked for.
 */
export function renderJson(plan: Plan, comparison?: Comparison): string {
  const { files, stacks, proofs, findings, accepted, segmentation } = plan;
  const described = files.map(({ stack, kind, file }) => {
    const resources = stacks.find((planned) => planned.file.stack === stack)?.resources;
    return { name: stack, kind, file, ...(resources === undefined ? {} : { resources: resources.length }) };
  });
  const zones = segmentation.length === 0 ? {} : { segmentation };
  const against = comparison && { against: { ref: comparison.ref, differences: comparison.differences ?? [] } };
  return `${JSON.stringify({ stacks: described, proofs, findings, accepted, ...zones, ...against }, null, 2)}\n`;
}

/** For people: a line per stack and per proof, every finding whole; 80 columns where the words allow. */
export function renderText(plan: Plan, seconds: number, comparison?: Comparison): string {
  const sections = [
    stackLines(plan).join("\n"),
    plan.proofs.map(proofLine).join("\n"),
    ...plan.segmentation.map(segmentationText),
    ...(comparison === undefined ? [] : [differenceText(comparison)]),
    formatFindings(plan.findings),
    acceptedLines(plan).join("\n"),
    `${verdict(plan)} ${seconds.toFixed(1)} s.`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** For a job's summary on a pull request. */
export function renderMarkdown(plan: Plan, comparison?: Comparison): string {
  const proofs = plan.proofs.map(
    (proof) =>
      `| ${proof.holds ? "holds" : "**does not hold**"} | ${proof.id} | ${cell(proof.title)} | ${cell(factsOf(proof))} |`,
  );
  const failed = plan.proofs.flatMap((proof) =>
    proof.counterexample === undefined || proof.holds ? [] : [`**${proof.id}**`, fenced(proof.counterexample)],
  );
  const findings = plan.findings.map(
    ({ severity, code, file, line, path, message, fix }) =>
      `| ${severity} | ${code} | ${cell(line === undefined ? file : `${file}:${line}`)} | ${cell(path)} | ${cell(message)} | ${cell(fix)} |`,
  );
  const sections = [
    "## Plan",
    verdict(plan),
    stackLines(plan)
      .map((line) => `- ${line}`)
      .join("\n"),
    table(["", "code", "file", "path", "what is wrong", "what to write"], findings),
    acceptedLines(plan)
      .map((line) => `- ${line}`)
      .join("\n"),
    table(["", "proof", "statement", "checked on"], proofs),
    ...failed,
    ...(comparison === undefined ? [] : [differenceMarkdown(comparison)]),
    ...plan.segmentation.map(segmentationMarkdown),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function stackLines({ files, stacks }: Plan): string[] {
  const width = Math.max(0, ...files.map(({ stack }) => stack.length));
  return files.map(({ stack, kind, file }) => {
    const planned = stacks.find((each) => each.file.stack === stack);
    const resources = planned === undefined ? "not run" : `${planned.resources.length} resources`;
    return `${stack.padEnd(width)}  ${kind}, ${resources} (${file})`;
  });
}

function acceptedLines({ accepted }: Plan): string[] {
  return accepted.map(
    ({ finding: { code, file, path }, reason, until }) =>
      `accepted until ${until}: ${code} ${file} ${path} (${reason})`,
  );
}

function proofLine(proof: Proof): string {
  const head = wrap(`${proof.holds ? "ok  " : "FAIL"} ${proof.id} ${proof.title}`, 13);
  // A hop to a line.
  if (!proof.holds && proof.counterexample !== undefined)
    return [head, ...proof.counterexample.split(/; |\n/)].join("\n     ");
  const facts = factsOf(proof);
  return facts === "" ? head : `${head}\n${wrap(`${" ".repeat(13)}${facts}`, 13)}`;
}

function factsOf({ facts }: Proof): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}

function verdict(plan: Plan): string {
  const count = (severity: "error" | "warning") =>
    plan.findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const failed = plan.proofs.filter((proof) => !proof.holds).length;
  const found = `${errors} error(s), ${warnings} warning(s)`;
  if (errors > 0 && plan.proofs.length === 0) return `Refused: ${found}. Nothing was proven; correct the errors first.`;
  if (errors > 0 || failed > 0) return `Refused: ${failed} of ${plan.proofs.length} proofs do not hold, ${found}.`;
  return `All ${plan.proofs.length} proofs hold, ${found}.`;
}
