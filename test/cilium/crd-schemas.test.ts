import { describe, expect, it } from "vitest";
import { ciliumKinds, locateProblems, resourceProblems } from "../../components/cilium/crd-schemas.ts";

const newest = "1.20.2";

function bgpPeerConfig(spec: object) {
  return { apiVersion: "cilium.io/v2", kind: "CiliumBGPPeerConfig", metadata: { name: "tor" }, spec };
}
function advertisement(...advertisements: object[]) {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPAdvertisement",
    metadata: { name: "seoul", labels: { advertise: "seoul" } },
    spec: { advertisements },
  };
}
function policy(spec: object) {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "web", namespace: "shop" },
    spec: { endpointSelector: {}, ...spec },
  };
}

/** A data centre's whole BGP set-up, as `facts` of Cilium's documentation have it. */
const sound = [
  bgpPeerConfig({
    authSecretRef: "bgp-tor-md5",
    ebgpMultihop: 1,
    timers: { connectRetryTimeSeconds: 12, holdTimeSeconds: 9, keepAliveTimeSeconds: 3 },
    gracefulRestart: { enabled: true, restartTimeSeconds: 120 },
    transport: { peerPort: 179 },
    families: [{ afi: "ipv4", safi: "unicast", advertisements: { matchLabels: { advertise: "seoul" } } }],
  }),
  {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPClusterConfig",
    metadata: { name: "rack-1" },
    spec: {
      nodeSelector: { matchLabels: { "topology.example.kr/rack": "r1" } },
      bgpInstances: [
        {
          name: "main",
          localASN: 65_101,
          peers: [{ name: "tor-a", peerASN: 65_001, peerAddress: "10.10.1.1", peerConfigRef: { name: "tor" } }],
        },
      ],
    },
  },
  advertisement(
    { advertisementType: "PodCIDR", attributes: { communities: { standard: ["65101:100"] } } },
    {
      advertisementType: "Service",
      service: { addresses: ["LoadBalancerIP"] },
      selector: { matchExpressions: [{ key: "bgp", operator: "NotIn", values: ["never"] }] },
    },
  ),
  {
    apiVersion: "cilium.io/v2",
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name: "vip" },
    spec: {
      blocks: [{ cidr: "10.90.0.0/24" }, { start: "10.90.1.10", stop: "10.90.1.50" }],
      allowFirstLastIPs: "No",
      serviceSelector: { matchLabels: { pool: "public" } },
      disabled: false,
    },
  },
  policy({
    ingress: [
      {
        fromEndpoints: [{ matchLabels: { app: "web" } }],
        toPorts: [{ ports: [{ port: "8080", protocol: "TCP" }], rules: { http: [{ method: "GET", path: "/.*" }] } }],
      },
    ],
    egress: [{}],
  }),
];

