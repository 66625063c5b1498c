import type { Label } from "../reachability/entry.ts";
import { clusterKey, namespaceKey, namespaceLabelsKey } from "../reachability/labels.ts";
import { addressParty, type NamedPort, type Party, reservedParty } from "../reachability/party.ts";
import type { AddressClasses } from "./address-classes.ts";
import type { Aside, ObservedEnd } from "./observation.ts";

/** Who is at one end of a conversation. */
export type Who =
  | {
      readonly kind: "pod";
      readonly cluster: string;
      readonly namespace: string;
      /** Its own labels, from Kubernetes. */
      readonly labels: Readonly<Record<string, string>>;
    }
  | { readonly kind: "reserved"; readonly name: ReservedEnd; readonly cluster: string }
  /** Outside of every cluster. */
  | { readonly kind: "address"; readonly names: readonly string[] };

export type ReservedEnd = "host" | "remote-node" | "kube-apiserver" | "health" | "init" | "ingress" | "unmanaged";

/** One end as policies see it: whoever has the same key is treated the same by every policy. */
export interface End {
  readonly key: string;
  readonly who: Who;
  readonly party: Party;
  /** What made its pods, as far as Hubble says so: `Deployment web`. */
  readonly workloads: Set<string>;
}

/** Numbers of reserved identities (`pkg/identity/numericidentity.go`), for flows without labels. */
const reservedNumbers: Readonly<Record<number, string>> = {
  1: "host",
  2: "world",
  3: "unmanaged",
  4: "health",
  5: "init",
  6: "remote-node",
  7: "kube-apiserver",
  8: "ingress",
  9: "world-ipv4",
  10: "world-ipv6",
};

const reservedEnds: readonly ReservedEnd[] = ["health", "ingress", "init", "unmanaged", "host", "remote-node"];

/** The ends of all flows, each label set once. */
export class Ends {
  readonly #classes: AddressClasses;
  readonly #known = new Map<string, End>();

  constructor(classes: AddressClasses) {
    this.#classes = classes;
  }

  /**
   * @param cluster     Of the agent that saw it.
   * @param nodeLabels  Labels of the agent's node, `key=value` each; `host` is it.
   */
  of(
    end: ObservedEnd,
    cluster: string,
    nodeLabels: readonly string[],
  ): End | Extract<Aside, "no-identity" | "no-labels"> {
    const texts = end.labels ?? [];
    const reserved = new Set(texts.flatMap((text) => (text.startsWith("reserved:") ? [text.slice(9)] : [])));
    const identity = end.identity ?? 0;
    if (texts.length === 0) {
      const name = reservedNumbers[identity] ?? localName(identity);
      if (name === undefined) return identity > 0 || end.pod_name !== undefined ? "no-labels" : "no-identity";
      reserved.add(name);
    }
    if (isWorld(reserved) || texts.some((text) => /^(cidr|fqdn|cidrgroup):/.test(text))) {
      return this.#address(end, reserved.has("kube-apiserver") ? cluster : undefined);
    }
    if (reserved.has("kube-apiserver")) return this.#apiServer(reserved.has("host") ? "host" : "remote-node", cluster);
    const name = reservedEnds.find((each) => reserved.has(each));
    if (name !== undefined) return this.#reserved(name, cluster, name === "host" ? nodeLabels : []);
    const pod = this.#pod(end, texts, cluster);
    if (typeof pod !== "string") {
      for (const { kind = "", name = "" } of end.workloads ?? []) pod.workloads.add(`${kind} ${name}`);
    }
    return pod;
  }

