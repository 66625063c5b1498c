import type { Requirement } from "./entry.ts";

/** Label keys that Cilium gives a meaning (`pkg/k8s/apis/cilium.io/const.go`). */
export const namespaceKey = "io.kubernetes.pod.namespace";
export const clusterKey = "io.cilium.k8s.policy.cluster";
/** Followed by a dot and the key of a label of the pod's namespace. */
export const namespaceLabelsKey = "io.cilium.k8s.namespace.labels";

/** `k8s:app` as source and key; `fallback` is the source of a key that names none. `$host` is `reserved:host`. */
export function splitKey(key: string, fallback: string): { readonly source: string; readonly key: string } {
  if (key.startsWith("$")) return { source: "reserved", key: key.slice(1) };
  const colon = key.indexOf(":");
  return { source: colon > 0 ? key.slice(0, colon) : fallback, key: key.slice(colon + 1) };
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const name = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** A DNS name in small letters, as Kubernetes takes it for most objects (RFC 1123). */
export function isSubdomain(text: string): boolean {
  return text.length <= 253 && subdomain.test(text);
}

/** What keeps a text from being a label key of Kubernetes. */
export function kubernetesKeyProblem(key: string): string | undefined {
  const parts = key.split("/");
  const [prefix, last] = parts.length === 1 ? [undefined, key] : parts;
  const fine =
    parts.length <= 2 &&
    last !== undefined &&
    last.length <= 63 &&
    name.test(last) &&
    (prefix === undefined || isSubdomain(prefix));
  return fine ? undefined : `"${key}" is no label key`;
}

/**
 * The same for a key that may name its source: `k8s:app` (`pkg/labels/validation.go`). Before 1.20 source and key were judged as one key,
 * `k8s.app`, which may be 63 characters long.
 */
export function ciliumKeyProblem(key: string, minor: number): string | undefined {
  if (minor < 20) {
    const parts = splitKey(key, "any");
    return kubernetesKeyProblem(`${parts.source}.${parts.key}`);
  }
  const parts = key.split(":");
  const [first = "", second] = parts;
  if (parts.length > 2) return `"${key}" has more than one colon`;
  if (second === undefined) return kubernetesKeyProblem(first);
  return /^[A-Za-z0-9]+$/.test(first) ? kubernetesKeyProblem(second) : `"${first}" is no source of labels`;
}

/** What keeps a text from being a label's value. */
export function valueProblem(value: string): string | undefined {
  return value === "" || (value.length <= 63 && name.test(value)) ? undefined : `"${value}" is no value of a label`;
}

/** The requirement that a label exists with this value. */
export function equals(source: string, key: string, value: string): Requirement {
  return { source, key, operator: "In", values: [value] };
}

/** The requirement that a label exists, whatever its value. */
export function exists(source: string, key: string): Requirement {
  return { source, key, operator: "Exists", values: [] };
}
