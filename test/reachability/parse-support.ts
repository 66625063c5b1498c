import type { EngineOptions, PolicyEntry, PortRule, Requirement, Selector } from "../../proof/reachability/entry.ts";
import { type Loaded, loadPolicies } from "../../proof/reachability/load.ts";
import type { KubernetesObject } from "../../proof/rule.ts";

type Options = Partial<EngineOptions>;

export function load(objects: readonly KubernetesObject[], options: Options = {}): Loaded {
  return loadPolicies(objects, {
    cluster: "seoul",
    enablePolicy: "default",
    policyDefaultLocalCluster: false,
    hostFirewall: false,
    version: "1.20.2",
    ...options,
  });
}

export function namespaced(spec: unknown): KubernetesObject {
  return { apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy", metadata: { name: "p", namespace: "shop" }, spec };
}

export function clusterwide(spec: unknown): KubernetesObject {
  return { apiVersion: "cilium.io/v2", kind: "CiliumClusterwideNetworkPolicy", metadata: { name: "p" }, spec };
}

export function kubernetes(spec: unknown): KubernetesObject {
  const metadata = { name: "p", namespace: "shop" };
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec };
}

/** The entries of one policy, which must be accepted. */
export function entriesOf(
  object: KubernetesObject,
  options: Options = {},
  others: readonly KubernetesObject[] = [],
): readonly PolicyEntry[] {
  const { outcomes, entries } = load([...others, object], options);
  const refused = outcomes.find(({ error }) => error !== undefined);
  if (refused !== undefined) throw new Error(`${refused.name}: ${refused.error}`);
  return entries;
}

/** Why a policy is refused; "accepted" if it is not. */
export function errorOf(object: KubernetesObject, options: Options = {}): string {
  return load([object], options).outcomes[0]?.error ?? "accepted";
}

/** `k8s:app in web|api`, `!any:app`. */
function said({ source, key, operator, values }: Requirement): string {
  switch (operator) {
    case "In":
      return `${source}:${key} in ${values.join("|")}`;
    case "NotIn":
      return `${source}:${key} not in ${values.join("|")}`;
    case "Exists":
      return `${source}:${key}`;
    case "DoesNotExist":
      return `!${source}:${key}`;
  }
}

export function requirementsSaid(requirements: readonly Requirement[]): string {
  return requirements.length === 0 ? "everyone" : requirements.map(said).toSorted().join(", ");
}

function selectorSaid(selector: Selector): string {
  switch (selector.kind) {
    case "labels":
      return requirementsSaid(selector.requirements);
    case "cidr":
      return [selector.block, ...selector.except.map((block) => `-${block}`)].join(" ");
    case "cidr-group":
      return [`group ${selector.name}`, ...selector.except.map((block) => `-${block}`)].join(" ");
    case "cidr-groups":
      return `groups ${requirementsSaid(selector.requirements)}`;
    case "fqdn":
      return `name ${selector.name ?? selector.pattern}`;
  }
}

/** Whom an entry names: `none`, `anyone` or its selectors. */
export function peersSaid({ peers }: PolicyEntry): string | string[] {
  if (peers === "none") return "none";
  return peers.length === 0 ? "anyone" : peers.map(selectorSaid);
}

/** `80/TCP`, `8000-8080/TCP`. */
export function portsSaid(rules: readonly PortRule[]): string[] {
  return rules.flatMap(({ ports }) =>
    ports.map(
      ({ port, endPort, protocol }) => `${port}${endPort === undefined ? "" : `-${String(endPort)}`}/${protocol}`,
    ),
  );
}
