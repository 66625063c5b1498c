import { describe, expect, it } from "vitest";
import { answer, bothWorlds, flows, meshWith } from "./application-world.ts";
import { unseenMutations } from "./policy-mutations.ts";

const kind = "brokerage";
const coreBanking = { cidrs: ["10.200.10.0/24", "10.200.20.0/24"] };
const [world] = bothWorlds({ kind });
const pod = (tier: string) => `seoul/brokerage-${tier}`;

/** Callers, the called, and the port; L7 where requests are looked at. */
const table = `
  web -> order 8080/TCP L7
  web -> quote 8080/TCP L7
  web -> account 8080/TCP L7
  web -> payment 8080/TCP L7
  order-entry -> order 8080/TCP L7
  admin -> order 8080/TCP L7
  admin -> quote 8080/TCP L7
  admin -> account 8080/TCP L7
  order -> db 5432/TCP
  quote -> db 5432/TCP
  account -> db 5432/TCP
  batch -> db 5432/TCP
  payment -> card-db 5432/TCP`;

it("lets each tier reach what it needs, and nobody else reach it", () => {
  const users = ["an address", "evil.example", "world", "brokerage-core-banking", "brokerage-core-banking-2"];
  const tiers = ["web", "order-entry", "order", "quote", "account", "payment", "batch", "admin"];
  expect(flows(bothWorlds({ kind, coreBanking })).toSorted()).toEqual(
    [
      ...table
        .trim()
        .split("\n")
        .map((line) => line.trim().replaceAll(/(^|-> )([a-z])/g, "$1seoul/brokerage-$2")),
      ...users.flatMap((user) => [`${user} -> ${pod("web")} 8443/TCP`, `${user} -> ${pod("order-entry")} 8443/TCP`]),
      `${pod("batch")} -> brokerage-core-banking 9443/TCP`,
      `${pod("batch")} -> brokerage-core-banking-2 9443/TCP`,
      ...tiers.map((tier) => `${pod(tier)} -> seoul/kube-dns 53/TCP L7 53/UDP L7`),
    ].toSorted(),
  );
});

describe("requests", () => {
  const key = { "Idempotency-Key": "7f3c" };
  const entry = { ...key, "X-Channel": "order-entry" };
  const ticket = { "X-Change-Ticket": "CHG-1" };
  it.each([
    ["allowed", "web", "order", "GET", "/api/orders/4711", {}],
    ["allowed", "web", "order", "GET", "/api/trades/4711?from=2026-01-01", {}],
    ["denied", "web", "order", "GET", "/api/orders/4711/cancel", {}],
    ["denied", "web", "order", "DELETE", "/api/orders/4711", {}],
    ["denied", "web", "order", "POST", "/api/orders", entry],
    ["denied", "web", "order", "GET", "/admin/sessions", ticket],
    ["allowed", "order-entry", "order", "POST", "/api/orders", entry],
    ["denied", "order-entry", "order", "POST", "/api/orders", key],
    ["denied", "order-entry", "order", "POST", "/api/orders", { "X-Channel": "order-entry" }],
    ["denied", "order-entry", "order", "POST", "/api/orders", { ...key, "X-Channel": "web" }],
    ["denied", "order-entry", "order", "GET", "/api/orders/4711", {}],
    ["allowed", "web", "quote", "GET", "/api/quotes/005930?depth=10", {}],
    ["denied", "web", "quote", "PUT", "/api/quotes/005930", {}],
    ["allowed", "web", "account", "GET", "/api/accounts/42/balance", { "X-Customer-Id": "9" }],
    ["denied", "web", "account", "GET", "/api/accounts/42/balance", {}],
    ["denied", "web", "account", "GET", "/api/accounts/42/balance/../../43/balance", { "X-Customer-Id": "9" }],
    ["allowed", "web", "payment", "POST", "/api/payments", key],
    ["denied", "web", "payment", "POST", "/api/payments", {}],
    ["allowed", "admin", "account", "DELETE", "/admin/sessions/3", ticket],
    ["denied", "admin", "account", "DELETE", "/admin/sessions/3", {}],
    ["denied", "admin", "account", "GET", "/api/accounts/42/balance", ticket],
    ["denied", "batch", "order", "GET", "/api/orders/4711", {}],
  ])("%s: %s to %s, %s %s with %o", (verdict, from, to, method, path, headers) => {
    expect(answer(world, pod(from), pod(to), 8080, { method, path, headers })).toBe(verdict);
  });

  it("knows administration by its service account: the same labels of another one are nobody", () => {
    const request = { method: "GET", path: "/admin/sessions", headers: ticket };
    expect(answer(world, `${pod("admin")} of another account`, pod("order"), 8080, request)).toBe("denied");
  });
});

it.each([
  ["of a cluster by itself", { coreBanking }],
  ["across clusters", { acrossClusters: true, entrance: "gateway" }],
])("shows whatever is deleted or widened in the policies %s", (_, more) => {
  const { tried, unseen } = unseenMutations(...meshWith({ kind, ...more }));
  expect(unseen).toEqual([]);
  expect(tried).toBeGreaterThan(500);
});
