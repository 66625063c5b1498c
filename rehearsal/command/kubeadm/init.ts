import { randomBytes, randomInt } from "node:crypto";
import { formatAddress, parseBlock } from "../../aws/ipv4.ts";
import type { World } from "../../world.ts";
import { reachApi } from "../api.ts";
import {
  type ClusterRecord,
  changeCluster,
  clusterRecord,
  dropCluster,
  hashOf,
  type NodeRecord,
  nodeRecords,
  putCluster,
  putNode,
} from "../cluster.ts";
import { Host } from "../host.ts";
import { findMachine } from "../machine.ts";
import type { ToolCall } from "../tool.ts";
import {
  ClusterConfiguration,
  certificateKeyProblem,
  clusterProblems,
  type Documents,
  tokenPattern,
} from "./config.ts";
import {
  authority,
  ensureAuthorities,
  servingRequest,
  startKubelet,
  withPort,
  writeControlPlaneFiles,
} from "./files.ts";
import { flagOf } from "./flags.ts";
import { kubeletProblem } from "./kubelet.ts";
import { crash, writeManifests } from "./manifests.ts";
import { certificateHash, publicKeyHash } from "./pki.ts";
import { commonFindings, controlPlaneFindings, type Finding, judge, KubeadmError } from "./preflight.ts";

/** kubeadm's own defaults: uploaded certificates live as long as their proxy token, tokens of init a day. */
const certificateLifeMs = 2 * 3600 * 1000;
const tokenLifeMs = 24 * 3600 * 1000;

export interface InitOptions {
  readonly ignored: readonly string[];
  readonly uploadCerts: boolean;
  readonly certificateKey: string | undefined;
}

/** Result of a command: what it printed and how long it took. */
export interface Done {
  readonly stdout: string;
  readonly stderr?: string;
  readonly seconds: number;
}

/**
 * `kubeadm init`.
 *
 * @throws KubeadmError
 */
export function init(call: ToolCall, host: Host, documents: Documents, options: InitOptions): Done {
  const { world } = call;
  const config = documents.cluster ?? ClusterConfiguration.parse({});
  const given = documents.init;
  const node = given?.nodeRegistration.name ?? host.state.hostname;
  const registration = given?.nodeRegistration ?? { kubeletExtraArgs: [], ignorePreflightErrors: [] };
  const bindPort = given?.localAPIEndpoint.bindPort ?? 6443;
  const certificateKey = options.certificateKey ?? given?.certificateKey;
  const problems = [
    ...clusterProblems(config),
    ...[certificateKeyProblem(certificateKey)].filter((text) => text !== undefined),
  ];
  if (given?.bootstrapTokens?.some(({ token }) => token !== undefined && !tokenPattern.test(token)) === true)
    problems.push("bootstrapTokens: Invalid value: the bootstrap token is invalid");
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(node))
    problems.push(
      `nodeRegistration.name: Invalid value: "${node}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
    );
  const advertise = given?.localAPIEndpoint.advertiseAddress ?? host.machine.address;
  if (advertise !== host.machine.address)
    problems.push(`localAPIEndpoint.advertiseAddress: Invalid value: "${advertise}": this machine has no such address`);
  if (problems.length > 0)
    throw new KubeadmError(`error: ${problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`}`, 3);
  const version = versionOf(config, host);
  const findings = [
    ...versionFindings(version, host),
    ...controlPlaneFindings(host, bindPort, config.etcd.local.dataDir),
    ...commonFindings(host, version),
  ];
  const warnings = judge(findings, [...options.ignored, ...registration.ignorePreflightErrors]);

  ensureAuthorities(host);
  writeControlPlaneFiles(host, config, node, bindPort);
  writeManifests(config, host);
  start(host, config, documents.kubelet ?? {}, registration.kubeletExtraArgs);

  const again = clusterRecord(world, config.clusterName);
  const own = again?.kubeadm.publicKeyHash === publicKeyHash(authority(host));
  if (again !== undefined && !own) replaceDead(call, again);
  const token = { ttl: given?.bootstrapTokens?.[0]?.ttl, token: given?.bootstrapTokens?.[0]?.token };
  if (!own) found(call, host, config, documents, version, bindPort, node);
  addToken(call, config.clusterName, token.token ?? randomToken(), durationMs(token.ttl) ?? tokenLifeMs);
  putNode(
    world,
    nodeRecord(call, config.clusterName, node, host.machine.address, "control-plane", registration.taints),
  );
  // Until 1.36 what follows goes through the cluster's endpoint; 1.37 asks the local API server.
  if (minor(version) < 37 && config.controlPlaneEndpoint !== "") {
    host.save();
    const reached = reachApi(host, world, withPort(config.controlPlaneEndpoint, bindPort));
    if (typeof reached === "string") {
      const url = `https://${withPort(config.controlPlaneEndpoint, bindPort)}/api/v1/namespaces/kube-system/configmaps?timeout=10s`;
      throw new KubeadmError(
        `error: error execution phase upload-config/kubeadm: error uploading the kubeadm ClusterConfiguration: Post "${url}": ${reached}`,
      );
    }
    remember(call, reached.cluster, reached.balancer);
  }
  const uploaded = options.uploadCerts ? uploadCertificates(call, config.clusterName, certificateKey) : "";
  return {
    stdout: `[init] Using Kubernetes version: ${version}\n[certs] Using certificateDir folder "/etc/kubernetes/pki"\n${uploaded}\nYour Kubernetes control-plane has initialized successfully!\n`,
    stderr: warnings,
    seconds: 60,
  };
}

