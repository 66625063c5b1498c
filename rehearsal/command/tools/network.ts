import type { World } from "../../world.ts";
import type { Host } from "../host.ts";
import { findMachine } from "../machine.ts";
import { fail, ok, parseArguments, type Tool } from "../tool.ts";
import { resolveNames } from "./names.ts";
import { listening } from "./units.ts";

function resolveName(host: Host, name: string): string | undefined {
  return resolveNames(host, name)[0];
}

/** Whether a packet from one machine reaches another: both run, their places are up, and one is not behind another network. */
export function machineAnswers(world: World, address: string): boolean {
  const machine = findMachine(world, address);
  return machine?.on === true && world.outage(machine.place) === undefined;
}

export const ip: Tool = ({ args }, { machine }) => {
  const words = args.filter((word) => !word.startsWith("-"));
  const [object = "", ...rest] = words;
  const json = args.some((word) => word === "-j" || word === "-json" || word === "--json");
  const brief = args.some((word) => word === "-br" || word === "-brief" || word === "-o");
  const gateway = machine.address.replace(/\d+$/, "1");
  const device = machine.cloud ? "ens5" : "eno1";
  if (/^(a|addr|address)$/.test(object)) {
    if (rest[0] === "add" || rest[0] === "del") return ok();
    if (json)
      return ok(
        `${JSON.stringify([
          { ifname: "lo", addr_info: [{ family: "inet", local: "127.0.0.1", prefixlen: 8 }] },
          {
            ifname: device,
            operstate: "UP",
            mtu: 1500,
            addr_info: [{ family: "inet", local: machine.address, prefixlen: 24, scope: "global" }],
          },
        ])}\n`,
      );
    if (brief)
      return ok(
        `lo               UNKNOWN        127.0.0.1/8\n${device}             UP             ${machine.address}/24\n`,
      );
    return ok(
      `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: ${device}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    inet ${machine.address}/24 scope global ${device}\n`,
    );
  }
  if (/^(r|ro|route)$/.test(object)) {
    if (rest[0] === "get")
      return ok(
        json
          ? `${JSON.stringify([{ dst: rest[1], gateway, dev: device, prefsrc: machine.address }])}\n`
          : `${rest[1] ?? ""} via ${gateway} dev ${device} src ${machine.address} uid 0\n    cache\n`,
      );
    if (["add", "replace", "del"].includes(rest[0] ?? "")) return ok();
    if (json) return ok(`${JSON.stringify([{ dst: "default", gateway, dev: device, prefsrc: machine.address }])}\n`);
    return ok(`default via ${gateway} dev ${device} proto dhcp src ${machine.address} metric 100\n`);
  }
  if (/^(l|link)$/.test(object)) {
    if (["add", "del", "delete", "set"].includes(rest[0] ?? "")) return ok();
    const named = rest.find((word) => !["show", "dev", "ls", "list"].includes(word));
    if (named !== undefined && named !== device && named !== "lo") return fail(`Device "${named}" does not exist.`);
    return ok(
      json
        ? `${JSON.stringify([{ ifname: device, operstate: "UP", mtu: 1500 }])}\n`
        : `2: ${device}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000\n`,
    );
  }
  if (/^(rule|neigh|netns|xfrm)$/.test(object)) return ok();
  return fail(`Object "${object}" is unknown, try "ip help".`);
};

export const ss: Tool = ({ args }, host) => {
  const unknown = args.find(
    (word) => word.startsWith("-") && !/^-[tulnpaHxe46so]+$/.test(word) && !word.startsWith("--"),
  );
  if (unknown !== undefined) return fail(`ss: invalid option -- '${unknown.slice(1)}'`);
  const filter = /sport\s*=\s*:(\d+)/.exec(args.join(" "))?.[1];
  const ports = [...listening(host)]
    .filter((port) => filter === undefined || port === Number(filter))
    .sort((one, other) => one - other);
  const head = args.some((word) => /^-\w*H/.test(word))
    ? ""
    : "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";
  return ok(head + ports.map((port) => `LISTEN 0      4096         0.0.0.0:${port}      0.0.0.0:*\n`).join(""));
};

export const ping: Tool = (call, host) => {
  const { words, unknown } = parseArguments(call.args, {
    "-c": true,
    "-W": true,
    "-w": true,
    "-q": false,
    "-n": false,
    "-M": true,
    "-s": true,
    "-i": true,
    "-I": true,
    "-4": false,
  });
  if (unknown !== undefined) return fail(`ping: invalid option -- '${unknown.slice(1)}'`, 2);
  const name = words[0] ?? "";
  const address = resolveName(host, name);
  if (address === undefined) return fail(`ping: ${name}: Name or service not known`, 2);
  const answers = address.startsWith("127.") || machineAnswers(call.world, address);
  return answers
    ? ok(`1 packets transmitted, 1 received, 0% packet loss, time 0ms\n`)
    : { code: 1, stdout: "1 packets transmitted, 0 received, 100% packet loss, time 0ms\n", seconds: 1 };
};

