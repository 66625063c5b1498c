import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import type { EngineOptions } from "../proof/reachability/entry.ts";
import { loadPolicies } from "../proof/reachability/load.ts";
import { matrix } from "../proof/reachability/matrix.ts";
import { podParty } from "../proof/reachability/party.ts";
import { readPolicies } from "../proof/reachability/policy-texts.ts";
import { Reachability } from "../proof/reachability/reachability.ts";

/**
 * `node bench/reach.ts [endpoints < policies.yaml]`: seconds and peak memory from the YAML of policies to the port set that is open between every pair of endpoints, by
 * stage, each size in a process of its own, and how they grow: the slope of log over log of the size, by least squares.
 */
const sizes = [
  { policies: 250, endpoints: 500 },
  { policies: 500, endpoints: 1000 },
  { policies: 1000, endpoints: 2000 },
  { policies: 2000, endpoints: 4000 },
] as const;
const stages = ["yaml", "load", "index", "rows", "pairs"] as const;

const options: EngineOptions = {
  cluster: "prod-seoul",
  enablePolicy: "default",
  policyDefaultLocalCluster: true,
  hostFirewall: false,
  version: "1.20.2",
};

interface Run {
  /** From the text of the policies on; the process around it takes `processSeconds`. */
  readonly seconds: number;
  readonly stages: Readonly<Record<(typeof stages)[number], number>>;
  readonly processSeconds: number;
  readonly peakMiB: number;
  readonly pairs: number;
  readonly open: number;
  readonly portSets: number;
}

const [endpoints] = process.argv.slice(2).map(Number);
if (endpoints === undefined) compare();
else console.log(JSON.stringify(measure(readFileSync(0, "utf8"), endpoints)));

function compare(): void {
  console.log(
    "policies x endpoints   total = yaml + load + index + rows + pairs (s)          peak  process  pairs open, port sets",
  );
  const runs = sizes.map((size) => ({ ...size, run: inProcess(size.policies, size.endpoints) }));
  for (const { policies: count, endpoints: others, run } of runs) {
    const parts = stages.map((stage) => run.stages[stage].toFixed(2)).join(" + ");
    const share = Math.round((100 * run.stages.yaml) / run.seconds);
    console.log(
      `${String(count).padStart(5)} x ${String(others).padEnd(5)} ${run.seconds.toFixed(2).padStart(12)} = ${parts} (YAML ${share} %)` +
        `${run.peakMiB.toFixed(0).padStart(6)} MiB ${run.processSeconds.toFixed(2).padStart(6)} s  ${run.open} of ${run.pairs}, ${run.portSets}`,
    );
  }
  for (const [what, measureOf] of [
    ["seconds", (run: Run) => run.seconds],
    ["seconds without YAML", (run: Run) => run.seconds - run.stages.yaml],
    ["peak memory", (run: Run) => run.peakMiB],
  ] as const) {
    const points = runs.map(({ endpoints: size, run }) => [Math.log(size), Math.log(measureOf(run))] as const);
    console.log(`growth of ${what} with both sizes: exponent ${slope(points).toFixed(2)}`);
  }
}

function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return (
    points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
  );
}

/** The median of three processes. */
function inProcess(count: number, others: number): Run {
  const text = policyTexts(count);
  const runs = Array.from({ length: 3 }, (): Run => {
    const started = performance.now();
    const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, String(others)], {
      input: text,
      encoding: "utf8",
    });
    if (stdout === "") throw new Error(stderr);
    return { ...(JSON.parse(stdout) as Run), processSeconds: (performance.now() - started) / 1000 };
  });
  const [, median] = runs.toSorted((one, other) => one.seconds - other.seconds);
  if (median === undefined) throw new RangeError("no run");
  return median;
}

function measure(text: string, others: number): Run {
  const parties = Array.from({ length: others }, (_, index) => endpoint(index, others));
  const marks = [performance.now()];
  const mark = () => marks.push(performance.now());
  const { objects } = readPolicies([text]);
  mark();
  const loaded = loadPolicies(objects, options);
  mark();
  const reachability = new Reachability(loaded, parties, options);
  for (const party of parties) reachability.policyOf(party);
  mark();
  const { cell, portSets } = matrix([reachability]);
  mark();
  let open = 0;
  for (let from = 0; from < others; from += 1)
    for (let to = 0; to < others; to += 1) if (cell(from, to) !== 0) open += 1;
  mark();
  const refused = loaded.outcomes.filter(({ error }) => error !== undefined);
  if (refused.length > 0) throw new Error(JSON.stringify(refused[0]));
  const taken = marks.slice(1).map((end, at) => (end - (marks[at] ?? end)) / 1000);
  const [yaml = 0, load = 0, index = 0, rows = 0, pairs = 0] = taken;
  return {
    seconds: taken.reduce((sum, each) => sum + each, 0),
    stages: { yaml, load, index, rows, pairs },
    processSeconds: 0,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    pairs: others * others,
    open,
    portSets: portSets.length,
  };
}

