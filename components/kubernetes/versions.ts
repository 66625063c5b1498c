/** What differs between the Kubernetes minors that we write configuration for. */
export interface KubernetesMinor {
  /** `apiVersion` of the API server's AuthenticationConfiguration; stable from 1.34 (KEP-3331). */
  readonly authenticationApi: "apiserver.config.k8s.io/v1beta1" | "apiserver.config.k8s.io/v1";
}

const beta = { authenticationApi: "apiserver.config.k8s.io/v1beta1" } as const;
const stable = { authenticationApi: "apiserver.config.k8s.io/v1" } as const;

/**
 * Minors whose kubeadm reads `v1beta4` (from 1.31; the only one left in 1.37) and whose API server limits anonymous requests by path
 * (from 1.32, KEP-4633). Which of them a Cilium release was tested with is another table. To add a minor, add a line.
 */
export const kubernetesMinors: Readonly<Record<string, KubernetesMinor>> = {
  "1.33": beta,
  "1.34": stable,
  "1.35": stable,
  "1.36": stable,
  "1.37": stable,
};

/** `1.36` of `1.36.4`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/**
 * @param version  Exact, e.g. `1.36.4`.
 * @throws RangeError for a minor that we write no configuration for.
 */
export function kubernetesMinor(version: string): KubernetesMinor {
  const found = kubernetesMinors[minorOf(version)];
  if (!found) {
    throw new RangeError(
      `Kubernetes ${version} is not supported. Write one of ${Object.keys(kubernetesMinors).join(", ")}.`,
    );
  }
  return found;
}

/** Debian version of kubelet, kubeadm and kubectl in the community repository: the first build carries `-1.1`. */
export function debianVersion(version: string): string {
  return `${version}-1.1`;
}