export const getent: Tool = ({ args }, host) => {
  const [database = "", ...keys] = args.filter((word) => !word.startsWith("-"));
  if (database === "hosts" || database === "ahosts" || database === "ahostsv4") {
    const lines = keys.flatMap((key) => {
      const address = resolveName(host, key);
      return address === undefined ? [] : [`${address.padEnd(15)} ${key}\n`];
    });
    return { code: lines.length === keys.length ? 0 : 2, stdout: lines.join("") };
  }
  const file = { passwd: "/etc/passwd", group: "/etc/group" }[database];
  if (file === undefined) return fail(`Unknown database: ${database}`);
  const lines = (host.files.read(file) ?? "")
    .split("\n")
    .filter(
      (line) =>
        line !== "" &&
        (keys.length === 0 || keys.some((key) => line.startsWith(`${key}:`) || line.split(":")[2] === key)),
    );
  return { code: lines.length === 0 ? 2 : 0, stdout: lines.map((line) => `${line}\n`).join("") };
};

export const hostname: Tool = ({ args }, host) => {
  const word = args.find((one) => !one.startsWith("-"));
  if (word !== undefined) {
    host.state.hostname = word;
    return { code: 0, shell: `/usr/bin/hostname ${word}` };
  }
  if (args.includes("-I")) return ok(`${host.machine.address} \n`);
  if (args.includes("-i")) return ok(`${resolveName(host, host.state.hostname) ?? host.machine.address}\n`);
  if (args.includes("-f") || args.includes("--fqdn")) return ok(`${host.state.hostname}\n`);
  return ok(`${host.state.hostname.split(".")[0] ?? ""}\n`);
};

const armouredKey = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbVFJTkJHRTZrZXk=\n-----END PGP PUBLIC KEY BLOCK-----\n";

/** curl and wget: repository keys, and the health endpoints of the machine itself. */
export const curl: Tool = (call, host) => {
  const wget = call.name === "wget";
  const { flags, words, unknown } = parseArguments(call.args, {
    "-f": false,
    "-s": false,
    "-S": false,
    "-L": false,
    "-k": false,
    "-q": false,
    "-v": false,
    "-O": wget,
    "-o": true,
    "-H": true,
    "-X": true,
    "-w": true,
    "-m": true,
    "-I": false,
    "-4": false,
    "--fail": false,
    "--silent": false,
    "--show-error": false,
    "--location": false,
    "--insecure": false,
    "--output": true,
    "--retry": true,
    "--retry-delay": true,
    "--retry-connrefused": false,
    "--retry-all-errors": false,
    "--max-time": true,
    "--connect-timeout": true,
    "--header": true,
    "--cacert": true,
    "--cert": true,
    "--key": true,
    "--proto": true,
    "--tlsv1.2": false,
    "--quiet": false,
    "--noproxy": true,
    "--resolve": true,
    "--request": true,
    "--write-out": true,
    "--output-document": true,
    "--timeout": true,
    "--tries": true,
    "--unix-socket": true,
  });
  if (unknown !== undefined) return fail(`${call.name}: option ${unknown}: is unknown`, 2);
  const url = words[0];
  if (url === undefined) return fail(`${call.name}: no URL specified!`, 2);
  const output = (flags.get("-o") ??
    flags.get("--output") ??
    (wget ? (flags.get("-O") ?? flags.get("--output-document")) : undefined))?.[0];
  const give = (body: string) => {
    if (output === undefined || output === "-") return ok(body, 1);
    if (output !== "/dev/null") host.files.write(output.startsWith("/") ? output : `${call.cwd}/${output}`, body);
    return ok(flags.has("-w") || flags.has("--write-out") ? "200" : "", 1);
  };
  if (/\/(Release\.key|gpg|gpg\.key|[\w.-]+\.(asc|gpg))$/.test(url)) return give(armouredKey);
  const local = /^(https?):\/\/(127\.0\.0\.1|localhost|\[::1\]|[\d.]+):(\d+)(\/\S*)?$/.exec(url);
  if (local !== null) {
    const own = local[2] === host.machine.address || /^(127\.|localhost|\[)/.test(local[2] ?? "");
    if (own && listening(host).has(Number(local[3]))) return give("ok");
    return fail(
      `curl: (7) Failed to connect to ${local[2]} port ${local[3]} after 0 ms: Couldn't connect to server`,
      7,
    );
  }
  const name = /^\w+:\/\/([^/:]+)/.exec(url)?.[1] ?? url;
  return fail(`curl: (6) Could not resolve host: ${name}`, 6);
};
