import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { bootFully } from "../boot.ts";
import { quote } from "../cloud-config.ts";
import { bindDisk, Host } from "../host.ts";
import { etcdctl } from "../kubeadm/etcdctl.ts";
import { bareKey, generateSshKey, publicKeyOf } from "../ssh-key.ts";
import { fail, ok, parseArguments, readArgument, type Tool, type ToolCall, type ToolResult } from "../tool.ts";
import { criAnswers, haproxyProblem, sshdProblem } from "./configs.ts";
import { kubeletRuns } from "./units.ts";

/** Seconds that cloud-init takes on a small cloud machine until its final stage. */
const bootSeconds = 40;

export const cloudInit: Tool = async (call) => {
  const [command, ...rest] = call.args;
  if (command === "--version") return ok("/usr/bin/cloud-init 25.1.4-0ubuntu0~24.04.1\n");
  if (command === "clean") return ok();
  if (command !== "status")
    return fail(
      `usage: /usr/bin/cloud-init [-h] [--version] [--debug] [--force]\nargument subcommand: invalid choice: '${command ?? ""}'`,
      2,
    );
  if (!call.machine.cloud) return { code: 0, stdout: "status: disabled\n" };
  let seconds = 0;
  if (rest.includes("--wait") || rest.includes("-w")) {
    if (Host.open(call.machine).state.boot !== "done") seconds = bootSeconds;
    await bootFully(call.machine, call.world);
  }
  const { state } = Host.open(call.machine);
  const long = rest.includes("--long") || rest.includes("-l") || rest.includes("--format");
  const fatal = state.bootErrors.some(({ recoverable }) => !recoverable);
  const status = state.boot !== "done" ? "running" : fatal ? "error" : "done";
  const errors = state.bootErrors.map(({ text }) => `\t- ${text}\n`).join("");
  const stdout = `status: ${status}\n${long ? `errors:\n${errors === "" ? "\t[]\n" : errors}` : ""}`;
  const mounts = state.mounts.map((one) => `{ /usr/bin/mountpoint -q ${quote(one.target)} || ${bindDisk(one)}; }`);
  // Exit 2 tells of recoverable errors (docs.cloud-init.io, "failure states").
  const code = fatal ? 1 : state.boot === "done" && state.bootErrors.length > 0 ? 2 : 0;
  return { code, stdout, seconds, ...(mounts.length === 0 ? {} : { shell: mounts.join(" && ") }) };
};

export const haproxy: Tool = (call, host) => {
  const { flags, unknown } = parseArguments(call.args, {
    "-c": false,
    "-f": true,
    "-v": false,
    "-vv": false,
    "-V": false,
    "-q": false,
    "-W": false,
    "-db": false,
    "-p": true,
  });
  if (unknown !== undefined) return fail(`[ALERT]    (1) : unknown option '${unknown}'`);
  if (flags.has("-v")) return ok("HAProxy version 2.8.15-1ubuntu0.24.04.1\n");
  const file = flags.get("-f")?.[0];
  if (file === undefined) return fail("HAProxy version 2.8.15\nUsage : haproxy [-f <cfgfile|cfgdir>]*");
  const problem = haproxyProblem(host, readArgument(call, host, file));
  return problem === undefined ? ok("Configuration file is valid\n") : fail(problem);
};

const keepalivedKeywords =
  /^(!.*|global_defs|vrrp_instance|vrrp_script|vrrp_sync_group|virtual_server|[a-z_0-9]+(\s.*)?|\{|\}|[\d./]+(\s.*)?)$/;
