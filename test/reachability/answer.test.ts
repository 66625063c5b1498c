import { describe, expect, test } from "vitest";
import { answer, type Verdict } from "../../proof/reachability/answer.ts";
import { readPolicies } from "../../proof/reachability/policy-texts.ts";
import { engineOptions, parseRequest, ReachRequest } from "../../proof/reachability/request.ts";

const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: pay}
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: web, "k8s:io.kubernetes.pod.namespace": shop}}]
      toPorts:
        - ports: [{port: http, protocol: TCP}]
          rules: {http: [{method: GET, path: "/v1/.*"}]}
    - fromCIDR: [192.0.2.0/24]
  egress:
    - toFQDNs: [{matchPattern: "*.bank.example"}]
      toPorts: [{ports: [{port: "443"}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`;

const endpoints = [
  { name: "api", namespace: "pay", labels: { app: "api" }, namedPorts: { http: "8080/TCP" }, ip: "10.0.0.5" },
  { name: "web", namespace: "shop", labels: { app: "web" } },
  { name: "web", namespace: "pay", labels: { app: "web" } },
  { name: "bank", ip: "203.0.113.9", fqdns: ["core.bank.example"] },
  { name: "far", namespace: "pay", labels: { app: "api" }, cluster: "busan" },
];

function ask(queries: readonly unknown[], rest: Readonly<Record<string, unknown>> = {}) {
  return answer(ReachRequest.parse({ policies: [policy], endpoints, queries, ...rest }));
}

function verdict(query: Readonly<Record<string, unknown>>, rest: Readonly<Record<string, unknown>> = {}): Verdict {
  const [only] = ask([{ port: 8080, proto: "TCP", ...query }], rest).verdicts;
  if (only === undefined || "error" in only) throw new Error(only?.error ?? "no verdict");
  return only;
}

describe("an answer", () => {
  test("has both sides of a flow, with their rules", () => {
    expect(verdict({ from: "shop/web", to: "api", http: { method: "GET", path: "/v1/orders" } })).toEqual({
      verdict: "allowed",
      l7: true,
      egress: {
        enforced: false,
        verdict: "allowed",
        reason: "No policy is enforced on egress of shop/web.",
        rules: [],
        l7: false,
      },
      ingress: {
        enforced: true,
        verdict: "allowed",
        reason: "TCP 8080 from shop/web is allowed by CiliumNetworkPolicy pay/api spec.ingress[0].",
        rules: ["CiliumNetworkPolicy pay/api spec.ingress[0]"],
        l7: true,
      },
    });
  });

  test.each<[string, Readonly<Record<string, unknown>>, "allowed" | "denied"]>([
    [
      "a request that no HTTP rule matches",
      { from: "shop/web", to: "api", http: { method: "POST", path: "/v1/orders" } },
      "denied",
    ],
    ["a pod with the same labels in another namespace", { from: "pay/web", to: "api" }, "denied"],
    ["a pod of another cluster as the target: its agents decide", { from: "shop/web", to: "far", port: 1 }, "allowed"],
    ["an address within the block", { from: "192.0.2.7", to: "api" }, "allowed"],
    ["an address outside of it", { from: "192.0.3.7", to: "api" }, "denied"],
    ["an IPv4 address written as IPv6", { from: "::ffff:192.0.2.7", to: "api" }, "allowed"],
    ["the address of an endpoint: the endpoint", { from: "shop/web", to: "10.0.0.5", port: 9 }, "denied"],
    ["an address that was looked up by a name", { from: "api", to: "bank", port: 443 }, "allowed"],
    [
      "the same address without its name: it has one all the same",
      { from: "api", to: "203.0.113.9", port: 443 },
      "allowed",
    ],
    ["another address", { from: "api", to: "203.0.113.8", port: 443 }, "denied"],
    ["the node", { from: "host", to: "api" }, "allowed"],
    ["the world", { from: "world", to: "shop/web" }, "denied"],
    ["a protocol in small letters", { from: "192.0.2.7", to: "api", proto: "icmp", port: 8 }, "allowed"],
  ])("%s", (_, query, expected) => {
    expect(verdict(query).verdict).toBe(expected);
  });

  test("has one side alone for a query with a direction", () => {
    const both = verdict({ from: "api", to: "shop/web" });
    expect([both.verdict, both.egress?.verdict, both.ingress?.verdict]).toEqual(["denied", "denied", "denied"]);
    const out = verdict({ from: "shop/web", to: "api", port: 9, direction: "egress" });
    expect(out).toMatchObject({ verdict: "allowed", egress: { verdict: "allowed" } });
    expect(out).not.toHaveProperty("ingress");
  });

  test("follows the options", () => {
    expect(verdict({ from: "pay/web", to: "api" }, { options: { enablePolicy: "never" } }).verdict).toBe("allowed");
    expect(
      verdict({ from: "pay/web", to: "far", direction: "egress" }, { options: { enablePolicy: "always" } }).verdict,
    ).toBe("denied");
    expect(verdict({ from: "shop/web", to: "far" }, { options: { cluster: "busan" } }).ingress?.enforced).toBe(true);
  });

  test("says whom it does not know, whom it cannot tell apart, and what no protocol is", () => {
    expect(ask([{ from: "web", to: "nobody", proto: "any" }]).verdicts).toEqual([
      {
        error: [
          'from: "web" could be any of 2 endpoints (shop/web, pay/web). Write cluster/namespace/name.',
          'to: "nobody" is no endpoint, address or reserved name. Write name or namespace/name of an endpoint.',
          'proto: "ANY" is none. Write one of TCP, UDP, SCTP, ICMP, ICMPV6, VRRP, IGMP, GRE, IPIP, IPV6, ESP, AH.',
        ].join(" "),
      },
    ]);
  });

  test("tells pods of one name in two clusters apart", () => {
    const twins = ["default", "busan"].map((cluster) => ({
      name: "api",
      namespace: "pay",
      labels: { app: "api" },
      cluster,
    }));
    const query = { from: "shop/web", port: 1 };
    const { verdicts } = ask(
      ["pay/api", "default/pay/api", "busan/pay/api"].map((to) => ({ ...query, to })),
      {
        endpoints: [...twins, ...endpoints.slice(1, 2)],
      },
    );
    expect(verdicts).toMatchObject([
      { error: expect.stringContaining("2 endpoints") },
      { verdict: "denied" },
      { verdict: "allowed" },
    ]);
  });

  test("takes an endpoint of names alone for an address that nobody knows", () => {
    const unknown = [...endpoints, { name: "partner", fqdns: ["api.bank.example"] }];
    expect(verdict({ from: "api", to: "partner", port: 443 }, { endpoints: unknown }).verdict).toBe("allowed");
    expect(verdict({ from: "partner", to: "api", port: 443 }, { endpoints: unknown }).verdict).toBe("denied");
  });

  test("reports policies that cannot be read or are refused, and loads the others", () => {
    const refused =
      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: bad, namespace: pay}\nspec: {endpointSelector: {}}\n";
    const { policies } = ask([], { policies: ["{", refused, policy, "just text"] });
    expect(policies.filter(({ error }) => error === undefined)).toHaveLength(2);
    const errors = policies.flatMap(({ name, error }) => (error === undefined ? [] : [name]));
    expect(errors).toHaveLength(3);
    expect(errors).toEqual(expect.arrayContaining(["policies[0]", "policies[3]", expect.stringContaining("pay/bad")]));
  });

  test("takes labels of namespaces from Namespaces among the documents", () => {
    const byNamespace = policy.replace(
      '"k8s:io.kubernetes.pod.namespace": shop',
      '"k8s:io.cilium.k8s.namespace.labels.zone": dmz',
    );
    const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {zone: dmz}}\n";
    const query = { from: "shop/web", to: "api" };
    expect(verdict(query, { policies: [byNamespace] }).verdict).toBe("denied");
    expect(verdict(query, { policies: [byNamespace, namespace] }).verdict).toBe("allowed");
  });
});

describe("a text of policies", () => {
  test.each<[string, unknown]>([
    ["y", true],
    ["off", false],
    ["'y'", "y"],
    ["0777", 511],
    ["0o17", 15],
    ["1_000", 1000],
    ["1:30", "1:30"],
    ["2026-01-02", "2026-01-02"],
    ["080", 80],
    ["~", null],
    ["10.0.0.0/8", "10.0.0.0/8"],
  ])("%s is read as kubectl does", (written, value) => {
    expect(readPolicies([`kind: Test\nspec: {value: ${written}}\n`])).toEqual({
      objects: [{ kind: "Test", spec: { value } }],
      problems: [],
    });
  });

  test("is read up to the first document that is none", () => {
    const { objects, problems } = readPolicies(["kind: A\n---\n---\nkind: B\n---\n[1]\n---\nkind: C\n", "kind: D"]);
    expect(objects).toEqual([{ kind: "A" }, { kind: "B" }, { kind: "D" }]);
    expect(problems.map(({ name }) => name)).toEqual(["policies[0]"]);
  });

  test("may not unfold without end", () => {
    const bomb = [
      "a: &a [x, x, x, x, x, x, x, x, x]",
      ..."bcdefghi"
        .split("")
        .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[at]}`).join(", ")}]`),
    ].join("\n");
    expect(readPolicies([bomb, "[".repeat(100_000)]).problems).toHaveLength(2);
  });
});

describe("a request", () => {
  test.each<[string, unknown, readonly (readonly [code: string, path: string])[]]>([
    ["that is no object", [], [["GB-2302", ""]]],
    [
      "without its parts",
      {},
      [
        ["GB-2302", "policies"],
        ["GB-2302", "endpoints"],
        ["GB-2302", "queries"],
      ],
    ],
    [
      "with a slip in a key",
      { policies: [], endpoints: [{ name: "a", lables: {} }], queries: [{ from: "a", to: "a", portt: 1 }], querys: [] },
      [
        ["GB-2302", "querys"],
        ["GB-2302", "endpoints[0].lables"],
        ["GB-2302", "queries[0].portt"],
      ],
    ],
    [
      "with wrong values",
      {
        policies: [1],
        endpoints: [{ name: "a", namedPorts: { http: "http" }, ip: "10.0.0", reserved: "moon" }],
        queries: [{ from: "a", to: "", port: 70_000, direction: "in" }],
        options: { enablePolicy: "sometimes", version: "1.17", hostFirewall: "yes" },
      },
      [
        "policies[0]",
        "endpoints[0].namedPorts.http",
        "endpoints[0].reserved",
        "endpoints[0].ip",
        "queries[0].to",
        "queries[0].port",
        "queries[0].direction",
        "options.enablePolicy",
        "options.hostFirewall",
        "options.version",
      ].map((path) => ["GB-2302", path] as const),
    ],
  ])("%s is refused with every place", (_, value, expected) => {
    const parsed = parseRequest(JSON.stringify(value));
    const findings = "findings" in parsed ? parsed.findings : [];
    expect(findings.map(({ code, path }) => [code, path])).toEqual(expected);
    for (const { message, fix } of findings) {
      expect(message).toMatch(/\.$/);
      expect(fix).toMatch(/^(Write|Give|Did you mean) .*\.$/);
    }
  });

  test("may say with null or empty text what it does not say, and more than is asked", () => {
    const nothing = {
      namespace: "",
      cluster: null,
      serviceAccount: "",
      reserved: "",
      ip: null,
      fqdns: null,
      namedPorts: null,
    };
    const text = JSON.stringify({
      id: 7,
      policies: [policy],
      endpoints: [
        { name: "a", labels: { app: "web" }, ...nothing },
        { name: "node", reserved: "reserved:host" },
      ],
      queries: [{ id: "x", from: "a", to: "reserved:world", port: "80", proto: "", direction: "EGRESS", http: null }],
      options: { cluster: "", enablePolicy: "Default", version: null },
    });
    const parsed = parseRequest(text);
    if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings));
    expect(parsed.request.endpoints).toEqual([
      { name: "a", labels: { app: "web" } },
      { name: "node", reserved: "host" },
    ]);
    expect(parsed.request.queries).toEqual([
      { from: "a", to: "reserved:world", port: 80, proto: "TCP", direction: "egress" },
    ]);
    expect(answer(parsed.request).verdicts).toMatchObject([{ verdict: "allowed" }]);
  });

  test("that is no JSON is refused", () => {
    expect(parseRequest("policies: []")).toMatchObject({ findings: [{ code: "GB-2301", path: "" }] });
  });

  test("needs no more than names, and gets Cilium's defaults", () => {
    const parsed = parseRequest('{"policies": [], "endpoints": [], "queries": [{"from": "host", "to": "world"}]}');
    if ("findings" in parsed) throw new Error(parsed.findings[0]?.message);
    expect(parsed.request.queries).toEqual([{ from: "host", to: "world", port: 0, proto: "TCP" }]);
    expect(engineOptions(parsed.request.options)).toMatchObject({
      cluster: "default",
      enablePolicy: "default",
      policyDefaultLocalCluster: true,
      hostFirewall: false,
    });
  });

  test("for 1.18 means any cluster by a selector without one", () => {
    const { options } = ReachRequest.parse({
      policies: [],
      endpoints: [],
      queries: [],
      options: { version: "1.18.4" },
    });
    expect(engineOptions(options).policyDefaultLocalCluster).toBe(false);
  });
});
