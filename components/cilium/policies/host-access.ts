import { allowEach } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { portList } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * What nodes call in pods: the API server its webhooks, any node what it forwards. A kubelet's probes need no rule: the agent always lets a
 * pod's own node in. Each kind of pod is named, since what a node forwards may come from anywhere.
 */
export function hostAccess({ policies, site }: PolicySite): PolicyObject[] {
  // An API server that runs elsewhere is no node.
  const outside = site.platform === "existing" ? ["kube-apiserver"] : [];
  return allowEach("from-nodes", policies.fromNodes, (items) => ({
    ingress: items.map(({ ports }) => ({
      fromEntities: ["host", "remote-node", ...outside],
      toPorts: [{ ports: portList(ports) }],
    })),
  }));
}
