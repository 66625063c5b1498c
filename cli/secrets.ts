import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { formatFindings } from "../components/config/finding.ts";
import type { StackFile } from "../components/config/parse.ts";
import { readStack } from "../components/config/read.ts";
import { type Holder, SecretsError, settleSecrets } from "../components/secrets/settle.ts";
import { findEngine } from "../rehearsal/engine.ts";

const key = "gyeongbu:secrets";
/** Seconds for one call of the CLI; a cloud key service answers in two. */
const callSeconds = 120;

interface Options {
  readonly folder: string;
  readonly kubeconfig?: string;
  readonly rotate?: string;
}

class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

async function run(stacks: string[], options: Options): Promise<void> {
  if (options.rotate !== undefined) {
    throw new Failure(
      `--rotate ${options.rotate}: rotation is not built yet. A new secret must reach both sides of everything that uses it in the right order; until then secrets are made once.`,
      2,
    );
  }
  const asked = [...new Set(stacks)].map((stack) => read(options.folder, stack));
  const entry = asked.find(({ kind }) => kind === "entry");
  if (entry) throw new Failure(`${entry.file} holds gyeongbu:entry, which needs no secrets. Leave it out.`);
  const lenders = lendersOf(asked, options.folder);
  const pulumi = new Pulumi(await findPulumi(), options.folder);
  const kubeconfig = options.kubeconfig === undefined ? undefined : await readFile(options.kubeconfig, "utf8");
  if (kubeconfig !== undefined && asked.filter(isExisting).length !== 1) {
    throw new Failure("--kubeconfig: name exactly one stack of platform `existing`.");
  }

  const holders: Holder[] = [];
  for (const stack of [...asked, ...lenders]) {
    const present = key in stack.config ? await pulumi.get(stack.stack) : undefined;
    holders.push({
      stack: stack.stack,
      kind: stack.kind === "site" ? "site" : "interconnect",
      peers: peersOf(stack),
      asked: asked.includes(stack),
      ...(present === undefined ? {} : { present }),
      ...(kubeconfig !== undefined && isExisting(stack) ? { kubeconfig } : {}),
    });
  }
  for (const { made, secrets, stack } of await settleSecrets(holders)) {
    if (made.length > 0) await pulumi.set(stack, JSON.stringify(secrets));
    process.stdout.write(`${stack}: ${made.length > 0 ? `made ${made.join(", ")}` : "complete, nothing changed"}\n`);
  }
}

/** Members of the same meshes that were not asked for but have a CA to share. */
function lendersOf(asked: readonly StackFile[], folder: string): StackFile[] {
  const names = new Set(asked.map(({ stack }) => stack));
  const peers = [...new Set(asked.flatMap(peersOf))].filter((peer) => !names.has(peer));
  return peers.map((peer) => read(folder, peer)).filter(({ config }) => key in config);
}

function peersOf(stack: StackFile): readonly string[] {
  return stack.kind === "site" ? (stack.spec.mesh?.peers ?? []) : [];
}

function isExisting(stack: StackFile): boolean {
  return stack.kind === "site" && stack.spec.platform === "existing";
}

function read(folder: string, stack: string): StackFile {
  const parsed = readStack(folder, stack);
  if ("findings" in parsed) throw new Failure(formatFindings(parsed.findings));
  return parsed.stack;
}

async function findPulumi(): Promise<string> {
  const folder = await findEngine((line) => {
    process.stderr.write(`${line}\n`);
  });
  return join(folder, "bin", "pulumi");
}

/** The CLI's own config commands: it alone knows the stack's secrets provider. */
class Pulumi {
  readonly #binary: string;
  readonly #folder: string;

  constructor(binary: string, folder: string) {
    this.#binary = binary;
    this.#folder = folder;
  }

  async get(stack: string): Promise<string> {
    return (await this.#call(["config", "get", key, ...this.#of(stack)])).trim();
  }

  /** The value goes in by stdin: arguments are open to every process of the machine. */
  async set(stack: string, value: string): Promise<void> {
    await this.#call(["config", "set", "--secret", key, ...this.#of(stack)], value);
  }

  #of(stack: string): string[] {
    return ["--stack", stack, "--config-file", join(this.#folder, `Pulumi.${stack}.yaml`)];
  }

  #call(args: readonly string[], input?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      // Without a value to send, the terminal stays open for a passphrase.
      const child = spawn(this.#binary, args, {
        stdio: [input === undefined ? "inherit" : "pipe", "pipe", "inherit"],
        env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
        signal: AbortSignal.timeout(callSeconds * 1000),
      });
      let output = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
      child.on("error", (error) => reject(new Failure(`pulumi ${args.slice(0, 2).join(" ")}: ${error.message}`)));
      child.on("close", (code) => {
        if (code === 0) resolve(output);
        else
          reject(
            new Failure(
              `pulumi ${args.slice(0, 3).join(" ")} failed; it said why above. A stack is made by \`pulumi stack init\`.`,
            ),
          );
      });
      child.stdin?.end(input);
    });
  }
}

const command = new Command("secrets")
  .description("Makes each stack's secrets once and keeps them encrypted in its config. Prints names, never values.")
  .argument("<stacks...>", "sites and interconnects, e.g. prod-seoul dr-busan interconnect")
  .option("--folder <folder>", "where the stack files are", ".")
  .option("--kubeconfig <file>", "kubeconfig of an `existing` site, kept with its secrets")
  .option("--rotate <name>", "not possible yet")
  .action(run);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof Failure || error instanceof SecretsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof Failure ? error.exitCode : 1;
}
