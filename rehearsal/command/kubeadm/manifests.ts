import { stringify } from "yaml";
import type { Host } from "../host.ts";
import { apiServerFileProblem } from "./api-server-files.ts";
import type { ClusterConfiguration } from "./config.ts";
import { componentFlags, flagOf } from "./flags.ts";

const directory = "/etc/kubernetes/manifests";

interface Arg {
  readonly name: string;
  readonly value: string;
}
interface Volume {
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/** One static pod. */
interface Component {
  readonly name: "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "etcd";
  /** kubeadm's own flags, then the configuration's: the last one of a name counts. */
  readonly args: readonly Arg[];
  readonly volumes: readonly Volume[];
}

const sameForAll: readonly Volume[] = [
  "/etc/kubernetes/pki",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
  "/usr/share/ca-certificates",
  "/usr/local/share/ca-certificates",
].map((path) => ({ hostPath: path, mountPath: path, readOnly: true }));

function components(config: ClusterConfiguration, host: Host): Component[] {
  const { address } = host.machine;
  const { apiServer, controllerManager, scheduler, etcd, networking } = config;
  const podSubnet =
    networking.podSubnet === "" ? [] : list({ "allocate-node-cidrs": "true", "cluster-cidr": networking.podSubnet });
  return [
    {
      name: "kube-apiserver",
      args: [
        ...list({
          "advertise-address": address,
          "allow-privileged": "true",
          "authorization-mode": "Node,RBAC",
          "client-ca-file": "/etc/kubernetes/pki/ca.crt",
          "enable-admission-plugins": "NodeRestriction",
          "enable-bootstrap-token-auth": "true",
          "etcd-servers": "https://127.0.0.1:2379",
          "secure-port": "6443",
          "service-cluster-ip-range": networking.serviceSubnet,
          "tls-cert-file": "/etc/kubernetes/pki/apiserver.crt",
          "tls-private-key-file": "/etc/kubernetes/pki/apiserver.key",
        }),
        ...apiServer.extraArgs,
      ],
      volumes: [...sameForAll, ...apiServer.extraVolumes],
    },
    {
      name: "kube-controller-manager",
      args: [
        ...list({
          "bind-address": "127.0.0.1",
          "cluster-name": config.clusterName,
          "root-ca-file": "/etc/kubernetes/pki/ca.crt",
          "service-cluster-ip-range": networking.serviceSubnet,
          "use-service-account-credentials": "true",
        }),
        ...podSubnet,
        ...controllerManager.extraArgs,
      ],
      volumes: [...sameForAll, ...controllerManager.extraVolumes],
    },
    {
      name: "kube-scheduler",
      args: [...list({ "bind-address": "127.0.0.1", "leader-elect": "true" }), ...scheduler.extraArgs],
      volumes: scheduler.extraVolumes,
    },
    {
      name: "etcd",
      args: [
        ...list({
          "data-dir": etcd.local.dataDir,
          name: host.state.hostname,
          "listen-client-urls": `https://127.0.0.1:2379,https://${address}:2379`,
          "listen-peer-urls": `https://${address}:2380`,
        }),
        ...etcd.local.extraArgs,
      ],
      volumes: [{ hostPath: etcd.local.dataDir, mountPath: etcd.local.dataDir, readOnly: false }],
    },
  ];
}

function list(values: Readonly<Record<string, string>>): Arg[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Writes the static pods and what they need of the host. */
export function writeManifests(config: ClusterConfiguration, host: Host): void {
  for (const { name, args, volumes } of components(config, host)) {
    const command = [name, ...args.map((arg) => `--${arg.name}=${arg.value}`)];
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "kube-system", labels: { component: name, tier: "control-plane" } },
      spec: {
        containers: [
          {
            name,
            command,
            volumeMounts: volumes.map(({ mountPath, readOnly }, index) => ({ name: `v${index}`, mountPath, readOnly })),
          },
        ],
        hostNetwork: true,
        volumes: volumes.map(({ hostPath }, index) => ({ name: `v${index}`, hostPath: { path: hostPath } })),
      },
    };
    host.files.write(`${directory}/${name}.yaml`, stringify(pod, { lineWidth: 0 }), 0o600);
  }
  for (const { hostPath } of [...config.apiServer.extraVolumes, ...config.controllerManager.extraVolumes])
    host.files.makeDirectory(hostPath);
  host.files.makeDirectory(config.etcd.local.dataDir, 0o700);
}

/** The first component that would end as soon as it starts, and its last words; `undefined` when all of them run. */
export function crash(config: ClusterConfiguration, host: Host): { component: string; reason: string } | undefined {
  for (const component of components(config, host)) {
    const reason = crashOf(component, host);
    if (reason !== undefined) return { component: component.name, reason };
  }
  return undefined;
}

