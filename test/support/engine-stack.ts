import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import { findEngine } from "../../rehearsal/engine.ts";
import { checkout, Folder } from "../../rehearsal/folder.ts";
import { World } from "../../rehearsal/world.ts";

/** Milliseconds: a machine without the engine builds it once. */
export const engineLimit = 1_800_000;

/** One stack of an inline program on the real engine, with one stand-in provider and a world of its own. */
export class EngineStack {
  readonly stack: Stack;
  readonly #base: string;
  readonly #folder: Folder;

  static async open(provider: string, program: PulumiFn): Promise<EngineStack> {
    const base = mkdtempSync(join(tmpdir(), `gyeongbu-${provider}-`));
    const folder = new Folder(provider, "run", base);
    folder.prepare();
    const engine = await findEngine(() => {});
    const plugin = { name: provider, path: join(checkout, "rehearsal", "providers") };
    // The SDK's type leaves out `plugins`, which the engine reads.
    const settings = { name: provider, runtime: "nodejs" as const, plugins: { providers: [plugin] } };
    const stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: provider, program },
      {
        workDir: folder.project,
        pulumiCommand: await PulumiCommand.get({ root: engine, skipVersionCheck: true }),
        projectSettings: settings,
        envVars: folder.environment(engine, 6000),
      },
    );
    return new EngineStack(stack, base, folder);
  }

  private constructor(stack: Stack, base: string, folder: Folder) {
    this.stack = stack;
    this.#base = base;
    this.#folder = folder;
  }

  inWorld<T>(look: (world: World) => T): T {
    const world = World.open(this.#folder.world);
    try {
      return look(world);
    } finally {
      world.close();
    }
  }

  /** Files of the rehearsal that hold the text: state, world, logs, the engine's own folder. */
  filesWith(text: string): string[] {
    return readdirSync(this.#folder.root, { recursive: true, encoding: "utf8" })
      .map((file) => join(this.#folder.root, file))
      .filter((file) => statSync(file).isFile() && readFileSync(file, "latin1").includes(text));
  }

  close(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}

/** What an operation failed with; empty when it did not. */
export async function errorOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
