import fc from "fast-check";
import { stringify } from "yaml";
import { ciliumPolicy, clusterwidePolicy, kubernetesPolicy } from "./random-policies.ts";
import {
  addresses,
  apps,
  block,
  clusters,
  groupLabels,
  having,
  joined,
  namespaceLabels,
  namespaces,
  nodeLabels,
  type Tree,
  tiers,
  weighted,
} from "./random-selectors.ts";

/** A request as `npm run --silent reach` reads it. */
export interface RandomRequest {
  readonly policies: readonly string[];
  readonly endpoints: readonly Tree[];
  readonly queries: readonly Tree[];
  readonly options: Tree;
}

const group = fc.record({
  apiVersion: fc.constant("cilium.io/v2"),
  kind: fc.constant("CiliumCIDRGroup"),
  metadata: fc.record({ name: fc.constantFrom("partners", "offices"), labels: groupLabels }),
  spec: fc.record({ externalCIDRs: fc.array(block, { maxLength: 3 }) }),
});
const namespace = fc.record({
  apiVersion: fc.constant("v1"),
  kind: fc.constant("Namespace"),
  metadata: fc.record({ name: fc.constantFrom(...namespaces), labels: namespaceLabels }),
});
/** A Service whose addresses are given, and one whose pods are selected. */
const services = fc
  .tuple(fc.constantFrom(...namespaces), fc.constantFrom(...apps))
  .map(([inNamespace, app]): Tree[] => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "outside", namespace: inNamespace, labels: { svc: "outside" } },
      spec: {},
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "outside-1", namespace: inNamespace, labels: { "kubernetes.io/service-name": "outside" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["192.0.2.1"] }, { addresses: ["10.1.2.9"], conditions: { ready: false } }],
      ports: [{ port: 80, protocol: "TCP" }],
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "inside", namespace: inNamespace, labels: { svc: "inside" } },
      spec: { selector: { app } },
    },
  ]);

const policy = weighted<Tree>([ciliumPolicy, 6], [clusterwidePolicy, 3], [kubernetesPolicy, 3]);

/** What a careless hand writes in place of something. */
const wrong = fc.constantFrom<unknown>(
  null,
  undefined,
  true,
  0,
  -1,
  70_000,
  "",
  "x",
  "(",
  "*",
  "TCP",
  "65536",
  "10.0.0.1/99",
  [],
  {},
  [null],
  [{}],
  ["x"],
  { x: "y" },
);

/** Something wrong in one place of a policy, or something missing there. */
const spoiled = fc.tuple(policy, fc.nat(), wrong).map(([valid, place, value]) => {
  const paths = pathsOf(valid, []).filter(([first]) => first === "spec" || first === "specs");
  return changed(valid, paths[place % paths.length] ?? ["spec"], value);
});

type Step = string | number;

function pathsOf(value: unknown, at: readonly Step[]): readonly (readonly Step[])[] {
  const entries: readonly (readonly [Step, unknown])[] = Array.isArray(value)
    ? value.map((inner, index) => [index, inner] as const)
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
  return entries.flatMap(([step, inner]) => [[...at, step], ...pathsOf(inner, [...at, step])]);
}

function changed(tree: Tree, path: readonly Step[], value: unknown): Tree {
  const copy = structuredClone(tree);
  const inner = path.slice(0, -1).reduce<unknown>((outer, step) => Reflect.get(Object(outer), step), copy);
  const last = path.at(-1);
  if (last === undefined || typeof inner !== "object" || inner === null) return copy;
  if (value === undefined) Reflect.deleteProperty(inner, last);
  else Reflect.set(inner, last, value);
  return copy;
}

const text = (documents: readonly Tree[]) => documents.map((document) => stringify(document)).join("---\n");
const texts = fc
  .tuple(
    fc.array(weighted([policy, 14], [spoiled, 1]), { minLength: 1, maxLength: 7, size: "max" }),
    fc.array(group, { maxLength: 2 }),
    weighted<Tree[]>([fc.constant([]), 1], [services, 1]),
    fc.array(namespace, { maxLength: 1 }),
  )
  .map(([policies, ...others]) => [...policies.map((one) => text([one])), text(others.flat())]);

