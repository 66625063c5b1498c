import type { Direction } from "../reachability/entry.ts";
import type { HubbleEndpoint, HubbleFlow } from "./hubble.ts";

/** Protocols that a flow names and a policy can. */
export type FlowProtocol = "TCP" | "UDP" | "SCTP" | "ICMP" | "ICMPV6";

/** An HTTP request as the proxy saw it. */
export interface HttpRequest {
  readonly method: string;
  /** With its query, as Envoy compares it. */
  readonly path: string;
  readonly host: string;
  /** By name in small letters; Hubble may have been told to hide values. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One end of a flow, as Hubble tells it. */
export interface ObservedEnd extends HubbleEndpoint {
  readonly ip: string;
  /** DNS names by which the other end may have found it. */
  readonly names: readonly string[];
}

/** One look at a conversation, from the side that began it to the one that was called. */
export interface Observation {
  /** RFC 3339 in UTC without its `Z`, so that texts sort as times do; empty where the file leaves times out. */
  readonly time: string;
  /** The agent that saw it, most often as `cluster/node`. */
  readonly node: string;
  /** Its cluster; empty where the file leaves that out. */
  readonly cluster: string;
  readonly nodeLabels: readonly string[];
  readonly client: ObservedEnd;
  readonly server: ObservedEnd;
  readonly protocol: FlowProtocol;
  /** Destination port; the type of an ICMP message. */
  readonly port: number;
  /** At which end it was seen. */
  readonly at: Direction | "unknown";
  readonly outcome: "passed" | "audited" | "dropped";
  /** The kind of event: each kind counts a conversation's flows on its own, so that two kinds of one place are not added. */
  readonly event: string;
  /** Flows that the line stands for; more than 1 where the exporter aggregates. */
  readonly flows: number;
  readonly http?: HttpRequest;
  /** Name that was looked up, without the last dot, in small letters. */
  readonly dns?: string;
}

/** Why a flow is not judged. */
export type Aside =
  | "reply"
  | "no-direction"
  | "socket"
  | "service"
  | "no-ports"
  | "no-identity"
  | "no-labels"
  | "no-verdict"
  | `drop ${string}`;

/** First port that Linux gives to clients (`net.ipv4.ip_local_port_range`). */
const firstClientPort = 32_768;

/** What one flow says about who calls whom, or why it says nothing. Pure. */
export function observe(flow: HubbleFlow): Observation | Aside {
  if (flow.Type === "SOCK") return "socket";
  const outcome = outcomeOf(flow);
  if (!isOutcome(outcome)) return outcome;
  const traffic = trafficOf(flow);
  if (traffic === undefined) return "no-ports";
  const reply = isReply(flow, traffic) ?? (outcome === "dropped" ? false : undefined);
  if (reply !== false) return reply ? "reply" : "no-direction";
  const client = endOf(flow.source, flow.IP?.source, flow.source_names);
  const server = endOf(flow.destination, flow.IP?.destination, flow.destination_names);
  // Policies see the backend that the address is translated to; that flow is in the file as well.
  if (flow.destination_service !== undefined && !isPod(server)) return "service";
  const at = directionOf(flow.traffic_direction);
  return {
    time: timeOf(flow.time),
    node: flow.node_name ?? "",
    cluster: clusterOf(flow.node_name ?? "", at === "egress" ? client : server),
    nodeLabels: flow.node_labels ?? [],
    client,
    server,
    protocol: traffic.protocol,
    port: traffic.port,
    at,
    outcome,
    event: [flow.Type, flow.event_type?.type, flow.trace_observation_point].map((part) => part ?? "").join(" "),
    flows: flowsOf(flow.aggregate),
    ...requestOf(flow.l7),
  };
}

/** Whether an end is a pod of a cluster: its identity has labels from Kubernetes, or is a number that only pods have. */
function isPod({ identity = 0, labels = [] }: ObservedEnd): boolean {
  if (labels.length > 0) return labels.every((label) => !label.startsWith("reserved:"));
  return identity >= 256 && identity < 2 ** 24;
}

/**
 * The agent's cluster: agents of a cluster without a name leave it out of the node's.
 *
 * @param local  The end on the agent's node.
 */
function clusterOf(node: string, local: ObservedEnd): string {
  const slash = node.indexOf("/");
  return slash > 0 ? node.slice(0, slash) : (local.cluster_name ?? "");
}

type Outcome = Observation["outcome"];

function isOutcome(value: Outcome | Aside): value is Outcome {
  return value === "passed" || value === "audited" || value === "dropped";
}

/** Names and numbers of the reasons that are policies' (`pkg/monitor/api/drop.go`); the proxy that refuses a request gives none. */
const policyDrops: Readonly<Record<string, true>> = { POLICY_DENIED: true, POLICY_DENY: true, 133: true, 181: true };

function outcomeOf(flow: HubbleFlow): Outcome | Aside {
  switch (flow.verdict) {
    // A field mask may leave the verdict out: what was exported has been sent, at least.
    case undefined:
    case "FORWARDED":
    case "REDIRECTED":
      return "passed";
    case "AUDIT":
      return "audited";
    case "DROPPED": {
      const reason = String(flow.drop_reason_desc ?? flow.drop_reason ?? flow.event_type?.sub_type ?? "");
      return reason === "" || policyDrops[reason] ? "dropped" : `drop ${reason}`;
    }
    case "TRACED":
    case "TRANSLATED":
      return "socket";
    default:
      return "no-verdict";
  }
}

interface Traffic {
  readonly protocol: FlowProtocol;
  readonly port: number;
  /** Absent for ICMP. */
  readonly clientPort?: number;
  readonly flags?: { readonly SYN?: boolean | undefined; readonly ACK?: boolean | undefined };
}

function trafficOf({ l4 }: HubbleFlow): Traffic | undefined {
  for (const protocol of ["TCP", "UDP", "SCTP"] as const) {
    const ports = l4?.[protocol];
    if (ports?.destination_port === undefined) continue;
    const { destination_port: port, source_port: clientPort, flags } = ports;
    return { protocol, port, ...(clientPort ? { clientPort } : {}), ...(flags ? { flags } : {}) };
  }
  if (l4?.ICMPv4) return { protocol: "ICMP", port: l4.ICMPv4.type ?? 0 };
  return l4?.ICMPv6 ? { protocol: "ICMPV6", port: l4.ICMPv6.type ?? 0 } : undefined;
}

/** Messages that begin something: echo requests. Echo replies, and errors about a packet that went before, pass with what they answer. */
const icmpRequests: Readonly<Record<string, number>> = { ICMP: 8, ICMPV6: 128 };
const icmpAnswers: Readonly<Record<string, readonly number[]>> = {
  ICMP: [0, 3, 4, 11, 12],
  ICMPV6: [1, 2, 3, 4, 129],
};

/** Connection tracking knows it for most events; for the rest flags and ports tell, as far as they do. */
function isReply(flow: HubbleFlow, { protocol, port, clientPort, flags }: Traffic): boolean | undefined {
  if (flow.is_reply === true || flow.reply === true) return true;
  if (flow.trace_reason === "RELATED" || icmpAnswers[protocol]?.includes(port)) return true;
  if (flow.is_reply === false || icmpRequests[protocol] === port) return false;
  if (flags?.SYN) return flags.ACK === true;
  if (clientPort === undefined || clientPort < firstClientPort === port < firstClientPort) return undefined;
  return clientPort < firstClientPort;
}

function endOf(
  endpoint: HubbleEndpoint | undefined,
  ip: string | undefined,
  names: readonly string[] = [],
): ObservedEnd {
  return { ...endpoint, ip: ip ?? "", names: names.map(bareName).filter((name) => domainName.test(name)) };
}

/** What `matchName` takes (`pkg/policy/api/fqdn.go`). */
const domainName = /^[-a-z0-9_.]+$/;

function bareName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

function timeOf(time = ""): string {
  if (time.endsWith("Z")) return time.slice(0, -1);
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? "" : new Date(milliseconds).toISOString().slice(0, -1);
}

function directionOf(direction: HubbleFlow["traffic_direction"]): Observation["at"] {
  return direction === "INGRESS" ? "ingress" : direction === "EGRESS" ? "egress" : "unknown";
}

/** What both ends counted is the same flows. */
function flowsOf(aggregate: HubbleFlow["aggregate"]): number {
  if (aggregate === undefined) return 1;
  const { ingress_flow_count = 0, egress_flow_count = 0, unknown_direction_flow_count = 0 } = aggregate;
  return Math.max(1, ingress_flow_count, egress_flow_count, unknown_direction_flow_count);
}

function requestOf(l7: HubbleFlow["l7"]): Pick<Observation, "http" | "dns"> {
  if (l7?.dns?.query !== undefined) return { dns: bareName(l7.dns.query) };
  if (l7?.http?.method === undefined) return {};
  const { method, url = "", headers = [] } = l7.http;
  const [, host = "", path = ""] = /^(?:[a-z]+:\/\/([^/?#]*))?([^#]*)/i.exec(url) ?? [];
  return {
    http: {
      method,
      path: path.startsWith("/") ? path : `/${path}`,
      host,
      headers: Object.fromEntries(headers.map(({ key = "", value = "" }) => [key.toLowerCase(), value])),
    },
  };
}
