import { writeFileSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { drawSites } from "../rehearsal/drawing.ts";
import { type Report, renderCriticalPath, renderTable } from "../rehearsal/report.ts";
import { rehearse } from "../rehearsal/run.ts";
import { readStackFiles } from "../rehearsal/stack-files.ts";
import { plainNumber, rehearsalOf } from "./rehearsal-options.ts";
import { reportError } from "./report-error.ts";

interface Options {
  readonly json?: string;
  readonly speed: number;
  readonly keep: boolean;
  readonly stack: string[];
}

/** Whether the rehearsal shows what it is for: all stacks up, nothing changed the second time, nothing lost. */
function isGood({ stacks, orphans, problems }: Report): boolean {
  return (
    orphans.length === 0 && problems.length === 0 && stacks.every(({ secondRunChanges }) => secondRunChanges === 0)
  );
}

function print(report: Report, folder: string, only: readonly string[]): void {
  const changed = report.stacks.flatMap((stack) => stack.changed.map((change) => `${stack.name}: ${change}`));
  const sections = [
    drawSites(readStackFiles(folder, only)),
    renderTable(report.stacks),
    ...report.stacks.filter(({ kind }) => kind === "site").map(renderCriticalPath),
    changed.length === 0 ? "" : `The second up changed what it should have left alone:\n${changed.join("\n")}`,
    report.orphans.length === 0 ? "" : `No stack knows these objects of the world:\n${report.orphans.join("\n")}`,
    report.problems.length === 0 ? "" : `This is wrong:\n${report.problems.join("\n")}`,
    `${isGood(report) ? "All is well" : "Something is wrong"}, after ${report.wallSeconds.toFixed(0)} s. The world stays until the next start; \`npm run rehearse -- destroy\` empties it.`,
  ];
  process.stdout.write(`\n${sections.filter((section) => section !== "").join("\n\n")}\n`);
}

const command = new Command("npm start --")
  .description("Brings all stacks up twice with the real Pulumi engine against stand-in clouds.")
  .argument("[folder]", "folder of the stack files", ".")
  .option("--json <file>", "also write the report as JSON")
  .addOption(new Option("--speed <number>", "modelled seconds per second").default(600).argParser(plainNumber))
  .option("--keep", "the next start goes on with this world", false)
  .option("--stack <names...>", "only these stacks", [])
  .action(async (folder: string, { json, speed, keep, stack }: Options) => {
    const report = await rehearse(rehearsalOf(path.resolve(folder), speed, stack), keep);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    print(report, path.resolve(folder), stack);
    process.exit(isGood(report) ? 0 : 1);
  });

await command.parseAsync().catch(reportError);
