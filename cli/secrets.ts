import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { StackFile } from "../components/config/parse.ts";
import { type Holder, settleSecrets } from "../components/secrets/settle.ts";
import { Failure, PulumiCli, reportFailure, secretsKey, stackOf } from "./pulumi-cli.ts";

interface Options {
  readonly folder: string;
  readonly kubeconfig?: string;
  readonly rotate?: string;
}

async function run(stacks: string[], options: Options): Promise<void> {
  if (options.rotate !== undefined) {
    throw new Failure(
      `--rotate ${options.rotate}: rotation is not built yet. A new secret must reach both sides of everything that uses it in the right order; until then secrets are made once.`,
      2,
    );
  }
  const asked = [...new Set(stacks)].map((stack) => stackOf(options.folder, stack));
  const entry = asked.find(({ kind }) => kind === "entry");
  if (entry) throw new Failure(`${entry.file} holds gyeongbu:entry, which needs no secrets. Leave it out.`);
  const lenders = lendersOf(asked, options.folder);
  const pulumi = await PulumiCli.find(options.folder);
  const kubeconfig = options.kubeconfig === undefined ? undefined : await readFile(options.kubeconfig, "utf8");
  if (kubeconfig !== undefined && asked.filter(isExisting).length !== 1) {
    throw new Failure("--kubeconfig: name exactly one stack of platform `existing`.");
  }

  const holders: Holder[] = [];
  for (const stack of [...asked, ...lenders]) {
    const present = secretsKey in stack.config ? await pulumi.get(stack.stack) : undefined;
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
  return peers.map((peer) => stackOf(folder, peer)).filter(({ config }) => secretsKey in config);
}

function peersOf(stack: StackFile): readonly string[] {
  return stack.kind === "site" ? (stack.spec.mesh?.peers ?? []) : [];
}

function isExisting(stack: StackFile): boolean {
  return stack.kind === "site" && stack.spec.platform === "existing";
}

const command = new Command("secrets")
  .description("Makes each stack's secrets once and keeps them encrypted in its config. Prints names, never values.")
  .argument("<stacks...>", "sites and interconnects, e.g. prod-seoul dr-busan interconnect")
  .option("--folder <folder>", "where the stack files are", ".")
  .option("--kubeconfig <file>", "kubeconfig of an `existing` site, kept with its secrets")
  .option("--rotate <name>", "not possible yet")
  .action(run);

await command.parseAsync().catch(reportFailure);
