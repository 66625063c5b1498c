import { stringify } from "yaml";
import type { ClusterRecord, SigningRequest } from "../cluster.ts";
import type { Host } from "../host.ts";
import type { ClusterConfiguration } from "./config.ts";
import { makeRequest } from "./der.ts";
import { issue, kubeconfig, makeAuthority, type Pair, publicPem } from "./pki.ts";

const pki = "/etc/kubernetes/pki";
/** What the control planes of a cluster share, and kubeadm's certificate key protects. */
const shared = ["ca", "front-proxy-ca", "etcd/ca"] as const;

/** Makes the shared authorities, or keeps those that are there. */
export function ensureAuthorities(host: Host): void {
  const names = { ca: "kubernetes", "front-proxy-ca": "front-proxy-ca", "etcd/ca": "etcd-ca" };
  for (const name of shared) {
    if (!host.files.exists(`${pki}/${name}.key`)) writePair(host, name, makeAuthority(names[name]));
  }
  if (host.files.exists(`${pki}/sa.key`)) return;
  const signer = makeAuthority("sa");
  host.files.write(`${pki}/sa.key`, signer.key, 0o600);
  host.files.write(`${pki}/sa.pub`, publicPem(signer.key));
}

/** Copies the shared authorities to a control plane that joins. */
export function copyAuthorities(from: Host, to: Host): void {
  for (const file of [...shared.flatMap((name) => [`${name}.crt`, `${name}.key`]), "sa.key", "sa.pub"]) {
    to.files.write(`${pki}/${file}`, from.files.read(`${pki}/${file}`) ?? "", file.endsWith(".key") ? 0o600 : 0o644);
  }
}

export function authority(host: Host): string {
  return host.files.read(`${pki}/ca.crt`) ?? "";
}

function readPair(host: Host, name: string): Pair {
  return { certificate: host.files.read(`${pki}/${name}.crt`) ?? "", key: host.files.read(`${pki}/${name}.key`) ?? "" };
}

function writePair(host: Host, name: string, { certificate, key }: Pair): void {
  host.files.write(`${pki}/${name}.crt`, certificate);
  host.files.write(`${pki}/${name}.key`, key, 0o600);
}

/** The certificates and kubeconfigs of a control plane. */
export function writeControlPlaneFiles(host: Host, config: ClusterConfiguration, node: string, bindPort: number): void {
  const { address } = host.machine;
  const ca = readPair(host, "ca");
  const etcd = readPair(host, "etcd/ca");
  const endpointHost = config.controlPlaneEndpoint.split(":")[0] ?? "";
  const names = new Set([
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${config.networking.dnsDomain}`,
    node,
    endpointHost,
    address,
    ...config.apiServer.certSANs,
  ]);
  names.delete("");
  writePair(host, "apiserver", issue(ca, { commonName: "kube-apiserver", names: [...names] }));
  writePair(
    host,
    "apiserver-kubelet-client",
    issue(ca, { commonName: "kube-apiserver-kubelet-client", organization: "kubeadm:cluster-admins" }),
  );
  writePair(host, "front-proxy-client", issue(readPair(host, "front-proxy-ca"), { commonName: "front-proxy-client" }));
  for (const name of ["server", "peer"])
    writePair(
      host,
      `etcd/${name}`,
      issue(etcd, { commonName: node, names: ["localhost", "127.0.0.1", address, node] }),
    );
  writePair(host, "etcd/healthcheck-client", issue(etcd, { commonName: "kube-etcd-healthcheck-client" }));
  writePair(host, "apiserver-etcd-client", issue(etcd, { commonName: "kube-apiserver-etcd-client" }));
  const local = `https://${address}:${bindPort}`;
  const remote =
    config.controlPlaneEndpoint === "" ? local : `https://${withPort(config.controlPlaneEndpoint, bindPort)}`;
  const write = (file: string, server: string, commonName: string, organization?: string): void => {
    const pair = issue(ca, { commonName, ...(organization === undefined ? {} : { organization }) });
    host.files.write(
      `/etc/kubernetes/${file}`,
      kubeconfig(config.clusterName, server, ca.certificate, commonName, pair),
      0o600,
    );
  };
  write("admin.conf", remote, "kubernetes-admin", "kubeadm:cluster-admins");
  write("super-admin.conf", remote, "kubernetes-super-admin", "system:masters");
  write("controller-manager.conf", local, "system:kube-controller-manager");
  write("scheduler.conf", local, "system:kube-scheduler");
  write("kubelet.conf", local, `system:node:${node}`, "system:nodes");
}

/** `host:port`, with the port of the API server where none is given. */
export function withPort(endpoint: string, bindPort: number): string {
  return endpoint.includes(":") ? endpoint : `${endpoint}:${bindPort}`;
}

/** The kubeconfig of a worker's kubelet, with a certificate that a control plane signed. */
export function writeWorkerFiles(
  host: Host,
  controlPlane: Host,
  { name, endpoint }: ClusterRecord,
  node: string,
): void {
  const ca = readPair(controlPlane, "ca");
  host.files.write(`${pki}/ca.crt`, ca.certificate);
  const pair = issue(ca, { commonName: `system:node:${node}`, organization: "system:nodes" });
  host.files.write(
    "/etc/kubernetes/kubelet.conf",
    kubeconfig(name, `https://${endpoint}`, ca.certificate, `system:node:${node}`, pair),
    0o600,
  );
}

/** Starts the kubelet with its configuration. */
export function startKubelet(
  host: Host,
  config: Readonly<Record<string, unknown>>,
  extraArgs: readonly { name: string; value: string }[],
): void {
  const document = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    staticPodPath: "/etc/kubernetes/manifests",
    ...config,
  };
  host.files.write("/var/lib/kubelet/config.yaml", stringify(document));
  host.files.write(
    "/var/lib/kubelet/kubeadm-flags.env",
    `KUBELET_KUBEADM_ARGS="${extraArgs.map(({ name, value }) => `--${name}=${value}`).join(" ")}"\n`,
  );
  host.state.units.kubelet = { enabled: host.state.units.kubelet?.enabled ?? false, active: true, masked: false };
}

/** The request for a serving certificate that a kubelet with `serverTLSBootstrap` sends. */
export function servingRequest(node: string, address: string): SigningRequest {
  const user = `system:node:${node}`;
  const request = makeRequest({ commonName: user, organization: "system:nodes", names: [node, address] });
  const name = `csr-${Math.random().toString(36).slice(2, 7).padEnd(5, "x")}`;
  return { name, user, request: Buffer.from(request).toString("base64"), approved: false };
}
