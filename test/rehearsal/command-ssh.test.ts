import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandKind } from "../../rehearsal/command/command.ts";
import { connectionOf, dial } from "../../rehearsal/command/connection.ts";
import { bareKey, generateSshKey, publicKeyOf } from "../../rehearsal/command/ssh-key.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { Secret } from "../../rehearsal/stand-in.ts";
import {
  callOf,
  cloudMachine,
  connection,
  freshWorld,
  hostKeys,
  operator,
  ownMachine,
  refusal,
  run,
  theWorld,
  withoutSandbox,
} from "./command-hosts.ts";

freshWorld();

const node = "10.10.0.16";
const publicAddress = "203.0.113.10";
const bastion = connection(publicAddress, { hostKey: hostKeys.bastion.publicKey });
const behind = (changes: Properties = {}): Properties => connection(node, { proxy: bastion, ...changes });

function site({ sshd = "AllowTcpForwarding local\nPermitOpen *:22\n" } = {}): void {
  const file = { path: "/etc/ssh/sshd_config.d/10.conf", content: sshd };
  cloudMachine("10.10.0.5", { publicAddress, key: hostKeys.bastion, userData: { write_files: [file] } });
  cloudMachine(node);
}

const say = (given: Properties): Promise<string> =>
  refusal(dial(connectionOf({ connection: given }), theWorld(), 600_000, new AbortController().signal));

