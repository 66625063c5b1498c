import fc from "fast-check";
import type { EngineOptions, L4Protocol, PolicyEntry, Requirement, Selector } from "../../proof/reachability/entry.ts";
import { addressParty, type NamedPort, type Party, podParty, reservedParty } from "../../proof/reachability/party.ts";
import { Reachability, type Side, type Traffic } from "../../proof/reachability/reachability.ts";

/** Policies made by hand, and parties to ask about. */

export const options: EngineOptions = {
  cluster: "seoul",
  enablePolicy: "default",
  policyDefaultLocalCluster: true,
  hostFirewall: false,
  version: "1.20.2",
};

export type LabelSelector = Extract<Selector, { kind: "labels" }>;

/** `app=web`, `reserved:host`, `k8s:app=web`: all must be there. */
export function labels(...texts: readonly string[]): LabelSelector {
  return { kind: "labels", requirements: texts.map(requirement) };
}

function requirement(text: string): Requirement {
  const [, source = "any", key = "", value] = /^(?:(\w+):)?([^=]+)(?:=(.*))?$/.exec(text) ?? [];
  return value === undefined
    ? { source, key, operator: "Exists", values: [] }
    : { source, key, operator: "In", values: [value] };
}

export const everyone = labels();

let count = 0;

/** An entry that lets everyone in to everyone, but for what is given. */
export function entry(own: Partial<PolicyEntry>): PolicyEntry {
  count += 1;
  return {
    policy: `CiliumNetworkPolicy shop/p${count}`,
    path: "spec.ingress[0]",
    direction: "ingress",
    verdict: "allow",
    node: false,
    subject: everyone,
    peers: [everyone],
    ports: [],
    defaultDeny: true,
    ...own,
  };
}

export function pod(
  name: string,
  own: Readonly<Record<string, string>> = {},
  rest: Partial<Parameters<typeof podParty>[0]> = {},
): Party {
  return podParty({ name, namespace: "shop", labels: { app: name, ...own }, cluster: options.cluster, ...rest });
}

export function tcp(...ports: readonly (number | string)[]): PolicyEntry["ports"] {
  return [{ ports: ports.map((port) => ({ protocol: "TCP", port })) }];
}

export function reach(
  entries: readonly PolicyEntry[],
  parties: readonly Party[],
  own: Partial<EngineOptions> = {},
): Reachability {
  return new Reachability({ entries, groups: [] }, parties, { ...options, ...own });
}

export const web = pod("web");
export const api = pod("api", {}, { namedPorts: { http: { port: 8080, protocol: "TCP" } } });
export const db = pod("db");
export const host = reservedParty("host");
export const world = reservedParty("world");
export const init = reservedParty("init");
export const kubeApi = reservedParty("kube-apiserver");
/** Within 10.0.0.0/8, the second also within 10.1.0.0/16. */
export const inside = addressParty("10.2.3.4");
export const excepted = addressParty("10.1.3.4");
export const named = addressParty("203.0.113.9", ["api.partner.example"]);
export const others: readonly Party[] = [web, api, db, host, world, init, kubeApi, inside, excepted, named];
export const on443: Traffic = { protocol: "TCP", port: 443 };

/** What `api` lets in from a peer. */
export function ingress(entries: readonly PolicyEntry[], peer: Party, traffic: Traffic = on443): Side {
  return reach(entries, [...others, peer]).side("ingress", api, peer, traffic);
}

const protocolOfRule = fc.constantFrom<L4Protocol>("TCP", "UDP", "SCTP", "ANY", "ICMP");
const app = fc.constantFrom("web", "api", "db");
const selector: fc.Arbitrary<Selector> = fc.oneof(
  app.map((name) => labels(`app=${name}`)),
  app.map((name) => ({
    kind: "labels" as const,
    requirements: [{ source: "k8s", key: "app", operator: "NotIn" as const, values: [name] }],
  })),
  fc.constantFrom(everyone, labels("reserved:host"), labels("reserved:world-ipv4")),
  fc.constantFrom<Selector>(
    { kind: "cidr", block: "10.0.0.0/8", except: ["10.1.0.0/16"] },
    { kind: "cidr", block: "0.0.0.0/0", except: [] },
  ),
);
const portRule = fc.record({
  ports: fc.array(
    fc.record({
      protocol: protocolOfRule,
      port: fc.constantFrom<number | string>(0, 80, 443, 8000, "http"),
      endPort: fc.constantFrom(8, 90, 9000),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  l7: fc.constantFrom(undefined, { http: [{ method: "GET", headers: [], headerMatches: [] }] }),
});

/** Any entry, most of them with something that the others contradict. */
export const anyEntry: fc.Arbitrary<PolicyEntry> = fc
  .record({
    direction: fc.constantFrom("ingress", "egress"),
    verdict: fc.constantFrom("allow", "allow", "deny"),
    subject: fc.oneof(
      app.map((name) => labels(`app=${name}`)),
      fc.constant(everyone),
    ),
    peers: fc.oneof(fc.array(selector, { maxLength: 2 }), fc.constant("none" as const)),
    ports: fc.array(portRule, { maxLength: 2 }),
    defaultDeny: fc.boolean(),
  })
  .map(({ ports, ...own }) =>
    entry({
      ...own,
      ports: ports.map(({ ports: list, l7 }) => ({
        ports: list,
        ...(l7 === undefined || own.verdict === "deny" ? {} : { l7 }),
      })),
    }),
  );

const http: NamedPort = { port: 8080, protocol: "TCP" };

/** One of every kind. */
export function everybody(): Party[] {
  return [
    pod("web", {}, { namedPorts: { http } }),
    pod("api", {}, { namedPorts: { http: { ...http, port: 8443 } } }),
    pod("db"),
    pod("api", {}, { cluster: "busan", namedPorts: { http } }),
    reservedParty("host"),
    reservedParty("world"),
    addressParty("10.1.2.3"),
    addressParty("10.9.9.9"),
  ];
}