/** A namespace of 25 policies holds 50 pods: ten applications of five. */
function endpoint(index: number, count: number): ReturnType<typeof podParty> {
  const namespaces = Math.max(1, Math.round(count / 50));
  const within = Math.floor(index / namespaces);
  return podParty({
    name: `pod-${index}`,
    namespace: `team-${index % namespaces}`,
    cluster: options.cluster,
    labels: {
      app: `app-${within % 10}`,
      tier: ["web", "was", "db", "batch"][within % 4] ?? "",
      "apps.kubernetes.io/pod-index": String(Math.floor(within / 10)),
      ...(index % 7 === 0 ? { role: "scraper" } : {}),
    },
    namespaceLabels: { zone: ["pci", "dmz", "lab"][(index % namespaces) % 3] ?? "" },
    namedPorts: { http: { port: 8080 + (within % 3), protocol: "TCP" } },
  });
}

function policyTexts(count: number): string {
  const namespaces = Math.max(1, Math.round(count / 25));
  return Array.from({ length: count }, (_, index) => stringify(policy(index, namespaces))).join("---\n");
}

/** Of 25 policies: 15 by labels and ports, and ten that use the rest of the language. */
function policy(index: number, namespaces: number): unknown {
  const place = index % namespaces;
  const kind = Math.floor(index / namespaces) % 25;
  const metadata = { name: `policy-${index}`, namespace: `team-${place}` };
  const pods = (number: number) => ({ matchLabels: { app: `app-${number % 10}` } });
  const elsewhere = (other: number, number: number) => ({
    matchLabels: { ...pods(number).matchLabels, "k8s:io.kubernetes.pod.namespace": `team-${other % namespaces}` },
  });
  const ports = (...list: string[]) => [{ ports: list.map((port) => ({ port, protocol: "TCP" })) }];
  const cilium = (spec: Record<string, unknown>) => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata,
    spec,
  });
  const everywhere = (spec: Record<string, unknown>) => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumClusterwideNetworkPolicy",
    metadata: { name: metadata.name },
    spec,
  });
  const kubernetes = (spec: Record<string, unknown>) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata,
    spec,
  });
  const subject = { endpointSelector: pods(kind) };
  switch (kind) {
    case 0:
      return cilium({ endpointSelector: {}, ingress: [{}], egress: [{}] });
    case 1:
      return cilium({
        endpointSelector: {},
        egress: [
          {
            toEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns" } }],
            toPorts: [{ ports: [{ port: "53", protocol: "UDP" }], rules: { dns: [{ matchPattern: "*" }] } }],
          },
        ],
      });
    case 2:
      return cilium({
        ...subject,
        ingress: [
          {
            fromEndpoints: [pods(kind + 1)],
            toPorts: [
              { ports: [{ port: "8080", protocol: "TCP" }], rules: { http: [{ method: "GET", path: "/api/.*" }] } },
            ],
          },
        ],
      });
    case 3:
      return cilium({
        ...subject,
        egress: [{ toFQDNs: [{ matchPattern: `*.partner-${place}.example` }], toPorts: ports("443") }],
      });
    case 4:
      return cilium({
        ...subject,
        egress: [{ toCIDRSet: [{ cidr: "10.0.0.0/8", except: [`10.${place % 250}.0.0/16`] }], toPorts: ports("1521") }],
      });
    case 5:
      return cilium({ ...subject, ingress: [{ fromEntities: ["cluster"], toPorts: [{ ports: [{ port: "http" }] }] }] });
    case 6:
      return kubernetes({
        podSelector: pods(kind),
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [{ namespaceSelector: { matchLabels: { zone: "pci" } }, podSelector: pods(kind) }],
            ports: [{ port: 9090, endPort: 9099, protocol: "TCP" }],
          },
        ],
      });
    case 7:
      return cilium({
        ...subject,
        ingressDeny: [
          {
            fromEndpoints: [{ matchExpressions: [{ key: "tier", operator: "NotIn", values: ["web", "was"] }] }],
            toPorts: ports("22"),
          },
        ],
      });
    case 8:
      return everywhere({
        endpointSelector: { matchLabels: { role: "scraper", app: `app-${place % 10}` } },
        egress: [{ toEntities: ["cluster"], toPorts: ports("9100") }],
      });
    case 9:
      return cilium({
        ...subject,
        ingress: [
          {
            fromEndpoints: [
              {
                matchLabels: { role: "scraper", "k8s:io.kubernetes.pod.namespace": `team-${(place + 1) % namespaces}` },
              },
            ],
            icmps: [{ fields: [{ type: 8, family: "IPv4" }] }],
          },
        ],
      });
    default:
      // Every application is called by the two after it, and by one of the next namespace.
      return cilium({
        ...subject,
        ingress: [
          { fromEndpoints: [pods(kind + 1), pods(kind + 2)], toPorts: ports("8080", String(9000 + kind)) },
          { fromEndpoints: [elsewhere(place + 1, kind + 1)], toPorts: ports("8443") },
        ],
        egress: [
          { toEndpoints: [pods(kind + 9), pods(kind + 8)], toPorts: ports("8080", "5432") },
          {
            toEndpoints: [elsewhere(place + namespaces - 1, kind + 9)],
            toPorts: [{ ports: [{ port: "8000", endPort: 8999, protocol: "TCP" }] }],
          },
        ],
      });
  }
}
