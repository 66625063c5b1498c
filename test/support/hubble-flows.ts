import { stringify } from "yaml";
import { type FlowReport, flowReport } from "../../proof/flows/flow-report.ts";
import type { Enforcement } from "../../proof/flows/judge.ts";
import type { OwnRange } from "../../proof/flows/missing-rules.ts";
import { type Counts, Reading } from "../../proof/flows/reading.ts";
import type { EngineOptions } from "../../proof/reachability/entry.ts";
import { loadPolicies } from "../../proof/reachability/load.ts";
import { readPolicies } from "../../proof/reachability/policy-texts.ts";

/** One end, as Hubble writes it. */
export interface HubbleEnd {
  readonly endpoint: Readonly<Record<string, unknown>>;
  readonly ip: string;
  readonly names?: readonly string[];
}

export function pod(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  ip = "10.128.0.1",
  cluster = "seoul",
): HubbleEnd {
  const identity = {
    ...labels,
    "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": namespace,
    "io.cilium.k8s.policy.cluster": cluster,
    "io.kubernetes.pod.namespace": namespace,
  };
  const account = { "io.cilium.k8s.policy.serviceaccount": "default" };
  const texts = Object.entries({ ...account, ...identity }).map(([key, value]) => `k8s:${key}=${value}`);
  const name = `${Object.values(labels)[0] ?? "bare"}-${ip.replaceAll(".", "-")}`;
  return {
    ip,
    endpoint: { identity: 70_000, cluster_name: cluster, namespace, labels: texts.toSorted(), pod_name: name },
  };
}

export function reserved(...names: string[]): HubbleEnd {
  return { ip: "10.10.0.1", endpoint: { identity: 6, labels: names.map((name) => `reserved:${name}`) } };
}

export function outside(ip: string, ...names: string[]): HubbleEnd {
  return { ip, names, endpoint: { identity: 16_777_217, labels: ["cidr:0.0.0.0/0", "reserved:world"] } };
}

/** A line of Hubble's exporter: a connection's first packet as it reaches its end, unless `fields` say otherwise. */
export function flowLine(
  client: HubbleEnd,
  server: HubbleEnd,
  port: number,
  fields: Readonly<Record<string, unknown>> = {},
  protocol = "TCP",
): string {
  const ports = protocol.startsWith("ICMP") ? { type: port } : { source_port: 40_000, destination_port: port };
  const flow = {
    time: "2026-07-01T10:00:00.5Z",
    verdict: "FORWARDED",
    IP: { source: client.ip, destination: server.ip, ipVersion: "IPv4" },
    l4: { [protocol]: ports },
    source: client.endpoint,
    destination: server.endpoint,
    Type: "L3_L4",
    node_name: "seoul/node-1",
    ...(client.names ? { source_names: client.names } : {}),
    ...(server.names ? { destination_names: server.names } : {}),
    event_type: { type: 4 },
    traffic_direction: "INGRESS",
    trace_observation_point: "TO_ENDPOINT",
    is_reply: false,
    ...fields,
  };
  return JSON.stringify({ flow, node_name: flow.node_name, time: flow.time });
}

/** An HTTP request as the proxy logs it. */
export function requestLine(
  client: HubbleEnd,
  server: HubbleEnd,
  port: number,
  [method, path]: readonly [method: string, path: string],
  fields: Readonly<Record<string, unknown>> = {},
): string {
  return flowLine(client, server, port, {
    Type: "L7",
    event_type: { type: 129 },
    l7: { type: "REQUEST", http: { method, url: `http://server:${port}${path}`, protocol: "HTTP/1.1" } },
    ...fields,
  });
}

export const engineOptions: EngineOptions = {
  cluster: "seoul",
  enablePolicy: "default",
  policyDefaultLocalCluster: true,
  hostFirewall: false,
  version: "1.20.2",
};

/** Policies of a cluster from YAML texts and objects. */
export function enforcing(policies: readonly (string | object)[], options: Partial<EngineOptions> = {}): Enforcement {
  const { objects } = readPolicies(policies.map((policy) => (typeof policy === "string" ? policy : stringify(policy))));
  const full = { ...engineOptions, ...options };
  return { options: full, loaded: loadPolicies(objects, full) };
}

/** What the whole way from lines to a report says. */
export function judgedLines(
  lines: readonly string[],
  enforcements: readonly Enforcement[],
  ownRanges: readonly OwnRange[] = [],
): { readonly report: FlowReport; readonly counts: Counts } {
  const reading = new Reading(enforcements);
  for (const [index, line] of lines.entries()) reading.add(line, "events.log", index + 1);
  return { report: flowReport(reading.conversations, enforcements, ownRanges), counts: reading.counts };
}

/** Default deny in both directions for whole namespaces. */
export function defaultDeny(...namespaces: string[]): string {
  return namespaces
    .map(
      (namespace) => `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: default-deny, namespace: ${namespace}}
spec: {endpointSelector: {}, ingress: [{}], egress: [{}]}
`,
    )
    .join("");
}
