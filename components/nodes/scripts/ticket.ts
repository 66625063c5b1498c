import type { Slot } from "../../network/plan.ts";
import { ports } from "../../network/ports.ts";
import { quote, script, strict } from "./bash.ts";
import { joinedMarker } from "./paths.ts";

export interface TicketArgs {
  /** For whom. The script runs on another node, a control plane. */
  readonly slot: Slot;
  /** Of the machine that will join; on the node it tells this machine from one that had the slot before. */
  readonly machineId: string;
  /** Whether there may be no cluster yet: true for the first control plane's own ticket. */
  readonly mayFound: boolean;
}

/** Annotation with the machine that a node was registered for. */
export const machineAnnotation = "gyeongbu.io/machine";

/**
 * Prints a ticket for one node: a token and the CA's hash, and for a control plane the key of freshly uploaded certificates. `none` when
 * this control plane belongs to no cluster yet, which only the first control plane's ticket may say.
 *
 * Whatever an earlier machine of the slot left in the cluster goes first: a dead etcd member counts against the quorum.
 */
export function renderTicket({ slot, machineId, mayFound }: TicketArgs): string {
  return script(
    strict,
    mayFound
      ? `if [[ ! -e ${joinedMarker} ]]; then
  echo none
  exit 0
fi`
      : `[[ -e ${joinedMarker} ]] || refuse GB-740 "this control plane has not joined the cluster itself, so it can give no ticket. Run pulumi up again."`,
    api,
    `reachable || refuse GB-741 "the Kubernetes API does not answer on $(hostname). See crictl ps and journalctl -u kubelet there."`,
    evict(slot),
    `node=${quote(slot.name)}
known=$(kubectl get node "$node" --ignore-not-found -o name)
machine=$(kubectl get node "$node" --ignore-not-found -o jsonpath='{.metadata.annotations.${machineAnnotation.replaceAll(".", "\\.")}}')
# A node without the annotation has joined and was not registered yet: that is this machine.
if [[ -z $known || (-n $machine && $machine != ${quote(machineId)}) ]]; then
  evict
fi`,
    // Two hours are the life of uploaded certificates too (kubeadm, phases/copycerts). Secrets are printed last, so that no error shows them.
    `hash=$(openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)
token=$(kubeadm token create --ttl 2h --description ${quote(`join of ${slot.name}`)})`,
    slot.role === "control-plane"
      ? `# Without a version it would ask the Internet for one.
key=$(kubeadm init phase upload-certs --upload-certs --config /dev/stdin <<EOF | grep -xE '[0-9a-f]{64}'
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $(kubeadm version -o short)
EOF
)
printf 'token %s\\nca-hash sha256:%s\\ncertificate-key %s\\n' "$token" "$hash" "$key"`
      : `printf 'token %s\\nca-hash sha256:%s\\n' "$token" "$hash"`,
  );
}

/**
 * Takes a node out of the cluster, from a control plane: its object and, for a control plane, its etcd member. Does nothing where there is no
 * cluster, or none that answers: whoever destroys a site must not wait for it.
 */
export function renderEvict(slot: Slot): string {
  return script(
    strict,
    `[[ -e ${joinedMarker} ]] || exit 0`,
    api,
    `if ! reachable; then
  echo "GB-742: the Kubernetes API does not answer, so ${slot.name} stays in it. The next machine of the slot removes it." >&2
  exit 0
fi`,
    evict(slot),
    "evict",
  );
}

/** `reachable` waits a minute: an API server that restarts is back by then. */
const api = `export KUBECONFIG=/etc/kubernetes/admin.conf
reachable() {
  local left
  for left in {11..0}; do
    kubectl --request-timeout=5s get --raw /readyz >/dev/null 2>&1 && return 0
    [[ $left -eq 0 ]] || sleep 5
  done
  return 1
}`;

function evict({ name, address, role }: Slot): string {
  const peer = `https://${address}:${ports.etcd[1]}`;
  const node = `kubectl delete node ${quote(name)} --ignore-not-found --timeout=60s >/dev/null`;
  if (role === "worker") return `evict() {\n  ${node}\n}`;
  return `evict() {
  local container member
  container=$(crictl ps -q --name '^etcd$')
  etcd() {
    crictl exec "\${container%%$'\\n'*}" etcdctl --endpoints=https://127.0.0.1:${ports.etcd[0]} \\
      --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key "$@"
  }
  # A member that has not started has no name yet, so the address tells.
  member=$(etcd member list -w simple | awk -F ', ' -v peer=${quote(peer)} '$4 == peer { print $1 }')
  [[ -z $member ]] || etcd member remove "$member" >/dev/null
  ${node}
}`;
}
