import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderSuggestions } from "../../cli/flow-report-text.ts";
import type { Enforcement } from "../../proof/flows/judge.ts";
import type { EngineOptions } from "../../proof/reachability/entry.ts";
import { loadPolicies } from "../../proof/reachability/load.ts";
import { addressParty, type Party, podParty, reservedParty } from "../../proof/reachability/party.ts";
import { readPolicies } from "../../proof/reachability/policy-texts.ts";
import { Reachability } from "../../proof/reachability/reachability.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import {
  engineOptions,
  flowLine,
  type HubbleEnd,
  judgedLines,
  outside,
  pod,
  requestLine,
  reserved,
} from "../support/hubble-flows.ts";

/** Somebody who talks, as Hubble shows him and as the engine knows him, and which others a rule for him may mean. */
interface Somebody {
  readonly hubble: HubbleEnd;
  readonly party: Party;
  /** Whoever has the same is one workload, one kind of node, one address. */
  readonly group: string;
}

const clusters = ["seoul", "busan"];

function somePod(cluster: string, namespace: string, app: string, replica: number, version: string): Somebody {
  const labels = { app, version, "pod-template-hash": version };
  const ip = `10.${cluster === "seoul" ? 128 : 129}.${replica}.${app.length}`;
  return {
    hubble: pod(namespace, labels, ip, cluster),
    party: podParty({
      name: `${app}-${replica}`,
      namespace,
      labels,
      cluster,
      namespaceLabels: { "kubernetes.io/metadata.name": namespace },
    }),
    group: `${cluster} ${namespace} ${app}`,
  };
}

// Label values that YAML may take for something else.
const somePods = fc
  .tuple(
    fc.constantFrom(...clusters),
    fc.constantFrom("shop", "data"),
    fc.constantFrom("web", "on", "1e3", "0x1f", "y"),
    fc.constantFrom(1, 2),
    fc.constantFrom("v1", "v2"),
  )
  .map((parts) => somePod(...parts));

const others: readonly Somebody[] = [
  { hubble: reserved("host"), party: reservedParty("host"), group: "nodes" },
  { hubble: reserved("remote-node"), party: reservedParty("remote-node"), group: "nodes" },
  { hubble: reserved("ingress"), party: reservedParty("ingress"), group: "ingress" },
  ...["203.0.113.1", "203.0.113.77", "198.51.100.9"].map((ip) => ({
    hubble: outside(ip),
    party: addressParty(ip),
    group: ip,
  })),
  { hubble: outside("192.0.2.4", "a.example"), party: addressParty("192.0.2.4", ["a.example"]), group: "a.example" },
];
const somebody = fc.oneof({ weight: 4, arbitrary: somePods }, { weight: 1, arbitrary: fc.constantFrom(...others) });

interface Call {
  readonly client: Somebody;
  readonly server: Somebody;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly request?: readonly [string, string];
  readonly dropped: boolean;
}

const call: fc.Arbitrary<Call> = fc
  .record({
    client: somebody,
    server: somebody,
    port: fc.constantFrom(80, 443, 8080),
    protocol: fc.constantFrom("TCP", "UDP"),
    asked: fc.option(fc.tuple(fc.constantFrom("GET", "POST"), fc.constantFrom("/", "/a/1", "/a/2?x=1", "/b.c/+"))),
    dropped: fc.boolean(),
  })
  .filter(({ client, server }) => client.party.name.includes("-") || server.party.name.includes("-"))
  .map(({ asked, protocol, ...rest }) => ({
    ...rest,
    protocol,
    ...(asked === null || protocol === "UDP" ? {} : { request: asked }),
  }));

function lineOf({ client, server, port, protocol, request, dropped }: Call): string[] {
  const fate = dropped ? { verdict: "DROPPED", drop_reason_desc: "POLICY_DENIED" } : {};
  const packet = flowLine(client.hubble, server.hubble, port, request ? {} : fate, protocol);
  return request ? [packet, requestLine(client.hubble, server.hubble, port, request, fate)] : [packet];
}

const selector = fc.constantFrom({}, { matchLabels: { app: "web" } }, { matchLabels: { version: "v1" } });
const peers = (side: string) =>
  fc.oneof(
    selector.map((one) => ({ [`${side}Endpoints`]: [one] })),
    fc.constantFrom("world", "cluster", "host", "ingress").map((entity) => ({ [`${side}Entities`]: [entity] })),
    fc.constantFrom("203.0.113.0/24", "203.0.113.64/26", "0.0.0.0/0").map((block) => ({ [`${side}CIDR`]: [block] })),
    fc.constant({}),
  );
const http = fc.constantFrom([{ method: "GET" }], [{ path: "/a/.*" }], [{ method: "POST", path: "/" }]);
const toPorts = fc.constantFrom("80", "8080").chain((port) =>
  fc.option(http).map((rules) => ({
    toPorts: [{ ports: [{ port, protocol: "TCP" }], ...(rules === null ? {} : { rules: { http: rules } }) }],
  })),
);
const allow = (direction: string, side: string) =>
  fc
    .tuple(peers(side), fc.oneof(toPorts, fc.constant({})))
    .map(([who, what]) => ({ [direction]: [{ ...who, ...what }] }));
