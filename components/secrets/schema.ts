import { z } from "zod";

/** What a stack keeps under the one secret config key `gyeongbu:secrets`, made by `npm run secrets`. All of it is encrypted there. */
const pem = (label: string) => z.string().startsWith(`-----BEGIN ${label}`);

export const SiteSecrets = z.strictObject({
  /** Equal in every member of a mesh; the chart's certgen signs each site's leaf certificates with it. */
  ciliumCa: z.strictObject({ certificate: pem("CERTIFICATE"), key: pem("") }),
  /** One line of Secret `cilium-ipsec-keys`: `<id>+ rfc4106(gcm(aes)) <40 hex> 128`. Equal in every member. */
  ipsecKey: z.string().regex(/^([1-9]|1[0-5])\+ rfc4106\(gcm\(aes\)\) [0-9a-f]{40} 128$/),
  /** TCP MD5 towards the ToRs; at most 80 bytes (RFC 2385 implementations). */
  bgpPassword: z.string().min(16).max(80),
  /** The operator's client key pair. `privateKey` is OpenSSH PEM, `publicKey` one authorized_keys line. */
  ssh: z.strictObject({ privateKey: pem("OPENSSH PRIVATE KEY"), publicKey: z.string().startsWith("ssh-ed25519 ") }),
  /** 32 bytes in hex; every cloud host key is derived from it. */
  hostKeySeed: z.string().regex(/^[0-9a-f]{64}$/),
  /** 32 bytes in base64 for the API server's secretbox; needed to read any backup of etcd. */
  etcdEncryptionKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  /** `existing` sites only: a kubeconfig with cluster-admin. */
  kubeconfig: z.string().optional(),
});
export type SiteSecrets = z.infer<typeof SiteSecrets>;

/** AWS: 8 to 64 of a-z, A-Z, 0-9, `.` and `_`, not starting with 0 (docs.aws.amazon.com/vpn Site-to-Site tunnel options). */
const tunnelKey = z.string().regex(/^[A-Za-z1-9._][A-Za-z0-9._]{31,63}$/);

export const InterconnectSecrets = z.strictObject({
  /** Pre-shared keys: instance 0 tunnels 1 and 2, instance 1 tunnels 1 and 2. */
  tunnelKeys: z.tuple([tunnelKey, tunnelKey, tunnelKey, tunnelKey]),
});
export type InterconnectSecrets = z.infer<typeof InterconnectSecrets>;
