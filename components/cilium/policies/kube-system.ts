import { ports } from "../../network/ports.ts";
import { allow, allowEach } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { namespaceLabel, pods, toPorts } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { apiServerPort, systemPodPorts, systemPods } from "./system-pods.ts";

/** Controllers call the Kubernetes API: those of kube-system all do, others are named in the stack file. */
export function kubeSystem({ policies, site }: PolicySite): PolicyObject[] {
  const api = [{ toEntities: ["kube-apiserver"], toPorts: toPorts(apiServerPort(site)) }];
  return [
    allow("kube-system", { endpointSelector: { matchLabels: { [namespaceLabel]: "kube-system" } }, egress: api }),
    ...allowEach("api-client", policies.apiClients, () => ({ egress: api })),
    allow("metrics-server", {
      endpointSelector: pods(systemPods.metricsServer),
      // The API server asks it for its part of the API.
      ingress: [{ fromEntities: ["kube-apiserver"], toPorts: toPorts(systemPodPorts.metricsServer) }],
      egress: [{ toEntities: ["host", "remote-node"], toPorts: toPorts(ports.kubelet) }],
    }),
  ];
}
