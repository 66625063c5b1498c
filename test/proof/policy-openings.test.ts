import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policyOpeningRules } from "../../proof/objects/policy-openings.ts";
import type { EngineOptions } from "../../proof/reachability/entry.ts";
import { loadPolicies } from "../../proof/reachability/load.ts";
import { addressParty, podParty } from "../../proof/reachability/party.ts";
import { Reachability } from "../../proof/reachability/reachability.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { ccnp, cnp, egress, ingress, knp, ports } from "../support/policies.ts";

const cluster = "seoul";
const orders = podParty({ name: "orders", namespace: "trading", labels: { app: "orders" }, cluster });
const pods = ["trading", "lab", "books"].map((namespace) =>
  podParty({ name: "web", namespace, labels: { app: "web" }, namespaceLabels: { team: namespace }, cluster }),
);
const outside = addressParty("203.0.113.7");

function codes(object: KubernetesObject, { version, policyDefaultLocalCluster }: EngineOptions): string[] {
  const values = { cluster: { name: cluster }, clustermesh: { policyDefaultLocalCluster } };
  const subject = { cilium: version, objects: [object], values, complete: true };
  return policyOpeningRules.flatMap(({ code, check }) => check(subject).map(() => code));
}

function engine(object: KubernetesObject, options: EngineOptions): Reachability {
  const loaded = loadPolicies([object], options);
  expect(loaded.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  return new Reachability(loaded, [orders, ...pods, outside], options);
}

const options: EngineOptions = {
  cluster,
  enablePolicy: "default",
  policyDefaultLocalCluster: true,
  hostFirewall: false,
  version: "1.20.2",
};

const keys = [
  "app",
  "io.kubernetes.pod.namespace",
  "k8s:io.cilium.k8s.namespace.labels.team",
  "k8s:io.cilium.k8s.policy.cluster",
];
const condition = (key: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom("In", "NotIn"),
      values: fc.uniqueArray(fc.constantFrom("web", "lab", "trading", cluster), { minLength: 1 }),
    }),
    fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
  );
const conditions = (key: fc.Arbitrary<string>) =>
  fc.record({ matchExpressions: fc.array(condition(key), { minLength: 1, maxLength: 3 }) });
const anyPeer = fc.oneof(
  conditions(fc.constantFrom(...keys)).map((peer) => ingress({ fromEndpoints: [peer] })),
  conditions(fc.constantFrom(...keys)).map((peer) =>
    ccnp({ endpointSelector: { matchLabels: { app: "orders" } }, ingress: [{ fromEndpoints: [peer] }] }),
  ),
  fc
    .tuple(conditions(fc.constantFrom("team", "kubernetes.io/metadata.name")), conditions(fc.constant("app")))
    .map(([namespaceSelector, podSelector]) => knp({ ingress: [{ from: [{ namespaceSelector, podSelector }] }] })),
);

describe("what opens more than is written", () => {
  it("is a peer that lets in addresses outside, and from 1.20 on every pod", () => {
    fc.assert(
      fc.property(
        anyPeer,
        fc.boolean(),
        fc.constantFrom("1.18.12", "1.19.6", "1.20.2"),
        (object, policyDefaultLocalCluster, version) => {
          const own = { ...options, policyDefaultLocalCluster, version };
          const reachability = engine(object, own);
          const allows = (peer: typeof orders) =>
            reachability.side("ingress", orders, peer, { protocol: "TCP", port: 80 }).verdict === "allowed";
          const found = codes(object, own).includes("GB-1250");
          expect(found).toBe(allows(outside));
          expect(!found || version !== "1.20.2" || pods.every(allows)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  const lab = { k8sService: { serviceName: "lab", namespace: "lab" } };
  it.each([
    ["GB-1249", ingress({ fromCIDRSet: [{ cidrGroupSelector: {} }] }), "ingress", { protocol: "TCP", port: 80 }],
    ["GB-1251", egress({ toServices: [lab], toPorts: [ports("80")] }), "egress", { protocol: "TCP", port: 80 }],
    [
      "GB-1252",
      ingress({ fromEntities: ["all"], icmps: [{ fields: [{ type: "EchoReply" }] }] }),
      "ingress",
      { protocol: "ICMP", port: 8 },
    ],
  ] as const)("%s", (code, object, direction, traffic) => {
    expect(codes(object, options)).toEqual([code]);
    const reachability = engine(object, options);
    for (const peer of [...pods, outside]) {
      expect(reachability.side(direction, orders, peer, traffic).verdict).toBe("allowed");
    }
    const closed = engine(cnp({ [direction]: [{}] }), options);
    expect(closed.side(direction, orders, outside, traffic).verdict).toBe("denied");
  });
});
