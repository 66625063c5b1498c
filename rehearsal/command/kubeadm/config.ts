import { isIPv4 } from "node:net";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { kubeadmKinds, kubeletConfiguration, type Shape, shapeProblem } from "./fields.ts";

const Arg = z.object({ name: z.string().default(""), value: z.string().default("") });
const args = z.array(Arg).default([]);
const Volume = z.object({
  name: z.string().default(""),
  hostPath: z.string().default(""),
  mountPath: z.string().default(""),
  readOnly: z.boolean().default(false),
  pathType: z.string().optional(),
});
const component = z.object({ extraArgs: args, extraVolumes: z.array(Volume).default([]) }).prefault({});
const registration = z
  .object({
    name: z.string().optional(),
    criSocket: z.string().optional(),
    kubeletExtraArgs: args,
    taints: z.array(z.object({ key: z.string(), value: z.string().optional(), effect: z.string() })).optional(),
    ignorePreflightErrors: z.array(z.string()).default([]),
  })
  .prefault({});
const apiEndpoint = z
  .object({ advertiseAddress: z.string().optional(), bindPort: z.number().default(6443) })
  .prefault({});

export const ClusterConfiguration = z.object({
  kubernetesVersion: z.string().optional(),
  clusterName: z.string().default("kubernetes"),
  controlPlaneEndpoint: z.string().default(""),
  certificatesDir: z.string().default("/etc/kubernetes/pki"),
  encryptionAlgorithm: z.string().default("RSA-2048"),
  networking: z
    .object({
      serviceSubnet: z.string().default("10.96.0.0/12"),
      podSubnet: z.string().default(""),
      dnsDomain: z.string().default("cluster.local"),
    })
    .prefault({}),
  apiServer: z
    .object({ extraArgs: args, extraVolumes: z.array(Volume).default([]), certSANs: z.array(z.string()).default([]) })
    .prefault({}),
  controllerManager: component,
  scheduler: component,
  etcd: z
    .object({ local: z.object({ dataDir: z.string().default("/var/lib/etcd"), extraArgs: args }).prefault({}) })
    .prefault({}),
  proxy: z.object({ disabled: z.boolean().default(false) }).prefault({}),
  imageRepository: z.string().default("registry.k8s.io"),
});
export type ClusterConfiguration = z.infer<typeof ClusterConfiguration>;

const InitConfiguration = z.object({
  nodeRegistration: registration,
  localAPIEndpoint: apiEndpoint,
  certificateKey: z.string().optional(),
  bootstrapTokens: z.array(z.object({ token: z.string().optional(), ttl: z.string().optional() })).optional(),
  skipPhases: z.array(z.string()).default([]),
});
export type InitConfiguration = z.infer<typeof InitConfiguration>;

const JoinConfiguration = z.object({
  nodeRegistration: registration,
  caCertPath: z.string().default("/etc/kubernetes/pki/ca.crt"),
  controlPlane: z.object({ localAPIEndpoint: apiEndpoint, certificateKey: z.string().optional() }).optional(),
  discovery: z
    .object({
      bootstrapToken: z
        .object({
          token: z.string().default(""),
          apiServerEndpoint: z.string().default(""),
          caCertHashes: z.array(z.string()).default([]),
          unsafeSkipCAVerification: z.boolean().default(false),
        })
        .optional(),
      file: z.object({ kubeConfigPath: z.string() }).optional(),
      tlsBootstrapToken: z.string().optional(),
    })
    .prefault({}),
  skipPhases: z.array(z.string()).default([]),
});
export type JoinConfiguration = z.infer<typeof JoinConfiguration>;

/** The documents of a kubeadm configuration file, checked one by one. */
export interface Documents {
  readonly cluster: ClusterConfiguration | undefined;
  readonly init: InitConfiguration | undefined;
  readonly join: JoinConfiguration | undefined;
  /** As it was written. */
  readonly kubelet: Readonly<Record<string, unknown>> | undefined;
}

export class ConfigError extends Error {}

/** Kubernetes versions whose kubeadm wrote each old API last (cmd/kubeadm/app/util/config/common.go). */
const oldApis: Readonly<Record<string, string>> = {
  v1alpha1: "v1.11",
  v1alpha2: "v1.12",
  v1alpha3: "v1.14",
  v1beta1: "v1.15",
  v1beta2: "v1.22",
  v1beta3: "v1.36",
};

/**
 * Reads a kubeadm configuration file as kubeadm does.
 *
 * @throws ConfigError in kubeadm's words.
 */
