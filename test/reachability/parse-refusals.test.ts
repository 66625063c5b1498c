import { describe, expect, it } from "vitest";
import { clusterwide, errorOf, kubernetes, namespaced } from "./parse-support.ts";

const ingress = (...entries: unknown[]) => namespaced({ endpointSelector: {}, ingress: entries });
const egress = (...entries: unknown[]) => namespaced({ endpointSelector: {}, egress: entries });
const port = (written: unknown) => ingress({ toPorts: [{ ports: [written] }] });
const rules = (written: object) => egress({ toPorts: [{ ports: [{ port: "80", protocol: "TCP" }], ...written }] });
const host = (entry: object) => clusterwide({ nodeSelector: {}, ...entry });
const icmp = (field: object) => ingress({ icmps: [{ fields: [field] }] });
const subject = (endpointSelector: unknown) => clusterwide({ endpointSelector, ingress: [{}] });
const http = { ports: [{ port: "80", protocol: "TCP" }], rules: { http: [{ path: "/" }] } };
const dns = { ports: [{ port: "53", protocol: "ANY" }], rules: { dns: [{ matchPattern: "*" }] } };
const listener = { envoyConfig: { kind: "CiliumEnvoyConfig", name: "e" }, name: "l" };
const manyPorts = Array.from({ length: 41 }, (_, index) => ({ port: String(index + 1), protocol: "TCP" }));

