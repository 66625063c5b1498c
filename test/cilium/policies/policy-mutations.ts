import type { SiteSpec } from "../../../components/config/schema.ts";
import { isRecord, list, record } from "../../../components/config/untyped.ts";
import { namespaceKey } from "../../../proof/reachability/labels.ts";
import { kubernetesLabel } from "../../../proof/reachability/party.ts";
import { ApplicationWorld, sidesOf } from "./application-world.ts";

type Fields = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** A policy with one part gone or widened. */
export interface Mutation {
  /** What was done, and where: `drop spec.ingress.0.fromEndpoints.0.matchLabels.k8s:tier`. */
  readonly name: string;
  readonly object: Fields;
}

const entryLists = ["ingress", "ingressDeny", "egress", "egressDeny"];
const peerLists = ["fromEndpoints", "toEndpoints", "fromEntities", "toEntities", "fromCIDR", "toCIDR", "toFQDNs"];

/** Everything of a policy that can be taken away or widened by itself. */
export function mutationsOf(object: Fields): Mutation[] {
  const spec = record(object.spec);
  const paths = entryLists.flatMap((field) => list(spec[field]).map((_, at): Path => ["spec", field, at]));
  return [
    ...selectorMutations(object, ["spec", "endpointSelector"]),
    ...paths.flatMap((path) => [drop(object, path), ...entryMutations(object, path)]),
  ];
}

function entryMutations(object: Fields, path: Path): Mutation[] {
  const entry = record(at(object, path));
  const fields = peerLists.filter((field) => entry[field] !== undefined);
  return [
    ...fields.flatMap((field) => peerMutations(object, [...path, field])),
    ...(entry.toPorts === undefined ? [] : [drop(object, [...path, "toPorts"])]),
    ...list(entry.toPorts).flatMap((_, index) => portMutations(object, [...path, "toPorts", index])),
  ];
}

function peerMutations(object: Fields, path: Path): Mutation[] {
  const field = String(path.at(-1));
  const each = list(at(object, path)).flatMap((peer, index) => {
    const here = [...path, index];
    const dropped = drop(object, here);
    if (field.endsWith("Endpoints")) return [dropped, ...selectorMutations(object, here)];
    const wider = { Entities: "all", CIDR: "0.0.0.0/0", FQDNs: { matchPattern: "*" } };
    const widened = Object.entries(wider).filter(([kind, value]) => field.endsWith(kind) && value !== peer);
    return [dropped, ...widened.map(([, value]) => put(object, here, value))];
  });
  return [drop(object, path), ...each];
}

function selectorMutations(object: Fields, path: Path): Mutation[] {
  const selector = record(at(object, path));
  const expressions = list(selector.matchExpressions);
  const labels = Object.keys(record(selector.matchLabels)).flatMap((key) => {
    const without = drop(object, [...path, "matchLabels", key]);
    const exists = [...expressions, { key, operator: "Exists" }];
    return [
      without,
      { ...put(without.object, [...path, "matchExpressions"], exists), name: `any value of ${nameOf(path)} ${key}` },
    ];
  });
  const asked = expressions.flatMap((expression, index) => {
    const here = [...path, "matchExpressions", index];
    const values = list(record(expression).values);
    return [
      drop(object, here),
      put(object, here, { key: record(expression).key, operator: "Exists" }),
      ...values.map((_, value) => drop(object, [...here, "values", value])),
    ];
  });
  return [put(object, path, {}), ...labels, ...asked];
}

function portMutations(object: Fields, path: Path): Mutation[] {
  const rule = record(at(object, path));
  const rules = record(rule.rules);
  const ports = list(rule.ports).flatMap((port, index) => {
    const here = [...path, "ports", index];
    const { endPort, ...rest } = record(port);
    return [
      drop(object, here),
      put(object, here, { ...rest, endPort: 65_535 }),
      ...(endPort === undefined ? [] : [put(object, here, rest)]),
      put(object, [...here, "protocol"], "ANY"),
    ];
  });
  const requests = Object.keys(rules).flatMap((protocol) =>
    list(rules[protocol]).flatMap((request, index) => {
      const here = [...path, "rules", protocol, index];
      return [drop(object, here), ...fieldsOf(request).map((field) => drop(object, [...here, ...field]))];
    }),
  );
  return [...ports, ...(rule.rules === undefined ? [] : [drop(object, [...path, "rules"])]), ...requests];
}

