import index from "./data/chart-keys.json" with { type: "json" };

/**
 * What the Cilium chart knows: its value keys per version, derived from the charts themselves by `tools/chart-keys.ts`. Helm
 * accepts any other key without a word (`values.schema.json` never says `additionalProperties: false`), so a slip changes nothing.
 */

/** A value that the chart of this version would ignore or refuse. */
export interface ValueProblem {
  /** Dotted, list elements as `[0]`: `hubble.relay.replica`. */
  readonly path: string;
  /** A key of another type; absent for an unknown key. */
  readonly wrongType?: string;
  /** The known key that looks most like it. */
  readonly nearest?: string;
  /** What took the key's place when it was removed or renamed. */
  readonly movedTo?: string;
  /** The first indexed chart version that has the key. */
  readonly since?: string;
  /** The last indexed chart version that has the key. */
  readonly until?: string;
}

type PerVersion<T> = T | { by: (T | null)[] };
type Section<T> = Readonly<Record<string, PerVersion<T>>>;
/** JSON imports lose the union; the generator writes exactly this. */
const { versions, types, enums, defaults }: ChartIndex = index;
interface ChartIndex {
  readonly versions: readonly string[];
  readonly types: Section<string>;
  readonly enums: Section<string[]>;
  readonly defaults: Section<boolean | number | string>;
}

/** Keys that people still write, and what does the job now (Cilium upgrade notes 1.14 to 1.20). */
const moved: Readonly<Record<string, string>> = {
  tunnel: "routingMode: native, or routingMode: tunnel with tunnelProtocol",
  bgp: "bgpControlPlane.enabled and the CiliumBGP* resources",
  "encryption.keyFile": "the Secret cilium-ipsec-keys",
  "encryption.mountPath": "encryption.ipsec.mountPath",
  "encryption.secretName": "encryption.ipsec.secretName",
  "encryption.interface": "devices",
  "encryption.wireguard.userspaceFallback": "the kernel's WireGuard module, which every supported kernel has",
  "encryption.strictMode.enabled": "encryption.strictMode.egress.enabled",
  "encryption.strictMode.cidr": "encryption.strictMode.egress.cidr",
  "encryption.strictMode.allowRemoteNodeIdentities": "encryption.strictMode.egress.allowRemoteNodeIdentities",
  enableCiliumEndpointSlice: "ciliumEndpointSlice.enabled",
  serviceMesh: "authentication.enabled",
  "ipam.operator.clusterPoolIPv4PodCIDR": "ipam.operator.clusterPoolIPv4PodCIDRList",
  "ipam.operator.clusterPoolIPv6PodCIDR": "ipam.operator.clusterPoolIPv6PodCIDRList",
  "ingressController.service.nodePorts.http": "ingressController.service.insecureNodePort",
  "ingressController.service.nodePorts.https": "ingressController.service.secureNodePort",
  "hubble.export.static.backends": "a log shipper that reads hubble.export.static.filePath",
  "clustermesh.enableMCSAPISupport": "clustermesh.mcsapi.enabled",
  "clustermesh.apiserver.tls.server.extraDnsNames": "clustermesh.apiserver.tls.auto.server.extraDnsNames",
  "clustermesh.apiserver.tls.server.extraIpAddresses": "clustermesh.apiserver.tls.auto.server.extraIpAddresses",
};

/**
 * The indexed chart that stands for a version: itself, else the newest indexed patch of its minor (1.20.2 -> 1.20.0).
 *
 * @throws RangeError for a minor that is not indexed.
 */
export function indexedVersion(chartVersion: string): string {
  const minor = chartVersion.split(".").slice(0, 2).join(".");
  const found = versions.includes(chartVersion) ? chartVersion : versions.findLast((v) => v.startsWith(`${minor}.`));
  if (found !== undefined) return found;
  throw new RangeError(
    `no keys of Cilium chart ${chartVersion} are indexed, only of ${versions.join(", ")}; write one of these minors, or add the chart with tools/chart-keys.ts`,
  );
}

/** The chart's own default of a scalar key, `undefined` where `values.yaml` has none. */
export function chartDefault(chartVersion: string, path: string): boolean | number | string | undefined {
  return at(defaults, path, versions.indexOf(indexedVersion(chartVersion)));
}

/**
 * Every key of `values` that the chart does not know or whose type its schema refuses; empty for a sound tree. `undefined` stands
 * for a value that is not known yet.
 *
 * @example unknownValues("1.20.2", { hubble: { relays: {} } }) // [{ path: "hubble.relays", nearest: "hubble.relay" }]
 * @throws RangeError for a minor that is not indexed.
 */
