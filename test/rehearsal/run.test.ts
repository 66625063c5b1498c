import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DrillStep } from "../../rehearsal/drills/seoul-loss.ts";
import { findEngine } from "../../rehearsal/engine.ts";
import { Folder } from "../../rehearsal/folder.ts";
import type { Report } from "../../rehearsal/report.ts";
import { World } from "../../rehearsal/world.ts";

/** Milliseconds: a machine without the engine builds it once. */
const engineLimit = 1_800_000;
const runLimit = 120_000;

type Command = "start" | "destroy" | "drill";

let base = "";
let project = "";
const children: ChildProcess[] = [];

beforeAll(async () => {
  await findEngine(() => {});
}, engineLimit);
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** A copy of the fake project whose stack files a test may change. */
function begin(stacks: "project" | "drill"): void {
  base = mkdtempSync(path.join(tmpdir(), "gyeongbu-run-"));
  project = path.join(base, "stacks");
  cpSync(path.join(import.meta.dirname, "fake", stacks), project, { recursive: true });
}
function end(): void {
  rmSync(base, { recursive: true, force: true });
}

function start(command: Command): {
  child: ChildProcess;
  text: () => string;
  code: Promise<number | null>;
} {
  const script = path.join(import.meta.dirname, "fake", "cli.ts");
  const child = spawn(process.execPath, [script, command, project, base], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  return {
    child,
    text: () => text,
    code: once(child, "close").then(([code]) => (typeof code === "number" ? code : null)),
  };
}

async function run(command: Command): Promise<{ code: number | null; text: string }> {
  const { text, code } = start(command);
  return { code: await code, text: text() };
}

const folder = (): Folder => new Folder(project, "run", base);
const report = (): Report => JSON.parse(readFileSync(path.join(base, "report.json"), "utf8"));

function inWorld<T>(look: (world: World) => T): T {
  const world = World.open(folder().world);
  try {
    return look(world);
  } finally {
    world.close();
  }
}

/** Waits until `look` is true; fails the test by its own time limit otherwise. */
async function until(look: () => boolean): Promise<void> {
  while (!look()) await sleep(100);
}

/** The engine's process on a stack, from its lock. */
function engineOf(stack: string): number | undefined {
  const locks = path.join(folder().root, "state", ".pulumi", "locks", "organization", "gyeongbu", stack);
  try {
    const [file] = readdirSync(locks);
    const lock = file === undefined ? "" : readFileSync(path.join(locks, file), "utf8");
    return Number(/"pid":\s*(\d+)/.exec(lock)?.[1] ?? Number.NaN) || undefined;
  } catch {
    return undefined;
  }
}

function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((file) => path.join(root, file))
    .filter((file) => statSync(file).isFile());
}

describe("a rehearsal of four stacks", { timeout: runLimit }, () => {
  beforeAll(() => begin("project"));
  afterAll(end);

  it("makes everything once and changes nothing the second time", async () => {
    const { code, text } = await run("start");
    expect(text).toContain("Second up");
    expect(code).toBe(0);
    const { stacks, orphans } = report();
    expect(orphans).toEqual([]);
    expect(stacks.map(({ name }) => name)).toEqual(["beta", "alpha", "joint", "gate"]);
    expect(stacks.map(({ created, secondRunChanges }) => [created, secondRunChanges])).toEqual(Array(4).fill([5, 0]));
    // Four things of 60 s in a chain.
    expect(stacks.map(({ modelledSeconds }) => modelledSeconds)).toEqual([240, 240, 240, 240]);
    expect(inWorld((world) => world.all().length)).toBe(16);
  });

  it("begins the interconnect after the sites", () => {
    const created = inWorld((world) => world.timings()).map(({ urn }) => urn.split(":")[2]);
    expect(created.indexOf("joint")).toBeGreaterThan(created.lastIndexOf("alpha"));
    expect(created.indexOf("joint")).toBeGreaterThan(created.lastIndexOf("beta"));
  });

  it("keeps the secret's bytes out of every file", () => {
    const holding = filesBelow(folder().root).filter((file) => readFileSync(file).includes("swordfish-4711"));
    expect(holding).toEqual([]);
  });

  it("destroys protected things too and leaves an empty world", async () => {
    const { code, text } = await run("destroy");
    expect(text).toContain("left: 0");
    expect(code).toBe(0);
    expect(inWorld((world) => world.all())).toEqual([]);
  });
});

