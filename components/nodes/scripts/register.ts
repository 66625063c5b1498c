import type { Slot } from "../../network/plan.ts";
import { ports } from "../../network/ports.ts";
import { quote, script, strict } from "./bash.ts";
import { approveCommand } from "./paths.ts";
import { machineAnnotation } from "./ticket.ts";

export interface RegisterArgs {
  readonly slot: Slot;
  readonly machineId: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Annotation with the names of the labels that we set, so that one that leaves the stack file leaves the node. */
const labelsAnnotation = "gyeongbu.io/labels";
const jsonPath = (annotation: string) => `{.metadata.annotations.${annotation.replaceAll(".", "\\.")}}`;

/**
 * Gives a node that has joined its pod block, its labels and its serving certificate; runs on a control plane. Cilium waits for the block.
 */
export function renderRegister({ slot, machineId, labels }: RegisterArgs): string {
  const pairs = Object.entries(labels).map(([key, value]) => quote(`${key}=${value}`));
  const keys = Object.keys(labels).join(",");
  return script(
    strict,
    `export KUBECONFIG=/etc/kubernetes/admin.conf
node=${quote(slot.name)}
for _ in $(seq 60); do
  kubectl get node "$node" >/dev/null 2>&1 && break
  sleep 5
done
kubectl get node "$node" >/dev/null || refuse GB-760 "$node did not appear in the cluster within five minutes. See journalctl -u kubelet on it."
block=$(kubectl get node "$node" -o jsonpath='{.spec.podCIDR}')
if [[ -z $block ]]; then
  kubectl patch node "$node" --type=merge -p '{"spec":{"podCIDR":"${slot.podCidr}","podCIDRs":["${slot.podCidr}"]}}' >/dev/null
elif [[ $block != ${quote(slot.podCidr)} ]]; then
  refuse GB-761 "$node has pod block $block, its slot ${slot.podCidr}, and a block cannot be changed. Replace the machine."
fi
for key in $(kubectl get node "$node" -o jsonpath='${jsonPath(labelsAnnotation)}' | tr ',' ' '); do
  [[ ,${keys}, == *",$key,"* ]] || kubectl label node "$node" "$key-" >/dev/null
done
kubectl label node "$node" --overwrite ${pairs.join(" ")} >/dev/null
kubectl annotate node "$node" --overwrite ${quote(`${labelsAnnotation}=${keys}`)} >/dev/null`,
    // Through the API to the kubelet and back: only then are there logs, exec and metrics.
    `[[ $(kubectl get node "$node" -o jsonpath='${jsonPath(machineAnnotation)}') != ${quote(machineId)} ]] || exit 0
for _ in $(seq 60); do
  ${approveCommand} >/dev/null
  if kubectl --request-timeout=10s get --raw "/api/v1/nodes/$node/proxy/healthz" >/dev/null 2>&1; then
    kubectl annotate node "$node" --overwrite ${quote(`${machineAnnotation}=${machineId}`)} >/dev/null
    exit 0
  fi
  sleep 5
done
refuse GB-762 "the API server does not reach the kubelet of $node on port ${ports.kubelet} within five minutes. See kubectl get csr, and the firewall between them."`,
  );
}

/**
 * Moves the pods of a node elsewhere, as far as two minutes allow: a disruption budget that cannot be met (the whole site is going) must not
 * hold it.
 */
export function renderDrain(slot: Slot): string {
  return script(
    strict,
    `export KUBECONFIG=/etc/kubernetes/admin.conf
[[ -f $KUBECONFIG ]] || exit 0
kubectl --request-timeout=10s get node ${quote(slot.name)} >/dev/null 2>&1 || exit 0
kubectl drain ${quote(slot.name)} --ignore-daemonsets --delete-emptydir-data --force --timeout=120s >/dev/null 2>&1 ||
  echo "GB-763: not every pod left ${slot.name} within two minutes." >&2`,
  );
}