describe("a Cilium policy is refused", () => {
  it.each([
    ["without entries", namespaced({ endpointSelector: {} }), "Write ingress: [{}]"],
    [
      "with empty lists only",
      namespaced({ endpointSelector: {}, ingress: [], egress: [] }),
      "spec: the policy has no entry",
    ],
    ["without a subject", namespaced({ ingress: [{}] }), "spec: wants exactly one of endpointSelector, nodeSelector"],
    ["with two subjects", clusterwide({ endpointSelector: {}, nodeSelector: {}, ingress: [{}] }), "exactly one"],
    ["without spec", namespaced(undefined), "spec or specs must be provided"],
    [
      "for nodes, in a namespace",
      namespaced({ nodeSelector: {}, ingress: [{}] }),
      "spec.nodeSelector: a namespaced policy",
    ],
    ["with a value of a wrong type", ingress({ fromEntities: "world" }), "spec.ingress[0].fromEntities: wants array"],
    ["with a key that is none", subject({ matchLabels: { "a b": "c" } }), 'spec.endpointSelector.matchLabels: "a b"'],
    ["with two colons in a key", subject({ matchLabels: { "k8s:a:b": "c" } }), "more than one colon"],
    ["with a source that is none", subject({ matchLabels: { "k-8:a": "c" } }), '"k-8" is no source'],
    ["with an empty source", subject({ matchLabels: { ":a": "c" } }), '"" is no source'],
    ["with a key that is too long", subject({ matchLabels: { ["a".repeat(64)]: "c" } }), "is no label key"],
    [
      "with In and no values",
      subject({ matchExpressions: [{ key: "a", operator: "In", values: [] }] }),
      "spec.endpointSelector.matchExpressions[0]: In has no values",
    ],
    [
      "with Exists and values",
      subject({ matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }),
      "Exists has values",
    ],
    [
      "with a value that is none",
      subject({ matchExpressions: [{ key: "a", operator: "In", values: ["b c"] }] }),
      '"b c" is no value',
    ],
    [
      "with a rule's label without key",
      namespaced({ endpointSelector: {}, labels: [{ key: "" }], ingress: [{}] }),
      "spec.labels[0].key",
    ],
    [
      "with two kinds of peers",
      ingress({ fromEndpoints: [{}], fromCIDR: ["10.0.0.0/8"] }),
      "spec.ingress[0]: fromEndpoints and fromCIDR stand in one entry",
    ],
    ["with nodes as peers", ingress({ fromNodes: [{}] }), "spec.ingress[0].fromNodes[0]: nodes are no peers"],
    ["with an entity that is none", ingress({ fromEntities: ["pods"] }), '"pods" is none of'],
    ["with an address in place of a block", ingress({ fromCIDR: ["10.0.0.1"] }), "spec.ingress[0].fromCIDR[0]"],
    ["with a zone in a block", ingress({ fromCIDR: ["fe80::1%eth0/64"] }), "is no block of addresses"],
    ["with a zero before a length", ingress({ fromCIDR: ["10.0.0.0/08"] }), "is no block of addresses"],
    [
      "with an exception outside of its block",
      ingress({ fromCIDRSet: [{ cidr: "10.0.0.0/16", except: ["10.1.0.0/24"] }] }),
      "spec.ingress[0].fromCIDRSet[0].except[0]: 10.1.0.0/24 is not inside 10.0.0.0/16",
    ],
    [
      "with an exception wider than its block",
      ingress({ fromCIDRSet: [{ cidr: "10.0.0.0/16", except: ["10.0.0.0/8"] }] }),
      "is not inside",
    ],
    [
      "with an exception of another family",
      ingress({ fromCIDRSet: [{ cidr: "10.0.0.0/8", except: ["::/0"] }] }),
      "is not inside",
    ],
    [
      "with a broken exception of a group",
      ingress({ fromCIDRSet: [{ cidrGroupRef: "g", except: ["10.0.0.0/08"] }] }),
      "except[0]",
    ],
    [
      "with a broken group selector",
      ingress({ fromCIDRSet: [{ cidrGroupSelector: { matchLabels: { "a b": "c" } } }] }),
      "cidrGroupSelector",
    ],
    [
      "with two kinds of addresses in one",
      ingress({ fromCIDRSet: [{ cidr: "10.0.0.0/8", cidrGroupRef: "g" }] }),
      "exactly one",
    ],
    ["with a pattern as a name", egress({ toFQDNs: [{ matchName: "*.kr" }] }), 'matchPattern: "*.kr"'],
    ["with a port that is a number", port({ port: 80 }), 'Write it as text: port: "80"'],
    ["without a port", port({ protocol: "TCP" }), "spec.ingress[0].toPorts[0].ports[0].port: the port is missing"],
    ["with a port beyond 65535", port({ port: "99999" }), "is neither a port number nor a port name"],
    ["with a port that is no octal number", port({ port: "08" }), "is neither"],
    ["with a port of GRE", port({ port: "80", protocol: "GRE" }), "GRE has no ports"],
    ["with a protocol in small letters", port({ port: "80", protocol: "tcp" }), "protocol"],
    ["with too many ports", ingress({ toPorts: [{ ports: manyPorts }] }), "has 41 elements"],
    [
      "with too many ports to deny",
      namespaced({ endpointSelector: {}, ingressDeny: [{ toPorts: [{ ports: manyPorts }] }] }),
      "spec.ingressDeny[0].toPorts[0].ports: 41 ports. Write at most 40.",
    ],
    [
      "with ICMP and ports in one entry",
      ingress({ toPorts: [http], icmps: [{}] }),
      "icmps and toPorts stand in one entry",
    ],
    ["with a type of the other family", icmp({ type: "PacketTooBig" }), "no type of ICMP"],
    ["with a type of 33 bits", icmp({ type: 2 ** 32 }), "no type of ICMP"],
    ["with DNS rules on ingress", ingress({ toPorts: [dns] }), "rules.dns: DNS rules act on egress only"],
    ["with DNS rules without a port", egress({ toPorts: [{ rules: dns.rules }] }), "DNS rules name no port"],
    [
      "with DNS rules on a range",
      egress({ toPorts: [{ ports: [{ port: "53", endPort: 54 }], rules: dns.rules }] }),
      "range",
    ],
    [
      "with HTTP rules on any protocol",
      egress({ toPorts: [{ ports: [{ port: "80" }], rules: http.rules }] }),
      "L7 rules stand on ANY",
    ],
    [
      "with L7 rules on every port",
      egress({ toPorts: [{ ports: [{ port: "0", protocol: "TCP" }], rules: http.rules }] }),
      "every port",
    ],
    [
      "with two kinds of L7 rules",
      rules({ rules: { http: [{}], dns: [{ matchPattern: "*" }] } }),
      "exactly one of http, dns",
    ],
    [
      "with a path that is no expression",
      rules({ rules: { http: [{ path: "*" }] } }),
      'http[0].path: "*" is no regular expression',
    ],
    ["with a method that is no expression", rules({ rules: { http: [{ method: "(?=GET)" }] } }), "http[0].method"],
    [
      "with a secret without a name",
      rules({ rules: { http: [{ headerMatches: [{ name: "a", secret: { name: "" } }] }] } }),
      "secret",
    ],
    ["with a server's name twice", rules({ serverNames: ["a.kr", "a.kr"] }), "a name stands there twice"],
    ["with server names beside L7 rules", rules({ serverNames: ["a.kr"], rules: http.rules }), "serverNames"],
    [
      "with a listener on ingress",
      ingress({ toPorts: [{ ports: http.ports, listener }] }),
      "a listener acts on egress only",
    ],
    ["with a listener beside L7 rules", rules({ listener, rules: http.rules }), "a listener stands beside L7 rules"],
    ["with HTTP rules for nodes", host({ egress: [{ toPorts: [http] }] }), "a policy for nodes has no L7 rules"],
    [
      "with L7 rules on a node's ingress",
      host({ ingress: [{ toPorts: [http] }] }),
      "a policy for nodes has no L7 rules",
    ],
  ])("%s", (_, policy, message) => {
    expect(errorOf(policy)).toContain(message);
    expect(errorOf(policy)).not.toContain("\n");
  });

  it("says three reasons, and how many there are beside them", () => {
    const broken = { fromEndpoints: [{ matchLabels: { "a b": "c" } }] };
    expect(errorOf(ingress(...Array.from({ length: 5 }, () => broken)))).toMatch(/fromEndpoints\[0\].*And 2 more/);
  });
});

