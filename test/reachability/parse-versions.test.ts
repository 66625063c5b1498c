import { describe, expect, it } from "vitest";
import {
  clusterwide,
  entriesOf,
  errorOf,
  kubernetes,
  namespaced,
  peersSaid,
  requirementsSaid,
} from "./parse-support.ts";

const rule = (rules: object, ports: object[] = [{ port: "9092", protocol: "TCP" }]) =>
  namespaced({ endpointSelector: {}, ingress: [{ toPorts: [{ ports, rules }] }] });

describe("Cilium's minors differ", () => {
  it.each([
    ["1.18", "accepted"],
    ["1.19", "accepted"],
    ["1.20", "spec.ingress[0].fromCIDRSet[0].except[0]: 10.0.0.0/8 is not inside"],
  ])("%s on an exception that is wider than its block: %s", (version, wanted) => {
    const fromCIDRSet = [{ cidr: "10.0.0.0/16", except: ["10.0.0.0/8"] }];
    expect(errorOf(clusterwide({ endpointSelector: {}, ingress: [{ fromCIDRSet }] }), { version })).toContain(wanted);
  });

  it("none takes an exception that begins elsewhere", () => {
    const fromCIDRSet = [{ cidr: "10.0.0.0/16", except: ["10.1.0.0/8"] }];
    const policy = clusterwide({ endpointSelector: {}, ingress: [{ fromCIDRSet }] });
    expect(errorOf(policy, { version: "1.19" })).toContain("is not inside");
  });

  it.each([
    ["1.19", "is no label key"],
    ["1.20", "accepted"],
  ])("%s on a key of 63 characters: %s", (version, wanted) => {
    const endpointSelector = { matchLabels: { ["a".repeat(63)]: "b" } };
    expect(errorOf(clusterwide({ endpointSelector, ingress: [{}] }), { version })).toContain(wanted);
  });

  it.each([
    ["1.19", "is no label key"],
    ["1.20", "accepted"],
  ])("%s on a source in cidrGroupSelector: %s", (version, wanted) => {
    const fromCIDRSet = [{ cidrGroupSelector: { matchLabels: { "cidrgroup:zone": "core" } } }];
    expect(errorOf(clusterwide({ endpointSelector: {}, ingress: [{ fromCIDRSet }] }), { version })).toContain(wanted);
  });

  it.each([
    ["1.19", '"cluster-mesh" is none of'],
    ["1.20", "accepted"],
  ])("%s on the entity cluster-mesh: %s", (version, wanted) => {
    const ingress = [{ fromEntities: ["cluster-mesh"] }];
    expect(errorOf(clusterwide({ endpointSelector: {}, ingress }), { version })).toContain(wanted);
  });

  it("1.20 has pruned Kafka's rules, so none is left", () => {
    expect(errorOf(rule({ kafka: [{ role: "produce" }] }), { version: "1.20" })).toContain("exactly one of http, dns");
    expect(errorOf(rule({ kafka: [{ role: "produce" }] }), { version: "1.19" })).toBe("accepted");
  });
});

describe("1.18 and 1.19 alone", () => {
  const egress = (selector: object) =>
    clusterwide({ endpointSelector: {}, egress: [{ toServices: [{ k8sServiceSelector: { selector } }] }] });
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } };
  const web = { ...service, spec: { selector: { app: "web" } } };

  it.each(["1.18", "1.19", "1.20"])("%s refuses a policy without spec and specs", (version) => {
    const { spec: _, ...policy } = clusterwide({});
    expect(errorOf(policy, { version })).not.toBe("accepted");
    expect(errorOf({ ...policy, specs: [] }, { version })).toBe("accepted");
  });

  it.each([
    ["1.18", true, "spec.ingress[0].from[0].ipBlock: Cilium 1.18 takes no block here"],
    ["1.18", false, "accepted"],
    ["1.19", true, "accepted"],
  ])("%s with policyDefaultLocalCluster %s on a block that may come in: %s", (version, isLocal, wanted) => {
    const ingress = [{ from: [{ ipBlock: { cidr: "192.0.2.0/24" } }] }];
    const policy = kubernetes({ podSelector: {}, ingress });
    expect(errorOf(policy, { version, policyDefaultLocalCluster: isLocal })).toContain(wanted);
  });

  it("1.18 takes a block that may be reached in any case", () => {
    const policy = kubernetes({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: "192.0.2.0/24" } }] }] });
    expect(errorOf(policy, { version: "1.18", policyDefaultLocalCluster: true })).toBe("accepted");
  });

  const unsound = { matchExpressions: [{ key: "tier", operator: "NotIn" }] };
  const pods = ["k8s:app in web, k8s:io.kubernetes.pod.namespace in shop"];

  it.each([
    ["1.18", {}, "none"],
    ["1.18", { matchLabels: {} }, pods],
    ["1.18", unsound, "none"],
    ["1.19", {}, pods],
    ["1.20", {}, pods],
    ["1.20", unsound, pods],
  ])("in %s the Services of %j: %s", (version, selector, wanted) => {
    const [entry] = entriesOf(egress(selector), { version }, [web]);
    expect(entry && peersSaid(entry)).toEqual(wanted);
  });

  it("1.19 refuses a selector of Services that is not sound", () => {
    expect(errorOf(egress(unsound), { version: "1.19" })).toContain("NotIn has no values");
  });
});

