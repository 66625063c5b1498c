import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { inCluster } from "../../rehearsal/kubernetes/cluster.ts";
import { releaseProblems } from "../../rehearsal/kubernetes/readiness.ts";
import { seedExistingCluster } from "../../rehearsal/kubernetes/seed.ts";
import { type Properties, Secret, Unknown } from "../../rehearsal/stand-in.ts";
import { changedKeys } from "../../rehearsal/wire.ts";
import { type JsonObject, World } from "../../rehearsal/world.ts";
import { Client, kubeconfig, readyValues, seoul } from "./kubernetes-cluster.ts";

const type = "kubernetes:helm.sh/v3:Release";
const ready = readyValues("seoul", 1);
// Modelled seconds pass in no time.
beforeAll(() => void vi.stubEnv("GYEONGBU_SPEED", "1000000"));
afterAll(() => void vi.unstubAllEnvs());

function release(values: Properties, extra: Properties = {}): Properties {
  const source = { chart: "cilium", version: "1.20.2", repositoryOpts: { repo: "https://helm.cilium.io/" } };
  return { ...source, name: "cilium", namespace: "kube-system", values, ...extra };
}

describe("a release", () => {
  it("is installed once, upgraded, and uninstalled", async () => {
    const { world, client } = seoul();
    const { id, outputs } = await client.install(ready);
    expect(id).toBe("kube-system/cilium");
    expect(outputs.status).toMatchObject({ status: "deployed", revision: 1, appVersion: "1.20.2" });
    await expect(client.install(ready)).rejects.toThrow("cannot re-use a name that is still in use");
    const kind = client.kind(type);
    const upgraded = await kind.update(id, outputs, release({ ...ready, debug: { enabled: true } }), client.call(type));
    expect(upgraded.status).toMatchObject({ revision: 2 });
    await kind.delete(id, upgraded, client.call(type));
    await kind.delete(id, upgraded, client.call(type));
    expect(inCluster(world, "seoul")).toHaveLength(4);
  });

  it.each<[string, Properties, string, string]>([
    [
      "a misspelt value",
      release({ hubble: { relay: { replica: 2 } } }),
      "values.hubble.relay.replica",
      "did you mean hubble.relay.replicas?. Helm itself would take it",
    ],
    [
      "a value of the wrong type",
      release({ hubble: { enabled: "yes" } }),
      "values.hubble.enabled",
      "the chart wants boolean",
    ],
    [
      "what the chart refuses",
      release({ tunnel: "disabled", cluster: { id: 1 } }),
      "values",
      "cannot use default value with cluster.id != 0",
    ],
    ["an unknown input", release({}, { wait: true }), "wait", "unknown property"],
    ["no repository", { ...release({}), repositoryOpts: undefined as never }, "chart", "non-absolute URLs"],
    ["an unknown repository alias", release({}, { chart: "cilium/cilium" }), "chart", "repo cilium not found"],
    [
      "a missing archive",
      release({}, { chart: "./charts/cilium-1.20.2.tgz" }),
      "chart",
      'path "./charts/cilium-1.20.2.tgz" not found',
    ],
    ["no version", { chart: "cilium", repositoryOpts: { repo: "https://helm.cilium.io/" } }, "version", "pin one"],
    ["a chart that is not indexed", release({}, { version: "1.17.4" }), "version", "write one of these minors"],
    ["another chart", release({}, { chart: "nginx" }), "chart", "knows the cilium chart only"],
  ])("is refused for %s", (_, inputs, property, words) => {
    const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
    expect(seoul().client.check(type, given)).toContainEqual({ property, reason: expect.stringContaining(words) });
  });

  it("comes from an OCI registry as well", () => {
    const oci = { chart: "oci://quay.io/cilium/charts/cilium", version: "1.20.2", values: ready };
    expect(seoul().client.check(type, oci)).toEqual([]);
  });

  it("may hold unknown values in a preview, and is judged when they are known", async () => {
    const { client } = seoul();
    expect(client.check(type, release({ ...ready, cluster: { name: "default", id: Unknown.value } }))).toEqual([]);
    const kind = client.kind(type);
    const rendered = release({ ...ready, cluster: { name: "default", id: 1 } });
    await expect(async () => kind.create(rendered, client.call(type))).rejects.toThrow(
      "execution error at (cilium/templates/validate.yaml)",
    );
  });

  it("keeps keys out of the world, also when all its values are secret", async () => {
    const { world, client } = seoul();
    const withCa = { ...ready, tls: { ca: { cert: "CERTIFICATE", key: "PRIVATE KEY" } } };
    await client.create(type, { ...release({}), values: new Secret(withCa) });
    const stored = JSON.stringify(world.all());
    expect(stored).not.toContain("PRIVATE KEY");
    expect(releaseProblems(world, "seoul")).toEqual([]);
  });

  it("makes no difference between what was read and what was written", async () => {
    const { client } = seoul();
    const inputs = release(ready);
    const { id } = await client.create(type, inputs);
    const read = await client.kind(type).read(id, client.call(type));
    expect(changedKeys(read?.inputs ?? {}, inputs)).toEqual([]);
  });
});

