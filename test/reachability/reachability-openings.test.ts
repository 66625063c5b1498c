import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PolicyEntry, Requirement } from "../../proof/reachability/entry.ts";
import type { Party } from "../../proof/reachability/party.ts";
import { lastPort, protocols } from "../../proof/reachability/port-sets.ts";
import type { Traffic } from "../../proof/reachability/reachability.ts";
import { localHost, noDefaultDeny, noPolicy } from "../../proof/reachability/subject-policy.ts";
import {
  anyEntry,
  api,
  entry,
  everybody,
  host,
  ingress,
  labels,
  on443,
  others,
  pod,
  reach,
  tcp,
  web,
} from "./worlds.ts";

describe("requests", () => {
  const get = (path?: string) => [
    {
      ports: [{ protocol: "TCP" as const, port: 443 }],
      l7: { http: [{ method: "GET", ...(path === undefined ? {} : { path }), headers: [], headerMatches: [] }] },
    },
  ];
  const post: Traffic = { ...on443, http: { method: "POST", path: "/" } };

  test.each<[string, readonly PolicyEntry[], Party, boolean]>([
    ["that no HTTP rule matches", [entry({ ports: get() })], web, false],
    [
      "that another rule for the same peer admits",
      [entry({ ports: get() }), entry({ peers: [labels("app=web")], ports: tcp(443) })],
      web,
      true,
    ],
    ["that a rule without ports admits", [entry({ ports: get() }), entry({ peers: [labels("app=web")] })], web, true],
    ["that a rule for other peers admits", [entry({ ports: get() }), entry({ peers: [labels("app=db")] })], web, false],
    ["that rules without default deny do not limit", [entry({ ports: get(), defaultDeny: false })], web, true],
    ["of the node", [entry({ ports: get() })], host, true],
  ])("%s", (_, entries, peer, allowed) => {
    expect(ingress(entries, peer, post)).toMatchObject({ verdict: allowed ? "allowed" : "denied", l7: true });
  });

  test("that only an aggregate lets in no HTTP rule is about", () => {
    const notDb: Requirement = { source: "any", key: "tier", operator: "NotIn", values: ["db"] };
    const rules = [entry({ ports: get(), peers: [{ kind: "labels", requirements: [notDb] }] })];
    const request: Traffic = { ...on443, http: { method: "GET", path: "/" } };
    expect(ingress(rules, web, request).verdict).toBe("allowed");
    expect(ingress(rules, pod("x", { tier: "db" }), request)).toMatchObject({ verdict: "denied", l7: true });
  });

  test("a connection without a request is judged alone", () => {
    expect(ingress([entry({ ports: get() })], web)).toMatchObject({ verdict: "allowed", l7: true });
  });

  test("a denied request is no longer one for the proxy", () => {
    const deny = entry({ verdict: "deny", peers: [labels("app=web")], ports: tcp(443) });
    expect(ingress([entry({ ports: get() }), deny], web, post)).toMatchObject({ verdict: "denied", l7: false });
  });

  test("a listener of one's own goes before HTTP rules where its priority says so", () => {
    const listener = (priority: number) =>
      entry({
        peers: [labels("app=web")],
        ports: [
          {
            ports: [{ protocol: "TCP", port: 443 }],
            l7: { proxied: true, listener: { name: "shop/envoy/l", ...(priority === 0 ? {} : { priority }) } },
          },
        ],
      });
    const rules = [entry({ ports: get() })];
    expect(ingress([...rules, listener(0)], web, post).verdict).toBe("denied");
    expect(ingress([...rules, listener(10)], web, post).verdict).toBe("allowed");
  });
});

describe("openings", () => {
  test("name what is open without a rule", () => {
    const openings = (entries: readonly PolicyEntry[], peer: Party) => [
      ...new Set(
        reach(entries, others)
          .openings("ingress", api, peer)
          .flatMap(({ rules }) => rules),
      ),
    ];
    expect(openings([], web)).toEqual([noPolicy]);
    expect(openings([entry({ verdict: "deny", peers: "none", defaultDeny: false })], web)).toEqual([noDefaultDeny]);
    expect(openings([entry({ peers: "none" })], host)).toEqual([localHost]);
  });

  test("are cut where a deny cuts them and where rules differ", () => {
    const all = entry({
      policy: "CiliumNetworkPolicy shop/all",
      path: "spec.ingress[0]",
      ports: [{ ports: [{ protocol: "TCP", port: 80, endPort: 90 }] }],
    });
    const one = entry({ policy: "CiliumNetworkPolicy shop/one", path: "spec.ingress[0]", ports: tcp(85) });
    const none = entry({ verdict: "deny", ports: tcp(88) });
    expect(reach([all, one, none], others).openings("ingress", api, web)).toEqual([
      { protocol: "TCP", from: 80, to: 84, rules: ["CiliumNetworkPolicy shop/all spec.ingress[0]"] },
      {
        protocol: "TCP",
        from: 85,
        to: 85,
        rules: ["CiliumNetworkPolicy shop/all spec.ingress[0]", "CiliumNetworkPolicy shop/one spec.ingress[0]"],
      },
      { protocol: "TCP", from: 86, to: 87, rules: ["CiliumNetworkPolicy shop/all spec.ingress[0]"] },
      { protocol: "TCP", from: 89, to: 90, rules: ["CiliumNetworkPolicy shop/all spec.ingress[0]"] },
    ]);
  });

  test("of any policies are those ports that a packet passes, each once", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 5 }), fc.constantFrom("ingress", "egress"), (entries, direction) => {
        const parties = everybody();
        const reachability = reach(entries, parties);
        for (const subject of parties.slice(0, 3)) {
          for (const peer of parties) {
            const openings = reachability.openings(direction, subject, peer);
            for (const protocol of protocols) {
              for (const port of new Set([0, 1, 8, 80, 90, 91, 443, 7999, 8000, 8080, 8443, 9001])) {
                if (port > lastPort(protocol)) continue;
                const held = openings.filter(
                  (opening) => opening.protocol === protocol && opening.from <= port && port <= opening.to,
                );
                const side = reachability.side(direction, subject, peer, { protocol, port });
                expect(held.length).toBe(side.verdict === "allowed" ? 1 : 0);
                expect(held[0]?.l7 !== undefined).toBe(side.verdict === "allowed" && side.l7);
              }
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
