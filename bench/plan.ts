import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

/**
 * `node bench/plan.ts`: seconds and peak memory of `npm run plan` for the shipped stacks, for two sites of 5 to 250 nodes and for 2 to 8
 * sites of 20, each in a process of its own, and how they grow: the slope of log(seconds) over log(size), by least squares.
 */
const root = join(import.meta.dirname, "..");
type Config = Record<string, unknown>;

interface Run {
  readonly seconds: number;
  readonly peakMiB: number;
  readonly verdict: string;
}

print("the shipped stacks", plan(root));
const byNodes = [5, 20, 80, 250].map((nodes) => ({ size: nodes, run: generated(2, nodes) }));
for (const { size, run } of byNodes) print(`${size} nodes x 2 sites`, run);
grows("nodes", byNodes);
const bySites = [2, 4, 8].map((sites) => ({ size: sites, run: generated(sites, 20) }));
for (const { size, run } of bySites) print(`20 nodes x ${size} sites`, run);
grows("sites", bySites);

function print(what: string, { seconds, peakMiB, verdict }: Run): void {
  console.log(
    `${what.padEnd(20)} ${seconds.toFixed(2).padStart(6)} s ${peakMiB.toFixed(0).padStart(5)} MiB  ${verdict}`,
  );
}

function grows(unit: string, points: readonly { readonly size: number; readonly run: Run }[]): void {
  const logs = points.map(({ size, run }) => [Math.log(size), Math.log(run.seconds)] as const);
  const mean = (pick: (point: readonly [number, number]) => number) =>
    logs.reduce((sum, point) => sum + pick(point), 0) / logs.length;
  const [x, y] = [mean(([each]) => each), mean(([, each]) => each)];
  const slope =
    logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  const [first, last] = [points.at(-2), points.at(-1)];
  const end =
    first && last ? Math.log(last.run.seconds / first.run.seconds) / Math.log(last.size / first.size) : Number.NaN;
  console.log(`growth with ${unit}: exponent ${slope.toFixed(2)}, between the last two ${end.toFixed(2)}`);
}

function plan(folder: string): Run {
  const report = join(mkdtempSync(join(tmpdir(), "gyeongbu-")), "peak.json");
  const atExit = `data:text/javascript,import {writeFileSync} from "node:fs"; process.on("exit", () => writeFileSync(${JSON.stringify(report)}, JSON.stringify(process.resourceUsage())))`;
  const before = ["--import", "./components/fast-start/before-sdk.mjs", "--import", atExit];
  const started = performance.now();
  const { stdout, stderr } = spawnSync(process.execPath, [...before, "cli/plan.ts", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const seconds = (performance.now() - started) / 1000;
  // KiB.
  const { maxRSS } = JSON.parse(readFileSync(report, "utf8")) as NodeJS.ResourceUsage;
  rmSync(join(report, ".."), { recursive: true });
  return { seconds, peakMiB: maxRSS / 1024, verdict: stdout.trim().split("\n").at(-1) ?? stderr };
}

/** Alternately AWS and Azure sites, all peers of each other, the first two joined by an interconnect. */
function generated(sites: number, nodes: number): Run {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-"));
  mkdirSync(folder, { recursive: true });
  const shipped = { aws: read("prod-seoul"), azure: read("dr-busan") };
  const names = Array.from({ length: sites }, (_, index) => `site-${index}`);
  for (const [index, name] of names.entries()) {
    const config = structuredClone(index % 2 === 0 ? shipped.aws : shipped.azure);
    const site = record(config["gyeongbu:site"]);
    Object.assign(site, {
      name,
      id: index + 1,
      network: {
        nodes: `10.${10 + index}.0.0/16`,
        pods: `10.${128 + index}.0.0/16`,
        services: `172.${16 + index}.0.0/16`,
      },
      nodePools: pools(site.nodePools, nodes),
    });
    Object.assign(record(site.mesh), { peers: names.filter((other) => other !== name) });
    write(folder, name, config);
  }
  const interconnect = read("interconnect");
  const spec = record(interconnect["gyeongbu:interconnect"]);
  record(spec.aws).site = "site-0";
  record(spec.azure).site = "site-1";
  write(folder, "interconnect", interconnect);
  const run = plan(folder);
  rmSync(folder, { recursive: true });
  return run;
}

/** Three control planes, and workers in pools of at most 200. */
function pools(shipped: unknown, nodes: number): Config[] {
  const [control, app] = Array.isArray(shipped) ? shipped.map(record) : [];
  const workers = nodes - 3;
  const sizes = workers > 200 ? [200, workers - 200] : [workers];
  return [
    { ...control, count: 3, firstSlot: 0 },
    ...sizes.map((count, index) => ({ ...app, name: `app${index}`, count, firstSlot: 4 + index * 200 })),
  ];
}

function read(stack: string): Config {
  return record(record(parse(readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8"))).config);
}

function write(folder: string, stack: string, config: Config): void {
  writeFileSync(join(folder, `Pulumi.${stack}.yaml`), stringify({ config }, { aliasDuplicateObjects: false }));
}

function record(value: unknown): Config {
  if (typeof value !== "object" || value === null)
    throw new Error("a shipped stack file has another shape than this bench expects");
  return value as Config;
}
