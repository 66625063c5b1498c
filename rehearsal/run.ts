import path from "node:path";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { registerStackTransformation } from "@pulumi/pulumi/runtime/index.js";
import { nameOf } from "./critical-path.ts";
import { findEngine, type Progress } from "./engine.ts";
import { StackFailure } from "./failure.ts";
import { checkout, type Folder } from "./folder.ts";
import { withGatewayBundle } from "./gateway-api.ts";
import { isAlive } from "./lock.ts";
import { awaitPlugins } from "./plugin-registry.ts";
import { Board, type Screen } from "./progress.ts";
import { findOrphans, isLocked, recover } from "./recover.ts";
import { type Report, reportStack, type StackReport } from "./report.ts";
import { seed } from "./seed.ts";
import { readStackFiles, type StackFile } from "./stack-files.ts";
import { type MakeSecrets, type Outcome, RehearsedStack, type Setting } from "./stacks.ts";
import { stateProblems } from "./verify/resources.ts";
import { verifyWorld } from "./verify/world.ts";
import { World } from "./world.ts";

/** What is rehearsed, and with what. */
export interface Rehearsal {
  /** Folder of the stack files. */
  readonly projectFolder: string;
  /** Modelled seconds per wall second. */
  readonly speed: number;
  /** Only these stacks; empty for all. */
  readonly only: readonly string[];
  readonly screen: Screen;
  /** The program of every stack. */
  readonly program: PulumiFn;
  readonly providers: Setting["providers"];
  readonly makeSecrets: MakeSecrets;
  readonly folder: Folder;
}

/** The plugins that have a stand-in; each has an executable in `rehearsal/providers`. */
export const standIns: Setting["providers"] = ["aws", "azure-native", "command", "kubernetes"].map((name) => ({
  name,
  path: path.join(checkout, "rehearsal", "providers"),
}));

/** An open rehearsal: the stacks, the world they are built in, and how to run them. */
export class Session {
  readonly rehearsal: Rehearsal;
  readonly files: readonly StackFile[];
  readonly stacks: readonly RehearsedStack[];
  readonly world: World;
  readonly engine: string;

  private constructor(
    rehearsal: Rehearsal,
    files: readonly StackFile[],
    stacks: readonly RehearsedStack[],
    world: World,
    engine: string,
  ) {
    this.rehearsal = rehearsal;
    this.files = files;
    this.stacks = stacks;
    this.world = world;
    this.engine = engine;
  }

  /** Finds the engine, opens the world with what was there before Pulumi, and opens every stack. */
  static async open(rehearsal: Rehearsal, progress: Progress): Promise<Session> {
    const { folder, projectFolder, providers, speed } = rehearsal;
    const files = readStackFiles(projectFolder, rehearsal.only);
    const engine = await findEngine(progress);
    folder.prepare();
    const environment = folder.environment(engine, speed);
    // The program looks at these, as it would under the plain CLI; a passphrase of the user's own would win over the file.
    process.env.PULUMI_BACKEND_URL = environment.PULUMI_BACKEND_URL;
    // Hosts' file systems lie beside the world.
    process.env.GYEONGBU_WORLD = environment.GYEONGBU_WORLD;
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    process.chdir(checkout);
    const world = World.open(folder.world);
    await seed(world, files, folder);
    const bundled = files.map((file) => withGatewayBundle(file, folder, progress));
    const located = bundled.map((file) => ({
      ...file,
      config: { ...file.config, "gyeongbu:folder": path.relative(checkout, projectFolder) || "." },
    }));
    const setting: Setting = { folder, projectFolder, engine, environment, providers };
    const stacks = await RehearsedStack.open(located, setting, rehearsal.makeSecrets);
    return new Session(rehearsal, files, stacks, world, engine);
  }

  close(): void {
    this.world.close();
  }

  /** Runs `up` on these stacks in the order of what they need of each other: sites and entry together, then the interconnect. Stops after a wave with a failure. */
  async up(stacks: readonly RehearsedStack[] = this.stacks): Promise<Map<string, Outcome>> {
    const board = new Board(
      this.rehearsal.screen,
      stacks.map(({ name }) => name),
    );
    const outcomes = new Map<string, Outcome>();
    const joins = (stack: RehearsedStack): boolean => stack.file.kind === "interconnect";
    try {
      for (const wave of [stacks.filter((stack) => !joins(stack)), stacks.filter(joins)]) {
        await Promise.all(
          wave.map(async (stack) => {
            board.start(stack.name);
            const program: PulumiFn = () => {
              registerStackTransformation(() => {
                board.declared(stack.name);
                return undefined;
              });
              return this.rehearsal.program();
            };
            const outcome = await stack.up(program, (event) => board.observe(stack.name, event));
            board.finish(stack.name, outcome.succeeded);
            outcomes.set(stack.name, outcome);
          }),
        );
        if ([...outcomes.values()].some(({ succeeded }) => !succeeded)) break;
      }
    } finally {
      board.close();
    }
    return outcomes;
  }

