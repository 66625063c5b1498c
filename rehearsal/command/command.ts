import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  type Call,
  type Kind,
  type Problem,
  type Properties,
  Refusal,
  Secret,
  Unknown,
  type Value,
} from "../stand-in.ts";
import { fingerprint, isProperties, reveal } from "../wire.ts";
import type { JsonObject } from "../world.ts";
import { forgetCluster } from "./cluster.ts";
import { type Connection, connectionOf, dial } from "./connection.ts";
import { machineDirectory } from "./machine.ts";
import { runScript, type ScriptResult } from "./sandbox.ts";
import { speed } from "./tools/speed.ts";

const type = "command:remote:Command";
const texts = ["create", "update", "delete", "stdin"];
const connectionKeys = [
  "host",
  "port",
  "user",
  "password",
  "privateKey",
  "privateKeyPassword",
  "agentSocketPath",
  "dialErrorLimit",
  "perDialTimeout",
  "hostKey",
];
const loggings = ["stdout", "stderr", "stdoutAndStderr", "none"];

/** Connecting and a few commands, in modelled seconds; tools that take longer add to it. */
const connectSeconds = 5;

/**
 * `command:remote:Command`, after provider/pkg/provider/remote of pulumi/pulumi-command v1.2.1.
 *
 * Made anew for each call, since how long a creation takes is known only once its script has run: `seconds.create` is right afterwards.
 */
export function commandKind(): Kind {
  const seconds = { create: connectSeconds, update: connectSeconds, delete: connectSeconds };
  return {
    seconds,
    check: (inputs) => [...unknownKeys(inputs), ...wrongTypes(inputs), ...wrongConnection(inputs.connection)],
    replaces: (olds, news) => ("triggers" in olds || "triggers" in news ? ["triggers"] : []),
    async create(inputs, call) {
      const id = `${call.name}${randomBytes(4).toString("hex")}`;
      const took = (more: number): void => {
        seconds.create += more;
      };
      const outputs = await run(text(inputs.create), inputs, { stdout: "", stderr: "" }, call, took);
      remember(id, inputs, outputs, call);
      return { id, outputs: { ...withSecrets(inputs), ...outputs } };
    },
    async update(id, olds, news, call) {
      const before = { stdout: text(olds.stdout) ?? "", stderr: text(olds.stderr) ?? "" };
      const outputs = await run(text(news.update) ?? text(news.create), news, before, call, recorder("update", call));
      remember(id, news, outputs, call);
      return { ...withSecrets(news), ...outputs };
    },
    async delete(id, outputs, call) {
      const before = { stdout: text(outputs.stdout) ?? "", stderr: text(outputs.stderr) ?? "" };
      await run(text(outputs.delete), outputs, before, call, recorder("delete", call));
      rmSync(outputFile(id), { force: true });
      call.world.remove("command", id);
      // A replacement has the same URN and takes the old one's place.
      if (call.world.byUrn(call.urn) === undefined) forgetCluster(call.world, call.urn);
    },
    read(id, { world }) {
      const object = world.get("command", id);
      if (object === undefined) return undefined;
      const inputs: JsonObject = object.properties;
      const file = outputFile(id);
      const { stdout, stderr }: Streams = existsSync(file)
        ? JSON.parse(readFileSync(file, "utf8"))
        : { stdout: "", stderr: "" };
      return { inputs, outputs: { ...inputs, stdout, stderr } };
    },
  };
}

interface Streams {
  stdout: string;
  stderr: string;
}

function text(value: Value | undefined): string | undefined {
  const plain = reveal(value ?? null);
  return typeof plain === "string" ? plain : undefined;
}

function unknownKeys(inputs: Properties): Problem[] {
  const known = [...texts, "triggers", "environment", "logging", "addPreviousOutputInEnv", "connection"];
  return Object.keys(inputs)
    .filter((key) => !known.includes(key))
    .map((property) => ({ property, reason: `Unexpected property; a remote Command has ${known.join(", ")}` }));
}

function wrongTypes(inputs: Properties): Problem[] {
  const problems: Problem[] = [];
  const expect = (property: string, type: string, right: (value: Value) => boolean): void => {
    const value = reveal(inputs[property] ?? null);
    if (value !== null && !(value instanceof Unknown) && !right(value))
      problems.push({ property, reason: `Field '${property}' must be ${type}` });
  };
  for (const property of texts) expect(property, "a string", (value) => typeof value === "string");
  expect("triggers", "an array", Array.isArray);
  expect("environment", "a map of strings", (value) => typeof value === "object" && !Array.isArray(value));
  expect("addPreviousOutputInEnv", "a boolean", (value) => typeof value === "boolean");
  expect("logging", `one of ${loggings.join(", ")}`, (value) => typeof value === "string" && loggings.includes(value));
  return problems;
}

