import { describe, expect, test } from "vitest";
import type { HttpRule } from "../../proof/reachability/entry.ts";
import { type HttpRequest, matchesRequest } from "../../proof/reachability/http-requests.ts";

const rule = (own: Partial<HttpRule>): HttpRule => ({ headers: [], headerMatches: [], ...own });
const get: HttpRequest = {
  method: "GET",
  path: "/api/orders?x=1",
  host: "shop.example",
  headers: { "X-Tenant": "kr", "X-Empty": "" },
};

describe("an HTTP rule", () => {
  test.each<[string, Partial<HttpRule>, boolean]>([
    ["without conditions", {}, true],
    ["with the method", { method: "GET" }, true],
    ["with one of two methods", { method: "POST|GET" }, true],
    ["with another method", { method: "POST" }, false],
    ["whose path is only the start of the request's", { path: "/api/orders" }, false],
    ["whose path leaves room for the query string", { path: "/api/orders(\\?.*)?" }, true],
    ["whose path is written in RE2's way", { path: "(?i)/API/[[:alpha:]]+\\?.*" }, true],
    ["with the host", { host: "shop\\.example" }, true],
    ["with another host", { host: "bank\\.example" }, false],
    ["with all of several conditions but one", { method: "GET", path: "/api/.*", host: "bank" }, false],
    ["with a header's name alone", { headers: ["x-tenant"] }, true],
    ["with a header and its value", { headers: ["X-Tenant: kr"] }, true],
    ["with a header and another value", { headers: ["X-Tenant: jp"] }, false],
    ["with a header that is not there", { headers: ["X-Other"] }, false],
    ["with the host as a header", { headers: ["Host: shop.example"] }, true],
    ["with a header match of the value", { headerMatches: [{ name: "X-Tenant", value: "kr" }] }, true],
    ["with a header match of another value", { headerMatches: [{ name: "X-Tenant", value: "jp" }] }, false],
    [
      "with a header match that only logs a mismatch",
      { headerMatches: [{ name: "X-Tenant", value: "jp", mismatch: "LOG" }] },
      true,
    ],
    ["with a header match on a secret", { headerMatches: [{ name: "X-Tenant", secret: true }] }, false],
    [
      "with a header match on a secret or else a value",
      { headerMatches: [{ name: "X-Tenant", value: "kr", secret: true }] },
      true,
    ],
    ["with a header match of a name", { headerMatches: [{ name: "X-Empty" }] }, true],
  ])("%s", (_, own, expected) => {
    expect(matchesRequest(rule(own), get)).toBe(expected);
  });

  test("a condition on what the request does not say is not met", () => {
    expect(matchesRequest(rule({ path: ".*" }), {})).toBe(false);
    expect(matchesRequest(rule({}), {})).toBe(true);
  });
});
