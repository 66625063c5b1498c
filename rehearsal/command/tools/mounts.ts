import { resolve } from "node:path";
import { quote } from "../cloud-config.ts";
import { bindDisk, type Host, type Mount } from "../host.ts";
import { fail, ok, parseArguments, type Tool, type ToolCall, type ToolResult } from "../tool.ts";
import { diskOf } from "./disks.ts";

/** Lines of /etc/fstab: source, target, type, options. */
function fstab(host: Host): string[][] {
  const lines = (host.files.read("/etc/fstab") ?? "").split("\n").map((line) => line.replace(/#.*/, "").trim());
  return lines.filter((line) => line !== "").map((line) => line.split(/\s+/));
}

export const mount: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-a": false,
    "--all": false,
    "-t": true,
    "--types": true,
    "-o": true,
    "--options": true,
    "--bind": false,
    "--rbind": false,
    "--make-rshared": false,
    "--make-shared": false,
    "--make-private": false,
    "-l": false,
    "-v": false,
    "-r": false,
  });
  if (unknown !== undefined) return fail(`mount: unrecognized option '${unknown}'`);
  if (call.args.length === 0) return ok(host.state.mounts.map(describe).join(""));
  if (call.user !== "root") return fail("mount: only root can do that", 1);
  const options = (flags.get("-o") ?? flags.get("--options"))?.join(",") ?? "defaults";
  const type = (flags.get("-t") ?? flags.get("--types"))?.[0];
  if (
    flags.has("--bind") ||
    flags.has("--rbind") ||
    [...flags.keys()].some((flag) => flag.startsWith("--make")) ||
    /\b(remount|bind)\b/.test(options) ||
    ["tmpfs", "bpf", "cgroup2"].includes(type ?? "")
  ) {
    return { code: 0, shell: type === "bpf" ? "true" : `/usr/bin/mount ${call.args.map(quote).join(" ")}` };
  }
  if (flags.has("-a") || flags.has("--all")) {
    const entries = fstab(host).filter(
      ([source = "", target = "", , settings = ""]) =>
        target.startsWith("/") && target !== "/" && !/\bnoauto\b/.test(settings) && !source.startsWith("none"),
    );
    return together(
      entries.map(([source = "", target = "", kind = "auto", settings = ""]) =>
        attach(call, host, source, target, kind, settings, /\bnofail\b/.test(settings)),
      ),
    );
  }
  const [first = "", second] = words;
  if (second !== undefined) return attach(call, host, first, second, type ?? "auto", options, false);
  const entry = fstab(host).find(([source, target]) => source === first || target === first);
  if (entry === undefined) return fail(`mount: ${first}: can't find in /etc/fstab.`);
  return attach(call, host, entry[0] ?? "", entry[1] ?? "", entry[2] ?? "auto", entry[3] ?? "defaults", false);
};

function together(results: readonly ToolResult[]): ToolResult {
  const shell = results.flatMap((result) => result.shell ?? []).join(" && ");
  return {
    code: results.find(({ code }) => code !== 0)?.code ?? 0,
    stderr: results.map(({ stderr }) => stderr ?? "").join(""),
    ...(shell === "" ? {} : { shell }),
  };
}

function attach(
  call: ToolCall,
  host: Host,
  source: string,
  at: string,
  type: string,
  options: string,
  optional: boolean,
): ToolResult {
  const target = resolve(call.cwd, at).replace(/(.)\/$/, "$1");
  const disk = diskOf(host, source);
  if (source.startsWith("LABEL=cloudimg-rootfs")) return ok();
  if (disk === undefined) {
    if (optional) return ok();
    return fail(
      /^(UUID|LABEL)=/.test(source)
        ? `mount: ${target}: can't find ${source}.`
        : `mount: ${target}: special device ${source} does not exist.`,
      32,
    );
  }
  if (host.state.mounts.some((mounted) => mounted.target === target))
    return call.args.some((word) => word === "-a" || word === "--all")
      ? ok()
      : fail(`mount: ${target}: ${source} already mounted on ${target}.`, 32);
  if (!host.files.isDirectory(target)) return fail(`mount: ${target}: mount point does not exist.`, 32);
  const fileSystem = host.fileSystem(disk);
  if (fileSystem === undefined || (type !== "auto" && type !== fileSystem.type)) {
    return fail(
      `mount: ${target}: wrong fs type, bad option, bad superblock on ${source}, missing codepage or helper program, or other error.`,
      32,
    );
  }
  const mounted = { source: disk, target, type: fileSystem.type, options };
  host.state.mounts.push(mounted);
  return { code: 0, shell: bindDisk(mounted) };
}

export const umount: Tool = (call, host) => {
  const { words, unknown } = parseArguments(call.args, {
    "-l": false,
    "-f": false,
    "-R": false,
    "--lazy": false,
    "--force": false,
    "-q": false,
    "--recursive": false,
  });
  if (unknown !== undefined) return fail(`umount: unrecognized option '${unknown}'`);
  if (call.user !== "root") return fail(`umount: ${words[0] ?? ""}: must be superuser to unmount.`, 32);
  const commands: string[] = [];
  for (const word of words) {
    const found = host.state.mounts.find(({ source, target }) => source === word || target === resolve(call.cwd, word));
    if (found === undefined) return fail(`umount: ${word}: not mounted.`, 32);
    host.state.mounts = host.state.mounts.filter((other) => other !== found);
    // Another script on the same host may hold its own copy of the mount.
    commands.push(`/usr/bin/umount -l ${quote(found.target)}`);
  }
  return { code: 0, shell: commands.join("; ") };
};

