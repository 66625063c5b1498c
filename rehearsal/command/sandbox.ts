import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { World } from "../world.ts";
import { CallSlots } from "./call-slots.ts";
import { Host } from "./host.ts";
import { linkTools, shims } from "./tool-links.ts";
import { packagedTools } from "./tools/index.ts";

/** What a login shell is told to do. */
export interface Script {
  readonly host: Host;
  readonly world: World;
  readonly user: string;
  /** Given to `bash -c`, as sshd does. */
  readonly command: string;
  readonly stdin: string;
  onLine(line: string, stream: "stdout" | "stderr"): void;
  readonly signal?: AbortSignal;
  /** The resource it runs for. */
  readonly urn?: string;
}

export interface ScriptResult {
  /** Exit status; `undefined` when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, as they came. */
  readonly output: string;
  /** Modelled seconds that its tools took. */
  readonly seconds: number;
}

/** Wall seconds after which a script is killed: it waits for something that will never come. */
const longestRunSeconds = 60;
/** Linux: one argument holds at most 32 pages (MAX_ARG_STRLEN), and sshd passes a command as one. */
const longestCommandBytes = 131_071;

const ways: readonly { readonly flags: readonly string[]; readonly proc: string }[] = [
  { flags: ["--user", "--map-root-user", "--pid", "--kill-child"], proc: "new" },
  { flags: ["--user", "--map-root-user"], proc: "bind" },
  { flags: ["--pid", "--kill-child"], proc: "new" },
];
/** Tools that come with packages. */
const playedTools = Object.keys(packagedTools);
const always = ["--mount", "--uts", "--ipc", "--net", "--fork"];
let chosen: (typeof ways)[number] | undefined;

/** What this computer lacks to run scripts on hosts of their own; `undefined` when it lacks nothing. */
export function missingForSandbox(): string | undefined {
  if (chosen !== undefined) return undefined;
  let reason = "";
  for (const way of ways) {
    const mountProc = way.proc === "new" ? "mount -t proc proc /proc && " : "";
    const probe = `${mountProc}mount --bind /usr /mnt`;
    const tried = spawnSync(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", ...always, ...way.flags, "bash", "-c", probe],
      {
        encoding: "utf8",
      },
    );
    if (tried.status === 0) {
      chosen = way;
      return undefined;
    }
    if (reason === "") reason = tried.error?.message ?? tried.stderr.trim().split("\n")[0] ?? "";
  }
  return `scripts need a user and a mount namespace of their own, and this computer refuses them (${reason}); allow unprivileged user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, --privileged or --security-opt seccomp=unconfined for a container) and have unshare, mount and setpriv of util-linux on PATH`;
}

/** Runs a command on a host's own file system and answers the calls of its tools. */
export async function runScript(script: Script): Promise<ScriptResult> {
  const missing = missingForSandbox();
  if (missing !== undefined || chosen === undefined) throw new Error(missing);
  if (Buffer.byteLength(script.command) > longestCommandBytes) return ended(127, "bash: Argument list too long\n");
  const { user, command } = script;
  const host = Host.open(script.host.machine);
  const run = join(host.directory, "runs", randomBytes(6).toString("hex"));
  mkdirSync(run, { recursive: true, mode: 0o700 });
  try {
    linkTools(host);
    const slots = new CallSlots(join(run, "calls"), script);
    writeFileSync(join(run, "command"), command, { mode: 0o600 });
    writeFileSync(join(run, "mounts"), host.state.mounts.map(({ target }) => `${target}\n`).join(""));
    writeFileSync(join(run, "fstab"), fstab(host, run, chosen.proc));
    if (isOneSudo(command)) writeFileSync(join(run, "sudo"), "");
    const home = user === "root" ? "/root" : `/home/${user}`;
    const root = join(host.directory, "root");
    const words = [...always, ...chosen.flags, join(shims, "enter"), root, run, user, home, host.state.hostname];
    return await execute(words, slots, script);
  } finally {
    rmSync(run, { recursive: true, force: true });
  }
}

function ended(code: number, stderr: string): ScriptResult {
  return { code, stdout: "", stderr, output: stderr, seconds: 0 };
}

