import { describe, expect, it } from "vitest";
import { inCluster, removeCluster } from "../../rehearsal/kubernetes/cluster.ts";
import { kubernetesStandIn } from "../../rehearsal/kubernetes/stand-in.ts";
import { type Properties, Secret, Unknown } from "../../rehearsal/stand-in.ts";
import { Client, kubeconfig, putCluster, readyValues, seoul } from "./kubernetes-cluster.ts";

const configMap = (name: string, extra: Properties = {}): Properties & { apiVersion: string; kind: string } => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "kube-system" },
  data: { a: "b" },
  ...extra,
});
const pool = {
  apiVersion: "cilium.io/v2",
  kind: "CiliumLoadBalancerIPPool",
  metadata: { name: "vip" },
  spec: { blocks: [{ cidr: "10.90.0.0/24" }] },
};

describe("the provider's kubeconfig", () => {
  it("leads to the cluster that answers there and has its CA", async () => {
    const { world, client } = seoul();
    putCluster(world, { name: "busan", octet: 11 });
    await client.apply(configMap("here"));
    await Client.of(world, "busan").apply(configMap("here"));
    expect(world.find("kubernetes", "kubernetes:core/v1:ConfigMap").map(({ place }) => place)).toEqual([
      "seoul",
      "busan",
    ]);
  });

  it.each([
    ["an unknown server", "https://api.tokyo.example:6443", "seoul", "no cluster of the world answers there"],
    ["another port", "https://api.seoul.example:443", "seoul", "no cluster of the world answers there"],
    [
      "another cluster's CA",
      "https://api.seoul.example:6443",
      "busan",
      "x509: certificate signed by unknown authority",
    ],
  ])("is refused with %s", async (_, server, ca, words) => {
    const { world } = seoul();
    const client = new Client(world, { kubeconfig: kubeconfig(server, ca) });
    await expect(client.apply(configMap("a"))).rejects.toThrow(words);
  });

  it.each([
    ["a path", "~/.kube/config", "pass the file's contents"],
    [
      "no CA",
      JSON.stringify({
        ...JSON.parse(kubeconfig("https://a:1", "x")),
        clusters: [{ name: "it", cluster: { server: "https://a:1" } }],
      }),
      "certificate-authority-data",
    ],
    ["no user", JSON.stringify({ ...JSON.parse(kubeconfig("https://a:1", "x")), users: [] }), "not in the file"],
    ["plain http", kubeconfig("http://a:1", "x"), "is no https URL"],
  ])("is checked: %s", (_, contents, words) => {
    expect(kubernetesStandIn.checkConfig({ kubeconfig: contents })[0]?.reason).toContain(words);
  });

  it("may be unknown in a preview and names no place then", () => {
    const { client } = seoul();
    const unknown = new Client(client.world, { kubeconfig: Unknown.value });
    expect(kubernetesStandIn.checkConfig(unknown.config)).toEqual([]);
    expect(unknown.check("kubernetes:core/v1:ConfigMap", configMap("a"))).toEqual([]);
    expect(kubernetesStandIn.places(unknown.call("kubernetes:core/v1:ConfigMap"), {})).toEqual([]);
    expect(kubernetesStandIn.places(client.call("kubernetes:core/v1:ConfigMap"), {})).toEqual(["seoul"]);
  });

  it("also depends on where the control planes are", () => {
    const { world, client } = seoul();
    world.put({
      provider: "host",
      type: "machine",
      id: "10.10.0.16",
      urn: "",
      place: "ap-northeast-2",
      properties: {},
    });
    expect(kubernetesStandIn.places(client.call("x"), {})).toEqual(["seoul", "ap-northeast-2"]);
  });
});

