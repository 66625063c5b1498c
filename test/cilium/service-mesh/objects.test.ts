import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZodError } from "zod";
import { resourceProblems } from "../../../components/cilium/crd-schemas.ts";
import { gatewayObject } from "../../../components/cilium/service-mesh/gateway.ts";
import { httpRouteObject } from "../../../components/cilium/service-mesh/http-route.ts";
import { ingressObject } from "../../../components/cilium/service-mesh/ingress.ts";
import type { MeshObject } from "../../../components/cilium/service-mesh/mesh-object.ts";
import { rateLimitObject } from "../../../components/cilium/service-mesh/rate-limit.ts";
import { serviceMeshNamespaces, serviceMeshObjects } from "../../../components/cilium/service-mesh/service-mesh.ts";
import { ciliumValues } from "../../../components/cilium/values.ts";
import { PoliciesSpec } from "../../../components/config/policies.ts";
import { ServiceMeshSpec } from "../../../components/config/service-mesh.ts";
import { objectRules } from "../../../proof/documents/rule-lists.ts";
import type { KubernetesObject } from "../../../proof/rule.ts";
import { everything, labSite, pairs } from "../../support/service-mesh.ts";
import { at, seoul } from "../sites.ts";

const spire = {
  mutualAuthentication: {
    required: [
      {
        name: "orders-proven",
        from: { namespace: "dmz", labels: { app: "portal" } },
        to: { namespace: "app", labels: { app: "orders" } },
        port: 8080,
      },
    ],
  },
};
const all = { ...everything, ...spire };
const service = (namespace: string, name: string, port: number): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { ports: [{ port, targetPort: 8080 }] },
});
const services = [
  ...["orders", "orders-canary", "orders-b"].map((name) => service("app", name, 80)),
  service("dmz", "portal", 80),
  service("mgmt", "admin", 8080),
];
const objectsOf = (objects: readonly MeshObject[]): KubernetesObject[] => objects.map((object) => ({ ...object }));
const routeOf = (rules: unknown) => {
  const { gatewayApi } = ServiceMeshSpec.parse({
    gatewayApi: { ...everything.gatewayApi, routes: [{ ...everything.gatewayApi.routes[0], rules }] },
  });
  const [route] = gatewayApi?.routes ?? [];
  if (!route) throw new Error("no route");
  return httpRouteObject(route).spec;
};
const limitOf = (change: object) => {
  const [limit] = ServiceMeshSpec.parse({ rateLimits: [{ ...everything.rateLimits[0], ...change }] }).rateLimits;
  if (!limit) throw new Error("no limit");
  return rateLimitObject(limit);
};

describe.each(pairs)("the service mesh under Cilium %s", (cilium, kubernetes) => {
  const site = labSite(all, [cilium, kubernetes]);
  const objects = serviceMeshObjects(site);

  it("passes the strict schema of each of Cilium's own kinds", () => {
    const own = objects.filter(({ apiVersion }) => apiVersion.startsWith("cilium.io/"));
    expect(own.map(({ kind }) => kind)).toEqual(["CiliumEnvoyConfig", "CiliumNetworkPolicy"]);
    expect(own.flatMap((object) => resourceProblems(cilium, object))).toEqual([]);
  });

  it("breaks no rule on objects, with the values that its release gets", () => {
    const subject = {
      cilium,
      objects: [...objectsOf(objects), ...services],
      values: ciliumValues(site, []),
      complete: true,
    };
    const found = objectRules.flatMap(({ code, check }) => check(subject).map(({ message }) => `${code} ${message}`));
    expect(found).toEqual([]);
  });
});

it("applies Gateways before their routes, in namespaces that it can name", () => {
  const site = labSite(all);
  expect(
    serviceMeshObjects(site).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
  ).toEqual([
    "Gateway dmz/lab",
    "HTTPRoute app/orders",
    "Ingress dmz/portal",
    "Ingress mgmt/admin",
    "CiliumEnvoyConfig app/orders-limit",
    "CiliumNetworkPolicy app/orders-proven",
  ]);
  expect(serviceMeshNamespaces(site)).toEqual(["app", "dmz", "mgmt"]);
  expect(serviceMeshObjects(seoul)).toEqual([]);
});