export const mountpoint: Tool = ({ args, cwd }, { state, files }) => {
  const quiet = args.includes("-q") || args.includes("--quiet");
  const path = args.find((word) => !word.startsWith("-"));
  if (path === undefined) return fail("mountpoint: bad usage");
  const target = resolve(cwd, path).replace(/(.)\/$/, "$1");
  if (state.mounts.some((one) => one.target === target) || target === "/")
    return ok(quiet ? "" : `${path} is a mountpoint\n`);
  if (!files.exists(target)) return quiet ? { code: 1 } : fail(`mountpoint: ${path}: No such file or directory`);
  return { code: 32, stdout: quiet ? "" : `${path} is not a mountpoint\n` };
};

export const findmnt: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-n": false,
    "--noheadings": false,
    "-o": true,
    "--output": true,
    "-S": true,
    "--source": true,
    "-T": true,
    "--target": true,
    "-M": true,
    "--mountpoint": true,
    "-r": false,
    "--raw": false,
    "-l": false,
    "-f": false,
    "-t": true,
    "-m": false,
    "-u": false,
    "-b": false,
    "--verify": false,
    "-x": false,
    "--fstab": false,
    "-s": false,
    "-k": false,
  });
  if (unknown !== undefined) return fail(`findmnt: unrecognized option '${unknown}'`);
  if (flags.has("--verify") || flags.has("-x")) return ok("Success, no errors or warnings detected\n");
  const all: Mount[] = [
    { source: "/dev/root", target: "/", type: "ext4", options: "rw,relatime" },
    ...host.state.mounts,
  ];
  const source = (flags.get("-S") ?? flags.get("--source"))?.[0];
  const exact = (flags.get("-M") ?? flags.get("--mountpoint"))?.[0] ?? words[0];
  const inside = (flags.get("-T") ?? flags.get("--target"))?.[0];
  const found = all.filter((one) => {
    if (source !== undefined) return one.source === (diskOf(host, source) ?? source);
    if (exact !== undefined) return one.target === exact || one.source === exact;
    return inside === undefined || one === holder(all, inside);
  });
  if (found.length === 0) return { code: 1 };
  const columns = ((flags.get("-o") ?? flags.get("--output"))?.[0] ?? "TARGET,SOURCE,FSTYPE,OPTIONS").split(",");
  const head = flags.has("-n") || flags.has("--noheadings") || flags.has("--raw") ? [] : [columns.join(" ")];
  const rows = found.map((one) => {
    const values: Record<string, string> = {
      TARGET: one.target,
      SOURCE: one.source,
      FSTYPE: one.type,
      OPTIONS: one.options,
      UUID: host.fileSystem(one.source)?.uuid ?? "",
    };
    return columns.map((column) => values[column.toUpperCase()] ?? "").join(" ");
  });
  return ok([...head, ...rows].map((line) => `${line}\n`).join(""));
};

function holder(all: readonly Mount[], path: string): Mount | undefined {
  return all
    .filter(({ target }) => path === target || target === "/" || path.startsWith(`${target}/`))
    .sort((one, other) => other.target.length - one.target.length)[0];
}

function describe({ source, target, type, options }: Mount): string {
  return `${source} on ${target} type ${type} (${options})\n`;
}

/** The size of the disk a path lies on; 100 GiB for the root disk, which no machine of the world describes. */
export const df: Tool = ({ args }, host) => {
  const paths = args.filter((word) => !word.startsWith("-"));
  const all: Mount[] = [{ source: "/dev/root", target: "/", type: "ext4", options: "" }, ...host.state.mounts];
  const output = args.find((word) => word.startsWith("--output"));
  const block = args.some((word) => /^-\w*B?G|^-BG|block-size=1?G/i.test(word))
    ? 1024 ** 3
    : args.some((word) => /-B1$|block-size=1$/.test(word))
      ? 1
      : 1024;
  const rows = (paths.length === 0 ? ["/"] : paths).map((path) => {
    const one = holder(all, path) ?? all[0];
    const gib = host.machine.disks.find((disk) => disk.path === one?.source)?.sizeGiB ?? 100;
    const size = Math.floor((gib * 1024 ** 3) / block);
    const values: Record<string, string> = {
      source: one?.source ?? "",
      fstype: one?.type ?? "",
      size: String(size),
      used: String(Math.floor(size / 20)),
      avail: String(Math.floor(size * 0.9)),
      pcent: "5%",
      target: one?.target ?? "",
    };
    const columns = output?.split("=")[1]?.split(",") ?? ["source", "size", "used", "avail", "pcent", "target"];
    return columns.map((column) => values[column] ?? "").join(" ");
  });
  const head = output?.split("=")[1]?.split(",").join(" ") ?? "Filesystem 1K-blocks Used Available Use% Mounted on";
  return ok(`${head}\n${rows.join("\n")}\n`);
};
