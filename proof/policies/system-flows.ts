import { type SystemEnd, type SystemFlow, systemFlows } from "../../components/cilium/policies/system-flows.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { Direction, EngineOptions } from "../reachability/entry.ts";
import type { Loaded } from "../reachability/load.ts";
import { addressParty, type Party, podParty, reservedParty } from "../reachability/party.ts";
import { Reachability, type Traffic } from "../reachability/reachability.ts";
import type { KubernetesObject } from "../rule.ts";

/** What one agent decides about one packet of a system flow. */
export interface Decision {
  readonly flow: SystemFlow;
  readonly direction: Direction;
  readonly subject: Party;
  readonly peer: Party;
  readonly traffic: Traffic;
}

const controlPlane = { "node-role.kubernetes.io/control-plane": "" };
const anyNode = [reservedParty("host"), reservedParty("remote-node")];

/** Default deny of everything that Cilium knows, nodes too where they have a firewall: more than any phase of a stack file asks for. */
export function denyEverything({ hostFirewall }: EngineOptions): KubernetesObject[] {
  const policy = (name: string, spec: KubernetesObject) => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumClusterwideNetworkPolicy",
    metadata: { name },
    spec,
  });
  return [
    policy("deny-every-endpoint", { endpointSelector: {}, ingress: [{}], egress: [{}] }),
    ...(hostFirewall ? [policy("deny-every-node", { nodeSelector: {}, ingress: [{}] })] : []),
  ];
}

/** System flows of a site that its policies stop, each as a sentence, and how many decisions were asked for. */
export function stoppedFlows(
  site: SiteSpec,
  peers: readonly SiteSpec[],
  loaded: Pick<Loaded, "entries" | "groups">,
  options: EngineOptions,
): { readonly asked: number; readonly stopped: string[] } {
  if (!site.policies) return { asked: 0, stopped: [] };
  const decisions = systemFlows(site, peers, site.policies).flatMap((flow) => decisionsOf(flow, options));
  const parties = [...new Set(decisions.flatMap(({ peer, subject }) => [subject, peer]))];
  const reachability = new Reachability(loaded, parties, options);
  const stopped = decisions.flatMap(({ direction, flow, peer, subject, traffic }) => {
    const { reason, verdict } = reachability.side(direction, subject, peer, traffic);
    return verdict === "allowed" ? [] : [`${site.name}, flow ${flow.id}: ${reason}`];
  });
  return { asked: decisions.length, stopped };
}

/** Both sides of a flow, as far as an agent decides about them. */
function decisionsOf(flow: SystemFlow, { cluster, hostFirewall }: EngineOptions): Decision[] {
  const packets = flow.ports.map((port): Traffic => ({ protocol: flow.protocol, port }));
  const sides = (direction: Direction, subjects: readonly Party[], others: readonly Party[]): Decision[] =>
    subjects.flatMap((subject) =>
      others.flatMap((peer) => packets.map((traffic) => ({ flow, direction, subject, peer, traffic }))),
    );
  return [
    ...sides("egress", endpoints(flow.from, cluster), seen(flow.to, cluster)),
    ...sides("ingress", endpoints(flow.to, cluster), seen(flow.from, cluster)),
    ...(hostFirewall ? sides("ingress", nodes(flow.to), seenByNodes(flow.from, cluster)) : []),
  ];
}

/** The end as an endpoint that an agent enforces policies for. */
function endpoints(end: SystemEnd, cluster: string): Party[] {
  return end.kind === "pod" || (end.kind === "reserved" && end.name !== "world") ? seen(end, cluster) : [];
}

/** The end as a node whose firewall decides. */
function nodes(end: SystemEnd): Party[] {
  if (end.kind === "api") return [reservedParty("host", controlPlane)];
  if (end.kind !== "node") return [];
  return [
    ...(end.role === "control-plane" ? [] : [reservedParty("host")]),
    ...(end.role === "worker" ? [] : [reservedParty("host", controlPlane)]),
  ];
}

/** The end as its other end's agent sees it. */
function seen(end: SystemEnd, cluster: string): Party[] {
  switch (end.kind) {
    case "pod":
      return [podParty({ name: "pod", cluster, ...end.pod })];
    case "node":
      return anyNode;
    case "remote-node":
      return [reservedParty("remote-node")];
    case "own-node":
      return [reservedParty("host")];
    case "api":
      return [reservedParty("kube-apiserver")];
    case "reserved":
      return [reservedParty(end.name)];
    case "address":
      return [addressParty(end.address)];
  }
}

/** With a tunnel between nodes a pod's packet to another node carries its own node's address, otherwise the pod's. */
function seenByNodes(end: SystemEnd, cluster: string): Party[] {
  const parties = seen(end, cluster);
  return end.kind === "pod" ? [...parties, reservedParty("remote-node")] : parties;
}
