import { parseAllDocuments } from "yaml";
import { isRecord, list, record } from "../../config/untyped.ts";
import { ciliumMinor } from "../versions.ts";

/**
 * The resource definitions (CRDs) of Gateway API, which are no part of Cilium.
 *
 * They come from a file beside the project, `standard-install.yaml` of the release, and each becomes a resource of the program. The other
 * way, a `ConfigFile` of the Kubernetes provider with an address, was left out: banks have no way out, the address would have to answer at
 * every preview, and what it holds would be unknown to the plan. So how many resources there are follows from the stack file and
 * the table below, a plan needs no network, and what is installed lies in the bank's own repository, to be reviewed like any other change.
 *
 * They stand before the Helm release, since the operator looks for them once, when it starts, and leaves the controller off until it is
 * restarted where one is missing (cilium `operator/pkg/gateway-api/cell.go`). They are protected: with a definition the API server
 * deletes every object of its kind.
 */

export const gatewayGroup = "gateway.networking.k8s.io";

/** A kind and the version of it that Cilium reads. */
export interface GatewayKind {
  readonly kind: string;
  readonly version: string;
}

/** What one minor of Cilium needs of a bundle. */
interface Needs {
  /** Minors of Gateway API whose definitions it was tested with. */
  readonly bundles: readonly string[];
  /** The controller stays off while one of these is missing. */
  readonly required: readonly GatewayKind[];
  /** Taken along where the file has them. */
  readonly optional: readonly GatewayKind[];
}

const v1 = (...kinds: readonly string[]): GatewayKind[] => kinds.map((kind) => ({ kind, version: "v1" }));
const untilMinor19 = {
  required: [
    ...v1("GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute"),
    { kind: "ReferenceGrant", version: "v1beta1" },
  ],
  // Of the experimental channel then.
  optional: [{ kind: "TLSRoute", version: "v1alpha2" }],
};

/**
 * By Cilium minor: `operator/pkg/gateway-api/cell.go` of v1.18.11 and v1.19.5, `operator/pkg/gateway-api/helpers` of v1.20.2; bundles as
 * `Documentation/network/servicemesh/gateway-api/installation.rst` names them (1.2 up to 1.18.4).
 */
