import { loadHostKey } from "../boot.ts";
import type { Host } from "../host.ts";
import { fail, ok, parseArguments, type Tool, type ToolResult } from "../tool.ts";
import { containerdProblem, haproxyProblem, sshdProblem } from "./configs.ts";
import { applySysctlFiles, loadModules } from "./kernel.ts";
import { kubeletRuns, unitExists, unitFile, unitName } from "./units.ts";

const flags = {
  "--now": false,
  "-q": false,
  "--quiet": false,
  "--no-pager": false,
  "--no-block": false,
  "--all": false,
  "-a": false,
  "-l": false,
  "--full": false,
  "-p": true,
  "--property": true,
  "--value": false,
  "--type": true,
  "-t": true,
  "--state": true,
  "--no-legend": false,
  "--plain": false,
  "-f": false,
  "--force": false,
  "--wait": false,
  "--failed": false,
  "--no-ask-password": false,
  "--runtime": false,
  "-n": true,
  "--lines": true,
} as const;

const commands = new Set(
  "start stop restart try-restart reload reload-or-restart enable disable mask unmask is-active is-enabled is-failed is-system-running status show cat daemon-reload daemon-reexec list-units list-unit-files reset-failed preset poweroff reboot kill".split(
    " ",
  ),
);

export const systemctl: Tool = (call, host) => {
  const { flags: given, words, unknown } = parseArguments(call.args, flags);
  if (unknown !== undefined) return fail(`systemctl: unrecognized option '${unknown}'`);
  const [command = "list-units", ...names] = words;
  if (!commands.has(command)) return fail(`Unknown command verb ${command}.`);
  const asking = /^(is-|status|show|cat|list-)/.test(command);
  if (call.user !== "root" && !asking) {
    return fail(`Failed to ${command} ${names[0] ?? ""}: Interactive authentication required.`);
  }
  if (command === "is-system-running") return ok("running\n");
  if (/^(daemon-re|list-|reset-failed|poweroff|reboot|kill)/.test(command)) return ok();
  if (names.length === 0) return fail("Too few arguments.");
  const results = names.map((name) =>
    one(
      host,
      command,
      unitName(name),
      given.has("--now"),
      given.get("--property")?.[0] ?? given.get("-p")?.[0],
      given.has("--value"),
    ),
  );
  return {
    code: results.find(({ code }) => code !== 0)?.code ?? 0,
    stdout: given.has("-q") || given.has("--quiet") ? "" : results.map(({ stdout }) => stdout ?? "").join(""),
    stderr: results.map(({ stderr }) => stderr ?? "").join(""),
    seconds: asking ? 0 : 2,
  };
};

function one(
  host: Host,
  command: string,
  name: string,
  now: boolean,
  property: string | undefined,
  bare: boolean,
): ToolResult {
  const exists = unitExists(host, name);
  const full = /\.[a-z]+$/.test(name) && !name.endsWith(".io") ? name : `${name}.service`;
  const unit = host.state.units[name] ?? { enabled: false, active: false, masked: false };
  switch (command) {
    case "is-active":
      return answerState(exists ? activity(host, name) : "inactive", ["active"], exists ? 3 : 4);
    case "is-enabled":
      if (!exists) return fail(`Failed to get unit file state for ${full}: No such file or directory`);
      return answerState(unit.masked ? "masked" : unit.enabled ? "enabled" : "disabled", ["enabled"], 1);
    case "is-failed":
      return answerState(activity(host, name), ["failed"], 1);
    case "status":
      if (!exists) return fail(`Unit ${full} could not be found.`, 4);
      return {
        code: activity(host, name) === "active" ? 0 : 3,
        stdout: `${full}\n     Active: ${activity(host, name)}\n`,
      };
    case "show": {
      const value =
        property === "ActiveState"
          ? activity(host, name)
          : property === "LoadState"
            ? exists
              ? "loaded"
              : "not-found"
            : "";
      return ok(`${bare || property === undefined ? "" : `${property}=`}${value}\n`);
    }
    case "cat":
      return exists ? ok(unitFile(host, name) ?? "") : fail(`No files found for ${full}.`);
    case "mask":
      host.state.units[name] = { enabled: false, active: now ? false : unit.active, masked: true };
      return ok();
    case "unmask":
      host.state.units[name] = { ...unit, masked: false };
      return ok();
    default:
      if (!exists) return missing(command, full);
      return change(host, command, name, full, now);
  }
}

