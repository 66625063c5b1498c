import { spawnSync } from "node:child_process";
import { constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { quote } from "./cloud-config.ts";
import { Host } from "./host.ts";
import type { Script } from "./sandbox.ts";
import type { ToolResult } from "./tool.ts";
import { linkTools } from "./tool-links.ts";
import { answer } from "./tools/index.ts";

/** Calls of tools that a script may have under way at once. */
const letters = "abcdefghijklmnop".split("");
/** Tools after which other tools may be there, or gone. */
const installers = new Set(["apt", "apt-get", "cloud-init"]);

/**
 * Answers the tools of one script. A tool takes a letter, fills the directory of that name with its call, and waits at a named pipe there
 * for the name of a file with the answer: shell text.
 */
export class CallSlots {
  /** Modelled seconds that the calls have taken so far. */
  seconds = 0;
  readonly #directory: string;
  readonly #script: Script;
  #answers = 0;

  constructor(directory: string, script: Script) {
    this.#directory = directory;
    this.#script = script;
    for (const letter of letters) mkdirSync(join(directory, letter), { recursive: true, mode: 0o700 });
    const { status, stderr } = spawnSync("mkfifo", [
      "-m",
      "600",
      ...letters.map((letter) => join(directory, letter, "done")),
    ]);
    if (status !== 0) throw new Error(`mkfifo: ${String(stderr)}`);
  }

  /** Serves until the script ends: `calls` brings letters of filled slots, `free` hands letters out. */
  serve(calls: Readable | Writable, free: Readable | Writable): void {
    if (!("write" in free)) return;
    free.on("error", () => {});
    calls.on("error", () => {});
    free.write(letters.join(""));
    calls.on("data", (chunk: Buffer) => {
      for (const letter of chunk.toString()) {
        void this.#answer(letter).then(() => free.write(letter));
      }
    });
  }

  async #answer(letter: string): Promise<void> {
    const slot = join(this.#directory, letter);
    const result = await this.#run(slot).catch((error: unknown): ToolResult => {
      const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { code: 70, stderr: `fault of the rehearsal: ${fault}\n` };
    });
    this.seconds += result.seconds ?? 0;
    // The script may have ended meanwhile, and its directory with it.
    if (!existsSync(slot)) return;
    for (const file of readdirSync(slot)) if (file !== "done") rmSync(join(slot, file));
    this.#answers += 1;
    const name = `answer-${this.#answers}`;
    writeFileSync(join(this.#directory, name), shellText(result), { mode: 0o600 });
    await wake(join(slot, "done"), `${name}\n`);
  }

  async #run(slot: string): Promise<ToolResult> {
    const { host, world, urn = "" } = this.#script;
    const words = readFileSync(join(slot, "call"), "utf8").split("\0");
    const [name = "", cwd = "/", user = "root", home = "/root", kubeconfig = "", frontend = "", ...args] = words.slice(
      0,
      -1,
    );
    const read = (file: string): string | undefined => {
      const path = join(slot, file);
      return existsSync(path) ? readFileSync(path, "utf8") : undefined;
    };
    const result = await answer({
      name,
      args,
      cwd,
      user,
      world,
      urn,
      environment: { HOME: home, KUBECONFIG: kubeconfig, DEBIAN_FRONTEND: frontend },
      stdin: read("stdin"),
      received: (path) => read(path === "/dev/stdin" ? "stdin" : path.replaceAll("/", "_")),
      machine: host.machine,
    });
    if (installers.has(name)) linkTools(Host.open(host.machine));
    return result;
  }
}

function shellText({ code, stdout = "", stderr = "", shell = "" }: ToolResult): string {
  const print = (text: string, to: string): string => (text === "" ? "" : `printf %s ${quote(text)}${to}\n`);
  return `${print(stdout, "")}${print(stderr, " >&2")}${shell === "" ? "" : `${shell} || exit 1\n`}exit ${code}\n`;
}

/** Writes into the pipe that the shim reads from, without a thread that would wait for it. */
async function wake(fifo: string, line: string): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    try {
      const pipe = await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
      await pipe.write(line);
      await pipe.close();
      return;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // No reader yet.
      if (code !== "ENXIO") return;
      await sleep(1);
    }
  }
}