export const keepalived: Tool = (call, host) => {
  const { flags, unknown } = parseArguments(call.args, {
    "-t": false,
    "--config-test": false,
    "-f": true,
    "--use-file": true,
    "-v": false,
    "--version": false,
    "-n": false,
    "-l": false,
  });
  if (unknown !== undefined) return fail(`keepalived: unrecognized option '${unknown}'`);
  if (flags.has("-v") || flags.has("--version")) return ok("Keepalived v2.2.8\n");
  const file = (flags.get("-f") ?? flags.get("--use-file"))?.[0] ?? "/etc/keepalived/keepalived.conf";
  const config = readArgument(call, host, file);
  if (config === undefined)
    return fail(`Configuration file '${file}' open problem (No such file or directory) - terminating`, 2);
  const lines = config.split("\n").map((line) => line.replace(/[#!].*/, "").trim());
  const broken = lines.find((line) => line !== "" && !keepalivedKeywords.test(line));
  const braces = config.split("{").length - config.split("}").length;
  if (broken !== undefined || braces !== 0)
    return fail(
      `(${file}) ${broken === undefined ? "Missing '}' or '{'" : `Unknown keyword '${broken.split(" ")[0] ?? ""}'`}`,
      4,
    );
  return ok();
};

export const sshd: Tool = (call, host) => {
  if (!call.args.some((word) => word === "-t" || word === "-T"))
    return fail("sshd re-exec requires execution with an absolute path");
  const problem = sshdProblem(host);
  return problem === undefined ? ok() : fail(problem, 255);
};

/** ssh-keygen, for the little that node set-ups do with it; another computer may not have the real one. */
export const sshKeygen: Tool = (call, host) => {
  const { flags, unknown } = parseArguments(call.args, {
    "-y": false,
    "-f": true,
    "-t": true,
    "-N": true,
    "-q": false,
    "-C": true,
    "-l": false,
    "-A": false,
    "-P": true,
  });
  if (unknown !== undefined) return fail(`unknown option -- ${unknown.slice(1)}`);
  const file = flags.get("-f")?.[0] ?? "/root/.ssh/id_ed25519";
  const content = readArgument(call, host, file);
  const mode = host.files.mode(file) ?? 0o600;
  if (flags.has("-y")) {
    if (content === undefined) return fail(`${file}: No such file or directory`, 255);
    if ((mode & 0o077) !== 0)
      return fail(
        `Permissions 0${mode.toString(8)} for '${file}' are too open.\nThis private key will be ignored.\nLoad key "${file}": bad permissions`,
        255,
      );
    try {
      return ok(`${publicKeyOf(content)}\n`);
    } catch {
      return fail(`Load key "${file}": error in libcrypto`, 255);
    }
  }
  if (flags.has("-l"))
    return bareKey(content ?? "") === undefined
      ? fail(`${file} is not a public key file.`, 255)
      : ok("256 SHA256:- no comment (ED25519)\n");
  if (flags.get("-t")?.[0] !== "ed25519") return fail("the rehearsal makes ed25519 keys only");
  if (content !== undefined) return fail(`${file} already exists.\nOverwrite (y/n)? `);
  const key = generateSshKey(flags.get("-C")?.[0] ?? `root@${host.state.hostname}`);
  host.files.write(file, key.privateKey, 0o600);
  host.files.write(`${file}.pub`, key.publicKey);
  return ok();
};

const crictlCommands = new Set(
  "pods ps images pull info version stopp rmp rm rmi stop inspect inspecti inspectp logs stats exec config".split(" "),
);
export const crictl: Tool = (call, host) => {
  // What follows `exec ID` is another program's.
  const at = call.args.indexOf("exec");
  const own = at < 0 ? call.args : call.args.slice(0, at + 1);
  const {
    flags: given,
    words,
    unknown,
  } = parseArguments(own, {
    "--runtime-endpoint": true,
    "-r": true,
    "--image-endpoint": true,
    "-i": true,
    "--timeout": true,
    "-q": false,
    "--quiet": false,
    "-o": true,
    "--output": true,
    "--name": true,
    "-a": false,
    "--all": false,
    "--namespace": true,
    "--label": true,
    "-f": false,
    "--force": false,
    "--state": true,
    "--config": true,
    "-c": true,
    "--prune": false,
  });
  if (unknown !== undefined) return fail(`flag provided but not defined: ${unknown}`);
  const [command = "", image] = words;
  if (!crictlCommands.has(command)) return fail(`No help topic for '${command}'`);
  if (command !== "config" && !criAnswers(host)) {
    return fail(
      'validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/containerd/containerd.sock": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"',
    );
  }
  if (command === "ps" || command === "exec") return containers(call, host, command, given.get("--name")?.[0]);
  if (command === "pull") return ok(`Image is up to date for ${image ?? ""}\n`, 5);
  if (command === "info")
    return ok(
      '{"status":{"conditions":[{"type":"RuntimeReady","status":true},{"type":"NetworkReady","status":true}]}}\n',
    );
  if (command === "version")
    return ok(
      `Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v${version(host)}\nRuntimeApiVersion:  v1\n`,
    );
  return ok();
};

function version(host: Host): string {
  const installed = host.state.packages["containerd.io"] ?? host.state.packages.containerd ?? "";
  return installed.split("-")[0] ?? "";
}

/** Containers of static pods; the id of each is made of its name. */
function containers(call: ToolCall, host: Host, command: "ps" | "exec", pattern: string | undefined): ToolResult {
  const idOf = (name: string): string => createHash("md5").update(name).digest("hex").slice(0, 13);
  const names = kubeletRuns(host)
    ? host.files.list("/etc/kubernetes/manifests").map((file) => file.replace(/\.yaml$/, ""))
    : [];
  if (command === "ps") {
    const shown = names.filter((name) => new RegExp(pattern ?? "").test(name));
    return ok(shown.map((name) => `${idOf(name)}${call.args.includes("-q") ? "" : `   Running   ${name}`}\n`).join(""));
  }
  const words = call.args
    .slice(call.args.indexOf("exec") + 1)
    .filter((word, index) => index > 1 || !/^-[it]+$/.test(word));
  const [id = "", program = "", ...args] = words;
  if (!names.some((name) => idOf(name) === id))
    return fail(`level=fatal msg="execing command in container: container '${id}' is not running"`);
  if (program !== "etcdctl")
    return fail(`level=fatal msg="exec: \\"${program}\\": executable file not found in $PATH"`);
  return etcdctl(call, host, args);
}

/** What `containerd config default` of 2.x prints, shortened to the tables that node set-ups change. */
const containerdDefault = `version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
disabled_plugins = []
required_plugins = []
oom_score = 0
imports = []

[grpc]
  address = '/run/containerd/containerd.sock'

[plugins]
  [plugins.'io.containerd.cri.v1.images']
    snapshotter = 'overlayfs'
    disable_snapshot_annotations = true
    discard_unpacked_layers = false
    max_concurrent_downloads = 3
    image_pull_progress_timeout = '5m0s'

    [plugins.'io.containerd.cri.v1.images'.pinned_images]
      sandbox = 'registry.k8s.io/pause:3.10.1'

    [plugins.'io.containerd.cri.v1.images'.registry]
      config_path = ''

  [plugins.'io.containerd.cri.v1.runtime']
    enable_selinux = false
    max_container_log_line_size = 16384

    [plugins.'io.containerd.cri.v1.runtime'.containerd]
      default_runtime_name = 'runc'

      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes]
        [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
          runtime_type = 'io.containerd.runc.v2'

          [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
            SystemdCgroup = false

    [plugins.'io.containerd.cri.v1.runtime'.cni]
      bin_dirs = ['/opt/cni/bin']
      conf_dir = '/etc/cni/net.d'
`;

export const containerd: Tool = ({ args }, host) => {
  if (args[0] === "config" && args[1] === "default") return ok(containerdDefault);
  if (args[0] === "config" && args[1] === "dump")
    return ok(host.files.read("/etc/containerd/config.toml") ?? containerdDefault);
  if (args[0] === "--version" || args[0] === "-v") return ok(`containerd containerd.io v${version(host)} 0000000\n`);
  return fail(`containerd: unknown command ${args.join(" ")}`);
};

export const ctr: Tool = (_, host) =>
  criAnswers(host) ? ok() : fail('ctr: failed to dial "/run/containerd/containerd.sock": context deadline exceeded');
export const runc: Tool = () => ok("runc version 1.3.3\n");
export const kubelet: Tool = ({ args }, { state }) =>
  args[0] === "--version"
    ? ok(`Kubernetes v${state.packages.kubelet?.split("-")[0] ?? ""}\n`)
    : fail("kubelet: run it as the systemd unit");

export const chronyc: Tool = ({ args }) => {
  const command = args.find((word) => !word.startsWith("-"));
  if (command === "tracking")
    return ok(
      "Reference ID    : A9FEA97B (169.254.169.123)\nStratum         : 4\nSystem time     : 0.000002 seconds fast of NTP time\nLeap status     : Normal\n",
    );
  return ["waitsync", "sources", "makestep", "burst", "online", "reload", "sourcestats", "activity"].includes(
    command ?? "",
  )
    ? ok()
    : fail("Unrecognized command");
};

/** Sleeps in modelled time. */
export function sleepTool(speed: () => number): Tool {
  return async ({ args }) => {
    const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
    let seconds = 0;
    for (const word of args) {
      const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(word);
      if (match === null)
        return fail(`sleep: invalid time interval '${word}'\nTry 'sleep --help' for more information.`);
      seconds += Number(match[1]) * (units[match[2] === "" ? "s" : (match[2] ?? "s")] ?? 1);
    }
    if (args.length === 0) return fail("sleep: missing operand");
    await wait((seconds * 1000) / speed());
    return { code: 0, seconds };
  };
}

/** Tools whose work leaves nothing that another tool could see. */
export const silent: Tool = () => ok();

export const reboot: Tool = () => fail("the rehearsal's machines do not reboot; do without, or reboot by hand");
