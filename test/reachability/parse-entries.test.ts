import { describe, expect, it } from "vitest";
import { clusterwide, entriesOf, kubernetes, namespaced, peersSaid, portsSaid } from "./parse-support.ts";

const web = { ports: [{ port: "80", protocol: "TCP" }] };

describe("an entry of a Cilium policy", () => {
  it.each([
    [{}, "none", []],
    [{ toPorts: [web] }, "anyone", ["80/TCP"]],
    [{ toPorts: [] }, "none", []],
    [{ toPorts: [{}] }, "none", []],
    [{ toPorts: [{ ports: [] }] }, "none", []],
    [{ fromEndpoints: [], toPorts: [web] }, "none", ["80/TCP"]],
    [{ fromEntities: [] }, "none", []],
    [{ fromCIDR: [] }, "none", []],
    [{ fromCIDRSet: [] }, "none", []],
    [{ fromNodes: [] }, "none", []],
    [{ fromCIDR: ["10.0.0.0/8"], fromCIDRSet: [] }, "none", []],
    // Only these lists say that nobody is meant.
    [{ fromGroups: [], toPorts: [web] }, "anyone", ["80/TCP"]],
    [{ fromEntities: ["all"] }, ["everyone"], []],
    [{ fromEntities: ["all"], toPorts: [] }, ["everyone"], []],
    [{ fromEntities: ["all"], toPorts: [{}] }, "none", []],
    [{ fromEntities: ["all"], icmps: [{}] }, "none", []],
    [{ fromEntities: ["all"], toPorts: [{}, web] }, ["everyone"], ["80/TCP"]],
    [
      { icmps: [{ fields: [{ type: 8 }, { type: "EchoRequest", family: "IPv6" }] }] },
      "anyone",
      ["8/ICMP", "128/ICMPV6"],
    ],
  ])("%j is about %j", (entry, peers, ports) => {
    const [found] = entriesOf(clusterwide({ endpointSelector: {}, ingress: [entry] }));
    expect(found && peersSaid(found)).toEqual(peers);
    expect(portsSaid(found?.ports ?? [])).toEqual(ports);
  });

  it.each([
    [{ toFQDNs: [], toPorts: [web] }, "anyone"],
    [{ toServices: [], toPorts: [web] }, "anyone"],
  ])("%j is about %j", (entry, peers) => {
    const [found] = entriesOf(clusterwide({ endpointSelector: {}, egress: [entry] }));
    expect(found && peersSaid(found)).toEqual(peers);
  });

  it("keeps its place, its namespace and what it says about defaults", () => {
    const policy = {
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "p", namespace: "shop" },
      specs: [
        { endpointSelector: {}, ingress: [{}], ingressDeny: [{ fromEntities: ["world"] }] },
        { endpointSelector: {}, enableDefaultDeny: { egress: false }, egress: [{}], egressDeny: [{}], ingress: [{}] },
      ],
    };
    const common = { policy: "CiliumNetworkPolicy shop/p", namespace: "shop", node: false };
    expect(entriesOf(policy)).toMatchObject([
      { ...common, path: "specs[0].ingress[0]", direction: "ingress", verdict: "allow", defaultDeny: true },
      { ...common, path: "specs[0].ingressDeny[0]", direction: "ingress", verdict: "deny", defaultDeny: true },
      { ...common, path: "specs[1].ingress[0]", direction: "ingress", verdict: "allow", defaultDeny: true },
      { ...common, path: "specs[1].egress[0]", direction: "egress", verdict: "allow", defaultDeny: false },
      { ...common, path: "specs[1].egressDeny[0]", direction: "egress", verdict: "deny", defaultDeny: false },
    ]);
  });

  it("keeps the authentication it asks for", () => {
    const ingress = [{ fromEndpoints: [{}], authentication: { mode: "required" } }, { fromEndpoints: [{}] }];
    const modes = entriesOf(namespaced({ endpointSelector: {}, ingress })).map(({ authentication }) => authentication);
    expect(modes).toEqual(["required", undefined]);
  });
});

describe("a port of a Cilium policy", () => {
  it.each([
    [{ port: "80" }, "80/ANY"],
    [{ port: "0", protocol: "UDP" }, "0/UDP"],
    [{ port: "8000", endPort: 8080, protocol: "TCP" }, "8000-8080/TCP"],
    [{ port: "80", endPort: 0, protocol: "TCP" }, "80/TCP"],
    [{ port: "HTTP-Alt", protocol: "TCP" }, "http-alt/TCP"],
    // Go's way of reading numbers: octal, underscores, hexadecimal where it is too long for a name.
    [{ port: "010", protocol: "TCP" }, "8/TCP"],
    [{ port: "1_000", protocol: "TCP" }, "1000/TCP"],
    [{ port: "0x50", protocol: "TCP" }, "0x50/TCP"],
    [{ port: "0x0000000000000050", protocol: "TCP" }, "80/TCP"],
    [{ port: "0", protocol: "GRE" }, "0/GRE"],
  ])("%j is %s", (port, wanted) => {
    const [found] = entriesOf(clusterwide({ endpointSelector: {}, ingress: [{ toPorts: [{ ports: [port] }] }] }));
    expect(portsSaid(found?.ports ?? [])).toEqual([wanted]);
  });

  it.each([
    [{ type: "8" }, "8/ICMP"],
    [{ type: 0 }, "0/ICMP"],
    [{ type: "EchoReply" }, "0/ICMP"],
    [{ type: "PacketTooBig", family: "IPv6" }, "2/ICMPV6"],
    // The agent reads these as 16 bits.
    [{ type: -1 }, "0/ICMP"],
    [{ type: 70_000 }, "65535/ICMP"],
  ])("ICMP %j is %s", (field, wanted) => {
    const [found] = entriesOf(clusterwide({ endpointSelector: {}, ingress: [{ icmps: [{ fields: [field] }] }] }));
    expect(portsSaid(found?.ports ?? [])).toEqual([wanted]);
  });
});

