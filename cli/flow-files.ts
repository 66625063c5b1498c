import { closeSync, createReadStream, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { found, Unusable, unreadable } from "./reach-findings.ts";

/** Standard input as a file. */
export const standardInput = "-";

/** Longer lines are cut: no event of Hubble's comes near, and a file without line ends shall not fill the memory. */
const longestLine = 4_000_000;

export interface FlowFile {
  readonly file: string;
  /** On disk; 0 for standard input. */
  readonly bytes: number;
}

/** The files that are named, and those of named folders that look like Hubble's (rotated ones are `events-<time>.log.gz`), oldest name first. */
export function flowFiles(names: readonly string[]): FlowFile[] {
  return names.flatMap((name) => {
    if (name === standardInput) return [{ file: name, bytes: 0 }];
    const stats = statOf(name);
    if (!stats.isDirectory()) return [{ file: name, bytes: stats.size }];
    const inside = readdirSync(name)
      .filter((entry) => /\.(log|json|jsonl|ndjson)(\.gz)?$/.test(entry))
      .toSorted()
      .map((entry) => join(name, entry));
    if (inside.length > 0) return inside.map((file) => ({ file, bytes: statOf(file).size }));
    const fix =
      "Name a folder that holds .log, .json or .jsonl files, or such files themselves; .gz behind them is fine.";
    throw new Unusable([found("GB-2321", name, "The folder holds no flow file.", fix)]);
  });
}

function statOf(name: string) {
  try {
    return statSync(name);
  } catch (error) {
    throw unreadable(error, name);
  }
}

/**
 * Hands over the lines of a file, decompressed, one after the other; holds one line at a time.
 *
 * @param line  Is told each line and its number, 1-based.
 * @param read  Is told how many bytes of the file have been read since the last time.
 */
export async function eachLine(
  { file }: FlowFile,
  line: (text: string, number: number) => void,
  read: (bytes: number) => void,
): Promise<void> {
  const input: Readable = file === standardInput ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
  const counter = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      read(chunk.length);
      done(null, chunk);
    },
  });
  const lines = new Lines(line);
  try {
    if (isCompressed(file)) await pipeline(input, counter, createGunzip({ chunkSize: 1 << 20 }), lines);
    else await pipeline(input, counter, lines);
  } catch (error) {
    const zlib = error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
    if (!zlib) throw unreadable(error, file);
    const message = `Its compressed content is damaged or cut off after ${lines.count} lines: ${error.message}.`;
    throw new Unusable([found("GB-2322", file, message, "Copy the file anew, or leave it out.")]);
  }
}

/** By its first two bytes (RFC 1952), whatever it is called. */
function isCompressed(file: string): boolean {
  if (file === standardInput) return false;
  const start = Buffer.alloc(2);
  try {
    const handle = openSync(file, "r");
    readSync(handle, start, 0, 2, 0);
    closeSync(handle);
  } catch (error) {
    throw unreadable(error, file);
  }
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** Splits bytes at line feeds. */
class Lines extends Writable {
  count = 0;
  readonly #tell: (text: string, number: number) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(tell: (text: string, number: number) => void) {
    super();
    this.#tell = tell;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#one(text.slice(start, end));
      start = end + 1;
    }
    this.#rest = text.slice(start, start + longestLine);
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    const last = this.#rest + this.#decoder.decode();
    if (last !== "") this.#one(last);
    done();
  }

  #one(text: string): void {
    this.count += 1;
    this.#tell(text, this.count);
  }
}

/** How a file is called in a progress line. */
export function shortName(file: string): string {
  return file === standardInput ? "standard input" : basename(file);
}