export function readConfig(text: string): Documents {
  const found = new Map<string, Record<string, unknown>>();
  for (const document of parseAllDocuments(text, { uniqueKeys: true })) {
    if (document.errors[0] !== undefined)
      throw new ConfigError(`error unmarshaling YAML: ${document.errors[0].message.split("\n")[0] ?? ""}`);
    const value: unknown = document.toJS();
    if (value === null) continue;
    if (typeof value !== "object" || Array.isArray(value))
      throw new ConfigError("invalid configuration: the document is not a mapping");
    const { apiVersion, kind, ...body } = Object.fromEntries(Object.entries(value));
    if (typeof apiVersion !== "string" || typeof kind !== "string") {
      throw new ConfigError(
        "invalid configuration for GroupVersionKind /, Kind=: kind and apiVersion is mandatory information that must be specified",
      );
    }
    const [group = "", version = ""] = apiVersion.split("/");
    checkDocument(group, version, kind, body);
    if (found.has(kind)) throw new ConfigError(`invalid configuration: kind "${kind}" is specified twice in YAML file`);
    found.set(kind, body);
  }
  const cluster = found.get("ClusterConfiguration");
  const init = found.get("InitConfiguration");
  const join = found.get("JoinConfiguration");
  if (join !== undefined && (init !== undefined || cluster !== undefined)) {
    throw new ConfigError(
      "invalid configuration: kinds [InitConfiguration ClusterConfiguration] and JoinConfiguration are mutually exclusive",
    );
  }
  return {
    cluster: cluster === undefined ? undefined : ClusterConfiguration.parse(cluster),
    init: init === undefined ? undefined : InitConfiguration.parse(init),
    join: join === undefined ? undefined : JoinConfiguration.parse(join),
    kubelet: found.get("KubeletConfiguration"),
  };
}

function checkDocument(group: string, version: string, kind: string, body: Record<string, unknown>): void {
  const gvk = `schema.GroupVersionKind{Group:"${group}", Version:"${version}", Kind:"${kind}"}`;
  const last = oldApis[version];
  if (group === "kubeadm.k8s.io" && last !== undefined) {
    const lists = mapArgs(body)
      ? ' In v1beta4 extraArgs and kubeletExtraArgs are lists of "name" and "value", no longer maps.'
      : "";
    throw new ConfigError(
      `your configuration file uses an old API spec: "${group}/${version}" (kind: "${kind}"). Please use kubeadm ${last} instead and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version.${lists}`,
    );
  }
  const shape = shapeOf(group, version, kind);
  if (shape === undefined) throw new ConfigError(`unknown configuration ${gvk}`);
  const problem = shapeProblem(body, shape, kind);
  if (problem !== undefined) throw new ConfigError(`error unmarshaling configuration ${gvk}: ${problem}`);
}

function mapArgs(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  return Object.entries(value).some(
    ([key, part]) => (/[eE]xtraArgs$/.test(key) && !Array.isArray(part)) || mapArgs(part),
  );
}

function shapeOf(group: string, version: string, kind: string): Shape | undefined {
  if (group === "kubeadm.k8s.io" && version === "v1beta4") return kubeadmKinds[kind];
  if (group === "kubelet.config.k8s.io" && version === "v1beta1" && kind === "KubeletConfiguration")
    return kubeletConfiguration;
  if (group === "kubeproxy.config.k8s.io" && version === "v1alpha1" && kind === "KubeProxyConfiguration") return "any";
  return undefined;
}

