import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A directory of this computer that stands at a path of the host. */
export interface Overlay {
  readonly target: string;
  readonly directory: string;
}

/** A host's files seen from outside its sandbox: absolute paths and links stay inside the host. */
export class HostFiles {
  readonly #root: string;
  readonly #overlays: () => readonly Overlay[];

  constructor(root: string, overlays: () => readonly Overlay[]) {
    this.#root = root;
    this.#overlays = overlays;
  }

  exists(path: string): boolean {
    return existsSync(this.real(path));
  }

  isDirectory(path: string): boolean {
    return statSync(this.real(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  /** Permission bits; `undefined` when there is no such file. */
  mode(path: string): number | undefined {
    const found = statSync(this.real(path), { throwIfNoEntry: false });
    return found === undefined ? undefined : found.mode & 0o7777;
  }

  /** `undefined` when there is no such file. */
  read(path: string): string | undefined {
    const real = this.real(path);
    return statSync(real, { throwIfNoEntry: false })?.isFile() ? readFileSync(real, "utf8") : undefined;
  }

  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): string[] {
    return this.isDirectory(path) ? readdirSync(this.real(path)).sort() : [];
  }

  write(path: string, content: string | Buffer, mode = 0o644): void {
    const real = this.real(path);
    mkdirSync(dirname(real), { recursive: true, mode: 0o755 });
    writeFileSync(real, content, { mode });
    chmodSync(real, mode);
  }

  append(path: string, content: string): void {
    this.write(path, (this.read(path) ?? "") + content, this.mode(path) ?? 0o644);
  }

  makeDirectory(path: string, mode = 0o755): void {
    const real = this.real(path);
    if (existsSync(real)) return;
    mkdirSync(real, { recursive: true, mode: 0o755 });
    chmodSync(real, mode);
  }

  remove(path: string): void {
    rmSync(this.real(path), { recursive: true, force: true });
  }

  /** Where a path of the host lies on this computer; links are followed inside the host. */
  real(path: string): string {
    let settled = "/";
    const pending = normalize(`/${path}`)
      .split("/")
      .filter((part) => part !== "");
    for (let steps = 0; pending.length > 0; steps++) {
      if (steps > 200) throw new Error(`${path}: Too many levels of symbolic links`);
      const part = pending.shift() ?? "";
      if (part === "..") {
        settled = dirname(settled);
        continue;
      }
      const next = join(settled, part);
      const entry = lstatSync(this.#outside(next), { throwIfNoEntry: false });
      if (!entry?.isSymbolicLink()) {
        settled = next;
        continue;
      }
      const link = readlinkSync(this.#outside(next));
      if (link.startsWith("/")) settled = "/";
      pending.unshift(...link.split("/").filter((step) => step !== "" && step !== "."));
    }
    return this.#outside(settled);
  }

  #outside(path: string): string {
    const overlay = this.#overlays()
      .filter(({ target }) => path === target || path.startsWith(`${target}/`))
      .sort((one, other) => other.target.length - one.target.length)[0];
    return overlay === undefined ? join(this.#root, path) : join(overlay.directory, path.slice(overlay.target.length));
  }
}
