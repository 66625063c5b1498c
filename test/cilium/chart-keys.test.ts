import { describe, expect, it } from "vitest";
import {
  chartDefault,
  indexedVersion,
  describe as sentence,
  unknownValues,
} from "../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../components/cilium/chart-refusals.ts";
import { chartKeys, renderIndex } from "../../tools/chart-keys.ts";

const all = ["1.18.4", "1.18.12", "1.19.6", "1.20.0"];

/** Values for a mesh member that every indexed chart renders. */
const sound = {
  cluster: { name: "seoul", id: 1 },
  routingMode: "native",
  ipv4NativeRoutingCIDR: "10.128.0.0/13",
  ipam: { mode: "kubernetes" },
  kubeProxyReplacement: true,
  k8sServiceHost: "api.seoul.example",
  k8sServicePort: 6443,
  bpf: { masquerade: true },
  bgpControlPlane: { enabled: true },
  encryption: { enabled: true, type: "wireguard" },
  tls: { ca: { cert: "PEM", key: "PEM" } },
  hubble: { relay: { enabled: true, replicas: 2 }, ui: { enabled: true }, metrics: { enabled: ["dns:query", "drop"] } },
  tolerations: [{ operator: "Exists", tolerationSeconds: 5 }],
  operator: { resources: { limits: { cpu: "1" } }, nodeSelector: { "node-role.kubernetes.io/control-plane": "" } },
  extraConfig: { "anything-at-all": "true" },
  clustermesh: {
    useAPIServer: true,
    maxConnectedClusters: 255,
    policyDefaultLocalCluster: true,
    apiserver: {
      service: { type: "LoadBalancer", annotations: { "lbipam.cilium.io/ips": "10.90.0.10" } },
      tls: { authMode: "cluster" },
    },
    config: { enabled: true, clusters: [{ name: "busan", port: 2379, ips: ["10.91.0.10"] }] },
  },
};

describe("unknownValues", () => {
  it.each(all)("knows every key of a mesh member's values in %s", (version) => {
    expect(unknownValues(version, sound)).toEqual([]);
  });

  // Real keys that values.schema.json leaves out; only templates read them (1.18.12).
  it.each([
    "devices",
    "egressMasqueradeInterfaces",
    "k8s.apiServerURLs",
    "k8s.serviceProxyName",
    "loadBalancer.mode",
    "loadBalancer.algorithm",
    "loadBalancer.dsrDispatch",
    "loadBalancer.serviceTopology",
    "loadBalancer.standalone",
    "loadBalancer.protocolDifferentiation.enabled",
    "nodePort.range",
    "nodePort.directRoutingDevice",
    "policyAuditMode",
    "sessionAffinity",
    "labels",
    "nodeLabels",
    "logOptions",
    "fragmentTracking",
    "clusterHealthPort",
    "iptablesLockTimeout",
    "ipMasqAgent.config",
    "l2announcements.leaseDuration",
    "l2podAnnouncements.interfacePattern",
    "dnsProxy.enableTransparentMode",
    "dnsPolicyUnloadOnShutdown",
    "cni.externalRouting",
    "cni.readCniConf",
    "egressGateway.maxPolicyEntries",
    "hubble.eventBufferCapacity",
    "hubble.eventQueueSize",
    "hubble.export.fileMaxSizeMb",
    "hubble.relay.servicePort",
    "hubble.peerService.servicePort",
    "monitor.eventTypes",
    "socketLB.hostNamespaceOnly",
    "operator.prometheus.serviceMonitor.namespace",
    "clustermesh.apiserver.tls.auto.schedule",
    "tls.caBundle.content",
    "enableK8sEndpointSlice",
    "enableIdentityMark",
    "azure.resourceGroup",
    "maglev.tableSize",
    "maglev.hashSeed",
  ])("knows the hidden key %s", (path) => {
    expect(unknownValues("1.18.12", nested(path, "x"))).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ["1.20.2", { hubble: { relay: { replica: 2 } } }, "did you mean hubble.relay.replicas?"],
    ["1.20.2", { kubeproxyReplacement: true }, "did you mean kubeProxyReplacement?"],
    ["1.20.2", { bgp: { enabled: true } }, "use bgpControlPlane.enabled and the CiliumBGP* resources"],
    [
      "1.20.2",
      { clustermesh: { config: { clusters: [{ name: "a", adress: "x" }] } } },
      "clustermesh.config.clusters[0].adress",
    ],
    [
      "1.20.2",
      { clustermesh: { config: { clusters: { a: { ip: [] } } } } },
      "did you mean clustermesh.config.clusters.a.ips?",
    ],
    [
      "1.20.2",
      { encryption: { strictMode: { enabled: true } } },
      "1.19 was the last to have it; use encryption.strictMode.egress.enabled",
    ],
    ["1.18.12", { clustermesh: { cacheTTL: "60s" } }, "it came with 1.19"],
    ["1.18.4", { encryption: { wireguard: { userspaceFallback: true } } }, "the kernel's WireGuard module"],
    ["1.20.2", { hubble: { export: { static: { backends: {} } } } }, "a log shipper"],
  ])("%s refuses %j", (version, values, words) => {
    const problems = unknownValues(version, values).map((problem) => sentence(problem, version));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(words);
  });

  it.each<[string, unknown, string]>([
    ["1.20.2", { hubble: { enabled: "yes" } }, 'hubble.enabled: the chart wants boolean, got "yes"'],
    [
      "1.20.2",
      { clustermesh: { apiserver: { replicas: "2" } } },
      'clustermesh.apiserver.replicas: the chart wants integer, got "2"',
    ],
    ["1.20.2", { identityManagementMode: "nobody" }, "one of agent, operator, both"],
    [
      "1.18.12",
      { clustermesh: { config: { clusters: { a: {} } } } },
      "clustermesh.config.clusters: the chart wants array",
    ],
    ["1.20.2", { bpf: true }, "bpf: the chart wants object, got true"],
  ])("%s refuses the type of %j", (version, values, words) => {
    expect(unknownValues(version, values).map((problem) => sentence(problem, version))).toEqual([
      expect.stringContaining(words),
    ]);
  });

  it("lets what is not known yet and what is unset pass", () => {
    expect(unknownValues("1.20.2", { k8sServiceHost: undefined, bpf: undefined, MTU: null })).toEqual([]);
  });

  it("does not take a name of Object.prototype for a key", () => {
    expect(unknownValues("1.20.2", { constructor: {} })).toHaveLength(1);
  });
});