describe("1.18 and 1.19", () => {
  const version = "1.19";
  const l7 = (rules: object) => entriesOf(rule(rules), { version })[0]?.ports[0]?.l7;

  it("have rules of Kafka and of protocols of one's own", () => {
    expect(l7({ kafka: [{ role: "produce", topic: "orders" }] })).toEqual({
      kafka: [{ role: "produce", topic: "orders" }],
    });
    expect(l7({ l7proto: "r2d2", l7: [{ cmd: "READ" }] })).toEqual({ proxied: true });
  });

  it.each([
    [{ kafka: [{ role: "produce", apiKey: "fetch" }] }, "kafka[0]: role and apiKey stand in one rule"],
    [{ kafka: [{ apiKey: "consume" }] }, 'kafka[0].apiKey: Kafka has no API key "consume"'],
    [{ kafka: [{ apiVersion: "40000" }] }, "kafka[0].apiVersion"],
    [{ kafka: [{ topic: "orders*" }] }, "kafka[0].topic"],
    [{ l7proto: "r2d2", l7: [{ "": "READ" }] }, "a rule has an empty key"],
  ])("refuse %j", (rules, wanted) => {
    expect(errorOf(rule(rules), { version })).toContain(wanted);
  });

  it("refuse rules that name no protocol", () => {
    expect(errorOf(rule({ l7: [{ cmd: "READ" }], http: [{}] }), { version })).toContain("Write l7proto");
  });

  it("take Kafka on TCP alone, and not for nodes", () => {
    expect(errorOf(rule({ kafka: [{}] }, [{ port: "9092" }]), { version })).toContain("L7 rules stand on ANY");
    const toPorts = [{ ports: [{ port: "9092", protocol: "TCP" }], rules: { kafka: [{}] } }];
    expect(errorOf(clusterwide({ nodeSelector: {}, egress: [{ toPorts }] }), { version })).toContain("for nodes");
  });
});

describe("fromRequires and toRequires", () => {
  const required = { matchLabels: { env: "prod" } };
  const policy = namespaced({
    endpointSelector: {},
    ingress: [{ fromRequires: [required] }, { fromEndpoints: [{}] }, { fromEntities: ["world"] }],
    egressDeny: [{ toRequires: [required], toEndpoints: [{}] }],
  });

  it("are conditions on the peers of other entries in 1.18", () => {
    const entries = entriesOf(policy, { version: "1.18" });
    const found = entries.map(({ requires, restricted }) => [requires && requirementsSaid(requires), restricted]);
    const wanted = "any:env in prod, k8s:io.kubernetes.pod.namespace in shop";
    expect(found).toEqual([
      [wanted, undefined],
      [undefined, true],
      [undefined, undefined],
      [wanted, true],
    ]);
  });

  it("are checked like other selectors", () => {
    const broken = namespaced({ endpointSelector: {}, ingress: [{ fromRequires: [{ matchLabels: { "a b": "c" } }] }] });
    expect(errorOf(broken, { version: "1.18" })).toContain("spec.ingress[0].fromRequires[0]");
  });

  it("restrict a NetworkPolicy's pods in 1.18, not its blocks", () => {
    const to = [{ ipBlock: { cidr: "192.0.2.0/24" } }, { podSelector: {} }];
    const entries = entriesOf(kubernetes({ podSelector: {}, egress: [{ to }] }), { version: "1.18" });
    const outward = entries.filter(({ direction }) => direction === "egress");
    expect(outward.map((entry) => [peersSaid(entry), entry.restricted])).toEqual([
      [["k8s:io.kubernetes.pod.namespace in shop"], true],
      [["192.0.2.0/24"], undefined],
    ]);
  });

  it.each(["1.19", "1.20"])("are refused by %s", (version) => {
    expect(errorOf(policy, { version })).toContain("fromRequires and toRequires left with Cilium 1.19");
  });
});
