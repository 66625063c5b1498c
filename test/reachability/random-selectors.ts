import fc from "fast-check";

/** The small alphabet of random policies and endpoints, so that what a policy selects is there, and the selectors over it. */

export type Tree = Readonly<Record<string, unknown>>;
type Arbitrary<Value> = fc.Arbitrary<Value>;
type Arbitraries = Readonly<Record<string, Arbitrary<unknown>>>;

export const namespaces = ["shop", "pay"] as const;
export const clusters = ["seoul", "busan"] as const;
export const apps = ["web", "api", "db"] as const;
export const tiers = ["front", "back"] as const;
const teams = ["red", "blue"] as const;
const zones = ["a", "b"] as const;

/** Each choice as often as its number says. */
export function weighted<Value>(...choices: readonly (readonly [Arbitrary<Value>, number])[]): Arbitrary<Value> {
  return fc.oneof(...choices.map(([arbitrary, weight]) => ({ arbitrary, weight: Math.round(100 * weight) })));
}

/** One or two; none at all once in a while. */
export function few<Value>(of: Arbitrary<Value>, maxLength = 2): Arbitrary<Value[]> {
  return weighted<Value[]>([fc.array(of, { minLength: 1, maxLength }), 30], [fc.constant([]), 1]);
}

/** An object with every key of `always`, half of the time each of `often`, now and then each of `seldom`. */
export function having(always: Arbitraries, often: Arbitraries = {}, seldom: Arbitraries = {}): Arbitrary<Tree> {
  const optional = (arbitraries: Arbitraries, absent: number) =>
    Object.fromEntries(
      Object.entries(arbitraries).map(([key, of]) => [key, weighted([fc.constant(undefined), absent], [of, 1])]),
    );
  return fc
    .record({ ...always, ...optional(often, 1), ...optional(seldom, 15) })
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)));
}

/** All keys of several objects in one. */
export function joined(...parts: readonly Arbitrary<Tree>[]): Arbitrary<Tree> {
  return fc.tuple(...parts).map((trees) => Object.assign({}, ...trees));
}

/** A label key as a policy writes it, and what such a label may be worth. */
interface KnownLabel {
  readonly key: string;
  readonly values: readonly string[];
}

const app: KnownLabel = { key: "app", values: apps };
const tier: KnownLabel = { key: "tier", values: tiers };
const cilium: readonly KnownLabel[] = [
  { key: "io.kubernetes.pod.namespace", values: namespaces },
  { key: "io.cilium.k8s.policy.cluster", values: clusters },
  { key: "io.cilium.k8s.policy.serviceaccount", values: ["default", "robot"] },
  { key: "io.cilium.k8s.namespace.labels.team", values: teams },
  { key: "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", values: namespaces },
];
const reserved = ["host", "init", "ingress", "health", "world", "remote-node", "kube-apiserver", "none"];

const podLabel: Arbitrary<KnownLabel> = weighted<KnownLabel>(
  [fc.constant(app), 6],
  [fc.constant(tier), 3],
  [fc.constantFrom(...cilium), 1],
);
const ciliumLabel: Arbitrary<KnownLabel> = weighted<KnownLabel>(
  [podLabel, 12],
  [fc.constantFrom(...cilium), 8],
  [
    fc
      .tuple(fc.constantFrom("k8s:", "any:", "foo:"), fc.constantFrom(app, tier, ...cilium))
      .map(([source, { key, values }]) => ({ key: source + key, values })),
    5,
  ],
  [fc.constantFrom(...reserved).map((name) => ({ key: `reserved:${name}`, values: [""] })), 1],
);
const namespaceLabel = fc.constantFrom<KnownLabel>(
  { key: "team", values: teams },
  { key: "kubernetes.io/metadata.name", values: namespaces },
);
const groupLabel = fc.constantFrom<KnownLabel>({ key: "kind", values: ["partner", "office"] }, tier);