describe("resourceProblems", () => {
  it.each(sound.map((object) => [object.kind, object] as const))("accepts a sound %s on every minor", (_, object) => {
    for (const version of ["1.18.12", "1.19.6", newest]) expect(resourceProblems(version, object)).toEqual([]);
  });

  const [peer, cluster] = sound;
  it.each<[string, object, string]>([
    ["an unknown field", bgpPeerConfig({ timer: {} }), "spec.timer: unknown field; did you mean timers?"],
    [
      "a field that is no part of a policy's peer",
      policy({ ingress: [{ fromEndpoints: [{ namespaceSelector: {} }] }] }),
      "spec.ingress[0].fromEndpoints[0].namespaceSelector: unknown field; known here: matchExpressions, matchLabels",
    ],
    [
      "an L7 deny",
      policy({ ingress: [{ toPorts: [{ rules: { http: [{ path: "/admin", action: "DENY" }] } }] }] }),
      "spec.ingress[0].toPorts[0].rules.http[0].action: unknown field; known here: headerMatches, headers, host, method, path",
    ],
    [
      "a hold time below the default keepalive",
      bgpPeerConfig({ timers: { holdTimeSeconds: 9 } }),
      "spec.timers: keepAliveTimeSeconds can not be larger than holdTimeSeconds",
    ],
    [
      "a hold time of 2",
      bgpPeerConfig({ timers: { holdTimeSeconds: 2, keepAliveTimeSeconds: 1 } }),
      "spec.timers.holdTimeSeconds: 2 is outside 3 to 65535",
    ],
    [
      "a selector on pod CIDRs",
      advertisement({ advertisementType: "PodCIDR", selector: { matchLabels: { a: "b" } } }),
      "spec.advertisements[0]: selector field is not allowed for the 'PodCIDR' advertisementType",
    ],
    [
      "a service advertisement of nothing",
      advertisement({ advertisementType: "Service", selector: {} }),
      "spec.advertisements[0]: service field is required for the 'Service' advertisementType",
    ],
    [
      "an unknown type of address",
      advertisement({ advertisementType: "Service", selector: {}, service: { addresses: ["VIP"] } }),
      'spec.advertisements[0].service.addresses[0]: "VIP" is none of "LoadBalancerIP", "ClusterIP", "ExternalIP"',
    ],
    [
      "a number where a port is text",
      policy({ ingress: [{ toPorts: [{ ports: [{ port: 80 }] }] }] }),
      "spec.ingress[0].toPorts[0].ports[0].port: wants string, got 80",
    ],
    [
      "a bad entity",
      policy({ ingress: [{ fromEntities: ["moon"] }] }),
      'spec.ingress[0].fromEntities[0]: "moon" is none of ',
    ],
    [
      "a bad CIDR",
      policy({ egress: [{ toCIDR: ["10.0.0.0/33"] }] }),
      'spec.egress[0].toCIDR[0]: "10.0.0.0/33" is not a valid cidr',
    ],
    [
      "a selector of pods and nodes at once",
      { ...policy({}), spec: { endpointSelector: {}, nodeSelector: {}, ingress: [{}] } },
      "spec: wants exactly one of ",
    ],
    ["a policy that says nothing", { ...policy({}), spec: undefined }, "spec or specs must be provided"],
    ["a name in capitals", { ...peer, metadata: { name: "TOR" } }, 'metadata.name: "TOR" is no RFC 1123 subdomain'],
    [
      "a namespace on a cluster-scoped kind",
      { ...cluster, metadata: { name: "a", namespace: "b" } },
      "metadata.namespace: the kind is cluster-scoped",
    ],
    ["no name at all", { ...cluster, metadata: undefined }, "metadata: required value is missing"],
    ["a missing list", { ...cluster, spec: {} }, "spec.bgpInstances: required value is missing"],
    [
      "a misspelt kind",
      { ...cluster, kind: "CiliumBGPClusterConf" },
      'no matches for kind "CiliumBGPClusterConf" in version "cilium.io/v2"; did you mean CiliumBGPClusterConfig?',
    ],
    [
      "a version that is not served",
      { ...cluster, apiVersion: "cilium.io/v1" },
      'no matches for kind "CiliumBGPClusterConfig" in version "cilium.io/v1"',
    ],
  ])("refuses %s", (_, object, problem) => {
    expect(resourceProblems(newest, object).join("\n")).toContain(problem);
  });

  it("lets what is not known yet pass", () => {
    expect(resourceProblems(newest, bgpPeerConfig({ authSecretRef: undefined, timers: undefined }))).toEqual([]);
  });

  it("holds an immutable field", () => {
    const pool = (maskSize: number) => ({
      apiVersion: "cilium.io/v2alpha1",
      kind: "CiliumPodIPPool",
      metadata: { name: "default" },
      spec: { ipv4: { cidrs: ["10.128.0.0/16"], maskSize } },
    });
    expect(resourceProblems(newest, pool(25), pool(24))).toEqual(["spec.ipv4.maskSize: maskSize is immutable"]);
    expect(resourceProblems(newest, pool(24), pool(24))).toEqual([]);
  });

  it("knows what changed between the minors", () => {
    const kafka = policy({
      ingress: [{ toPorts: [{ ports: [{ port: "9092" }], rules: { kafka: [{ topic: "a" }] } }] }],
    });
    expect(resourceProblems("1.19.6", kafka)).toEqual([]);
    expect(resourceProblems(newest, kafka).join()).toContain("rules.kafka: unknown field");
    const byInterface = advertisement({ advertisementType: "Interface", interface: { name: "lo" } });
    expect(resourceProblems("1.18.12", byInterface).join()).toContain(
      "interface: unknown field in 1.18.12; it came with 1.19",
    );
    expect(resourceProblems(newest, byInterface)).toEqual([]);
  });

  it.each<[string, string, object, string]>([
    ["1.18.12", "VRRP", { toPorts: [{ ports: [{ port: "0", protocol: "VRRP" }] }] }, '"VRRP" is none of "TCP", "UDP"'],
    ["1.18.12", "no port", { toPorts: [{ ports: [{ protocol: "TCP" }] }] }, "port: required value is missing"],
    ["1.19.6", "GRE", { toPorts: [{ ports: [{ protocol: "GRE" }] }] }, '"GRE" is none of '],
    ["1.19.6", "cluster-mesh", { fromEntities: ["cluster-mesh"] }, '"cluster-mesh" is none of '],
    ["1.19.6", "fromRequires", { fromRequires: [{ matchLabels: { a: "b" } }] }, "has 1 elements, wants 0 to 0"],
    [
      "1.19.6",
      "a wildcard within a server's name",
      { toPorts: [{ serverNames: ["a.*.kr"] }] },
      '"a.*.kr" does not match',
    ],
    ["1.19.6", "a role of Kafka", { toPorts: [{ rules: { kafka: [{ role: "read" }] } }] }, '"read" is none of '],
  ])("refuses in %s: %s", (version, _, entry, problem) => {
    expect(resourceProblems(version, policy({ ingress: [entry] })).join("\n")).toContain(problem);
  });

  it("takes a pattern of Go's regular expressions for what it means", () => {
    expect(resourceProblems(newest, policy({ ingress: [{}], log: { value: "PCI scope" } }))).toEqual([]);
    expect(resourceProblems(newest, policy({ ingress: [{}], log: { value: "a\u0007" } })).join()).toContain(
      "log.value",
    );
  });

  it("gives each problem its path", () => {
    expect(locateProblems(newest, policy({ egress: [{ toCIDR: ["10.0.0.0/33"] }] }))).toEqual([
      { path: ["spec", "egress", 0, "toCIDR", 0], problem: '"10.0.0.0/33" is not a valid cidr' },
    ]);
    expect(locateProblems(newest, policy({ ingres: [], egress: [{}] }))).toMatchObject([
      { path: ["spec", "ingres"], known: expect.arrayContaining(["ingress", "egress"]) },
    ]);
  });

  it("names the minors it knows", () => {
    expect(() => resourceProblems("1.17.4", peer)).toThrow("only of 1.18 to 1.20");
  });
});

it("lists the kinds an operator registers", () => {
  const kinds = ciliumKinds(newest);
  expect(kinds).toContainEqual({ kind: "CiliumNetworkPolicy", version: "v2", namespaced: true });
  expect(kinds).toContainEqual({ kind: "CiliumBGPClusterConfig", version: "v2alpha1", namespaced: false });
  expect(kinds.length).toBeGreaterThan(25);
});
