import { connectionObstacle } from "../../verify/reach.ts";
import type { World } from "../../world.ts";
import type { Host } from "../host.ts";
import { fail, ok, parseArguments, type Tool, type ToolCall, type ToolResult } from "../tool.ts";
import { candidate, catalogue, packagesOf, type Repository } from "./packages.ts";
import { repositories, trusted } from "./repositories.ts";
import { addUnits } from "./units.ts";

const flags = {
  "-y": false,
  "--yes": false,
  "--assume-yes": false,
  "-q": false,
  "-qq": false,
  "--quiet": false,
  "-o": true,
  "-t": true,
  "-f": false,
  "--no-install-recommends": false,
  "--no-install-suggests": false,
  "--allow-downgrades": false,
  "--allow-change-held-packages": false,
  "--allow-unauthenticated": false,
  "--download-only": false,
  "-d": false,
  "--only-upgrade": false,
  "--reinstall": false,
  "--purge": false,
  "--autoremove": false,
  "--fix-broken": false,
  "--option": true,
  "--error-on": true,
  "--no-upgrade": false,
  "--allow-releaseinfo-change": false,
  "--simulate": false,
  "-s": false,
} as const;

/** apt-get and apt. */
export const aptGet: Tool = (call, host) => {
  const { flags: given, words, unknown } = parseArguments(call.args, flags);
  if (unknown !== undefined)
    return fail(`E: Command line option '${unknown}' is not understood in combination with the other options`, 100);
  const [command, ...names] = words;
  const has = (...any: string[]): boolean => any.some((flag) => given.has(flag));
  const asked = has("-y", "--yes", "--assume-yes", "-qq");
  if (call.user !== "root") {
    return fail(
      `E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?`,
      100,
    );
  }
  switch (command) {
    case "update":
      return update(host, call.world);
    case "install":
      return install(host, names, {
        asked,
        held: has("--allow-change-held-packages"),
        downgrade: has("--allow-downgrades"),
      });
    case "remove":
    case "purge":
      return remove(host, names, asked, has("--allow-change-held-packages"));
    case "upgrade":
    case "dist-upgrade":
    case "full-upgrade":
      return asked ? ok("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", 20) : abort();
    case "autoremove":
    case "clean":
    case "autoclean":
    case "check":
      return ok();
    default:
      return fail(
        command === undefined
          ? "apt 2.8.3 (amd64)\nUsage: apt-get [options] command"
          : `E: Invalid operation ${command}`,
        command === undefined ? 1 : 100,
      );
  }
};

/** Repositories that everybody reaches over the Internet; where a mirror stands is nobody's business here. */
const publicRepository = /^https?:\/\/([\w.-]+\.)?(ubuntu\.com|docker\.com|k8s\.io)\//;
/** An address out there: any will do. */
const outside = "198.51.100.250";

function obstacleTo(uri: string, { machine }: Host, world: World): string | undefined {
  const port = uri.startsWith("https:") ? 443 : 80;
  return publicRepository.test(uri) ? connectionObstacle(world, machine.address, outside, port) : undefined;
}

function update(host: Host, world: World): ToolResult {
  const errors: string[] = [];
  const read: string[] = [];
  for (const repository of repositories(host)) {
    const { uri, signedBy, suites } = repository;
    const suite = suites.split(/\s+/)[0] ?? "";
    const obstacle = obstacleTo(uri, host, world);
    if (obstacle !== undefined) {
      errors.push(`E: Failed to fetch ${uri}  Could not connect: connection timed out (${obstacle})`);
    } else if (packagesOf(repository) === undefined) {
      errors.push(`E: The repository '${uri} ${suite} Release' does not have a Release file.`);
    } else if (!trusted(host, repository)) {
      errors.push(
        `E: The repository '${uri} ${suite} InRelease' is not signed.${signedBy === undefined ? "" : ` (no key in ${signedBy})`}`,
      );
    } else read.push(uri);
  }
  host.state.packageLists = read;
  const lines = read.map((uri, index) => `Get:${index + 1} ${uri} InRelease\n`).join("");
  return errors.length === 0
    ? ok(`${lines}Reading package lists...\n`, 5)
    : { ...fail(errors.join("\n"), 100, lines), seconds: 5 };
}

interface Consent {
  readonly asked: boolean;
  readonly held: boolean;
  readonly downgrade: boolean;
}

