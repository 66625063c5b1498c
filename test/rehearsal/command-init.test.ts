import { beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { Host } from "../../rehearsal/command/host.ts";
import { openKubeconfig } from "../../rehearsal/command/kubeconfig.ts";
import {
  changed,
  cluster,
  documents,
  encryption,
  endpoint,
  first,
  init,
  initial,
  kubelet,
  prepare,
} from "./command-cluster.ts";
import { freshWorld, outcome, theWorld } from "./command-hosts.ts";

freshWorld();
let host: Host;
beforeEach(() => {
  host = prepare(first);
});

describe("kubeadm init", () => {
  it("makes a cluster with certificates that fit, and a node without a pod block", async () => {
    expect(await init()).toMatch(/^0 .*Your Kubernetes control-plane has initialized successfully!/s);
    const object = theWorld().get("kubernetes", "idc");
    expect(object).toMatchObject({
      type: "cluster",
      place: "idc",
      properties: {
        endpoint,
        addresses: [first],
        version: "v1.36.4",
        createdBy: "kubeadm",
        controllerManager: { allocateNodeCidrs: false },
        podSubnet: "10.130.0.0/16",
        serviceSubnet: "172.22.0.0/16",
        proxyDisabled: true,
      },
    });
    expect(openKubeconfig(Host.open(host.machine), "/etc/kubernetes/admin.conf")).toEqual({
      server: `https://${endpoint}`,
      caFingerprint: object?.properties.caFingerprint,
    });
    expect(theWorld().get("kubernetes", "idc/cp-0")?.properties).toMatchObject({
      role: "control-plane",
      address: first,
    });
    expect(await outcome(first, ["kubectl", "get", "node", "cp-0", "-o", "jsonpath={.spec.podCIDR}"])).toBe("0 ");
    expect(host.files.mode("/etc/kubernetes/pki/ca.key")).toBe(0o600);
  });

  it.each<[string, string | RegExp, (() => string) | ((host: Host) => void)]>([
    [
      "an old API",
      /uses an old API spec: "kubeadm.k8s.io\/v1beta3" \(kind: "ClusterConfiguration"\).*lists of "name" and "value"/,
      () =>
        documents(initial(), {
          ...changed(cluster(), "apiServer.extraArgs", { profiling: "false" }),
          apiVersion: "kubeadm.k8s.io/v1beta3",
        }),
    ],
    [
      "extraArgs as a map",
      /cannot unmarshal object into Go struct field ClusterConfiguration.apiServer.extraArgs of type \[\]v1beta4.Arg/,
      () => documents(changed(cluster(), "apiServer.extraArgs", { profiling: "false" })),
    ],
    [
      "a misspelt field",
      'strict decoding error: unknown field "networking.podSubnets"',
      () => documents(changed(cluster(), "networking.podSubnets", "10.0.0.0/16")),
    ],
    [
      "a misspelt field of the kubelet",
      'unknown field "protectKernelDefault"',
      () => documents(cluster(), changed(kubelet(), "protectKernelDefault", true)),
    ],
    [
      "a number as text",
      /cannot unmarshal string into Go struct field KubeletConfiguration.readOnlyPort of type int32/,
      () => documents(cluster(), changed(kubelet(), "readOnlyPort", "0")),
    ],
    [
      "an unknown kind",
      'unknown configuration schema.GroupVersionKind{Group:"kubeadm.k8s.io", Version:"v1beta4", Kind:"Clusterconfiguration"}',
      () => documents({ ...cluster(), kind: "Clusterconfiguration" }),
    ],
    ["a kind twice", 'kind "ClusterConfiguration" is specified twice', () => documents(cluster(), cluster())],
    [
      "a version of another minor",
      "Kubernetes version is greater than kubeadm version",
      () => documents(changed(cluster(), "kubernetesVersion", "v1.37.0")),
    ],
    [
      "a version that is too old",
      "only supports deploying clusters with the control plane version >= 1.35.0",
      () => documents(changed(cluster(), "kubernetesVersion", "v1.33.1")),
    ],
    [
      "a subnet that is none",
      "networking.podSubnet: Invalid value",
      () => documents(changed(cluster(), "networking.podSubnet", "10.130.0.0")),
    ],
    [
      "a short certificate key",
      "invalid certificate key size 2",
      () => documents({ ...initial(), certificateKey: "abcd" }, cluster()),
    ],
    [
      "no IP forwarding",
      "[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1",
      (on) => on.files.write("/proc/sys/net/ipv4/ip_forward", "0\n"),
    ],
    ["swap", "running with swap on is not supported", (on) => Object.assign(on.state, { swap: true })],
    [
      "containerd without CRI",
      "[ERROR CRI]",
      (on) => on.files.write("/etc/containerd/config.toml", 'disabled_plugins = ["cri"]\n'),
    ],
    [
      "data on etcd's disk",
      "[ERROR DirAvailable--var-lib-etcd-data]: /var/lib/etcd/data is not empty",
      (on) => on.files.write("/var/lib/etcd/data/lost+found/x", ""),
    ],
    [
      "a kernel setting that the kubelet minds",
      "invalid kernel flag: kernel/panic, expected value: 10, actual value: 0",
      (on) => on.files.write("/proc/sys/kernel/panic", "0\n"),
    ],
    [
      "a misspelt flag",
      "unknown flag: --audit-log-max-age",
      () => documents(changed(cluster(), "apiServer.extraArgs.0.name", "audit-log-max-age")),
    ],
    [
      "a flag with a wrong value",
      'invalid argument "no" for "--profiling" flag',
      () => documents(changed(cluster(), "apiServer.extraArgs.2.value", "no")),
    ],
    [
      "no audit policy",
      'loading audit policy file: failed to load audit policy from "/etc/kubernetes/own/audit.yaml"',
      (on) => on.files.remove("/etc/kubernetes/own/audit.yaml"),
    ],
    [
      "files that are not mounted",
      "no such file or directory",
      () => documents(changed(cluster(), "apiServer.extraVolumes", [])),
    ],
    [
      "an encryption key of the wrong length",
      "secret is not of the expected length",
      (on) => on.files.write("/etc/kubernetes/own/encryption.yaml", stringify(encryption("c2hvcnQ="))),
    ],
    [
      "a name that nothing resolves",
      "lookup api.idc.example on 127.0.0.53:53: no such host",
      (on) => on.files.write("/etc/hosts", "127.0.0.1 localhost\n"),
    ],
    [
      "a proxy to other machines",
      /error uploading the kubeadm ClusterConfiguration.*EOF/,
      (on) =>
        on.files.write("/etc/haproxy/haproxy.cfg", "listen api\n  bind 127.0.0.1:8443\n  server a 10.30.0.99:6443\n"),
    ],
    [
      "a node address that the machine has not",
      "not found in the host's network interfaces",
      () =>
        documents(
          {
            ...initial(),
            nodeRegistration: { name: "cp-0", kubeletExtraArgs: [{ name: "node-ip", value: "10.9.9.9" }] },
          },
          cluster(),
        ),
    ],
  ])("refuses %s", async (_, expected, change) => {
    const text = change(host);
    host.save();
    const said = await init(typeof text === "string" ? text : undefined);
    expect(said).not.toMatch(/^0 /);
    expect(said).toMatch(typeof expected === "string" ? new RegExp(RegExp.escape(expected)) : expected);
  });

  it("refuses a second time, and goes over it again only when told to ignore what is there", async () => {
    await init();
    const again = await init();
    for (const name of [
      "Port-6443",
      "Port-10250",
      "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml",
      "DirAvailable--var-lib-etcd-data",
    ]) {
      expect(again).toContain(`[ERROR ${name}]`);
    }
    const before = theWorld().get("kubernetes", "idc")?.properties.caFingerprint;
    expect(await init(undefined, "--ignore-preflight-errors=all")).toMatch(/^0 /);
    expect(theWorld().get("kubernetes", "idc")?.properties.caFingerprint).toBe(before);
  });

  it("refuses flags that it does not know or that contradict the file", async () => {
    expect(await init(undefined, "--upload-cert")).toContain("unknown flag: --upload-cert");
    expect(await init(undefined, "--pod-network-cidr=10.0.0.0/16")).toContain(
      "can not mix '--config' with arguments [pod-network-cidr]",
    );
  });
});
