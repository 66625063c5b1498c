import { describe, expect, it } from "vitest";
import { clusterwide, entriesOf, kubernetes, namespaced, peersSaid, requirementsSaid } from "./parse-support.ts";

const inShop = "k8s:io.kubernetes.pod.namespace in shop";
const anyNamespace = "k8s:io.kubernetes.pod.namespace";
const inSeoul = "k8s:io.cilium.k8s.policy.cluster in seoul";

describe("the subject of a policy", () => {
  it.each([
    ["every pod of its namespace", namespaced, {}, inShop],
    [
      "pods by label, of any source",
      namespaced,
      { matchLabels: { app: "web", "k8s:tier": "a" } },
      `any:app in web, ${inShop}, k8s:tier in a`,
    ],
    [
      "its own namespace in place of another one",
      namespaced,
      { matchLabels: { "k8s:io.kubernetes.pod.namespace": "x" } },
      inShop,
    ],
    [
      "nobody, where a plain key asks for another namespace",
      namespaced,
      { matchLabels: { "io.kubernetes.pod.namespace": "x" } },
      `any:io.kubernetes.pod.namespace in x, ${inShop}`,
    ],
    ["all endpoints, if cluster-wide", clusterwide, {}, "everyone"],
    [
      "what expressions ask for",
      clusterwide,
      {
        matchExpressions: [
          { key: "app", operator: "NotIn", values: ["a", "b"] },
          { key: "reserved:health", operator: "Exists" },
          { key: "k8s:x", operator: "DoesNotExist" },
        ],
      },
      "!k8s:x, any:app not in a|b, reserved:health",
    ],
  ])("is %s", (_, make, endpointSelector, wanted) => {
    const [entry] = entriesOf(make({ endpointSelector, ingress: [{}] }), { policyDefaultLocalCluster: true });
    expect(requirementsSaid(entry?.subject.requirements ?? [])).toBe(wanted);
  });

  it("is a node, if by nodeSelector", () => {
    const [entry] = entriesOf(clusterwide({ nodeSelector: { matchLabels: { role: "edge" } }, ingress: [{}] }));
    expect(entry).toMatchObject({ node: true, subject: { requirements: [{ source: "any", key: "role" }] } });
    expect(entry).not.toHaveProperty("namespace");
  });
});

describe("a peer of a Cilium policy", () => {
  it.each([
    ["{} is the policy's namespace", namespaced, {}, inShop],
    ["{} of a cluster-wide policy is every pod", clusterwide, {}, anyNamespace],
    [
      "a label is one in the policy's namespace",
      namespaced,
      { matchLabels: { app: "db" } },
      `any:app in db, ${inShop}`,
    ],
    [
      "a namespace of its own stays",
      namespaced,
      { matchLabels: { "k8s:io.kubernetes.pod.namespace": "pay" } },
      "k8s:io.kubernetes.pod.namespace in pay",
    ],
    [
      "a namespace in an expression stays",
      clusterwide,
      { matchExpressions: [{ key: "io.kubernetes.pod.namespace", operator: "NotIn", values: ["pay"] }] },
      "any:io.kubernetes.pod.namespace not in pay",
    ],
    [
      "labels of namespaces lift the policy's namespace",
      namespaced,
      { matchLabels: { "io.cilium.k8s.namespace.labels.zone": "dmz" } },
      "any:io.cilium.k8s.namespace.labels.zone in dmz",
    ],
    [
      "labels of namespaces do not lift the wish for a pod",
      clusterwide,
      { matchLabels: { "io.cilium.k8s.namespace.labels.zone": "dmz" } },
      `any:io.cilium.k8s.namespace.labels.zone in dmz, ${anyNamespace}`,
    ],
    ["something reserved has no namespace", namespaced, { matchLabels: { "reserved:host": "" } }, "reserved:host in "],
    [
      "something reserved in an expression neither",
      namespaced,
      { matchExpressions: [{ key: "reserved:init", operator: "DoesNotExist" }] },
      "!reserved:init",
    ],
  ])("%s", (_, make, selector, wanted) => {
    const [entry] = entriesOf(make({ endpointSelector: {}, ingress: [{ fromEndpoints: [selector] }] }));
    expect(entry && peersSaid(entry)).toEqual([wanted]);
  });

  it.each([
    [
      "is limited to the local cluster by default",
      { matchLabels: { app: "db" } },
      `any:app in db, ${inSeoul}, ${inShop}`,
    ],
    [
      "may name another cluster",
      { matchLabels: { "io.cilium.k8s.policy.cluster": "busan" } },
      `any:io.cilium.k8s.policy.cluster in busan, ${inShop}`,
    ],
    [
      "may name every cluster",
      { matchExpressions: [{ key: "k8s:io.cilium.k8s.policy.cluster", operator: "Exists" }] },
      `k8s:io.cilium.k8s.policy.cluster, ${inShop}`,
    ],
    ["has no cluster if reserved", { matchLabels: { "reserved:host": "" } }, "reserved:host in "],
  ])("%s", (_, selector, wanted) => {
    const policy = namespaced({ endpointSelector: {}, egress: [{ toEndpoints: [selector] }] });
    const [entry] = entriesOf(policy, { policyDefaultLocalCluster: true });
    expect(entry && peersSaid(entry)).toEqual([wanted]);
  });

  it("of pods that have no labels yet need not be a pod", () => {
    const endpointSelector = { matchLabels: { "reserved:init": "" } };
    const [entry] = entriesOf(clusterwide({ endpointSelector, ingress: [{ fromEndpoints: [{}] }] }));
    expect(entry && peersSaid(entry)).toEqual(["everyone"]);
  });
});