describe("a Cilium policy is accepted", () => {
  it.each([
    ["with fields that do not exist", ingress({ fromEndpoints: [{ namespaceSelector: {} }], extra: 1 })],
    [
      "with fields that are null",
      namespaced({ endpointSelector: {}, ingress: [{ fromEndpoints: null }], egress: null }),
    ],
    ["with no specs at all, as long as the list is there", { ...namespaced(undefined), specs: [] }],
    ["with a key of 63 characters", subject({ matchLabels: { [`k8s:${"a".repeat(63)}`]: "c" } })],
    [
      "with an exception as wide as its block",
      ingress({ fromCIDRSet: [{ cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] }] }),
    ],
    ["with DNS rules for nodes", host({ egress: [{ toPorts: [dns] }] })],
    [
      "with DNS rules on TCP, UDP and SCTP",
      egress({ toPorts: [{ ...dns, ports: [{ port: "53", protocol: "SCTP" }] }] }),
    ],
    ["with 40 ports", ingress({ toPorts: [{ ports: manyPorts.slice(1) }] })],
    ["with a host that is no expression", rules({ rules: { http: [{ host: "*.kr" }] } })],
    [
      "with server names beside L7 rules where TLS ends",
      rules({ serverNames: ["a.kr"], rules: http.rules, terminatingTLS: { secret: { name: "s" } } }),
    ],
    ["with a status, whatever it says", { ...ingress({}), status: { conditions: "broken" } }],
    ["with peers of two kinds of which one is empty", ingress({ fromEndpoints: [{}], fromCIDR: [] })],
  ])("%s", (_, policy) => {
    expect(errorOf(policy)).toBe("accepted");
  });
});

