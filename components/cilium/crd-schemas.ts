import { closest } from "./chart-keys.ts";
import data from "./data/crd-schemas.json" with { type: "json" };
import { isRecord } from "./effective-values.ts";
import { type Schema, SchemaWalker } from "./schema-walker.ts";

/** A kind that Cilium's operator registers, and in which versions of Cilium. */
export interface CiliumKind {
  readonly kind: string;
  /** `v2` or `v2alpha1` of group `cilium.io`. */
  readonly version: string;
  readonly namespaced: boolean;
}

interface Resource extends CiliumKind {
  readonly schema: Schema;
}
const { resources, shared }: { readonly resources: readonly Resource[]; readonly shared: readonly Schema[] } = data;

/** Cilium minors whose resources are described; the schemas are those of 1.20.2, with the differences below. */
const minors = { oldest: 18, newest: 20 };
/** Fields by the first Cilium minor that has them (1.19: BGP interface advertisements). */
const newFields: readonly { path: RegExp; kind: string; since: number }[] = [
  { kind: "CiliumBGPAdvertisement", path: /^spec\.advertisements\[\d+\]\.interface$/, since: 19 },
  { kind: "CiliumBGPPeerConfig", path: /^spec\.transport\.sourceInterface$/, since: 19 },
];
/** Kinds by the first minor that has them. */
const newKinds: Readonly<Record<string, number>> = { CiliumDatapathPlugin: 20 };
const policyKinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];

/** The custom resources that an operator of this Cilium version registers. */
export function ciliumKinds(ciliumVersion: string): CiliumKind[] {
  const minor = minorOf(ciliumVersion);
  return resources
    .filter(({ kind }) => (newKinds[kind] ?? 0) <= minor)
    .map(({ kind, version, namespaced }) => ({ kind, version, namespaced }));
}

/**
 * Everything that a strict API server with the CRDs of this Cilium version refuses in a `cilium.io` object, as `path: what is wrong`; empty
 * for a sound one. A default API server only warns about unknown fields and drops them.
 *
 * @param previous  The object before an update, for fields that may not change.
 * @throws RangeError for a Cilium minor that is not described.
 */
export function resourceProblems(ciliumVersion: string, object: unknown, previous?: unknown): string[] {
  const minor = minorOf(ciliumVersion);
  if (!isRecord(object)) return ["wants an object with apiVersion, kind, metadata and spec"];
  const { apiVersion, kind } = object;
  const found = resources.find((resource) => resource.kind === kind && `cilium.io/${resource.version}` === apiVersion);
  if (found === undefined || (newKinds[found.kind] ?? 0) > minor) {
    const near = closest(
      String(kind),
      resources.map((resource) => resource.kind),
    );
    const named = `no matches for kind "${String(kind)}" in version "${String(apiVersion)}"`;
    return [near === undefined || near === kind ? named : `${named}; did you mean ${near}?`];
  }
  const problems = [
    ...nameProblems(object, found.namespaced),
    ...new SchemaWalker(shared).check(found.schema, object, previous),
  ];
  return problems
    .filter((problem) => !forgiven(found.kind, problem, minor))
    .concat(tooNew(found.kind, object, ciliumVersion, minor));
}

/** The Kafka and generic L7 rules left with 1.20, and so came the rule that a policy must say something. */
function forgiven(kind: string, problem: string, minor: number): boolean {
  if (minor >= 20 || !policyKinds.includes(kind)) return false;
  return (
    /\.rules(\.(kafka|l7|l7proto): unknown field|: wants exactly one of http, dns)/.test(problem) ||
    problem === "spec or specs must be provided"
  );
}

function tooNew(kind: string, object: unknown, ciliumVersion: string, minor: number): string[] {
  const candidates = newFields.filter((field) => field.kind === kind && field.since > minor);
  return paths(object, "").flatMap((path) =>
    candidates
      .filter((field) => field.path.test(path))
      .map(({ since }) => `${path}: unknown field in ${ciliumVersion}; it came with 1.${since}`),
  );
}

function paths(value: unknown, path: string): string[] {
  const entries = Array.isArray(value)
    ? value.map((item, index) => [`${path}[${index}]`, item] as const)
    : isRecord(value)
      ? Object.entries(value).map(([name, child]) => [path === "" ? name : `${path}.${name}`, child] as const)
      : [];
  return entries.flatMap(([name, child]) => [name, ...paths(child, name)]);
}

function nameProblems(object: Record<string, unknown>, namespaced: boolean): string[] {
  const metadata = object.metadata;
  if (!isRecord(metadata)) return metadata === undefined ? ["metadata: required value is missing"] : [];
  const { name, namespace } = metadata;
  const problems: string[] = [];
  if (typeof name === "string" && !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) {
    problems.push(`metadata.name: "${name}" is no RFC 1123 subdomain; write a-z, 0-9, - and .`);
  }
  if (!namespaced && namespace !== undefined)
    problems.push("metadata.namespace: the kind is cluster-scoped; leave it out");
  return problems;
}

function minorOf(ciliumVersion: string): number {
  const [major, minor] = ciliumVersion.split(".").map(Number);
  if (major === 1 && minor !== undefined && minor >= minors.oldest && minor <= minors.newest) return minor;
  throw new RangeError(
    `resources of Cilium ${ciliumVersion} are not described, only of 1.${minors.oldest} to 1.${minors.newest}; add its CRDs with tools/crd-schemas.ts`,
  );
}
