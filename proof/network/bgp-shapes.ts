import { z } from "zod";
import { Cidr } from "../../components/network/cidr.ts";
import { meets } from "../label-condition.ts";
import { type Flaw, type Origin, originOf, type StackResource } from "./model.ts";

/** What the proof reads of Cilium's objects. `spec` is strict where the objects are ours alone: a field that is not listed is not understood. */
const Expression = z.object({
  key: z.string(),
  operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
  values: z.array(z.string()).default([]),
});
export const Selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z.array(Expression).default([]),
});
export type Selector = z.infer<typeof Selector>;

const metadata = z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) });
const apiVersion = z.literal("cilium.io/v2");

export const ClusterConfig = z.object({
  apiVersion,
  metadata,
  spec: z.strictObject({
    nodeSelector: Selector.optional(),
    bgpInstances: z
      .array(
        z.strictObject({
          name: z.string(),
          localASN: z.number(),
          // Without it the agent dials out, which is all that a ToR needs.
          localPort: z.number().optional(),
          peers: z
            .array(
              z.strictObject({
                name: z.string(),
                peerASN: z.number(),
                peerAddress: z.string(),
                peerConfigRef: z.object({ name: z.string() }).optional(),
              }),
            )
            .default([]),
        }),
      )
      .min(1),
  }),
});

export const PeerConfig = z.object({
  apiVersion,
  metadata,
  spec: z.strictObject({
    authSecretRef: z.string().optional(),
    ebgpMultihop: z.number().optional(),
    timers: z
      .strictObject({
        connectRetryTimeSeconds: z.number().optional(),
        holdTimeSeconds: z.number().optional(),
        keepAliveTimeSeconds: z.number().optional(),
      })
      .default({}),
    gracefulRestart: z.strictObject({ enabled: z.boolean(), restartTimeSeconds: z.number().optional() }).optional(),
    families: z
      .array(z.strictObject({ afi: z.string(), safi: z.string(), advertisements: Selector.optional() }))
      .default([]),
  }),
});

export const Advertisement = z.object({
  apiVersion,
  metadata,
  spec: z.strictObject({
    advertisements: z.array(
      z.object({
        // Cluster addresses would need bpf.lbExternalClusterIP, and IP pools are of another IPAM.
        advertisementType: z.enum(["PodCIDR", "Service"]),
        service: z.strictObject({ addresses: z.array(z.literal("LoadBalancerIP")) }).optional(),
        selector: Selector.optional(),
      }),
    ),
  }),
});

export const Pool = z.object({
  apiVersion,
  metadata,
  spec: z.strictObject({
    blocks: z.array(z.strictObject({ cidr: Cidr })),
    allowFirstLastIPs: z.enum(["Yes", "No"]).optional(),
    serviceSelector: Selector.optional(),
    disabled: z.boolean().optional(),
  }),
});

export const Service = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default("default"),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    type: z.string().default("ClusterIP"),
    loadBalancerClass: z.string().optional(),
    selector: z.record(z.string(), z.string()).default({}),
    externalTrafficPolicy: z.string().default("Cluster"),
    ports: z.array(
      z.object({
        port: z.number(),
        targetPort: z.union([z.number(), z.string()]).optional(),
        protocol: z.string().default("TCP"),
      }),
    ),
  }),
});

export const Secret = z.object({
  metadata: z.object({ name: z.string(), namespace: z.literal("kube-system") }),
  // A secret's envelope, or what is in it.
  stringData: z.union([
    z.object({ value: z.record(z.string(), z.string()) }).transform(({ value }) => value),
    z.record(z.string(), z.string()),
  ]),
});

/** Cilium's chart, as far as it makes a Service of its own for the mesh endpoint (templates/clustermesh-apiserver/service.yaml). */
export const Release = z.object({
  values: z.object({
    clustermesh: z
      .object({
        useAPIServer: z.literal(true),
        apiserver: z.object({
          service: z.object({
            type: z.literal("LoadBalancer"),
            labels: z.record(z.string(), z.string()).default({}),
            annotations: z.record(z.string(), z.string()).default({}),
            loadBalancerClass: z.string().optional(),
          }),
        }),
      })
      .optional()
      .catch(undefined),
  }),
});

/** A Kubernetes label selector; an empty one selects everything. */
export function selects(
  { matchLabels, matchExpressions }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => meets(expression, labels[expression.key]))
  );
}

/** An object as far as the proof reads it. */
export interface Read<T> {
  readonly origin: Origin;
  readonly value: T;
}

/** Objects of one kind; whatever cannot be read is reported. */
export function objects<T>(
  resources: readonly StackResource[],
  type: string,
  shape: z.ZodType<T>,
  flaws: Flaw[],
): Read<T>[] {
  return resources.flatMap((resource) => {
    if (resource.type !== type) return [];
    const origin = originOf(resource);
    const parsed = shape.safeParse(resource.inputs);
    if (parsed.success) return [{ origin, value: parsed.data }];
    for (const { path, message } of parsed.error.issues)
      flaws.push({ origin, message: `${path.map(String).join(".") || "its inputs"}: ${message}` });
    return [];
  });
}
