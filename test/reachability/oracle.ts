import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Finds, or builds, the program of `tools/policy-oracle`, which answers reachability requests with Cilium's own policy code. */

const sources = join(import.meta.dirname, "../../tools/policy-oracle");
const files = readdirSync(sources).filter((file) => /\.go$|^go\.(mod|sum)$/.test(file));

/** The release of Cilium that decides: the one that go.mod pins. */
export const oracleVersion =
  /cilium\/cilium v(\S+)/.exec(readFileSync(join(sources, "go.mod"), "utf8"))?.[1] ?? "unknown";

/** Tells one state of the sources from another; a program in the cache is used only if it was built from these. */
const digest = files
  .toSorted()
  .reduce((hash, file) => hash.update(file).update(readFileSync(join(sources, file))), createHash("sha256"))
  .digest("hex")
  .slice(0, 12);
const program = `policy-oracle-${oracleVersion}-${digest}`;

const searched = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/go/bin"];
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "gyeongbu/bin");

function find(name: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

/** Where the program is; it is built where it is missing (some three minutes on two cores, once). Undefined without Go. */
export async function oraclePath(): Promise<string | undefined> {
  const found = find(program, [...searched, cache]);
  const go = find("go", searched);
  if (found !== undefined || go === undefined) return found;
  mkdirSync(cache, { recursive: true });
  const path = join(cache, program);
  const partial = `${path}.${process.pid}`;
  console.warn(`building ${path}`);
  await promisify(execFile)(go, ["build", "-mod=readonly", "-trimpath", "-ldflags=-s", "-o", partial, "."], {
    cwd: sources,
    env: { ...process.env, CGO_ENABLED: "0" },
  });
  // Earlier states of the sources are of no use any more.
  const earlier = readdirSync(cache).filter((file) => /^policy-oracle-[\d.]+-[\da-f]{12}$/.test(file));
  for (const file of earlier) rmSync(join(cache, file), { force: true });
  renameSync(partial, path);
  return path;
}

/** A running oracle: one question at a time or many, answers in order. */
export class Oracle {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void }[] = [];
  #errors = "";

  constructor(path: string) {
    this.#process = spawn(path, ["--lines"]);
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#process.stderr.on("data", (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-2_000);
    });
    this.#process.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`policy-oracle ended: ${this.#errors}`));
    });
  }

  async answer(request: unknown): Promise<unknown> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    });
    return JSON.parse(line);
  }

  stop(): void {
    this.#process.stdin.end();
  }
}
