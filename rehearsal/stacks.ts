import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  type EngineEvent,
  LocalWorkspace,
  type OpMap,
  PulumiCommand,
  type PulumiFn,
  Stack,
} from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import type { StateResource } from "./critical-path.ts";
import type { Folder } from "./folder.ts";
import { isRecord, readProject, type StackFile } from "./stack-files.ts";

/** What every stack of a rehearsal has in common. */
export interface Setting {
  readonly folder: Folder;
  /** Where the real stack files lie. */
  readonly projectFolder: string;
  /** Folder with `bin/pulumi`. */
  readonly engine: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Stand-ins by plugin name, each with the folder that holds its executable. */
  readonly providers: readonly { readonly name: string; readonly path: string }[];
}

/** A resource as the engine's state keeps it. */
export interface DeployedResource extends StateResource {
  readonly custom: boolean;
  readonly id?: string;
  /** As the state keeps them: secrets encrypted. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly additionalSecretOutputs?: readonly string[];
  readonly protect?: boolean;
  /** Seconds, where the program set some. */
  readonly customTimeouts?: { readonly create?: number };
}

export interface Deployment {
  readonly resources: readonly DeployedResource[];
  readonly pending: readonly { readonly type: string; readonly resource: DeployedResource }[];
}

/** One error of the engine, with the resource it is about when there is one. */
export interface EngineError {
  readonly urn?: string;
  readonly message: string;
}

/** Outputs of a resource whose creation nobody saw end: its inputs, and secrets still to be read where the program asked for some. */
function withSecretOutputs(resource: DeployedResource): DeployedResource {
  const { inputs = {}, additionalSecretOutputs = [] } = resource;
  const unread = additionalSecretOutputs.filter((key) => !(key in inputs));
  return { ...resource, outputs: { ...inputs, ...Object.fromEntries(unread.map((key) => [key, emptySecret])) } };
}

/** An empty string as a secret, in the form in which a state file takes one in clear. */
const emptySecret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: '""' };

/** How one engine operation went. */
export interface Outcome {
  readonly succeeded: boolean;
  readonly seconds: number;
  /** Resources that were not left as they were, as `<operation> <URN>`. */
  readonly changes: readonly string[];
  readonly errors: readonly EngineError[];
}

/** Makes up secrets for stacks, as JSON by stack name; `present` are those that some of them hold already. */
export type MakeSecrets = (
  files: readonly StackFile[],
  present: ReadonlyMap<string, string>,
  folder: Folder,
) => Promise<ReadonlyMap<string, string>>;

/** Called with each event of the engine while an operation runs. */
export type Watcher = (event: EngineEvent) => void;

/** One stack of the rehearsal and what the engine can do with it. */
export class RehearsedStack {
  readonly file: StackFile;
  readonly #setting: Setting;
  readonly #stack: Stack;

  private constructor(file: StackFile, setting: Setting, stack: Stack) {
    this.file = file;
    this.#setting = setting;
    this.#stack = stack;
  }

  /** Opens the stacks of a rehearsal, making those that are not there yet, each with its configuration and its secrets. */
  static async open(
    files: readonly StackFile[],
    setting: Setting,
    makeSecrets: MakeSecrets,
  ): Promise<RehearsedStack[]> {
    const { providers, folder } = setting;
    const project = { ...readProject(setting.projectFolder), runtime: "nodejs", plugins: { providers } };
    writeFileSync(path.join(folder.project, "Pulumi.yaml"), stringify(project));
    const workspace = await LocalWorkspace.create({
      workDir: folder.project,
      pulumiCommand: await PulumiCommand.get({ root: setting.engine, skipVersionCheck: true }),
      envVars: { ...setting.environment },
    });
    const stacks: RehearsedStack[] = [];
    // One after the other: selecting a stack writes one file for the whole workspace.
    for (const file of files) {
      writeConfig(file, folder);
      stacks.push(new RehearsedStack(file, setting, await Stack.createOrSelect(file.name, workspace)));
    }
    await giveSecrets(stacks, folder, makeSecrets);
    return stacks;
  }