function install(host: Host, names: readonly string[], { asked, held, downgrade }: Consent): ToolResult {
  const { state } = host;
  const lists = repositories(host).filter(({ uri }) => state.packageLists.includes(uri));
  const plan = new Map<string, string>();
  const wanted = [...names];
  for (let word = wanted.shift(); word !== undefined; word = wanted.shift()) {
    const [name = "", version] = word.split("=");
    const sources = lists.filter((list) => packagesOf(list)?.names.includes(name) === true);
    if (sources.length === 0 && state.packages[name] === undefined)
      return fail(`E: Unable to locate package ${name}`, 100);
    const chosen = choose(name, version, sources, state.packages[name]);
    if (chosen === undefined) return fail(`E: Version '${version ?? ""}' for '${name}' was not found`, 100);
    plan.set(name, chosen);
    for (const needed of catalogue[name]?.depends ?? [])
      if (!plan.has(needed) && state.packages[needed] === undefined) wanted.push(needed);
  }
  const changed = [...plan].filter(([name, version]) => state.packages[name] !== version);
  if (changed.length === 0) return ok("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", 1);
  if (!asked) return abort();
  if (changed.some(([name]) => state.held.includes(name)) && !held) {
    return fail("E: Held packages were changed and -y was used without --allow-change-held-packages.", 100);
  }
  if (changed.some(([name, version]) => older(version, state.packages[name])) && !downgrade) {
    return fail("E: Packages were downgraded and -y was used without --allow-downgrades.", 100);
  }
  let seconds = 2;
  for (const [name, version] of changed) {
    for (const other of catalogue[name]?.conflicts ?? []) delete state.packages[other];
    state.packages[name] = version;
    unpack(host, name);
    seconds += catalogue[name]?.seconds ?? 2;
  }
  return ok(changed.map(([name, version]) => `Setting up ${name} (${version}) ...\n`).join(""), seconds);
}

function choose(
  name: string,
  version: string | undefined,
  sources: readonly Repository[],
  installed: string | undefined,
): string | undefined {
  if (version === undefined) return sources[0] === undefined ? installed : (installed ?? candidate(name, sources[0]));
  if (installed !== undefined && matches(installed, version)) return installed;
  for (const source of sources) {
    const exact = version.endsWith("*") ? complete(version, source, name) : version;
    if (exact !== undefined && packagesOf(source)?.accepts(name, exact) === true) return exact;
  }
  return undefined;
}

function matches(installed: string, pattern: string): boolean {
  return pattern.endsWith("*") ? installed.startsWith(pattern.slice(0, -1)) : installed === pattern;
}

/** The newest version that fits a pattern such as `1.36.4-*` or `2.3.2-*`. */
function complete(pattern: string, source: Repository, name: string): string | undefined {
  const stem = pattern.slice(0, -1);
  const best = candidate(name, source);
  if (best.startsWith(stem)) return best;
  const patch = /^(\d+\.\d+\.\d+)/.exec(stem)?.[1];
  return patch === undefined ? undefined : `${patch}${best.replace(/^\d+\.\d+\.\d+/, "")}`;
}

function unpack(host: Host, name: string): void {
  const { units = [], files = {}, directories = [], account } = catalogue[name] ?? {};
  for (const directory of directories) host.files.makeDirectory(directory);
  for (const [path, content] of Object.entries(files)) if (!host.files.exists(path)) host.files.write(path, content);
  for (const file of ["/etc/passwd", "/etc/group"]) {
    if (account === undefined || (host.files.read(file) ?? "").includes(`\n${account}:`)) continue;
    host.files.append(
      file,
      file === "/etc/passwd" ? `${account}:x:900:900::/nonexistent:/usr/sbin/nologin\n` : `${account}:x:900:\n`,
    );
  }
  addUnits(host, units);
}

function remove(host: Host, names: readonly string[], asked: boolean, held: boolean): ToolResult {
  const present = names.filter((name) => host.state.packages[name] !== undefined);
  const unknown = names.find((name) => catalogue[name] === undefined && host.state.packages[name] === undefined);
  if (unknown !== undefined) return fail(`E: Unable to locate package ${unknown}`, 100);
  if (present.length === 0) return ok("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", 1);
  if (!asked) return abort();
  if (present.some((name) => host.state.held.includes(name)) && !held) {
    return fail("E: Held packages were changed and -y was used without --allow-change-held-packages.", 100);
  }
  for (const name of present) {
    delete host.state.packages[name];
    for (const { name: unit } of catalogue[name]?.units ?? []) delete host.state.units[unit];
  }
  host.state.held = host.state.held.filter((name) => !present.includes(name));
  return ok(present.map((name) => `Removing ${name} ...\n`).join(""), 5);
}

function abort(): ToolResult {
  return fail("", 1, "Do you want to continue? [Y/n] Abort.\n");
}

function older(version: string, installed: string | undefined): boolean {
  return installed !== undefined && version.localeCompare(installed, "en", { numeric: true }) < 0;
}

