import { stringify } from "yaml";
import { auditPolicy } from "./audit-policy.ts";
import { encryptionConfiguration } from "./encryption.ts";
import { kubernetesMinor } from "./versions.ts";

/** Where the files lie on a control plane; kubeadm mounts the directory into the API server. */
export const apiServerDirectory = "/etc/kubernetes/gyeongbu";

/** Paths of the files, for the flags that name them. */
export const apiServerPaths = {
  auditPolicy: `${apiServerDirectory}/audit-policy.yaml`,
  encryption: `${apiServerDirectory}/encryption.yaml`,
  admission: `${apiServerDirectory}/admission.yaml`,
  authentication: `${apiServerDirectory}/authentication.yaml`,
} as const;

/** A file for a machine; it travels on stdin. */
export interface MachineFile {
  readonly path: string;
  readonly content: string;
}

/** What the API server reads at its start, besides kubeadm's own files. Secret, since the encryption key is among it. */
export function apiServerFiles(kubernetesVersion: string, encryptionKey: string): MachineFile[] {
  const contents = {
    auditPolicy,
    encryption: encryptionConfiguration(encryptionKey),
    admission: admissionConfiguration,
    authentication: authenticationConfiguration(kubernetesVersion),
  };
  return Object.entries(apiServerPaths).map(([name, path]) => ({
    path,
    content: stringify(contents[name as keyof typeof contents]),
  }));
}

/**
 * Namespaces without a `pod-security.kubernetes.io/enforce` label get `restricted`; Cilium and CoreDNS live in kube-system.
 *
 * The rates are the example of kubernetes.io/docs/reference/access-authn-authz/admission-controllers (EventRateLimit): a namespace or a
 * user in a crash loop cannot fill etcd with events.
 */
const admissionConfiguration = {
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "AdmissionConfiguration",
  plugins: [
    {
      name: "PodSecurity",
      configuration: {
        apiVersion: "pod-security.admission.config.k8s.io/v1",
        kind: "PodSecurityConfiguration",
        defaults: {
          enforce: "restricted",
          "enforce-version": "latest",
          audit: "restricted",
          "audit-version": "latest",
          warn: "restricted",
          "warn-version": "latest",
        },
        exemptions: { usernames: [], runtimeClasses: [], namespaces: ["kube-system"] },
      },
    },
    {
      name: "EventRateLimit",
      configuration: {
        apiVersion: "eventratelimit.admission.k8s.io/v1alpha1",
        kind: "Configuration",
        limits: [
          { type: "Namespace", qps: 50, burst: 100, cacheSize: 2000 },
          { type: "User", qps: 10, burst: 50 },
        ],
      },
    },
  ],
};

/**
 * Who may ask without saying who they are. `--anonymous-auth=false` would be too much: the kubelet's probes and load balancers ask for
 * health, and a node that joins reads `cluster-info` to verify the CA it was told of.
 */
function authenticationConfiguration(kubernetesVersion: string) {
  return {
    apiVersion: kubernetesMinor(kubernetesVersion).authenticationApi,
    kind: "AuthenticationConfiguration",
    anonymous: {
      enabled: true,
      conditions: [
        { path: "/livez" },
        { path: "/readyz" },
        { path: "/healthz" },
        { path: "/api/v1/namespaces/kube-public/configmaps/cluster-info" },
      ],
    },
  };
}