describe("a NetworkPolicy is refused", () => {
  const from = (peer: unknown) => kubernetes({ podSelector: {}, ingress: [{ from: [peer] }] });
  const ports = (written: unknown) => kubernetes({ podSelector: {}, egress: [{ ports: [written] }] });

  it.each([
    ["by another version", { ...kubernetes({}), apiVersion: "extensions/v1beta1" }, "Write networking.k8s.io/v1."],
    ["by a group that has none", { ...kubernetes({}), apiVersion: "cilium.io/v2" }, "apiVersion"],
    ["with a wrong type", kubernetes({ podSelector: [] }), "spec.podSelector: wants object"],
    ["with a source in a key", kubernetes({ podSelector: { matchLabels: { "k8s:a": "b" } } }), "is no label key"],
    ["with a type that is none", kubernetes({ podSelector: {}, policyTypes: ["ingress"] }), "spec.policyTypes[0]"],
    ["with three types", kubernetes({ podSelector: {}, policyTypes: ["Ingress", "Egress", "Ingress"] }), "policyTypes"],
    ["with an empty peer", from({}), "spec.ingress[0].from[0]: the peer is empty"],
    ["with a peer that is null", from(null), "the peer is empty"],
    ["with a block beside a selector", from({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }), "beside a selector"],
    [
      "with a broken namespace selector",
      from({ namespaceSelector: { matchLabels: { "a b": "c" } } }),
      "namespaceSelector",
    ],
    ["with a broken block", from({ ipBlock: { cidr: "10.0.0.1" } }), "ipBlock.cidr"],
    [
      "with an exception as wide as its block",
      from({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] } }),
      "no part of",
    ],
    ["with an exception outside", from({ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }), "no part of"],
    ["with port 0", ports({ port: 0 }), "spec.egress[0].ports[0].port: 0 is no port"],
    ["with a port beyond 65535", ports({ port: 65_536 }), "is no port"],
    ["with a number in quotes", ports({ port: "80" }), '"80" is no port name'],
    ["with a name in capitals", ports({ port: "HTTP" }), "is no port name"],
    ["with a range that begins with a name", ports({ port: "http", endPort: 90 }), "a range needs a number"],
    ["with a range that begins nowhere", ports({ endPort: 90 }), "a range needs a number"],
    ["with a range that ends before it begins", ports({ port: 90, endPort: 80 }), "ends no range"],
    ["with a protocol that it does not know", ports({ port: 80, protocol: "ANY" }), "protocol"],
  ])("%s", (_, policy, message) => {
    expect(errorOf(policy)).toContain(message);
  });
});

describe("any object is refused", () => {
  const named = (metadata: unknown) => ({ ...ingress({}), metadata });

  it.each([
    ["without metadata", named(undefined), "metadata: it is missing"],
    ["without a name", named({ namespace: "a" }), "metadata.name"],
    ["with a name in capitals", named({ name: "Web" }), "metadata.name"],
    ["with a name that has an empty part", named({ name: "a..b" }), "metadata.name"],
    ["with a namespace that has a dot", named({ name: "a", namespace: "b.c" }), "metadata.namespace"],
    [
      "with a label that is a number",
      named({ name: "a", labels: { b: 1 } }),
      "metadata.labels.b: the value is no text",
    ],
    ["with a label's value that is none", named({ name: "a", labels: { b: "c d" } }), "metadata.labels.b"],
    [
      "with an annotation's key that is none",
      named({ name: "a", annotations: { "b c": "d" } }),
      "metadata.annotations.b c",
    ],
    ["with labels that are no mapping", named({ name: "a", labels: ["b"] }), "metadata.labels: it is no mapping"],
    ["with annotations that are text", named({ name: "a", annotations: "b" }), "metadata.annotations"],
  ])("%s", (_, policy, message) => {
    expect(errorOf(policy)).toContain(message);
  });

  it.each([
    ["with a label that is null", named({ name: "a", labels: { b: null } })],
    ["with any text in an annotation", named({ name: "a", annotations: { "Example.kr/B": "c d" } })],
  ])("but not %s", (_, policy) => {
    expect(errorOf(policy)).toBe("accepted");
  });
});
