import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { Progress } from "./engine.ts";

/** Where Pulumi publishes its releases and their checksums (github.com/pulumi/docs, data/versions.json). */
const releases = "https://get.pulumi.com/releases/sdk";

/** How long a server may stay silent, in milliseconds, before the machine counts as offline. */
const silence = 8_000;

/** Puts the official release into `draft/bin`, its language hosts included. Throws when offline, on an unknown platform, or when the checksum differs. */
export async function downloadEngine(version: string, draft: string, progress: Progress): Promise<void> {
  const archive = `pulumi-v${version}-${platformName()}.tar.gz`;
  progress(`downloading ${releases}/${archive}`);
  const expected = checksumOf(archive, await text(`${releases}/pulumi-${version}-checksums.txt`));
  const file = path.join(draft, archive);
  const actual = await save(`${releases}/${archive}`, file, progress);
  if (actual !== expected) throw new Error(`download refused: ${archive} has SHA-256 ${actual}, not ${expected}`);
  await promisify(execFile)("tar", ["-xzf", file, "-C", draft]);
  await rm(file);
  await rm(path.join(draft, "bin"), { recursive: true });
  await rename(path.join(draft, "pulumi"), path.join(draft, "bin"));
}

function platformName(): string {
  if (process.platform !== "linux" && process.platform !== "darwin") {
    throw new Error(`download: no way to unpack Pulumi for ${process.platform} here`);
  }
  return `${process.platform}-${process.arch}`;
}

/** The SHA-256 of one file in a list of `<hex>  <file>` lines. */
export function checksumOf(file: string, list: string): string {
  for (const line of list.split("\n")) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === file && sum !== undefined) return sum.toLowerCase();
  }
  throw new Error(`download refused: the official list of checksums does not name ${file}`);
}

async function request(url: string): Promise<Response> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), silence);
  try {
    const response = await fetch(url, { signal: silent.signal });
    if (!response.ok) throw new Error(`download failed: ${url} answers ${response.status}`);
    return response;
  } catch (error) {
    const unreachable = error instanceof TypeError || silent.signal.aborted;
    throw unreachable ? new Error(`download failed: no way to reach ${url}`, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function text(url: string): Promise<string> {
  return (await request(url)).text();
}

/** Writes what the server sends to a file and returns its SHA-256. */
async function save(url: string, file: string, progress: Progress): Promise<string> {
  const response = await request(url);
  const total = Number(response.headers.get("content-length") ?? 0);
  const hash = createHash("sha256");
  const target = await open(file, "wx");
  let received = 0;
  let reported = Date.now();
  const silent = setTimeout(() => void response.body?.cancel(`no data for ${silence} ms`), silence);
  try {
    for await (const chunk of response.body ?? []) {
      silent.refresh();
      hash.update(chunk);
      await target.write(chunk);
      received += chunk.length;
      if (Date.now() - reported < 5000) continue;
      reported = Date.now();
      progress(`downloaded ${Math.round(received / 1e6)} of ${Math.round(total / 1e6)} MB`);
    }
  } finally {
    clearTimeout(silent);
    await target.close();
  }
  return hash.digest("hex");
}
