import type { Entrance, HttpRequest } from "../../config/applications.ts";
import type { Cidr } from "../../network/cidr.ts";
import { evidenceOf } from "./application-evidence.ts";
import { inPhase, type PolicySite } from "./phases.ts";
import { clusterLabel, namespaceLabel, type Port, prefixed, type Selector, serviceAccountLabel } from "./pods.ts";
import type { Bundle, PolicyObject } from "./policy.ts";

/** What an application's policies depend on beside its own parameters. */
export type ApplicationSite = Pick<PolicySite, "cluster" | "clusters" | "version" | "phaseOf">;

/** Pods that policies treat alike. */
export interface Tier {
  readonly kind: "tier";
  /** The end of its policy's and its zone's name; at most 15 characters. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** What its policy is for, kept in the policy. */
  readonly about: string;
  /** It opens no connection, not even to DNS, whatever another policy allows. */
  readonly silent?: true;
  /** Addresses that are refused, whatever another policy allows. */
  readonly refuses?: Blocks;
}

interface Blocks {
  readonly kind: "blocks";
  readonly name: string;
  readonly cidrs: readonly Cidr[];
}

/** Who is no pod of the application. */
export type Outside =
  | { readonly kind: "entity"; readonly entity: "world" | "ingress" }
  | Blocks
  /** Names, or patterns with a leading `*.`; only ever called. */
  | { readonly kind: "hosts"; readonly hosts: readonly string[] };

/** One party opens connections to another: an entry in the policy of each end that is a tier. */
export interface Conversation {
  readonly from: Tier | Outside;
  readonly to: Tier | Outside;
  readonly port: Port;
  /** L7 rules of the called end, as Cilium takes them below `rules`. */
  readonly rules?: Readonly<Record<string, readonly unknown[]>>;
}

export interface Application {
  readonly name: string;
  readonly tiers: readonly Tier[];
  readonly conversations: readonly Conversation[];
  /** Tiers in the other members of the mesh are as good as the cluster's own. */
  readonly acrossClusters: boolean;
}

/** The tier of a stack file's parameters. */
export function tier(
  name: string,
  { labels, namespace }: Pick<Tier, "labels" | "namespace">,
  about: string,
  more: Pick<Tier, "refuses" | "silent"> = {},
): Tier {
  return { kind: "tier", name, namespace, labels, about, ...more };
}

/** Whom the first tier sees: the clients themselves, or Cilium's proxy. */
export function entranceOf(entrance: Entrance): Outside {
  return { kind: "entity", entity: entrance === "gateway" ? "ingress" : "world" };
}

export const tcp = (port: number, endPort?: number): Port => ({
  port: String(port),
  ...(endPort === undefined ? {} : { endPort }),
  protocol: "TCP",
});

/** The requests of a list and no others. */
export function httpRules(requests: readonly HttpRequest[]): NonNullable<Conversation["rules"]> {
  return {
    http: requests.map(({ headers, method, path }) => {
      const names = Object.entries(headers).flatMap(([name, value]) => (value === "" ? [name] : []));
      const values = Object.entries(headers).flatMap(([name, value]) => (value === "" ? [] : [{ name, value }]));
      return {
        method,
        path,
        ...(names.length > 0 ? { headers: names } : {}),
        ...(values.length > 0 ? { headerMatches: values } : {}),
      };
    }),
  };
}

/** The policies of an application, one per tier, and what they promise: its zones talk as listed and not otherwise, to nobody else either. */
export function applicationPolicies(application: Application, site: ApplicationSite): Bundle {
  return {
    objects: application.tiers.map((tier) => tierPolicy(application, tier, site)),
    segmentation: evidenceOf(application),
  };
}

function tierPolicy(
  { acrossClusters, conversations, name }: Application,
  tier: Tier,
  site: ApplicationSite,
): PolicyObject {
  const clusters = acrossClusters ? site.clusters : [site.cluster];
  const lists = {
    ingress: conversations
      .filter(({ to }) => to === tier)
      .map(({ from, port, rules }) => ({
        ...peers("from", from, tier, clusters),
        toPorts: [{ ports: [{ ...port }], ...(rules === undefined ? {} : { rules }) }],
      })),
    ingressDeny: tier.refuses === undefined ? [] : [{ fromCIDR: [...tier.refuses.cidrs] }],
    egress: conversations
      .filter(({ from }) => from === tier)
      .map(({ port, to }) => ({ ...peers("to", to, tier, clusters), toPorts: [{ ports: [{ ...port }] }] })),
    egressDeny: tier.silent === undefined ? [] : [{ toEntities: ["all"] }],
  };
  const spec = {
    description: tier.about,
    endpointSelector: { matchLabels: subjectLabels(tier) },
    ...Object.fromEntries(Object.entries(lists).filter(([, entries]) => entries.length > 0)),
  };
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: {
      name: `${name}-${tier.name}`,
      namespace: tier.namespace,
      labels: { "app.kubernetes.io/part-of": name },
    },
    spec: inPhase(site.phaseOf(tier.namespace), spec),
  };
}

function subjectLabels({ labels, serviceAccount }: Tier): Record<string, string> {
  return { ...prefixed(labels), ...(serviceAccount === undefined ? {} : { [serviceAccountLabel]: serviceAccount }) };
}

/** A party as a peer of a tier. */
function peers(
  end: "from" | "to",
  party: Tier | Outside,
  of: Tier,
  clusters: readonly string[],
): Record<string, unknown> {
  switch (party.kind) {
    case "tier":
      return { [`${end}Endpoints`]: [tierSelector(party, of, clusters)] };
    case "entity":
      return { [`${end}Entities`]: [party.entity] };
    case "blocks":
      return { [`${end}CIDR`]: [...party.cidrs] };
    case "hosts":
      return {
        toFQDNs: party.hosts.map((host) => (host.startsWith("*") ? { matchPattern: host } : { matchName: host })),
      };
  }
}

/**
 * The namespace is written where it is another one, since a peer is of the policy's own by default (`pkg/k8s/apis/cilium.io/utils`). The
 * cluster is always written: without it a selector means every cluster up to Cilium 1.18 and the local one from 1.19, and a Helm value
 * decides (`clustermesh.policyDefaultLocalCluster`).
 */
function tierSelector(tier: Tier, of: Tier, clusters: readonly string[]): Selector {
  const place = tier.namespace === of.namespace ? {} : { [namespaceLabel]: tier.namespace };
  const matchLabels = { ...place, ...subjectLabels(tier) };
  const [only, ...others] = clusters;
  return others.length === 0 && only !== undefined
    ? { matchLabels: { ...matchLabels, [clusterLabel]: only } }
    : { matchLabels, matchExpressions: [{ key: clusterLabel, operator: "In", values: clusters }] };
}
