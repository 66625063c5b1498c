import type { SiteSpec } from "../../config/schema.ts";
import type { SegmentationSpec } from "../../config/segmentation.ts";
import { demoObjects } from "../demo-service.ts";
import { applicationBundle, namespacesOf } from "./applications.ts";
import { baseline } from "./baseline.ts";
import { crossCluster } from "./cross-cluster.ts";
import { defaultDeny } from "./default-deny.ts";
import { egressByName } from "./egress-fqdn.ts";
import { hostAllow, hostDefaultDeny } from "./host-firewall.ts";
import { metadataAllow, metadataDeny } from "./metadata-services.ts";
import { policySite, systemNamespaces } from "./phases.ts";
import type { PolicyObject } from "./policy.ts";

/** Policies of a site by the order in which they are applied: each stage stands before the next begins. */
export interface PolicyStages {
  /** What every pod and Cilium itself needs. */
  readonly baseline: readonly PolicyObject[];
  /** Conversations of applications. */
  readonly allows: readonly PolicyObject[];
  /** What denies: default deny, metadata services. */
  readonly denies: readonly PolicyObject[];
}

const none: PolicyStages = { baseline: [], allows: [], denies: [] };

/** @param peers  The other members of its mesh. */
export function policyStages(site: SiteSpec, peers: readonly SiteSpec[]): PolicyStages {
  if (!site.policies) return none;
  const facts = policySite(site, peers, site.policies);
  const applications = site.policies.applications.map((spec) => applicationBundle(spec, facts));
  return {
    baseline: [...baseline(facts), ...hostAllow(facts)],
    allows: [
      ...egressByName(facts),
      ...crossCluster(facts),
      ...metadataAllow(facts),
      ...applications.flatMap(({ objects }) => objects),
    ],
    denies: [...metadataDeny(facts), ...defaultDeny(facts), ...hostDefaultDeny(facts)],
  };
}

/** Every policy of a site. */
export function policyObjects(site: SiteSpec, peers: readonly SiteSpec[]): PolicyObject[] {
  const { allows, baseline: first, denies } = policyStages(site, peers);
  return [...first, ...allows, ...denies];
}

/** Name of a policy's resource in the program of a site. */
export function policyResourceName(site: string, { kind, metadata }: PolicyObject): string {
  return [site, kind, metadata.namespace, metadata.name].filter((part) => part !== undefined).join("-");
}

/** Namespaces of this cluster that its policies name, and that nothing else brings. */
export function policyNamespaces(site: SiteSpec, peers: readonly SiteSpec[]): string[] {
  const { policies } = site;
  if (!policies) return [];
  const demo = site.mesh?.demoService ? [demoObjects(site).namespace.metadata.name] : [];
  const there = ["default", ...systemNamespaces, ...demo];
  const selectors = [
    ...policies.dns.without,
    ...policies.apiClients,
    ...policies.fromNodes,
    ...policies.ingressBackends,
    ...policies.scrapers,
    ...policies.egress,
    ...policies.metadataServices.exceptions,
    ...policies.crossCluster.flatMap(({ from, to }) => [from, to]).filter(({ cluster }) => cluster === site.name),
  ];
  const named = [
    ...selectors.map(({ namespace }) => namespace),
    ...policies.applications.flatMap(namespacesOf),
    ...policyObjects(site, peers).flatMap(({ metadata }) => metadata.namespace ?? []),
  ];
  return [...new Set(named)].filter((name) => !there.includes(name)).toSorted();
}

/** What the site's report is about: zones and promises of its applications, and of the stack file itself, which wins. */
export function segmentationOf(site: SiteSpec, peers: readonly SiteSpec[]): SegmentationSpec {
  const facts = site.policies && policySite(site, peers, site.policies);
  const bundles = facts ? facts.policies.applications.map((spec) => applicationBundle(spec, facts)) : [];
  const all = [...bundles.map(({ segmentation }) => segmentation), ...(site.segmentation ? [site.segmentation] : [])];
  return {
    zones: Object.assign({}, ...all.map(({ zones }) => zones)),
    promises: all.flatMap(({ promises }) => promises),
  };
}