function selector(label: Arbitrary<KnownLabel>, everything = 3): Arbitrary<Tree> {
  const matchLabels = weighted<Tree>(
    [label.chain(({ key, values }) => fc.record({ [key]: fc.constantFrom(...values) })), 3],
    [fc.tuple(label, label).map((two) => Object.fromEntries(two.map(({ key, values }) => [key, values[0]]))), 1],
  );
  const expression = label.chain(({ key, values }) =>
    weighted<Tree>(
      [
        fc.record({
          key: fc.constant(key),
          operator: fc.constantFrom("In", "NotIn"),
          values: few(fc.constantFrom(...values)),
        }),
        4,
      ],
      [fc.record({ key: fc.constant(key), operator: fc.constantFrom("Exists", "DoesNotExist") }), 3],
    ),
  );
  const matchExpressions = few(expression);
  return weighted<Tree>(
    [fc.constant({}), everything],
    [fc.record({ matchLabels }), 6],
    [fc.record({ matchExpressions }), 3],
    [fc.record({ matchLabels, matchExpressions }), 1],
  );
}

/** A selector with Cilium's label sources and generated labels. */
export const endpointSelector = selector(ciliumLabel, 6);
/** A selector of pods by the labels they carry, as a subject has it. */
export const podSelector = selector(podLabel, 8);
export const namespaceSelector = selector(namespaceLabel);
/** Never empty: the selector cache of Cilium takes an empty one for everyone, and what that means depends on which policy came first. */
export const groupSelector = selector(groupLabel, 0);
export const nodeSelector = selector(fc.constant({ key: "zone", values: zones }));
export const serviceSelector = selector(fc.constant({ key: "svc", values: ["outside", "inside"] }));

export const groupLabels: Arbitrary<Tree> = fc.constantFrom<Tree>(
  {},
  { kind: "partner" },
  { kind: "office", tier: "back" },
);
export const nodeLabels: Arbitrary<Tree> = fc.record({ zone: fc.constantFrom(...zones) });
export const namespaceLabels: Arbitrary<Tree> = fc.record({ team: fc.constantFrom(...teams) });

/** Blocks, with others that lie in them. */
const blocks: Readonly<Record<string, readonly string[]>> = {
  "10.0.0.0/8": ["10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.9.9/16"],
  "10.1.0.0/16": ["10.1.2.0/24", "10.1.2.3/32", "10.1.9.9/32"],
  "10.1.2.0/24": ["10.1.2.3/32"],
  "10.1.9.9/16": ["10.1.2.0/24"],
  "10.1.2.3/32": [],
  "192.0.2.0/24": ["192.0.2.1/32"],
  "0.0.0.0/0": ["10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24", "8.8.8.8/32"],
  "::/0": ["2001:db8::/32", "2001:db8:1::/48"],
  "2001:db8::/32": ["2001:db8:1::/48", "2001:db8:1::1/128"],
  "2001:db8:1::1/128": [],
};
/** Addresses in and out of the blocks. */
export const addresses = [
  "10.1.2.3",
  "10.1.2.9",
  "10.1.9.9",
  "10.9.9.9",
  "192.0.2.1",
  "192.0.2.200",
  "8.8.8.8",
  "2001:db8:1::1",
  "2001:db8:1::2",
  "2001:db8:2::1",
  "2606::1",
] as const;
export const block: Arbitrary<string> = fc.constantFrom(...Object.keys(blocks));
/** `{cidr, except}`: the exceptions lie in the block, but for a few that Cilium or the API server refuses. */
export const blockWithExceptions: Arbitrary<Tree> = block.chain((cidr) => {
  const known = blocks[cidr] ?? [];
  if (known.length === 0) return having({ cidr: fc.constant(cidr) }, {}, { except: few(block) });
  const except = few(weighted<string>([fc.constantFrom(...known), 30], [block, 1]));
  return having({ cidr: fc.constant(cidr) }, { except });
});
