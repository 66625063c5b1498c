import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Folder } from "./folder.ts";
import { isAlive } from "./lock.ts";
import type { DeployedResource, Deployment, RehearsedStack } from "./stacks.ts";
import type { World, WorldObject } from "./world.ts";

/** Longest wait, in seconds, for an engine whose caller is gone to notice and end. */
const enginePatience = 30;

/** What a recovery did to one stack. */
export interface Recovery {
  readonly stack: string;
  /** Resources that existed in the world and not in the state. */
  readonly adopted: readonly string[];
  /** Operations that had begun and left nothing behind. */
  readonly cleared: readonly string[];
}

/**
 * Makes a stack whose engine was killed usable again: removes the lock, takes what was made into the state, forgets what
 * was not, and removes halves of objects. `undefined` when there is nothing to recover.
 */
export async function recover(stack: RehearsedStack, folder: Folder, world: World): Promise<Recovery | undefined> {
  const locked = await releaseLock(stack, folder);
  const before = await stack.export();
  if (!locked && before.pending.length === 0) return undefined;
  const { adopted, abandoned } = matchLeftovers(before, world.all());
  await stack.adopt(adopted);
  for (const { provider, id } of abandoned) world.remove(provider, id);
  const urns = adopted.map(({ urn }) => urn);
  const cleared = before.pending.map(({ resource }) => resource.urn).filter((urn) => !urns.includes(urn));
  return { stack: stack.name, adopted: urns, cleared };
}

/**
 * What to do with the creations that were under way: resources whose object was made, to be taken into the state, and
 * objects to be removed, since nothing whole was made or the state still holds the resource that was to be replaced.
 */
export function matchLeftovers(
  { resources, pending }: Deployment,
  objects: readonly WorldObject[],
): { adopted: DeployedResource[]; abandoned: WorldObject[] } {
  const held = new Map(resources.map(({ urn, id }) => [urn, id]));
  const adopted: DeployedResource[] = [];
  const abandoned: WorldObject[] = [];
  for (const { type, resource } of pending) {
    if (type !== "creating") continue;
    const made = objects.filter(({ urn }) => urn === resource.urn);
    const main = made.find((object) => object.type === resource.type && object.id !== held.get(resource.urn));
    const isReplacement = held.has(resource.urn);
    if (main !== undefined && !isReplacement) {
      adopted.push({ ...resource, id: main.id });
    } else if (isReplacement) {
      // What the old resource brought along has its URN too: only the new object itself is surely nobody's.
      if (main !== undefined) abandoned.push(main);
    } else {
      abandoned.push(...made);
    }
  }
  return { adopted, abandoned };
}

/** Objects of the world that were made for a resource which no state knows. */
export function findOrphans(objects: readonly WorldObject[], deployments: readonly Deployment[]): WorldObject[] {
  const known = new Set(deployments.flatMap(({ resources }) => resources.map(({ urn }) => urn)));
  return objects.filter(({ urn }) => urn !== "" && !known.has(urn));
}

/** Removes the lock of an engine that is gone; waits for one that still runs. Tells whether there was a lock. */
async function releaseLock(stack: RehearsedStack, folder: Folder): Promise<boolean> {
  const locks = locksOf(stack.name, folder);
  if (locks.length === 0) return false;
  for (let waited = 0; locks.some(({ pid }) => isAlive(pid)); waited += 1) {
    if (waited < enginePatience) await sleep(1000);
    else
      throw new Error(
        `stack ${stack.name} is in use by process ${locks.map(({ pid }) => pid).join(", ")}; wait for it or end it`,
      );
  }
  await stack.cancel();
  // An engine that ended meanwhile removed its own; one that was killed while it wrote the lock left half a file.
  for (const { file } of locks) rmSync(file, { force: true });
  return true;
}

/** Whether an engine left the stack locked: it works on it, or was killed. */
export function isLocked(stack: string, folder: Folder): boolean {
  return locksOf(stack, folder).length > 0;
}

/** The file backend keeps `locks/organization/<project>/<stack>/<uuid>.json` with the holder's process id. */
function locksOf(stack: string, folder: Folder): { file: string; pid: number }[] {
  const root = path.join(folder.root, "state", ".pulumi", "locks");
  let files: string[];
  try {
    files = readdirSync(root, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith(".json") && path.basename(path.dirname(file)) === stack)
    .map((name) => {
      const file = path.join(root, name);
      const pid = /"pid":\s*(\d+)/.exec(readFileSync(file, "utf8"))?.[1];
      return { file, pid: Number(pid ?? 0) };
    });
}
