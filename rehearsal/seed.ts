import { existingObjects } from "./existing.ts";
import type { Folder } from "./folder.ts";
import { machinesOf } from "./machines.ts";
import type { StackFile } from "./stack-files.ts";
import type { World, WorldObject } from "./world.ts";

/** Puts in the world what is there before Pulumi, once: on-prem machines, jump hosts, clusters that already run. */
export async function seed(world: World, files: readonly StackFile[], folder: Folder): Promise<void> {
  for (const object of await given(files, folder)) {
    if (world.get(object.provider, object.id) === undefined) world.put(object);
  }
}

/** Takes out of the world what `seed` put there. */
export async function unseed(world: World, files: readonly StackFile[], folder: Folder): Promise<void> {
  for (const { provider, id } of await given(files, folder)) world.remove(provider, id);
}

async function given(files: readonly StackFile[], folder: Folder): Promise<WorldObject[]> {
  const sites = files.filter(({ kind }) => kind === "site");
  const objects = sites.map(async (site) =>
    site.spec.platform === "existing" ? existingObjects(folder, site) : machinesOf(site),
  );
  return (await Promise.all(objects)).flat();
}
