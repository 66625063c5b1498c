import { randomBytes, X509Certificate } from "node:crypto";
import { isIPv4 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connectionObstacle } from "../../verify/reach.ts";
import { type Reached, reachApi } from "../api.ts";
import { type ClusterRecord, changeCluster, clusterRecord, hashOf, nodeRecords, putNode } from "../cluster.ts";
import { Host } from "../host.ts";
import { findMachine } from "../machine.ts";
import type { ToolCall } from "../tool.ts";
import { machineAnswers } from "../tools/network.ts";
import { speed } from "../tools/speed.ts";
import { kubeletRuns } from "../tools/units.ts";
import { allowsAnonymous } from "./api-server-files.ts";
import { ClusterConfiguration, type JoinConfiguration, joinProblems } from "./config.ts";
import { copyAuthorities, servingRequest, startKubelet, writeControlPlaneFiles, writeWorkerFiles } from "./files.ts";
import { type Done, minor, nodeRecord, remember, start } from "./init.ts";
import { kubeletProblem } from "./kubelet.ts";
import { writeManifests } from "./manifests.ts";
import { commonFindings, controlPlaneFindings, joinFindings, judge, KubeadmError } from "./preflight.ts";

const clusterInfo = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
/** Modelled seconds that a new etcd member stays a learner; etcd takes one at a time and kubeadm tries for two minutes. */
const learnerSeconds = 15;

/**
 * `kubeadm join`.
 *
 * @throws KubeadmError
 */
