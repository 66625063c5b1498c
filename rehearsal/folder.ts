import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The checkout: stand-ins, language host and the default stack files lie below it. */
export const checkout = path.dirname(import.meta.dirname);

/** Where a rehearsal keeps everything of its own; nothing is written elsewhere but the engine's cache. */
export class Folder {
  readonly root: string;
  readonly world: string;
  /** Pulumi.yaml and stack files of the rehearsal, with the secrets it made up. */
  readonly project: string;
  readonly passphrase: string;
  readonly #status: string;

  /** `owner` tells rehearsals of one project apart: `run` for `npm start`, `by-hand` for the plain CLI. */
  constructor(projectFolder: string, owner: "run" | "by-hand", base: string = path.join(checkout, ".gyeongbu")) {
    this.root = path.join(base, owner === "run" ? "rehearsal" : "by-hand", keyOf(projectFolder));
    this.world = path.join(this.root, "world.sqlite");
    this.project = path.join(this.root, "project");
    this.passphrase = path.join(this.root, "passphrase");
    this.#status = path.join(this.root, "status.json");
  }

  get exists(): boolean {
    return existsSync(this.passphrase);
  }

  /** Makes what is missing. The passphrase is random and readable by its owner only. */
  prepare(): void {
    for (const part of ["state", "home", "hosts"]) mkdirSync(path.join(this.root, part), { recursive: true });
    mkdirSync(this.project, { recursive: true });
    if (!this.exists) writeFileSync(this.passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  get status(): Status | undefined {
    return existsSync(this.#status) ? (JSON.parse(readFileSync(this.#status, "utf8")) as Status) : undefined;
  }

  set status(status: Status) {
    mkdirSync(this.root, { recursive: true });
    writeFileSync(this.#status, JSON.stringify(status));
  }

  /** What the engine and, through it, the stand-ins find in their environment. `engine` is a folder with `bin/pulumi`. */
  environment(engine: string, speed: number): Record<string, string> {
    const folders = [path.join(checkout, "node_modules", ".bin"), path.join(engine, "bin")];
    return {
      PATH: [...folders, process.env.PATH ?? ""].join(path.delimiter),
      PULUMI_BACKEND_URL: `file://${path.join(this.root, "state")}`,
      PULUMI_HOME: path.join(this.root, "home"),
      PULUMI_CONFIG_PASSPHRASE_FILE: this.passphrase,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      GYEONGBU_WORLD: this.world,
      GYEONGBU_SPEED: String(speed),
    };
  }
}

/** How the last `npm start` on a folder ended, or which process is at it. */
export interface Status {
  readonly state: "running" | "finished" | "failed";
  readonly pid: number;
  /** The next start goes on with this world instead of a new one. */
  readonly keep: boolean;
}

/** One folder name per project folder: its path below the checkout, or its full path when it lies outside. */
export function keyOf(projectFolder: string): string {
  const relative = path.relative(checkout, path.resolve(projectFolder));
  if (relative === "") return "main";
  const readable = relative.startsWith("..") ? path.resolve(projectFolder) : relative;
  return readable.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-/, "");
}
