import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";

const magic = Buffer.from("openssh-key-v1\0");

/**
 * The public half of an unencrypted ed25519 private key, as `ssh-ed25519 <base64>`.
 *
 * @param privateKey  OpenSSH's own format or PKCS#8 PEM.
 * @throws Error in the words of golang.org/x/crypto/ssh, which the real provider uses.
 */
export function publicKeyOf(privateKey: string): string {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END OPENSSH PRIVATE KEY-----/.exec(privateKey)?.[1];
  if (body !== undefined) return fromOpenSsh(Buffer.from(body, "base64"));
  if (!privateKey.includes("PRIVATE KEY-----")) throw new Error("ssh: no key found");
  const key = createPublicKey(createPrivateKey(privateKey)).export({ format: "jwk" });
  if (key.crv !== "Ed25519" || key.x === undefined) throw new Error("the rehearsal knows ed25519 keys only");
  return authorizedKey(Buffer.from(key.x, "base64url"));
}

/** `type base64` of a public key line, without options and comment; `undefined` when the line holds none. */
export function bareKey(line: string): string | undefined {
  return /\b(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) +([A-Za-z0-9+/]+=*)/.exec(line)?.slice(1, 3).join(" ");
}

/** A fresh key pair, as `ssh-keygen -t ed25519 -N ''` writes it. */
export function generateSshKey(comment: string): { privateKey: string; publicKey: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = privateKey.export({ format: "jwk" });
  const seed = Buffer.from(jwk.d ?? "", "base64url");
  const publicBytes = Buffer.from(jwk.x ?? "", "base64url");
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(publicBytes)]);
  const check = Buffer.alloc(8);
  const secret = Buffer.concat([check, blob, field(Buffer.concat([seed, publicBytes])), field(Buffer.from(comment))]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const none = field(Buffer.from("none"));
  const count = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([
    magic,
    none,
    none,
    field(Buffer.alloc(0)),
    count,
    field(blob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").replace(/(.{70})(?=.)/g, "$1\n");
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${authorizedKey(publicBytes)} ${comment}\n`,
  };
}

function fromOpenSsh(file: Buffer): string {
  if (!file.subarray(0, magic.length).equals(magic)) throw new Error("ssh: invalid openssh private key format");
  let at = magic.length;
  const next = (): Buffer => {
    const length = file.readUInt32BE(at);
    at += 4 + length;
    return file.subarray(at - length, at);
  };
  const cipher = next().toString();
  if (cipher !== "none") throw new Error("ssh: this private key is passphrase protected");
  next();
  next();
  at += 4;
  const blob = next();
  // The private half begins with two equal check numbers and then the public blob's own fields.
  if (
    !next()
      .subarray(8, 8 + blob.length)
      .equals(blob)
  )
    throw new Error("ssh: invalid openssh private key format");
  const typeLength = blob.readUInt32BE(0);
  return `${blob.subarray(4, 4 + typeLength).toString()} ${blob.toString("base64")}`;
}

function authorizedKey(publicBytes: Buffer): string {
  const type = "ssh-ed25519";
  return `${type} ${Buffer.concat([field(Buffer.from(type)), field(publicBytes)]).toString("base64")}`;
}

function field(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}
