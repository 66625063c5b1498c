import { allow, allowEach } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { clusterLabel, portList } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * Gateways and Ingresses: Envoy has an identity of its own on each node. Everyone may call it, and it may call pods of any member; which
 * pods let it in is for each of them to say, here by the stack file's list.
 */
export function gatewayIngress({ policies }: PolicySite): PolicyObject[] {
  return [
    allow("ingress", {
      endpointSelector: { matchLabels: { "reserved:ingress": "" } },
      ingress: [{ fromEntities: ["all"] }],
      egress: [{ toEndpoints: [{ matchExpressions: [{ key: clusterLabel, operator: "Exists" }] }] }],
    }),
    ...allowEach("ingress-backend", policies.ingressBackends, (items) => ({
      ingress: items.map(({ ports }) => ({ fromEntities: ["ingress"], toPorts: [{ ports: portList(ports) }] })),
    })),
  ];
}