  get name(): string {
    return this.file.name;
  }

  /** Gives the stack other configuration values for the runs to come, in the rehearsal's copy of its file only. */
  reconfigure(config: Readonly<Record<string, unknown>>): void {
    writeConfig({ ...this.file, config: { ...this.file.config, ...config } }, this.#setting.folder);
  }

  /** Runs the program against the stack. An operation that the engine reports as failed is an outcome, not an exception. */
  up(program: PulumiFn, watch: Watcher, signal?: AbortSignal): Promise<Outcome> {
    return observe(watch, (onEvent) => this.#stack.up({ program, onEvent, ...(signal !== undefined && { signal }) }));
  }

  /** Deletes every resource of the stack, protected ones too. */
  async destroy(watch: Watcher): Promise<Outcome> {
    await this.pulumi(["state", "unprotect", "--all", "--yes", "--stack", this.name]);
    return observe(watch, (onEvent) => this.#stack.destroy({ onEvent }));
  }

  /** Removes the engine's lock on the stack; whoever held it must be gone. */
  cancel(): Promise<void> {
    return this.#stack.cancel();
  }

  /** The stack's state with secrets still encrypted. */
  async export(): Promise<Deployment> {
    const { deployment }: { deployment: unknown } = JSON.parse(
      await this.pulumi(["stack", "export", "--stack", this.name]),
    );
    const { resources = [], pending_operations = [] } = (deployment ?? {}) as {
      resources?: DeployedResource[];
      pending_operations?: Deployment["pending"];
    };
    return { resources, pending: pending_operations };
  }

  /** Puts resources into the state that exist without the engine's knowledge, and forgets operations that were under way. */
  async adopt(resources: readonly DeployedResource[]): Promise<void> {
    const state: { deployment: { resources?: unknown[] } } = JSON.parse(
      await this.pulumi(["stack", "export", "--stack", this.name]),
    );
    const all = [...(state.deployment.resources ?? []), ...resources.map(withSecretOutputs)];
    const deployment = { ...state.deployment, resources: all, pending_operations: [] };
    await this.pulumi(["stack", "import", "--stack", this.name], JSON.stringify({ ...state, deployment }));
    if (resources.length === 0) return;
    // Fills their outputs with what the provider reads.
    const targets = resources.flatMap(({ urn }) => ["--target", urn]);
    await this.pulumi(["refresh", "--yes", "--skip-preview", "--stack", this.name, ...targets]);
  }

  /** The stack's outputs that are not secret. */
  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const outputs: unknown = JSON.parse(await this.pulumi(["stack", "output", "--json", "--stack", this.name]));
    return isRecord(outputs) ? outputs : {};
  }

  /** One CLI command in the rehearsal's project; what must not be seen goes through standard input, never into arguments. */
  pulumi(args: readonly string[], input = "", signal?: AbortSignal): Promise<string> {
    const { engine, environment, folder } = this.#setting;
    return runPulumi(engine, args, {
      cwd: folder.project,
      environment,
      input,
      ...(signal !== undefined && { signal }),
    });
  }
}

interface CallOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input: string;
  /** Ends the command early. */
  readonly signal?: AbortSignal;
}

/** Runs the CLI and returns what it prints. Throws with its error text and the command, which holds no secret. */
export function runPulumi(
  engine: string,
  args: readonly string[],
  { cwd, environment, input, signal }: CallOptions,
): Promise<string> {
  const child = spawn(path.join(engine, "bin", "pulumi"), [...args, "--non-interactive"], {
    cwd,
    env: { ...process.env, ...environment },
    ...(signal !== undefined && { signal }),
    // The engine then cancels what it asked of the providers, and gives its lock back.
    killSignal: "SIGINT",
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdin.on("error", () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`pulumi ${args.slice(0, 3).join(" ")} failed: ${errors.trim() || output.trim()}`));
    });
  });
}

