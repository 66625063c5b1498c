import type { KubernetesObject } from "../rule.ts";

/** Documents for one kubeadm run: they stand in one file, or side by side. */
export interface KubeadmSubject {
  /** A violation's path starts with the index in this list. */
  readonly documents: readonly KubernetesObject[];
  /** Helm values of the Cilium that goes on top, where they are known. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
}

/** Documents of the kubeadm group, or those of some kinds, with their place and version. */
export function kubeadmDocuments({ documents }: KubeadmSubject, ...kinds: readonly string[]) {
  return documents.flatMap((document, index) => {
    const { apiVersion, kind } = document;
    if (typeof apiVersion !== "string" || typeof kind !== "string") return [];
    const [group = "", version = ""] = apiVersion.split("/");
    if (group !== "kubeadm.k8s.io" || (kinds.length > 0 && !kinds.includes(kind))) return [];
    return [{ document, index, version, kind }];
  });
}

export function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
}
