import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Definition, expectedDefinitions, parseBundle } from "../../components/cilium/service-mesh/gateway-api.ts";
import { serviceMeshObjects } from "../../components/cilium/service-mesh/service-mesh.ts";
import { existingObjects } from "../../rehearsal/existing.ts";
import { withGatewayBundle } from "../../rehearsal/gateway-api.ts";
import { inCluster } from "../../rehearsal/kubernetes/cluster.ts";
import { releaseProblems } from "../../rehearsal/kubernetes/readiness.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { bundleFile, everything, labSite, removeFolders } from "../support/service-mesh.ts";
import { type Client, readyValues, seoul } from "./kubernetes-cluster.ts";

// Modelled seconds pass in no time.
beforeAll(() => void vi.stubEnv("GYEONGBU_SPEED", "1000000"));
afterAll(() => {
  vi.unstubAllEnvs();
  removeFolders();
});

const ready = readyValues("seoul", 1);
const gatewayOn = { ...ready, gatewayAPI: { enabled: true, gatewayClass: { create: "true" } } };
const all = {
  ...gatewayOn,
  ingressController: { enabled: true, loadbalancerMode: "shared", service: { type: "NodePort" } },
};
const crd = ({ apiVersion, kind, metadata, spec }: Definition) =>
  JSON.parse(JSON.stringify({ apiVersion, kind, metadata, spec })) as { apiVersion: string; kind: string } & Properties;
const definitions = expectedDefinitions("1.20.2");

async function define(client: Client, which = definitions): Promise<void> {
  for (const definition of which) await client.apply(crd(definition));
}
async function namespaces(client: Client): Promise<void> {
  for (const name of ["app", "dmz", "mgmt"])
    await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
}
const pool = { blocks: [{ cidr: "10.30.250.0/24" }] };
const applyPool = (client: Client) =>
  client.apply({
    apiVersion: "cilium.io/v2",
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name: "pool" },
    spec: pool,
  });
