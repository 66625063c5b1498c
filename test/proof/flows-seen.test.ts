import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wouldDrop } from "../../proof/flows/flow-report.ts";
import { blockRange } from "../../proof/objects/address-range.ts";
import { api, closed, dropped, fragments, reportOf, web } from "../support/flow-reports.ts";
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
