import { describe, expect, it } from "vitest";
import { meshProblems } from "../../rehearsal/kubernetes/mesh.ts";
import { releaseProblems } from "../../rehearsal/kubernetes/readiness.ts";
import { type Properties, Secret } from "../../rehearsal/stand-in.ts";
import { type JsonObject, World } from "../../rehearsal/world.ts";
import { Client, putCluster, readyValues } from "./kubernetes-cluster.ts";

/** Two meshed clusters; `change` are values over those of one side. */
async function mesh(
  change: { seoul?: Properties; busan?: Properties; version?: { busan: string } } = {},
  world = World.open(":memory:"),
): Promise<string[]> {
  for (const [id, name] of ["seoul", "busan"].entries()) {
    putCluster(world, { name, octet: 10 + id });
    const client = Client.of(world, name);
    const version = name === "busan" ? (change.version?.busan ?? "1.20.2") : "1.20.2";
    const values = merge(memberValues(name, id + 1), (name === "seoul" ? change.seoul : change.busan) ?? {});
    await client.install(values, { version, skipAwait: true });
    const spec = { blocks: [{ cidr: `10.9${id}.0.0/24` }] };
    await client.apply({
      apiVersion: "cilium.io/v2",
      kind: "CiliumLoadBalancerIPPool",
      metadata: { name: "vip" },
      spec,
    });
  }
  return meshProblems(world);
}

function memberValues(name: string, id: number): Properties {
  return {
    ...readyValues(name, id),
    MTU: 1400,
    encryption: { enabled: true, type: "wireguard" },
    tls: { ca: { cert: new Secret("CERT"), key: new Secret("KEY") } },
    clustermesh: {
      useAPIServer: true,
      cacheTTL: "60s",
      apiserver: {
        tls: { authMode: "cluster" },
        service: { type: "LoadBalancer", annotations: { "lbipam.cilium.io/ips": `10.9${id - 1}.0.10` } },
      },
      config: {
        enabled: true,
        clusters: [
          { name: "seoul", port: 2379, ips: ["10.90.0.10"] },
          { name: "busan", port: 2379, ips: ["10.91.0.10"] },
        ],
      },
    },
  };
}