const deny = (direction: string, side: string) =>
  peers(side).map((who) => ({
    [`${direction}Deny`]: [{ ...who, toPorts: [{ ports: [{ port: "443", protocol: "ANY" }] }] }],
  }));

const policy = fc
  .record({
    namespace: fc.constantFrom("shop", "data"),
    subject: selector,
    rules: fc.oneof(
      { weight: 2, arbitrary: fc.constant({ ingress: [{}], egress: [{}] }) },
      { weight: 3, arbitrary: fc.oneof(allow("ingress", "from"), allow("egress", "to")) },
      { weight: 1, arbitrary: fc.oneof(deny("ingress", "from"), deny("egress", "to")) },
    ),
  })
  .map(({ namespace, subject, rules }) => ({ namespace, spec: { endpointSelector: subject, ...rules } }));

const policies = fc.array(policy, { minLength: 1, maxLength: 6 }).map((all): KubernetesObject[] =>
  all.map(({ namespace, spec }, index) => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: `p${index}`, namespace },
    spec,
  })),
);

const options = fc.record({
  policyDefaultLocalCluster: fc.boolean(),
  version: fc.constantFrom("1.18.12", "1.20.2"),
});

const load = (objects: readonly KubernetesObject[], some: Partial<EngineOptions>): Enforcement[] =>
  clusters.map((cluster) => {
    const full = { ...engineOptions, ...some, cluster };
    return { options: full, loaded: loadPolicies(objects, full) };
  });

describe("the policies that are suggested", () => {
  it("are taken by Cilium, open everything that was listed, and nothing that nobody was seen to use", () => {
    fc.assert(
      fc.property(policies, fc.array(call, { minLength: 1, maxLength: 8 }), options, (written, calls, some) => {
        const lines = calls.flatMap(lineOf);
        const before = load(written, some);
        const { report } = judgedLines(lines, before);
        const all = { ...report, missing: [...report.missing, ...report.droppedAlready] };
        const after = before.map((enforcement) => {
          const own = all.missing.map((rule) => ({
            ...rule,
            fragments: rule.fragments.filter(({ cluster }) => cluster === enforcement.options.cluster),
          }));
          const { objects, problems } = readPolicies([renderSuggestions({ ...all, missing: own })]);
          const named = objects.map((object) => renamed(object));
          expect(problems).toEqual([]);
          return { ...enforcement, loaded: loadPolicies([...written, ...named], enforcement.options) };
        });
        for (const { loaded } of after) expect(loaded.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);

        const closed = judgedLines(lines, after).report;
        expect({ missing: closed.missing, droppedAlready: closed.droppedAlready }).toEqual({
          missing: [],
          droppedAlready: [],
        });
        expect(closed.denied).toEqual(report.denied);
        expectNothingElse(calls, before, after);
      }),
      { numRuns: 50 },
    );
  });
});

/** Suggestions of missing and dropped rules are two lists, each with names of its own. */
let serial = 0;
function renamed(object: KubernetesObject): KubernetesObject {
  serial += 1;
  const metadata = typeof object.metadata === "object" ? object.metadata : {};
  return { ...object, metadata: { ...metadata, name: `suggested-${serial}` } };
}

/** Whoever is let through anew has a like who was seen calling a like of the other at that port. */
function expectNothingElse(
  calls: readonly Call[],
  before: readonly Enforcement[],
  after: readonly Enforcement[],
): void {
  const everybody = [...new Set([...calls.flatMap(({ client, server }) => [client, server]), ...strangers])];
  const parties = everybody.map(({ party }) => party);
  for (const [index, { loaded, options: full }] of before.entries()) {
    const engines = [loaded, after[index]?.loaded ?? loaded].map((each) => new Reachability(each, parties, full));
    const [old, now] = engines;
    for (const client of everybody) {
      for (const server of everybody) {
        for (const port of [80, 443, 8080, 9999]) {
          for (const protocol of ["TCP", "UDP"] as const) {
            for (const direction of ["egress", "ingress"] as const) {
              const [subject, peer] = direction === "egress" ? [client, server] : [server, client];
              const verdicts = [old, now].map(
                (engine) => engine?.side(direction, subject.party, peer.party, { protocol, port }).verdict,
              );
              if (verdicts[0] === verdicts[1]) continue;
              const seen = calls.some(
                (each) =>
                  each.client.group === client.group &&
                  each.server.group === server.group &&
                  each.port === port &&
                  each.protocol === protocol,
              );
              expect({ verdicts, seen }).toEqual({ verdicts: ["denied", "allowed"], seen: true });
            }
          }
        }
      }
    }
  }
}

const strangers: readonly Somebody[] = [
  ...others,
  ...clusters.flatMap((cluster) => [
    somePod(cluster, "shop", "web", 1, "v1"),
    somePod(cluster, "other", "web", 1, "v1"),
  ]),
  somePod("tokyo", "shop", "web", 1, "v1"),
  { hubble: outside("8.8.8.8"), party: addressParty("8.8.8.8"), group: "8.8.8.8" },
];
