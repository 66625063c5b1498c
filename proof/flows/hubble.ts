import { z } from "zod";
import { isRecord } from "../../components/config/untyped.ts";

/**
 * Lines of Hubble's flow files, as far as policies care: what `hubble observe -o jsonpb` prints, what its older `-o json` printed (a bare flow)
 * and what the agents' exporter writes. The shape is protobuf's JSON of `api/v1/flow/flow.proto` and `api/v1/observer/observer.proto` with their
 * own field names; fields that are nothing (0, "", false) are left out, numbers of 64 bits are texts, enumerations are names or, where the writer
 * did not know one, numbers. Unknown fields are ignored: every minor adds some, and a field mask may leave any out.
 */

const Name = z.union([z.string(), z.number()]);
const Count = z.coerce.number().int().min(0);

const Endpoint = z.object({
  /** Cilium's numeric identity; below 256 reserved (`pkg/identity/numericidentity.go`). */
  identity: z.number().int().min(0).optional(),
  cluster_name: z.string().optional(),
  namespace: z.string().optional(),
  /** `source:key=value`. */
  labels: z.array(z.string()).optional(),
  pod_name: z.string().optional(),
  /** What made the pod; of pods on the agent's own node only. */
  workloads: z.array(z.object({ name: z.string().optional(), kind: z.string().optional() })).optional(),
});
export type HubbleEndpoint = z.infer<typeof Endpoint>;

const Port = z.number().int().min(0).max(65_535);
const Ports = z.object({
  source_port: Port.optional(),
  destination_port: Port.optional(),
  flags: z.object({ SYN: z.boolean().optional(), ACK: z.boolean().optional() }).optional(),
});
const Typed = z.object({ type: z.number().int().min(0).max(255).optional() });

const Layer7 = z.object({
  type: Name.optional(),
  http: z
    .object({
      method: z.string().optional(),
      url: z.string().optional(),
      headers: z.array(z.object({ key: z.string().optional(), value: z.string().optional() })).optional(),
    })
    .optional(),
  dns: z.object({ query: z.string().optional() }).optional(),
});

const Flow = z.object({
  time: z.string().optional(),
  verdict: Name.optional(),
  /** Number of the reason; older than `drop_reason_desc`. */
  drop_reason: z.number().optional(),
  drop_reason_desc: Name.optional(),
  IP: z.object({ source: z.string().optional(), destination: z.string().optional() }).optional(),
  l4: z
    .object({
      TCP: Ports.optional(),
      UDP: Ports.optional(),
      SCTP: Ports.optional(),
      ICMPv4: Typed.optional(),
      ICMPv6: Typed.optional(),
    })
    .optional(),
  source: Endpoint.optional(),
  destination: Endpoint.optional(),
  Type: Name.optional(),
  node_name: z.string().optional(),
  /** `key=value` each. */
  node_labels: z.array(z.string()).optional(),
  source_names: z.array(z.string()).optional(),
  destination_names: z.array(z.string()).optional(),
  l7: Layer7.optional(),
  /** Older than `is_reply`, and only ever true. */
  reply: z.boolean().optional(),
  event_type: z.object({ type: z.number().optional(), sub_type: z.number().optional() }).optional(),
  destination_service: z.object({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  traffic_direction: Name.optional(),
  trace_reason: Name.optional(),
  trace_observation_point: Name.optional(),
  is_reply: z.boolean().nullish(),
  /** Cilium 1.20: one line for many flows. */
  aggregate: z
    .object({
      ingress_flow_count: z.number().optional(),
      egress_flow_count: z.number().optional(),
      unknown_direction_flow_count: z.number().optional(),
    })
    .optional(),
});
export type HubbleFlow = z.infer<typeof Flow>;

const Wrapped = z.object({
  flow: Flow.optional(),
  lost_events: z.object({ num_events_lost: Count.optional() }).optional(),
});
/** Beside a flow: what `hubble observe` and the exporter write about nodes, agents and debugging. */
const otherKeys = ["node_status", "agent_event", "debug_event"];
const flowKeys = ["verdict", "IP", "l4", "source", "destination"];

/** What a line holds; `lost` counts events that Hubble itself did not see. */
export type HubbleLine =
  | { readonly kind: "flow"; readonly flow: HubbleFlow }
  /** What answers another flow, about which policies are not asked. */
  | { readonly kind: "reply" }
  | { readonly kind: "lost"; readonly events: number }
  | { readonly kind: "other" }
  | { readonly kind: "broken"; readonly problem: string };

/** Half of all lines: told apart without reading them, since inside of a value the quotes would be escaped. */
const replyMark = '"is_reply":true';

/** Reads one line that is not empty. Never throws. */
export function readLine(text: string): HubbleLine {
  if (text.includes(replyMark) && text.endsWith("}")) return { kind: "reply" };
  const value = json(text);
  if (!isRecord(value)) return broken(value === undefined ? "it is no JSON, or cut off" : "it is no JSON object");
  if (flowKeys.some((key) => key in value)) {
    const { data: flow, error } = Flow.safeParse(value);
    return flow === undefined ? broken(problemOf(error)) : { kind: "flow", flow };
  }
  const { data, error } = Wrapped.safeParse(value);
  if (data === undefined) return broken(problemOf(error));
  if (data.flow !== undefined) return { kind: "flow", flow: data.flow };
  if (data.lost_events !== undefined) return { kind: "lost", events: data.lost_events.num_events_lost ?? 0 };
  return otherKeys.some((key) => key in value) ? { kind: "other" } : broken("it holds no flow");
}

function json(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function broken(problem: string): HubbleLine {
  return { kind: "broken", problem };
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "it holds no flow" : `${issue.path.map(String).join(".")}: ${issue.message}`;
}