/** Gives secrets to the stacks that have none yet. Those of a world that goes on stay as they are. */
async function giveSecrets(stacks: readonly RehearsedStack[], folder: Folder, makeSecrets: MakeSecrets): Promise<void> {
  const lacking = stacks.filter(({ name }) => readConfig(name, folder)[secretsKey] === undefined);
  if (lacking.length === 0) return;
  const present = new Map<string, string>();
  for (const stack of stacks.filter((candidate) => !lacking.includes(candidate))) {
    present.set(stack.name, await stack.pulumi(["config", "get", secretsKey, "--stack", stack.name]));
  }
  const made = await makeSecrets(
    stacks.map(({ file }) => file),
    present,
    folder,
  );
  for (const stack of lacking) {
    const secrets = made.get(stack.name);
    if (secrets !== undefined)
      await stack.pulumi(["config", "set", "--secret", secretsKey, "--stack", stack.name], secrets);
  }
}

const secretsKey = "gyeongbu:secrets";

/** Copies a stack's plain configuration beside the rehearsal's own secrets, which stay as they are from run to run. */
function writeConfig(file: StackFile, folder: Folder): void {
  const { [secretsKey]: secrets } = readConfig(file.name, folder);
  const config = { ...file.config, ...(secrets !== undefined && { [secretsKey]: secrets }) };
  writeFileSync(settingsFile(file.name, folder), stringify({ ...readSettings(file.name, folder), config }));
}

function readConfig(stack: string, folder: Folder): Record<string, unknown> {
  const { config } = readSettings(stack, folder);
  return isRecord(config) ? config : {};
}

function readSettings(stack: string, folder: Folder): Record<string, unknown> {
  const file = settingsFile(stack, folder);
  const content: unknown = existsSync(file) ? parse(readFileSync(file, "utf8")) : {};
  return isRecord(content) ? content : {};
}

function settingsFile(stack: string, folder: Folder): string {
  return path.join(folder.project, `Pulumi.${stack}.yaml`);
}

async function observe(watch: Watcher, operation: (onEvent: Watcher) => Promise<unknown>): Promise<Outcome> {
  const started = performance.now();
  const changes: string[] = [];
  const errors: EngineError[] = [];
  let counted: OpMap | undefined;
  const onEvent: Watcher = (event) => {
    const step = event.resourcePreEvent?.metadata;
    if (step !== undefined && step.op !== "same" && step.op !== "read") changes.push(`${step.op} ${step.urn}`);
    const diagnostic = event.diagnosticEvent;
    if (diagnostic?.severity === "error") {
      const message = plain(diagnostic.message);
      errors.push(diagnostic.urn === undefined ? { message } : { urn: diagnostic.urn, message });
    }
    counted = event.summaryEvent?.resourceChanges ?? counted;
    watch(event);
  };
  let succeeded = true;
  try {
    await operation(onEvent);
  } catch (error) {
    succeeded = false;
    if (errors.length === 0) errors.push({ message: explain(error) });
  }
  if (succeeded && counted === undefined) {
    succeeded = false;
    errors.push({ message: "the engine ended without a summary" });
  }
  return { succeeded, seconds: (performance.now() - started) / 1000, changes, errors };
}

/** The gist of an engine that ended without an error of its own: a signal, or its last words. */
function explain(error: unknown): string {
  const message = plain(error instanceof Error ? error.message : String(error));
  const signal = /Command was killed with (SIG\w+)/.exec(message)?.[1];
  return signal === undefined ? message.slice(-2000) : `the engine was killed by ${signal}`;
}

/** Text without the engine's colour marks. */
function plain(text: string): string {
  return text.replace(/<\{%.*?%\}>/g, "").trim();
}
