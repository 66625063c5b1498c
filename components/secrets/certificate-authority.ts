import { randomBytes } from "node:crypto";
// tsyringe inside @peculiar/x509 asks for it, and it must come first.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** A CA in the two PEM forms that Helm's `buildCustomCert` and cilium's certgen read; the key is PKCS #8. */
export interface CertificateAuthority {
  readonly certificate: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/**
 * A self-signed CA on P-256 with SHA-256, valid from an hour before `now`, since clocks of machines differ.
 *
 * @param days  The longest-lived leaf must fit in, or certgen refuses to sign (`certgen.enforceCAValidityThroughoutLeavesDuration`).
 */
export async function makeCertificateAuthority(
  commonName: string,
  days: number,
  now: Date,
): Promise<CertificateAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    serialNumber: serialNumber(),
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + days * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificate: `${certificate.toString("pem")}\n`, key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n` };
}

/** 16 random bytes, positive and without a leading zero (RFC 5280 section 4.1.2.2), in hex. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toString("hex");
}
