import { describe, expect, it } from "vitest";
import { unknownValues } from "../../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../../components/cilium/chart-refusals.ts";
import { demoObjects } from "../../../components/cilium/demo-service.ts";
import { mergeValues } from "../../../components/cilium/helm-values.ts";
import { bandwidthAnnotations } from "../../../components/cilium/service-mesh/bandwidth.ts";
import { serviceMeshValues } from "../../../components/cilium/service-mesh-values.ts";
import { ciliumValues } from "../../../components/cilium/values.ts";
import { ServiceMeshSpec } from "../../../components/config/service-mesh.ts";
import { siteValuesRules } from "../../../proof/rules/chart-values.ts";
import { everything, labSite } from "../../support/service-mesh.ts";
import { at, indexedVersions, seoul } from "../sites.ts";

const tls = { tls: { ca: { cert: "Q0E=", key: "S0VZ" } } };
const kubernetes: Readonly<Record<string, string>> = { "1.18": "1.33.4", "1.19": "1.35.2", "1.20": "1.36.4" };
const forms: Readonly<Record<string, unknown>> = {
  everything,
  "gateways on the host network": { gatewayApi: { ...everything.gatewayApi, expose: "host-network" } },
  "an ingress on the host network": { ingress: { shared: { expose: "host-network", port: 8080 } } },
  "requests balanced by Envoy": { l7LoadBalancing: { algorithm: "least_request" } },
  "mutual authentication": { mutualAuthentication: { imageRegistry: "registry.bank.example/spire" } },
};
const every = indexedVersions.flatMap((version) =>
  Object.entries(forms).map(([name, spec]) => ({
    version,
    name,
    values: mergeValues(ciliumValues(labSite(spec, [version, kubernetes[version.slice(0, 4)] ?? ""]), []), tls),
  })),
);

describe("serviceMeshValues against the charts", () => {
  it.each(every)("sets only keys that chart $version has, and breaks no rule on values: $name", ({
    values,
    version,
  }) => {
    expect(unknownValues(version, values)).toEqual([]);
    expect(chartRefusals(version, values)).toEqual([]);
    const found = siteValuesRules.flatMap(({ code, check }) =>
      check({ cilium: version, values }).map(({ message }) => `${code} ${message}`),
    );
    expect(found).toEqual([]);
  });
});

const of = (spec: unknown) => serviceMeshValues(labSite(spec));

describe("serviceMeshValues", () => {
  it("is nothing without a service mesh, and the proxy with an empty one", () => {
    expect(serviceMeshValues(seoul)).toEqual({});
    expect(of({})).toEqual({ l7Proxy: true });
  });

  it("stops the release where no GatewayClass can be made, instead of leaving it out", () => {
    expect(at(of(everything), "gatewayAPI")).toEqual({ enabled: true, gatewayClass: { create: "true" } });
  });

  it.each([
    ["node-port", { type: "NodePort", insecureNodePort: 30_080, secureNodePort: 30_443 }, undefined],
    ["host-network", undefined, { enabled: true, sharedListenerPort: 8080 }],
    ["load-balancer", { type: "LoadBalancer" }, undefined],
  ])("gives the shared Ingress its front: %s", (expose, service, hostNetwork) => {
    const { ingressController } = of({ ingress: { shared: { expose } } }) as { ingressController: unknown };
    expect([at(ingressController, "service"), at(ingressController, "hostNetwork")]).toEqual([service, hostNetwork]);
    expect(at(ingressController, "loadbalancerMode")).toBe("shared");
    // Labels that announce an address pass from an Ingress to its Service.
    expect(at(ingressController, "ingressLBAnnotationPrefixes")).toContain("gyeongbu.io");
  });

  it("lets agents read Envoy configurations where there is one", () => {
    expect(at(of(everything), "envoyConfig.enabled")).toBe(true);
    expect(at(of({ rateLimits: [] }), "envoyConfig")).toBeUndefined();
  });

  it("lets Envoy balance requests where it is asked to", () => {
    expect(at(of({ l7LoadBalancing: {} }), "loadBalancer.l7")).toEqual({ backend: "envoy", algorithm: "round_robin" });
    expect(at(of({}), "loadBalancer")).toBeUndefined();
  });

  it("keeps SPIRE's data in memory unless a class of volumes is named, and takes its images from a mirror", () => {
    const install = (spec: object) => at(of({ mutualAuthentication: spec }), "authentication.mutual.spire.install");
    expect(at(install({}), "server.dataStorage")).toEqual({ enabled: false });
    expect(at(install({ storageClass: "ssd" }), "server.dataStorage")).toEqual({ enabled: true, storageClass: "ssd" });
    const mirrored = install({ imageRegistry: "r.example/m" });
    expect(["initImage", "agent.image", "server.image"].map((path) => at(mirrored, `${path}.repository`))).toEqual([
      "r.example/m/library/busybox",
      "r.example/m/spiffe/spire-agent",
      "r.example/m/spiffe/spire-server",
    ]);
    expect(at(install({}), "agent.image.repository")).toBeUndefined();
  });

  it("brings no SPIRE into a mesh", () => {
    const serviceMesh = ServiceMeshSpec.parse({ mutualAuthentication: {} });
    expect(serviceMeshValues({ ...seoul, serviceMesh })).toEqual({ l7Proxy: true });
  });
});

describe("bandwidth", () => {
  it.each([
    [{ egress: 10 }, { "kubernetes.io/egress-bandwidth": "10M" }],
    [
      { egress: 10, ingress: 20 },
      { "kubernetes.io/egress-bandwidth": "10M", "kubernetes.io/ingress-bandwidth": "20M" },
    ],
    [{}, {}],
  ])("of %j is %j", (limit, annotations) => {
    expect(bandwidthAnnotations(limit)).toEqual(annotations);
  });

  it("is turned on with BBR or without", () => {
    expect(at(of({ bandwidth: {} }), "bandwidthManager")).toEqual({ enabled: true, bbr: false });
    expect(at(of({ bandwidth: { bbr: true } }), "bandwidthManager")).toEqual({ enabled: true, bbr: true });
    expect(at(of({}), "bandwidthManager")).toBeUndefined();
  });

  it("limits the demo service's pods where it is asked to", () => {
    const template = (spec: unknown) =>
      demoObjects({ ...seoul, serviceMesh: ServiceMeshSpec.parse(spec) }).deployment.spec.template.metadata;
    expect(template({ bandwidth: { demoService: { ingress: 5 } } })).toMatchObject({
      annotations: { "kubernetes.io/ingress-bandwidth": "5M" },
    });
    expect(Object.keys(template({}))).toEqual(["labels"]);
  });
});