const needs: Readonly<Record<string, Needs>> = {
  "1.18": { ...untilMinor19, bundles: ["1.2", "1.3"] },
  "1.19": { ...untilMinor19, bundles: ["1.4"] },
  "1.20": {
    bundles: ["1.6"],
    required: v1("GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "ReferenceGrant", "BackendTLSPolicy"),
    optional: v1("ListenerSet", "TCPRoute", "UDPRoute"),
  },
};

/**
 * What this Cilium needs of Gateway API.
 *
 * @throws RangeError for a minor that is not in the table.
 */
export function gatewayNeeds(ciliumVersion: string): Needs {
  const { minor } = ciliumMinor(ciliumVersion);
  const found = needs[minor];
  if (!found) throw new RangeError(`Nobody has written down which Gateway API Cilium ${minor} works with.`);
  return found;
}

/** Whether a bundle of this version (`1.6.1`, `v1.6.1`) is one that this Cilium was tested with. */
export function fitsBundle(ciliumVersion: string, bundle: string): boolean {
  return gatewayNeeds(ciliumVersion).bundles.some((minor) => bundle.replace(/^v/, "").startsWith(`${minor}.`));
}

/** Where the file to write down is published. */
export function bundleUrl(ciliumVersion: string): string {
  const version = ciliumMinor(ciliumVersion).gatewayApi;
  return `https://github.com/kubernetes-sigs/gateway-api/releases/download/v${version}/standard-install.yaml`;
}

/** A CustomResourceDefinition of the bundle, as the file has it. */
export interface Definition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The definitions that this Cilium reads, required ones first, and what is wrong with the file, a sentence each. */
export interface BundleContent {
  readonly definitions: readonly Definition[];
  readonly problems: readonly string[];
}

/** Marks of every definition of a bundle (kubernetes-sigs/gateway-api `config/crd`). */
const bundleVersion = `${gatewayGroup}/bundle-version`;

/**
 * Reads a bundle's text for one Cilium. Policies that the bundle brings beside its definitions (`safe-upgrades`) are left out: the checks
 * here are made before anything is applied.
 */
export function parseBundle(text: string, ciliumVersion: string): BundleContent {
  const { optional, required } = gatewayNeeds(ciliumVersion);
  const found = new Map<unknown, Definition>();
  try {
    for (const document of parseAllDocuments(text)) {
      const [error] = document.errors;
      if (error) throw error;
      const definition = asDefinition(document.toJS());
      if (definition) found.set(kindOf(definition), definition);
    }
  } catch (error) {
    return { definitions: [], problems: [`It is no YAML: ${error instanceof Error ? error.message : String(error)}.`] };
  }
  const missing = required.filter(({ kind }) => !found.has(kind)).map(({ kind }) => kind);
  const read = [...required, ...optional].flatMap((wanted) => {
    const definition = found.get(wanted.kind);
    return definition ? [{ ...wanted, definition }] : [];
  });
  const versions = new Set(read.map(({ definition }) => versionOf(definition)));
  return {
    definitions: read.map(({ definition }) => definition),
    problems: [
      ...(missing.length > 0
        ? [`It does not define ${missing.join(", ")}, without which the operator leaves Gateway API off.`]
        : []),
      ...(versions.size > 1 ? [`It mixes bundles: ${[...versions].toSorted().join(", ")}.`] : []),
      ...[...versions]
        .filter((version) => !fitsBundle(ciliumVersion, version))
        .map(
          (version) =>
            `It is of bundle ${version}, and Cilium ${ciliumVersion} works with ${bundlesOf(ciliumVersion)}.`,
        ),
      ...read
        .filter(({ definition, version }) => !served(definition).includes(version))
        .filter(({ kind }) => required.some((wanted) => wanted.kind === kind))
        .map(({ kind, version }) => `Its ${kind} is not served as ${version}, which Cilium ${ciliumVersion} reads.`),
    ],
  };
}

function bundlesOf(ciliumVersion: string): string {
  return gatewayNeeds(ciliumVersion)
    .bundles.map((minor) => `${minor}.x`)
    .join(" or ");
}

function asDefinition(value: unknown): Definition | undefined {
  if (!isRecord(value) || !isRecord(value.metadata) || !isRecord(value.spec)) return undefined;
  const { apiVersion, kind, metadata, spec } = value;
  if (apiVersion !== "apiextensions.k8s.io/v1" || kind !== "CustomResourceDefinition") return undefined;
  if (spec.group !== gatewayGroup || typeof metadata.name !== "string") return undefined;
  return { apiVersion, kind, metadata: { ...metadata, name: metadata.name }, spec };
}

function kindOf({ spec }: Definition): unknown {
  return record(spec.names).kind;
}

function versionOf({ metadata }: Definition): string {
  const version = record(metadata.annotations)[bundleVersion];
  return typeof version === "string" ? version : "without a version";
}

function served({ spec }: Definition): unknown[] {
  return list(spec.versions)
    .map(record)
    .filter((version) => version.served === true)
    .map(({ name }) => name);
}

/**
 * The definitions that a file would bring, by the table above alone: for a plan that is made before anyone has put the file there. They
 * take objects of any shape.
 */
export function expectedDefinitions(ciliumVersion: string): Definition[] {
  const bundle = `v${ciliumMinor(ciliumVersion).gatewayApi}`;
  return gatewayNeeds(ciliumVersion).required.map(({ kind, version }) => {
    const singular = kind.toLowerCase();
    const plural = `${singular.replace(/([^aeiou])y$/, "$1ie").replace(/ss$/, "sse")}s`;
    return {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${gatewayGroup}`, annotations: { [bundleVersion]: bundle } },
      spec: {
        group: gatewayGroup,
        names: { kind, listKind: `${kind}List`, plural, singular },
        scope: kind === "GatewayClass" ? "Cluster" : "Namespaced",
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    };
  });
}
