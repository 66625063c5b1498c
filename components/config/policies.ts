import { z } from "zod";
import { Cidr } from "../network/cidr.ts";
import { ApplicationSpec } from "./applications.ts";
import { Labels, NamespaceName } from "./segmentation.ts";

/** `audit`: policies are there, L7 is seen, nothing is dropped. `enforce`: what no policy allows is dropped. */
export const Phase = z.enum(["audit", "enforce"]);
export type Phase = z.infer<typeof Phase>;

/** `443/TCP`, `8000-8010/UDP`; what a container listens on, since policies see packets after a Service's address is replaced. */
const PolicyPort = z
  .string()
  .regex(/^\d{1,5}(-\d{1,5})?\/(TCP|UDP|SCTP)$/, "write a port and protocol such as 443/TCP or 8000-8010/UDP")
  .refine(isRange, { error: "write ports from 1 to 65535, the smaller one first" });

function isRange(text: string): boolean {
  const [first = 0, last = first] = (text.split("/")[0] ?? "").split("-").map(Number);
  return first >= 1 && first <= last && last <= 65_535;
}

/** Cilium takes 40 ports in one element of `toPorts` (pkg/policy/api/rule_validation.go). */
const PolicyPorts = z.array(PolicyPort).min(1).max(40);

/** Pods of one namespace; all of them without labels. */
export const PodSelector = z.strictObject({ namespace: NamespaceName, labels: Labels.default({}) });
export type PodSelector = z.infer<typeof PodSelector>;

const PodPorts = PodSelector.extend({ ports: PolicyPorts });
export type PodPorts = z.infer<typeof PodPorts>;

/** A host name, or one with `*` for a part of it. `**` changed its meaning with Cilium 1.19 and is left out. */
const HostPattern = z
  .string()
  .regex(
    /^(?!.*\*\*)([-a-z0-9_*]+\.)+[-a-z0-9_*]+$/,
    "write a host name such as api.partner.example or *.partner.example",
  );

/** Pods that may call hosts outside of the cluster, by name. */
const FqdnEgress = PodSelector.extend({ hosts: z.array(HostPattern).min(1).max(100), ports: PolicyPorts });
export type FqdnEgress = z.infer<typeof FqdnEgress>;

const ClusterPods = PodSelector.extend({
  /** The member it runs in: a site's name. */
  cluster: z.string().min(1).max(32),
});
/** One conversation between pods of two members. Each member's stack file holds it: policies are not replicated. */
const CrossClusterRule = z.strictObject({ from: ClusterPods, to: ClusterPods, ports: PolicyPorts });
export type CrossClusterRule = z.infer<typeof CrossClusterRule>;

/** Pods of one service account. */
const ServiceAccount = z.strictObject({ namespace: NamespaceName, serviceAccount: z.string().min(1).max(253) });

const HostFirewallSpec = z.strictObject({
  phase: Phase.default("audit"),
  /** Who else reaches nodes, beyond the port table: monitoring hosts, a load balancer of the data centre, operators. */
  allow: z.array(z.strictObject({ from: Cidr, ports: PolicyPorts })).default([]),
});

/** `gyeongbu:site.policies`: network policies of ours. Without the key there are none. */
export const PoliciesSpec = z.strictObject({
  /** Of every namespace that `namespaces` does not name. Namespaces of Kubernetes and Cilium themselves stay in audit until named. */
  phase: Phase.default("audit"),
  namespaces: z.record(NamespaceName, Phase).default({}),
  /** Whether a Namespace is made for every namespace that this key names. It is kept when its policies go. */
  createNamespaces: z.boolean().default(true),
  dns: z
    .strictObject({
      /** Resolvers that CoreDNS asks; by default the cloud's, and on-prem any at port 53. */
      upstreams: z.array(Cidr).default([]),
      /** Pods that must not even look up names. */
      without: z.array(PodSelector).default([]),
    })
    .prefault({}),
  /** Controllers and operators outside of kube-system that call the Kubernetes API. */
  apiClients: z.array(PodSelector).default([]),
  /** Pods that nodes call: admission webhooks, and Services whose clients' address a node replaces (NodePort, LoadBalancer). */
  fromNodes: z.array(PodPorts).default([]),
  /** What Gateways and Ingresses send requests to. */
  ingressBackends: z.array(PodPorts).default([]),
  /** Prometheus and the like: `{namespace: monitoring, labels: {app.kubernetes.io/name: prometheus}}` as kube-prometheus labels it. */
  scrapers: z.array(PodSelector).default([]),
  egress: z.array(FqdnEgress).default([]),
  metadataServices: z
    .strictObject({
      /** Whether pods of namespaces in audit are refused too. */
      everywhere: z.boolean().default(false),
      /** Service accounts whose pods may ask. */
      exceptions: z.array(ServiceAccount).default([]),
    })
    .prefault({}),
  crossCluster: z.array(CrossClusterRule).default([]),
  hostFirewall: HostFirewallSpec.optional(),
  applications: z.array(ApplicationSpec).default([]),
});
export type PoliciesSpec = z.infer<typeof PoliciesSpec>;
