import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderCloudInit } from "../../components/nodes/cloud-init.ts";
import { deriveHostKeys } from "../../components/nodes/host-keys.ts";

const seed = "5e".repeat(32);
const hostname = "prod-seoul-control-0";
const keys = deriveHostKeys(seed, hostname);
const args = {
  hostname,
  user: "ubuntu",
  authorizedKey: "ssh-ed25519 AAAA operator\n",
  bootstrapHostKey: keys.bootstrap,
};
const node = renderCloudInit({ ...args, role: "node" });
const bastion = renderCloudInit({ ...args, role: "bastion" });
const sshd = (text: string): string => parse(text).write_files[0].content;
const hasCloudInit = spawnSync("cloud-init", ["--version"]).status === 0;
const skipped = !hasCloudInit && process.env.CI !== "true";
if (skipped) console.warn("cloud-init is not installed, so its schema is not asked: apt-get install cloud-init");

/** The secret half of an OpenSSH key, as it would show up in a file: its base64 lines. */
const lines = (privateKey: string) => privateKey.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));

describe("renderCloudInit", () => {
  it("holds the bootstrap key and no other secret", () => {
    expect(lines(keys.bootstrap.privateKey).every((line) => node.includes(line))).toBe(true);
    // The first two lines of every key of the format are alike, up to the public key.
    expect(
      lines(keys.final.privateKey)
        .slice(2, -1)
        .some((line) => node.includes(line)),
    ).toBe(false);
    expect(node).not.toContain(seed);
  });

  it("lets in the operator's key alone, and nobody by password or as root", () => {
    const config = parse(node);
    expect(config.users).toMatchObject([
      { name: "ubuntu", lock_passwd: true, ssh_authorized_keys: ["ssh-ed25519 AAAA operator"] },
    ]);
    expect(config).toMatchObject({ disable_root: true, ssh_pwauth: false, ssh_deletekeys: true });
    expect(sshd(node)).toContain("PasswordAuthentication no\n");
    expect(sshd(node)).toContain("PermitRootLogin no\n");
  });

  it("presents the ed25519 key only", () => {
    expect(Object.keys(parse(node).ssh_keys)).toEqual(["ed25519_private", "ed25519_public"]);
    expect(sshd(node).match(/^HostKey .*/gm)).toEqual(["HostKey /etc/ssh/ssh_host_ed25519_key"]);
  });

  it("forwards on the bastion only, and there to SSH and the API only", () => {
    expect(sshd(node)).toContain("AllowTcpForwarding no\n");
    expect(sshd(bastion)).toContain("AllowTcpForwarding local\nPermitOpen *:22 *:8443\n");
  });

  it("stays far below the 16 KB that AWS takes", () => {
    expect(Buffer.byteLength(bastion)).toBeLessThan(4096);
  });

  it.skipIf(skipped)("is what cloud-init's schema wants", () => {
    const folder = mkdtempSync(join(tmpdir(), "gyeongbu-"));
    try {
      for (const [role, text] of Object.entries({ node, bastion })) {
        const file = join(folder, role);
        writeFileSync(file, text);
        const { status, stdout, stderr } = spawnSync("cloud-init", ["schema", "--config-file", file], {
          encoding: "utf8",
        });
        expect(status === 0 ? "" : stdout + stderr).toBe("");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
