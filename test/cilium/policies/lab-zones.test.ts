import { describe, expect, it } from "vitest";
import { answer, bothWorlds, flows, meshWith } from "./application-world.ts";
import { unseenMutations } from "./policy-mutations.ts";

const kind = "lab-zones";
const office = { cidrs: ["192.168.30.0/24", "192.168.31.0/24"] };
const [world] = bothWorlds({ kind });
const pod = (tier: string) => `seoul/lab-${tier}`;

const table = `
  edge -> frontend 80/TCP
  frontend -> backend 8080/TCP
  frontend -> http-api 80/TCP L7
  frontend -> api-server 8080/TCP L7
  test-client -> backend 8080/TCP
  test-client -> http-api 80/TCP L7
  grpc-client -> grpc-service 9090/TCP L7
  kafka-client -> kafka-broker 9092/TCP
  backend -> database 5432/TCP
  management -> edge 9100/TCP
  management -> frontend 9100/TCP
  management -> backend 9100/TCP
  management -> http-api 9100/TCP
  management -> api-server 9100/TCP
  management -> grpc-service 9100/TCP
  management -> kafka-broker 9100/TCP
  management -> database 9100/TCP`;

function expected(kafka = ""): string[] {
  const hosts = ["lab-api-github-com", "lab-httpbin-org", "lab-any-googleapis-com"];
  const offices = ["lab-office", "lab-office-2"];
  const zones =
    "edge frontend test-client backend http-api api-server grpc-client grpc-service kafka-client kafka-broker management";
  return [
    ...table
      .trim()
      .split("\n")
      .map((line) =>
        line
          .trim()
          .replaceAll(/(^|-> )([a-z])/g, "$1seoul/lab-$2")
          .replace("9092/TCP", `9092/TCP${kafka}`),
      ),
    // Of all addresses the refused ones alone do not reach the public zone.
    ...["an address", "evil.example", "world", ...hosts, ...offices].map((user) => `${user} -> ${pod("edge")} 443/TCP`),
    ...offices.map((place) => `${place} -> ${pod("management")} 3000-3010/TCP`),
    ...["backend", "test-client"].flatMap((tier) => hosts.map((host) => `${pod(tier)} -> ${host} 443/TCP`)),
    ...zones.split(" ").map((tier) => `${pod(tier)} -> seoul/kube-dns 53/TCP L7 53/UDP L7`),
  ].toSorted();
}

it("leads from zone to zone, and past none", () => {
  expect(flows(bothWorlds({ kind, office })).toSorted()).toEqual(expected());
});

it.each(["1.18.12", "1.19.7"])("has Kafka looked at by Cilium %s, which still can", (version) => {
  expect(flows(bothWorlds({ kind, office }, { version })).toSorted()).toEqual(expected(" L7"));
  const [{ objects }] = bothWorlds({ kind, kafkaTopic: "orders" }, { version });
  const rules = JSON.stringify(objects.find(({ metadata }) => JSON.stringify(metadata).includes("lab-kafka-broker")));
  expect(rules).toContain('"kafka":[{"role":"produce","topic":"orders"},{"role":"consume","topic":"orders"}]');
});

it("numbers outside hosts whose names are too long for a zone", () => {
  const externalHosts = ["a.example", "a-name-that-is-much-too-long-for-a-zone.example"];
  const called = flows(bothWorlds({ kind, externalHosts })).filter((flow) => /443/.test(flow));
  expect(called).toContain("seoul/lab-backend -> lab-host 443/TCP");
  expect(called).toContain("seoul/lab-backend -> lab-host-2 443/TCP");
});

it("says in the policy why the port alone is left on 1.20", () => {
  expect(JSON.stringify(world.objects)).toContain("Cilium 1.20.2 has no Kafka rules");
});

it("refuses addresses even where another policy lets everybody in", () => {
  const open = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "open", namespace: "public" },
    spec: { endpointSelector: {}, ingress: [{ fromEntities: ["all"] }] },
  };
  const reachability = world.reachability(world.entries([...world.objects, open]));
  const openings = (from: string) => reachability.openings("ingress", world.party(pod("edge")), world.party(from));
  expect(openings("lab-refused")).toEqual([]);
  expect(openings("an address")).not.toEqual([]);
});

describe("requests", () => {
  const version = { "X-API-Version": "v1" };
  const json = { "Content-Type": "application/json", Authorization: "Bearer abc" };
  it.each([
    ["allowed", "test-client", "http-api", 80, "GET", "/", {}],
    ["denied", "test-client", "http-api", 80, "POST", "/", {}],
    ["allowed", "test-client", "http-api", 80, "GET", "/api/users", version],
    ["denied", "test-client", "http-api", 80, "GET", "/api/users", {}],
    ["denied", "test-client", "http-api", 80, "GET", "/api/users", { "X-API-Version": "v2" }],
    ["denied", "test-client", "http-api", 80, "GET", "/admin/config", version],
    ["allowed", "frontend", "api-server", 8080, "GET", "/api/v1/users", {}],
    ["allowed", "frontend", "api-server", 8080, "POST", "/api/v1/users", json],
    ["denied", "frontend", "api-server", 8080, "POST", "/api/v1/users", { "Content-Type": "application/json" }],
    ["denied", "frontend", "api-server", 8080, "POST", "/api/v1/users", { ...json, "Content-Type": "text/xml" }],
    ["denied", "frontend", "api-server", 8080, "GET", "/api/v1/admin/users", json],
    ["denied", "test-client", "api-server", 8080, "GET", "/api/v1/users", {}],
    ["allowed", "grpc-client", "grpc-service", 9090, "POST", "/user.UserService/GetUser", {}],
    ["allowed", "grpc-client", "grpc-service", 9090, "POST", "/user.UserService/CreateUser", {}],
    ["denied", "grpc-client", "grpc-service", 9090, "GET", "/user.UserService/GetUser", {}],
    ["denied", "grpc-client", "grpc-service", 9090, "POST", "/userXUserService/GetUser", {}],
    ["denied", "grpc-client", "grpc-service", 9090, "POST", "/user.UserService/DeleteUser", {}],
    ["denied", "grpc-client", "grpc-service", 9090, "POST", "/admin.AdminService/Reset", {}],
    ["denied", "test-client", "database", 5432, "GET", "/", {}],
  ])("%s: %s to %s:%d, %s %s with %o", (verdict, from, to, port, method, path, headers) => {
    expect(answer(world, pod(from), pod(to), port, { method, path, headers })).toBe(verdict);
  });
});

it.each([
  ["on Cilium 1.20", {}, "1.20.2"],
  ["behind a gateway, on Cilium 1.19", { office, entrance: "gateway" }, "1.19.7"],
])("shows whatever is deleted or widened in the policies %s", (_, more, version) => {
  const { tried, unseen } = unseenMutations(...meshWith({ kind, ...more }, { version }));
  expect(unseen).toEqual([]);
  expect(tried).toBeGreaterThan(600);
});