export function unknownValues(chartVersion: string, values: unknown): ValueProblem[] {
  const version = versions.indexOf(indexedVersion(chartVersion));
  const problems: ValueProblem[] = [];
  /** `key` is the index's spelling of `path`, with `[]` for any element. */
  const visit = (value: unknown, path: string, key: string): void => {
    if (value === undefined) return;
    const type = key === "" ? "o" : at(types, key, version);
    if (type === undefined) {
      problems.push(unknownKey(path, key, version));
      return;
    }
    const wrongType = key === "" ? undefined : typeProblem(value, type, at(enums, key, version));
    if (wrongType !== undefined) problems.push({ path, wrongType });
    else if (Array.isArray(value)) {
      if (at(types, `${key}[]`, version) === undefined) return;
      for (const [position, element] of value.entries()) visit(element, `${path}[${position}]`, `${key}[]`);
    } else if (isRecord(value) && !type.includes("m")) {
      const anyName = at(types, `${key}[]`, version) !== undefined;
      for (const [name, child] of Object.entries(value)) {
        visit(child, join(path, name), anyName ? `${key}[]` : join(key, name));
      }
    }
  };
  visit(values, "", "");
  return problems;
}

/** A sentence that says what is wrong and what to write instead. */
export function describe(
  { path, wrongType, nearest, movedTo, since, until }: ValueProblem,
  chartVersion: string,
): string {
  if (wrongType !== undefined) return `${path}: ${wrongType}`;
  const parts = [`${path}: the Cilium ${chartVersion} chart has no such key`];
  if (since !== undefined) parts.push(`it came with ${since}`);
  if (until !== undefined) parts.push(`${until} was the last to have it`);
  if (movedTo !== undefined) parts.push(`use ${movedTo}`);
  else if (nearest !== undefined) parts.push(`did you mean ${nearest}?`);
  return parts.join("; ");
}

function at<T>(section: Section<T>, key: string, version: number): T | undefined {
  const entry = Object.hasOwn(section, key) ? section[key] : undefined;
  if (entry === undefined) return undefined;
  return (isPerVersion(entry) ? entry.by[version] : entry) ?? undefined;
}

function isPerVersion<T>(entry: PerVersion<T>): entry is { by: (T | null)[] } {
  return typeof entry === "object" && entry !== null && "by" in entry;
}

function unknownKey(path: string, key: string, version: number): ValueProblem {
  const having = versions.filter((_, position) => at(types, key, position) !== undefined);
  const since = having.find((other) => versions.indexOf(other) > version);
  const until = having.findLast((other) => versions.indexOf(other) < version);
  const movedTo = Object.hasOwn(moved, key) ? moved[key] : undefined;
  const nearest = nearestKey(key, version);
  return {
    path,
    ...(nearest === undefined ? {} : { nearest }),
    ...(movedTo === undefined ? {} : { movedTo }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** A sibling if one is near, else the same last word elsewhere, else whatever path is near as a whole. */
function nearestKey(key: string, version: number): string | undefined {
  const known = Object.keys(types).filter((other) => at(types, other, version) !== undefined);
  const cut = key.lastIndexOf(".") + 1;
  const siblings = known.filter((other) => other.startsWith(key.slice(0, cut)) && !/[.[]/.test(other.slice(cut)));
  const word = key.slice(cut);
  const namesakes = known.filter((other) => other.toLowerCase().endsWith(`.${word.toLowerCase()}`));
  return closest(key, siblings) ?? closest(key, namesakes, key.length) ?? closest(key, known);
}

/** The candidate with the fewest edits, at most a third of the length of the last word unless said otherwise. */
export function closest(word: string, candidates: readonly string[], limit?: number): string | undefined {
  const last = word.slice(word.lastIndexOf(".") + 1);
  let best: string | undefined;
  let fewest = (limit ?? Math.max(1, Math.floor(last.length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue;
    const distance = edits(word.toLowerCase(), candidate.toLowerCase());
    if (distance < fewest) [best, fewest] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [i, left] of a.split("").entries()) {
    const next = [i + 1];
    for (const [j, right] of b.split("").entries()) {
      const change = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const typeNames: Readonly<Record<string, string>> = {
  b: "boolean",
  i: "integer",
  n: "number",
  s: "string",
  o: "object",
  m: "object",
  a: "array",
  z: "null",
};

/** Helm checks types and enums by `values.schema.json` and refuses; `null` always passes, since it removes the default first. */
function typeProblem(value: unknown, type: string, allowed: string[] | undefined): string | undefined {
  if (type === "?" || value === null) return undefined;
  const own = ownTypes(value);
  const wanted = type.split("");
  if (!wanted.some((letter) => own.includes(letter))) {
    const names = new Set(wanted.map((letter) => typeNames[letter] ?? letter));
    return `the chart wants ${[...names].join(" or ")}, got ${JSON.stringify(value)}`;
  }
  if (allowed === undefined || (typeof value === "string" && allowed.includes(value))) return undefined;
  return `the chart wants one of ${allowed.join(", ")}, got ${JSON.stringify(value)}`;
}

function ownTypes(value: unknown): string {
  if (typeof value === "boolean") return "b";
  if (typeof value === "number") return Number.isInteger(value) ? "in" : "n";
  if (typeof value === "string") return "s";
  return Array.isArray(value) ? "a" : "om";
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
