import fc from "fast-check";
import type { z } from "zod";
import { PoliciesSpec } from "../../../components/config/policies.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { loadPolicies } from "../../../proof/reachability/load.ts";
import { podParty } from "../../../proof/reachability/party.ts";
import { Reachability } from "../../../proof/reachability/reachability.ts";
import type { KubernetesObject } from "../../../proof/rule.ts";
import { engineOptions } from "../../../proof/segmentation/engine-options.ts";
import { busan, idcBusan, idcSeoul, localMember, seoul } from "../sites.ts";

type Policies = z.input<typeof PoliciesSpec>;

/** The site with policies as a stack file would write them. */
export function policed<Site extends SiteSpec>(site: Site, policies: Policies): Site {
  return { ...site, policies: PoliciesSpec.parse(policies) };
}

/** A member of a mesh on each platform, and its peers. */
export const members: readonly (readonly [SiteSpec, readonly SiteSpec[]])[] = [
  [seoul, [busan]],
  [busan, [seoul]],
  [idcSeoul, [idcBusan]],
  [localMember, [idcBusan]],
];

/** Every list filled, everything enforced, nodes too where they are ours. */
export const everything = (site: SiteSpec): Policies => ({
  phase: "enforce",
  namespaces: { "kube-system": "enforce" },
  scrapers: [{ namespace: "monitoring", labels: { app: "prometheus" } }],
  fromNodes: [{ namespace: "cert-manager", labels: { app: "webhook" }, ports: ["10250/TCP"] }],
  ingressBackends: [{ namespace: "shop", labels: { app: "web" }, ports: ["8080/TCP"] }],
  apiClients: [{ namespace: "cert-manager" }],
  egress: [{ namespace: "shop", labels: { app: "web" }, hosts: ["api.partner.example"], ports: ["443/TCP"] }],
  ...(site.platform === "existing" ? {} : { hostFirewall: { phase: "enforce" as const } }),
});

const namespace = fc.constantFrom("shop", "bank", "db", "kube-system");
const labels = fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("web", "data"), { maxKeys: 2 });
export const selector = fc.record({ namespace, labels });
const phase = fc.constantFrom("audit" as const, "enforce" as const);
const ports = fc.uniqueArray(fc.constantFrom("443/TCP", "53/UDP", "8000-8010/TCP"), { minLength: 1 });
const withPorts = fc.record({ namespace, labels, ports });
const hosts = fc.uniqueArray(fc.constantFrom("a.example", "*.b.example"), { minLength: 1 });
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });

/** What stack files may hold, without applications: these have tests of their own. */
export const anyPolicies: fc.Arbitrary<Policies> = fc.record({
  phase,
  namespaces: fc.dictionary(namespace, phase),
  dns: fc.record({ without: list(selector), upstreams: list(fc.constantFrom("10.99.0.53/32", "192.0.2.0/24")) }),
  apiClients: list(selector),
  fromNodes: list(withPorts),
  ingressBackends: list(withPorts),
  scrapers: list(selector),
  egress: list(fc.record({ namespace, labels, hosts, ports })),
  metadataServices: fc.record({
    everywhere: fc.constant(false),
    exceptions: list(fc.record({ namespace, serviceAccount: fc.constantFrom("default", "agent") })),
  }),
  crossCluster: list(
    fc.record({
      from: fc.record({ cluster: fc.constantFrom("prod-seoul", "dr-busan"), namespace, labels }),
      to: fc.record({ cluster: fc.constantFrom("prod-seoul", "dr-busan"), namespace, labels }),
      ports,
    }),
  ),
  hostFirewall: fc.record({ phase, allow: list(fc.record({ from: fc.constant("192.0.2.0/24"), ports })) }),
});

/** What Cilium makes of the policies of a site. */
export function cilium(site: SiteSpec, peers: readonly SiteSpec[], objects: readonly KubernetesObject[]) {
  const options = engineOptions(site, peers);
  return { options, loaded: loadPolicies(objects, options) };
}

/** A pod of the site's own cluster. */
export const podIn = (site: SiteSpec, space: string, own: Record<string, string> = {}, serviceAccount = "default") =>
  podParty({ name: "pod", namespace: space, labels: own, serviceAccount, cluster: site.name });

export { Reachability };
