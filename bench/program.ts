import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { readStack } from "../components/config/read.ts";
import { makeInterconnectSecrets, makeSiteSecrets } from "../components/secrets/make.ts";
import { defaultProject } from "./default-project.ts";
import { type Monitor, type Registered, startMonitor } from "./monitor.ts";

/**
 * `node bench/program.ts [stack]`: seconds and peak memory of one run of the program for one stack, beside a default TypeScript project
 * (CommonJS, package roots, type-checked and compiled by ts-node at start) that registers the same resources. Prints medians and ratios.
 *
 * Both are started as the language host starts them, against a monitor that answers at once.
 */
const stack = process.argv[2] ?? "prod-seoul";
const root = join(import.meta.dirname, "..");
const runs = 5;
const Project = z.object({ runtime: z.object({ options: z.object({ nodeargs: z.string() }) }) });
const config = await configuration();

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

const ours = await measure("this program", (monitor) => run(root, monitor, true));
const project = defaultProject(root, ours.resources);
if (project === undefined) console.log("no default project to compare with: TypeScript 5 could not be fetched by npm");
else {
  const theirs = await measure("default ts-node project", (monitor) => run(project, monitor, false));
  console.log(
    `ratio: ${(theirs.seconds / ours.seconds).toFixed(1)}x the time, ${(theirs.peakMiB / ours.peakMiB).toFixed(1)}x the memory`,
  );
}

async function measure(name: string, once: (monitor: Monitor) => Promise<Run>) {
  const results: Run[] = [];
  let resources: readonly Registered[] = [];
  // The first run warms the file cache (and ts-node's) and does not count.
  for (let index = 0; index <= runs; index++) {
    const monitor = await startMonitor();
    const result = await once(monitor);
    resources = monitor.registered();
    monitor.close();
    if (index > 0) results.push(result);
  }
  const median = (pick: (run: Run) => number) =>
    results.map(pick).toSorted((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
  const [seconds, cpu, peakMiB] = [
    median((each) => each.seconds),
    median((each) => each.cpuSeconds),
    median((each) => each.peakMiB),
  ];
  console.log(
    `${name}: ${resources.length} resources, ${seconds.toFixed(2)} s (${cpu.toFixed(2)} s of CPU), ${peakMiB.toFixed(0)} MiB (median of ${runs})`,
  );
  return { seconds, peakMiB, resources };
}

/** Starts a program as `pulumi-language-nodejs` does and waits for its end. */
async function run(folder: string, { address }: Monitor, own: boolean): Promise<Run> {
  const report = join(folder, ".gyeongbu", "peak.txt");
  mkdirSync(join(folder, ".gyeongbu"), { recursive: true });
  const atExit = `data:text/javascript,import {writeFileSync} from "node:fs"; process.on("exit", () => writeFileSync(${JSON.stringify(report)}, JSON.stringify(process.resourceUsage())))`;
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      [...(own ? nodeArgs() : []), "--import", atExit, join(folder, "node_modules/@pulumi/pulumi/cmd/run/index.js")],
      ["--monitor", address, "--engine", address, "--project", "gyeongbu", "--stack", stack],
      [
        "--organization",
        "organization",
        "--parallel",
        "16",
        "--pwd",
        folder,
        "--root-directory",
        folder,
        "--dry-run",
        ".",
      ],
    ].flat(),
    {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, PULUMI_CONFIG: JSON.stringify(own ? config : {}), PULUMI_NODEJS_TYPESCRIPT: String(!own) },
    },
  );
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  if (code !== 0) throw new Error(`the program ended with ${code}: ${errors}`);
  const seconds = (performance.now() - started) / 1000;
  // Microseconds and KiB.
  const usage = JSON.parse(readFileSync(report, "utf8")) as NodeJS.ResourceUsage;
  return { seconds, cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6, peakMiB: usage.maxRSS / 1024 };
}

/** What the language host gives Node for us: `runtime.options.nodeargs` of Pulumi.yaml. */
function nodeArgs(): string[] {
  const project = Project.parse(parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")));
  return project.runtime.options.nodeargs.split(" ");
}

async function configuration(): Promise<Record<string, string>> {
  const parsed = readStack(root, stack);
  if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings));
  const values = Object.entries(parsed.stack.config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const secrets = parsed.stack.kind === "interconnect" ? makeInterconnectSecrets() : await makeSiteSecrets();
  return { ...Object.fromEntries(values), "gyeongbu:secrets": JSON.stringify(secrets) };
}