/** What kubeadm's validation says beyond the shape (cmd/kubeadm/app/apis/kubeadm/validation). */
export function clusterProblems(config: ClusterConfiguration): string[] {
  const problems: string[] = [];
  const invalid = (field: string, value: string, why: string): void =>
    void problems.push(`${field}: Invalid value: "${value}": ${why}`);
  const { networking, controlPlaneEndpoint, certificatesDir, encryptionAlgorithm, etcd } = config;
  for (const [field, subnet] of [
    ["networking.serviceSubnet", networking.serviceSubnet],
    ["networking.podSubnet", networking.podSubnet],
  ] as const) {
    if (subnet !== "" && !isCidr(subnet)) invalid(field, subnet, "couldn't parse subnet");
  }
  const nodeMask = config.controllerManager.extraArgs.find(({ name }) => name === "node-cidr-mask-size")?.value ?? "24";
  const podMask = Number(networking.podSubnet.split("/")[1] ?? 0);
  const allocates =
    config.controllerManager.extraArgs.findLast(({ name }) => name === "allocate-node-cidrs")?.value !== "false";
  if (networking.podSubnet !== "" && allocates && podMask > Number(nodeMask)) {
    invalid(
      "networking.podSubnet",
      networking.podSubnet,
      `the size of pod subnet with mask ${podMask} is smaller than the size of node subnet with mask ${nodeMask}`,
    );
  }
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(networking.dnsDomain))
    invalid(
      "networking.dnsDomain",
      networking.dnsDomain,
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
    );
  if (controlPlaneEndpoint !== "" && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:\d{1,5})?$/.test(controlPlaneEndpoint))
    invalid("controlPlaneEndpoint", controlPlaneEndpoint, "endpoint is not valid");
  for (const [field, path] of [
    ["certificatesDir", certificatesDir],
    ["etcd.local.dataDir", etcd.local.dataDir],
  ] as const) {
    if (!path.startsWith("/")) invalid(field, path, "path is not absolute");
  }
  const algorithms = ["RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256", "ECDSA-P384"];
  if (!algorithms.includes(encryptionAlgorithm))
    invalid(
      "encryptionAlgorithm",
      encryptionAlgorithm,
      `Invalid encryption algorithm. Must be one of [${algorithms.join(" ")}]`,
    );
  for (const name of config.apiServer.certSANs) {
    if (!isIPv4(name) && !/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
      invalid(
        "apiServer.certSANs",
        name,
        "altname is not a valid IP address, DNS label or a DNS label with subdomain wildcards",
      );
  }
  const lists = {
    "apiServer.extraArgs": config.apiServer.extraArgs,
    "controllerManager.extraArgs": config.controllerManager.extraArgs,
    "scheduler.extraArgs": config.scheduler.extraArgs,
    "etcd.local.extraArgs": etcd.local.extraArgs,
  };
  for (const [field, list] of Object.entries(lists)) {
    const index = list.findIndex(({ name }) => name === "");
    if (index >= 0) invalid(field, `index ${index}`, "argument has no name");
  }
  return problems;
}

/** `undefined`, or why a certificate key is none. */
export function certificateKeyProblem(key: string | undefined): string | undefined {
  if (key === undefined || key === "") return undefined;
  if (!/^([0-9a-f]{2})*$/i.test(key)) return "certificateKey: Invalid value: encoding/hex: invalid byte";
  if (key.length !== 64)
    return `certificateKey: Invalid value: invalid certificate key size ${key.length / 2}, the key must be an AES key of size 32`;
  return undefined;
}

export const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/** What kubeadm's validation says of a JoinConfiguration. */
export function joinProblems({ discovery, controlPlane, nodeRegistration }: JoinConfiguration): string[] {
  const problems: string[] = [];
  const { bootstrapToken: token, file } = discovery;
  if (token === undefined && file === undefined)
    problems.push('discovery: Invalid value: "": bootstrapToken or file must be set');
  if (token !== undefined && file !== undefined)
    problems.push('discovery: Invalid value: "": bootstrapToken and file cannot both be set');
  if (token !== undefined) {
    if (token.apiServerEndpoint === "")
      problems.push("discovery.bootstrapToken: Required value: APIServerEndpoint is not set");
    else if (!/^[^:/]+:\d+$/.test(token.apiServerEndpoint))
      problems.push(
        `discovery.bootstrapToken.apiServerEndpoint: Invalid value: "${token.apiServerEndpoint}": address ${token.apiServerEndpoint}: missing port in address`,
      );
    if (token.caCertHashes.length === 0 && !token.unsafeSkipCAVerification) {
      problems.push(
        'discovery.bootstrapToken.caCertHashes: Invalid value: "": using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue',
      );
    }
    if (!tokenPattern.test(token.token))
      problems.push("discovery.bootstrapToken.token: Invalid value: the bootstrap token is invalid");
    const badHash = token.caCertHashes.find((hash) => !/^sha256:[0-9a-f]{64}$/i.test(hash));
    if (badHash !== undefined)
      problems.push(
        `invalid discovery token CA certificate hash: invalid hash "${badHash}", expected a 32 byte SHA-256 hash`,
      );
  }
  const key = certificateKeyProblem(controlPlane?.certificateKey);
  if (key !== undefined) problems.push(`controlPlane.${key}`);
  const nameless = nodeRegistration.kubeletExtraArgs.findIndex(({ name }) => name === "");
  if (nameless >= 0)
    problems.push(`nodeRegistration.kubeletExtraArgs: Invalid value: "index ${nameless}": argument has no name`);
  return problems;
}

function isCidr(text: string): boolean {
  const [address = "", prefix = "", ...rest] = text.split("/");
  return rest.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32;
}
