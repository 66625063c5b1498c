import { describe, expect, test } from "vitest";
import type { PolicyEntry, Requirement } from "../../proof/reachability/entry.ts";
import { addressParty, type Party, podParty, reservedParty } from "../../proof/reachability/party.ts";
import type { Traffic } from "../../proof/reachability/reachability.ts";
import { localHost } from "../../proof/reachability/subject-policy.ts";
import {
  api,
  db,
  entry,
  excepted,
  host,
  ingress,
  inside,
  kubeApi,
  labels,
  named,
  on443,
  others,
  pod,
  reach,
  tcp,
  web,
  world,
} from "./worlds.ts";

describe("what a pod lets in", () => {
  test.each<[string, readonly PolicyEntry[], Party, Traffic, boolean]>([
    ["everybody, where no policy selects it", [entry({ subject: labels("app=db") })], web, on443, true],
    ["nobody beside the rule's peers", [entry({ peers: [labels("app=db")] })], web, on443, false],
    ["the rule's peers", [entry({ peers: [labels("app=web")] })], web, on443, true],
    [
      "the peers of any of two rules",
      [entry({ peers: [labels("app=db")] }), entry({ peers: [labels("app=web")] })],
      web,
      on443,
      true,
    ],
    ["no peer of a rule for nobody", [entry({ peers: "none" })], web, on443, false],
    ["everybody, where the rule names no peers", [entry({ peers: [], ports: tcp(443) })], web, on443, true],
    [
      "what is denied: not, though another rule allows it",
      [entry({}), entry({ verdict: "deny", peers: [labels("app=web")] })],
      web,
      on443,
      false,
    ],
    [
      "what is not among the denied",
      [entry({}), entry({ verdict: "deny", peers: [labels("app=db")] })],
      web,
      on443,
      true,
    ],
    [
      "a denied port within an allowed range: not",
      [entry({}), entry({ verdict: "deny", ports: tcp(443) })],
      web,
      on443,
      false,
    ],
    [
      "everybody else, where only a rule without default deny denies",
      [entry({ verdict: "deny", peers: [labels("app=db")], defaultDeny: false })],
      web,
      on443,
      true,
    ],
    [
      "nobody else, where a deny brings default deny",
      [entry({ verdict: "deny", peers: [labels("app=db")] })],
      web,
      on443,
      false,
    ],
    [
      "everybody, where all rules are without default deny",
      [entry({ peers: [labels("app=db")], defaultDeny: false })],
      web,
      on443,
      true,
    ],
    ["its node, under default deny", [entry({ peers: "none" })], host, on443, true],
    [
      "its node: not, where a rule denies it",
      [entry({ verdict: "deny", peers: [labels("reserved:host")] })],
      host,
      on443,
      false,
    ],
    ["the ports of the rule", [entry({ ports: tcp(443) })], web, on443, true],
    ["no other ports", [entry({ ports: tcp(80) })], web, on443, false],
    ["no other protocol on the same port", [entry({ ports: tcp(443) })], web, { protocol: "UDP", port: 443 }, false],
    ["the named port", [entry({ ports: tcp("http") })], web, { protocol: "TCP", port: 8080 }, true],
    [
      "no port by a name that it has not",
      [entry({ ports: tcp("metrics") })],
      web,
      { protocol: "TCP", port: 8080 },
      false,
    ],
    [
      "no named port of another protocol",
      [entry({ ports: [{ ports: [{ protocol: "UDP", port: "http" }] }] })],
      web,
      { protocol: "UDP", port: 8080 },
      false,
    ],
    [
      "TCP, UDP and SCTP by ANY",
      [entry({ ports: [{ ports: [{ protocol: "ANY", port: 0 }] }] })],
      web,
      { protocol: "SCTP", port: 7 },
      true,
    ],
    [
      "no ICMP by ANY",
      [entry({ ports: [{ ports: [{ protocol: "ANY", port: 0 }] }] })],
      web,
      { protocol: "ICMP", port: 8 },
      false,
    ],
    ["ICMP by a rule without ports", [entry({})], web, { protocol: "ICMP", port: 8 }, true],
    ["GRE by a rule without ports", [entry({})], web, { protocol: "GRE", port: 0 }, true],
    [
      "the ICMP type of the rule",
      [entry({ ports: [{ ports: [{ protocol: "ICMP", port: 8 }] }] })],
      web,
      { protocol: "ICMP", port: 8 },
      true,
    ],
    [
      "no other ICMP type",
      [entry({ ports: [{ ports: [{ protocol: "ICMP", port: 8 }] }] })],
      web,
      { protocol: "ICMP", port: 3 },
      false,
    ],
    [
      "every ICMP type by type 0",
      [entry({ ports: [{ ports: [{ protocol: "ICMP", port: 0 }] }] })],
      web,
      { protocol: "ICMP", port: 3 },
      true,
    ],
    [
      "an address of the block",
      [entry({ peers: [{ kind: "cidr", block: "10.0.0.0/8", except: ["10.1.0.0/16"] }] })],
      inside,
      on443,
      true,
    ],
    [
      "an excepted address: not",
      [entry({ peers: [{ kind: "cidr", block: "10.0.0.0/8", except: ["10.1.0.0/16"] }] })],
      excepted,
      on443,
      false,
    ],
    [
      "every IPv4 address by 0.0.0.0/0",
      [entry({ peers: [{ kind: "cidr", block: "0.0.0.0/0", except: [] }] })],
      named,
      on443,
      true,
    ],
    ["no pod by 0.0.0.0/0", [entry({ peers: [{ kind: "cidr", block: "0.0.0.0/0", except: [] }] })], web, on443, false],
    [
      "no IPv6 address by 0.0.0.0/0",
      [entry({ peers: [{ kind: "cidr", block: "0.0.0.0/0", except: [] }] })],
      addressParty("2001:db8::1"),
      on443,
      false,
    ],
    [
      "an address that a name led to",
      [entry({ peers: [{ kind: "fqdn", pattern: "*.partner.example" }] })],
      named,
      on443,
      true,
    ],
    [
      "no address that another name led to",
      [entry({ peers: [{ kind: "fqdn", name: "partner.example" }] })],
      named,
      on443,
      false,
    ],
    [
      "the API server where it is a remote node",
      [entry({ peers: [labels("reserved:remote-node")] })],
      kubeApi,
      on443,
      true,
    ],
    [
      "a pod of another cluster that no selector excludes",
      [entry({ peers: [labels("app=web")] })],
      pod("web", {}, { cluster: "busan" }),
      on443,
      true,
    ],
    [
      "no pod of another cluster than the rule's",
      [entry({ peers: [labels("app=web", "k8s:io.cilium.k8s.policy.cluster=seoul")] })],
      pod("web", {}, { cluster: "busan" }),
      on443,
      false,
    ],
    [
      "nobody by a rule of another namespace",
      [entry({ namespace: "pay" }), entry({ peers: "none" })],
      web,
      on443,
      false,
    ],
    ["nobody by a rule for nodes", [entry({ node: true }), entry({ peers: "none" })], web, on443, false],
  ])("%s", (_, entries, peer, traffic, allowed) => {
    expect(ingress(entries, peer, traffic).verdict).toBe(allowed ? "allowed" : "denied");
  });

  test("a requirement on a label that is not there, up to 1.19", () => {
    const side = (requirement: Requirement, peer: Party) =>
      reach([entry({ peers: [{ kind: "labels", requirements: [requirement] }] })], [api, peer], {
        version: "1.19.5",
      }).side("ingress", api, peer, on443).verdict;
    const notDb: Requirement = { source: "any", key: "tier", operator: "NotIn", values: ["db"] };
    const without: Requirement = { source: "any", key: "app", operator: "DoesNotExist", values: [] };
    expect(side(notDb, web)).toBe("allowed");
    expect(side(notDb, pod("x", { tier: "db" }))).toBe("denied");
    expect(side(without, web)).toBe("denied");
    expect(side(without, world)).toBe("allowed");
  });

  // pkg/policy/aggregate.go: such a selector selects the aggregate of all pods, which has none of the labels either.
  test("from 1.20 on a selector of nothing but exclusions means all pods of a cluster", () => {
    const notDb: Requirement = { source: "any", key: "tier", operator: "NotIn", values: ["db"] };
    const inSeoul: Requirement = {
      source: "k8s",
      key: "io.cilium.k8s.policy.cluster",
      operator: "In",
      values: ["seoul"],
    };
    const side = (requirements: readonly Requirement[], peer: Party) =>
      ingress([entry({ peers: [{ kind: "labels", requirements }] })], peer).verdict;
    expect(side([notDb], pod("x", { tier: "db" }))).toBe("allowed");
    expect(side([notDb], pod("x", { tier: "db" }, { cluster: "busan" }))).toBe("allowed");
    expect(side([notDb, inSeoul], pod("x", { tier: "db" }))).toBe("denied");
  });

  test("and all addresses that policies speak of", () => {
    const notOutside: Requirement = { source: "reserved", key: "world-ipv4", operator: "DoesNotExist", values: [] };
    const rules = [entry({ peers: [{ kind: "labels", requirements: [notOutside] }] })];
    const elsewhere = entry({ subject: labels("app=db"), peers: [{ kind: "cidr", block: "10.0.0.0/8", except: [] }] });
    expect(ingress(rules, inside).verdict).toBe("denied");
    expect(ingress([...rules, elsewhere], inside).verdict).toBe("allowed");
    expect(ingress([...rules, elsewhere], named).verdict).toBe("denied");
    expect(ingress(rules, reservedParty("health")).verdict).toBe("allowed");
  });

  test("up to 1.18 an entry may restrict the peers of the others", () => {
    const requires: readonly Requirement[] = [{ source: "k8s", key: "tier", operator: "In", values: ["front"] }];
    const rules = [
      entry({ peers: "none", requires }),
      entry({ peers: [labels("app=web")], restricted: true }),
      entry({ peers: [labels("app=db")] }),
    ];
    const side = (peer: Party) =>
      reach(rules, [api, peer], { version: "1.18.11" }).side("ingress", api, peer, on443).verdict;
    expect(side(web)).toBe("denied");
    expect(side(pod("web", { tier: "front" }))).toBe("allowed");
    expect(side(db)).toBe("allowed");
  });

  test("says which rules decide, in a sentence", () => {
    const [allow, deny] = [
      entry({ policy: "CiliumNetworkPolicy shop/api", path: "spec.ingress[1]", peers: [labels("app=web")] }),
      entry({
        policy: "CiliumClusterwideNetworkPolicy no-web",
        path: "spec.ingressDeny[0]",
        verdict: "deny",
        peers: [labels("app=web")],
      }),
    ];
    expect(ingress([allow], web)).toEqual({
      enforced: true,
      verdict: "allowed",
      reason: "TCP 443 from shop/web is allowed by CiliumNetworkPolicy shop/api spec.ingress[1].",
      rules: ["CiliumNetworkPolicy shop/api spec.ingress[1]"],
      l7: false,
    });
    expect(ingress([allow, deny], web).reason).toBe(
      "TCP 443 from shop/web is denied by CiliumClusterwideNetworkPolicy no-web spec.ingressDeny[0].",
    );
    expect(ingress([allow], db).reason).toBe("No rule for ingress of shop/api allows TCP 443 from shop/db.");
    expect(ingress([], db).reason).toBe("No policy is enforced on ingress of shop/api.");
    expect(ingress([allow], host)).toMatchObject({ reason: `TCP 443 from host is allowed: ${localHost}.`, rules: [] });
  });
});

