import "../components/fast-start/after-sdk.ts";
import { statSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { makePlan } from "../components/plan.ts";
import { compareWith } from "./against.ts";
import { holds, renderJson, renderMarkdown, renderText } from "./plan-report.ts";
import { reportError } from "./report-error.ts";

interface Options {
  readonly json?: string;
  readonly markdown?: string;
  readonly against?: string;
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** `-` is standard output. */
function write(file: string, text: string): void {
  if (file === "-") process.stdout.write(text);
  else writeFileSync(file, text);
}

const command = new Command("npm run plan --")
  .description("Proves that the stacks work together, from their files alone: no cloud, no engine, no credentials.")
  .argument("[stacks...]", "stacks to plan, or a folder of stack files and then stacks of it", [])
  .option("--json <file>", "write the plan as JSON; - for standard output, and nothing else there")
  .option("--markdown <file>", "write the plan as Markdown, e.g. to a job's summary; - for standard output")
  .option(
    "--against <ref>",
    "say which flows open and close, compared with the stack files at a Git ref or of another folder",
  )
  .action(async (given: string[], { json, markdown, against }: Options) => {
    const [first, ...rest] = given;
    const [folder, names] = first !== undefined && isFolder(first) ? [first, rest] : [".", given];
    const started = performance.now();
    const toScreen = json !== "-" && markdown !== "-";
    const tell = (step: string) => {
      if (process.stderr.isTTY) process.stderr.write(`\u001b[2K\r${step} ...`);
    };
    const planned = await makePlan(folder, names, tell);
    // Without stacks there is an error to mend first.
    const comparison =
      against === undefined || planned.stacks.length === 0
        ? undefined
        : await compareWith(against, planned, folder, names);
    const plan = { ...planned, findings: [...planned.findings, ...(comparison?.findings ?? [])] };
    if (process.stderr.isTTY) process.stderr.write("\u001b[2K\r");
    if (json !== undefined) write(json, renderJson(plan, comparison));
    if (markdown !== undefined) write(markdown, renderMarkdown(plan, comparison));
    if (toScreen) process.stdout.write(renderText(plan, (performance.now() - started) / 1000, comparison));
    process.exitCode = holds(plan) ? 0 : 1;
  });

await command.parseAsync().catch(reportError);