function merge(base: Properties, over: Properties): Properties {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const own = base[key];
    merged[key] = isObject(own) && isObject(value) ? merge(own, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}

const clusters = (list: Properties[]) => ({ clustermesh: { config: { clusters: list } } });
const seoulEntry = { name: "seoul", port: 2379, ips: ["10.90.0.10"] };

describe("meshProblems", () => {
  it("finds nothing wrong with two sound members", async () => {
    expect(await mesh()).toEqual([]);
  });

  it.each<[string, Parameters<typeof mesh>[0], string]>([
    ["equal ids", { busan: { cluster: { id: 1 } } }, "seoul and busan have the same cluster.id 1"],
    ["another CA", { busan: { tls: { ca: { cert: "OTHER" } } } }, "different CAs in tls.ca.cert"],
    ["no CA", { busan: { tls: { ca: { cert: "" } } } }, "busan: tls.ca.cert is not set"],
    [
      "an unknown peer",
      { seoul: clusters([{ name: "dr-busan", port: 2379, ips: ["10.91.0.10"] }]) },
      "seoul: clustermesh.config.clusters lists dr-busan",
    ],
    ["a one-sided list", { busan: clusters([]) }, "busan: clustermesh.config.clusters does not list seoul"],
    [
      "an address where nothing listens",
      { busan: clusters([{ ...seoulEntry, ips: ["10.99.0.10"] }]) },
      "busan: looks for seoul's clustermesh-apiserver at 10.99.0.10:2379, where nothing listens",
    ],
    ["another port", { busan: clusters([{ ...seoulEntry, port: 32_379 }]) }, "the Service serves port 2379"],
    [
      "a node behind no NodePort",
      { busan: clusters([{ ...seoulEntry, ips: ["10.10.0.16"] }]) },
      "on port 32379 of a Service of type NodePort only",
    ],
    [
      "another size of the mesh",
      { busan: { clustermesh: { maxConnectedClusters: 511 } } },
      "differ in clustermesh.maxConnectedClusters (255, 511)",
    ],
    ["encryption on one side", { busan: { encryption: { enabled: false } } }, "differ in encryption.enabled"],
    ["other encryption", { busan: { encryption: { type: "ipsec" } } }, "differ in encryption.type (wireguard, ipsec)"],
    ["other routing", { busan: { routingMode: "tunnel" } }, "differ in routingMode (native, tunnel)"],
    ["another MTU", { busan: { MTU: 1500 } }, "differ in MTU (1400, 1500)"],
    [
      "a native CIDR without the peer",
      { busan: { ipv4NativeRoutingCIDR: "10.129.0.0/16" } },
      "busan: ipv4NativeRoutingCIDR 10.129.0.0/16 does not hold 10.128.0.0/24 of seoul",
    ],
    ["no cacheTTL", { busan: { clustermesh: { cacheTTL: "0s" } } }, "busan: clustermesh.cacheTTL is 0s"],
    [
      "no API server",
      { busan: { clustermesh: { useAPIServer: false } } },
      "busan: clustermesh.useAPIServer is not true",
    ],
    [
      "the name of the other",
      { busan: { cluster: { name: "seoul" } } },
      "seoul: clustermesh.config.clusters lists busan",
    ],
    [
      "another auth mode",
      { busan: { clustermesh: { apiserver: { tls: { authMode: "legacy" } } } } },
      "differ in clustermesh.apiserver.tls.authMode",
    ],
  ])("says what is wrong with %s", async (_, change, words) => {
    expect((await mesh(change)).join("\n")).toContain(words);
  });

  it("compares the versions by minor", async () => {
    // 1.18 has no cacheTTL, and its chart knows clusters as a list.
    const busan = { clustermesh: { cacheTTL: null } };
    await expect(mesh({ busan, version: { busan: "1.19.6" } })).resolves.toEqual([
      "busan: clustermesh.cacheTTL is 0s, so backends of a lost cluster stay for ever; set it, e.g. 60s",
    ]);
  });

  it("takes overlapping pods and twin nodes for what they are", async () => {
    const world = World.open(":memory:");
    for (const [id, name] of ["seoul", "busan"].entries()) {
      putCluster(world, { name, octet: 10 });
      const client = Client.of(world, name);
      await client.install(memberValues(name, id + 1), { skipAwait: true });
    }
    const problems = meshProblems(world).join("\n");
    expect(problems).toContain("seoul and busan both have pods in 10.128.0.0/24");
    expect(problems).toContain("seoul and busan both have a node at 10.10.0.16");
  });

  it.each([
    ["the peer's nodes on their NodePort", "10.10.0.17", 32_379, ""],
    [
      "machines of another cluster",
      "10.12.0.17",
      32_379,
      "no node of seoul with its NodePort 32379 is behind that load balancer",
    ],
    [
      "another port of the nodes",
      "10.10.0.17",
      2379,
      "no node of seoul with its NodePort 32379 is behind that load balancer",
    ],
  ])("looks behind a cloud's load balancer: %s", async (_, target, port, words) => {
    const world = World.open(":memory:");
    const place = "ap-northeast-2";
    const aws = (type: string, id: string, properties: JsonObject) =>
      world.put({ provider: "aws", type, id, urn: "", place, properties });
    aws("aws:lb/loadBalancer:LoadBalancer", "nlb", { holds: { subnet: ["10.90.0.10"] } });
    const forward = { type: "forward", targetGroupArn: "group" };
    aws("aws:lb/listener:Listener", "listener", { loadBalancerArn: "nlb", port: 2379, defaultActions: [forward] });
    aws("aws:lb/targetGroupAttachment:TargetGroupAttachment", "target", {
      targetGroupArn: "group",
      targetId: target,
      port,
    });
    const problems = await mesh({ seoul: { clustermesh: { apiserver: { service: { type: "NodePort" } } } } }, world);
    expect(problems.join("\n")).toContain(words);
    expect(problems).toHaveLength(words === "" ? 0 : 1);
  });

  it("follows a Service made outside the chart, and asks whether BGP tells anyone", async () => {
    const world = World.open(":memory:");
    const own = { apiserver: { service: { externallyCreated: true } } };
    const seoul = { clustermesh: own, bgpControlPlane: { enabled: true } };
    const missing = await mesh({ seoul }, world);
    expect(missing).toEqual([expect.stringContaining("kube-system of seoul has no Service clustermesh-apiserver")]);
    expect(releaseProblems(world, "seoul").join()).toContain("externallyCreated is true");

    const client = Client.of(world, "seoul");
    const labels = { announce: "yes" };
    const annotations = { "lbipam.cilium.io/ips": "10.90.0.10" };
    await client.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "clustermesh-apiserver", namespace: "kube-system", labels, annotations },
      spec: { type: "LoadBalancer", selector: { "k8s-app": "clustermesh-apiserver" }, ports: [{ port: 2379 }] },
    });
    expect(meshProblems(world)).toEqual([
      expect.stringContaining("no CiliumBGPAdvertisement of seoul selects that Service"),
    ]);
    const service = { addresses: ["LoadBalancerIP"] };
    await client.apply({
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "services" },
      spec: { advertisements: [{ advertisementType: "Service", service, selector: { matchLabels: labels } }] },
    });
    expect(meshProblems(world)).toEqual([]);
  });

  it("is silent about clusters without a mesh", async () => {
    const world = World.open(":memory:");
    putCluster(world, { name: "seoul", octet: 10 });
    await Client.of(world, "seoul").install(readyValues("seoul", 1));
    expect(meshProblems(world)).toEqual([]);
  });
});
