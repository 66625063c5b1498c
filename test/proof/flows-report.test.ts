import { describe, expect, it } from "vitest";
import { wouldDrop } from "../../proof/flows/flow-report.ts";
import { api, db, dropped, fragments, labels, peer, reportOf, web } from "../support/flow-reports.ts";
import { defaultDeny, enforcing, flowLine, outside, pod, requestLine, reserved } from "../support/hubble-flows.ts";

describe("what enforcing would drop", () => {
  it("is listed by the rule to add, on each side that lacks one", () => {
    const report = reportOf([flowLine(web, api, 8080), flowLine(web, api, 9090)]);
    expect(report.missing).toMatchObject([
      {
        client: "shop/web",
        server: "shop/api",
        ports: ["8080/TCP", "9090/TCP"],
        flows: 2,
        sureness: "sure",
        doubts: [],
      },
    ]);
    const ports = [
      { port: "8080", protocol: "TCP" },
      { port: "9090", protocol: "TCP" },
    ];
    expect(fragments(report)).toEqual([
      {
        of: "seoul shop egress",
        spec: {
          endpointSelector: { matchLabels: { "k8s:app": "web" } },
          enableDefaultDeny: { egress: false },
          egress: [{ toEndpoints: labels({ "k8s:app": "api" }), toPorts: [{ ports }] }],
        },
      },
      {
        of: "seoul shop ingress",
        spec: {
          endpointSelector: { matchLabels: { "k8s:app": "api" } },
          enableDefaultDeny: { ingress: false },
          ingress: [{ fromEndpoints: labels({ "k8s:app": "web" }), toPorts: [{ ports }] }],
        },
      },
    ]);
    expect(wouldDrop(report)).toBe(true);
  });

  it("is a rule for the one side where the other is open", () => {
    const lines = [flowLine(pod("open", { app: "batch" }), db, 5432)];
    expect(fragments(reportOf(lines)).map(({ of }) => of)).toEqual(["seoul data ingress"]);
  });

  it("is nothing where rules allow what was seen", () => {
    const rule = (direction: string, app: string, peers: string, other: string) => `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${direction}, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: ${app}}}, ${direction}: [{${peers}: [{matchLabels: {app: ${other}}}]}]}
`;
    const open = enforcing([
      defaultDeny("shop"),
      rule("egress", "web", "toEndpoints", "api") + rule("ingress", "api", "fromEndpoints", "web"),
    ]);
    const report = reportOf([flowLine(web, api, 8080), flowLine(web, api, 8080, dropped)], open);
    expect(report).toMatchObject({
      missing: [],
      denied: [],
      droppedAlready: [],
      opened: { flows: 1 },
      kept: { flows: 0 },
    });
    expect(wouldDrop(report)).toBe(false);
    expect(wouldDrop(reportOf([flowLine(web, db, 5432)], open))).toBe(true);
  });

  it("names peers of other namespaces, clusters and kinds", () => {
    const namespace = "k8s:io.kubernetes.pod.namespace";
    const abroad = pod("shop", { app: "web" }, "10.129.0.1", "busan");
    expect(peer("ingress", web, db)).toEqual({ fromEndpoints: labels({ [namespace]: "shop", "k8s:app": "web" }) });
    expect(peer("ingress", abroad, api)).toEqual({
      fromEndpoints: labels({
        [namespace]: "shop",
        "k8s:io.cilium.k8s.policy.cluster": "busan",
        "k8s:app": "web",
      }),
    });
    expect(peer("egress", web, reserved("kube-apiserver", "remote-node"), 6443)).toEqual({
      toEntities: ["kube-apiserver"],
    });
    expect(peer("egress", web, reserved("kube-apiserver", "remote-node"), 10_250)).toEqual({
      toEntities: ["host", "remote-node"],
    });
    expect(peer("ingress", reserved("remote-node"), web)).toEqual({ fromEntities: ["host", "remote-node"] });
    expect(peer("ingress", reserved("ingress"), web)).toEqual({ fromEntities: ["ingress"] });
    expect(peer("egress", web, outside("203.0.113.9", "api.bank.example"), 443)).toEqual({
      toFQDNs: [{ matchName: "api.bank.example" }],
    });
    expect(peer("egress", web, outside("2001:db8::7"), 443)).toEqual({ toCIDR: ["2001:db8::7/128"] });
    expect(peer("ingress", outside("203.0.113.9", "host.example"), web, 443)).toEqual({ fromCIDR: ["203.0.113.9/32"] });
  });

  it("names the cluster of local peers, too, where a selector without one means every cluster", () => {
    const old = enforcing([defaultDeny("shop")], { policyDefaultLocalCluster: false, version: "1.18.12" });
    expect(fragments(reportOf([flowLine(web, api, 80)], old))[0]?.spec.egress).toMatchObject([
      { toEndpoints: labels({ "k8s:io.cilium.k8s.policy.cluster": "seoul", "k8s:app": "api" }) },
    ]);
  });

  it("means the node itself by nodeSelector, and Cilium's own endpoints by their reserved label", () => {
    const hosts = `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: hosts}
spec: {nodeSelector: {}, ingress: [{}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: health}
spec: {endpointSelector: {matchLabels: {"reserved:health": ""}}, ingress: [{}]}
`;
    const report = reportOf(
      [flowLine(web, reserved("host"), 9100), flowLine(reserved("remote-node"), reserved("health"), 4240)],
      enforcing([hosts], { hostFirewall: true }),
    );
    expect(fragments(report).map(({ of, spec }) => [of, spec.nodeSelector ?? spec.endpointSelector])).toEqual([
      ["seoul CiliumClusterwideNetworkPolicy ingress", { matchLabels: { "reserved:health": "" } }],
      ["seoul CiliumClusterwideNetworkPolicy ingress", {}],
    ]);
  });

  it("lists up to sixteen addresses of a port, and the world beyond", () => {
    const from = (count: number) =>
      Array.from({ length: count }, (_, index) => flowLine(outside(`203.0.113.${index + 1}`), web, 443));
    const [few] = reportOf(from(16)).missing;
    expect(few).toMatchObject({ client: "203.0.113.1/32 and 15 more", sureness: "likely", flows: 16 });
    expect(few?.fragments[0]?.policy.spec.ingress).toMatchObject([{ fromCIDR: { length: 16 } }]);
    const [many] = reportOf(from(17)).missing;
    expect(many).toMatchObject({ client: "world", sureness: "guess", flows: 17 });
    expect(many?.fragments[0]?.policy.spec.ingress).toMatchObject([{ fromEntities: ["world"] }]);
  });

  it("keeps the ports of different addresses and names apart", () => {
    const report = reportOf([
      flowLine(web, outside("203.0.113.1"), 443),
      flowLine(web, outside("203.0.113.2"), 25),
      flowLine(web, outside("203.0.113.3", "a.example"), 443),
      flowLine(web, outside("203.0.113.4", "b.example"), 8443),
    ]);
    expect(report.missing.map(({ server, ports }) => `${server} ${ports.join(" ")}`).toSorted()).toEqual([
      "203.0.113.1/32 443/TCP",
      "203.0.113.2/32 25/TCP",
      "a.example 443/TCP",
      "b.example 8443/TCP",
    ]);
  });

  it("takes ICMP by its type, beside ports", () => {
    const report = reportOf([flowLine(web, db, 8, {}, "ICMPv4"), flowLine(web, db, 5353, {}, "UDP")]);
    expect(fragments(report)[1]?.spec.ingress).toEqual([
      { fromEndpoints: expect.anything(), toPorts: [{ ports: [{ port: "5353", protocol: "UDP" }] }] },
      { fromEndpoints: expect.anything(), icmps: [{ fields: [{ family: "IPv4", type: 8 }] }] },
    ]);
  });

  it("splits ports into elements that Cilium takes", () => {
    const report = reportOf(Array.from({ length: 41 }, (_, index) => flowLine(web, api, 8000 + index)));
    expect(report.missing[0]?.fragments[0]?.policy.spec.egress).toMatchObject([
      { toPorts: [{ ports: { length: 40 } }, { ports: { length: 1 } }] },
    ]);
  });
});

