import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { type Finding, formatFindings } from "../components/config/finding.ts";
import { answer } from "../proof/reachability/answer.ts";
import { parseRequest } from "../proof/reachability/request.ts";

/** What a request comes from: a file, or standard input. */
function source(file: string | undefined): NodeJS.ReadableStream {
  return file === undefined ? process.stdin : createReadStream(file);
}

/** Answers one request on standard output; findings go to standard error. @returns the exit code. */
export async function answerOne(file: string | undefined): Promise<number> {
  const asked = parseRequest(await text(source(file)), file ?? "request");
  if ("findings" in asked) return refuse(asked.findings);
  await write(`${JSON.stringify(answer(asked.request), null, 2)}\n`);
  return 0;
}

/**
 * Answers a request per line, each with a line: its answer, or `{findings}` where it is wrong, so that the n-th line answers the n-th request.
 * Empty lines are left out. @returns the exit code.
 */
export async function answerLines(file: string | undefined): Promise<number> {
  let code = 0;
  let line = 0;
  for await (const request of createInterface({ input: source(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (request.trim() === "") continue;
    const asked = parseRequest(request, `${file ?? "request"}:${line}`);
    if ("findings" in asked) code = refuse(asked.findings);
    await write(`${JSON.stringify("findings" in asked ? { findings: asked.findings } : answer(asked.request))}\n`);
  }
  return code;
}

function refuse(findings: readonly Finding[]): number {
  process.stderr.write(`${formatFindings(findings)}\n`);
  return 2;
}

/** Waits while the reader is slower. */
async function write(chunk: string): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
}
