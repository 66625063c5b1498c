import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../host.ts";
import { sysctlOfModule } from "../sysctl.ts";
import { fail, ok, parseArguments, type Tool, type ToolResult } from "../tool.ts";

/** Modules of Ubuntu 24.04's generic and cloud kernels that clusters load. */
const modules = new Set(
  `overlay br_netfilter bridge nf_conntrack nf_nat wireguard udp_tunnel vxlan geneve ip_tables iptable_filter iptable_nat
   iptable_mangle iptable_raw ip6_tables ip6table_filter ip6table_nat ip6table_mangle ip6table_raw x_tables xt_TPROXY xt_CT xt_mark
   xt_socket xt_comment xt_conntrack xt_MASQUERADE xt_set xt_addrtype xt_multiport ip_set ip_set_hash_ip ip_set_hash_net nf_tables nft_chain_nat
   ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh cls_bpf sch_ingress sch_fq act_bpf tcp_bbr tls veth dummy ipip xfrm_user xfrm_algo esp4 esp6 ah4
   af_key authenc cbc rfc4106 gcm ghash_generic aesni_intel algif_hash nbd rbd nvme_tcp iscsi_tcp dm_crypt dm_multipath 8021q bonding
   nfs nfsd ext4 xfs loop tun sctp bpfilter xfrm_interface netkit softdog`.split(/\s+/),
);
/** Built into the kernel: loading them does nothing. */
const builtIn = new Set(["overlay", "ext4", "loop", "tun", "xt_mark"]);

export const modprobe: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-a": false,
    "--all": false,
    "-q": false,
    "--quiet": false,
    "-n": false,
    "--dry-run": false,
    "-r": false,
    "--remove": false,
    "-v": false,
  });
  if (unknown !== undefined) return fail(`modprobe: unrecognized option '${unknown}'`);
  if (words.length === 0) return fail("modprobe: ERROR: missing parameters. See -h.");
  if (call.user !== "root")
    return fail(`modprobe: ERROR: could not insert '${words[0] ?? ""}': Operation not permitted`);
  const names = flags.has("-a") || flags.has("--all") ? words : words.slice(0, 1);
  for (const name of names) {
    if (!modules.has(name.replaceAll("-", "_"))) {
      return fail(`modprobe: FATAL: Module ${name} not found in directory /lib/modules/${host.machine.kernel}`);
    }
    if (!flags.has("-n") && !flags.has("--dry-run")) load(host, name.replaceAll("-", "_"));
  }
  return ok();
};

function load(host: Host, name: string): void {
  if (host.state.modules.includes(name)) return;
  host.state.modules.push(name);
  const listed = host.state.modules.filter((one) => !builtIn.has(one));
  writeFileSync(
    join(host.directory, "proc/modules"),
    listed.map((one) => `${one} 16384 0 - Live 0x0000000000000000\n`).join(""),
  );
  for (const [key, value] of Object.entries(sysctlOfModule[name] ?? {})) host.files.write(pathOf(key), `${value}\n`);
  if (name === "wireguard") load(host, "udp_tunnel");
}

/** What systemd-modules-load does at boot. */
export function loadModules(host: Host): void {
  for (const file of host.files.list("/etc/modules-load.d")) {
    const lines = (host.files.read(`/etc/modules-load.d/${file}`) ?? "").split("\n").map((line) => line.trim());
    for (const name of lines) if (modules.has(name.replaceAll("-", "_"))) load(host, name.replaceAll("-", "_"));
  }
}

export const lsmod: Tool = (_, { state }) =>
  ok(
    `Module                  Size  Used by\n${state.modules
      .filter((name) => !builtIn.has(name))
      .map((name) => `${name.padEnd(22)} 16384  0\n`)
      .join("")}`,
  );

function pathOf(key: string): string {
  // Interface names hold dots, so a key may be written with slashes instead.
  return `/proc/sys/${key.includes("/") ? key : key.replaceAll(".", "/")}`;
}