export const aptMark: Tool = ({ args }, { state }) => {
  const [command, ...names] = args;
  const missing = names.find((name) => state.packages[name] === undefined);
  switch (command) {
    case "hold":
      if (missing !== undefined) return fail(`E: Unable to locate package ${missing}`, 100);
      state.held = [...new Set([...state.held, ...names])];
      return ok(names.map((name) => `${name} set on hold.\n`).join(""));
    case "unhold":
      state.held = state.held.filter((name) => !names.includes(name));
      return ok(names.map((name) => `Canceled hold on ${name}.\n`).join(""));
    case "showhold":
      return ok(state.held.map((name) => `${name}\n`).join(""));
    case "manual":
    case "auto":
      return ok();
    default:
      return fail(`E: Invalid operation ${command ?? ""}`, 100);
  }
};

export const aptCache: Tool = (call, host) => {
  const [command, name = ""] = call.args;
  const sources = repositories(host).filter(
    (list) => host.state.packageLists.includes(list.uri) && packagesOf(list)?.names.includes(name) === true,
  );
  const source = sources[0];
  if (command === "policy") {
    const best = source === undefined ? "(none)" : candidate(name, source);
    return ok(`${name}:\n  Installed: ${host.state.packages[name] ?? "(none)"}\n  Candidate: ${best}\n`);
  }
  if (command !== "madison") return fail(`E: Invalid operation ${command ?? ""}`, 100);
  return ok(sources.map((list) => ` ${name} | ${candidate(name, list)} | ${list.uri} Packages\n`).join(""));
};

/** dpkg and dpkg-query, for asking only. */
export const dpkg: Tool = (call, host) => {
  const { state } = host;
  const words = call.args.filter((word) => !word.startsWith("-"));
  const format = call.args.find((word) => word.startsWith("-f") || word.startsWith("--showformat"));
  const pattern = (format?.startsWith("-f=") ? format.slice(3) : format?.replace(/^(--showformat=|-f)/, "")) ?? "";
  if (call.args.includes("--print-architecture")) return ok("amd64\n");
  if (call.args.includes("--configure") || call.args.includes("--audit")) return ok();
  if (call.args.includes("--compare-versions")) return compare(words);
  const names = pattern === "" && call.args.includes("-f") ? words.slice(1) : words;
  const missing = names.find((name) => state.packages[name] === undefined);
  if (missing !== undefined) return fail(`dpkg-query: no packages found matching ${missing}`);
  const lines = names.map((name) => show(pattern, name, state.packages[name] ?? ""));
  return ok(lines.join(""));
};

function show(pattern: string, name: string, version: string): string {
  if (pattern === "")
    return `ii  ${name}  ${version}  amd64\nPackage: ${name}\nStatus: install ok installed\nVersion: ${version}\n`;
  const fields: Record<string, string> = {
    Package: name,
    Version: version,
    Status: "install ok installed",
    "db:Status-Status": "installed",
    "db:Status-Abbrev": "ii ",
  };
  return pattern.replace(/\$\{([^}]+)\}/g, (_, field: string) => fields[field] ?? "").replaceAll("\\n", "\n");
}

function compare([one = "", relation = "", other = ""]: readonly string[]): ToolResult {
  const order = one.localeCompare(other, "en", { numeric: true });
  const holds: Record<string, boolean> = {
    lt: order < 0,
    le: order <= 0,
    eq: order === 0,
    ne: order !== 0,
    ge: order >= 0,
    gt: order > 0,
  };
  return { code: holds[relation] === true ? 0 : 1 };
}

/** gpg, for turning an armoured repository key into a keyring. */
export const gpg: Tool = (call: ToolCall, host: Host) => {
  const {
    flags: given,
    words,
    unknown,
  } = parseArguments(call.args, {
    "--dearmor": false,
    "-o": true,
    "--output": true,
    "--yes": false,
    "--batch": false,
    "--no-tty": false,
    "--show-keys": false,
    "--with-colons": false,
    "--import": false,
    "--quiet": false,
    "-q": false,
  });
  if (unknown !== undefined) return fail(`gpg: invalid option "${unknown}"`, 2);
  const source = words[0] === undefined ? call.stdin : (call.received(words[0]) ?? host.files.read(words[0]));
  if (source === undefined) return fail(`gpg: can't open '${words[0] ?? ""}': No such file or directory`, 2);
  if (!given.has("--dearmor")) return ok();
  if (!source.includes("BEGIN PGP PUBLIC KEY BLOCK"))
    return fail("gpg: no valid OpenPGP data found.\ngpg: dearmoring failed: Unexpected error", 2);
  const output = (given.get("-o") ?? given.get("--output"))?.[0];
  if (output === undefined) return ok(source);
  if (host.files.exists(output) && !given.has("--yes"))
    return fail(`gpg: cannot open '/dev/tty': No such device or address`, 2);
  host.files.write(output, source);
  return ok();
};
