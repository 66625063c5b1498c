import { apiServerDirectory } from "../../kubernetes/api-server-files.ts";
import { etcdDataDirectory } from "../../kubernetes/kubeadm.ts";
import type { Slot } from "../../network/plan.ts";
import { exclusive, script, strict } from "./bash.ts";
import { joinedMarker } from "./paths.ts";

/** Where kubeadm's configuration lies while it is needed; /run is memory. */
const work = "/run/gyeongbu";

/** A file for the machine that runs the join step. */
export interface StepFile {
  readonly path: string;
  readonly content: string;
}

/** kubeadm's document: of `init` for a cluster that does not exist yet, of `join` for one that does. */
export function kubeadmFile(command: "init" | "join", content: string): StepFile {
  return { path: `${work}/${command}.yaml`, content };
}

/** What the join script reads on stdin: a line per file, path and base64. Secret. */
export function joinInput(files: readonly StepFile[]): string {
  return files.map(({ path, content }) => `${path} ${Buffer.from(content).toString("base64")}\n`).join("");
}

/**
 * Makes the machine a node, with the files on stdin. A node that has joined only gets the files: the API server reads the encryption keys and
 * who may be anonymous again by itself, the rest when it starts next.
 */
export function renderJoinScript({ role }: Slot): string {
  return script(
    strict,
    exclusive,
    `umask 077
rm -rf ${work}
mkdir -p ${work}${role === "control-plane" ? ` ${apiServerDirectory}` : ""}
trap 'rm -rf ${work}' EXIT
while read -r path content; do
  base64 -d <<<"$content" >"$path.new"
  mv "$path.new" "$path"
done
[[ ! -e ${joinedMarker} ]] || exit 0`,
    role === "control-plane" ? foundOrJoin : join(""),
    `touch ${joinedMarker}`,
  );
}

/** Whatever an attempt that broke off left behind goes first. */
const join = (clean: string) => `if [[ -e /etc/kubernetes/pki/ca.crt ]]; then
  logged kubeadm reset --force
fi
${clean}logged kubeadm join --config ${work}/join.yaml`;

/** Checks that fail over work that an earlier attempt of ours has done; `kubeadm init` goes over it again and destroys nothing. */
const ownTraces = [
  ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"].map(
    (name) => `FileAvailable--etc-kubernetes-manifests-${name}.yaml`,
  ),
  ...[6443, 10259, 10257, 10250, 2379, 2380].map((port) => `Port-${port}`),
  `DirAvailable-${etcdDataDirectory.replaceAll("/", "-")}`,
];

/**
 * Only a control plane whose ticket says that there is no cluster founds one. Data on etcd's disk that this machine did not write is then
 * somebody's cluster, and stays; with a ticket it is that of a member which was evicted.
 */
const foundOrJoin = `if [[ -e ${work}/init.yaml ]]; then
  again=()
  if [[ -e /etc/kubernetes/manifests/etcd.yaml ]]; then
    again=("--ignore-preflight-errors=${ownTraces.join(",")}")
  elif [[ -n $(ls -A ${etcdDataDirectory} 2>/dev/null) ]]; then
    refuse GB-750 "etcd's disk holds a cluster, and no other control plane knows it. Restore from it, or remove ${etcdDataDirectory} on $(hostname) to begin anew."
  fi
  logged kubeadm init --config ${work}/init.yaml --skip-token-print --skip-certificate-key-print "\${again[@]}"
else
${join(`rm -rf ${etcdDataDirectory}\n`)
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
fi`;

/**
 * Leaves a machine that stays (on-prem) as it was before it joined, packages apart. For a machine that goes there is nothing to do.
 * Cilium's programs and devices are removed as far as they can be while it runs; a reboot removes the rest.
 */
export function renderReset(): string {
  return script(
    strict,
    exclusive,
    `if command -v kubeadm >/dev/null; then
  logged kubeadm reset --force
fi
systemctl disable -q --now kubelet || true
for device in cilium_host cilium_wg0 cilium_vxlan cilium_geneve; do
  ip link delete "$device" 2>/dev/null || true
done
rm -rf ${joinedMarker} ${apiServerDirectory} ${etcdDataDirectory} /etc/cni/net.d /run/cilium /var/run/cilium /sys/fs/bpf/cilium`,
  );
}
