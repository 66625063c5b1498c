import { describe, expect, test } from "vitest";
import type { L7Rules, PolicyEntry } from "../../proof/reachability/entry.ts";
import { reservedParty } from "../../proof/reachability/party.ts";
import { entry, everyone, labels, pod, reach, tcp } from "./worlds.ts";

const [web, api] = [pod("web"), pod("api")];
const on = (l7: L7Rules | undefined, own: Partial<PolicyEntry> = {}, port = 443) =>
  entry({ ports: [{ ports: [{ protocol: "TCP", port }], ...(l7 === undefined ? {} : { l7 }) }], ...own });
const http: L7Rules = { http: [{ method: "GET", headers: [], headerMatches: [] }] };
const dns: L7Rules = { dns: [{ pattern: "*" }] };
const listener = (name: string, priority?: number): L7Rules => ({
  proxied: true,
  listener: { name, ...(priority === undefined ? {} : { priority }) },
});
const tls = (secret: string): L7Rules => ({ proxied: true, terminatingTls: secret });
const sni: L7Rules = { proxied: true, serverNames: ["a.example"] };

describe("rules that Cilium cannot bring together for one peer and port", () => {
  test.each<[string, readonly PolicyEntry[], RegExp | undefined]>([
    ["two kinds of requests", [on(http), on(dns)], /two proxies \(http and dns\)/],
    ["a listener and HTTP", [on(listener("a")), on(http)], /two proxies/],
    ["two listeners of the same priority", [on(listener("a")), on(listener("b"))], /listeners a and b/],
    ["two listeners of which one goes first", [on(listener("a", 5)), on(listener("b", 9))], undefined],
    ["the same listener twice", [on(listener("a")), on(listener("a"))], undefined],
    ["HTTP twice", [on(http), on({ http: [{ method: "PUT", headers: [], headerMatches: [] }] })], undefined],
    ["HTTP and none", [on(http), on(undefined)], undefined],
    ["HTTP after the end of TLS", [on(tls("one")), on({ ...http, ...tls("one") })], undefined],
    ["two TLS contexts", [on(tls("one")), on(tls("two"))], /TLS contexts/],
    ["HTTP and server names without the end of TLS", [on(http), on(sni)], /server names/],
    [
      "two ways to authenticate",
      [on(undefined, { authentication: "required" }), on(undefined, { authentication: "disabled" })],
      /authentication required and disabled/,
    ],
    ["one way to authenticate", [on(undefined, { authentication: "required" }), on(undefined)], undefined],
    ["different ports", [on(http), on(dns, {}, 53)], undefined],
    ["different peers", [on(http), on(dns, { peers: [labels("app=db")] })], undefined],
    [
      "the entity none",
      [on(http, { peers: [labels("reserved:none=")] }), on(dns, { peers: [labels("reserved:none=")] })],
      undefined,
    ],
    ["a deny before both", [on(undefined, { verdict: "deny" }), on(http), on(dns)], undefined],
    ["a deny between them", [on(http), on(undefined, { verdict: "deny" }), on(dns)], undefined],
    ["a deny after both", [on(http), on(dns), on(undefined, { verdict: "deny" })], /two proxies/],
  ])("%s", (_, entries, problem) => {
    const reachability = reach([...entries, entry({ direction: "egress", subject: labels("app=db") })], [web, api]);
    const reasons = (["ingress", "egress"] as const).map((direction) => {
      const { enforced, verdict, reason } = reachability.side(direction, api, web, { protocol: "TCP", port: 80 });
      return enforced && verdict === "denied" ? (/cannot compute .*: (.*)\./.exec(reason)?.[1] ?? "") : "";
    });
    const [ingress = "", egress] = reasons;
    // Cilium has one policy for both directions or none.
    expect(egress).toBe(ingress);
    expect(ingress).toMatch(problem ?? /^$/);
  });

  test("a listener in the namespace of a subject that has none", () => {
    const health = reservedParty("health");
    const reason = (l7: L7Rules) =>
      reach([on(l7)], [health, web]).side("ingress", health, web, { protocol: "TCP", port: 80 }).reason;
    const inNamespace: L7Rules = { proxied: true, listener: { name: "namespace/config/l", namespaced: true } };
    expect(reason(inNamespace)).toContain("it has no namespace");
    expect(reason(listener("/config/l"))).not.toContain("cannot compute");
  });

  test("rules come in the order of their resources, not of the files", () => {
    const rules = [
      on(dns, { policy: "CiliumNetworkPolicy shop/z" }),
      on(http, { policy: "CiliumNetworkPolicy shop/y" }),
      on(undefined, { policy: "CiliumClusterwideNetworkPolicy a", verdict: "deny" }),
    ];
    const side = reach(rules, [web, api]).side("ingress", api, web, { protocol: "TCP", port: 80 });
    expect(side.reason).not.toContain("cannot compute");
  });

  test("an L3-only rule and one on ports are never brought together", () => {
    const rules = [
      on(http, { peers: [everyone] }),
      entry({ authentication: "required" }),
      entry({ authentication: "required", ports: tcp(80) }),
    ];
    expect(reach(rules, [web, api]).side("ingress", api, web, { protocol: "TCP", port: 80 }).verdict).toBe("allowed");
  });
});