describe("a release that waits", () => {
  const loadBalancer = { clustermesh: { useAPIServer: true, apiserver: { service: { type: "LoadBalancer" } } } };
  const certgen = { hubble: { tls: { auto: { method: "cronJob" } } } };
  const { ipv4NativeRoutingCIDR: _, ...withoutNative } = ready;
  it.each<[string, Properties, string]>([
    [
      "a LoadBalancer Service without a pool",
      { ...ready, ...loadBalancer },
      "clustermesh-apiserver of type LoadBalancer gets no address",
    ],
    [
      "a host that is no API endpoint",
      { ...ready, k8sServiceHost: "192.168.1.187" },
      "looks for the API server at 192.168.1.187:6443".replace("looks", "look"),
    ],
    ["another port than the API's", { ...ready, k8sServicePort: 443 }, "serves port 6443"],
    ["no API host without kube-proxy", { ...ready, k8sServiceHost: "" }, "k8sServiceHost is not set"],
    ["neither kube-proxy nor its replacement", { ...ready, kubeProxyReplacement: false }, "so no Service works"],
    [
      "IPsec without its Secret",
      { ...ready, encryption: { enabled: true, type: "ipsec" } },
      "no Secret cilium-ipsec-keys",
    ],
    ["no native CIDR", withoutNative, "ipv4NativeRoutingCIDR is not set"],
    [
      "a native CIDR beside the pods",
      { ...ready, ipv4NativeRoutingCIDR: "10.64.0.0/13" },
      "does not hold 10.128.0.0/24",
    ],
  ])("never becomes ready with %s", async (_name, values, words) => {
    const { world, client } = seoul();
    await expect(client.install(values)).rejects.toThrow(/timed out waiting for the condition/);
    await expect(client.install(values)).rejects.toThrow(words);
    await client.install(values, { skipAwait: true });
    expect(releaseProblems(world, "seoul").join("\n")).toContain(words);
  });

  it("hangs on the certificate job as a hook up to 1.18, and only when it waits", async () => {
    const values = { ...ready, ...certgen };
    await expect(seoul().client.install(values, { version: "1.18.12" })).rejects.toThrow("post-install hook");
    await seoul().client.install(values, { version: "1.18.12", skipAwait: true });
    await seoul().client.install(values, { version: "1.19.6" });
  });

  it("needs a node, and each node a pod CIDR of its own", async () => {
    await expect(seoul({ nodes: 0 }).client.install(ready)).rejects.toThrow("no node has joined");
    const { world, client } = seoul();
    const change = (node: string, properties: JsonObject) => {
      const stored = world.get("kubernetes", `seoul/${node}`);
      if (stored !== undefined) world.put({ ...stored, properties: { ...stored.properties, ...properties } });
    };
    change("seoul-1", { podCIDR: "10.128.0.0/24" });
    change("seoul-2", { podCIDR: "" });
    await expect(client.install(ready)).rejects.toThrow("nodes seoul-0 and seoul-1 share the pod CIDR 10.128.0.0/24");
    await expect(client.install(ready)).rejects.toThrow("node seoul-2 has no spec.podCIDR");
  });

  it("accepts a control plane's address, the loopback proxy, and the endpoint's address", async () => {
    for (const k8sServiceHost of ["10.10.0.16", "127.0.0.1", "10.10.0.8"]) {
      const { id } = await seoul().client.install({ ...ready, k8sServiceHost });
      expect(id).toBe("kube-system/cilium");
    }
  });

  it("is ready with a pool that was there before, and IPsec with its Secret", async () => {
    const { world, client } = seoul();
    const values = { ...ready, ...loadBalancer, encryption: { enabled: true, type: "ipsec" } };
    await client.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cilium-ipsec-keys", namespace: "kube-system" },
      stringData: { keys: new Secret("3+ rfc4106(gcm(aes)) 00 128") },
    });
    await client.install(values, { skipAwait: true });
    expect(releaseProblems(world, "seoul")).toHaveLength(1);
    const spec = { blocks: [{ start: "10.90.0.10", stop: "10.90.0.20" }] };
    await client.apply({
      apiVersion: "cilium.io/v2",
      kind: "CiliumLoadBalancerIPPool",
      metadata: { name: "vip" },
      spec,
    });
    expect(releaseProblems(world, "seoul")).toEqual([]);
  });
});