function missing(command: string, full: string): ToolResult {
  if (command === "enable" || command === "disable")
    return fail(`Failed to ${command} unit: Unit file ${full} does not exist.`);
  return fail(`Failed to ${command} ${full}: Unit ${full} not ${command === "stop" ? "loaded" : "found"}.`, 5);
}

function change(host: Host, command: string, name: string, full: string, now: boolean): ToolResult {
  const unit = { ...(host.state.units[name] ?? { enabled: false, active: false, masked: false }) };
  host.state.units[name] = unit;
  if (unit.masked && command !== "disable" && command !== "stop")
    return fail(`Failed to ${command} ${full}: Unit ${full} is masked.`);
  if (command === "enable") unit.enabled = true;
  if (command === "disable") unit.enabled = false;
  const stops = command === "stop" || (command === "disable" && now);
  if (stops) {
    unit.active = false;
    return ok();
  }
  const starts =
    /^(start|restart|reload|reload-or-restart)$/.test(command) ||
    (command === "enable" && now) ||
    (command === "try-restart" && unit.active);
  if (!starts) return ok();
  if (command === "reload" && !unit.active) return fail(`${full} is not active, cannot reload.`);
  const problem = startProblem(host, name);
  if (problem !== undefined) {
    unit.active = false;
    return fail(
      `Job for ${full} failed because the control process exited with error code.\nSee "systemctl status ${full}" and "journalctl -xeu ${full}" for details.\n${problem}`,
    );
  }
  unit.active = true;
  if (name === "ssh") host.state.sshHostKey = loadHostKey(host);
  if (name === "systemd-modules-load") loadModules(host);
  if (name === "systemd-sysctl") applySysctlFiles(host);
  return ok();
}

/** Why the daemon would end at once. */
function startProblem(host: Host, name: string): string | undefined {
  if (name === "containerd") return containerdProblem(host);
  if (name === "haproxy") return haproxyProblem(host, host.files.read("/etc/haproxy/haproxy.cfg"));
  if (name === "ssh") return sshdProblem(host);
  if (name === "keepalived" && !host.files.exists("/etc/keepalived/keepalived.conf")) {
    return "Condition: start condition unmet: ConditionFileNotEmpty=/etc/keepalived/keepalived.conf";
  }
  const start = /^ExecStart=[-@:+!]*(\S+)/m.exec(unitFile(host, name) ?? "")?.[1];
  const own = start !== undefined && /^\/(usr\/local|opt|etc|var|root|srv)\//.test(start);
  if (own && ((host.files.mode(start) ?? 0) & 0o111) === 0) {
    return `${name}.service: Failed to locate executable ${start}: ${host.files.exists(start) ? "Permission denied" : "No such file or directory"}`;
  }
  return undefined;
}

function activity(host: Host, name: string): string {
  if (host.state.units[name]?.active !== true) return "inactive";
  return name === "kubelet" && !kubeletRuns(host) ? "activating" : "active";
}

function answerState(state: string, good: readonly string[], bad: number): ToolResult {
  return { code: good.includes(state) ? 0 : bad, stdout: `${state}\n` };
}

export const hostnamectl: Tool = ({ args }, host) => {
  const words = args.filter((word) => !word.startsWith("-"));
  if (words[0] === "set-hostname" || (words[0] === "hostname" && words[1] !== undefined)) {
    const name = words[1] ?? "";
    if (!/^[a-z0-9]([-a-z0-9.]{0,62}[a-z0-9])?$/i.test(name)) return fail(`Invalid hostname '${name}'`);
    host.state.hostname = name;
    host.files.write("/etc/hostname", `${name}\n`);
    return { code: 0, shell: `/usr/bin/hostname ${name}` };
  }
  return ok(`${host.state.hostname}\n`);
};

export const timedatectl: Tool = ({ args }) => {
  const property = args.find((word) => word.startsWith("--property="))?.slice(11) ?? args[args.indexOf("-p") + 1];
  if (args[0] === "show") return ok(args.includes("--value") ? "yes\n" : `${property ?? "NTPSynchronized"}=yes\n`);
  if (/^(set-ntp|set-timezone)$/.test(args[0] ?? "")) return ok();
  return ok("System clock synchronized: yes\n              NTP service: active\n");
};