/** `sudo -n bash -c '...'` and nothing else. */
function isOneSudo(command: string): boolean {
  return /^sudo -n bash -c '(?:[^']|'\\'')*'$/.test(command);
}

/** Everything that is mounted for a run, in order, as fstab(5) has it: one program mounts it all. */
function fstab(host: Host, run: string, proc: string): string {
  const root = join(host.directory, "root");
  const lines: string[] = [];
  const octal = (path: string): string =>
    path.replace(/[\s\\]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, "0")}`);
  const bind = (source: string, target: string, options = "bind"): void =>
    void lines.push(`${octal(source)} ${octal(join(root, target))} none ${options} 0 0`);
  const bindFile = (source: string, target: string, options = "bind"): void => {
    const point = join(root, target);
    mkdirSync(dirname(point), { recursive: true });
    if (!existsSync(point)) writeFileSync(point, "");
    bind(source, target, options);
  };
  bind(root, "");
  bind("/usr", "usr", "bind,ro");
  bind(join(host.directory, "local"), "usr/local");
  if (existsSync("/etc/alternatives")) bind("/etc/alternatives", "etc/alternatives", "bind,ro");
  if (proc === "new") lines.push(`proc ${octal(join(root, "proc"))} proc defaults 0 0`);
  else bind("/proc", "proc", "rbind");
  bind(join(host.directory, "proc", "sys"), "proc/sys");
  for (const file of ["swaps", "modules"]) {
    if (existsSync(`/proc/${file}`)) bind(join(host.directory, "proc", file), `proc/${file}`);
  }
  for (const node of ["null", "zero", "random", "urandom"]) bindFile(`/dev/${node}`, `dev/${node}`);
  // A disk of the host is a block device that nobody can open: the shims play mkfs and mount.
  const block = ["/dev/loop0", "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/xvda", "/dev/dm-0"].find((node) =>
    existsSync(node),
  );
  for (const { path } of host.machine.disks) {
    if (block !== undefined) bindFile(block, path, "bind,ro,nodev");
    const volume = dirname(host.diskDirectory(path));
    const point = join(".rehearsal/disks", path.replaceAll("/", "_"));
    for (const directory of [volume, join(root, point)]) mkdirSync(directory, { recursive: true });
    bind(volume, point);
  }
  for (const { source, target } of host.state.mounts) {
    mkdirSync(join(root, target), { recursive: true });
    bind(host.diskDirectory(source), target);
  }
  // What this computer happens to have is no tool of the host.
  for (const program of ["/usr/bin", "/usr/sbin"].flatMap((folder) => playedTools.map((name) => join(folder, name)))) {
    const real = existsSync(program) ? realpathSync(program) : "";
    if (real.startsWith("/usr/")) bind(join(shims, "absent"), real, "bind,ro");
  }
  bind(shims, ".rehearsal/shims", "bind,ro");
  bind(run, ".rehearsal/run");
  return `${lines.join("\n")}\n`;
}

async function execute(words: string[], slots: CallSlots, script: Script): Promise<ScriptResult> {
  // Not even a killed plugin leaves a script behind.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...words], {
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  const kill = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(kill, longestRunSeconds * 1000);
  if (script.signal?.aborted === true) kill();
  script.signal?.addEventListener("abort", kill, { once: true });
  const result = { stdout: "", stderr: "", output: "" };
  const exited = new Promise<number | undefined>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? undefined));
  });
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = lineReader((line) => script.onLine(line, stream));
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      result[stream] += text;
      result.output += text;
      lines(text);
    });
  }
  child.stdin?.on("error", () => {}).end(script.stdin);
  const [, , , calls, free] = child.stdio;
  if (
    calls !== null &&
    calls !== undefined &&
    "on" in calls &&
    free !== null &&
    free !== undefined &&
    "write" in free
  ) {
    slots.serve(calls, free);
  }
  try {
    const code = await exited;
    return { ...result, code, seconds: slots.seconds };
  } finally {
    clearTimeout(timer);
    script.signal?.removeEventListener("abort", kill);
  }
}

function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  };
}