describe("a Gateway", () => {
  const gateway = (change: object = {}) => {
    const site = labSite({ ...everything, gatewayApi: { ...everything.gatewayApi, ...change } });
    const [spec] = site.serviceMesh?.gatewayApi?.gateways ?? [];
    if (!spec) throw new Error("no gateway");
    return { site, spec, object: gatewayObject(site, spec) };
  };

  it("asks for its address, and labels its Service so that ToRs learn it", () => {
    const { object } = gateway();
    expect(object.spec.addresses).toEqual([{ type: "IPAddress", value: "10.30.250.20" }]);
    expect(object.spec.infrastructure).toEqual({ labels: { "gyeongbu.io/announce": "true" } });
  });

  it("has neither on the host network, nor labels where no ToR listens", () => {
    const { object, site, spec } = gateway({ expose: "host-network" });
    expect([object.spec.addresses, object.spec.infrastructure]).toEqual([undefined, undefined]);
    expect(gatewayObject({ ...seoul, serviceMesh: site.serviceMesh }, spec).spec.infrastructure).toBeUndefined();
  });

  it("takes routes of its own namespace unless told otherwise, and ends TLS where it has a certificate", () => {
    const { object } = gateway();
    expect(at(object.spec, "listeners.0.allowedRoutes.namespaces.from")).toBe("All");
    expect(at(object.spec, "listeners.1.allowedRoutes.namespaces.from")).toBe("Same");
    expect(at(object.spec, "listeners.1.tls")).toEqual({ mode: "Terminate", certificateRefs: [{ name: "lab-tls" }] });
    expect(at(object.spec, "listeners.0.tls")).toBeUndefined();
  });
});

describe("an HTTPRoute", () => {
  const backends = [{ service: "orders", port: 80 }];

  it.each([
    ["nothing", {}, { path: { type: "PathPrefix", value: "/" } }],
    ["a prefix", { path: { prefix: "/api" } }, { path: { type: "PathPrefix", value: "/api" } }],
    ["an exact path", { path: { exact: "/api" } }, { path: { type: "Exact", value: "/api" } }],
    ["a method", { method: "POST" }, { path: { type: "PathPrefix", value: "/" }, method: "POST" }],
    [
      "headers, all of them",
      { headers: { "X-Api-Version": "v2", "X-Group": "b" } },
      {
        path: { type: "PathPrefix", value: "/" },
        headers: [
          { type: "Exact", name: "X-Api-Version", value: "v2" },
          { type: "Exact", name: "X-Group", value: "b" },
        ],
      },
    ],
  ])("matches %s", (_, rule, match) => {
    expect(at(routeOf([{ ...rule, backends }]), "rules.0.matches")).toEqual([match]);
  });

  it.each([
    ["one backend", [{ service: "orders", port: 80 }], [1]],
    [
      "a canary",
      [
        { service: "orders", port: 80, weight: 90 },
        { service: "canary", port: 81, weight: 10 },
      ],
      [90, 10],
    ],
    [
      "one that is drained",
      [
        { service: "a", port: 80, weight: 1 },
        { service: "b", port: 80, weight: 0 },
      ],
      [1, 0],
    ],
  ])("sends to %s", (_, given, weights) => {
    const refs = at(routeOf([{ backends: given }]), "rules.0.backendRefs");
    expect(refs).toEqual(given.map(({ port, service: name }, index) => ({ name, port, weight: weights[index] })));
  });

  it("keeps every weight, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 16 }), (weights) => {
        const given = weights.map((weight, index) => ({ service: `s${index}`, port: 80, weight }));
        const refs = at(routeOf([{ backends: given }]), "rules.0.backendRefs");
        expect(weights.map((_, index) => at(refs, `${index}.weight`))).toEqual(weights);
      }),
    );
  });

  it.each([
    ["a path without a slash", { path: { prefix: "api" } }],
    ["a path with a wildcard", { path: { prefix: "/api/*" } }],
    ["two kinds of path", { path: { prefix: "/a", exact: "/a" } }],
    ["an empty header", { headers: { "X-Group": "" } }],
    ["a header name with a space", { headers: { "X Group": "b" } }],
    ["a method that HTTP does not have", { method: "FETCH" }],
  ])("is refused with %s", (_, rule) => {
    expect(() => routeOf([{ ...rule, backends }])).toThrow(ZodError);
  });

  it.each([
    ["no backend", []],
    ["a negative weight", [{ service: "a", port: 80, weight: -1 }]],
    ["a share of one", [{ service: "a", port: 80, weight: 0.9 }]],
    ["more than Gateway API takes", [{ service: "a", port: 80, weight: 1_000_001 }]],
  ])("is refused with %s", (_, given) => {
    expect(() => routeOf([{ backends: given }])).toThrow(ZodError);
  });
});