export async function join(
  call: ToolCall,
  host: Host,
  config: JoinConfiguration,
  ignored: readonly string[],
): Promise<Done> {
  const problems = joinProblems(config);
  if (problems.length > 0)
    throw new KubeadmError(`error: ${problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`}`, 3);
  const ignore = [...ignored, ...config.nodeRegistration.ignorePreflightErrors];
  const leader = config.controlPlane;
  let warnings = judge([...joinFindings(host, leader === undefined), ...commonFindings(host, undefined)], ignore);
  const reached = discover(call, host, config);
  const { cluster } = reached;
  const configuration = ClusterConfiguration.parse(cluster.kubeadm.configuration);
  const installed = host.state.packages.kubelet ?? "";
  if (minor(installed) > minor(cluster.version)) {
    throw new KubeadmError(
      `error: error execution phase preflight: the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster. Kubelet version: "${installed.split("-")[0] ?? ""}" Control plane version: "${cluster.version}"`,
    );
  }
  if (leader !== undefined) {
    if (configuration.controlPlaneEndpoint === "")
      notReady(
        "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
      );
    if (leader.certificateKey === undefined && !host.files.exists("/etc/kubernetes/pki/ca.key")) {
      notReady(
        "[failure loading certificate for CA: couldn't load the certificate file /etc/kubernetes/pki/ca.crt: open /etc/kubernetes/pki/ca.crt: no such file or directory]",
      );
    }
    warnings += judge(controlPlaneFindings(host, cluster.kubeadm.bindPort, configuration.etcd.local.dataDir), ignore);
  }
  const node = config.nodeRegistration.name ?? host.state.hostname;
  const kubelet = record(cluster.kubeadm.kubelet);
  const { kubeletExtraArgs, taints } = config.nodeRegistration;
  if (leader?.certificateKey !== undefined) download(cluster, leader.certificateKey);
  refuseLivingNode(call, cluster, node, host);
  let seconds = 30;
  if (leader === undefined) {
    const problem = kubeletProblem(host, kubelet, kubeletExtraArgs);
    if (problem !== undefined) {
      throw new KubeadmError(
        `[kubelet-check] The kubelet is not healthy after 4m0.000000000s\n\t- journalctl -xeu kubelet: ${problem}\n\nerror: error execution phase kubelet-start: failed while waiting for the kubelet to start: The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned error: context deadline exceeded`,
      );
    }
    writeWorkerFiles(host, reached.controlPlane, cluster, node);
    startKubelet(host, kubelet, kubeletExtraArgs);
  } else {
    if (leader.certificateKey !== undefined) copyAuthorities(reached.controlPlane, host);
    writeControlPlaneFiles(host, configuration, node, cluster.kubeadm.bindPort);
    writeManifests(configuration, host);
    seconds += 30 + (await learnersTurn(call, cluster.name));
    // Nothing may come in between: who joins next asks whether this member runs.
    addMember(call, cluster, node, host);
    start(host, configuration, kubelet, kubeletExtraArgs);
    host.save();
  }
  putNode(
    call.world,
    nodeRecord(
      call,
      cluster.name,
      node,
      host.machine.address,
      leader === undefined ? "worker" : "control-plane",
      taints,
    ),
  );
  changeCluster(call.world, cluster.name, ({ addresses, kubeadm }) => {
    if (leader !== undefined && !addresses.includes(host.machine.address)) addresses.push(host.machine.address);
    if (kubelet.serverTLSBootstrap !== true) return;
    kubeadm.requests = [
      ...kubeadm.requests.filter(({ user }) => user !== `system:node:${node}`),
      servingRequest(node, host.machine.address),
    ];
  });
  remember(call, cluster, reached.balancer);
  return {
    stdout:
      "\nThis node has joined the cluster:\n* Certificate signing request was sent to apiserver and a response was received.\n",
    stderr: warnings,
    seconds,
  };
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
}

function notReady(why: string): never {
  throw new KubeadmError(
    `error: error execution phase preflight:\nOne or more conditions for hosting a new control plane instance is not satisfied.\n\n${why}\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n`,
  );
}

/** Finds the cluster by its token and makes sure that it is the right one. */
function discover(call: ToolCall, host: Host, { discovery }: JoinConfiguration): Reached {
  const fails = (why: string): never => {
    throw new KubeadmError(
      `error: error execution phase preflight: couldn't validate the identity of the API Server: ${why}`,
    );
  };
  const given = discovery.bootstrapToken;
  if (given === undefined) return fails("the rehearsal knows discovery by token only");
  const reached = reachApi(host, call.world, given.apiServerEndpoint);
  const url = `https://${given.apiServerEndpoint}${clusterInfo}?timeout=10s`;
  if (typeof reached === "string")
    return fails(`failed to request the cluster-info ConfigMap: Get "${url}": ${reached}`);
  const { cluster, controlPlane } = reached;
  const { apiServer } = ClusterConfiguration.parse(cluster.kubeadm.configuration);
  if (!allowsAnonymous(apiServer.extraArgs, clusterInfo, (file) => controlPlane.files.read(file))) {
    return fails("failed to request the cluster-info ConfigMap: Unauthorized");
  }
  const [id = "", secret = ""] = given.token.split(".");
  const token = cluster.kubeadm.tokens.find((one) => one.id === id && one.expires > Date.now());
  if (token === undefined)
    return fails(`could not find a JWS signature in the cluster-info ConfigMap for token ID "${id}"`);
  if (token.secretHash !== hashOf(secret))
    return fails("failed to verify JWS signature of received cluster info object, can't trust this API Server");
  const pinned = given.caCertHashes.map((hash) => hash.toLowerCase());
  if (pinned.length > 0 && !pinned.includes(cluster.kubeadm.publicKeyHash)) {
    return fails(
      `cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${cluster.kubeadm.publicKeyHash}" are pinned`,
    );
  }
  const name = given.apiServerEndpoint.split(":")[0] ?? "";
  const certificate = controlPlane.files.read("/etc/kubernetes/pki/apiserver.crt");
  if (certificate === undefined) return fails(`Get "${url}": EOF`);
  const parsed = new X509Certificate(certificate);
  if ((isIPv4(name) ? parsed.checkIP(name) : parsed.checkHost(name)) === undefined) {
    return fails(
      `Get "${url}": tls: failed to verify certificate: x509: certificate is valid for ${parsed.subjectAltName ?? ""}, not ${name}`,
    );
  }
  return reached;
}

