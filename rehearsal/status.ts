import type { Folder } from "./folder.ts";
import { World } from "./world.ts";

/** What a rehearsal holds, in a few lines: how its last run ended, and the number of objects by cloud. */
export function describeFolder(folder: Folder): string {
  if (!folder.exists) return "There is no rehearsal here. `npm start` begins one.";
  const world = World.open(folder.world);
  try {
    const counts = new Map<string, number>();
    for (const { provider } of world.all()) counts.set(provider, (counts.get(provider) ?? 0) + 1);
    const objects = [...counts].map(([provider, count]) => `  ${String(count).padStart(5)} ${provider}`);
    const { state, keep } = folder.status ?? { state: "new", keep: false };
    return [
      folder.root,
      `last run: ${state}${keep ? ", kept for the next start" : ""}`,
      objects.length === 0 ? "the world is empty" : "objects in the world:",
      ...objects,
    ].join("\n");
  } finally {
    world.close();
  }
}
