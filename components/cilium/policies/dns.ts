import type { SiteSpec } from "../../config/schema.ts";
import { allow } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { awsResolvers, azurePlatform } from "./platform-addresses.ts";
import { everyPod, pods, prefixed } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { allExcept } from "./subjects.ts";
import { systemPodPorts, systemPods } from "./system-pods.ts";

// Not protocol ANY, which has SCTP in it.
const dnsPort = [{ ports: ["UDP", "TCP"].map((protocol) => ({ port: String(systemPodPorts.dns), protocol })) }];

/**
 * Lookups of every pod, seen by Cilium's DNS proxy: `toFQDNs` lives on them, and so do Hubble's records. And CoreDNS's own ways: its
 * clients, the resolvers it asks.
 */
export function dns({ policies, site }: PolicySite): PolicyObject[] {
  const excluded = policies.dns.without.map(({ namespace, labels }) => ({
    namespace,
    labels: prefixed(labels),
  }));
  const clients = allExcept(undefined, excluded).map((endpointSelector, index) =>
    allow(index === 0 ? "dns" : `dns-${index}`, {
      endpointSelector,
      egress: [
        {
          toEndpoints: [pods(systemPods.dns)],
          toPorts: dnsPort.map((rule) => ({ ...rule, rules: { dns: [{ matchPattern: "*" }] } })),
        },
      ],
    }),
  );
  return [
    ...clients,
    allow("dns-server", {
      endpointSelector: pods(systemPods.dns),
      ingress: [
        { fromEndpoints: [everyPod], toPorts: dnsPort },
        // Pods of the host network with dnsPolicy ClusterFirstWithHostNet.
        { fromEntities: ["host", "remote-node"], toPorts: dnsPort },
      ],
      egress: [{ ...upstreams(site, policies.dns.upstreams), toPorts: dnsPort }],
    }),
  ];
}

/** Addresses of the resolvers that CoreDNS may ask: those of the stack file or the cloud; elsewhere any, of which this is one. */
export function resolvers(site: SiteSpec, given: readonly string[]): string[] {
  const { toCIDR } = upstreams(site, given);
  return toCIDR?.map((block) => block.replace(/\/\d+$/, "")) ?? ["198.51.100.53"];
}

interface Upstreams {
  readonly toCIDR?: readonly string[];
  readonly toEntities?: readonly string[];
}

function upstreams(site: SiteSpec, given: readonly string[]): Upstreams {
  if (given.length > 0) return { toCIDR: given };
  switch (site.platform) {
    case "aws":
      return { toCIDR: awsResolvers(site) };
    case "azure":
      return { toCIDR: [azurePlatform] };
    case "on-prem":
    case "existing":
      return { toEntities: ["world", "host", "remote-node"] };
  }
}
