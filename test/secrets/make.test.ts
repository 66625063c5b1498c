import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeCertificateAuthority } from "../../components/secrets/certificate-authority.ts";
import { makeInterconnectSecrets, makeSiteSecrets } from "../../components/secrets/make.ts";
import { InterconnectSecrets, SiteSecrets } from "../../components/secrets/schema.ts";

describe("makeCertificateAuthority", async () => {
  const now = new Date("2026-11-20T12:34:56Z");
  const { certificate, key } = await makeCertificateAuthority("Cilium CA", 3650, now);
  const parsed = new X509Certificate(certificate);

  it("is a CA that signed itself and whose key is the one beside it", async () => {
    expect(parsed.ca).toBe(true);
    expect(parsed.subject).toBe("CN=Cilium CA");
    expect(parsed.checkIssued(parsed)).toBe(true);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  it("is P-256 in PKCS #8, which certgen and Helm read", async () => {
    expect(key.startsWith("-----BEGIN PRIVATE KEY-----\n")).toBe(true);
    expect(createPrivateKey(key).asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  it("holds for the days asked for, from an hour ago", async () => {
    expect(parsed.validFromDate).toEqual(new Date("2026-11-20T11:34:56Z"));
    expect(parsed.validToDate).toEqual(new Date("2036-11-17T12:34:56Z"));
  });

  it("writes years from 2050 in their longer form", async () => {
    const late = new X509Certificate((await makeCertificateAuthority("Cilium CA", 9000, now)).certificate);
    expect(late.validToDate.getUTCFullYear()).toBe(2051);
  });

  it("never makes the same twice, and always a positive serial number", async () => {
    const serials: string[] = [];
    for (let count = 0; count < 50; count++) {
      const made = new X509Certificate((await makeCertificateAuthority("Cilium CA", 1, now)).certificate);
      expect(made.verify(made.publicKey)).toBe(true);
      serials.push(made.serialNumber);
    }
    expect(new Set(serials).size).toBe(50);
    expect(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial))).toBe(true);
  });
});

describe("makeSiteSecrets", async () => {
  const made = await makeSiteSecrets();

  it("has the shape that is kept, every time anew", async () => {
    const another = await makeSiteSecrets();
    expect(SiteSecrets.parse(made)).toEqual(made);
    const alike = Object.entries(made).filter(
      ([name, value]) => JSON.stringify(Reflect.get(another, name)) === JSON.stringify(value),
    );
    expect(alike).toEqual([]);
  });

  it("makes an SSH key pair that OpenSSH itself reads", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gyeongbu-"));
    try {
      const file = join(folder, "id");
      writeFileSync(file, made.ssh.privateKey);
      chmodSync(file, 0o600);
      const derived = execFileSync("ssh-keygen", ["-y", "-f", file]).toString("utf8");
      expect(derived.split(" ")[1]?.trim()).toBe(made.ssh.publicKey.split(" ")[1]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("keeps 32 bytes for etcd and 20 for IPsec", async () => {
    expect(Buffer.from(made.etcdEncryptionKey, "base64")).toHaveLength(32);
    expect(made.ipsecKey).toMatch(/^3\+ rfc4106\(gcm\(aes\)\) [0-9a-f]{40} 128$/);
  });
});

it("makes four different tunnel keys that both clouds take", async () => {
  for (let round = 0; round < 200; round++) {
    const { tunnelKeys } = InterconnectSecrets.parse(makeInterconnectSecrets());
    expect(new Set(tunnelKeys).size).toBe(4);
  }
});

it("signs with the CA's key what its certificate verifies", async () => {
  const { certificate, key } = await makeCertificateAuthority("Cilium CA", 1, new Date());
  const signature = sign("sha256", Buffer.from("leaf"), key);
  expect(verify("sha256", Buffer.from("leaf"), createPublicKey(certificate), signature)).toBe(true);
});