  /** Modelled seconds of the last creation of each resource. */
  creationSeconds(): Map<string, number> {
    const creations = this.world.timings().filter(({ operation }) => operation === "create");
    return new Map(creations.map(({ urn, seconds }) => [urn, seconds]));
  }
}

/** Brings all stacks up, twice, and tells what happened. Throws `StackFailure` when one fails. */
export async function rehearse(rehearsal: Rehearsal, keep: boolean): Promise<Report> {
  const { folder, screen } = rehearsal;
  const say: Progress = (line) => void screen.write(`${line}\n`);
  const started = performance.now();
  const resumed = beginFolder(folder, keep, say);
  const session = await Session.open(rehearsal, say);
  try {
    folder.status = { state: "running", pid: process.pid, keep };
    if (resumed) {
      await awaitPlugins(folder.root);
      const recoveries = session.stacks.map((stack) => recover(stack, folder, session.world));
      for (const recovery of await Promise.all(recoveries)) describe(recovery, say);
    }
    say("First up: everything is made.");
    const first = await session.up();
    throwFailures(first, session.stacks);
    const verdict = verifyWorld(session.world, session.files);
    for (const line of verdict.lines) say(line);
    if (verdict.problems.length > 0)
      say(`${verdict.problems.length} thing(s) are wrong with what was made; the end lists them.`);
    say("\nSecond up: nothing may change.");
    const second = await session.up();
    throwFailures(second, session.stacks);
    const seconds = (performance.now() - started) / 1000;
    const report = await makeReport(session, first, second, verdict.problems, seconds);
    folder.status = { state: "finished", pid: process.pid, keep };
    return report;
  } catch (error) {
    // A stack that is still locked has lost its engine: the next start recovers it.
    const killed = session.stacks.some(({ name }) => isLocked(name, folder));
    folder.status = { state: killed ? "running" : "failed", pid: killed ? 0 : process.pid, keep };
    if (killed) say("The engine was killed. Run the same command again: it goes on from here.");
    throw error;
  } finally {
    session.close();
  }
}

/** Decides whether a start goes on with the world that is there. */
function beginFolder(folder: Folder, keep: boolean, say: Progress): boolean {
  const status = folder.status;
  if (status?.state === "running" && isAlive(status.pid) && status.pid !== process.pid && status.pid !== 0) {
    throw new Error(`process ${status.pid} is at this rehearsal already; wait for it or end it`);
  }
  const resumes = folder.exists && (status?.state === "running" || status?.keep === true || keep);
  if (!resumes) folder.remove();
  else if (status?.state === "running") say("The last run was cut short: recovering it.");
  else say("Going on with the world of the last run.");
  return resumes;
}

function describe(recovery: Awaited<ReturnType<typeof recover>>, say: Progress): void {
  if (recovery === undefined) return;
  const { stack, adopted, cleared } = recovery;
  say(`${stack}: lock removed, ${adopted.length} resource(s) taken over, ${cleared.length} operation(s) forgotten`);
  for (const urn of adopted) say(`  taken over: ${nameOf(urn)}`);
}

async function makeReport(
  session: Session,
  first: ReadonlyMap<string, Outcome>,
  second: ReadonlyMap<string, Outcome>,
  network: readonly string[],
  wallSeconds: number,
): Promise<Report> {
  const seconds = session.creationSeconds();
  const deployments = await Promise.all(session.stacks.map((stack) => stack.export()));
  const stacks = session.stacks.map(({ file }, index): StackReport => {
    const resources = deployments[index]?.resources ?? [];
    const changes = second.get(file.name)?.changes ?? [];
    return reportStack(file, resources, seconds, first.get(file.name)?.seconds ?? 0, changes);
  });
  const orphans = findOrphans(session.world.all(), deployments).map(({ type, id, urn }) => `${type} ${id} ${urn}`);
  const held = session.stacks.flatMap(({ name }, index) => stateProblems(name, deployments[index]?.resources ?? []));
  const problems = [...network, ...held];
  return { engine: session.engine, speed: session.rehearsal.speed, wallSeconds, stacks, orphans, problems };
}

/** Throws when an outcome is a failure or a stack has none. */
export function throwFailures(outcomes: ReadonlyMap<string, Outcome>, stacks: readonly RehearsedStack[]): void {
  const skipped = stacks.filter(({ name }) => !outcomes.has(name)).map(({ name }) => name);
  const failed = [...outcomes.values()].some(({ succeeded }) => !succeeded);
  if (failed || skipped.length > 0) throw new StackFailure(outcomes, skipped);
}
