import { list, record } from "../../components/config/untyped.ts";
import type { Direction, L4Protocol, PolicyEntry, PortRule, Selector } from "./entry.ts";
import { clusterKey, exists, namespaceKey, namespaceLabelsKey } from "./labels.ts";
import { defaultCluster, type PeerContext, type PolicyContext } from "./policy-context.ts";
import { type Conditions, conditionsOf, requirementsOf } from "./selectors.ts";

type Fields = Readonly<Record<string, unknown>>;

const sections = [
  { field: "ingress", direction: "ingress", peers: "from", type: "Ingress" },
  { field: "egress", direction: "egress", peers: "to", type: "Egress" },
] as const;

const everyone: Selector = { kind: "labels", requirements: [] };

/** Entries of a NetworkPolicy that the API server has taken (`pkg/k8s/network_policy.go`). */
export function kubernetesEntries(spec: Fields, namespace: string, context: PolicyContext): PolicyEntry[] {
  const conditions = conditionsOf(spec.podSelector, "k8s");
  conditions.labels.set(`k8s:${namespaceKey}`, namespace);
  const subject = { kind: "labels", requirements: requirementsOf(conditions) } as const;
  const entry = (
    path: string,
    direction: Direction,
    rest: Pick<PolicyEntry, "peers" | "ports" | "restricted">,
  ): PolicyEntry => ({
    policy: context.policy,
    path,
    namespace,
    direction,
    verdict: "allow",
    node: false,
    subject,
    defaultDeny: true,
    ...rest,
  });
  const types = list(spec.policyTypes);
  return sections.flatMap(({ field, direction, peers, type }) => {
    const rules = list(spec[field]);
    // Rules act even where policyTypes leaves their direction out.
    if (rules.length > 0) {
      return rules.flatMap((item, index) => {
        const body = record(item);
        const path = `spec.${field}[${index}]`;
        const all = peersOf(list(body[peers]), `${path}.${peers}`, namespace, context);
        const ports = list(body.ports).map(portRule);
        if (context.minor > 18) return [entry(path, direction, { peers: all, ports })];
        // What a fromRequires or toRequires of 1.18 asks holds for pods here, too, but not for blocks.
        const [pods, blocks] = [
          all.filter(({ kind }) => kind === "labels"),
          all.filter(({ kind }) => kind !== "labels"),
        ];
        return [
          ...(pods.length === 0 ? [] : [entry(path, direction, { peers: pods, ports, restricted: true })]),
          ...(blocks.length === 0 ? [] : [entry(path, direction, { peers: blocks, ports })]),
        ];
      });
    }
    const denies = types.includes(type) || (type === "Ingress" && !types.includes("Egress"));
    return denies ? [entry(`spec.${field}`, direction, { peers: "none", ports: [] })] : [];
  });
}

function peersOf(peers: readonly unknown[], path: string, namespace: string, context: PolicyContext): Selector[] {
  // 1.18 adds the cluster's own label to the block, and then refuses to have a selector beside it.
  if (context.minor === 18 && path.endsWith(".from") && defaultCluster(context.options) !== undefined) {
    for (const [index, peer] of peers.entries()) {
      if (record(peer).ipBlock === undefined) continue;
      const problem = "Cilium 1.18 takes no block here while clustermesh.policyDefaultLocalCluster is on";
      context.refusals.add(`${path}[${index}].ipBlock`, problem, "Write a CiliumNetworkPolicy with fromCIDRSet.");
    }
  }
  return peers.length === 0 ? [everyone] : peers.map((peer) => peerOf(record(peer), namespace, context));
}

/** One peer of `from` or `to`. */
export function peerOf(
  { ipBlock, namespaceSelector, podSelector }: Fields,
  namespace: string,
  context: PeerContext,
): Selector {
  if (ipBlock !== undefined) {
    const { cidr, except } = record(ipBlock);
    return { kind: "cidr", block: String(cidr), except: list(except).map(String) };
  }
  const pods = conditionsOf(podSelector, "k8s");
  const cluster = defaultCluster(context.options);
  const named =
    (pods.labels.get(`k8s:${clusterKey}`) ?? "") !== "" || pods.expressions.some(({ key }) => key === clusterKey);
  if (cluster !== undefined && !named) pods.labels.set(`k8s:${clusterKey}`, cluster);
  if (namespaceSelector === undefined) {
    pods.labels.set(`k8s:${namespaceKey}`, namespace);
    return { kind: "labels", requirements: requirementsOf(pods) };
  }
  const namespaces = namespaceConditions(namespaceSelector);
  return {
    kind: "labels",
    requirements: requirementsOf({
      labels: new Map([...namespaces.labels, ...pods.labels]),
      expressions: [...namespaces.expressions, ...pods.expressions],
    }),
  };
}

/** Labels of a pod's namespace are labels of the pod, under a longer key. */
function namespaceConditions(selector: unknown): Conditions {
  const { labels, expressions } = conditionsOf(selector, "k8s");
  if (labels.size === 0 && expressions.length === 0) return { labels, expressions: [exists("k8s", namespaceKey)] };
  return {
    labels: new Map([...labels].map(([key, value]) => [key.replace("k8s:", `k8s:${namespaceLabelsKey}.`), value])),
    expressions: expressions.map((found) => ({ ...found, key: `${namespaceLabelsKey}.${found.key}` })),
  };
}

function portRule(item: unknown): PortRule {
  const { protocol, port, endPort } = record(item);
  return {
    ports: [
      {
        protocol: protocolOf(protocol),
        port: typeof port === "number" || typeof port === "string" ? port : 0,
        ...(typeof endPort === "number" ? { endPort } : {}),
      },
    ],
  };
}

function protocolOf(value: unknown): L4Protocol {
  return value === "UDP" || value === "SCTP" ? value : "TCP";
}
