import { describe, expect, it } from "vitest";
import { demoObjects } from "../../components/cilium/demo-service.ts";
import { meshServiceObject } from "../../components/cilium/mesh-service.ts";
import { meshMembers, meshService, meshValues } from "../../components/cilium/mesh-values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { at, busan, devStaging, idcBusan, idcSeoul, localMember, seoul, withCilium } from "./sites.ts";

const mesh = (site: SiteSpec, peers: readonly SiteSpec[], version = site.cilium.version) =>
  meshValues(withCilium(site, { version }), peers);

describe("clustermesh values", () => {
  it.each([
    [seoul, busan],
    [idcSeoul, idcBusan],
  ] as const)("are the same list on both sides of %#, with the fixed addresses", (one, other) => {
    const path = "clustermesh.config.clusters";
    expect(at(mesh(one, [other]), path)).toEqual(at(mesh(other, [one]), path));
    expect(meshMembers(one, [other]).map(({ name }) => name)).toEqual([one.name, other.name]);
  });

  it("are a list on 1.18 and a map by name later, the members alike", () => {
    const members = {
      "prod-seoul": { port: 2379, ips: ["10.10.0.9", "10.10.16.9", "10.10.32.9"] },
      "dr-busan": { port: 2379, ips: ["10.20.0.9"] },
    };
    const path = "clustermesh.config.clusters";
    expect(at(mesh(seoul, [busan], "1.20.2"), path)).toEqual(members);
    expect(at(mesh(seoul, [busan], "1.19.6"), path)).toEqual(members);
    expect(at(mesh(seoul, [busan], "1.18.12"), path)).toEqual(
      Object.entries(members).map(([name, facts]) => ({ name, ...facts })),
    );
  });

  it.each([
    ["1.18.12", undefined],
    ["1.19.6", "60s"],
    ["1.20.2", "60s"],
  ])("set every default that changed between minors in %s", (version, cacheTtl) => {
    const values = mesh(seoul, [busan], version);
    expect(at(values, "clustermesh.policyDefaultLocalCluster")).toBe(true);
    expect(at(values, "clustermesh.maxConnectedClusters")).toBe(255);
    expect(at(values, "clustermesh.apiserver.tls.authMode")).toBe("cluster");
    expect(at(values, "clustermesh.apiserver.tls.auto.method")).toBe("cronJob");
    expect(at(values, "clustermesh.cacheTTL")).toBe(cacheTtl);
  });

  it("hold nothing for a site that stands alone", () => {
    expect(meshValues(devStaging, [])).toEqual({});
  });
});

describe("the Service in front of clustermesh-apiserver", () => {
  it("is a NodePort behind the cloud's own load balancer", () => {
    for (const site of [seoul, busan]) {
      expect(at(mesh(site, []), "clustermesh.apiserver.service")).toEqual({ type: "NodePort", nodePort: 32_379 });
      expect(meshServiceObject(site)).toBeUndefined();
    }
  });

  it.each(["1.19.6", "1.20.2"])("is ours on-prem from %s on, with the pinned address and announced", (version) => {
    const site = withCilium(idcSeoul, { version });
    expect(at(meshValues(site, []), "clustermesh.apiserver.service")).toEqual({ externallyCreated: true });
    const service = meshServiceObject(site);
    expect(service?.metadata.annotations).toEqual({ "lbipam.cilium.io/ips": "10.30.250.10" });
    expect(service?.metadata.labels["gyeongbu.io/announce"]).toBe("true");
    expect(service?.spec).toMatchObject({
      type: "LoadBalancer",
      loadBalancerClass: "io.cilium/bgp-control-plane",
      selector: { "k8s-app": "clustermesh-apiserver" },
      ports: [{ port: 2379 }],
    });
  });

  it("is the chart's on 1.18, which cannot leave it out", () => {
    const site = withCilium(idcSeoul, { version: "1.18.12" });
    expect(meshService(site)).toBe("chart-load-balancer");
    expect(meshServiceObject(site)).toBeUndefined();
    expect(at(meshValues(site, []), "clustermesh.apiserver.service")).toEqual({
      type: "LoadBalancer",
      labels: { "gyeongbu.io/announce": "true" },
      annotations: { "lbipam.cilium.io/ips": "10.30.250.10" },
      loadBalancerClass: "io.cilium/bgp-control-plane",
    });
  });

  it("leaves the controller of an existing cluster to that cluster", () => {
    const service = meshServiceObject(withCilium(localMember, { version: "1.20.2" }));
    expect(service?.spec).toMatchObject({ loadBalancerIP: "192.168.1.200" });
    expect(service?.spec).not.toHaveProperty("loadBalancerClass");
  });
});

describe("the demo service", () => {
  it("has one name in every member and prefers its own site", () => {
    const [one, other] = [demoObjects(seoul), demoObjects(busan)];
    expect(one.service).toEqual(other.service);
    expect(one.deployment.metadata.name).not.toBe(other.deployment.metadata.name);
    expect(one.service.metadata.annotations).toEqual({
      "service.cilium.io/global": "true",
      "service.cilium.io/affinity": "local",
    });
  });

  it("bears the label that failover selects by", () => {
    expect(demoObjects(seoul).service.metadata.labels["gyeongbu.io/failover"]).toBe("true");
  });

  it("pulls its image from the site's registry and reaches its own pods", () => {
    const { deployment, service } = demoObjects(idcSeoul);
    const [container] = deployment.spec.template.spec.containers;
    expect(container?.image).toMatch(/^registry\.securities\.example\/k8s\//);
    expect(deployment.spec.template.metadata.labels).toMatchObject(service.spec.selector);
    expect(service.spec.ports[0]?.targetPort).toBe(container?.ports[0]?.containerPort);
  });
});