const namedPorts = having(
  {},
  {
    http: fc.constantFrom("80/TCP", "8080/TCP"),
    metrics: fc.constantFrom("81/TCP", "443/TCP", "443"),
    dns: fc.constantFrom("53/UDP", "53/TCP"),
  },
);
const pod = having(
  {
    namespace: fc.constantFrom(...namespaces),
    labels: having({ app: fc.constantFrom(...apps) }, { tier: fc.constantFrom(...tiers) }),
  },
  {
    namespaceLabels,
    namedPorts,
  },
  {
    serviceAccount: fc.constant("robot"),
    cluster: fc.constantFrom(...clusters),
    ip: fc.constantFrom(...addresses),
  },
);
const fqdns = fc.array(
  fc.constantFrom("api.example.com", "example.com", "x.y.example.com", "API.Example.com", "db.example.org."),
  { maxLength: 2 },
);
const site = weighted<Tree>([having({ ip: fc.constantFrom(...addresses) }, { fqdns }), 10], [fc.record({ fqdns }), 1]);
const reserved = ["world", "host", "remote-node", "kube-apiserver", "health", "init", "ingress", "unmanaged"];
const node = fc.record({ reserved: fc.constant("host"), labels: nodeLabels });
const other = fc.record({ reserved: fc.constantFrom(...reserved.filter((name) => name !== "host")) });
const endpoints = fc
  .tuple(
    fc.array(pod, { minLength: 2, maxLength: 4 }),
    fc.array(namedPorts, { maxLength: 1 }),
    fc.array(site, { maxLength: 2 }),
    fc.array(node, { maxLength: 1 }),
    fc.array(other, { maxLength: 1 }),
  )
  .map(([[first, ...pods], twins, ...others]) => {
    // Labels alike, ports not.
    const parts = [[first ?? {}, ...twins.map((ports) => ({ ...first, namedPorts: ports })), ...pods], ...others];
    // An address belongs to one endpoint.
    const taken = new Set<unknown>();
    const isFree = ({ ip }: Tree) => ip === undefined || (!taken.has(ip) && taken.add(ip).has(ip));
    return (
      parts
        .flatMap((some): readonly Tree[] => some.filter(isFree))
        // The last ones are namesakes.
        .map((endpoint, index): Tree => ({ name: `e${Math.min(index, 6)}`, ...endpoint }))
    );
  });

const http = having(
  {},
  { method: fc.constantFrom("GET", "POST", "PUT"), path: fc.constantFrom("/", "/api", "/api/v1", "/admin") },
  {
    host: fc.constantFrom("shop.example", "example"),
    headers: having({}, { "X-Role": fc.constantFrom("admin", "user"), "x-team": fc.constant("red") }),
  },
);
const traffic = weighted<Tree>(
  [having({ port: fc.constantFrom(80, 80, 443), proto: fc.constant("TCP") }, { http }), 12],
  [having({ port: fc.constantFrom(53, 81, 84, 8080), proto: fc.constantFrom("TCP", "UDP") }, {}, { http }), 4],
  [
    fc.record({
      port: fc.constantFrom(1, 53, 79, 80, 443, 1023, 9000, 65_535),
      proto: fc.constantFrom("TCP", "UDP", "SCTP"),
    }),
    4,
  ],
  [fc.record({ port: fc.constantFrom(0, 3, 8, 128, 129, 255), proto: fc.constantFrom("ICMP", "ICMPV6") }), 2],
  [fc.record({ port: fc.constant(0), proto: fc.constantFrom("GRE", "VRRP", "ESP", "IGMP", "TCP") }), 0.5],
);

/** One end of a query, once it is known who is there. */
type Pick = (endpoints: readonly Tree[]) => string;
const end = weighted<Pick>(
  [
    fc.nat().map(
      (at): Pick =>
        (all) =>
          nameOf(all[at % all.length] ?? {}),
    ),
    14,
  ],
  [
    fc.constantFrom(...addresses).map(
      (address): Pick =>
        () =>
          address,
    ),
    3,
  ],
  [
    fc.constantFrom(...reserved).map(
      (name): Pick =>
        () =>
          name,
    ),
    2,
  ],
);

function nameOf({ name, namespace: inNamespace }: Tree): string {
  return [inNamespace, name].filter((part) => typeof part === "string").join("/");
}

const direction = having({}, {}, { direction: fc.constantFrom("ingress", "egress") });
const options = having(
  {},
  { cluster: fc.constantFrom(...clusters), hostFirewall: fc.boolean() },
  { enablePolicy: fc.constantFrom("default", "always", "never"), policyDefaultLocalCluster: fc.boolean() },
);

/** Requests of so many queries each. */
export function randomRequests(queries: number): fc.Arbitrary<RandomRequest> {
  const query = fc.tuple(end, end, joined(traffic, direction));
  return fc
    .record({
      policies: texts,
      endpoints,
      queries: fc.array(query, { minLength: queries, maxLength: queries, size: "max" }),
      options,
    })
    .map(({ queries: asked, ...rest }) => ({
      ...rest,
      queries: asked.map(([from, to, flow]) => ({ from: from(rest.endpoints), to: to(rest.endpoints), ...flow })),
    }));
}
