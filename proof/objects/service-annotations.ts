import type { Placed } from "./objects.ts";

/** What an annotation's value may be. */
export interface Annotation {
  readonly name: string;
  /** Older name that Cilium still reads. */
  readonly alias?: string;
  /** Allowed values in small letters; all without. */
  readonly values?: readonly string[];
  /** The value is compared as it is written, else in small letters. */
  readonly exact?: true;
  /** It does nothing unless the Service is global. */
  readonly ofGlobal?: true;
}

const switched = ["true", "false"];

/**
 * Annotations that Cilium reads on a Service, as of 1.18.11, 1.19.5 and 1.20 (cilium `pkg/annotation/k8s.go`,
 * `pkg/loadbalancer`, `operator/pkg/ciliumenvoyconfig/annotations.go`).
 */
export const serviceAnnotations: readonly Annotation[] = [
  { name: "service.cilium.io/global", alias: "io.cilium/global-service", values: switched },
  { name: "service.cilium.io/shared", alias: "io.cilium/shared-service", values: switched, ofGlobal: true },
  {
    name: "service.cilium.io/affinity",
    alias: "io.cilium/service-affinity",
    values: ["local", "remote", "none", ""],
    ofGlobal: true,
  },
  { name: "service.cilium.io/global-sync-endpoint-slices", values: switched, ofGlobal: true },
  { name: "service.cilium.io/lb-algorithm", values: ["random", "maglev"], exact: true },
  { name: "service.cilium.io/forwarding-mode", values: ["dsr", "snat", "hybrid"] },
  { name: "service.cilium.io/node" },
  { name: "service.cilium.io/node-selector" },
  { name: "service.cilium.io/type", values: ["ClusterIP", "NodePort", "LoadBalancer"], exact: true },
  { name: "service.cilium.io/src-ranges-policy", values: ["allow", "deny"] },
  { name: "service.cilium.io/proxy-delegation", values: ["none", "delegate-if-local"] },
  { name: "service.cilium.io/lb-l7", values: ["enabled", "disabled"], exact: true },
  {
    name: "service.cilium.io/lb-l7-algorithm",
    values: ["round_robin", "least_request", "random", "ring_hash", "maglev"],
  },
  { name: "lbipam.cilium.io/ips", alias: "io.cilium/lb-ipam-ips" },
  { name: "lbipam.cilium.io/sharing-key", alias: "io.cilium/lb-ipam-sharing-key" },
  { name: "lbipam.cilium.io/sharing-cross-namespace", alias: "io.cilium/lb-ipam-sharing-cross-namespace" },
  // Both prefixes occur in Cilium's documentation and code.
  { name: "nodeipam.cilium.io/match-node-labels" },
  { name: "io.cilium.nodeipam/match-node-labels" },
];

/** Prefixes under which Cilium reads nothing else on a Service. */
export const servicePrefixes = ["service.cilium.io/", "lbipam.cilium.io/", "nodeipam.cilium.io/", "io.cilium/"];

/** Labels and annotations under the same prefixes that stand on Services and are written by Cilium itself. */
export const writtenByCilium = ["service.cilium.io/local-endpointslice", "service.cilium.io/weight"];

/** The value of an annotation under its name or its older one. */
export function annotationOf({ annotations }: Placed, name: string): string | undefined {
  const alias = serviceAnnotations.find((annotation) => annotation.name === name)?.alias;
  const value = annotations[name] ?? (alias === undefined ? undefined : annotations[alias]);
  return typeof value === "string" ? value : undefined;
}