/** Fields of an L7 rule; elements of its lists. */
function fieldsOf(request: unknown): Path[] {
  return Object.entries(record(request)).flatMap(([field, value]): Path[] => [
    [field],
    ...(list(value).length > 1 ? list(value).map((_, index): Path => [field, index]) : []),
  ]);
}

function nameOf(path: Path): string {
  return path.join(".");
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((inner, step) => (Array.isArray(inner) ? inner[Number(step)] : record(inner)[step]), value);
}

function drop(object: Fields, path: Path): Mutation {
  return { name: `drop ${nameOf(path)}`, object: edited(object, path, undefined) };
}

function put(object: Fields, path: Path, value: unknown): Mutation {
  return { name: `${nameOf(path)} = ${JSON.stringify(value)}`, object: edited(object, path, value) };
}

/** A copy in which one place has another value, or is gone. */
function edited(object: Fields, path: Path, value: unknown): Fields {
  const copy: unknown = structuredClone(object);
  const holder = at(copy, path.slice(0, -1));
  const [last = ""] = path.slice(-1);
  if (Array.isArray(holder)) holder.splice(Number(last), 1, ...(value === undefined ? [] : [value]));
  else if (isRecord(holder) && value === undefined) delete holder[last];
  else if (isRecord(holder)) holder[last] = value;
  if (!isRecord(copy)) throw new TypeError("a policy is an object");
  return copy;
}

/**
 * Changes to an application's policies that no side of any pair shows. A selector without a cluster means another thing under another
 * default, so each default is looked at.
 */
export function unseenMutations(
  cluster: SiteSpec,
  peer: SiteSpec,
): { readonly tried: number; readonly unseen: string[] } {
  const worlds = [true, false].map((policyDefaultLocalCluster) => {
    const world = new ApplicationWorld(cluster, peer, { policyDefaultLocalCluster });
    const reachability = world.reachability();
    return { world, before: new Map(world.own.map((pod) => [pod, sidesOf(world, reachability, pod)])) };
  });
  const objects = worlds[0]?.world.objects ?? [];
  const mutations = objects.flatMap((object) => {
    const { labels, name, namespace } = record(object.metadata);
    if (record(labels)["app.kubernetes.io/part-of"] === undefined) return [];
    const others = objects.filter((other) => other !== object);
    return [{ name: "drop it all", object: undefined }, ...mutationsOf(object)].map((mutation) => ({
      name: `${String(name)}: ${mutation.name}`,
      namespace: String(namespace),
      zone: String(name),
      // The policies of other namespaces select none of its pods.
      objects: [...others, ...(mutation.object ? [mutation.object] : [])].filter(({ metadata }) =>
        [undefined, namespace].includes(record(metadata).namespace),
      ),
    }));
  });
  const isSeen = ({ namespace, objects: changed, zone }: (typeof mutations)[number]) =>
    worlds.some(({ before, world }) => {
      const reachability = world.reachability(world.entries(changed));
      const pods = world.own.filter((pod) => kubernetesLabel(pod, namespaceKey) === namespace);
      // The first to ask are those that the policy is about, or nearly.
      const [near, far] = [true, false].map((is) => pods.filter(({ name }) => name.includes(zone) === is));
      return [near, far].some((some) => some?.some((pod) => sidesOf(world, reachability, pod) !== before.get(pod)));
    });
  return { tried: mutations.length, unseen: mutations.filter((mutation) => !isSeen(mutation)).map(({ name }) => name) };
}
