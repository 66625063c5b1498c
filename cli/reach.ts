import { Command, CommanderError } from "commander";
import { formatFindings } from "../components/config/finding.ts";
import { command, found, Unusable, unreadable } from "./reach-findings.ts";

interface Options {
  readonly request?: string;
  readonly lines?: true;
  readonly flows?: readonly string[];
  readonly policies?: readonly string[];
  readonly namespace?: readonly string[];
  readonly cluster?: string;
  readonly cilium?: string;
  readonly json?: string;
  readonly markdown?: string;
  readonly suggest?: string;
}

const examples = `
Examples:
  npm run --silent reach < request.json
  npm run --silent reach -- --lines < requests.jsonl > answers.jsonl
  npm run reach -- --flows events.log prod-seoul
  npm run reach -- --flows /var/run/cilium/hubble examples/card-pci card-seoul card-busan
  npm run reach -- --flows events.log --policies deny.yaml allow.yaml
  npm run reach -- --flows events.log prod-seoul --namespace shop --suggest add.yaml
  hubble observe -o jsonpb --last 100000 | npm run reach -- --flows - prod-seoul

A request: {"policies": [YAML text], "endpoints": [{name, namespace, labels, ...}],
  "queries": [{from, to, port, proto}], "options": {cluster, version, ...}}

Ends with 0 where enforcing would drop nothing that passes today, with 1 where it
would, with 2 where a file or a request cannot be used.`;

const program = new Command("npm run reach --")
  .description(
    "Tells what network policies allow before they are applied: to one question, or to everything that Hubble has seen.",
  )
  .argument(
    "[stacks...]",
    "with --flows: stacks whose policies are meant, or a folder of stack files and then stacks",
    [],
  )
  .option("--request <file>", "read the question from a file instead of standard input")
  .option("--lines", "one question a line, one answer a line, for comparing engines")
  .option(
    "--flows <file>",
    "flows of Hubble: a file, also .gz, a folder of them, or - for standard input; repeatable",
    collect,
  )
  .option("--policies <files...>", "judge these policies, too, or instead of a stack's")
  .option(
    "--namespace <name>",
    "enforce in this namespace only, instead of in every one but kube-system and its like; repeatable",
    collect,
  )
  .option("--cluster <name>", "with --policies alone: the cluster they are for")
  .option("--cilium <version>", "with --policies alone: the version that reads them")
  .option("--json <file>", "write the report as JSON; - for standard output, and nothing else there")
  .option("--markdown <file>", "write the report as Markdown; - for standard output")
  .option("--suggest <file>", "write the policies to add as YAML; - for standard output")
  .addHelpText("after", examples)
  .exitOverride()
  .action(async (given: string[], options: Options, self: Command) => {
    if (options.flows !== undefined) process.exitCode = await judge(given, options.flows, options);
    else if (options.request === undefined && process.stdin.isTTY) self.outputHelp();
    else process.exitCode = await ask(given, options);
  });

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

async function ask(given: readonly string[], { request, lines }: Options): Promise<number> {
  if (given.length > 0) {
    const message = `${given.join(", ")} is named without --flows.`;
    throw new Unusable([found("GB-2329", command, message, "Add --flows FILE; a question names no stack.")]);
  }
  const { answerLines, answerOne } = await import("./reach-requests.ts");
  return lines ? answerLines(request) : answerOne(request);
}

async function judge(given: readonly string[], flows: readonly string[], options: Options): Promise<number> {
  const { policies = [], namespace = [], request, lines: _, ...rest } = options;
  if (request !== undefined) {
    const message = "--flows and --request ask two different things.";
    throw new Unusable([found("GB-2329", command, message, "Leave one of them out.")]);
  }
  const { judgeFlows } = await import("./reach-flows.ts");
  return judgeFlows(given, { ...rest, flows, files: policies, namespaces: namespace });
}

// Whoever reads has seen enough.
process.stdout.on("error", () => process.exit());
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has told what is wrong with the options; --help is no mistake.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { findings } = error instanceof Unusable ? error : unreadable(error);
    process.stderr.write(`${formatFindings(findings)}\n`);
    process.exitCode = 2;
  }
}
