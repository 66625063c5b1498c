import type { Endpoint } from "../endpoints.ts";
import { failure, type Pair } from "../pairs.ts";
import type { Network, NetworkStatement, Verdict } from "../prove.ts";
import { isEmpty, nothing } from "../traffic.ts";

/** Which statement a pair belongs to. */
export type Topic = "nodes" | "pods" | "balancing" | "access" | "egress";

export function topicOf({ from, to }: Pick<Pair, "from" | "to">): Topic {
  const either = (...kinds: Endpoint["kind"][]) => kinds.includes(from.kind) || kinds.includes(to.kind);
  if (to.kind === "internet") return "egress";
  if (either("load-balancer")) return "balancing";
  if (either("bastion", "jump-host", "internet")) return "access";
  return either("pod") ? "pods" : "nodes";
}

/** Walks all required pairs of a topic, there and back. */
export function reach({ pairs, paths }: Network, topic: Topic): Verdict {
  const chosen = pairs.filter((pair) => !isEmpty(pair.required) && topicOf(pair) === topic);
  return {
    facts: { pairs: sum(chosen), walked: chosen.length },
    counterexample: first(chosen, (pair) => failure(pair, paths)),
  };
}

export const sum = (pairs: readonly Pair[]): number => pairs.reduce((total, { count }) => total + count, 0);

/** The first counterexample. */
export function first<Item>(items: readonly Item[], find: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

const source =
  "components/network/ports.ts; kubernetes.io/docs/reference/networking/ports-and-protocols, Cilium system_requirements.rst";

export const nodes: NetworkStatement = {
  code: "GB-1902",
  severity: "error",
  title:
    "Every node reaches every other node on every port of the table, with its own address, and the answer comes back.",
  korean: "모든 노드는 포트 표의 모든 포트로 다른 모든 노드에 자기 주소로 도달하고, 응답도 돌아옵니다.",
  reason: `A missing route or rule shows only when the first packet needs it (${source}).`,
  check: (network) => {
    const { facts, counterexample } = reach(network, "nodes");
    const rows = new Set([...network.tables.values()].flatMap(({ rows: own }) => own.map(({ id }) => id)));
    return {
      facts: {
        ...facts,
        rows: rows.size,
        classes: network.classes.length,
        ...(network.sites.assumed.length > 0
          ? { assumed: network.sites.assumed.map((pair) => pair.join(" - ")).join(", ") }
          : {}),
      },
      counterexample: network.missing[0] ?? counterexample,
    };
  },
};

export const pods: NetworkStatement = {
  code: "GB-1903",
  severity: "error",
  title: "Pods reach the pods of their own site and of their peers, and nodes reach pods.",
  korean: "파드는 자기 사이트와 peer의 파드에 도달하고, 노드도 파드에 도달합니다.",
  reason:
    "In native mode pods keep their addresses on the wire, so every table on the way needs each node's pod block (Cilium routing.rst); WireGuard and tunnels carry them between node addresses.",
  check: (network) => {
    const { facts, counterexample } = reach(network, "pods");
    const { pairs, tables, paths } = network;
    const native = (site: string) => tables.get(site)?.site.cilium.routing === "native";
    const among = pairs.filter(
      ({ from, to }) =>
        from.kind === "pod" &&
        to.kind === "pod" &&
        native(from.site) &&
        native(to.site) &&
        (tables.get(from.site)?.sees(to.site) ?? false) &&
        (tables.get(to.site)?.sees(from.site) ?? false),
    );
    return {
      facts: { ...facts, podBlockPairs: sum(among) },
      counterexample: counterexample ?? first(among, (pair) => failure(pair, paths, nothing)),
    };
  },
};

export const access: NetworkStatement = {
  code: "GB-1905",
  severity: "error",
  title: "Administrators reach the bastion, and the bastion or the jump host reaches every node, by SSH.",
  korean: "관리자는 배스천에, 배스천이나 점프 호스트는 모든 노드에 SSH로 접속할 수 있습니다.",
  reason: "Nodes are registered and joined over SSH; without it `pulumi up` stops half-way.",
  check: (network) => reach(network, "access"),
};

export const egress: NetworkStatement = {
  code: "GB-1906",
  severity: "error",
  title: "Nodes with `egress: nat` reach the Internet on 443 and 80 through a NAT gateway, and the answer comes back.",
  korean: "`egress: nat`인 노드는 NAT 게이트웨이를 거쳐 인터넷의 443과 80에 접속하고, 응답도 돌아옵니다.",
  reason:
    "Packages and images come from there (docs.aws.amazon.com/vpc nat-gateway, learn.microsoft.com/azure/nat-gateway).",
  check: (network) => {
    const { facts, counterexample } = reach(network, "egress");
    const nats = [...network.paths.model.nats.values()];
    return { facts: { ...facts, natGateways: nats.length }, counterexample };
  },
};