describe("an Ingress", () => {
  const [shared, dedicated] = (labSite(everything).serviceMesh?.ingress?.ingresses ?? []).map((spec) =>
    ingressObject(labSite(everything), spec),
  );

  it("shares the chart's Service, or has one of its own that ToRs learn", () => {
    expect(shared?.metadata.annotations).toEqual({
      "pulumi.com/skipAwait": "true",
      "ingress.cilium.io/loadbalancer-mode": "shared",
    });
    expect(shared?.metadata.labels).toBeUndefined();
    expect(dedicated?.metadata.labels).toEqual({ "gyeongbu.io/announce": "true" });
    expect(dedicated?.metadata.annotations).toMatchObject({
      "ingress.cilium.io/loadbalancer-mode": "dedicated",
      "ingress.cilium.io/loadbalancer-class": "io.cilium/bgp-control-plane",
      "lbipam.cilium.io/ips": "10.30.250.21",
    });
  });

  it("names its class, its certificate and its paths", () => {
    expect(shared?.spec.ingressClassName).toBe("cilium");
    expect(shared?.spec.tls).toEqual([{ hosts: ["portal.lab.example"], secretName: "portal-tls" }]);
    expect(at(dedicated?.spec, "rules.0.http.paths.0")).toEqual({
      path: "/ui",
      pathType: "Exact",
      backend: { service: { name: "admin", port: { number: 8080 } } },
    });
  });
});

describe("a rate limit", () => {
  const filters = "resources.0.filter_chains.0.filters.0.typed_config.http_filters";

  it.each([
    ["10 a minute", { requests: 10, perSeconds: 60, burst: undefined }, [10, 10, "60s"]],
    ["100 a second", { requests: 100, perSeconds: 1, burst: undefined }, [100, 100, "1s"]],
    ["5 a second, 50 at once", { requests: 5, perSeconds: 1, burst: 50 }, [50, 5, "1s"]],
  ])("lets through %s", (_, change, [most, fill, interval]) => {
    const { spec } = limitOf(change);
    expect(at(spec, `${filters}.0.typed_config.token_bucket`)).toEqual({
      max_tokens: most,
      tokens_per_fill: fill,
      fill_interval: interval,
    });
  });

  it("limits every request, and ends in a typed router", () => {
    const { spec } = limitOf({});
    for (const key of ["filter_enabled", "filter_enforced"])
      expect(at(spec, `${filters}.0.typed_config.${key}.default_value`)).toEqual({
        numerator: 100,
        denominator: "HUNDRED",
      });
    expect(at(spec, `${filters}.1.typed_config`)).toEqual({
      "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
    });
  });

  it("redirects one port, to the pods behind that port, and leaves the listener's address to Cilium", () => {
    const { metadata, spec } = limitOf({ port: 8081 });
    expect(spec.services).toEqual([{ name: "orders", namespace: "app", ports: [8081], listener: "orders-limit" }]);
    expect(at(spec, "resources.0.address")).toBeUndefined();
    const cluster = "app/orders:8081";
    expect(at(spec, "resources.1.virtual_hosts.0.routes.0.route.cluster")).toBe(cluster);
    expect([at(spec, "resources.2.name"), at(spec, "resources.2.type")]).toEqual([cluster, "EDS"]);
    expect(at(spec, "resources.2.eds_cluster_config.service_name")).toBe(cluster);
    // With their own address callers keep their identity, and policies their meaning.
    expect(metadata).toEqual({ name: "orders-limit", namespace: "app" });
    expect(at(spec, "resources.2.typed_extension_protocol_options")).toMatchObject({
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": { use_downstream_protocol_config: {} },
    });
  });
});

describe("mutual authentication", () => {
  it("lets a connection in once both sides have proven who they are", () => {
    const policy = serviceMeshObjects(labSite(spire))[0];
    expect(policy?.spec).toEqual({
      endpointSelector: { matchLabels: { "k8s:app": "orders" } },
      ingress: [
        {
          fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "dmz", "k8s:app": "portal" } }],
          authentication: { mode: "required" },
          toPorts: [{ ports: [{ port: "8080", protocol: "TCP" }] }],
        },
      ],
    });
  });

  it("waits for the namespace's policies to be enforced", () => {
    const site = labSite(spire);
    const phased = (phase: "audit" | "enforce") =>
      serviceMeshObjects(labSiteWith(site, { phase })).map(({ metadata }) => metadata.name);
    expect(phased("audit")).toEqual([]);
    expect(phased("enforce")).toEqual(["orders-proven"]);
  });
});

function labSiteWith(site: ReturnType<typeof labSite>, policies: { phase: "audit" | "enforce" }) {
  return { ...site, policies: PoliciesSpec.parse(policies) };
}
