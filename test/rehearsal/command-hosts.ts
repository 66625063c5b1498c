import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { commandKind } from "../../rehearsal/command/command.ts";
import { Host } from "../../rehearsal/command/host.ts";
import { findMachine, type Machine } from "../../rehearsal/command/machine.ts";
import { missingForSandbox } from "../../rehearsal/command/sandbox.ts";
import { layOut } from "../../rehearsal/command/skeleton.ts";
import { generateSshKey } from "../../rehearsal/command/ssh-key.ts";
import type { ToolResult } from "../../rehearsal/command/tool.ts";
import { answer } from "../../rehearsal/command/tools/index.ts";
import type { Call, Properties } from "../../rehearsal/stand-in.ts";
import { World } from "../../rehearsal/world.ts";

/** Whoever runs `pulumi up`. */
export const operator = generateSshKey("operator");
/** Host keys by machine. */
export const hostKeys = {
  node: generateSshKey("node"),
  bastion: generateSshKey("bastion"),
  other: generateSshKey("other"),
};

const missing = missingForSandbox();
if (missing !== undefined) console.warn(`scripts are not run: ${missing}`);
/** Scripts cannot run here. Where CI says so, that is a failure and not a reason to skip. */
export const withoutSandbox = missing !== undefined && process.env.CI !== "true";

let world: World | undefined;
let directory = "";
const saved = { world: process.env.GYEONGBU_WORLD, speed: process.env.GYEONGBU_SPEED };

/** A world of its own for each test, a thousand times as fast as usual. */
export function freshWorld(): void {
  beforeEach(() => {
    // A space in the path, since a user's home may have one.
    directory = mkdtempSync(join(tmpdir(), "gyeongbu hosts "));
    process.env.GYEONGBU_WORLD = join(directory, "world.sqlite");
    process.env.GYEONGBU_SPEED = "600000";
    world = World.open(process.env.GYEONGBU_WORLD);
  });
  afterEach(() => {
    world?.close();
    rmSync(directory, { recursive: true, force: true });
    restore("GYEONGBU_WORLD", saved.world);
    restore("GYEONGBU_SPEED", saved.speed);
  });
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

export function theWorld(): World {
  if (world === undefined) throw new Error("no world yet");
  return world;
}

export interface MachineOptions {
  readonly publicAddress?: string;
  readonly disks?: { path: string; sizeGiB: number }[];
  readonly power?: "on" | "off";
  readonly userData?: object;
  readonly key?: { privateKey: string; publicKey: string };
  readonly place?: string;
}

/** A machine of a cloud, booted from user data. */
export function cloudMachine(address: string, options: MachineOptions = {}): void {
  const {
    publicAddress,
    disks = [],
    power = "on",
    userData = {},
    key = hostKeys.node,
    place = "ap-northeast-2",
  } = options;
  const config = {
    hostname: `n-${address.replaceAll(".", "-")}`,
    users: [{ name: "ops", sudo: "ALL=(ALL) NOPASSWD:ALL", ssh_authorized_keys: [operator.publicKey.trim()] }],
    ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey.trim() },
    ...userData,
  };
  const properties = {
    name: config.hostname,
    address,
    zone: "a",
    os: "ubuntu-24.04",
    kernel: "6.8.0-1021-aws",
    userData: `#cloud-config\n${JSON.stringify(config)}`,
    disks,
    power,
    ...(publicAddress === undefined ? {} : { publicAddress }),
  };
  theWorld().put({ provider: "host", type: "machine", id: address, urn: `urn:${address}`, place, properties });
}

/** A host that a site already has. */
export function ownMachine(address: string, properties: Properties & { hostKey?: string } = {}): void {
  const facts = {
    name: `h-${address.replaceAll(".", "-")}`,
    address,
    kernel: "6.8.0-48-generic",
    power: "on",
    disks: [],
  };
  const all = JSON.parse(JSON.stringify({ ...facts, hostKey: hostKeys.node.publicKey, ...properties }));
  theWorld().put({ provider: "host", type: "machine", id: address, urn: "", place: "idc-seoul", properties: all });
}

/** Connection to a machine of {@link cloudMachine} with a public address, or of {@link ownMachine}. */
export function connection(host: string, changes: Properties = {}): Properties {
  return {
    host,
    user: "ops",
    privateKey: operator.privateKey,
    hostKey: hostKeys.node.publicKey.trim(),
    dialErrorLimit: 2,
    ...changes,
  };
}

export function callOf(name: string, log: (line: string) => void = () => {}): Call {
  return {
    urn: `urn:pulumi:s::p::command:remote:Command::${name}`,
    type: "command:remote:Command",
    name,
    config: {},
    world: theWorld(),
    log,
    signal: new AbortController().signal,
  };
}

/** Creates a Command and gives its standard output; rejects with the provider's error. */
export async function run(host: string, create: string, inputs: Properties = {}): Promise<string> {
  const { outputs } = await commandKind().create({ connection: connection(host), create, ...inputs }, callOf("step"));
  return JSON.parse(JSON.stringify(outputs.stdout));
}

/** What a failed run said, or `""` when it did not fail. */
export async function refusal(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** A machine that has booted, without a sandbox: for calling tools one by one. */
export function bootedHost(address: string): Host {
  const host = Host.open(machineAt(address));
  layOut(host);
  host.state.boot = "done";
  host.save();
  return host;
}

function machineAt(address: string): Machine {
  const machine = findMachine(theWorld(), address);
  if (machine === undefined) throw new Error(`no machine ${address}`);
  return machine;
}

/** Calls a tool as root, outside a sandbox. */
export async function tool(address: string, line: readonly string[], stdin?: string): Promise<ToolResult> {
  const [name = "", ...args] = line;
  return answer({
    name,
    args,
    cwd: "/root",
    user: "root",
    environment: { HOME: "/root", KUBECONFIG: "/etc/kubernetes/admin.conf", DEBIAN_FRONTEND: "" },
    stdin,
    received: () => undefined,
    machine: machineAt(address),
    world: theWorld(),
    urn: `urn:${address}`,
  });
}

/** Exit status and all output of a tool in one line, for tables. */
export async function outcome(address: string, line: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout = "", stderr = "" } = await tool(address, line, stdin);
  return `${code} ${stdout}${stderr}`;
}
