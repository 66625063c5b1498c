import { describe, expect, it } from "vitest";
import { literalPattern, pathPattern, widePattern } from "../../proof/flows/http-shapes.ts";
import { Workloads } from "../../proof/flows/workload.ts";

describe("labels by which a rule names pods", () => {
  const chosen = (labels: Record<string, string>) => {
    const cilium = { "io.kubernetes.pod.namespace": "shop", "io.cilium.k8s.policy.cluster": "seoul" };
    const pod = { kind: "pod", cluster: "seoul", namespace: "shop", labels: { ...cilium, ...labels } } as const;
    const { labels: found, name, sureness } = new Workloads([]).of(pod);
    return `${name}: ${Object.keys(found).join(" ")} ${sureness}`;
  };

  it.each<[string, Record<string, string>]>([
    ["web: app sure", { app: "web", "pod-template-hash": "5d8f", version: "v2" }],
    ["coredns: k8s-app sure", { "k8s-app": "coredns", "io.cilium.k8s.policy.serviceaccount": "coredns" }],
    [
      "db: app.kubernetes.io/component app.kubernetes.io/instance app.kubernetes.io/name sure",
      {
        "app.kubernetes.io/component": "primary",
        "app.kubernetes.io/instance": "orders",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": "db",
        "app.kubernetes.io/version": "16.2",
        "controller-revision-hash": "db-5c9",
        "helm.sh/chart": "db-1.2",
      },
    ],
    ["front: app tier sure", { tier: "web", app: "front" }],
    ["front: tier likely", { tier: "front", team: "blue" }],
    ["blue: team likely", { team: "blue", "rollouts-pod-template-hash": "1" }],
    [
      "batch: io.cilium.k8s.policy.serviceaccount likely",
      { "io.cilium.k8s.policy.serviceaccount": "batch", "job-name": "x-1" },
    ],
    ["*:  guess", { "io.cilium.k8s.policy.serviceaccount": "default", "controller-uid": "1" }],
    ["*:  guess", { app: "" }],
  ])("%s", (expected, labels) => {
    expect(chosen(labels)).toBe(expected);
  });
});

describe("patterns of paths", () => {
  it.each([
    ["/", "/"],
    ["/orders/17/items", "/orders/[0-9]+/items"],
    ["/users/0d2ac0d6-0ae0-4a57-8a07-7c8e3a7f0a11", "/users/[0-9A-Fa-f-]{36}"],
    ["/objects/507f1f77bcf86cd799439011", "/objects/[0-9A-Fa-f]+"],
    ["/t/eyJhbGciOiJIUzI1NiIsInR5cCI6", "/t/[0-9A-Za-z_-]+"],
    ["/defaced/feedfacedeadbeef", "/defaced/feedfacedeadbeef"],
    ["/account-management-overview", "/account-management-overview"],
    ["/a.b/c+d(e)", String.raw`/a\.b/c\+d\(e\)`],
    ["/search?q=1&x=/2", String.raw`/search(\?.*)?`],
    ["/pkg.Orders/Place", String.raw`/pkg\.Orders/Place`],
  ])("%s", (path, pattern) => {
    expect(pathPattern(path)).toBe(pattern);
    for (const each of [pattern, widePattern(path)]) expect(path).toMatch(new RegExp(`^${each}$`));
  });

  it("take nothing else for what has no identifier in it", () => {
    expect("/aXb").not.toMatch(new RegExp(`^${pathPattern("/a.b")}$`));
    expect("POST").not.toMatch(new RegExp(`^${literalPattern("P.ST")}$`));
    expect("/apixyz").not.toMatch(new RegExp(`^${widePattern("/api/x")}$`));
  });
});
