import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Longest wait for another process, in seconds: a build of the engine on a slow machine, with room. */
const patienceSeconds = 1800;

/** Runs `work` while holding `file`, which names the holder's process. A lock whose holder is gone is taken over. */
export async function withLock<T>(file: string, progress: (line: string) => void, work: () => Promise<T>): Promise<T> {
  for (let waited = 0; !(await take(file)); waited += 1) {
    if (waited >= patienceSeconds)
      throw new Error(`${file} has been held for ${patienceSeconds} s; remove it if nobody works`);
    if (waited % 15 === 0) progress(`waiting for another run that holds ${file}`);
    await sleep(1000);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const holder = Number(await readFile(file, "utf8").catch(() => ""));
  // Empty: just being written, or gone again; the next attempt tells.
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
  return false;
}

/** Whether a process of this id runs on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
