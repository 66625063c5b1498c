import { mergeValues } from "../../components/cilium/helm-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { ValuesSubject } from "../../proof/rule.ts";
import { valuesRules } from "../../proof/values/rules.ts";

export type Values = Readonly<Record<string, unknown>>;

/** `[code, message]` of everything that the rules find. */
export function found(
  values: Values,
  cilium = "1.20.2",
): { code: string; path: string; message: string; fix: string }[] {
  const subject: ValuesSubject = { cilium, values };
  return valuesRules.flatMap(({ code, check }) =>
    check(subject).map(({ path, message, fix }) => ({ code, path: path.map(String).join("."), message, fix })),
  );
}

/** `a.b: 1` as a tree; several paths merge, and `undefined` takes the key away. */
export function tree(paths: Values): Values {
  const nested = Object.entries(paths).map(([path, value]) =>
    path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  );
  return mergeValues(...nested.filter(isRecord));
}

export const kpr = { kubeProxyReplacement: true, k8sServiceHost: "api.seoul.example", k8sServicePort: 6443 };
export const native = { routingMode: "native", ipv4NativeRoutingCIDR: "10.128.0.0/13", "ipam.mode": "kubernetes" };
export const wireguard = { "encryption.enabled": true, "encryption.type": "wireguard" };
export const ipsec = { "encryption.enabled": true, "encryption.type": "ipsec" };
/** A mesh member without a doubt in it. */
export const member = {
  ...kpr,
  ...native,
  MTU: 1400,
  "cluster.name": "seoul",
  "cluster.id": 1,
  "tls.ca.cert": "UEVN",
  "tls.ca.key": "UEVN",
  "clustermesh.useAPIServer": true,
  "clustermesh.policyDefaultLocalCluster": true,
  "clustermesh.cacheTTL": "60s",
  "clustermesh.apiserver.replicas": 2,
  "clustermesh.config.enabled": true,
  "clustermesh.config.clusters": [{ name: "busan", port: 2379, ips: ["10.91.0.10"] }],
};
const { "clustermesh.cacheTTL": _, ...old } = member;
/** The same on 1.18, which has no such key. */
export const oldMember = old;

export interface ValuesFixture {
  /** Values, the word that the message must hold, and the version where it is not 1.20.2. */
  readonly refused: readonly [Values, string, string?][];
  /** One step away, and sound. */
  readonly passes: readonly [Values, string?][];
}
