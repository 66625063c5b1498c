import { randomUUID } from "node:crypto";
import type { Host } from "../host.ts";
import { fail, ok, parseArguments, type Tool } from "../tool.ts";

/** The attached disk that a path, `UUID=` or `LABEL=` names. */
export function diskOf(host: Host, name: string): string | undefined {
  const tag = /^(UUID|LABEL)="?([^"]+)"?$/.exec(name);
  return host.machine.disks
    .map(({ path }) => path)
    .find((path) => {
      if (tag === null) return path === name;
      const fileSystem = host.fileSystem(path);
      return (tag[1] === "UUID" ? fileSystem?.uuid : fileSystem?.label) === tag[2];
    });
}

export const mkfs: Tool = (call, host) => {
  const type = call.name.replace(/^mkfs\./, "").replace("mke2fs", "ext4");
  const { flags, words, unknown } = parseArguments(call.args, {
    "-F": false,
    "-f": false,
    "-q": false,
    "-L": true,
    "-U": true,
    "-m": true,
    "-E": true,
    "-O": true,
    "-i": true,
    "-T": true,
    "-t": true,
    "-b": true,
    "-n": false,
    "-v": false,
  });
  if (unknown !== undefined) return fail(`${call.name}: invalid option -- '${unknown.replace(/^-+/, "")}'`);
  const device = words[0];
  if (device === undefined) return fail(`Usage: ${call.name} [options] device`);
  const disk = diskOf(host, device);
  if (disk === undefined)
    return fail(`mke2fs 1.47.0 (5-Feb-2023)\nThe file ${device} does not exist and no size was specified.`);
  if (call.user !== "root") return fail(`${call.name}: Permission denied while trying to determine filesystem size`);
  if (host.state.mounts.some(({ source }) => source === disk))
    return fail(`${device} is mounted; will not make a filesystem here!`);
  const present = host.fileSystem(disk);
  const force = flags.has("-F") || flags.has("-f");
  if (present !== undefined && !force) {
    const text =
      type === "xfs"
        ? `mkfs.xfs: ${device} appears to contain an existing filesystem (${present.type}).\nmkfs.xfs: Use the -f option to force overwrite.`
        : `${device} contains a ${present.type} file system\nProceed anyway? (y,N)`;
    return fail(text);
  }
  const label = flags.get("-L")?.[0] ?? "";
  if (label.length > 16) return fail(`Warning: label too long; will be truncated to '${label.slice(0, 16)}'`);
  host.format(disk, { type, label, uuid: flags.get("-U")?.[0] ?? randomUUID() });
  return ok(flags.has("-q") ? "" : "Writing superblocks and filesystem accounting information: done\n", 2);
};

export const blkid: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-s": true,
    "-o": true,
    "-p": false,
    "-L": true,
    "-U": true,
    "-t": true,
    "-c": true,
    "-n": true,
    "-u": true,
    "-g": false,
  });
  if (unknown !== undefined) return fail(`blkid: invalid option -- '${unknown.replace(/^-+/, "")}'`, 4);
  const wanted =
    flags.get("-L")?.map((label) => `LABEL=${label}`)[0] ??
    flags.get("-U")?.map((uuid) => `UUID=${uuid}`)[0] ??
    flags.get("-t")?.[0];
  if (wanted !== undefined) {
    const disk = diskOf(host, wanted);
    return disk === undefined ? { code: 2 } : ok(`${disk}\n`);
  }
  const disks = words.length === 0 ? host.machine.disks.map(({ path }) => path) : words;
  const lines = disks.flatMap((path) => {
    const disk = diskOf(host, path);
    const found = disk === undefined ? undefined : host.fileSystem(disk);
    if (found === undefined) return [];
    const tags: Record<string, string> = { LABEL: found.label, UUID: found.uuid, TYPE: found.type };
    const shown = Object.entries(tags).filter(
      ([tag, value]) => value !== "" && (flags.get("-s")?.includes(tag) ?? true),
    );
    if (flags.get("-o")?.[0] === "value") return shown.map(([, value]) => `${value}\n`);
    if (flags.get("-o")?.[0] === "export")
      return [`DEVNAME=${path}\n`, ...shown.map(([tag, value]) => `${tag}=${value}\n`)];
    return [`${path}: ${shown.map(([tag, value]) => `${tag}="${value}"`).join(" ")}\n`];
  });
  return lines.length === 0 ? { code: 2 } : ok(lines.join(""));
};

export const lsblk: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-n": false,
    "--noheadings": false,
    "-o": true,
    "--output": true,
    "-d": false,
    "--nodeps": false,
    "-p": false,
    "--paths": false,
    "-b": false,
    "-r": false,
    "-J": false,
    "-f": false,
    "-l": false,
    "-P": false,
  });
  if (unknown !== undefined) return fail(`lsblk: unrecognized option '${unknown}'`);
  const missing = words.find((path) => diskOf(host, path) === undefined);
  if (missing !== undefined) return fail(`lsblk: ${missing}: not a block device`, 32);
  const columns = (flags.get("-o") ?? flags.get("--output") ?? ["NAME,SIZE,TYPE,MOUNTPOINTS"])[0]?.split(",") ?? [];
  const rows = host.machine.disks
    .filter(({ path }) => words.length === 0 || words.includes(path))
    .map(({ path, sizeGiB }) => {
      const fileSystem = host.fileSystem(path);
      const target = host.state.mounts.find(({ source }) => source === path)?.target ?? "";
      const size = flags.has("-b") ? String(sizeGiB * 1024 ** 3) : `${sizeGiB}G`;
      const values: Record<string, string> = {
        NAME: path,
        PATH: path,
        KNAME: path,
        SIZE: size,
        TYPE: "disk",
        FSTYPE: fileSystem?.type ?? "",
        UUID: fileSystem?.uuid ?? "",
        LABEL: fileSystem?.label ?? "",
        MOUNTPOINT: target,
        MOUNTPOINTS: target,
        RO: "0",
      };
      return columns.map((column) => values[column.toUpperCase()] ?? "").join(" ");
    });
  const head = flags.has("-n") || flags.has("--noheadings") ? [] : [columns.join(" ")];
  return ok([...head, ...rows].map((line) => `${line}\n`).join(""));
};

export const wipefs: Tool = (call, host) => {
  const { flags, words, unknown } = parseArguments(call.args, {
    "-a": false,
    "--all": false,
    "-f": false,
    "--force": false,
    "-q": false,
    "-n": false,
  });
  if (unknown !== undefined) return fail(`wipefs: unrecognized option '${unknown}'`);
  for (const device of words) {
    const disk = diskOf(host, device);
    if (disk === undefined)
      return fail(`wipefs: error: ${device}: probing initialization failed: No such file or directory`);
    if (host.state.mounts.some(({ source }) => source === disk))
      return fail(`wipefs: error: ${device}: probing initialization failed: Device or resource busy`);
    if (flags.has("-a") || flags.has("--all")) host.format(disk, undefined);
  }
  return ok();
};
