import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readLine } from "../../proof/flows/hubble.ts";
import { type Observation, observe } from "../../proof/flows/observation.ts";
import { flowLine, outside, pod, reserved } from "../support/hubble-flows.ts";

const web = pod("shop", { app: "web" }, "10.128.0.1");
const api = pod("shop", { app: "api" }, "10.128.0.2");

/** What a line comes to: an observation in short, or why it is set aside. */
function seen(line: string): string {
  const read = readLine(line);
  if (read.kind !== "flow") return read.kind === "broken" ? `broken: ${read.problem}` : read.kind;
  const found = observe(read.flow);
  return typeof found === "string" ? found : shown(found);
}

function shown({ client, server, protocol, port, at, outcome, flows, http, dns }: Observation): string {
  const asked = http ? ` ${http.method} ${http.host}${http.path}` : dns ? ` ${dns}` : "";
  const many = flows > 1 ? ` x${flows}` : "";
  return `${client.ip} -> ${[server.ip, ...server.names].join(" ")} ${port}/${protocol} ${at} ${outcome}${asked}${many}`;
}

describe("lines of Hubble", () => {
  it("are read as Cilium 1.20 itself writes them", () => {
    // Marshalled by Cilium's own `api/v1/observer`.
    const lines = readFileSync(join(import.meta.dirname, "fixtures/flows/hubble-1.20.jsonl"), "utf8").trimEnd();
    expect(lines.split("\n").map(seen)).toEqual([
      "10.128.0.1 -> 10.128.0.2 8080/TCP egress passed",
      "10.128.0.1 -> 10.128.0.2 8080/TCP ingress passed",
      "reply",
      "10.128.0.1 -> 10.128.0.2 9090/TCP ingress dropped",
      "10.128.0.2 -> 203.0.113.9 time.example 123/UDP egress audited",
      "10.128.0.1 -> 10.128.0.2 8080/TCP ingress passed GET api.shop:8080/orders/17?full=1",
      "10.128.0.1 -> 10.128.0.2 53/UDP egress passed api.shop.svc.cluster.local",
      "socket",
      "service",
      "10.128.0.1 -> 10.128.0.2 8/ICMP ingress passed",
      "drop INVALID_SOURCE_IP",
      "10.128.0.1 -> 10.128.0.2 3868/SCTP ingress passed x12",
      "lost",
      "other",
      "no-verdict",
    ]);
  });

  it("may be bare flows, as hubble observe -o json once printed them", () => {
    const { flow } = JSON.parse(flowLine(web, api, 80));
    expect(seen(JSON.stringify(flow))).toBe("10.128.0.1 -> 10.128.0.2 80/TCP ingress passed");
  });

  it.each([
    ["Jul  1 10:00:00.500: shop/web:40000 -> shop/api:80 FORWARDED", "broken: it is no JSON, or cut off"],
    ["[]", "broken: it is no JSON object"],
    ["7", "broken: it is no JSON object"],
    ['{"level":"info"}', "broken: it holds no flow"],
    [
      '{"flow":{"source":{"labels":"app=web"}}}',
      "broken: flow.source.labels: Invalid input: expected array, received string",
    ],
    [flowLine(web, api, 80).slice(0, 200), "broken: it is no JSON, or cut off"],
    [flowLine(web, api, 80, { is_reply: true }).slice(0, -1), "broken: it is no JSON, or cut off"],
  ])("are broken where they hold something else: %s", (line, problem) => {
    expect(seen(line)).toBe(problem);
  });

  it("may have fields that nobody knows yet, and lack those that a field mask leaves out", () => {
    expect(seen(flowLine(web, api, 80, { future: { deep: [1] }, uuid: undefined, time: undefined }))).toMatch(
      /passed$/,
    );
    expect(seen(flowLine(web, api, 80, { verdict: undefined }))).toMatch(/passed$/);
  });
});

describe("what a flow says about who calls whom", () => {
  const unknown = { is_reply: undefined };
  const tcp = (source: number, destination: number, flags: object) => ({
    ...unknown,
    l4: { TCP: { source_port: source, destination_port: destination, flags } },
  });
  it.each<[string, Record<string, unknown>, string | RegExp]>([
    ["a reply by connection tracking", { is_reply: true }, "reply"],
    ["a reply in files of older agents", { is_reply: undefined, reply: true }, "reply"],
    ["an error about a known connection", { trace_reason: "RELATED" }, "reply"],
    ["a first packet", tcp(40_000, 50_051, { SYN: true }), /50051.TCP ingress passed$/],
    ["the answer to a first packet", tcp(50_051, 40_000, { SYN: true, ACK: true }), "reply"],
    ["a packet from a client's port", tcp(40_000, 80, { ACK: true }), /80.TCP ingress passed$/],
    ["a packet to a client's port", tcp(80, 40_000, { ACK: true }), "reply"],
    ["a packet between two such ports", tcp(50_051, 40_000, { ACK: true }), "no-direction"],
    [
      "the same, dropped",
      { ...tcp(50_051, 40_000, { ACK: true }), verdict: "DROPPED", drop_reason_desc: "POLICY_DENIED" },
      /dropped$/,
    ],
    [
      "a late UDP reply, dropped",
      {
        ...unknown,
        verdict: "DROPPED",
        drop_reason_desc: "POLICY_DENIED",
        l4: { UDP: { source_port: 53, destination_port: 40_000 } },
      },
      "reply",
    ],
    ["an echo reply", { ...unknown, l4: { ICMPv4: {} } }, "reply"],
    ["an echo request", { ...unknown, l4: { ICMPv6: { type: 128 } } }, /128.ICMPV6 ingress passed$/],
    ["no protocol with ports", { l4: { IGMP: {} } }, "no-ports"],
    ["nothing above IP", { l4: undefined }, "no-ports"],
    ["dropped by a deny rule", { verdict: "DROPPED", drop_reason_desc: "POLICY_DENY" }, /dropped$/],
    ["dropped, with the reason's number only", { verdict: "DROPPED", drop_reason: 133 }, /dropped$/],
    [
      "dropped for another reason",
      { verdict: "DROPPED", drop_reason_desc: "CT_MAP_INSERTION_FAILED" },
      "drop CT_MAP_INSERTION_FAILED",
    ],
    ["sent to the proxy", { verdict: "REDIRECTED" }, /passed$/],
    ["an error of the proxy", { verdict: "ERROR" }, "no-verdict"],
  ])("%s", (_, fields, expected) => {
    expect(seen(flowLine(web, api, 80, fields))).toMatch(expected);
  });

  it("leaves a Service's address to its backend, be it a ClusterIP or a node's port", () => {
    const service = { destination_service: { name: "api", namespace: "shop" } };
    expect(seen(flowLine(web, outside("172.20.0.9"), 80, service))).toBe("service");
    expect(seen(flowLine(outside("203.0.113.7"), reserved("remote-node"), 30_080, service))).toBe("service");
    expect(seen(flowLine(web, api, 80, service))).toMatch(/passed$/);
  });
});
