import type { Phase, PoliciesSpec } from "../../config/policies.ts";
import type { SiteSpec } from "../../config/schema.ts";

/** What policies depend on beside their own parameters. */
export interface PolicySite {
  /** Cilium's `cluster.name`. */
  readonly cluster: string;
  /** Every member of the mesh, this one first. */
  readonly clusters: readonly string[];
  /** Exact version of Cilium. */
  readonly version: string;
  readonly phaseOf: (namespace: string) => Phase;
  readonly site: SiteSpec;
  readonly peers: readonly SiteSpec[];
  readonly policies: PoliciesSpec;
}

/** Namespaces of Kubernetes and Cilium: enforced only where the stack file names them. */
export const systemNamespaces = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "cilium-secrets",
  "cilium-spire",
] as const;

const isSystem = (namespace: string) => systemNamespaces.some((name) => name === namespace);

/** Which phase each namespace is in. */
export function phaseOf({
  namespaces,
  phase,
}: Pick<PoliciesSpec, "namespaces" | "phase">): (namespace: string) => Phase {
  const named = new Map(Object.entries(namespaces));
  return (namespace) => named.get(namespace) ?? (isSystem(namespace) ? "audit" : phase);
}

export function policySite(site: SiteSpec, peers: readonly SiteSpec[], policies: PoliciesSpec): PolicySite {
  return {
    cluster: site.name,
    clusters: [site.name, ...peers.map(({ name }) => name)],
    version: site.cilium.version,
    phaseOf: phaseOf(policies),
    site,
    peers,
    policies,
  };
}

type Spec = Readonly<Record<string, unknown>>;

/** A policy that adds what it allows and switches default deny on for nobody. */
export const withoutDefaultDeny = (spec: Spec): Spec => ({
  ...spec,
  enableDefaultDeny: { ingress: false, egress: false },
});

/**
 * A policy as its namespace's phase wants it. In audit it drops nothing: no default deny, L7 rules widened by Cilium itself
 * (`pkg/policy/l4.go`, ensureWildcard), and no deny entries, which would act in any case.
 */
export function inPhase(phase: Phase, spec: Spec): Spec {
  if (phase === "enforce") return spec;
  const { ingressDeny: _, egressDeny: __, ...rest } = spec;
  return withoutDefaultDeny(rest);
}

/** The namespaces in a phase as an expression on the namespace label; `undefined` where no pod can match. */
export function enforcedNamespaces({
  namespaces,
  phase,
}: Pick<PoliciesSpec, "namespaces" | "phase">): { operator: "In" | "NotIn"; values: string[] } | undefined {
  const of = phaseOf({ namespaces, phase });
  const known = [...new Set([...systemNamespaces, ...Object.keys(namespaces)])].toSorted();
  if (phase === "enforce") return { operator: "NotIn", values: known.filter((name) => of(name) === "audit") };
  const enforced = known.filter((name) => of(name) === "enforce");
  return enforced.length > 0 ? { operator: "In", values: enforced } : undefined;
}
