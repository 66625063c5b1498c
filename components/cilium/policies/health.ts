import { ports } from "../../network/ports.ts";
import { allow } from "./allow.ts";
import { toPorts } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";

const echo = [{ fields: [{ family: "IPv4", type: 8 }] }];

/**
 * Each node's health endpoint, which the agents of all nodes of the mesh ask by HTTP and ICMP
 * (cilium `examples/policies/kubernetes/clusterwide/health.yaml`).
 */
export function health(): PolicyObject[] {
  const nodes = ["host", "remote-node"];
  return [
    allow("health", {
      endpointSelector: { matchLabels: { "reserved:health": "" } },
      ingress: [
        { fromEntities: nodes, toPorts: toPorts(ports.health) },
        { fromEntities: nodes, icmps: echo },
      ],
      egress: [
        { toEntities: nodes, toPorts: toPorts(ports.health) },
        { toEntities: nodes, icmps: echo },
      ],
    }),
  ];
}
