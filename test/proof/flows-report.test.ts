import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FlowReport, wouldDrop } from "../../proof/flows/flow-report.ts";
import { blockRange } from "../../proof/objects/address-range.ts";
import {
  defaultDeny,
  enforcing,
  flowLine,
  type HubbleEnd,
  judgedLines,
  outside,
  pod,
  requestLine,
  reserved,
} from "../support/hubble-flows.ts";

const web = pod("shop", { app: "web" }, "10.128.0.1");
const api = pod("shop", { app: "api" }, "10.128.0.2");
const db = pod("data", { app: "db" }, "10.128.0.3");
const closed = enforcing([defaultDeny("shop", "data")]);
const dropped = { verdict: "DROPPED", drop_reason_desc: "POLICY_DENIED", event_type: { type: 1, sub_type: 133 } };

const reportOf = (lines: readonly string[], ...enforcements: Parameters<typeof judgedLines>[1]) =>
  judgedLines(lines, enforcements.length > 0 ? enforcements : [closed]).report;

/** `ingress app=api <- ...` of each fragment: subject, then the rules as the policy has them. */
function fragments({ missing }: FlowReport) {
  return missing.flatMap(({ fragments: all }) =>
    all.map(({ cluster, direction, policy: { kind, metadata, spec } }) => ({
      of: [cluster, kind === "CiliumNetworkPolicy" ? metadata.namespace : kind, direction].join(" "),
      spec,
    })),
  );
}

/** The peer of the first fragment of a direction. */
function peer(direction: "ingress" | "egress", client: HubbleEnd, server: HubbleEnd, port = 80): unknown {
  const [found] = fragments(reportOf([flowLine(client, server, port)])).filter(({ of }) => of.endsWith(direction));
  const rules = found?.spec[direction];
  const [rule] = Array.isArray(rules) ? rules : [];
  const { toPorts: _, ...rest } = { ...rule };
  return rest;
}

const labels = (matchLabels: Record<string, string>) => [{ matchLabels }];

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