describe("an object", () => {
  it("gets the real provider's id and can be read back", async () => {
    const { client } = seoul();
    const { id, outputs } = await client.apply(configMap("a"));
    expect(id).toBe("kube-system/a");
    const read = await client
      .kind("kubernetes:core/v1:ConfigMap")
      .read(id, client.call("kubernetes:core/v1:ConfigMap"));
    expect(read).toEqual({ inputs: configMap("a"), outputs });
  });

  it("gets a name from the resource's when it has none, and the provider's namespace", async () => {
    const { world } = seoul();
    const client = new Client(world, { ...Client.of(world, "seoul").config, namespace: "kube-public" });
    const { id } = await client.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: {} });
    expect(id).toMatch(/^kube-public\/it-[0-9a-f]{8}$/);
  });

  it("needs its namespace", async () => {
    const { client } = seoul();
    const object = configMap("a", { metadata: { name: "a", namespace: "shop" } });
    await expect(client.apply(object)).rejects.toThrow('namespaces "shop" not found');
    await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await client.apply(object);
  });

  it("exists once", async () => {
    const { client } = seoul();
    await client.apply(configMap("a"));
    await expect(client.apply(configMap("a"))).rejects.toThrow('configmaps "a" already exists');
    await expect(
      client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system" } }),
    ).rejects.toThrow("already exists");
  });

  it("is deleted idempotently, and a namespace takes its own along", async () => {
    const { world, client } = seoul();
    const before = inCluster(world, "seoul").length;
    const namespace = await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await client.apply(configMap("a", { metadata: { name: "a", namespace: "shop" } }));
    const type = "kubernetes:core/v1:Namespace";
    await client.kind(type).delete(namespace.id, {}, client.call(type));
    await client.kind(type).delete(namespace.id, {}, client.call(type));
    expect(inCluster(world, "seoul")).toHaveLength(before);
  });

  it("leaves with its cluster", async () => {
    const { world, client } = seoul();
    await client.apply(configMap("a"));
    removeCluster(world, "seoul");
    expect(world.all()).toEqual([]);
  });

  it.each<[string, string, Properties, string]>([
    ["kubernetes:core/v1:Service", "spec.port", { spec: { port: 80 } }, "unknown field of Service.spec"],
    ["kubernetes:core/v1:ConfigMap", "spec", { spec: {} }, "unknown field of ConfigMap"],
    ["kubernetes:core/v1:ConfigMap", "metadata.name", { metadata: { name: "A_b" } }, "RFC 1123 subdomain"],
    ["kubernetes:core/v1:ConfigMap", 'metadata.labels["a"]', { metadata: { labels: { a: "b c" } } }, "a label value"],
    ["kubernetes:core/v1:Namespace", "metadata.namespace", { metadata: { namespace: "a" } }, "belongs to no namespace"],
    ["kubernetes:core/v1:Secret", "apiVersion", { apiVersion: "v2" }, "the resource type says"],
    ["kubernetes:networking.k8s.io/v1:NetworkPolicy", "spec.podSelector", { spec: {} }, "Required value"],
  ])("%s: wrong %s", (type, property, inputs, words) => {
    const { client } = seoul();
    expect(client.check(type, inputs)).toContainEqual({ property, reason: expect.stringContaining(words) });
  });

  it("may hold unknown values in a preview", () => {
    const { client } = seoul();
    const policy = { metadata: { name: Unknown.value }, spec: Unknown.value };
    expect(client.check("kubernetes:networking.k8s.io/v1:NetworkPolicy", policy)).toEqual([]);
    expect(client.check("kubernetes:cilium.io/v2:CiliumNetworkPolicy", policy)).toEqual([]);
  });

  it.each<[string, Properties, Properties, string[]]>([
    ["kubernetes:core/v1:ConfigMap", { data: { a: "b" } }, { data: { a: "c" } }, ["data"]],
    ["kubernetes:core/v1:Secret", { stringData: new Secret({ a: "b" }) }, { stringData: { a: "b" } }, []],
    [
      "kubernetes:core/v1:Service",
      { spec: { clusterIP: "a", type: "x" } },
      { spec: { clusterIP: "a", type: "y" } },
      [],
    ],
    ["kubernetes:core/v1:Service", { spec: { clusterIP: "a" } }, { spec: { clusterIP: "b" } }, ["spec.clusterIP"]],
    [
      "kubernetes:apps/v1:Deployment",
      { spec: { selector: { a: "b" } } },
      { spec: { selector: {} } },
      ["spec.selector"],
    ],
    [
      "kubernetes:cilium.io/v2:CiliumNetworkPolicy",
      { metadata: { name: "a" } },
      { metadata: { name: "b" } },
      ["metadata.name"],
    ],
  ])("%s: %j to %j replaces %j", (type, olds, news, paths) => {
    expect(seoul().client.kind(type).replaces(olds, news)).toEqual(paths);
  });

  it("is refused as a kind that the server does not have", () => {
    expect(kubernetesStandIn.kind("kubernetes:core/v1:Servise")).toBeUndefined();
    expect(kubernetesStandIn.kind("kubernetes:apps/v1beta1:Deployment")).toBeUndefined();
  });
});