/** Starts the kubelet, which starts the static pods; fails as kubeadm does when one of them ends at once. */
export function start(
  host: Host,
  config: ClusterConfiguration,
  kubelet: Readonly<Record<string, unknown>>,
  extraArgs: readonly { name: string; value: string }[],
): void {
  const problem = kubeletProblem(host, kubelet, extraArgs);
  if (problem !== undefined) {
    throw new KubeadmError(
      `[kubelet-check] The kubelet is not healthy after 4m0.000000000s\n\nUnfortunately, an error has occurred, likely caused by:\n\t- The kubelet is not running\n\t- journalctl -xeu kubelet: ${problem}\n\nerror: error execution phase wait-control-plane: failed while waiting for the kubelet to start: The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned error: Get "http://127.0.0.1:10248/healthz": dial tcp 127.0.0.1:10248: connect: connection refused`,
    );
  }
  startKubelet(host, kubelet, extraArgs);
  const ended = crash(config, host);
  if (ended !== undefined) {
    host.state.units.kubelet = { enabled: true, active: true, masked: false };
    throw new KubeadmError(
      `[control-plane-check] ${ended.component} is not healthy after 4m0.000000000s\n\nA control plane component may have crashed or exited when started by the container runtime.\n\t- crictl logs ${ended.component}: ${ended.reason}\n\nerror: error execution phase wait-control-plane: failed while waiting for the control plane to start: ${ended.component} check failed at https://${host.machine.address}:6443/livez: connect: connection refused`,
    );
  }
  host.files.write(`${config.etcd.local.dataDir}/member/snap/db`, "etcd\n", 0o600);
}

function versionOf(config: ClusterConfiguration, host: Host): string {
  const installed = `v${host.state.packages.kubeadm?.split("-")[0] ?? ""}`;
  const wanted = config.kubernetesVersion ?? installed;
  if (!/^v?\d+\.\d+\.\d+$/.test(wanted))
    throw new KubeadmError(
      `error: version "${wanted}" doesn't match patterns for neither semantic version nor labels (stable, latest, ...)`,
    );
  if (minor(wanted) < minor(installed) - 1)
    throw new KubeadmError(
      `error: this version of kubeadm only supports deploying clusters with the control plane version >= 1.${minor(installed) - 1}.0. Current version: ${wanted}`,
    );
  return wanted.startsWith("v") ? wanted : `v${wanted}`;
}

function versionFindings(version: string, host: Host): Finding[] {
  const installed = host.state.packages.kubeadm?.split("-")[0] ?? "";
  if (minor(version) <= minor(installed)) return [];
  return [
    {
      check: "KubernetesVersion",
      text: `Kubernetes version is greater than kubeadm version. Please consider to upgrade kubeadm. Kubernetes version: ${version}. Kubeadm version: 1.${minor(installed)}.x`,
    },
  ];
}

export function minor(version: string): number {
  return Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 0);
}

/** A cluster of this name whose control planes are all gone gives way; one that lives has nothing to do with this machine. */
function replaceDead({ world }: ToolCall, { name }: ClusterRecord): void {
  const alive = nodeRecords(world, name).some(({ role, address }) => {
    const machine = findMachine(world, address);
    return (
      role === "control-plane" &&
      machine !== undefined &&
      Host.open(machine).files.exists("/etc/kubernetes/manifests/etcd.yaml")
    );
  });
  if (alive)
    throw new KubeadmError(
      `error: the rehearsal's world has a living cluster ${name} already, and keeps clusters by their names`,
    );
  dropCluster(world, name);
}