it("takes the newest indexed patch of a minor, and no other minor", () => {
  expect(["1.20.2", "1.18.7", "1.18.4"].map(indexedVersion)).toEqual(["1.20.0", "1.18.12", "1.18.4"]);
  expect(() => indexedVersion("1.21.0")).toThrow("write one of these minors");
});

it("knows defaults by version", () => {
  const authMode = "clustermesh.apiserver.tls.authMode";
  expect([chartDefault("1.18.12", authMode), chartDefault("1.19.6", authMode)]).toEqual(["legacy", "migration"]);
  expect(chartDefault("1.20.2", "clustermesh.apiserver.service.nodePort")).toBe(32_379);
  expect(chartDefault("1.20.2", "k8sServiceHost")).toBeUndefined();
});

describe("chartRefusals", () => {
  it.each(all)("renders defaults and a mesh member with %s", (version) => {
    expect(chartRefusals(version, {})).toEqual([]);
    expect(chartRefusals(version, sound)).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ tunnel: "disabled" }, "tunnel was deprecated"],
    [{ encryption: { keyFile: "keys" } }, "encryption.{keyFile,mountPath,secretName,interface}"],
    [{ cluster: { name: "" } }, "cannot be empty"],
    [{ cluster: { name: "Seoul", id: 1 } }, "must consist of lower case"],
    [{ cluster: { name: "a".repeat(33), id: 1 } }, "more than 32 characters"],
    [{ cluster: { id: 1 } }, "cannot use default value with cluster.id != 0"],
    [{ cluster: { name: "a", id: 130 }, eni: { enabled: true } }, "if the cluster ID is 128-255"],
    [{ clustermesh: { maxConnectedClusters: 100 } }, "must be set to 255 or 511"],
    [{ clustermesh: { useAPIServer: true, apiserver: { tls: { authMode: "none" } } } }, "legacy, migration, cluster"],
    [{ k8sServiceHost: "a", k8sServiceHostRef: { name: "b", key: "c" } }, "Both k8sServiceHostRef and k8sServiceHost"],
    [{ hubble: { ui: { enabled: true } } }, "Hubble UI requires"],
    [{ hubble: { enabled: false, relay: { enabled: true } } }, "Hubble Relay requires"],
    [{ prometheus: { enabled: true, serviceMonitor: { enabled: true } } }, "trustCRDsExist=true"],
    [{ hubble: { tls: { auto: { method: "certmanager" } } } }, "Hubble TLS certgen method=certmanager"],
    [{ hubble: { redact: { http: { headers: { allow: ["a"], deny: ["b"] } } } } }, "Only one of"],
    [{ gatewayAPI: { enabled: true }, l7Proxy: false }, "requires .Values.l7Proxy"],
    [{ gatewayAPI: { enabled: true, externalTrafficPolicy: "Any" } }, "Cilium GatewayAPI needs"],
    [{ kubeProxyReplacement: "strict" }, "kubeProxyReplacement must be explicitly set"],
    [{ routingMode: "native", enableIPv4Masquerade: true }, "ipv4NativeRoutingCIDR must be set"],
    [{ authentication: { enabled: false, mutual: { spire: { enabled: true } } } }, "SPIRE integration requires"],
    [
      { clustermesh: { config: { enabled: true, clusters: [{ name: "b", port: 2379 }] } } },
      "missing clustermesh.apiserver.config.clusters.address",
    ],
  ])("%j is refused by every version", (values, words) => {
    for (const version of all) expect(chartRefusals(version, values)).toEqual([expect.stringContaining(words)]);
  });

  it("keeps to the versions that have the check", () => {
    const certificates = {
      clustermesh: { useAPIServer: true, apiserver: { tls: { auto: { enabled: false }, server: { cert: "x" } } } },
    };
    expect(chartRefusals("1.19.6", certificates)).toEqual([]);
    expect(chartRefusals("1.20.2", certificates)).toHaveLength(1);
    const pool = { ipam: { operator: { clusterPoolIPv4PodCIDR: "10.0.0.0/8" } } };
    expect(chartRefusals("1.18.12", pool)).toHaveLength(1);
    expect(chartRefusals("1.20.2", pool)).toEqual([]);
    const netkit = { bpf: { tproxy: true, datapathMode: "netkit" } };
    expect(chartRefusals("1.18.12", netkit)).toEqual([]);
    expect(chartRefusals("1.19.6", netkit)).toHaveLength(1);
  });
});

// GYEONGBU_CHARTS: a folder with cilium-1.20.0.tgz; without it only the committed index is tested.
const charts = process.env.GYEONGBU_CHARTS;
it.skipIf(charts === undefined)("the committed index is what the generator makes of the charts", async () => {
  const made: unknown = JSON.parse(renderIndex(all.map((version) => chartKeys(`${charts}/cilium-${version}.tgz`))));
  const committed = await import("../../components/cilium/data/chart-keys.json", { with: { type: "json" } });
  expect(made).toEqual(committed.default);
});

function nested(path: string, value: unknown): unknown {
  return path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}
