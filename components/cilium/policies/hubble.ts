import type { PodSelector } from "../../config/policies.ts";
import { ports } from "../../network/ports.ts";
import { allow, allowEach } from "./allow.ts";
import type { PolicySite } from "./phases.ts";
import { pods, toPorts } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { systemPodPorts, systemPods } from "./system-pods.ts";

const nodes = ["host", "remote-node"];

/** Hubble's relay asks every agent, its UI asks the relay, and Prometheus asks agents, operators, Envoy and the pods around them. */
export function hubble({ policies, site }: PolicySite): PolicyObject[] {
  return [
    allow("hubble-relay", {
      endpointSelector: pods(systemPods.hubbleRelay),
      ingress: [{ fromEndpoints: [pods(systemPods.hubbleUi)], toPorts: toPorts(systemPodPorts.hubbleRelay) }],
      egress: [{ toEntities: nodes, toPorts: toPorts(ports.hubble) }],
    }),
    allow("hubble-ui", {
      endpointSelector: pods(systemPods.hubbleUi),
      egress: [{ toEndpoints: [pods(systemPods.hubbleRelay)], toPorts: toPorts(systemPodPorts.hubbleRelay) }],
    }),
    ...metrics(policies.scrapers, site.mesh !== undefined),
  ];
}

function metrics(scrapers: readonly PodSelector[], inMesh: boolean): PolicyObject[] {
  if (scrapers.length === 0) return [];
  const targets = [
    { name: "dns", pod: systemPods.dns, port: systemPodPorts.dnsMetrics },
    { name: "hubble-relay", pod: systemPods.hubbleRelay, port: systemPodPorts.hubbleRelayMetrics },
    ...(inMesh ? [{ name: "mesh", pod: systemPods.meshApiserver, port: systemPodPorts.meshMetrics }] : []),
  ];
  return [
    ...allowEach("scraper", scrapers, () => ({
      egress: [
        { toEntities: nodes, toPorts: toPorts(ports.metrics) },
        ...targets.map(({ pod, port }) => ({ toEndpoints: [pods(pod)], toPorts: toPorts(port) })),
      ],
    })),
    ...targets.map(({ name, pod, port }) =>
      allow(`${name}-metrics`, {
        endpointSelector: pods(pod),
        ingress: [{ fromEndpoints: scrapers.map((scraper) => pods(scraper)), toPorts: toPorts(port) }],
      }),
    ),
  ];
}
