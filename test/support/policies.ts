import type { KubernetesObject, ObjectsSubject } from "../../proof/rule.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function cnp(spec: Fields, metadata: Fields = {}): KubernetesObject {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "orders", namespace: "trading", ...metadata },
    spec: { endpointSelector: { matchLabels: { app: "orders" } }, ...spec },
  };
}
export function ccnp(spec: Fields, metadata: Fields = {}): KubernetesObject {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumClusterwideNetworkPolicy",
    metadata: { name: "baseline", ...metadata },
    spec,
  };
}
export function knp(spec: Fields, namespace = "trading"): KubernetesObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "orders", namespace },
    spec: { podSelector: {}, ...spec },
  };
}
export const ingress = (...entries: Fields[]) => cnp({ ingress: entries });
export const egress = (...entries: Fields[]) => cnp({ egress: entries });
export const ports = (port: string, more: Fields = {}, protocol = "TCP") => ({ ports: [{ port, protocol }], ...more });
export const http = (...rules: Fields[]) => ingress({ toPorts: [ports("8080", { rules: { http: rules } })] });
export const dns = (...names: Fields[]) => ({
  toEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns" } }],
  toPorts: [ports("53", { rules: { dns: names.length === 0 ? [{ matchPattern: "*" }] : names } }, "ANY")],
});
export const github = { toFQDNs: [{ matchName: "api.github.com" }], toPorts: [ports("443")] };

type Context = Partial<Omit<ObjectsSubject, "objects">>;
/** Objects with what is known of their cluster; Cilium is 1.20 unless said otherwise. */
export type Case = KubernetesObject | readonly [Context, ...KubernetesObject[]];

function isList(given: Case): given is readonly [Context, ...KubernetesObject[]] {
  return Array.isArray(given);
}
export function subject(given: Case): ObjectsSubject {
  const [context, ...objects] = isList(given) ? given : [{}, given];
  return { cilium: "1.20.2", complete: false, ...context, objects };
}

/** For a rule: what it must refuse, with what the message must name, and near misses that must pass. */
export interface PolicyFixture {
  readonly refused: [string, Case][];
  readonly passes: Case[];
}
