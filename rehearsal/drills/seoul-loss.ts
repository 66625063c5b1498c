import { criticalPath } from "../critical-path.ts";
import { StackFailure } from "../failure.ts";
import { alignColumns, duration } from "../report.ts";
import type { Session } from "../run.ts";
import type { RehearsedStack } from "../stacks.ts";
import type { OutageMode } from "../world.ts";

const lost = "prod-seoul";
const survivor = "dr-busan";

/** Wall seconds that one step may take unless the caller says otherwise: what waits for a dead site waits forever, so any generous bound tells. */
const generousSeconds = 90;

/** One thing done during the drill. */
export interface DrillStep {
  readonly name: string;
  readonly wallSeconds: number;
  /** Seconds that the step would take against the real clouds. */
  readonly modelledSeconds: number;
  /** Resources that were not left as they were. */
  readonly changes: number;
}

/**
 * Loses Seoul's region, hosts and API, once so that calls hang and once so that they are refused; switches the entry to
 * Busan and runs Busan's own `up` meanwhile; heals and fails back. Throws when a step fails or exceeds its limit.
 */
export async function drillSeoulLoss(
  session: Session,
  say: (line: string) => void,
  limitSeconds = generousSeconds,
): Promise<DrillStep[]> {
  const entry = await built(session, "entry");
  const site = await built(session, survivor);
  const seoul = await built(session, lost);
  const region = seoul.file.spec.region;
  const places = [lost, ...(typeof region === "string" ? [region] : [])];
  const serve = (active: string): void =>
    entry.reconfigure({ "gyeongbu:entry": { ...entry.file.spec, activeSite: active } });
  const steps: DrillStep[] = [];
  const step = async (name: string, stack: RehearsedStack): Promise<void> => {
    say(name);
    steps.push(await timedUp(session, name, stack, limitSeconds));
  };
  const modes: readonly OutageMode[] = ["hang", "refuse"];
  try {
    for (const mode of modes) {
      for (const place of places) session.world.breakPlace(place, mode);
      const calls = mode === "hang" ? "calls hang" : "calls are refused";
      if (mode === "refuse") await expectUnreachable(seoul);
      serve(survivor);
      await step(`Seoul lost (${calls}): entry to ${survivor}`, entry);
      await step(`Seoul lost (${calls}): up of ${survivor}`, site);
      steps.push(await timedRead(`Seoul lost (${calls}): all of ${survivor} read`, site, limitSeconds));
      for (const place of places) session.world.heal(place);
      serve(lost);
      await step(`Seoul back: entry to ${lost}`, entry);
    }
  } finally {
    for (const place of places) session.world.heal(place);
    serve(String(entry.file.spec.activeSite));
  }
  await step("Seoul back: up of all it owns", seoul);
  return steps;
}

/** The drill's steps as a table. */
export function renderSteps(steps: readonly DrillStep[]): string {
  const rows = steps.map(({ name, wallSeconds, modelledSeconds, changes }) => [
    name,
    `${wallSeconds.toFixed(1)} s`,
    duration(modelledSeconds),
    String(changes),
  ]);
  return alignColumns([["step", "wall", "modelled", "changes"], ...rows]);
}

async function built({ stacks }: Session, name: string): Promise<RehearsedStack> {
  const stack = stacks.find((candidate) => candidate.name === name);
  if (stack === undefined) throw new Error(`the drill needs stack ${name}; there is no Pulumi.${name}.yaml`);
  if ((await stack.export()).resources.length > 0) return stack;
  throw new Error(`the drill needs stack ${name} up; run npm start first`);
}

/** A drill against a site that still answers would prove nothing. */
async function expectUnreachable(stack: RehearsedStack): Promise<void> {
  const reached = await readAll(stack).then(
    () => true,
    () => false,
  );
  if (reached) throw new Error(`${stack.name} is lost, yet the engine could read it`);
}

/** Asks the clouds for every resource of a stack, as a refresh does, and keeps nothing of the answer. */
function readAll(stack: RehearsedStack, signal?: AbortSignal): Promise<string> {
  return stack.pulumi(["refresh", "--preview-only", "--stack", stack.name], "", signal);
}

/** Shows that everything of the stack can be reached, which an `up` without changes does not. */
async function timedRead(name: string, stack: RehearsedStack, limitSeconds: number): Promise<DrillStep> {
  const started = performance.now();
  const limit = AbortSignal.timeout(limitSeconds * 1000);
  await readAll(stack, limit).catch((error: unknown) => {
    throw limit.aborted ? tooLong(name, limitSeconds) : error;
  });
  return { name, wallSeconds: (performance.now() - started) / 1000, modelledSeconds: 0, changes: 0 };
}

function tooLong(name: string, limitSeconds: number): Error {
  return new Error(`${name}: not done after ${limitSeconds} s; something waits for the lost site`);
}

async function timedUp(
  session: Session,
  name: string,
  stack: RehearsedStack,
  limitSeconds: number,
): Promise<DrillStep> {
  const before = session.world.timings().length;
  const limit = AbortSignal.timeout(limitSeconds * 1000);
  const outcome = await stack.up(session.rehearsal.program, () => {}, limit);
  if (limit.aborted) throw tooLong(name, limitSeconds);
  if (!outcome.succeeded) throw new StackFailure(new Map([[stack.name, outcome]]), []);
  const spent = new Map(
    session.world
      .timings()
      .slice(before)
      .map(({ urn, seconds }) => [urn, seconds]),
  );
  const { resources } = await stack.export();
  const modelledSeconds = criticalPath(resources, spent).seconds;
  return { name, wallSeconds: outcome.seconds, modelledSeconds, changes: outcome.changes.length };
}