  #remember(key: string, make: () => Pick<End, "party" | "who">): End {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = { key, workloads: new Set<string>(), ...make() };
    this.#known.set(key, made);
    return made;
  }

  /** Exporters may be told to leave Cilium's own labels out; fields of the flow say the same. */
  #pod(end: ObservedEnd, texts: readonly string[], agentCluster: string): End | "no-labels" {
    const key = [end.namespace, end.cluster_name, ...texts].join(",");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const written = texts.map(parseLabel);
    const own = new Map(written.flatMap(({ source, key: name, value }) => (source === "k8s" ? [[name, value]] : [])));
    const namespace = own.get(namespaceKey) ?? end.namespace;
    if (namespace === undefined) return "no-labels";
    const cluster = own.get(clusterKey) ?? end.cluster_name ?? agentCluster;
    const told: readonly (readonly [string, string])[] = [
      [namespaceKey, namespace],
      [clusterKey, cluster],
      [`${namespaceLabelsKey}.kubernetes.io/metadata.name`, namespace],
    ];
    const missing = told.filter(([name]) => !own.has(name));
    const labels = [...written, ...missing.map(([name, value]) => ({ source: "k8s", key: name, value }))];
    const who: Who = { kind: "pod", cluster, namespace, labels: Object.fromEntries([...own, ...missing]) };
    return this.#remember(key, () => ({ who, party: { name: `${namespace}/*`, labels, ...namedPortsOf(labels) } }));
  }

  #reserved(name: ReservedEnd, cluster: string, nodeLabels: readonly string[]): End {
    return this.#remember([cluster, `reserved:${name}`, ...nodeLabels].join(","), () => ({
      who: { kind: "reserved", name, cluster },
      party: reservedParty(name, Object.fromEntries(nodeLabels.map(parseLabel).map(({ key, value }) => [key, value]))),
    }));
  }

  /** On a node of the cluster, where it has that node's identity as well. */
  #apiServer(at: "host" | "remote-node", cluster: string): End {
    return this.#remember(`${cluster},reserved:kube-apiserver,reserved:${at}`, () => ({
      who: { kind: "reserved", name: "kube-apiserver", cluster },
      party: {
        name: "kube-apiserver",
        labels: ["kube-apiserver", at].map((key) => ({ source: "reserved", key, value: "" })),
      },
    }));
  }

  /** @param apiServerOf  Cluster of which the address is the API server. */
  #address({ ip, names }: ObservedEnd, apiServerOf: string | undefined): End | "no-identity" {
    const found = this.#classes.of(ip);
    if (found === undefined) return "no-identity";
    const sorted = [...new Set(names)].toSorted();
    return this.#remember([apiServerOf ?? "", found, ...sorted].join(" "), () => {
      const party = addressParty(ip, sorted);
      if (apiServerOf === undefined) return { who: { kind: "address", names: sorted }, party };
      const apiServer: Label = { source: "reserved", key: "kube-apiserver", value: "" };
      return {
        who: { kind: "reserved", name: "kube-apiserver", cluster: apiServerOf },
        party: { name: "kube-apiserver", labels: [...party.labels, apiServer] },
      };
    });
  }
}

/** Identities that each node numbers for itself: addresses from 2^24, nodes by their addresses from 2^25. */
function localName(identity: number): string | undefined {
  if (identity < 2 ** 24) return undefined;
  return identity < 2 ** 25 ? "world" : "remote-node";
}

function isWorld(reserved: ReadonlySet<string>): boolean {
  return reserved.has("world") || reserved.has("world-ipv4") || reserved.has("world-ipv6");
}

/** `k8s:app=web` or, of a node, `app=web`. */
function parseLabel(text: string): Label {
  const equal = text.indexOf("=");
  const name = equal < 0 ? text : text.slice(0, equal);
  const colon = name.indexOf(":");
  return {
    source: colon <= 0 ? "k8s" : name.slice(0, colon),
    key: name.slice(colon + 1),
    value: equal < 0 ? "" : text.slice(equal + 1),
  };
}

/** Cilium 1.20 tells a pod's named ports by labels: `gen:io.cilium.k8s.named-ports=http.TCP.8080_metrics.TCP.9090` (`pkg/k8s/labels.go`). */
function namedPortsOf(labels: readonly Label[]): Pick<Party, "namedPorts"> {
  const texts = labels.filter(({ source, key }) => source === "gen" && key.startsWith("io.cilium.k8s.named-ports"));
  const ports = texts
    .flatMap(({ value }) => value.split("_"))
    .flatMap((text): [string, NamedPort][] => {
      const [, name, protocol, port] = /^(.+)\.(TCP|UDP|SCTP)\.(\d+)$/.exec(text) ?? [];
      return name === undefined || (protocol !== "TCP" && protocol !== "UDP" && protocol !== "SCTP")
        ? []
        : [[name.toLowerCase(), { port: Number(port), protocol }]];
    });
  return ports.length === 0 ? {} : { namedPorts: Object.fromEntries(ports) };
}
