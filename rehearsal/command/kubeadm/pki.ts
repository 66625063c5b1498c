import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { stringify } from "yaml";
import { type CertificateRequest, distinguishedName, makeCertificate, publicKeyDer } from "./der.ts";

/** A certificate with its private key, both as PEM. EC keys whatever the configuration asks for: nothing here depends on the kind. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority, good for ten years as kubeadm's. */
export function makeAuthority(commonName: string): Pair {
  return pair(makeCertificate({ commonName, authority: true, days: 3650 }));
}

/** A leaf certificate of an authority, good for a year. */
export function issue(authority: Pair, request: Omit<CertificateRequest, "days" | "authority">): Pair {
  const commonName = /CN=(.+)/.exec(new X509Certificate(authority.certificate).subject)?.[1] ?? "";
  const issuer = { name: distinguishedName({ commonName }), key: createPrivateKey(authority.key) };
  return pair(makeCertificate({ ...request, days: 365 }, issuer));
}

function pair({ certificate, key }: ReturnType<typeof makeCertificate>): Pair {
  return { certificate: pem("CERTIFICATE", certificate), key: key.export({ format: "pem", type: "pkcs8" }).toString() };
}

/** The public half of a private key, as PEM. */
export function publicPem(privateKey: string): string {
  return pem("PUBLIC KEY", publicKeyDer(privateKey));
}

/** What kubeadm's `caCertHashes` hold: SHA-256 over the certificate's public key (SPKI). */
export function publicKeyHash(certificate: string): string {
  return `sha256:${createHash("sha256").update(publicKeyDer(certificate)).digest("hex")}`;
}

/** SHA-256 over the certificate itself: the `caFingerprint` of a cluster in the world. */
export function certificateHash(certificate: string): string {
  return `sha256:${createHash("sha256").update(new X509Certificate(certificate).raw).digest("hex")}`;
}

/** A kubeconfig as kubeadm writes it. */
export function kubeconfig(
  clusterName: string,
  server: string,
  authority: string,
  user: string,
  { certificate, key }: Pair,
): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const config = {
    apiVersion: "v1",
    clusters: [{ cluster: { "certificate-authority-data": base64(authority), server }, name: clusterName }],
    contexts: [{ context: { cluster: clusterName, user }, name: `${user}@${clusterName}` }],
    "current-context": `${user}@${clusterName}`,
    kind: "Config",
    users: [{ name: user, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } }],
  };
  return stringify(config, { lineWidth: 0 });
}

function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString("base64").replace(/(.{64})(?=.)/g, "$1\n")}\n-----END ${label}-----\n`;
}
