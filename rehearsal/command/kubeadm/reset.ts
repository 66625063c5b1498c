import { reachApi } from "../api.ts";
import { type ClusterRecord, changeCluster, clusterRecords, dropCluster } from "../cluster.ts";
import type { Host } from "../host.ts";
import type { ToolCall } from "../tool.ts";
import type { Done } from "./init.ts";

/** `kubeadm reset --force`: takes a control plane's etcd member away and empties the directories; the node's object stays. */
export function reset(call: ToolCall, host: Host): Done {
  const manifest = host.files.read("/etc/kubernetes/manifests/etcd.yaml");
  const { address } = host.machine;
  const cluster = clusterRecords(call.world).find(({ addresses }) => addresses.includes(address));
  if (manifest !== undefined && cluster !== undefined) leave(call, host, cluster);
  const kubelet = host.state.units.kubelet;
  if (kubelet !== undefined) kubelet.active = false;
  const data = /--data-dir=([^\s"]+)/.exec(manifest ?? "")?.[1] ?? "/var/lib/etcd";
  if (manifest !== undefined) for (const name of host.files.list(data)) host.files.remove(`${data}/${name}`);
  const files = ["admin", "super-admin", "kubelet", "bootstrap-kubelet", "controller-manager", "scheduler"].map(
    (name) => `/etc/kubernetes/${name}.conf`,
  );
  for (const path of [...files, "/etc/kubernetes/pki", "/etc/kubernetes/manifests", "/var/lib/kubelet"])
    host.files.remove(path);
  for (const path of ["/etc/kubernetes/pki", "/etc/kubernetes/manifests", "/var/lib/kubelet"])
    host.files.makeDirectory(path);
  return {
    stdout:
      "[reset] Stopping the kubelet service\n[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki]\n",
    seconds: 15,
  };
}

function leave(call: ToolCall, host: Host, { name, endpoint, kubeadm }: ClusterRecord): void {
  const { address } = host.machine;
  const rest = kubeadm.members.filter((member) => member.address !== address);
  if (rest.length === 0) {
    dropCluster(call.world, name);
    return;
  }
  const reachable = typeof reachApi(host, call.world, endpoint) !== "string";
  changeCluster(call.world, name, (cluster) => {
    cluster.addresses = cluster.addresses.filter((one) => one !== address);
    // Without the API kubeadm warns and leaves a dead member behind.
    if (reachable) cluster.kubeadm.members = rest;
  });
}
