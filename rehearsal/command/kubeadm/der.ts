import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** Who a certificate is about, and what it is good for. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organization?: string;
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly authority?: boolean;
  readonly days: number;
}

/** Issuer of a certificate: its subject as DER, and the key it signs with. */
export interface Issuer {
  readonly name: Buffer;
  readonly key: KeyObject;
}

/**
 * An X.509 v3 certificate (RFC 5280) with an ECDSA P-256 key, as DER.
 *
 * @param issuer  `undefined` for a self-signed one.
 */
export function makeCertificate(request: CertificateRequest, issuer?: Issuer): { certificate: Buffer; key: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = distinguishedName(request);
  const from = new Date(Date.now() - 60_000);
  const until = new Date(from.getTime() + request.days * 24 * 3600 * 1000);
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    issuer?.name ?? subject,
    sequence(time(from), time(until)),
    subject,
    publicKey.export({ format: "der", type: "spki" }),
    tagged(0xa3, sequence(...extensions(request))),
  );
  const signature = sign("sha256", body, issuer?.key ?? privateKey);
  return { certificate: sequence(body, ecdsaWithSha256, bitString(signature)), key: privateKey };
}

/** A PKCS#10 request (RFC 2986) with a key of its own, as PEM. */
export function makeRequest(request: Omit<CertificateRequest, "days" | "authority">): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const attributes = tagged(
    0xa0,
    sequence(oid("2a864886f70d01090e"), tagged(0x31, sequence(...extensions({ ...request, days: 0 }).slice(1)))),
  );
  const body = sequence(
    integer(Buffer.from([0])),
    distinguishedName(request),
    publicKey.export({ format: "der", type: "spki" }),
    attributes,
  );
  const der = sequence(body, ecdsaWithSha256, bitString(sign("sha256", body, privateKey)));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64").replace(/(.{64})(?=.)/g, "$1\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** The SubjectPublicKeyInfo of a PEM certificate or key, as DER. */
export function publicKeyDer(pem: string): Buffer {
  return createPublicKey(pem).export({ format: "der", type: "spki" });
}

/** Subject of a request as DER: organization, then common name. */
export function distinguishedName({
  organization,
  commonName,
}: Pick<CertificateRequest, "organization" | "commonName">): Buffer {
  const part = (identifier: string, value: string): Buffer =>
    tagged(0x31, sequence(oid(identifier), tagged(0x0c, Buffer.from(value))));
  return sequence(...(organization === undefined ? [] : [part("55040a", organization)]), part("550403", commonName));
}

function extensions({ authority = false, names = [] }: CertificateRequest): Buffer[] {
  const extension = (identifier: string, critical: boolean, value: Buffer): Buffer =>
    sequence(oid(identifier), ...(critical ? [boolean] : []), tagged(0x04, value));
  // digitalSignature and keyCertSign, or digitalSignature and keyEncipherment.
  const usage = Buffer.from(authority ? [0x03, 0x02, 0x02, 0x84] : [0x03, 0x02, 0x05, 0xa0]);
  const alternatives = names.map((name) =>
    isIPv4(name) ? tagged(0x87, Buffer.from(name.split(".").map(Number))) : tagged(0x82, Buffer.from(name)),
  );
  return [
    extension("551d13", true, authority ? sequence(boolean) : sequence()),
    extension("551d0f", true, usage),
    ...(authority ? [] : [extension("551d25", false, sequence(oid("2b06010505070301"), oid("2b06010505070302")))]),
    ...(alternatives.length === 0 ? [] : [extension("551d11", false, sequence(...alternatives))]),
  ];
}

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.from([0]), bytes);
}

/** An object identifier, given as the hex digits of its encoding. */
function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

/** Generalized time holds years after 2049, too. */
function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
}

const boolean = Buffer.from([0x01, 0x01, 0xff]);
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