describe("BGP and policies that the API server takes", () => {
  const cr = (kind: string, name: string, spec: Properties, labels: Properties = {}) => ({
    apiVersion: "cilium.io/v2",
    kind,
    metadata: { name, labels },
    spec,
  });
  const peerConfig = cr("CiliumBGPPeerConfig", "tor", {
    authSecretRef: "md5",
    families: [{ afi: "ipv4", safi: "unicast", advertisements: { matchLabels: { advertise: "yes" } } }],
  });
  const rack = (name: string, selector: Properties) =>
    cr("CiliumBGPClusterConfig", name, {
      nodeSelector: selector,
      bgpInstances: [
        {
          name: "main",
          localASN: 65_101,
          peers: [{ name: "tor", peerASN: 65_001, peerAddress: "10.10.0.1", peerConfigRef: { name: "tor" } }],
        },
      ],
    });
  const advertisement = cr(
    "CiliumBGPAdvertisement",
    "pods",
    { advertisements: [{ advertisementType: "PodCIDR" }] },
    { advertise: "yes" },
  );
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "md5", namespace: "kube-system" },
    stringData: { password: "p" },
  };
  const bgp = { ...ready, bgpControlPlane: { enabled: true } };
  const problems = async (values: Properties, ...objects: ({ apiVersion: string; kind: string } & Properties)[]) => {
    const { world, client } = seoul();
    await client.install(values);
    for (const object of objects) await client.apply(object);
    return releaseProblems(world, "seoul").join("\n");
  };

  it("finds nothing wrong with a sound set", async () => {
    const racks = [
      rack("a", { matchLabels: { rack: "a" } }),
      rack("b", { matchExpressions: [{ key: "rack", operator: "NotIn", values: ["a"] }] }),
    ];
    expect(await problems(bgp, secret, peerConfig, advertisement, ...racks)).toBe("");
  });

  it.each<[string, Properties, ({ apiVersion: string; kind: string } & Properties)[], string]>([
    ["bgpControlPlane off", ready, [rack("a", {})], "bgpControlPlane.enabled is not true"],
    [
      "a peer config that is not there",
      bgp,
      [rack("a", {})],
      "refers to the CiliumBGPPeerConfig tor, which does not exist",
    ],
    [
      "a password that is not there",
      bgp,
      [peerConfig, advertisement, rack("a", {})],
      "wants the Secret kube-system/md5",
    ],
    [
      "labels that do not match",
      bgp,
      [secret, peerConfig, rack("a", {}), { ...advertisement, metadata: { name: "pods" } }],
      "matched by no family",
    ],
    [
      "a node in two racks",
      bgp,
      [secret, peerConfig, advertisement, rack("a", {}), rack("b", { matchLabels: { rack: "b" } })],
      "node seoul-1 is selected by a and b",
    ],
    [
      "a node in no rack",
      bgp,
      [secret, peerConfig, advertisement, rack("a", { matchLabels: { rack: "a" } })],
      "node seoul-1 is selected by no CiliumBGPClusterConfig",
    ],
    [
      "pod CIDRs of multi-pool",
      { ...bgp, ipam: { mode: "multi-pool" } },
      [secret, peerConfig, advertisement, rack("a", {})],
      "which ipam.mode multi-pool does not have",
    ],
  ])("says what %s means", async (_, values, objects, words) => {
    expect(await problems(values, ...objects)).toContain(words);
  });

  it("asks who tells the racks where the pods are", async () => {
    const { world, client } = seoul();
    const place = (index: number, zone: string) => {
      const id = `10.10.0.${16 + index}`;
      world.put({ provider: "host", type: "machine", id, urn: "", place: "seoul", properties: { zone } });
    };
    for (const index of [0, 1, 2]) place(index, "a");
    await client.install(ready);
    expect(releaseProblems(world, "seoul")).toEqual([]);
    place(2, "b");
    expect(releaseProblems(world, "seoul")).toEqual([expect.stringContaining("the nodes are in 2 rack(s)")]);
  });

  it.each<[string, Properties, string]>([
    ["an empty ingress list", { ingress: [] }, "write `ingress: [{}]`"],
    [
      "two kinds of peers in one rule",
      { ingress: [{ fromEndpoints: [{}], fromCIDR: ["10.0.0.0/8"] }] },
      "fromEndpoints and fromCIDR in one rule",
    ],
    ["port 99999", { ingress: [{ toPorts: [{ ports: [{ port: "99999" }] }] }] }, "port 99999 is above 65535"],
  ])("knows that agents refuse %s", async (_, rule, words) => {
    expect(
      await problems(ready, cr("CiliumClusterwideNetworkPolicy", "p", { endpointSelector: {}, ...rule })),
    ).toContain(words);
  });
});