function found(
  call: ToolCall,
  host: Host,
  config: ClusterConfiguration,
  { kubelet }: Documents,
  version: string,
  bindPort: number,
  node: string,
): void {
  const { address } = host.machine;
  const { networking, proxy, controllerManager } = config;
  const certificate = authority(host);
  const allocate =
    flagOf(controllerManager.extraArgs, "allocate-node-cidrs") ?? (networking.podSubnet === "" ? "false" : "true");
  const cluster = {
    name: config.clusterName,
    endpoint: withPort(config.controlPlaneEndpoint === "" ? address : config.controlPlaneEndpoint, bindPort),
    addresses: [address],
    version,
    caFingerprint: certificateHash(certificate),
    kubeadm: {
      initUrn: call.urn,
      configuration: JSON.parse(JSON.stringify({ ...config, kubernetesVersion: version })),
      kubelet: JSON.parse(JSON.stringify(kubelet ?? {})),
      bindPort,
      publicKeyHash: publicKeyHash(certificate),
      tokens: [],
      members: [{ id: randomBytes(8).toString("hex"), name: node, address }],
      learnerUntil: 0,
      requests: kubelet?.serverTLSBootstrap === true ? [servingRequest(node, address)] : [],
    },
  };
  putCluster(call.world, cluster, {
    controllerManager: { allocateNodeCidrs: allocate === "true" },
    serviceSubnet: networking.serviceSubnet,
    podSubnet: networking.podSubnet,
    proxyDisabled: proxy.disabled,
  });
}

/** The node as it registers; one that was there before keeps what it had. */
export function nodeRecord(
  { world }: ToolCall,
  cluster: string,
  name: string,
  address: string,
  role: NodeRecord["role"],
  taints: NodeRecord["taints"] | undefined,
): NodeRecord {
  const others = nodeRecords(world, cluster);
  const before = others.find((node) => node.name === name);
  const podCIDR = before?.podCIDR ?? allocated(world, cluster, others);
  const leader = role === "control-plane";
  const own = {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    ...(leader
      ? { "node-role.kubernetes.io/control-plane": "", "node.kubernetes.io/exclude-from-external-load-balancers": "" }
      : {}),
  };
  return {
    cluster,
    name,
    address,
    role,
    ...(podCIDR === undefined ? {} : { podCIDR }),
    labels: { ...before?.labels, ...own },
    annotations: before?.annotations ?? {},
    taints: taints ?? (leader ? [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] : []),
    unschedulable: before?.unschedulable ?? false,
  };
}

/** The block that kube-controller-manager gives a new node at once, where it is told to: the first free /24 of the pod subnet. */
function allocated(world: World, cluster: string, nodes: readonly NodeRecord[]): string | undefined {
  const { controllerManager, podSubnet } = world.get("kubernetes", cluster)?.properties ?? {};
  const manager = typeof controllerManager === "object" && controllerManager !== null ? controllerManager : {};
  const range = parseBlock(typeof podSubnet === "string" ? podSubnet : "");
  if (!("allocateNodeCidrs" in manager) || manager.allocateNodeCidrs !== true || range === undefined) return undefined;
  const blocks = Array.from(
    { length: nodes.length + 1 },
    (_, index) => `${formatAddress(range.first + index * 256)}/24`,
  );
  return blocks.find((block) => !nodes.some((node) => node.podCIDR === block));
}

/** A load balancer through which nodes found the API leads to the cluster from elsewhere, too. */
export function remember({ world }: ToolCall, { name }: ClusterRecord, balancer: string | undefined): void {
  if (balancer === undefined) return;
  changeCluster(world, name, (cluster) => {
    if (!cluster.addresses.includes(balancer)) cluster.addresses.push(balancer);
  });
}

export function addToken({ world }: ToolCall, cluster: string, token: string, lifeMs: number): void {
  const [id = "", secret = ""] = token.split(".");
  changeCluster(world, cluster, ({ kubeadm }) => {
    if (kubeadm.tokens.some((one) => one.id === id && one.expires > Date.now()))
      throw new KubeadmError(`error: a token with id "${id}" already exists`);
    kubeadm.tokens = [
      ...kubeadm.tokens.filter((one) => one.id !== id && one.expires > Date.now()),
      { id, secretHash: hashOf(secret), expires: Date.now() + lifeMs },
    ];
  });
}

export function randomToken(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const pick = (length: number): string => Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
  return `${pick(6)}.${pick(16)}`;
}

/** Milliseconds of a Go duration such as `2h0m0s`; `undefined` for none, infinity for 0. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^0[smh]*$/.test(text)) return 10 * 365 * 24 * 3600 * 1000;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.map(([part]) => part).join("") !== text) throw new KubeadmError(`error: time: invalid duration "${text}"`);
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? "s"] ?? 0), 0);
}

/** `upload-certs`: the shared certificates, sealed with a key. The world keeps the key's hash only. */
export function uploadCertificates({ world }: ToolCall, cluster: string, key: string | undefined): string {
  const used = key ?? randomBytes(32).toString("hex");
  const problem = certificateKeyProblem(used);
  if (problem !== undefined) throw new KubeadmError(`error: ${problem}`, 3);
  changeCluster(world, cluster, ({ kubeadm }) => {
    kubeadm.certificateKey = { hash: hashOf(used), expires: Date.now() + certificateLifeMs };
  });
  return `[upload-certs] Storing the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace\n[upload-certs] Using certificate key:\n${used}\n`;
}