/** The shared certificates: two hours after their upload they are gone. */
function download({ kubeadm }: ClusterRecord, key: string): void {
  const phase = "error: error execution phase control-plane-prepare/download-certs: error downloading certs";
  const uploaded = kubeadm.certificateKey;
  if (uploaded === undefined || uploaded.expires < Date.now()) {
    throw new KubeadmError(
      `${phase}: error downloading the secret: Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired. Please, run \`kubeadm init phase upload-certs --upload-certs\` on a control plane to generate a new one`,
    );
  }
  if (uploaded.hash !== hashOf(key))
    throw new KubeadmError(
      `${phase}: error decoding secret data with provided key: cipher: message authentication failed`,
    );
}

/** A node of the name that is alive elsewhere; a dead one, or this machine's former self, is taken over. */
function refuseLivingNode({ world }: ToolCall, { name }: ClusterRecord, node: string, host: Host): void {
  const there = nodeRecords(world, name).find((one) => one.name === node);
  if (there === undefined || there.address === host.machine.address) return;
  const machine = findMachine(world, there.address);
  if (machine === undefined || !machineAnswers(world, there.address) || !kubeletRuns(Host.open(machine))) return;
  throw new KubeadmError(
    `error: error execution phase kubelet-start: a Node with name "${node}" and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node`,
  );
}

const etcdPhase = "error: error execution phase etcd-join: error creating local etcd static pod manifest file";

/** Waits until no other etcd member is a learner; returns the modelled seconds that this took. */
async function learnersTurn(call: ToolCall, cluster: string): Promise<number> {
  let waited = 0;
  for (;;) {
    const until = clusterRecord(call.world, cluster)?.kubeadm.learnerUntil ?? 0;
    const left = (until - Date.now()) / 1000;
    if (left <= 0) return waited;
    waited += left * speed();
    if (waited > 120) throw new KubeadmError(`${etcdPhase}: etcdserver: too many learner members in cluster`);
    await sleep(left * 1000 + 1);
  }
}

/** Adds an etcd member as a learner. */
function addMember(call: ToolCall, { name }: ClusterRecord, node: string, host: Host): void {
  changeCluster(call.world, name, ({ kubeadm }) => {
    const others = kubeadm.members.filter(({ address }) => address !== host.machine.address);
    const alive = others.filter(({ address }) => etcdRuns(call, address));
    const obstacle = alive.map(({ address }) => etcdObstacle(call, host, address)).find((found) => found !== undefined);
    if (obstacle !== undefined) throw new KubeadmError(`${etcdPhase}: context deadline exceeded (${obstacle})`);
    if (alive.length * 2 <= others.length) {
      throw new KubeadmError(`${etcdPhase}: etcdserver: re-configuration failed due to not enough started members`);
    }
    kubeadm.members = [...others, { id: randomBytes(8).toString("hex"), name: node, address: host.machine.address }];
    kubeadm.learnerUntil = Date.now() + (learnerSeconds * 1000) / speed();
  });
}

/** What keeps two members of etcd from each other: the new one asks to be added (2379), and both replicate (2380). */
function etcdObstacle({ world }: ToolCall, { machine }: Host, other: string): string | undefined {
  return (
    connectionObstacle(world, machine.address, other, 2379) ??
    connectionObstacle(world, machine.address, other, 2380) ??
    connectionObstacle(world, other, machine.address, 2380)
  );
}

/** Whether the etcd member at an address runs. */
export function etcdRuns({ world }: Pick<ToolCall, "world">, address: string): boolean {
  const machine = findMachine(world, address);
  if (machine === undefined || !machineAnswers(world, address)) return false;
  const host = Host.open(machine);
  return kubeletRuns(host) && host.files.exists("/etc/kubernetes/manifests/etcd.yaml");
}