describe("an entity", () => {
  const machinery = ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"].map(
    (name) => `reserved:${name} in `,
  );

  it.each([
    ["all", ["everyone"]],
    ["world", ["reserved:world in ", "reserved:world-ipv4 in ", "reserved:world-ipv6 in "]],
    ["host", ["reserved:host in "]],
    ["none", ["reserved:none in "]],
    ["cluster", [...machinery, inSeoul]],
    ["cluster-mesh", [...machinery, "any:io.cilium.k8s.policy.cluster"]],
  ])("%s is %j", (entity, wanted) => {
    const [entry] = entriesOf(clusterwide({ endpointSelector: {}, egress: [{ toEntities: [entity] }] }));
    expect(entry && peersSaid(entry)).toEqual(wanted);
  });
});

describe("addresses", () => {
  it.each([
    [{ toCIDR: ["10.0.0.0/8", "2001:db8::/32"] }, ["10.0.0.0/8", "2001:db8::/32"]],
    [{ toCIDRSet: [{ cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] }] }, ["10.0.0.0/8 -10.1.0.0/16"]],
    [{ toCIDRSet: [{ cidrGroupRef: "core", except: ["10.1.0.0/16"] }] }, ["group core -10.1.0.0/16"]],
    [
      { toCIDRSet: [{ cidrGroupSelector: { matchLabels: { zone: "core", "k8s:a": "b" } } }] },
      ["groups cidrgroup:zone in core, k8s:a in b"],
    ],
    // The text of this selector is that of everyone's.
    [{ toCIDRSet: [{ cidrGroupSelector: {} }] }, ["everyone"]],
    [
      { toFQDNs: [{ matchName: "api.example.kr" }, { matchPattern: "*.example.kr" }] },
      ["name api.example.kr", "name *.example.kr"],
    ],
    [{ toGroups: [{ aws: { region: "ap-northeast-2" } }] }, ["cidrgroup:extgrp.cilium.io/unknown in "]],
  ])("%j are %j", (peers, wanted) => {
    const [entry] = entriesOf(clusterwide({ endpointSelector: {}, egress: [peers] }));
    expect(entry && peersSaid(entry)).toEqual(wanted);
  });
});

describe("a peer of a NetworkPolicy", () => {
  it.each([
    ["pods lie in the policy's namespace", { podSelector: {} }, inShop],
    ["every namespace", { namespaceSelector: {} }, anyNamespace],
    [
      "pods of namespaces with labels",
      {
        namespaceSelector: {
          matchLabels: { zone: "dmz" },
          matchExpressions: [{ key: "team", operator: "NotIn", values: ["a"] }],
        },
        podSelector: { matchLabels: { app: "web" } },
      },
      "k8s:app in web, k8s:io.cilium.k8s.namespace.labels.team not in a, k8s:io.cilium.k8s.namespace.labels.zone in dmz",
    ],
    ["a block", { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }, "10.0.0.0/8 -10.1.0.0/16"],
  ])("%s", (_, peer, wanted) => {
    const [entry] = entriesOf(kubernetes({ podSelector: {}, ingress: [{ from: [peer] }] }));
    expect(entry && peersSaid(entry)).toEqual([wanted]);
  });

  it.each([
    [{ podSelector: {} }, `${inSeoul}, ${inShop}`],
    [{ namespaceSelector: {} }, `${inSeoul}, ${anyNamespace}`],
    [
      { podSelector: { matchLabels: { "io.cilium.k8s.policy.cluster": "busan" } } },
      `k8s:io.cilium.k8s.policy.cluster in busan, ${inShop}`,
    ],
    [
      { podSelector: { matchExpressions: [{ key: "io.cilium.k8s.policy.cluster", operator: "Exists" }] } },
      `k8s:io.cilium.k8s.policy.cluster, ${inShop}`,
    ],
  ])("%j is limited to the local cluster unless it names one", (peer, wanted) => {
    const policy = kubernetes({ podSelector: {}, ingress: [{ from: [peer] }] });
    const [entry] = entriesOf(policy, { policyDefaultLocalCluster: true });
    expect(entry && peersSaid(entry)).toEqual([wanted]);
  });
});
