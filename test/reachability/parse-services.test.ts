import { describe, expect, it } from "vitest";
import { entriesOf, namespaced, peersSaid } from "./parse-support.ts";

const web = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop", labels: { tier: "front" } },
  spec: { selector: { app: "web" } },
};
const core = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "core", namespace: "bank", labels: { tier: "back" } },
  spec: {},
};
const ports = [{ port: 5432 }];
const slice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "core-1", namespace: "bank", labels: { "kubernetes.io/service-name": "core" } },
  addressType: "IPv4",
  endpoints: [{ addresses: ["192.0.2.7", "no address"] }, { addresses: ["192.0.2.8"], conditions: { ready: false } }],
  ports,
};
const shopPods = "k8s:app in web, k8s:io.kubernetes.pod.namespace in shop";
const everything = [web, core, slice];

function peersOf(services: unknown, others: readonly Readonly<Record<string, unknown>>[] = everything, rest = {}) {
  const egress = [{ toServices: services, ...rest }];
  const [entry] = entriesOf(namespaced({ endpointSelector: {}, egress }), {}, others);
  return entry && peersSaid(entry);
}

describe("toServices", () => {
  it.each([
    ["a Service's pods", [{ k8sService: { serviceName: "web", namespace: "shop" } }], [shopPods]],
    ["a Service in any namespace", [{ k8sService: { serviceName: "web" } }], [shopPods]],
    [
      "addresses, where it selects no pods",
      [{ k8sService: { serviceName: "core" } }],
      ["192.0.2.7/32", "192.0.2.8/32"],
    ],
    ["Services by label", [{ k8sServiceSelector: { selector: { matchLabels: { tier: "front" } } } }], [shopPods]],
    [
      "Services by expression",
      [
        {
          k8sServiceSelector: {
            selector: {
              matchExpressions: [
                { key: "k8s:tier", operator: "In", values: ["front", "x"] },
                { key: "tier", operator: "NotIn", values: ["back"] },
                { key: "other", operator: "DoesNotExist" },
                { key: "tier", operator: "Exists" },
              ],
            },
          },
        },
      ],
      [shopPods],
    ],
    ["every Service of a namespace", [{ k8sServiceSelector: { selector: {}, namespace: "shop" } }], [shopPods]],
    ["nobody, where there is none", [{ k8sService: { serviceName: "web", namespace: "bank" } }], "none"],
  ])("means %s", (_, services, wanted) => {
    expect(peersOf(services)).toEqual(wanted);
  });

  it("with ports is everyone where no Service is found, as Cilium has it", () => {
    const toPorts = [{ ports: [{ port: "443", protocol: "TCP" }] }];
    expect(peersOf([{ k8sService: { serviceName: "nowhere" } }], everything, { toPorts })).toBe("anyone");
  });

  it("is looked up for entries that allow only", () => {
    const toPorts = [{ ports: [{ port: "443", protocol: "TCP" }] }];
    const egressDeny = [{ toServices: [{ k8sService: { serviceName: "web" } }], toPorts }];
    const [entry] = entriesOf(namespaced({ endpointSelector: {}, egressDeny }), {}, everything);
    expect(entry && peersSaid(entry)).toBe("anyone");
  });

  it("is limited to the local cluster where that is the default", () => {
    const egress = [{ toServices: [{ k8sService: { serviceName: "web" } }] }];
    const policy = namespaced({ endpointSelector: {}, egress });
    const [entry] = entriesOf(policy, { policyDefaultLocalCluster: true }, everything);
    expect(entry && peersSaid(entry)).toEqual([
      "k8s:app in web, k8s:io.cilium.k8s.policy.cluster in seoul, k8s:io.kubernetes.pod.namespace in shop",
    ]);
  });

  it("joins an empty list of what it comes to, and of nothing else", () => {
    const [pods, addresses] = [[{ k8sService: { serviceName: "web" } }], [{ k8sService: { serviceName: "core" } }]];
    expect(peersOf(pods, everything, { toEndpoints: [] })).toEqual([shopPods]);
    expect(peersOf(pods, everything, { toCIDRSet: [] })).toBe("none");
    expect(peersOf(addresses, everything, { toCIDRSet: [] })).toEqual(["192.0.2.7/32", "192.0.2.8/32"]);
    expect(peersOf(addresses, everything, { toEndpoints: [] })).toBe("none");
  });

  it.each([
    ["a slice without ports", { ...slice, ports: [] }],
    ["a slice of names", { ...slice, addressType: "FQDN" }],
    ["a slice of another Service", { ...slice, metadata: { ...slice.metadata, labels: {} } }],
  ])("finds no address in %s", (_, other) => {
    expect(peersOf([{ k8sService: { serviceName: "core" } }], [core, other])).toBe("none");
  });

  it("finds addresses in Endpoints", () => {
    const endpoints = {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "core", namespace: "bank" },
      subsets: [{ addresses: [{ ip: "192.0.2.9" }, { ip: "2001:db8::9" }], ports }],
    };
    expect(peersOf([{ k8sService: { serviceName: "core" } }], [core, endpoints])).toEqual([
      "192.0.2.9/32",
      "2001:db8::9/128",
    ]);
  });
});
