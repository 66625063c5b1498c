import { awaitPlugins } from "./plugin-registry.ts";
import { Board } from "./progress.ts";
import { recover } from "./recover.ts";
import { type Rehearsal, Session, throwFailures } from "./run.ts";
import { unseed } from "./seed.ts";
import type { RehearsedStack } from "./stacks.ts";
import type { WorldObject } from "./world.ts";

/**
 * Destroys every stack with the engine, what needs others first, and takes what was there before Pulumi out of the world.
 * Returns what is left: nothing, when all is well.
 */
export async function destroyAll(rehearsal: Rehearsal, say: (line: string) => void): Promise<WorldObject[]> {
  const { folder } = rehearsal;
  const session = await Session.open(rehearsal, say);
  try {
    folder.status = { state: "running", pid: process.pid, keep: false };
    await awaitPlugins(folder.root);
    await Promise.all(session.stacks.map((stack) => recover(stack, folder, session.world)));
    say("Protection is taken off first: in a real account, `pulumi state unprotect` is a decision of its own.");
    await destroyStacks(session);
    await unseed(session.world, session.files, folder);
    const left = session.world.all();
    folder.status = { state: left.length === 0 ? "finished" : "failed", pid: process.pid, keep: false };
    return left;
  } finally {
    session.close();
  }
}

async function destroyStacks({ rehearsal, stacks }: Session): Promise<void> {
  const board = new Board(
    rehearsal.screen,
    stacks.map(({ name }) => name),
  );
  const joins = (stack: RehearsedStack): boolean => stack.file.kind === "interconnect";
  try {
    for (const wave of [stacks.filter(joins), stacks.filter((stack) => !joins(stack))]) {
      const outcomes = await Promise.all(
        wave.map(async (stack) => {
          board.start(stack.name);
          const outcome = await stack.destroy((event) => board.observe(stack.name, event));
          board.finish(stack.name, outcome.succeeded);
          return [stack.name, outcome] as const;
        }),
      );
      throwFailures(new Map(outcomes), wave);
    }
  } finally {
    board.close();
  }
}