it("imports a running cluster's release as the real provider reads it", async () => {
  const world = World.open(":memory:");
  const contents = kubeconfig("https://192.168.1.187:6443", "local");
  const values = { kubeProxyReplacement: false, hubble: { enabled: true } };
  seedExistingCluster(world, {
    name: "local-k8s",
    kubeconfig: contents,
    version: "v1.31.13",
    podSubnet: "10.244.0.0/16",
    serviceSubnet: "10.96.0.0/12",
    nodes: [{ name: "k8s-1", address: "192.168.1.187", role: "control-plane", podCidr: "10.244.0.0/24" }],
    cilium: { version: "1.18.4", values },
  });
  const client = new Client(world, { kubeconfig: contents });
  const read = await client.kind(type).read("kube-system/cilium", client.call(type));
  const wanted = {
    chart: "cilium/cilium",
    compat: "true",
    name: "cilium",
    namespace: "kube-system",
    version: "1.18.4",
    values,
  };
  expect(changedKeys(read?.inputs ?? {}, wanted)).toEqual([]);
  expect(changedKeys(read?.inputs ?? {}, { ...wanted, repositoryOpts: { repo: "https://helm.cilium.io/" } })).toEqual([
    "repositoryOpts",
  ]);
  expect(releaseProblems(world, "local-k8s")).toEqual([]);
  await expect(client.install(values, { version: "1.18.4" })).rejects.toThrow("cannot re-use a name");
});
