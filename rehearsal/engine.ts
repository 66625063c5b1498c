import { execFile } from "node:child_process";
import { access, constants, mkdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { buildEngine } from "./engine-build.ts";
import { downloadEngine } from "./engine-download.ts";
import { withLock } from "./lock.ts";

/** One line about what is going on, without a line break. */
export type Progress = (line: string) => void;

/** The lowest engine that speaks all of what the SDK needs: from 3.249 on, SDK and engine both expect Node 22 or newer. */
const oldestMinor = 249;

/** The version of the `@pulumi/pulumi` SDK in use; the engine of the same version is preferred to any other. */
export function sdkVersion(): string {
  const { version }: { version: string } = createRequire(import.meta.url)("@pulumi/pulumi/package.json");
  return version;
}

/**
 * Finds the Pulumi CLI, or gets it: on PATH, in the cache (`$XDG_CACHE_HOME/gyeongbu`), by the official download with
 * its checksum, or by `go build`. Returns a folder with `bin/pulumi`. Throws one line that says what to install.
 */
export async function findEngine(progress: Progress): Promise<string> {
  const version = sdkVersion();
  const cache = cacheFolder();
  const onPath = await findOnPath(cache, version, progress);
  if (onPath !== undefined) return onPath;
  const folder = path.join(cache, `pulumi-${version}`);
  if ((await versionOf(path.join(folder, "bin", "pulumi"))) === version) return folder;
  await mkdir(cache, { recursive: true });
  return withLock(path.join(cache, `pulumi-${version}.lock`), progress, async () => {
    // Another run may have put it there while this one waited.
    if ((await versionOf(path.join(folder, "bin", "pulumi"))) === version) return folder;
    const draft = path.join(cache, `pulumi-${version}.${process.pid}`);
    try {
      await obtain(version, draft, progress);
      await rm(folder, { recursive: true, force: true });
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return folder;
  });
}

function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return path.join(base !== undefined && base !== "" ? base : path.join(homedir(), ".cache"), "gyeongbu");
}

/** Fills `draft/bin` by whatever way works. */
async function obtain(version: string, draft: string, progress: Progress): Promise<void> {
  const reasons: string[] = [];
  for (const way of [downloadEngine, buildEngine]) {
    await rm(draft, { recursive: true, force: true });
    await mkdir(path.join(draft, "bin"), { recursive: true });
    try {
      await way(version, draft, progress);
      const got = await versionOf(path.join(draft, "bin", "pulumi"));
      if (got === version) return;
      throw new Error(`it says version ${got ?? "nothing"}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reasons.push(reason);
      progress(reason);
    }
  }
  throw new Error(
    `no Pulumi engine: install the Pulumi CLI ${version} (pulumi.com/docs/install) or Go 1.25 or newer, then run this again (${reasons.join("; ")})`,
  );
}

/** A usable `pulumi` on PATH, of the SDK's version if there is one; as a folder with `bin/pulumi`. */
async function findOnPath(cache: string, version: string, progress: Progress): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const found: { file: string; version: string }[] = [];
  for (const folder of new Set(folders)) {
    const file = path.join(folder, "pulumi");
    const its = await versionOf(file);
    if (its !== undefined && isUsable(its)) found.push({ file, version: its });
  }
  const best = found.find((candidate) => candidate.version === version) ?? found[0];
  if (best === undefined) return undefined;
  if (best.version !== version) progress(`using Pulumi ${best.version} from ${best.file} (the SDK is ${version})`);
  const folder = path.dirname(best.file);
  if (path.basename(folder) === "bin") return path.dirname(folder);
  return linkBin(path.join(cache, `path-${Buffer.from(folder).toString("base64url")}`), folder);
}

/** The Automation API wants `bin/pulumi` below a root; a link gives any folder that shape. */
async function linkBin(root: string, folder: string): Promise<string> {
  await mkdir(root, { recursive: true });
  await symlink(folder, path.join(root, "bin")).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  return root;
}

/** Whether the SDK can work with an engine of this version: the same major, and not older than the oldest that fits. */
export function isUsable(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major === 3 && minor !== undefined && minor >= oldestMinor;
}

/** What `pulumi version` prints, without the leading v; `undefined` when there is no such file or it does not answer in 10 s. */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.X_OK);
    const { stdout } = await promisify(execFile)(file, ["version"], {
      timeout: 10_000,
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    return /^v?(\d+\.\d+\.\d+\S*)/.exec(stdout.trim())?.[1];
  } catch {
    return undefined;
  }
}