const yesOrNo = new Set([
  "anonymous-auth",
  "profiling",
  "allocate-node-cidrs",
  "leader-elect",
  "audit-log-compress",
  "audit-log-truncate-enabled",
  "enable-bootstrap-token-auth",
  "allow-privileged",
  "use-service-account-credentials",
  "encryption-provider-config-automatic-reload",
  "service-account-lookup",
  "enable-aggregator-routing",
]);
const whole = new Set([
  "audit-log-maxage",
  "audit-log-maxbackup",
  "audit-log-maxsize",
  "secure-port",
  "max-requests-inflight",
  "max-mutating-requests-inflight",
  "terminated-pod-gc-threshold",
  "quota-backend-bytes",
  "node-cidr-mask-size",
]);
const cipherSuites =
  /^TLS_(AES_(128|256)_GCM_SHA(256|384)|CHACHA20_POLY1305_SHA256|(ECDHE_(ECDSA|RSA)|RSA)_WITH_(AES_(128|256)_(GCM_SHA(256|384)|CBC_SHA(256)?)|CHACHA20_POLY1305(_SHA256)?|3DES_EDE_CBC_SHA|RC4_128_SHA))$/;
/** Admission plug-ins of 1.36 (kube-apiserver --help). */
const admission = new Set(
  "AlwaysAdmit AlwaysDeny AlwaysPullImages CertificateApproval CertificateSigning CertificateSubjectRestriction ClusterTrustBundleAttest DefaultIngressClass DefaultStorageClass DefaultTolerationSeconds DenyServiceExternalIPs EventRateLimit ExtendedResourceToleration ImagePolicyWebhook LimitPodHardAntiAffinityTopology LimitRanger MutatingAdmissionPolicy MutatingAdmissionWebhook NamespaceAutoProvision NamespaceExists NamespaceLifecycle NodeDeclaredFeatureValidator NodeRestriction OwnerReferencesPermissionEnforcement PersistentVolumeClaimResize PodNodeSelector PodSecurity PodTolerationRestriction PodTopologyLabels Priority ResourceQuota RuntimeClass ServiceAccount StorageObjectInUseProtection TaintNodesByCondition ValidatingAdmissionPolicy ValidatingAdmissionWebhook".split(
    " ",
  ),
);

function crashOf({ name, args, volumes }: Component, host: Host): string | undefined {
  for (const { name: flag, value } of args) {
    if (!componentFlags[name].has(flag))
      return name === "etcd" ? `flag provided but not defined: -${flag}` : `Error: unknown flag: --${flag}`;
    if (yesOrNo.has(flag) && !/^(true|false)$/.test(value))
      return `Error: invalid argument "${value}" for "--${flag}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`;
    if (whole.has(flag) && !/^\d+$/.test(value))
      return `Error: invalid argument "${value}" for "--${flag}" flag: strconv.ParseInt: parsing "${value}": invalid syntax`;
    if (flag === "tls-min-version" && !/^VersionTLS1[0-3]$/.test(value)) return `unknown tls version "${value}"`;
    if (flag === "tls-cipher-suites" || flag === "cipher-suites") {
      const wrong = value.split(",").find((suite) => !cipherSuites.test(suite));
      if (wrong !== undefined) return `Cipher suite ${wrong} not supported or doesn't exist`;
    }
    if (flag === "enable-admission-plugins" || flag === "disable-admission-plugins") {
      const wrong = value.split(",").find((plugin) => !admission.has(plugin));
      if (wrong !== undefined) return `Error: ${flag} plugin "${wrong}" is unknown`;
    }
  }
  if (name === "etcd") return etcdProblem(host, flagOf(args, "data-dir") ?? "");
  if (name !== "kube-apiserver") return undefined;
  const path = (inside: string): string | undefined => hostPath(volumes, inside);
  return apiServerFileProblem(args, path, (file) => host.files.read(file)) ?? auditLogProblem(args, volumes);
}

/** Where a path inside the container lies on the host; `undefined` when nothing is mounted there. */
function hostPath(volumes: readonly Volume[], path: string): string | undefined {
  const volume = volumes.find(
    ({ mountPath }) => path === mountPath || path.startsWith(`${mountPath.replace(/\/$/, "")}/`),
  );
  return volume === undefined ? undefined : volume.hostPath + path.slice(volume.mountPath.length);
}

function auditLogProblem(args: readonly Arg[], volumes: readonly Volume[]): string | undefined {
  const path = flagOf(args, "audit-log-path");
  if (path === undefined || path === "-") return undefined;
  const volume = volumes.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  return volume?.readOnly === true ? `Error: ensureLogFile: open ${path}: read-only file system` : undefined;
}

/** A disk that is meant for etcd and not mounted lets etcd fill the root disk; that starts, so it is no crash. A file in its way is. */
function etcdProblem(host: Host, dataDirectory: string): string | undefined {
  return host.files.exists(dataDirectory) && !host.files.isDirectory(dataDirectory)
    ? `cannot access data directory: mkdir ${dataDirectory}: not a directory`
    : undefined;
}