describe("what a pod lets out", () => {
  const egress = (own: Partial<PolicyEntry>) => entry({ direction: "egress", path: "spec.egress[0]", ...own });

  test("ports by name are those of the other end", () => {
    const reachability = reach([egress({ ports: tcp("http") })], others);
    expect(reachability.side("egress", web, api, { protocol: "TCP", port: 8080 }).verdict).toBe("allowed");
    expect(reachability.side("egress", web, db, { protocol: "TCP", port: 8080 }).verdict).toBe("denied");
  });

  test("of pods with the same labels each has its own ports", () => {
    const replica = (name: string, ports: NonNullable<Party["namedPorts"]>) =>
      podParty({ name, namespace: "shop", cluster: "seoul", namedPorts: ports });
    const [old, next, none] = [
      replica("old", { http: { port: 8080, protocol: "TCP" } }),
      replica("next", { http: { port: 9090, protocol: "TCP" } }),
      replica("none", {}),
    ];
    const reachability = reach([egress({ ports: tcp("http") })], [web, old, next, none]);
    const open = (peer: Party) => reachability.openings("egress", web, peer).map(({ from, to }) => [from, to]);
    expect([old, next, none].map(open)).toEqual([[[8080, 8080]], [[9090, 9090]], []]);
  });

  test("up to 1.19 a name means one port for every peer, or none", () => {
    const side = (parties: readonly Party[], peer: Party) =>
      reach([egress({ ports: tcp("http") })], parties, { version: "1.19.5" }).side("egress", web, peer, {
        protocol: "TCP",
        port: 8080,
      });
    expect(side(others, db).verdict).toBe("allowed");
    const another = pod("other", {}, { namedPorts: { http: { port: 9, protocol: "TCP" } } });
    expect(side([...others, another], api).verdict).toBe("denied");
  });

  test.each([
    ["1.18", [undefined], "denied"],
    ["1.19", [8090], "allowed"],
    ["1.19", [undefined, 8090], "denied"],
    ["1.20", [8090], "denied"],
  ])("in %s the first rule with a name ends its range (%j): %s", (version, ends, expected) => {
    const rules = ends.map((endPort) => {
      const range = endPort === undefined ? {} : { endPort };
      return egress({ ports: [{ ports: [{ protocol: "TCP", port: "http", ...range }] }] });
    });
    const reachability = reach(rules, others, { version });
    expect(reachability.side("egress", web, api, { protocol: "TCP", port: 8085 }).verdict).toBe(expected);
  });

  test("the node is not let out to, where nothing allows it", () => {
    expect(reach([egress({ peers: "none" })], others).side("egress", web, host, on443).verdict).toBe("denied");
  });
});
