import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";

/** One SSH host key, in the two forms that OpenSSH keeps in /etc/ssh. */
export interface HostKey {
  /** `openssh-key-v1` PEM without a passphrase, with a final newline. Secret. */
  readonly privateKey: string;
  /** `ssh-ed25519 <base64> <machine>`, one line without a newline. */
  readonly publicKey: string;
}

/** A cloud machine's two host keys. */
export interface MachineHostKeys {
  /** Travels in user data, so anyone who may describe the machine can read it: good for the first pinned connection only. */
  readonly bootstrap: HostKey;
  /** Replaces it over that connection and never leaves the stack's secrets and the machine. */
  readonly final: HostKey;
}

/**
 * The host keys of a cloud machine, derived so that they are known before the machine exists and survive its replacement.
 *
 * @param seed     64 hex digits, `hostKeySeed` of the stack's secrets.
 * @param machine  A slot's name, or {@link bastionName}.
 */
export function deriveHostKeys(seed: string, machine: string): MachineHostKeys {
  return { bootstrap: derive(seed, machine, "bootstrap"), final: derive(seed, machine, "final") };
}

/** What the bastion's keys and user data are derived from. */
export function bastionName(site: { readonly name: string }): string {
  return `${site.name}-bastion`;
}

/** DER prefix of an ed25519 private key: 32 bytes of seed follow (RFC 8410 section 7). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const keyType = "ssh-ed25519";

function derive(seed: string, machine: string, purpose: keyof MachineHostKeys): HostKey {
  const secret = Buffer.from(
    hkdfSync("sha256", Buffer.from(seed, "hex"), "", `gyeongbu ssh host key/${purpose}/${machine}`, 32),
  );
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, secret]), format: "der", type: "pkcs8" });
  // The last 32 bytes of the SubjectPublicKeyInfo are the point itself (RFC 8410 section 4).
  const point = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const blob = Buffer.concat([field(keyType), field(point)]);
  return {
    privateKey: openSshPrivateKey(secret, point, blob, machine),
    publicKey: `${keyType} ${blob.toString("base64")} ${machine}`,
  };
}

/** The file format of `ssh-keygen` (openssh-portable `PROTOCOL.key`), with cipher and key derivation `none`. */
function openSshPrivateKey(secret: Buffer, point: Buffer, blob: Buffer, comment: string): string {
  // Two equal check numbers; they only tell a wrong passphrase, and there is none.
  const check = Buffer.alloc(8);
  const body = Buffer.concat([check, blob, field(Buffer.concat([secret, point])), field(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(blob),
    field(Buffer.concat([body, padding])),
  ]);
  const lines = file.toString("base64").replace(/(.{70})(?=.)/g, "$1\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** An SSH string: its length in bytes, then the bytes (RFC 4251 section 5). */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
