import { isRecord } from "../config/untyped.ts";
import { closest } from "./chart-keys.ts";
import data from "./data/crd-schemas.json" with { type: "json" };
import { amendPolicySchema } from "./policy-schemas.ts";
import { formatProblem, type Schema, type SchemaProblem, SchemaWalker } from "./schema-walker.ts";

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
  { kind: "CiliumBGPAdvertisement", path: /^spec\.advertisements\.\d+\.interface$/, since: 19 },
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
  return locateProblems(ciliumVersion, object, previous).map(formatProblem);
}

/** The same as `resourceProblems`, with the path of each problem by itself. */
export function locateProblems(ciliumVersion: string, object: unknown, previous?: unknown): SchemaProblem[] {
  const minor = minorOf(ciliumVersion);
  if (!isRecord(object)) return [{ path: [], problem: "wants an object with apiVersion, kind, metadata and spec" }];
  const { apiVersion, kind } = object;
  const found = resources.find((resource) => resource.kind === kind && `cilium.io/${resource.version}` === apiVersion);
  if (found === undefined || (newKinds[found.kind] ?? 0) > minor) {
    const near = closest(
      String(kind),
      resources.map((resource) => resource.kind),
    );
    const named = `no matches for kind "${String(kind)}" in version "${String(apiVersion)}"`;
    const problem = near === undefined || near === kind ? named : `${named}; did you mean ${near}?`;
    return [{ path: [], problem }];
  }
  const older = policyKinds.includes(found.kind) && minor < minors.newest;
  return [
    ...nameProblems(object, found.namespaced),
    ...new SchemaWalker(older ? sharedAsOf(minor) : shared).check(
      older ? amendPolicySchema(found.schema, minor) : found.schema,
      object,
      previous,
    ),
    ...tooNew(found.kind, object, ciliumVersion, minor),
  ];
}

const amended = new Map<number, readonly Schema[]>();

function sharedAsOf(minor: number): readonly Schema[] {
  const known = amended.get(minor) ?? shared.map((schema) => amendPolicySchema(schema, minor));
  amended.set(minor, known);
  return known;
}

function tooNew(kind: string, object: unknown, ciliumVersion: string, minor: number): SchemaProblem[] {
  const candidates = newFields.filter((field) => field.kind === kind && field.since > minor);
  return candidates.length === 0
    ? []
    : paths(object, []).flatMap((path) =>
        candidates
          .filter((field) => field.path.test(path.join(".")))
          .map(({ since }) => ({
            path,
            problem: `unknown field in ${ciliumVersion}; it came with 1.${since}`,
            known: [],
          })),
      );
}

function paths(value: unknown, path: SchemaProblem["path"]): SchemaProblem["path"][] {
  const entries = Array.isArray(value) ? [...value.entries()] : isRecord(value) ? Object.entries(value) : [];
  return entries.flatMap(([step, child]) => [[...path, step], ...paths(child, [...path, step])]);
}

function nameProblems(object: Record<string, unknown>, namespaced: boolean): SchemaProblem[] {
  const metadata = object.metadata;
  if (!isRecord(metadata)) {
    return metadata === undefined ? [{ path: ["metadata"], problem: "required value is missing" }] : [];
  }
  const { name, namespace } = metadata;
  const problems: SchemaProblem[] = [];
  if (typeof name === "string" && !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) {
    const problem = `"${name}" is no RFC 1123 subdomain; write a-z, 0-9, - and .`;
    problems.push({ path: ["metadata", "name"], problem });
  }
  if (!namespaced && namespace !== undefined) {
    problems.push({ path: ["metadata", "namespace"], problem: "the kind is cluster-scoped; leave it out" });
  }
  return problems;
}

function minorOf(ciliumVersion: string): number {
  const [major, minor] = ciliumVersion.split(".").map(Number);
  if (major === 1 && minor !== undefined && minor >= minors.oldest && minor <= minors.newest) return minor;
  throw new RangeError(
    `resources of Cilium ${ciliumVersion} are not described, only of 1.${minors.oldest} to 1.${minors.newest}; add its CRDs with tools/crd-schemas.ts`,
  );
}