describe("a custom resource", () => {
  it("needs the operator that registers its kind", async () => {
    const { client } = seoul();
    await expect(client.apply(pool)).rejects.toThrow(
      'no matches for kind "CiliumLoadBalancerIPPool" in version "cilium.io/v2"',
    );
    await client.install(readyValues("seoul", 1));
    await client.apply(pool);
  });

  it("gets no kind from an operator that may not register any", async () => {
    const { client } = seoul();
    await client.install({ ...readyValues("seoul", 1), operator: { skipCRDCreation: true } });
    await expect(client.apply(pool)).rejects.toThrow("no matches for kind");
  });

  it("of another group needs its definition", async () => {
    const { client } = seoul();
    const route = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name: "a" }, spec: {} };
    await expect(client.apply(route)).rejects.toThrow('no matches for kind "HTTPRoute"');
    await client.apply({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "httproutes.gateway.networking.k8s.io" },
      spec: {
        group: "gateway.networking.k8s.io",
        scope: "Namespaced",
        names: { kind: "HTTPRoute" },
        versions: [{ name: "v1" }],
      },
    });
    expect((await client.apply(route)).id).toBe("default/a");
  });

  it("is refused for a field that a real server would only drop", () => {
    const problems = seoul().client.check("kubernetes:cilium.io/v2:CiliumLoadBalancerIPPool", {
      ...pool,
      spec: { block: [] },
    });
    expect(problems).toEqual([
      {
        property: "spec.block",
        reason: "unknown field; did you mean blocks?; a real API server only warns, drops the field and keeps the rest",
      },
    ]);
  });
});

it("keeps no secret in clear, and the same content apart from how it was given", async () => {
  const { world, client } = seoul();
  const secret = (name: string, fields: Properties) =>
    client.apply({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "kube-system" }, ...fields });
  await secret("plain", { stringData: { password: "open sesame" } });
  await secret("wrapped", { stringData: new Secret({ password: "open sesame" }) });
  const { outputs } = await secret("encoded", {
    data: { password: new Secret(Buffer.from("open sesame").toString("base64")) },
  });
  const rows = world.find("kubernetes", "kubernetes:core/v1:Secret");
  const text = JSON.stringify(rows);
  expect(text).not.toContain("open sesame");
  expect(text).not.toContain(Buffer.from("open sesame").toString("base64"));
  expect(new Set(rows.map(({ properties }) => JSON.stringify((properties.body as Properties).content))).size).toBe(1);
  expect((outputs.data as Properties).password).toBeInstanceOf(Secret);
});

it("gives a Service of type LoadBalancer the address of a pool, and fails without one", async () => {
  const { client } = seoul();
  const service = (name: string, ips?: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", annotations: ips === undefined ? {} : { "lbipam.cilium.io/ips": ips } },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  });
  await client.install(readyValues("seoul", 1));
  await expect(client.apply(service("a"))).rejects.toThrow('Service "a" was not allocated an IP address');
  await client.apply(pool);
  const { outputs } = await client.apply(service("a", "10.90.0.10"));
  expect(outputs.status).toEqual({ loadBalancer: { ingress: [{ ip: "10.90.0.10" }] } });
  await expect(client.apply(service("b", "10.91.0.10"))).rejects.toThrow("was not allocated");
});

it("gives neither the first nor the last address of a pool that says so, and no address to a class it does not serve", async () => {
  const { client } = seoul();
  await client.install(readyValues("seoul", 1));
  await client.apply({ ...pool, spec: { blocks: [{ cidr: "10.90.0.0/24" }], allowFirstLastIPs: "No" } });
  const service = (name: string, loadBalancerClass: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { type: "LoadBalancer", loadBalancerClass, ports: [{ port: 80 }] },
  });
  const { outputs } = await client.apply(service("a", "io.cilium/bgp-control-plane"));
  expect(outputs.status).toEqual({ loadBalancer: { ingress: [{ ip: "10.90.0.1" }] } });
  await expect(client.apply(service("b", "example.com/other"))).rejects.toThrow("was not allocated");
});

it("patches a node's labels and takes them back", async () => {
  const { world, client } = seoul();
  const type = "kubernetes:core/v1:NodePatch";
  const labels = () => world.get("kubernetes", "seoul/seoul-1")?.properties.labels;
  const patch = (name: string) => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels: { zone: "x" } } });
  await expect(client.apply({ ...patch("seoul-9"), kind: "NodePatch" })).rejects.toThrow('nodes "seoul-9" not found');
  const { id, outputs } = await client.create(type, patch("seoul-1"));
  expect(labels()).toEqual({ rack: "b", zone: "x" });
  await client.kind(type).delete(id, outputs, client.call(type));
  expect(labels()).toEqual({ rack: "b" });
});
