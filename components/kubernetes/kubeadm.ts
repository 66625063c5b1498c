import { stringify } from "yaml";
import type { NodeSiteSpec } from "../config/schema.ts";
import { apiEndpoint, planSlots, type Slot } from "../network/plan.ts";
import { ports } from "../network/ports.ts";
import { apiServerDirectory, apiServerPaths } from "./api-server-files.ts";
import type { Ticket } from "./ticket.ts";

/**
 * kubeadm's `v1beta4` documents (kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4), with what the CIS benchmark wants over
 * kubeadm's defaults. None of them holds a secret, except that of a join, which holds its ticket.
 */
const apiVersion = "kubeadm.k8s.io/v1beta4";
const criSocket = "unix:///run/containerd/containerd.sock";

/** etcd's disk is mounted one level above, since a file system's root is never empty and kubeadm wants an empty directory. */
export const etcdDataDirectory = "/var/lib/etcd/data";
export const auditLogDirectory = "/var/log/kubernetes/audit";

/**
 * MB per audit log file, and files kept. Together 10 GB, a tenth of the default root disk: a day of a busy cluster at some 100 KB/s, as long
 * as the shipper may be down. `auditLogDays` bounds a quiet one.
 */
export const auditLog = { fileMaxMb: 200, backups: 50 } as const;

/** Forward secrecy and authenticated encryption; TLS 1.3 chooses for itself (Go `crypto/tls`, `CipherSuites`). */
const tlsCipherSuites = [
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];
const tls = { "tls-min-version": "VersionTLS12", "tls-cipher-suites": tlsCipherSuites.join(",") };

/** For `kubeadm init` on the first control plane of a cluster that does not exist yet. */
export function renderInit(site: NodeSiteSpec, slot: Slot): string {
  return documents(initConfiguration(slot), clusterConfiguration(site), kubeletConfiguration);
}

/** For `kubeadm join`. Secret: the ticket lets whoever holds it join. */
export function renderJoin(site: NodeSiteSpec, slot: Slot, ticket: Ticket): string {
  return documents(joinConfiguration(site, slot, ticket));
}

function documents(...list: readonly object[]): string {
  return list.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
}

function initConfiguration(slot: Slot) {
  return {
    apiVersion,
    kind: "InitConfiguration",
    // Nodes join with a ticket of their own; the token that kubeadm insists on making is of no use to anyone soon.
    bootstrapTokens: [{ ttl: "1h0m0s" }],
    nodeRegistration: nodeRegistration(slot),
    localAPIEndpoint: localApi(slot),
    skipPhases: ["addon/kube-proxy"],
  };
}

function joinConfiguration(site: NodeSiteSpec, slot: Slot, { token, caHash, certificateKey }: Ticket) {
  const { name, port } = apiEndpoint(site);
  if (slot.role === "control-plane" && certificateKey === undefined) {
    throw new RangeError(`${slot.name} is a control plane, but its ticket has no certificate key.`);
  }
  return {
    apiVersion,
    kind: "JoinConfiguration",
    nodeRegistration: nodeRegistration(slot),
    discovery: {
      bootstrapToken: { apiServerEndpoint: `${name}:${port}`, token, caCertHashes: [caHash] },
    },
    ...(slot.role === "control-plane" ? { controlPlane: { localAPIEndpoint: localApi(slot), certificateKey } } : {}),
  };
}

const localApi = ({ address }: Slot) => ({ advertiseAddress: address, bindPort: ports.api.backend });

function nodeRegistration({ name, address, role }: Slot) {
  return {
    name,
    criSocket,
    kubeletExtraArgs: list({ "node-ip": address }),
    taints: [
      // Nothing runs before it has a network; Cilium's operator takes this one away (docs.cilium.io, taint effects).
      { key: "node.cilium.io/agent-not-ready", value: "true", effect: "NoExecute" },
      ...(role === "control-plane" ? [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] : []),
    ],
  };
}

function clusterConfiguration(site: NodeSiteSpec) {
  const { name, port } = apiEndpoint(site);
  const { kubernetes, network } = site;
  return {
    apiVersion,
    kind: "ClusterConfiguration",
    clusterName: site.name,
    kubernetesVersion: `v${kubernetes.version}`,
    imageRepository: kubernetes.imageRegistry,
    controlPlaneEndpoint: `${name}:${port}`,
    networking: { podSubnet: network.pods, serviceSubnet: network.services, dnsDomain: "cluster.local" },
    // Cilium replaces it.
    proxy: { disabled: true },
    apiServer: {
      certSANs: certificateNames(site),
      extraArgs: list({
        "authentication-config": apiServerPaths.authentication,
        "enable-admission-plugins": "NodeRestriction,EventRateLimit",
        "admission-control-config-file": apiServerPaths.admission,
        "encryption-provider-config": apiServerPaths.encryption,
        "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
        "audit-policy-file": apiServerPaths.auditPolicy,
        "audit-log-path": `${auditLogDirectory}/audit.log`,
        "audit-log-maxage": `${kubernetes.auditLogDays}`,
        "audit-log-maxbackup": `${auditLog.backups}`,
        "audit-log-maxsize": `${auditLog.fileMaxMb}`,
        profiling: "false",
        ...tls,
      }),
      extraVolumes: [volume("gyeongbu", apiServerDirectory, true), volume("audit-log", auditLogDirectory, false)],
    },
    controllerManager: {
      extraArgs: list({
        // Each slot's block is written at join, and once only. kubeadm turns allocation on with podSubnet and leaves it to us here;
        // the cluster-cidr it also writes is then read by nothing (kube-controller-manager, app/core.go).
        "allocate-node-cidrs": "false",
        profiling: "false",
        ...tls,
      }),
    },
    scheduler: { extraArgs: list({ profiling: "false", ...tls }) },
    etcd: {
      local: {
        dataDir: etcdDataDirectory,
        extraArgs: list({ "cipher-suites": tlsCipherSuites.join(",") }),
      },
    },
  };
}

/** Every name and address by which nodes, operators and the proxies on control planes call the API. */
function certificateNames(site: NodeSiteSpec): string[] {
  const { name, addresses } = apiEndpoint(site);
  const controlPlanes = planSlots(site).filter(({ role }) => role === "control-plane");
  return [...new Set([name, "127.0.0.1", ...addresses, ...controlPlanes.map(({ address }) => address)])];
}

const kubeletConfiguration = {
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  cgroupDriver: "systemd",
  readOnlyPort: 0,
  protectKernelDefaults: true,
  // The serving certificate is the cluster's, not self-signed; registration approves it.
  serverTLSBootstrap: true,
  rotateCertificates: true,
  tlsMinVersion: tls["tls-min-version"],
  tlsCipherSuites,
  // A fork bomb stays in its pod; the kernel's own limit is 32768 (CIS 4.2, kubelet default -1 is none).
  podPidsLimit: 4096,
};

function list(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function volume(name: string, path: string, readOnly: boolean) {
  return { name, hostPath: path, mountPath: path, readOnly, pathType: "DirectoryOrCreate" };
}
