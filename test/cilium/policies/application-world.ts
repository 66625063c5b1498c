import { policyObjects, segmentationOf } from "../../../components/cilium/policies/bundles.ts";
import type { ApplicationSpec } from "../../../components/config/applications.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import type { ZoneSpec } from "../../../components/config/segmentation.ts";
import type { Direction, EngineOptions, PolicyEntry } from "../../../proof/reachability/entry.ts";
import type { HttpRequest } from "../../../proof/reachability/http-requests.ts";
import { loadPolicies } from "../../../proof/reachability/load.ts";
import { addressParty, type Party, type Pod, podParty, reservedParty } from "../../../proof/reachability/party.ts";
import { type Opening, Reachability } from "../../../proof/reachability/reachability.ts";
import { localHost } from "../../../proof/reachability/subject-policy.ts";
import type { KubernetesObject } from "../../../proof/rule.ts";
import { site, within } from "../../support/stacks.ts";

type Input = { readonly kind: ApplicationSpec["kind"] } & Readonly<Record<string, unknown>>;
interface Setting {
  readonly phase?: "audit" | "enforce";
  /** Cilium's exact version. */
  readonly version?: string;
}

/** Members of a mesh that both run one application, with the baseline and default deny around it. */
export function meshWith(
  application: Input,
  { phase = "enforce", version = "1.20.2" }: Setting = {},
): [SiteSpec, SiteSpec] {
  const member = (stack: string) =>
    site(
      stack,
      (config) => {
        const spec = within(config, "gyeongbu:site");
        within(config, "gyeongbu:site", "cilium").version = version;
        spec.policies = { phase, applications: [application] };
        delete spec.segmentation;
      },
      "examples/card-pci",
    );
  return [member("card-seoul"), member("card-busan")];
}

const elsewhere = "elsewhere";

/** One cluster of the mesh under its policies, with everybody who could be told apart by a mistake in one of them. */
export class ApplicationWorld {
  readonly objects: readonly KubernetesObject[];
  /** Pods of the cluster's own: one for each zone, and some that are nearly one. */
  readonly own: readonly Party[];
  readonly peers: readonly Party[];
  /** Names of `own` that are the application's. */
  readonly tiers: readonly string[];
  readonly #options: EngineOptions;
  /** Of each policy that was read, since mutations change one of many. */
  readonly #entries = new Map<KubernetesObject, readonly PolicyEntry[]>();

  constructor(cluster: SiteSpec, peer: SiteSpec, options: Partial<EngineOptions> = {}) {
    this.objects = policyObjects(cluster, [peer]).map((object) => ({ ...object }));
    const { zones } = segmentationOf(cluster, [peer]);
    const named = Object.entries(zones);
    const pods = [cluster.name, peer.name].map((name) => [
      ...named.flatMap(([zone, spec]) => podsOf(zone, spec, name)),
      ...named.flatMap(([zone, spec]) => nearlyPodsOf(zone, spec, name)),
      podOf("pod", { namespace: elsewhere, cluster: name }),
      podOf("system", { namespace: "kube-system", cluster: name }),
    ]);
    this.own = pods[0] ?? [];
    const application = named.filter(([, zone]) => "namespace" in zone && zone.namespace !== "kube-system");
    this.tiers = application.map(([zone]) => `${cluster.name.replace("card-", "")}/${zone}`);
    this.peers = [
      ...pods.flat(),
      ...named.flatMap(([zone, spec]) => podsOf(zone, spec, "stranger")),
      ...named.flatMap(([name, zone]) => addressesOf(name, zone)),
      { ...addressParty("203.0.113.99"), name: "an address" },
      { ...addressParty("203.0.113.98", ["evil.example"]), name: "evil.example" },
      ...(["world", "host", "remote-node", "kube-apiserver", "ingress", "health"] as const).map((name) =>
        reservedParty(name),
      ),
    ];
    this.#options = {
      cluster: cluster.name,
      enablePolicy: "default",
      policyDefaultLocalCluster: true,
      hostFirewall: false,
      version: cluster.cilium.version,
      ...options,
    };
  }

  /** The objects that Cilium would refuse, and why. */
  refused(): string[] {
    return loadPolicies(this.objects, this.#options).outcomes.flatMap(({ error, name }) =>
      error === undefined ? [] : [`${name}: ${error}`],
    );
  }

  reachability(entries: readonly PolicyEntry[] = this.entries(this.objects)): Reachability {
    return new Reachability({ entries, groups: [] }, this.peers, this.#options);
  }

  /** What the agents read from policies; nothing from one that they refuse. */
  entries(objects: readonly KubernetesObject[]): readonly PolicyEntry[] {
    return objects.flatMap((object) => {
      const entries = this.#entries.get(object) ?? loadPolicies([object], this.#options).entries;
      this.#entries.set(object, entries);
      return entries;
    });
  }

  party(name: string): Party {
    const found = this.peers.find((party) => party.name === name);
    if (!found)
      throw new Error(`nobody is called ${name}; there are ${this.peers.map((party) => party.name).join(", ")}`);
    return found;
  }
}

const podOf = (name: string, pod: Omit<Pod, "name">): Party => ({
  ...podParty({ name, ...pod }),
  name: `${pod.cluster.replace("card-", "")}/${name}`,
});