function wrongConnection(value: Value | undefined, property = "connection"): Problem[] {
  const given = value instanceof Secret ? value.value : value;
  if (given === undefined || given === null) return [{ property, reason: `Missing required field '${property}'` }];
  if (given instanceof Unknown) return [];
  if (!isProperties(given)) return [{ property, reason: `Field '${property}' must be an object` }];
  const known = property === "connection" ? [...connectionKeys, "proxy"] : connectionKeys;
  const problems = Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ property: `${property}.${key}`, reason: "Unexpected property" }));
  if ((given.host ?? null) === null)
    problems.push({ property: `${property}.host`, reason: `Missing required field '${property}.host'` });
  if (given.proxy !== undefined) problems.push(...wrongConnection(given.proxy, `${property}.proxy`));
  return problems;
}

/** The provider marks keys and passwords of a connection as secret, whatever the program says. */
function withSecrets(inputs: Properties): Properties {
  const connection = inputs.connection;
  return connection === undefined ? inputs : { ...inputs, connection: hideKeys(connection) };
}

function hideKeys(value: Value): Value {
  if (!isProperties(value)) return value;
  const hidden = ["password", "privateKey", "privateKeyPassword"];
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      if (key === "proxy") return [key, hideKeys(part)];
      return [key, hidden.includes(key) && !(part instanceof Secret) ? new Secret(part) : part];
    }),
  );
}

/** Keeps what a refresh needs. Output may be secret, so it stays with the host and out of the world's database. */
function remember(id: string, inputs: Properties, outputs: Streams, { world, urn }: Call): void {
  const properties = fingerprint(withSecrets(inputs));
  const place = world.get("host", connectionOf(inputs).host)?.place ?? "";
  world.put({ provider: "command", type, id, urn, place, properties });
  const file = outputFile(id);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(outputs), { mode: 0o600 });
}

/** Where what a step printed is kept: beside the machines, since it may be secret, and by the step alone, since its host may be, too. */
function outputFile(id: string): string {
  return join(machineDirectory("commands"), `${id}.json`);
}

/** Notes what tools took on top of connecting. */
function recorder(operation: "update" | "delete", { world, urn }: Call): (seconds: number) => void {
  return (seconds) => world.recordTiming({ urn, operation, seconds });
}

async function run(
  command: string | undefined,
  inputs: Properties,
  before: Streams,
  call: Call,
  took: (seconds: number) => void,
): Promise<Streams> {
  // No command, no connection: that is how the real provider does it, too.
  if (command === undefined) return before;
  const connection = connectionOf(inputs);
  const { host, user, forced, seconds: dialSeconds } = await dial(connection, call.world, speed(), call.signal);
  for (const name of environmentNames(inputs, before)) {
    const accepted = acceptsEnvironment(host.files.read("/etc/ssh/sshd_config") ?? "", name);
    if (accepted) continue;
    const refusal = `Unable to set '${name}'. This only works if your SSH server is configured to accept these variables via AcceptEnv.`;
    if (!name.startsWith("PULUMI_COMMAND_"))
      throw new Refusal(`could not set environment variable "${name}"`, `ssh: setenv failed (${refusal})`);
  }
  const logging = text(inputs.logging) ?? "stdoutAndStderr";
  const result = await runScript({
    host,
    world: call.world,
    user,
    command: forced ?? command,
    stdin: text(inputs.stdin) ?? "",
    signal: call.signal,
    urn: call.urn,
    onLine(line, stream) {
      if (logging === stream || logging === "stdoutAndStderr") call.log(line);
    },
  });
  // Dialling took its time already. So did sleeps, and passing them twice costs nothing that anyone would notice.
  await wait((result.seconds * 1000) / speed(), undefined, { signal: call.signal });
  took(result.seconds + dialSeconds);
  if (result.code !== 0) throw failure(result, command, connection);
  return { stdout: result.stdout.replace(/\n$/, ""), stderr: result.stderr.replace(/\n$/, "") };
}

/** The provider's words: how the process ended, the command as Go quotes it, and all it printed. */
function failure({ code, output }: ScriptResult, command: string, { host }: Connection): Refusal {
  const end = code === undefined ? "Process exited with signal KILL" : `Process exited with status ${code}`;
  return new Refusal(
    end,
    `running ${JSON.stringify(command)}:\n${output}${output === "" ? `(on ${host}, without a word)` : ""}`,
  );
}

function environmentNames(inputs: Properties, before: Streams): string[] {
  const environment = reveal(inputs.environment ?? null);
  const own = environment !== null && typeof environment === "object" ? Object.keys(environment) : [];
  if (reveal(inputs.addPreviousOutputInEnv ?? null) === false) return own;
  return [
    ...own,
    ...(before.stdout === "" ? [] : ["PULUMI_COMMAND_STDOUT"]),
    ...(before.stderr === "" ? [] : ["PULUMI_COMMAND_STDERR"]),
  ];
}

/** Whether sshd's AcceptEnv lets a variable in; Ubuntu's takes LANG and LC_* only. */
function acceptsEnvironment(config: string, name: string): boolean {
  const patterns = [...config.matchAll(/^\s*AcceptEnv\s+(.+)$/gim)].flatMap(([, words]) => (words ?? "").split(/\s+/));
  return patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(name));
}