describe("requests and lookups that rules refuse", () => {
  const http = (rules: string) => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [${rules}]}}]
`;
  const strict = enforcing([http('{method: GET, path: "/v1/.*"}')]);

  it("come as method and path, numbers and identifiers taken for any of their kind", () => {
    const report = reportOf(
      [
        flowLine(web, api, 8080),
        requestLine(web, api, 8080, ["GET", "/v1/orders"]),
        requestLine(web, api, 8080, ["POST", "/v1/orders/17"]),
        requestLine(web, api, 8080, ["POST", "/v1/orders/18"]),
        requestLine(web, api, 8080, ["GET", "/v2/a.b?x=1"]),
        requestLine(web, api, 8080, ["GET", "/v2/a.b"]),
      ],
      strict,
    );
    expect(report.missing).toMatchObject([
      { flows: 4, requests: ["POST /v1/orders/[0-9]+", String.raw`GET /v2/a\.b(\?.*)?`], fragments: { length: 1 } },
    ]);
    expect(report.missing[0]?.fragments[0]?.policy.spec.ingress).toMatchObject([
      {
        toPorts: [
          {
            ports: [{ port: "8080", protocol: "TCP" }],
            rules: {
              http: [
                { method: "POST", path: "/v1/orders/[0-9]+" },
                { method: "GET", path: String.raw`/v2/a\.b(\?.*)?` },
              ],
            },
          },
        ],
      },
    ]);
  });

  it("are no rule of their own where the connection lacks one", () => {
    const report = reportOf([flowLine(web, api, 9090), requestLine(web, api, 9090, ["GET", "/"])], strict);
    expect(report.missing).toMatchObject([{ requests: [], flows: 1, ports: ["9090/TCP"] }]);
  });

  it("open the port whole where other pods of the workload lack the connection", () => {
    const canary = pod("shop", { app: "web", track: "canary" }, "10.128.0.8");
    const one = enforcing([
      http("{method: GET}").replaceAll("{app: web}", "{app: web, track: canary}"),
      defaultDeny("shop"),
    ]);
    const report = reportOf([flowLine(web, api, 8080), requestLine(canary, api, 8080, ["PUT", "/"])], one);
    expect(fragments(report).find(({ of }) => of.endsWith("ingress"))?.spec.ingress).toMatchObject([
      { toPorts: [{ ports: [{ port: "8080", protocol: "TCP" }] }] },
    ]);
    expect(JSON.stringify(fragments(report))).not.toContain("http");
  });

  it("are told apart by what becomes of them today", () => {
    const refused = { verdict: "DROPPED" };
    const report = reportOf(
      [
        flowLine(web, api, 8080),
        requestLine(web, api, 8080, ["PUT", "/a"]),
        requestLine(web, api, 8080, ["PUT", "/b"], refused),
      ],
      strict,
    );
    expect(report.missing.map(({ requests }) => requests)).toEqual([["PUT /a"]]);
    expect(report.droppedAlready.map(({ requests }) => requests)).toEqual([["PUT /b"]]);
  });

  it("hold for names that are looked up", () => {
    const dns = pod("kube-system", { "k8s-app": "kube-dns" }, "10.128.0.9");
    const names = enforcing([
      `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  endpointSelector: {}
  egress:
  - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system}}]
    toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*.svc.cluster.local"}]}}]
`,
    ]);
    const ask = (query: string) =>
      flowLine(web, dns, 53, { Type: "L7", l7: { type: "REQUEST", dns: { query } } }, "UDP");
    const report = reportOf(
      [ask("api.svc.cluster.local."), ask("Bank.Example."), flowLine(web, dns, 53, {}, "UDP")],
      names,
    );
    expect(report.missing).toMatchObject([{ requests: ["lookup bank.example"], flows: 1 }]);
    expect(report.missing[0]?.fragments[0]?.policy.spec.egress).toMatchObject([
      { toPorts: [{ rules: { dns: [{ matchName: "bank.example" }] } }] },
    ]);
  });
});

describe("names of suggested policies", () => {
  it("are unique and valid", () => {
    const long = "a".repeat(60);
    const report = reportOf([
      flowLine(web, api, 80),
      flowLine(pod("shop", { app: "web", tier: "front" }), api, 80),
      flowLine(pod("shop", { app: long }), pod("shop", { app: `${long}B` }), 80),
      flowLine(pod("shop", {}), pod("shop", { app: "Under_Score" }), 80),
    ]);
    const names = report.missing.flatMap((rule) => rule.fragments.map(({ policy }) => policy.metadata.name));
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  });
});
