import type { World } from "../world.ts";
import { type CloudConfig, quote, readCloudConfig, shellify, type User, type WriteFile } from "./cloud-config.ts";
import { Host } from "./host.ts";
import type { Machine } from "./machine.ts";
import { runScript } from "./sandbox.ts";
import { layOut } from "./skeleton.ts";
import { bareKey, generateSshKey, publicKeyOf } from "./ssh-key.ts";

const hostKeyFile = "/etc/ssh/ssh_host_ed25519_key";
/** One boot per machine at a time, whoever asks for it. */
const running = new Map<string, Promise<void>>();

/** Brings a machine to where its sshd answers: files, users and keys of its user data are there; packages and `runcmd` are not. */
export function bootEarly(machine: Machine, world: World): Promise<void> {
  return once(`early ${machine.address}`, () => early(machine, world));
}

/** Waits for cloud-init to end: packages, file systems, mounts, `runcmd`. Returns at once when it has. */
export async function bootFully(machine: Machine, world: World): Promise<void> {
  await bootEarly(machine, world);
  await once(`final ${machine.address}`, () => final(machine, world));
}

function once(key: string, work: () => Promise<void>): Promise<void> {
  const already = running.get(key);
  if (already !== undefined) return already;
  const started = work().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

async function early(machine: Machine, world: World): Promise<void> {
  const host = Host.open(machine);
  if (host.state.boot !== "new") return;
  layOut(host);
  if (machine.cloud) {
    const { config, problems } = readCloudConfig(machine.userData ?? "#cloud-config\n");
    host.state.bootErrors = problems.map((text) => ({ text, recoverable: true }));
    host.state.hostname = config.hostname ?? config.fqdn?.split(".")[0] ?? host.state.hostname;
    host.files.write("/etc/hostname", `${host.state.hostname}\n`);
    if (config.bootcmd !== undefined) await run(host, world, shellify(config.bootcmd), "bootcmd");
    for (const file of config.write_files ?? []) if (file.defer !== true) writeFile(host, file);
    addUsers(host, config);
    installHostKey(host, config);
    addPackageSources(host, config);
  } else {
    allowRoot(host, machine.authorizedKeys ?? []);
  }
  host.state.boot = machine.cloud ? "early" : "done";
  host.save();
}

async function final(machine: Machine, world: World): Promise<void> {
  const before = Host.open(machine);
  if (before.state.boot !== "early") return;
  const { config } = readCloudConfig(machine.userData ?? "#cloud-config\n");
  for (const file of config.write_files ?? []) if (file.defer === true) writeFile(before, file);
  const steps = [
    ["fs_setup and mounts", disks(config)],
    ["packages", packages(config)],
    ["runcmd", config.runcmd === undefined ? "" : shellify(config.runcmd)],
  ] as const;
  for (const [module, script] of steps) if (script !== "") await run(before, world, script, module);
  const host = Host.open(machine);
  host.state.boot = "done";
  host.save();
}

/** Runs one module's commands as root; a failure is kept for `cloud-init status`. */
async function run(host: Host, world: World, script: string, module: string): Promise<void> {
  host.save();
  const file = `/var/lib/cloud/instance/scripts/${module.replaceAll(" ", "-")}`;
  host.files.write(file, script, 0o700);
  const result = await runScript({ host, world, user: "root", command: file, stdin: "", onLine: () => {} });
  host.files.append("/var/log/cloud-init-output.log", result.output);
  const after = Host.open(host.machine);
  host.state = after.state;
  if (result.code === 0) return;
  const text = `('${module}', ProcessExecutionError("Exit code: ${result.code}. ${result.output.trim().slice(-600)}"))`;
  host.state.bootErrors.push({ text, recoverable: false });
  host.save();
}

function disks({ fs_setup: fileSystems = [], mounts = [] }: CloudConfig): string {
  const lines = fileSystems.map(({ device, filesystem, label, overwrite }) => {
    const make = `mkfs.${filesystem} ${overwrite === true ? "-F " : ""}${label === undefined ? "" : `-L ${quote(label)} `}${quote(device)}`;
    return overwrite === true ? make : `blkid ${quote(device)} >/dev/null || ${make}`;
  });
  const defaults = ["", "", "auto", "defaults,nofail,x-systemd.after=cloud-init-network.service,_netdev", "0", "2"];
  const entries = mounts.filter(([, target]) => target?.startsWith("/") === true);
  for (const entry of entries) {
    const fields = defaults.map((otherwise, index) => entry[index] ?? otherwise);
    lines.push(`mkdir -p ${quote(fields[1] ?? "")}`, `printf '%s\\n' ${quote(fields.join("\t"))} >>/etc/fstab`);
  }
  if (entries.length > 0) lines.push("mount -a");
  return lines.length === 0 ? "" : `#!/bin/sh -e\n${lines.join("\n")}\n`;
}

function packages({ package_update: update, packages: names = [] }: CloudConfig): string {
  if (names.length === 0 && update !== true) return "";
  const wanted = names.map((name) => quote(typeof name === "string" ? name : name.join("=")));
  const install = wanted.length === 0 ? "" : `DEBIAN_FRONTEND=noninteractive apt-get -y install ${wanted.join(" ")}\n`;
  return `#!/bin/sh -e\napt-get update\n${install}`;
}

function writeFile(host: Host, { path, content, encoding, permissions, append }: WriteFile): void {
  const coded = encoding !== undefined && /^(b64|base64)$/.test(encoding);
  const bytes = coded ? Buffer.from(content, "base64") : Buffer.from(content);
  const before = append === true ? Buffer.from(host.files.read(path) ?? "") : Buffer.alloc(0);
  host.files.write(path, Buffer.concat([before, bytes]), Number.parseInt(permissions ?? "0644", 8));
}

/** Ubuntu's default user gets the top-level keys; root gets them behind a forced command unless `disable_root` is false. */
function addUsers(host: Host, config: CloudConfig): void {
  const standard: User = { name: "ubuntu", sudo: "ALL=(ALL) NOPASSWD:ALL" };
  for (const entry of config.users ?? ["default"]) {
    if (entry === "default") addUser(host, standard, config.ssh_authorized_keys ?? []);
    else if (typeof entry === "string") addUser(host, { name: entry }, []);
    else addUser(host, entry, entry.ssh_authorized_keys ?? []);
  }
  const root = (config.ssh_authorized_keys ?? []).map((key) =>
    config.disable_root === false ? key : `no-port-forwarding,no-agent-forwarding,command="${rootRefusal}" ${key}`,
  );
  if (root.length > 0) allowRoot(host, root);
}

/** What a cloud image tells who logs in as root, and how it ends (cloud-init's `disable_root_opts`). */
export const rootRefusal =
  'echo \'Please login as the user \\"ubuntu\\" rather than the user \\"root\\".\';echo;sleep 10;exit 142';

/** On-prem, whoever installed the machine made the account that the site logs in with. */
export function addOperator(host: Host, name: string): void {
  if (name === "root" || (host.files.read("/etc/passwd") ?? "").includes(`\n${name}:`)) return;
  addUser(host, { name, sudo: "ALL=(ALL) NOPASSWD:ALL" }, host.machine.authorizedKeys ?? []);
  host.save();
}

function allowRoot(host: Host, keys: readonly string[]): void {
  host.files.makeDirectory("/root/.ssh", 0o700);
  host.files.append("/root/.ssh/authorized_keys", keys.map((key) => `${key}\n`).join(""));
}

function addUser(host: Host, user: User, keys: readonly string[]): void {
  const { name, sudo, shell, homedir } = user;
  const home = homedir ?? (name === "root" ? "/root" : `/home/${name}`);
  const count = (host.files.read("/etc/passwd") ?? "").split("\n").length;
  if (name !== "root") {
    host.files.append("/etc/passwd", `${name}:x:${1000 + count}:${1000 + count}::${home}:${shell ?? "/bin/bash"}\n`);
    host.files.append("/etc/group", `${name}:x:${1000 + count}:\n`);
  }
  host.files.makeDirectory(`${home}/.ssh`, 0o700);
  if (keys.length > 0)
    host.files.write(`${home}/.ssh/authorized_keys`, keys.map((key) => `${key.trim()}\n`).join(""), 0o600);
  const rules = typeof sudo === "string" ? [sudo] : Array.isArray(sudo) ? sudo : [];
  for (const rule of rules) host.files.append("/etc/sudoers.d/90-cloud-init-users", `${name} ${rule}\n`);
}

function installHostKey(host: Host, { ssh_keys: given }: CloudConfig): void {
  const privateKey = given?.ed25519_private;
  const fresh = generateSshKey(`root@${host.state.hostname}`);
  host.files.write(hostKeyFile, privateKey ?? fresh.privateKey, 0o600);
  const publicKey = privateKey === undefined ? fresh.publicKey : (given?.ed25519_public ?? publicKeyOf(privateKey));
  host.files.write(`${hostKeyFile}.pub`, `${publicKey.trim()}\n`);
  host.state.sshHostKey = loadHostKey(host);
}

/** What sshd presents once it has read its files again: nothing when the private key is missing or open to others. */
export function loadHostKey(host: Host): string {
  const privateKey = host.files.read(hostKeyFile);
  if (privateKey === undefined || ((host.files.mode(hostKeyFile) ?? 0) & 0o077) !== 0) return "";
  try {
    return bareKey(publicKeyOf(privateKey)) ?? "";
  } catch {
    return "";
  }
}

function addPackageSources(host: Host, { apt }: CloudConfig): void {
  for (const [name, { source, key, filename }] of Object.entries(apt?.sources ?? {})) {
    const base = (filename ?? name).replace(/\.list$/, "");
    const keyFile = `/etc/apt/cloud-init.gpg.d/${base}.gpg`;
    if (key !== undefined) host.files.write(keyFile, key);
    if (source === undefined) continue;
    const line = source.replaceAll("$KEY_FILE", keyFile).replaceAll("$RELEASE", "noble");
    host.files.write(`/etc/apt/sources.list.d/${base}.list`, `${line}\n`);
  }
}
