import { type Conversation, listedAddresses } from "./conversations.ts";
import type { End, ReservedEnd } from "./ends.ts";
import type { Sureness, Workloads } from "./workload.ts";

/** How a rule names one end. Ends with the same `key` are one to it. */
export interface NamedEnd {
  readonly key: string;
  /** `dmz/web`, `dmz/web (tier=front)`, `api.bank.example`, `kube-apiserver`. */
  readonly text: string;
  readonly means: Means;
  readonly sureness: Sureness;
  readonly doubts: readonly string[];
}

export type Means =
  | {
      readonly kind: "pods";
      readonly cluster: string;
      readonly namespace: string;
      /** None: every pod of the namespace. */
      readonly labels: Readonly<Record<string, string>>;
    }
  | { readonly kind: "entities"; readonly names: readonly ReservedEnd[]; readonly cluster: string }
  | { readonly kind: "names"; readonly names: readonly string[] }
  /** Which, the conversations tell. */
  | { readonly kind: "addresses" };

/** Where an API server listens; anything else on its node is the node's. */
const apiServerPorts = [443, 6443];

/** @param side  Which end of the conversation. */
export function nameEnd(conversation: Conversation, side: "client" | "server", workloads: Workloads): NamedEnd {
  const { protocol, port } = conversation;
  const end = conversation[side];
  const { who } = end;
  switch (who.kind) {
    case "pod": {
      const { labels, name, sureness, doubt } = workloads.of(who);
      const { cluster, namespace } = who;
      const further = Object.entries(labels).filter(([, value]) => value !== name);
      const more = further.length === 0 ? "" : ` (${further.map((pair) => pair.join("=")).join(", ")})`;
      const text = `${namespace}/${name}${more}`;
      const means = { kind: "pods", cluster, namespace, labels } as const;
      const doubts = doubt === undefined ? [] : [`${text}: ${doubt}`];
      return { key: JSON.stringify(means), text, means, sureness, doubts };
    }
    case "reserved":
      return entity(end, who.name, who.cluster, side === "client" || !apiServerPorts.includes(port));
    case "address":
      if (side === "server" && who.names.length > 0) {
        const text = who.names.join(", ");
        return {
          key: `names ${text}`,
          text,
          means: { kind: "names", names: who.names },
          sureness: "likely",
          doubts: [],
        };
      }
      // Addresses of one port are one group: of two ports they would open each other's.
      return {
        key: `addresses ${port}/${protocol}`,
        text: "world",
        means: { kind: "addresses" },
        sureness: "likely",
        doubts: [],
      };
  }
}

/**
 * A node is `host` or `remote-node` by where the pod happens to run, so that a rule names both.
 *
 * @param asNode  Take an API server on a node for the node.
 */
function entity({ party }: End, name: ReservedEnd, cluster: string, asNode: boolean): NamedEnd {
  const onNode = party.labels.some(({ key }) => key === "host" || key === "remote-node");
  const node = name === "host" || name === "remote-node" || (name === "kube-apiserver" && asNode && onNode);
  const names: ReservedEnd[] = node ? ["host", "remote-node"] : [name];
  const passing = name === "init" || name === "unmanaged";
  return {
    key: `${cluster} ${names.join(" ")}`,
    text: node ? "nodes" : name,
    means: { kind: "entities", names, cluster },
    sureness: passing ? "guess" : "sure",
    doubts: passing
      ? [`${name}: a pod that Cilium does not know, or not yet; look whether its own labels would do`]
      : [],
  };
}

/** The addresses of a group as blocks; `undefined` where they are too many to list. */
export function blocksOf(addresses: ReadonlySet<string>): string[] | undefined {
  if (addresses.size > listedAddresses) return undefined;
  return [...addresses].toSorted().map((address) => `${address}/${address.includes(":") ? 128 : 32}`);
}
