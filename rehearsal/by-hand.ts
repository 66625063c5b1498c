import { access, constants } from "node:fs/promises";
import path from "node:path";
import { findEngine, type Progress } from "./engine.ts";
import { checkout, Folder } from "./folder.ts";
import { seed } from "./seed.ts";
import { readStackFiles } from "./stack-files.ts";
import { World } from "./world.ts";

/**
 * Shell commands that turn the plain CLI in this shell into one that works on a rehearsal of its own: `eval` them, then
 * type `pulumi` as against the real clouds. The world holds what a project's stack files say was there before.
 */
export async function shellEnvironment(projectFolder: string, speed: number, progress: Progress): Promise<string> {
  const engine = await findEngine(progress);
  const folder = new Folder(projectFolder, "by-hand");
  folder.prepare();
  const world = World.open(folder.world);
  await seed(world, readStackFiles(projectFolder), folder);
  world.close();
  const folders = [path.join(checkout, "rehearsal", "providers"), ...(await languageHost(engine))];
  const search = [...folders, path.join(checkout, "node_modules", ".bin"), path.join(engine, "bin")];
  const { PATH: _, ...environment } = folder.environment(engine, speed);
  return [
    // A passphrase of the user's own would win over the rehearsal's file.
    "unset PULUMI_CONFIG_PASSPHRASE",
    `export PATH=${quote(search.join(path.delimiter))}:"$PATH"`,
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`),
  ].join("\n");
}

/** Our host's folder, unless the official one lies beside the engine or on PATH. */
async function languageHost(engine: string): Promise<string[]> {
  const folders = [path.join(engine, "bin"), ...(process.env.PATH ?? "").split(path.delimiter)];
  for (const folder of folders) {
    const official = await access(path.join(folder, "pulumi-language-nodejs"), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (official) return [];
  }
  return [path.join(checkout, "rehearsal", "bin")];
}

/** A word that a POSIX shell takes literally. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