const objects = serviceMeshObjects(labSite(everything)).map(
  (object) => JSON.parse(JSON.stringify(object)) as { apiVersion: string; kind: string } & Properties,
);
const one = (kind: string) => {
  const found = objects.find((object) => object.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
};
const problems = ({ world }: ReturnType<typeof seoul>) => releaseProblems(world, "seoul").join("\n");

describe("a cluster with a service mesh", () => {
  it("is well when definitions, release, pool and objects come in this order", async () => {
    const cluster = seoul();
    await define(cluster.client);
    await cluster.client.install(all);
    await applyPool(cluster.client);
    await namespaces(cluster.client);
    for (const object of objects) await cluster.client.apply(object);
    expect(problems(cluster)).toBe("");
  });

  it("refuses Gateways and routes while nobody has defined them, and Envoy configurations before the operator has", async () => {
    const { client } = seoul();
    await namespaces(client);
    for (const kind of ["Gateway", "HTTPRoute", "CiliumEnvoyConfig"])
      await expect(client.apply(one(kind))).rejects.toThrow(`no matches for kind "${kind}"`);
  });

  it("has no release that wants a GatewayClass where there is no such kind", async () => {
    const { client } = seoul();
    await expect(client.install(gatewayOn)).rejects.toThrow("ensure CRDs are installed first");
    await define(client);
    await expect(client.install(gatewayOn)).resolves.toMatchObject({ id: "kube-system/cilium" });
  });

  it("leaves Gateways alone when definitions come after the release, until the operator starts again", async () => {
    const cluster = seoul();
    const { client } = cluster;
    const quiet = { ...ready, gatewayAPI: { enabled: true } };
    const { id, outputs } = await client.install(quiet);
    await define(client);
    await applyPool(client);
    await namespaces(client);
    await client.apply(one("Gateway"));
    expect(problems(cluster)).toContain(
      "Gateway lab is read by nobody: when the release was installed the definitions of",
    );
    const type = "kubernetes:helm.sh/v3:Release";
    const news = { ...outputs, values: { ...quiet, debug: { enabled: true } } } as Properties;
    for (const key of ["status", "resourceNames"]) Reflect.deleteProperty(news, key);
    await client.kind(type).update(id, outputs, news, client.call(type));
    expect(problems(cluster)).toBe("");
  });

  it("misses what a bundle of another Cilium does not define", async () => {
    const cluster = seoul();
    await define(cluster.client, expectedDefinitions("1.18.12"));
    await cluster.client.install(gatewayOn);
    await namespaces(cluster.client);
    await cluster.client.apply(one("Gateway"));
    expect(problems(cluster)).toContain("the definitions of TLSRoute, ReferenceGrant, BackendTLSPolicy were missing");
  });
});

describe("what would stay silent", () => {
  const built = async (values: Properties, ...kinds: string[]) => {
    const cluster = seoul();
    await define(cluster.client);
    await cluster.client.install(values);
    await namespaces(cluster.client);
    for (const kind of kinds) await cluster.client.apply(one(kind));
    return cluster;
  };

  it.each([
    [
      "a Gateway without a pool",
      gatewayOn,
      ["Gateway"],
      "Gateway lab gets a Service of type LoadBalancer and no address",
    ],
    [
      "a Gateway that nobody reads",
      ready,
      ["Gateway"],
      "Gateway lab is read by nobody: gatewayAPI.enabled is not true",
    ],
    [
      "a route without its Gateway",
      gatewayOn,
      ["HTTPRoute"],
      "HTTPRoute orders belongs to the Gateway lab, which does not exist",
    ],
    ["an Ingress that nobody reads", ready, ["Ingress"], "Ingress portal is read by nobody"],
    [
      "an Envoy configuration that nobody reads",
      ready,
      ["CiliumEnvoyConfig"],
      "CiliumEnvoyConfig orders-limit is read by nobody",
    ],
  ] as const)("is told: %s", async (_, values, kinds, words) => {
    expect(problems(await built(values, ...kinds))).toContain(words);
  });

  it("is told: an address that no ToR hears of, and one that two ask for", async () => {
    const cluster = await built({ ...gatewayOn, bgpControlPlane: { enabled: true } }, "Gateway");
    await applyPool(cluster.client);
    expect(problems(cluster)).toContain("the address of Gateway lab is announced by no CiliumBGPAdvertisement");
    const twin = { ...one("Gateway"), metadata: { name: "twin", namespace: "dmz" } };
    await cluster.client.apply(twin);
    expect(problems(cluster)).toContain("Gateway twin asks for 10.30.250.20, which Gateway lab has");
  });

  it("is not told of a Gateway on the host network, which needs no address", async () => {
    const values = { ...gatewayOn, gatewayAPI: { ...gatewayOn.gatewayAPI, hostNetwork: { enabled: true } } };
    expect(problems(await built(values, "Gateway"))).toBe("");
  });
});

describe("a waiting release", () => {
  it.each([
    "shared",
    "dedicated",
  ])("never ends where the chart's Ingress Service wants an address, in mode %s", async (loadbalancerMode) => {
    const { client } = seoul();
    const values = { ...ready, ingressController: { enabled: true, loadbalancerMode } };
    await expect(client.install(values)).rejects.toThrow(
      "the Service cilium-ingress of type LoadBalancer gets no address",
    );
  });

  it.each([
    ["node ports", { service: { type: "NodePort" } }],
    ["the host network", { hostNetwork: { enabled: true } }],
  ])("ends with the Ingress controller on %s", async (_, front) => {
    const { client } = seoul();
    const values = { ...ready, ingressController: { enabled: true, loadbalancerMode: "shared", ...front } };
    await expect(client.install(values)).resolves.toMatchObject({ id: "kube-system/cilium" });
  });

  it("never ends where SPIRE waits for a volume that nobody gives", async () => {
    const spire = (dataStorage: Properties) => ({
      ...ready,
      authentication: { enabled: true, mutual: { spire: { enabled: true, install: { server: { dataStorage } } } } },
    });
    const { client } = seoul();
    await expect(client.install(spire({ enabled: true }))).rejects.toThrow("volume of the default StorageClass");
    await expect(client.install(spire({ storageClass: "ssd" }))).rejects.toThrow("volume of StorageClass ssd");
    await expect(client.install(spire({ enabled: false }))).resolves.toMatchObject({ id: "kube-system/cilium" });
  });
});

describe("objects", () => {
  it("are checked strictly where every bundle agrees", async () => {
    const { client } = seoul();
    await define(client);
    const type = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
    const gateway = one("Gateway");
    const found = client.check(type, { ...gateway, spec: { gatewayClassname: "cilium", listeners: [] } });
    expect(found.map(({ property }) => property)).toEqual([
      "spec.gatewayClassName",
      "spec.gatewayClassname",
      "spec.listeners",
    ]);
    expect(client.check(type, gateway)).toEqual([]);
  });

  it("of kind Ingress are waited for, unless they say not to", async () => {
    const { client } = seoul();
    await namespaces(client);
    const ingress = one("Ingress");
    const bare = { ...ingress, metadata: { name: "portal", namespace: "dmz" } };
    await expect(client.apply(bare)).rejects.toThrow('no Endpoints for its backend Service "portal"');
    await expect(client.apply(ingress)).resolves.toMatchObject({ id: "dmz/portal" });
  });

  it("go with their definition", async () => {
    const { client, world } = seoul();
    await define(client);
    await namespaces(client);
    await client.apply(one("Gateway"));
    await client.apply(one("HTTPRoute"));
    const [type, id] = [
      "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
      "gateways.gateway.networking.k8s.io",
    ];
    await client.kind(type).delete(id, {}, client.call(type));
    const kinds = inCluster(world, "seoul").map((object) => object.type.split(":")[2]);
    expect(kinds).not.toContain("Gateway");
    expect(kinds).toContain("HTTPRoute");
  });
});

describe("an existing cluster", () => {
  const root = mkdtempSync(join(tmpdir(), "gyeongbu-existing-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const given = async (serviceMesh: unknown) => {
    const spec = {
      platform: "existing",
      api: { host: "192.168.1.10", port: 6443 },
      network: { pods: "10.0.0.0/16", services: "10.96.0.0/12" },
      kubernetes: { version: "1.33.4" },
      cilium: { version: "1.18.12" },
      serviceMesh,
    };
    const objects = await existingObjects({ root }, { name: "old", kind: "site", config: {}, spec });
    return objects.map(({ id }) => id);
  };

  it("has the definitions and the class of volumes that its stack file takes for given", async () => {
    const bundle = { kind: "installed", version: "1.3.0" };
    const ids = await given({ gatewayApi: { bundle }, mutualAuthentication: { storageClass: "ssd" } });
    expect(ids).toContain("old/CustomResourceDefinition.apiextensions.k8s.io/-/httproutes.gateway.networking.k8s.io");
    expect(ids).toContain("old/StorageClass.storage.k8s.io/-/ssd");
    expect((await given(undefined)).join()).not.toMatch(/CustomResourceDefinition|StorageClass/);
  });
});

describe("the rehearsal's own bundle", () => {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-rehearsed-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (path: string) => {
    const spec = { cilium: { version: "1.19.6" }, serviceMesh: { gatewayApi: { bundle: { kind: "file", path } } } };
    return { name: "lab", kind: "site" as const, config: { "gyeongbu:site": spec, "aws:region": "x" }, spec };
  };

  it("stands for a file that is not there, in the engine's configuration too", () => {
    const said: string[] = [];
    const own = withGatewayBundle(file("nowhere/bundle.yaml"), { root: folder }, (line) => void said.push(line));
    const path = join(folder, "gateway-api-lab.yaml");
    expect(own.spec.serviceMesh).toMatchObject({ gatewayApi: { bundle: { kind: "file", path } } });
    expect(own.config).toEqual({ "gyeongbu:site": own.spec, "aws:region": "x" });
    expect(parseBundle(readFileSync(path, "utf8"), "1.19.6")).toEqual({
      definitions: expectedDefinitions("1.19.6"),
      problems: [],
    });
    expect(said).toEqual([expect.stringContaining("nowhere/bundle.yaml is not there")]);
  });

  it("leaves a file that is there alone, and files without one", () => {
    const silent = () => expect.unreachable("nothing is to be said");
    const there = file(bundleFile("1.19.6"));
    expect(withGatewayBundle(there, { root: folder }, silent)).toBe(there);
    const without = { ...there, spec: {} };
    expect(withGatewayBundle(without, { root: folder }, silent)).toBe(without);
  });
});
