import { labelSelector } from "../../components/cilium/policy-schemas.ts";
import type { Schema } from "../../components/cilium/schema-walker.ts";

const text: Schema = { type: "string" };
const peer: Schema = {
  type: "object",
  properties: {
    podSelector: labelSelector,
    namespaceSelector: labelSelector,
    ipBlock: {
      type: "object",
      required: ["cidr"],
      properties: {
        cidr: { type: "string", format: "cidr" },
        except: { type: "array", items: { type: "string", format: "cidr" } },
      },
    },
  },
};
const ports: Schema = {
  type: "array",
  items: {
    type: "object",
    properties: {
      protocol: { type: "string", enum: ["TCP", "UDP", "SCTP"] },
      port: { intOrString: true },
      endPort: { type: "integer" },
    },
  },
};
const peers: Schema = { type: "array", items: peer };

/** networking.k8s.io/v1 NetworkPolicy, as its API reference has it; unchanged since `endPort` came with Kubernetes 1.25. */
export const networkPolicy: Schema = {
  type: "object",
  required: ["metadata", "spec"],
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: "object", anyFields: true },
    spec: {
      type: "object",
      properties: {
        podSelector: labelSelector,
        policyTypes: { type: "array", maxItems: 2, items: { type: "string", enum: ["Ingress", "Egress"] } },
        ingress: { type: "array", items: { type: "object", properties: { from: peers, ports } } },
        egress: { type: "array", items: { type: "object", properties: { to: peers, ports } } },
      },
    },
    status: { type: "object", anyFields: true },
  },
};
