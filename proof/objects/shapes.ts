import type { Schema } from "../../components/cilium/schema-walker.ts";

/** Small schemas of Kubernetes' own objects, as far as a wrong value is certainly refused or dropped. */

export const text: Schema = { type: "string" };
export const flag: Schema = { type: "boolean" };
export const whole: Schema = { type: "integer" };
/** Anything: not looked into. */
export const anything: Schema = {};
export const port: Schema = { type: "integer", minimum: 1, maximum: 65_535 };
export const portOrName: Schema = { intOrString: true };
export const filled: Schema = { type: "string", minLength: 1 };

export function oneOf(...allowed: readonly unknown[]): Schema {
  return { enum: allowed };
}

export function listOf(items: Schema, limits: { readonly minItems?: number; readonly maxItems?: number } = {}): Schema {
  return { type: "array", items, ...limits };
}

/** A mapping of these fields and no others; names that end in `!` must be there. */
export function fields(properties: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(properties).filter((name) => name.endsWith("!"));
  return {
    type: "object",
    required: required.map((name) => name.slice(0, -1)),
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name.replace(/!$/, ""), schema]),
    ),
  };
}

export const selector: Schema = fields({
  matchLabels: { type: "object", additionalProperties: text },
  matchExpressions: listOf(
    fields({
      "key!": text,
      "operator!": oneOf("In", "NotIn", "Exists", "DoesNotExist"),
      values: listOf(text),
    }),
  ),
});

/** A whole object; the metadata is judged elsewhere. */
export function object(spec: Schema): Schema {
  return fields({ apiVersion: text, kind: text, metadata: anything, spec, status: anything });
}

/** core/v1 Service (Kubernetes 1.33 to 1.37). */
export const service: Schema = object(
  fields({
    allocateLoadBalancerNodePorts: flag,
    clusterIP: text,
    clusterIPs: listOf(text),
    externalIPs: listOf(text),
    externalName: text,
    externalTrafficPolicy: oneOf("Cluster", "Local", ""),
    healthCheckNodePort: whole,
    internalTrafficPolicy: oneOf("Cluster", "Local"),
    ipFamilies: listOf(oneOf("IPv4", "IPv6"), { maxItems: 2 }),
    ipFamilyPolicy: oneOf("SingleStack", "PreferDualStack", "RequireDualStack"),
    loadBalancerClass: text,
    loadBalancerIP: text,
    loadBalancerSourceRanges: listOf(text),
    ports: listOf(
      fields({
        appProtocol: text,
        name: text,
        nodePort: { type: "integer", minimum: 0, maximum: 65_535 },
        "port!": port,
        protocol: oneOf("TCP", "UDP", "SCTP"),
        targetPort: portOrName,
      }),
    ),
    publishNotReadyAddresses: flag,
    selector: { type: "object", additionalProperties: text },
    sessionAffinity: oneOf("ClientIP", "None"),
    sessionAffinityConfig: fields({ clientIP: fields({ timeoutSeconds: whole }) }),
    trafficDistribution: text,
    type: oneOf("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
  }),
);

const backend = fields({
  service: fields({ "name!": text, port: fields({ name: text, number: whole }) }),
  resource: anything,
});
/** networking.k8s.io/v1 Ingress (Kubernetes 1.33 to 1.37). */
export const ingress: Schema = object(
  fields({
    ingressClassName: text,
    defaultBackend: backend,
    tls: listOf(fields({ hosts: listOf(text), secretName: text })),
    rules: listOf(
      fields({
        host: text,
        http: fields({
          "paths!": listOf(
            fields({
              path: text,
              "pathType!": oneOf("Exact", "Prefix", "ImplementationSpecific"),
              "backend!": backend,
            }),
          ),
        }),
      }),
    ),
  }),
);
