import { spawn } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { formatFindings } from "../components/config/finding.ts";
import type { StackFile } from "../components/config/parse.ts";
import { readStack } from "../components/config/read.ts";
import { SecretsError } from "../components/secrets/settle.ts";
import { findEngine } from "../rehearsal/engine.ts";

/** The one config key that holds a stack's secrets, as JSON. */
export const secretsKey = "gyeongbu:secrets";
/** Seconds for one call of the CLI; a cloud key service answers in two. */
const callSeconds = 120;

/** What a command could not do, in words for the person who typed it. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** Prints a failure without a stack trace and sets the exit code; anything else is a bug and goes on. */
export function reportFailure(error: unknown): void {
  if (!(error instanceof Failure || error instanceof SecretsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof Failure ? error.exitCode : 1;
}

/** The stack's file, or a failure that says what is wrong with it. */
export function stackOf(folder: string, stack: string): StackFile {
  const parsed = readStack(folder, stack);
  if ("findings" in parsed) throw new Failure(formatFindings(parsed.findings));
  return parsed.stack;
}

/** The Pulumi CLI, for what it alone knows: a stack's secrets provider and its state. */
export class PulumiCli {
  readonly #binary: string;
  readonly #folder: string;

  /** @param folder  Where the stack files are. */
  static async find(folder: string): Promise<PulumiCli> {
    const engine = await findEngine((line) => {
      process.stderr.write(`${line}\n`);
    });
    return new PulumiCli(join(engine, "bin", "pulumi"), folder);
  }

  private constructor(binary: string, folder: string) {
    this.#binary = binary;
    this.#folder = folder;
  }

  /** The stack's decrypted secrets as JSON text. Never print them. */
  async get(stack: string): Promise<string> {
    return (await this.#call(["config", "get", secretsKey, ...this.#of(stack)])).trim();
  }

  /** The value goes in by stdin: arguments are open to every process of the machine. */
  async set(stack: string, value: string): Promise<void> {
    await this.#call(["config", "set", "--secret", secretsKey, ...this.#of(stack)], value);
  }

  /** The state as JSON text, secrets encrypted; readable while an update runs. */
  async exportState(stack: string): Promise<string> {
    return this.#call(["stack", "export", "--stack", stack]);
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

const State = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          outputs: z.object({ publicIp: z.string(), ipAddress: z.string() }).partial().optional(),
        }),
      )
      .optional(),
  }),
});

/** The public address that the state holds for the bastion: an Elastic IP on AWS, a public IP on Azure. */
export function bastionAddress(state: string, name: string): string | undefined {
  const resources = State.parse(JSON.parse(state)).deployment.resources ?? [];
  const found = resources
    .filter(({ urn }) => urn.endsWith(`::${name}`))
    .map(({ outputs }) => outputs?.publicIp ?? outputs?.ipAddress);
  return found.find((address) => address !== undefined && address !== "");
}