describe("a connection", () => {
  it("goes through the bastion to a machine without a public address", async () => {
    site();
    expect(await say(behind())).toBe("");
    expect(await say(connection(publicAddress, { hostKey: hostKeys.bastion.publicKey }))).toBe("");
  });

  it("goes straight to a host of a data centre", async () => {
    ownMachine("10.30.0.16");
    expect(await say(connection("10.30.0.16"))).toBe("");
  });

  it.each<[string, Properties, string | RegExp]>([
    ["a private address from outside", connection(node), `after 2 failed attempts: dial tcp ${node}:22: i/o timeout`],
    ["nobody", connection("10.10.0.99"), "after 2 failed attempts: dial tcp 10.10.0.99:22: i/o timeout"],
    [
      "nobody, with the kernel's patience",
      connection("10.10.0.99", { perDialTimeout: 0 }),
      "after 2 failed attempts: dial tcp 10.10.0.99:22: connect: connection timed out",
    ],
    [
      "nobody, behind the bastion",
      behind({ host: "10.10.0.99" }),
      "proxy: after 2 failed attempts: ssh: rejected: connect failed (Connection timed out)",
    ],
    [
      "another port",
      connection(publicAddress, { port: 2222 }),
      /dial tcp 203\.0\.113\.10:2222: connect: connection refused/,
    ],
    [
      "another host key",
      behind({ hostKey: hostKeys.other.publicKey }),
      "proxy: after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    ],
    [
      "another key of the bastion",
      behind({ proxy: { ...bastion, hostKey: hostKeys.other.publicKey } }),
      "proxy: after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    ],
    ["no host key", behind({ hostKey: null }), /pins no host key/],
    ["a host key that is none", behind({ hostKey: "AAAA" }), "failed to parse host key: ssh: no key found"],
    [
      "a stranger's client key",
      behind({ privateKey: generateSshKey("x").privateKey }),
      /ssh: unable to authenticate, attempted methods \[none publickey\], no supported methods remain/,
    ],
    ["a client key that is none", behind({ privateKey: "secret" }), "privateKey: ssh: no key found"],
    ["a user that does not exist", behind({ user: "nobody-here" }), /unable to authenticate/],
  ])("with %s fails as SSH does", async (_, given, expected) => {
    site();
    const text = await say(given);
    expect(text).toMatch(typeof expected === "string" ? new RegExp(`^${RegExp.escape(expected)}$`) : expected);
  });

  it("does not pass a bastion that forwards nothing", async () => {
    site({ sshd: "AllowTcpForwarding no\n" });
    expect(await say(behind())).toContain("ssh: rejected: administratively prohibited (open failed)");
  });

  it.each([
    ["hang", "i/o timeout"],
    ["refuse", "connect: connection refused"],
  ] as const)("to a place that is down (%s) fails", async (mode, words) => {
    site();
    theWorld().breakPlace("ap-northeast-2", mode);
    expect(await say(behind())).toBe(`proxy: after 2 failed attempts: dial tcp ${publicAddress}:22: ${words}`);
    theWorld().heal("ap-northeast-2");
    expect(await say(behind())).toBe("");
  });

  it("to a machine that is off fails", async () => {
    site();
    cloudMachine(node, { power: "off" });
    expect(await say(behind())).toContain("Connection timed out");
  });
});

describe("inputs", () => {
  it.each<[string, Properties, string]>([
    ["no connection", { create: "true" }, "connection"],
    ["no host", { connection: { user: "x" } }, "connection.host"],
    ["a misspelt property", { connection: connection(node), craete: "true" }, "craete"],
    [
      "a misspelt part of the proxy",
      { connection: connection(node, { proxy: { host: "x", hostkey: "y" } }) },
      "connection.proxy.hostkey",
    ],
    ["another logging", { connection: connection(node), logging: "quiet" }, "logging"],
    ["a script that is no text", { connection: connection(node), create: 1 }, "create"],
  ])("with %s are refused", (_, inputs, property) => {
    expect(
      commandKind()
        .check(inputs, callOf("x"))
        .map((problem) => problem.property),
    ).toEqual([property]);
  });

  it("replace the resource when a trigger changes, and nothing else does", () => {
    expect(commandKind().replaces({ triggers: ["a"] }, { triggers: ["b"] })).toEqual(["triggers"]);
    expect(commandKind().replaces({ create: "a" }, { create: "b" })).toEqual([]);
  });
});

describe.skipIf(withoutSandbox)("a command", () => {
  it("gets stdin, gives its output without the last newline, and logs it unless told not to", async () => {
    ownMachine(node);
    const lines: string[] = [];
    const inputs = {
      connection: connection(node),
      create: "cat; echo warning >&2; whoami; hostname",
      stdin: new Secret("a\nb\n"),
    };
    const { outputs } = await commandKind().create(
      inputs,
      callOf("c", (line) => void lines.push(line)),
    );
    expect(outputs).toMatchObject({ stdout: "a\nb\nops\nh-10-10-0-16", stderr: "warning" });
    expect(lines.toSorted()).toEqual(["a", "b", "h-10-10-0-16", "ops", "warning"]);
    await commandKind().create(
      { ...inputs, logging: "none" },
      callOf("d", (line) => void lines.push(line)),
    );
    expect(lines).toHaveLength(5);
  });

  it("fails with its status, its text and its output", async () => {
    ownMachine(node);
    expect(await refusal(run(node, 'echo "no such thing" >&2; exit 3'))).toBe(
      'Process exited with status 3: running "echo \\"no such thing\\" >&2; exit 3":\nno such thing\n',
    );
  });

  it("runs `update`, or `create` again, and `delete` with what the state holds", async () => {
    ownMachine(node);
    const inputs = { connection: connection(node), create: "echo created >>log", delete: "echo deleted >>log" };
    const { id, outputs } = await commandKind().create(inputs, callOf("c"));
    await commandKind().update(id, outputs, { ...inputs, update: "echo updated >>log" }, callOf("c"));
    await commandKind().update(id, outputs, inputs, callOf("c"));
    expect(theWorld().find("command", "command:remote:Command")).toHaveLength(1);
    await commandKind().delete(id, outputs, callOf("c"));
    expect(theWorld().find("command", "command:remote:Command")).toHaveLength(0);
    expect(await run(node, "cat log")).toBe("created\nupdated\ncreated\ndeleted");
  });

  it("takes as long as its tools", async () => {
    ownMachine(node);
    const kind = commandKind();
    const before = kind.seconds.create;
    await kind.create({ connection: connection(node), create: "sleep 30; sleep 1m" }, callOf("c"));
    expect(kind.seconds.create - before).toBe(90);
  });

  it("that cannot be deleted stays", async () => {
    ownMachine(node);
    const { id, outputs } = await commandKind().create({ connection: connection(node), delete: "exit 1" }, callOf("c"));
    expect(await refusal(Promise.resolve(commandKind().delete(id, outputs, callOf("c"))))).toContain(
      "Process exited with status 1",
    );
    expect(theWorld().get("command", id)).toBeDefined();
  });

  it("without `delete` connects to nobody when it goes", async () => {
    const inputs = { connection: connection("10.10.0.99") };
    const { id, outputs } = await commandKind().create(inputs, callOf("c"));
    await commandKind().delete(id, outputs, callOf("c"));
    expect(theWorld().get("command", id)).toBeUndefined();
  });

  it("gets no variables that sshd does not accept", async () => {
    ownMachine(node);
    expect(await refusal(run(node, "true", { environment: { TOKEN: "x" } }))).toContain(
      'could not set environment variable "TOKEN"',
    );
    expect(await run(node, "true", { environment: { LC_ALL: "C" } })).toBe("");
  });

  it("leaves no secret in the world's database", async () => {
    ownMachine(node);
    await run(node, "cat", { stdin: new Secret("5up3r-secret"), logging: "none" });
    expect(JSON.stringify(theWorld().all())).not.toContain("5up3r-secret");
    expect(JSON.stringify(theWorld().all())).not.toContain(operator.privateKey.split("\n")[2]);
  });

  it("that changes the host key changes what sshd shows, once it has read it again", async () => {
    cloudMachine(node, { publicAddress });
    const install = `sudo -n bash -c 'cat >/etc/ssh/ssh_host_ed25519_key'`;
    await run(publicAddress, install, { stdin: hostKeys.other.privateKey });
    const other = connection(publicAddress, { hostKey: hostKeys.other.publicKey });
    expect(await say(other)).toContain("host key mismatch");
    await run(publicAddress, "sudo -n systemctl reload ssh");
    expect(await say(other)).toBe("");
    expect(await say(connection(publicAddress))).toContain("host key mismatch");
  });

  it("as root on a cloud image is told to come as someone else", async () => {
    cloudMachine(node, { publicAddress, userData: { ssh_authorized_keys: [operator.publicKey.trim()] } });
    const asRoot = connection(publicAddress, { user: "root" });
    expect(await refusal(run(publicAddress, "id", { connection: asRoot }))).toMatch(
      /status 142.*\n.*Please login as the user/s,
    );
  });
});

describe("keys", () => {
  it("give the public half that ssh-keygen gives", () => {
    const folder = mkdtempSync(join(tmpdir(), "key-"));
    try {
      const file = join(folder, "key");
      writeFileSync(file, operator.privateKey, { mode: 0o600 });
      const real = spawnSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
      expect(real.error === undefined ? real.stdout : operator.publicKey).toBe(operator.publicKey);
      expect(publicKeyOf(operator.privateKey)).toBe(bareKey(operator.publicKey));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