describe("a rehearsal that goes wrong", { timeout: runLimit }, () => {
  beforeAll(() => begin("project"));
  afterAll(end);

  it("tells which resource was refused and why, and starts anew the next time", async () => {
    const file = path.join(project, "Pulumi.beta.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace("size: 1", "size: 10"));
    const { code, text } = await run("start");
    expect(code).toBe(1);
    expect(text).toContain("beta failed:\n  thing-0: QuotaExceeded: size 10 is above 9");
    expect(text).toContain("joint was not begun");
    expect(folder().status?.state).toBe("failed");
  });

  it("says so when the second up changes something", async () => {
    const file = path.join(project, "Pulumi.beta.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("size: 10", "size: 1\n    restless: true"));
    expect((await run("start")).code).toBe(0);
    const beta = report().stacks.find(({ name }) => name === "beta");
    expect(beta?.secondRunChanges).toBe(4);
    expect(beta?.changed[0]).toMatch(/^update urn:.*thing-0$/);
  });
});

describe("an engine that is killed in the middle of up", { timeout: runLimit }, () => {
  beforeAll(() => begin("project"));
  afterAll(end);

  it("leaves a thing that the next start takes over, and no orphan", async () => {
    folder().prepare();
    // Things are made, and nobody hears of it: what the worst moment of a kill looks like.
    inWorld((world) => world.breakPlace("answers", "hang"));
    folder().status = { state: "running", pid: 0, keep: false };
    const first = start("start");
    await until(() => inWorld((world) => world.all().filter(({ urn }) => urn.includes(":alpha:")).length) === 1);
    const engines = ["alpha", "beta", "gate"].map(engineOf);
    for (const pid of engines) if (pid !== undefined) process.kill(pid, "SIGKILL");
    expect(await first.code).toBe(1);
    expect(first.text()).toContain("the engine was killed by SIGKILL");
    expect(folder().status?.state).toBe("running");

    inWorld((world) => world.heal("answers"));
    const { code, text } = await run("start");
    expect(text).toContain("alpha: lock removed, 1 resource(s) taken over");
    expect(code).toBe(0);
    const { stacks, orphans } = report();
    expect(orphans).toEqual([]);
    expect(stacks.every(({ secondRunChanges }) => secondRunChanges === 0)).toBe(true);
    expect(inWorld((world) => world.all().length)).toBe(16);
    expect(inWorld((world) => world.get("fake", "thing-1"))?.properties.name).toBe("thing-0");
  });
});

describe("a place that is down", { timeout: runLimit }, () => {
  beforeAll(() => begin("project"));
  afterAll(end);

  it("refuses what needs it, at once, and nothing else", async () => {
    folder().prepare();
    inWorld((world) => world.breakPlace("r2", "refuse"));
    folder().status = { state: "running", pid: 0, keep: false };
    const { code, text } = await run("start");
    expect(code).toBe(1);
    expect(text).toContain("r2 does not answer: connection refused");
    expect(text).toContain("beta failed");
    expect(text).not.toContain("alpha failed");
    expect(text).not.toContain("gate failed");
  });
});

describe("the drill that loses Seoul", { timeout: runLimit }, () => {
  beforeAll(() => begin("drill"));
  afterAll(end);
  const busan = (): string => path.join(project, "Pulumi.dr-busan.yaml");

  it("refuses to begin before the stacks are up", async () => {
    folder().prepare();
    expect((await run("drill")).text).toContain("needs stack entry up; run npm start first");
  });

  it("switches to Busan while Seoul hangs and while it refuses, and fails back", async () => {
    expect((await run("start")).code).toBe(0);
    const { code, text } = await run("drill");
    expect(text).toContain("Seoul lost (calls hang): entry to dr-busan");
    expect(code).toBe(0);
    const steps: DrillStep[] = JSON.parse(readFileSync(path.join(base, "steps.json"), "utf8"));
    expect(steps.map(({ changes }) => changes)).toEqual([1, 0, 0, 1, 1, 0, 0, 1, 0]);
    // An update in the fake cloud takes 30 s.
    expect(steps.map(({ modelledSeconds }) => modelledSeconds)).toEqual([30, 0, 0, 30, 30, 0, 0, 30, 0]);
    expect(inWorld((world) => world.outage("ap-northeast-2"))).toBeUndefined();
  });

  it("fails, and heals the world, when Busan's own up waits for Seoul", async () => {
    const text = readFileSync(busan(), "utf8");
    writeFileSync(busan(), text.replace("region: koreasouth", "region: ap-northeast-2").replace("size: 1", "size: 2"));
    const { code, text: output } = await run("drill");
    expect(code).toBe(1);
    expect(output).toContain("up of dr-busan: not done after 10 s; something waits for the lost site");
    expect(inWorld((world) => world.outage("ap-northeast-2"))).toBeUndefined();
  });
});