describe("what was seen", () => {
  it("counts once, at whichever ends and in however many events it was seen", () => {
    const egress = { traffic_direction: "EGRESS" };
    const verdict = { event_type: { type: 5 }, trace_observation_point: undefined };
    const places = [{}, egress, verdict, { ...egress, ...verdict }];
    const lines = [1, 2, 3].flatMap(() => places.map((fields) => flowLine(web, api, 80, fields)));
    expect(reportOf(lines).missing[0]?.flows).toBe(3);
    expect(
      reportOf([flowLine(web, api, 80, { aggregate: { ingress_flow_count: 7, egress_flow_count: 9 } })]).missing[0]
        ?.flows,
    ).toBe(9);
  });

  it("is one workload whatever its replicas, and lasts from the first to the last", () => {
    const other = pod("shop", { app: "web", "pod-template-hash": "5d8" }, "10.128.0.7");
    const [rule] = reportOf([
      flowLine(other, api, 80, { time: "2026-07-01T10:00:00.75Z" }),
      flowLine(web, api, 80, { time: "2026-07-01T10:00:00Z" }),
      flowLine(web, api, 80, { time: "2026-07-01T10:00:00.7501Z" }),
    ]).missing;
    expect(rule).toMatchObject({ flows: 3, first: "2026-07-01T10:00:00Z", last: "2026-07-01T10:00:00.7501Z" });
    expect(rule?.examples).toHaveLength(2);
    expect(rule?.examples[0]?.node).toBe("seoul/node-1");
  });

  it("is listed apart where it is dropped today", () => {
    const late = { time: "2026-07-01T11:00:00Z" };
    const passes = [flowLine(web, api, 80), flowLine(web, api, 80, dropped)];
    expect(reportOf(passes).droppedAlready).toHaveLength(1);
    // The client's node lets it go, the server's does not.
    expect(reportOf([flowLine(web, api, 80, { ...late, traffic_direction: "EGRESS" }), ...passes]).missing).toEqual([]);
    // Somebody has opened it since.
    expect(reportOf([...passes, flowLine(web, api, 80, late)])).toMatchObject({
      missing: { length: 1 },
      droppedAlready: [],
    });
    expect(wouldDrop(reportOf(passes))).toBe(false);
  });

  it("passes under audit and would not otherwise", () => {
    expect(reportOf([flowLine(web, api, 80, { verdict: "AUDIT" })]).missing).toMatchObject([{ audited: true }]);
  });

  it("gets no rule where a deny rule means it", () => {
    const deny = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: no-ssh, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingressDeny: [{toPorts: [{ports: [{port: "22", protocol: TCP}]}]}]
`;
    const denying = enforcing([defaultDeny("shop"), deny]);
    const report = reportOf([flowLine(web, api, 22)], denying);
    expect(report.missing).toEqual([]);
    expect(report.denied).toMatchObject([
      {
        client: "shop/web",
        ports: ["22/TCP"],
        dropped: false,
        by: ["CiliumNetworkPolicy shop/no-ssh spec.ingressDeny[0]"],
      },
    ]);
    expect(wouldDrop(report)).toBe(true);
    const already = reportOf([flowLine(web, api, 22, dropped)], denying);
    expect(already.denied).toMatchObject([{ dropped: true }]);
    expect(wouldDrop(already)).toBe(false);
  });

  it("is judged on the side whose policies are known", () => {
    const abroad = pod("shop", { app: "web" }, "10.129.0.1", "busan");
    const line = flowLine(abroad, api, 80);
    expect(reportOf([line])).toMatchObject({ unknownClusters: ["busan"], missing: [{ fragments: { length: 1 } }] });
    const both = reportOf([line], closed, enforcing([defaultDeny("shop")], { cluster: "busan" }));
    expect(both.unknownClusters).toEqual([]);
    expect(fragments(both).map(({ of }) => of)).toEqual(["busan shop egress", "seoul shop ingress"]);
  });

  it("tells named ports where Cilium does", () => {
    const named = enforcing([
      `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {podSelector: {}, ingress: [{ports: [{port: http}]}]}
`,
    ]);
    const endpoint = {
      ...api.endpoint,
      labels: [
        ...(Array.isArray(api.endpoint.labels) ? api.endpoint.labels : []),
        "gen:io.cilium.k8s.named-ports=http.TCP.8080_metrics.TCP.9090",
      ],
    };
    const report = reportOf(
      [flowLine(web, { ...api, endpoint }, 8080), flowLine(web, { ...api, endpoint }, 9090)],
      named,
    );
    expect(report.missing.map(({ ports }) => ports)).toEqual([["9090/TCP"]]);
  });

  it("is doubted where Cilium could not know better", () => {
    const range = blockRange("10.128.0.0/16");
    const pods = range === undefined ? [] : [{ name: "pods of seoul", range }];
    const { report } = judgedLines([flowLine(outside("10.128.3.3"), api, 80)], [closed], pods);
    expect(report.missing).toMatchObject([
      {
        sureness: "guess",
        doubts: expect.arrayContaining([expect.stringMatching(/^10\.128\.3\.3 is one of the pods of seoul/)]),
      },
    ]);
    expect(reportOf([flowLine(reserved("init"), api, 80)]).missing).toMatchObject([{ sureness: "guess" }]);
    expect(reportOf([flowLine(web, outside("203.0.113.9", "a.example"), 443)]).missing[0]?.doubts).toContainEqual(
      expect.stringMatching(/^toFQDNs learns addresses from lookups/),
    );
  });

  it("is counted where it cannot be judged", () => {
    const nameless = (endpoint: object): HubbleEnd => ({ ip: "10.128.0.5", endpoint: { ...endpoint } });
    const { counts, report } = judgedLines(
      [
        flowLine(nameless({ identity: 71_000, pod_name: "web-1" }), api, 80),
        flowLine(nameless({}), api, 80),
        flowLine(web, api, 80, { is_reply: true }),
        '{"lost_events":{"num_events_lost":"12"}}',
        "not a flow",
        "",
        "neither",
      ],
      [closed],
    );
    expect(counts).toMatchObject({
      lines: 6,
      flows: 3,
      lost: 12,
      broken: 2,
      firstBroken: { file: "events.log", line: 5 },
      asides: { "no-labels": 1, "no-identity": 1, reply: 1 },
    });
    expect(report).toMatchObject({ missing: [], kept: { flows: 0 } });
  });

  it("is known by reserved numbers where a field mask leaves labels out", () => {
    const node: HubbleEnd = { ip: "10.10.0.2", endpoint: { identity: 6 } };
    expect(reportOf([flowLine(node, api, 80)]).missing).toMatchObject([{ client: "nodes" }]);
    const address: HubbleEnd = { ip: "203.0.113.9", endpoint: { identity: 16_777_300 } };
    expect(reportOf([flowLine(address, api, 80)]).missing).toMatchObject([{ client: "203.0.113.9/32" }]);
  });
});

describe("what exporters leave out", () => {
  const trimmed = (app: string, server: string, ip: string): HubbleEnd => ({
    ip,
    endpoint: {
      identity: 17_221,
      cluster_name: "default",
      namespace: "shop",
      labels: [`k8s:app=${app}`, `k8s:server=${server}`],
      pod_name: `${app}-${server}-64cbf459c4-q4tr9`,
      workloads: [{ name: `${app}-${server}`, kind: "Deployment" }],
    },
  });
  const atDefault = { node_name: "aks-nodepool1-27013129-vmss000000" };
  const inDefault = enforcing([defaultDeny("shop")], { cluster: "default" });

  it("is taken from the fields beside the labels, and the cluster from the pods of agents without one", () => {
    const lines = [flowLine(trimmed("web", "a", "10.0.1.1"), trimmed("api", "a", "10.0.1.2"), 80, atDefault)];
    const { counts, report } = judgedLines(lines, [inDefault]);
    expect(counts.clusters).toEqual(["default"]);
    expect(fragments(report).map(({ of }) => of)).toEqual(["default shop egress", "default shop ingress"]);
    const node = flowLine(reserved("health"), trimmed("api", "a", "10.0.1.2"), 80, atDefault);
    expect(judgedLines([node], [inDefault]).report.missing).toMatchObject([{ client: "health" }]);
  });

  it("does not join what two Deployments call by one name", () => {
    const lines = ["good", "bad"].map((server) =>
      flowLine(trimmed("kapinger", server, "10.0.1.1"), trimmed("api", "a", "10.0.1.2"), 80, atDefault),
    );
    const { report } = judgedLines(lines, [inDefault]);
    expect(report.missing.map(({ client, sureness }) => `${client} ${sureness}`).toSorted()).toEqual([
      "shop/kapinger (server=bad) likely",
      "shop/kapinger (server=good) likely",
    ]);
    expect(fragments(report)[0]?.spec.endpointSelector).toEqual({
      matchLabels: { "k8s:app": "kapinger", "k8s:server": "bad" },
    });
  });

  it("is said where rules may ask for it", () => {
    const headers = [{ key: "Authorization", value: "HUBBLE_REDACTED" }];
    const asks = enforcing([
      `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingress: [{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{headers: ["Authorization"], method: GET}, {headers: ["authorization: secret"]}]}}]}]
`,
    ]);
    const request = (method: string) =>
      requestLine(web, api, 80, [method, "/"], {
        l7: { type: "REQUEST", http: { method, url: "http://api/", headers } },
      });
    expect(reportOf([request("GET")], asks).missing).toEqual([]);
    expect(reportOf([request("PUT")], asks).missing[0]?.doubts).toContainEqual(
      expect.stringMatching(/^Hubble hides values of headers/),
    );
  });
});

describe("odd lines", () => {
  const json = fc.json({ maxDepth: 4 });
  const part = fc.oneof(
    json,
    fc.constantFrom('{"labels":["reserved:world"]}', '{"labels":["k8s:io.kubernetes.pod.namespace=shop"]}'),
  );
  it("never stop the reading", () => {
    fc.assert(
      fc.property(json, part, part, fc.string(), (any, client, server, text) => {
        const line = `{"flow":{"verdict":"FORWARDED","is_reply":false,"IP":{"source":${JSON.stringify(text)},"destination":"10.1.2.3"},"l4":{"TCP":{"destination_port":80}},"source":${client},"destination":${server},"l7":${any}}}`;
        expect(() => judgedLines([any, `{"flow":${any}}`, line, text], [closed])).not.toThrow();
      }),
    );
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
