import { addressLabel } from "../../kubernetes/node-labels.ts";
import { file } from "./bash.ts";
import { approveCommand } from "./paths.ts";

const escapedLabel = addressLabel.replaceAll(".", "\\.");

/**
 * Kubernetes approves no serving certificate of a kubelet by itself, and without one there are no logs, no exec and no metrics. This
 * approves a request when it comes from a node, asks for that node's name and for the address that an administrator wrote on it, and for
 * nothing else. It runs at registration, and hourly for renewals (a certificate lives a year, kube-controller-manager's default).
 */
const approver = `#!/bin/bash
# Approves serving certificates that kubelets ask for, each for its own name and address only.
set -euo pipefail
export KUBECONFIG=/etc/kubernetes/admin.conf
[[ -f $KUBECONFIG ]] || exit 0
kubectl get certificatesigningrequests --field-selector spec.signerName=kubernetes.io/kubelet-serving \\
  -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.spec.username}{" "}{.spec.request}{" "}{.status.conditions[*].type}{"\\n"}{end}' |
  while read -r name user request conditions; do
    [[ -z $conditions && $user == system:node:* ]] || continue
    node=\${user#system:node:}
    address=$(kubectl get node "$node" --ignore-not-found -o jsonpath='{.metadata.labels.${escapedLabel}}')
    [[ -n $address ]] || continue
    asked=$(base64 -d <<<"$request" | openssl req -noout -text | grep -A1 'Subject Alternative Name' | tail -n 1 | tr -d ' ')
    if [[ $asked == "DNS:$node,IPAddress:$address" ]]; then
      kubectl certificate approve "$name"
    else
      echo "$name of $node asks for $asked: not approved" >&2
    fi
  done`;

const service = `[Unit]
Description=Approve serving certificates of kubelets

[Service]
Type=oneshot
ExecStart=${approveCommand}`;

const timer = `[Unit]
Description=Approve serving certificates of kubelets, hourly

[Timer]
OnCalendar=hourly
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target`;

/** Installs the approver and its timer; for control planes. */
export const approveServing = `${file(approveCommand, approver, { mode: "0755" })}
${file("/etc/systemd/system/gyeongbu-approve-serving.service", service, { onChange: "systemctl daemon-reload" })}
${file("/etc/systemd/system/gyeongbu-approve-serving.timer", timer, { onChange: "systemctl daemon-reload" })}
logged systemctl enable --now gyeongbu-approve-serving.timer`;