describe("what a proxy looks at", () => {
  const port = { ports: [{ port: "80", protocol: "TCP" }] };
  const l7 = (item: object) =>
    entriesOf(namespaced({ endpointSelector: {}, egress: [{ toPorts: [{ ...port, ...item }] }] }))[0]?.ports[0]?.l7;

  it("is the HTTP rules", () => {
    const match = { name: "X-Team", value: "a", mismatch: "LOG" };
    const secret = { name: "X-Key", secret: { name: "key" } };
    const http = [{ method: "GET", path: "/a", host: "", headers: ["X-A"], headerMatches: [match, secret] }, {}];
    expect(l7({ rules: { http } })).toEqual({
      http: [
        {
          method: "GET",
          path: "/a",
          headers: ["X-A"],
          headerMatches: [match, { name: "X-Key", secret: true }],
        },
        { headers: [], headerMatches: [] },
      ],
    });
  });

  it("is the DNS rules", () => {
    expect(l7({ rules: { dns: [{ matchName: "a.kr" }, { matchPattern: "*" }] } })).toEqual({
      dns: [{ name: "a.kr" }, { pattern: "*" }],
    });
  });

  it("is nothing where the rules are empty", () => {
    expect(l7({ rules: { http: [] } })).toBeUndefined();
  });

  it.each([
    [{ serverNames: ["a.kr"] }, { proxied: true, serverNames: ["a.kr"] }],
    [{ terminatingTLS: { secret: { name: "s", namespace: "n" } } }, { proxied: true, terminatingTls: "n/s" }],
    [{ originatingTLS: { secret: { name: "s" } } }, { proxied: true, originatingTls: "/s" }],
    [
      { listener: { envoyConfig: { kind: "CiliumEnvoyConfig", name: "e" }, name: "l", priority: 5 } },
      { proxied: true, listener: { name: "namespace/e/l", priority: 5, namespaced: true } },
    ],
    [{ listener: { envoyConfig: { name: "e" }, name: "l" } }, { proxied: true, listener: { name: "namespace/e/l" } }],
    [
      { listener: { envoyConfig: { kind: "CiliumClusterwideEnvoyConfig", name: "e" }, name: "l" } },
      { proxied: true, listener: { name: "/e/l" } },
    ],
  ])("is told for %j", (item, wanted) => {
    expect(l7(item)).toEqual(wanted);
  });

  it("is nothing in an entry that denies", () => {
    const egressDeny = [{ toPorts: [{ ...port, rules: { http: [{}] } }] }];
    expect(entriesOf(namespaced({ endpointSelector: {}, egressDeny }))[0]?.ports[0]).not.toHaveProperty("l7");
  });
});

describe("a NetworkPolicy", () => {
  const directions = (spec: object) =>
    entriesOf(kubernetes({ podSelector: {}, ...spec })).map((entry) => [
      entry.path,
      peersSaid(entry),
      portsSaid(entry.ports),
    ]);

  it.each([
    [{}, [["spec.ingress", "none", []]]],
    [{ ingress: [] }, [["spec.ingress", "none", []]]],
    [{ ingress: null, egress: null }, [["spec.ingress", "none", []]]],
    [{ policyTypes: ["Egress"] }, [["spec.egress", "none", []]]],
    [
      { policyTypes: ["Ingress", "Egress"] },
      [
        ["spec.ingress", "none", []],
        ["spec.egress", "none", []],
      ],
    ],
    [{ ingress: [{}] }, [["spec.ingress[0]", ["everyone"], []]]],
    [{ ingress: [{ from: [], ports: [] }] }, [["spec.ingress[0]", ["everyone"], []]]],
    [{ ingress: [null] }, [["spec.ingress[0]", ["everyone"], []]]],
    // Without policyTypes ingress is denied, even beside rules for egress alone.
    [
      { egress: [{}] },
      [
        ["spec.ingress", "none", []],
        ["spec.egress[0]", ["everyone"], []],
      ],
    ],
    // Rules act even in a direction that policyTypes leaves out.
    [
      { policyTypes: ["Egress"], ingress: [{}], egress: [{}] },
      [
        ["spec.ingress[0]", ["everyone"], []],
        ["spec.egress[0]", ["everyone"], []],
      ],
    ],
    [
      {
        ingress: [
          { ports: [{ port: 80 }, { port: "http", protocol: "TCP" }, { protocol: "UDP" }, { port: 90, endPort: 99 }] },
        ],
      },
      [["spec.ingress[0]", ["everyone"], ["80/TCP", "http/TCP", "0/UDP", "90-99/TCP"]]],
    ],
  ])("%j has the entries %j", (spec, wanted) => {
    expect(directions(spec)).toEqual(wanted);
  });

  it("without a spec selects every pod of its namespace", () => {
    const metadata = { name: "p" };
    const [entry] = entriesOf({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata });
    expect(entry).toMatchObject({ namespace: "default", peers: "none", defaultDeny: true });
  });
});
