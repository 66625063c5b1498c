import { stringify } from "yaml";
import { Host } from "../../rehearsal/command/host.ts";
import { findMachine } from "../../rehearsal/command/machine.ts";
import { bootedHost, outcome, ownMachine, theWorld } from "./command-hosts.ts";

export const [first, second, worker] = ["10.30.0.16", "10.30.0.17", "10.30.0.32"] as const;
export const endpoint = "api.idc.example:8443";
export type Document = Record<string, unknown>;

const audit = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
export const encryption = (secret: string) => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "EncryptionConfiguration",
  resources: [
    { resources: ["secrets"], providers: [{ secretbox: { keys: [{ name: "a", secret }] } }, { identity: {} }] },
  ],
});
const key = Buffer.alloc(32, 1).toString("base64");
const kernel = { "vm/overcommit_memory": 1, "kernel/panic": 10, "kernel/panic_on_oops": 1, "net/ipv4/ip_forward": 1 };

/** A machine as a preparation script leaves it: packages, kernel settings, a proxy to the API servers, the API server's files. */
export function prepare(address: string): Host {
  ownMachine(address);
  const host = bootedHost(address);
  const { packages, units } = host.state;
  Object.assign(packages, {
    kubelet: "1.36.4-1.1",
    kubeadm: "1.36.4-1.1",
    kubectl: "1.36.4-1.1",
    "containerd.io": "2.3.2-1~ubuntu.24.04~noble",
    haproxy: "2.8.15",
  });
  for (const name of ["containerd", "haproxy"]) units[name] = { enabled: true, active: true, masked: false };
  units.kubelet = { enabled: true, active: false, masked: false };
  host.files.write("/etc/containerd/config.toml", "version = 3\n");
  for (const [name, value] of Object.entries(kernel)) host.files.write(`/proc/sys/${name}`, `${value}\n`);
  host.files.append("/etc/hosts", `127.0.0.1 api.idc.example\n`);
  const servers = [first, second].map((one) => `  server s${one} ${one}:6443\n`).join("");
  host.files.write(
    "/etc/haproxy/haproxy.cfg",
    `frontend api\n  bind 127.0.0.1:8443\n  default_backend cp\nbackend cp\n${servers}`,
  );
  host.files.write("/etc/kubernetes/own/audit.yaml", stringify(audit));
  host.files.write("/etc/kubernetes/own/encryption.yaml", stringify(encryption(key)), 0o600);
  host.save();
  return host;
}

export const cluster = (): Document => ({
  apiVersion: "kubeadm.k8s.io/v1beta4",
  kind: "ClusterConfiguration",
  clusterName: "idc",
  kubernetesVersion: "v1.36.4",
  controlPlaneEndpoint: endpoint,
  networking: { podSubnet: "10.130.0.0/16", serviceSubnet: "172.22.0.0/16" },
  proxy: { disabled: true },
  apiServer: {
    certSANs: ["api.idc.example"],
    extraArgs: [
      { name: "audit-policy-file", value: "/etc/kubernetes/own/audit.yaml" },
      { name: "encryption-provider-config", value: "/etc/kubernetes/own/encryption.yaml" },
      { name: "profiling", value: "false" },
    ],
    extraVolumes: [{ name: "own", hostPath: "/etc/kubernetes/own", mountPath: "/etc/kubernetes/own", readOnly: true }],
  },
  controllerManager: { extraArgs: [{ name: "allocate-node-cidrs", value: "false" }] },
  etcd: { local: { dataDir: "/var/lib/etcd/data" } },
});
export const kubelet = (): Document => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  protectKernelDefaults: true,
  serverTLSBootstrap: true,
});
export const initial = (): Document => ({
  apiVersion: "kubeadm.k8s.io/v1beta4",
  kind: "InitConfiguration",
  nodeRegistration: { name: "cp-0" },
});

export function documents(...all: Document[]): string {
  return all.map((one) => stringify(one)).join("---\n");
}

/** The document with the value at `path` replaced; `undefined` removes it. */
export function changed(document: Document, path: string, value: unknown): Document {
  const copy: Document = structuredClone(document);
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  let at: unknown = copy;
  for (const step of steps) at = Reflect.get(Object(at), step);
  Reflect.set(Object(at), last, value);
  return copy;
}

/** Where the tests put kubeadm's configuration. */
export const config = "/root/kubeadm.yaml";

/** The host at an address as it is now. */
export function hostAt(address: string): Host {
  const machine = findMachine(theWorld(), address);
  if (machine === undefined) throw new Error(`no machine ${address}`);
  return Host.open(machine);
}

/** Runs `kubeadm init` on the first machine; gives status and output. */
export async function init(text = documents(initial(), cluster(), kubelet()), ...flags: string[]): Promise<string> {
  hostAt(first).files.write(config, text);
  return outcome(first, ["kubeadm", "init", "--config", config, ...flags]);
}
