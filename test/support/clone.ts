import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/**
 * A clone of the working tree as a stranger has it after `npm ci`: the files git knows, changed or new, and the installed packages. What a
 * test does there never meets a rehearsal of the person who runs the tests.
 */
export class Clone {
  readonly folder = mkdtempSync(join(tmpdir(), "gyeongbu-clone-"));

  constructor() {
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
    for (const file of listed.toString().split("\0").filter(Boolean)) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      cpSync(join(root, file), join(this.folder, file), { force: true });
    }
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
  }

  /** A shell command, with the project's own Node in front as `npm run` has it. `watch` is asked for every argument list of its processes. */
  async run(command: string, watch?: (args: string) => void): Promise<Ran> {
    const child = spawn("bash", ["-c", command], {
      cwd: this.folder,
      env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        output += part;
      });
    }
    const sampler = watch && setInterval(() => argumentsBelow(this.folder).forEach(watch), 100);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    clearInterval(sampler);
    return { code, output };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Arguments of every process that works in the folder or names it. */
function argumentsBelow(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(join("/proc", pid, "cmdline"), "utf8");
        const place = readlinkSync(join("/proc", pid, "cwd"));
        return place.startsWith(folder) || args.includes(folder) ? [args] : [];
      } catch {
        // It ended meanwhile, or is another user's.
        return [];
      }
    });
}
