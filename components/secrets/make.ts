import { randomBytes, randomInt } from "node:crypto";
import { deriveHostKeys } from "../nodes/host-keys.ts";
import { makeCertificateAuthority } from "./certificate-authority.ts";
import type { InterconnectSecrets, SiteSecrets } from "./schema.ts";

/** Ten years: a CA's change restarts every agent of every member, so it outlives the hardware. */
const caDays = 3650;

/** Secrets of a site that stands alone. */
export async function makeSiteSecrets(): Promise<SiteSecrets> {
  return {
    ciliumCa: await makeCertificateAuthority("Cilium CA", caDays, new Date()),
    // 16 bytes of AES-128 key and 4 of salt; ids count up from 3 as in Cilium's guide, `+` means a key per tunnel.
    ipsecKey: `3+ rfc4106(gcm(aes)) ${randomBytes(20).toString("hex")} 128`,
    bgpPassword: word(40),
    ssh: makeSshKey(),
    hostKeySeed: randomBytes(32).toString("hex"),
    etcdEncryptionKey: randomBytes(32).toString("base64"),
  };
}

export function makeInterconnectSecrets(): InterconnectSecrets {
  return { tunnelKeys: [tunnelKey(), tunnelKey(), tunnelKey(), tunnelKey()] };
}

/** A client key of its own: the derivation of host keys over a seed that nobody keeps. */
function makeSshKey(): SiteSecrets["ssh"] {
  return deriveHostKeys(randomBytes(32).toString("hex"), "gyeongbu-operator").final;
}

/** AWS takes no key that starts with 0 (Site-to-Site VPN tunnel options). */
function tunnelKey(): string {
  const key = word(48);
  return key.startsWith("0") ? tunnelKey() : key;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Letters and digits, 5.95 bits each: every device, shell and cloud takes them. */
function word(length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
}