function podsOf(zone: string, spec: ZoneSpec, cluster: string): Party[] {
  if (!("namespace" in spec)) return [];
  const { labels, namespace, serviceAccount } = spec;
  return [podOf(zone, { namespace, labels, cluster, ...(serviceAccount === undefined ? {} : { serviceAccount }) })];
}

/** Pods that lack one label of a zone's, have another value, or live elsewhere. */
function nearlyPodsOf(zone: string, spec: ZoneSpec, cluster: string): Party[] {
  if (!("namespace" in spec)) return [];
  const { labels, namespace, serviceAccount } = spec;
  const account = serviceAccount === undefined ? {} : { serviceAccount };
  const variants = Object.keys(labels).flatMap((key) => {
    const { [key]: _, ...others } = labels;
    return [
      podOf(`${zone} without ${key}`, { cluster, namespace, labels: others, ...account }),
      podOf(`${zone} with another ${key}`, { cluster, namespace, labels: { ...others, [key]: "other" }, ...account }),
    ];
  });
  return [
    ...variants,
    podOf(`${zone} in ${elsewhere}`, { cluster, namespace: elsewhere, labels, ...account }),
    ...(serviceAccount === undefined ? [] : [podOf(`${zone} of another account`, { cluster, namespace, labels })]),
  ];
}

function addressesOf(zone: string, spec: ZoneSpec): Party[] {
  if ("cidr" in spec) {
    const [address = ""] = spec.cidr.split("/");
    return [{ ...addressParty(address.replace(/\d+$/, "7")), name: zone }];
  }
  return "fqdn" in spec ? [{ ...addressParty("203.0.113.80", [spec.fqdn]), name: zone }] : [];
}

const text = ({ from, l7, protocol, to }: Opening) =>
  `${from === to ? from : `${from}-${to}`}/${protocol}${l7 === undefined ? "" : " L7"}`;

/** What one side lets through for a pair, in full: what an auditor could tell apart. */
function sideOf(reachability: Reachability, direction: Direction, subject: Party, peer: Party): string {
  return reachability
    .openings(direction, subject, peer)
    .map((opening) => `${text(opening)}${opening.l7 === undefined ? "" : JSON.stringify(opening.l7)}`)
    .join(" ");
}

/** Both sides of one pod with everybody. */
export function sidesOf({ peers }: ApplicationWorld, reachability: Reachability, subject: Party): string {
  return (["ingress", "egress"] as const)
    .flatMap((direction) => peers.map((peer) => `${direction} ${sideOf(reachability, direction, subject, peer)}`))
    .join("\n");
}

/**
 * Who reaches whom, as far as the application is concerned: `seoul/card-dmz -> busan/card-application 8080/TCP`. A pair in two clusters asks
 * each cluster about its own side; who is in neither decides nothing. What the node itself may, for kubelet's probes, is left out.
 */
export function flows(worlds: readonly [ApplicationWorld, ApplicationWorld]): string[] {
  const engines = worlds.map((world) => ({ world, reachability: world.reachability() }));
  const side = (direction: Direction, subject: Party, peer: Party): readonly Opening[] | undefined => {
    const engine = engines.find(({ world }) => world.own.some(({ name }) => name === subject.name));
    return engine?.reachability.openings(direction, subject, peer).filter(({ rules }) => !rules.includes(localHost));
  };
  const [{ own, peers }] = worlds;
  const pairs = own.flatMap((pod) =>
    peers.flatMap((peer): [Party, Party][] =>
      own.includes(peer)
        ? [[pod, peer]]
        : [
            [pod, peer],
            [peer, pod],
          ],
    ),
  );
  const tiers = new Set(worlds.flatMap(({ tiers }) => tiers));
  return pairs.flatMap(([from, to]) => {
    if (!tiers.has(from.name) && !tiers.has(to.name)) return [];
    const [out, into] = [side("egress", from, to), side("ingress", to, from)];
    const open = out && into ? out.flatMap((one) => into.flatMap((other) => overlap(one, other))) : (out ?? into ?? []);
    return open.length === 0 ? [] : [`${from.name} -> ${to.name} ${open.map(text).join(" ")}`];
  });
}

function overlap(one: Opening, other: Opening): Opening[] {
  const [from, to] = [Math.max(one.from, other.from), Math.min(one.to, other.to)];
  const l7 = [...(one.l7 ?? []), ...(other.l7 ?? [])];
  return one.protocol === other.protocol && from <= to
    ? [{ protocol: one.protocol, from, to, rules: [], ...(l7.length > 0 ? { l7 } : {}) }]
    : [];
}

/** Both clusters of a mesh that runs an application, enforced. */
export function bothWorlds(application: Input, setting: Setting = {}): readonly [ApplicationWorld, ApplicationWorld] {
  const [one, other] = meshWith(application, setting);
  return [new ApplicationWorld(one, other), new ApplicationWorld(other, one)];
}

/** `allowed` or `denied`, for a request between two pods of the first cluster. */
export function answer(world: ApplicationWorld, from: string, to: string, port: number, http: HttpRequest): string {
  const reachability = world.reachability();
  const [caller, called] = [world.party(from), world.party(to)];
  const sides = [
    reachability.side("egress", caller, called, { protocol: "TCP", port, http }),
    reachability.side("ingress", called, caller, { protocol: "TCP", port, http }),
  ];
  return sides.every(({ verdict }) => verdict === "allowed") ? "allowed" : "denied";
}