export const sysctl: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-w": false,
    "--write": false,
    "-n": false,
    "--values": false,
    "-q": false,
    "--quiet": false,
    "-p": false,
    "--load": false,
    "--system": false,
    "-a": false,
    "-e": false,
    "--ignore": false,
  });
  if (unknown !== undefined) return fail(`sysctl: unrecognized option '${unknown}'`);
  const ignore = flags.has("-e") || flags.has("--ignore");
  if (flags.has("--system"))
    return call.user === "root" ? applySysctlFiles(host) : fail("sysctl: permission denied on key");
  if (flags.has("-p") || flags.has("--load")) {
    const file = words[0] ?? "/etc/sysctl.conf";
    const content = call.received(file) ?? (file === "-" ? call.stdin : host.files.read(file));
    return content === undefined
      ? fail(`sysctl: cannot open "${file}": No such file or directory`)
      : apply(host, content, ignore);
  }
  if (flags.has("-a")) return ok();
  const results = words.map((word): ToolResult => {
    const at = word.indexOf("=");
    if (at >= 0)
      return call.user === "root"
        ? apply(host, word, ignore)
        : fail(`sysctl: permission denied on key "${word.slice(0, at)}"`);
    const value = host.files.read(pathOf(word));
    if (value === undefined)
      return ignore ? ok() : fail(`sysctl: cannot stat ${pathOf(word)}: No such file or directory`);
    return ok(flags.has("-n") || flags.has("--values") ? value : `${word} = ${value}`);
  });
  return {
    code: results.some(({ code }) => code !== 0) ? 1 : 0,
    stdout: results.map(({ stdout }) => stdout ?? "").join(""),
    stderr: results.map(({ stderr }) => stderr ?? "").join(""),
  };
};

/** `sysctl --system`: every file in order of its name. */
export function applySysctlFiles(host: Host): ToolResult {
  const files = host.files
    .list("/etc/sysctl.d")
    .filter((name) => name.endsWith(".conf"))
    .map((name) => `/etc/sysctl.d/${name}`);
  const results = [...files, "/etc/sysctl.conf"].map((file) =>
    apply(host, host.files.read(file) ?? "", false, `* Applying ${file} ...\n`),
  );
  return {
    code: results.some(({ code }) => code !== 0) ? 1 : 0,
    stdout: results.map(({ stdout }) => stdout ?? "").join(""),
    stderr: results.map(({ stderr }) => stderr ?? "").join(""),
  };
}

function apply(host: Host, content: string, ignore: boolean, head = ""): ToolResult {
  let stdout = head;
  let stderr = "";
  for (const line of content.split("\n")) {
    const text = line.trim();
    if (text === "" || /^[#;]/.test(text)) continue;
    const match = /^(-?)\s*([^=\s]+)\s*=\s*(.*)$/.exec(text);
    if (match === null) {
      if (!text.startsWith("-")) stderr += `sysctl: malformed setting "${text}"\n`;
      continue;
    }
    const [, lenient = "", key = "", value = ""] = match;
    // A pattern sets what it matches, and matching nothing is no error.
    if (key.includes("*")) continue;
    if (!host.files.exists(pathOf(key))) {
      if (lenient === "" && !ignore) stderr += `sysctl: cannot stat ${pathOf(key)}: No such file or directory\n`;
      continue;
    }
    host.files.write(pathOf(key), `${value}\n`);
    stdout += `${key} = ${value}\n`;
  }
  return { code: stderr === "" ? 0 : 1, stdout, stderr };
}

export const swapoff: Tool = ({ args }, host) => {
  if (args.length === 0) return fail("swapoff: bad usage\nTry 'swapoff --help' for more information.");
  host.state.swap = false;
  writeFileSync(join(host.directory, "proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  return ok();
};

export const swapon: Tool = ({ args }, host) => {
  if (args.some((word) => word.startsWith("--show") || word === "-s"))
    return ok(host.state.swap ? "NAME TYPE SIZE USED PRIO\n/swap.img file 2G 0B -2\n" : "");
  host.state.swap = true;
  writeFileSync(
    join(host.directory, "proc/swaps"),
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap.img file\t\t2097148\t\t0\t\t-2\n",
  );
  return ok();
};

export const uname: Tool = ({ args }, { machine, state }) => {
  const values: Record<string, string> = {
    "-r": machine.kernel,
    "-n": state.hostname,
    "-m": "x86_64",
    "-s": "Linux",
    "-o": "GNU/Linux",
    "-p": "x86_64",
    "-i": "x86_64",
  };
  if (args.length === 0) return ok("Linux\n");
  if (args[0] === "-a") return ok(`Linux ${state.hostname} ${machine.kernel} #1 SMP x86_64 GNU/Linux\n`);
  const words = args.flatMap((word) =>
    word.startsWith("--")
      ? [`-${word[2] === "k" ? "r" : word[2]}`]
      : word
          .slice(1)
          .split("")
          .map((letter) => `-${letter}`),
  );
  return words.every((word) => values[word] !== undefined)
    ? ok(`${words.map((word) => values[word]).join(" ")}\n`)
    : fail(`uname: invalid option -- '${args[0]}'`);
};
