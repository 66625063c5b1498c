import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "./lock.ts";

/** Longest wait, in seconds, for plugins to finish what they have begun; they themselves stop after 30. */
const patienceSeconds = 45;

/** Tells, in a rehearsal's folder, that this process may change its world. */
export function announcePlugin(root: string): void {
  const folder = path.join(root, "plugins");
  const file = path.join(folder, String(process.pid));
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, "");
  process.on("exit", () => rmSync(file, { force: true }));
}

/** Waits until no plugin of an engine that is gone can change the world any more. Throws when one does not end. */
export async function awaitPlugins(root: string): Promise<void> {
  for (let waited = 0; ; waited += 0.25) {
    const running = runningPlugins(path.join(root, "plugins"));
    if (running.length === 0) return;
    if (waited >= patienceSeconds) throw new Error(`plugins still run: process ${running.join(", ")}; end them`);
    await sleep(250);
  }
}

function runningPlugins(folder: string): number[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.map(Number).filter((pid) => {
    if (isAlive(pid)) return true;
    rmSync(path.join(folder, String(pid)), { force: true });
    return false;
  });
}
