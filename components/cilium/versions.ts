/** What differs between Cilium minors, as data. To allow another minor, add an entry here and index its chart (`tools/chart-keys.ts`). */
export interface CiliumMinor {
  /** `1.20`. */
  readonly minor: string;
  /** Newest patch known when the entry was last touched. */
  readonly newest: string;
  /** Oldest patch that is used without a warning. */
  readonly sound: string;
  /** Kubernetes minors of the release's end-to-end tests (cilium `Documentation/network/kubernetes/compatibility.rst`). */
  readonly kubernetes: readonly string[];
  /** Gateway API bundle whose CRDs the release asks for (`Documentation/network/servicemesh/gateway-api`). */
  readonly gatewayApi: string;
  /** WireGuard strict mode: `flat` is `encryption.strictMode.{enabled,cidr}`, `egress` the same below `encryption.strictMode.egress`. */
  readonly strictMode: "flat" | "egress";
  /** Form of `clustermesh.config.clusters`: the schema of 1.18 takes a list only, later charts recommend the map. */
  readonly clusters: "list" | "map";
  /** `clustermesh.cacheTTL` exists: without it the backends of a dead cluster are kept for ever. */
  readonly cacheTtl: boolean;
  /**
   * certgen's first Job is a Helm hook, which runs after everything else is ready. What waits for its certificates never is, so a
   * release that waits never ends (cilium issues 42045, 40381).
   */
  readonly certgenHook: boolean;
  /** `clustermesh.apiserver.service.externallyCreated` exists. */
  readonly ownMeshService: boolean;
  /** Patches that do harm, and what they do. */
  readonly warnings: Readonly<Record<string, string>>;
}

/** Oldest first. Patches: cilium/charts, and for 1.20.2 its use seen in September 2026. */
export const ciliumMinors: readonly CiliumMinor[] = [
  {
    minor: "1.18",
    newest: "1.18.12",
    sound: "1.18.12",
    kubernetes: ["1.30", "1.31", "1.32", "1.33"],
    gatewayApi: "1.3.0",
    strictMode: "flat",
    clusters: "list",
    cacheTtl: false,
    certgenHook: true,
    ownMeshService: false,
    warnings: {},
  },
  {
    minor: "1.19",
    newest: "1.19.7",
    sound: "1.19.6",
    kubernetes: ["1.32", "1.33", "1.34", "1.35"],
    gatewayApi: "1.4.1",
    strictMode: "egress",
    clusters: "map",
    cacheTtl: true,
    certgenHook: false,
    ownMeshService: true,
    warnings: {},
  },
  {
    minor: "1.20",
    newest: "1.20.2",
    sound: "1.20.1",
    kubernetes: ["1.33", "1.34", "1.35", "1.36"],
    gatewayApi: "1.6.1",
    strictMode: "egress",
    clusters: "map",
    cacheTtl: true,
    certgenHook: false,
    ownMeshService: true,
    warnings: {
      "1.20.0":
        "drops kubelet's probes of pods without an ingress policy under policyEnforcementMode always (cilium issue 48444)",
    },
  },
];

/**
 * The entry of an exact version.
 *
 * @throws RangeError for a minor that is not in the table.
 */
export function ciliumMinor(version: string): CiliumMinor {
  const found = ciliumMinors.find(({ minor }) => version.startsWith(`${minor}.`));
  if (found) return found;
  const known = ciliumMinors.map(({ newest }) => newest).join(", ");
  throw new RangeError(`Cilium ${version} is not supported. Write one of ${known}.`);
}

/** Why this patch should not stay, as a sentence that ends in what to write; `undefined` when it is sound. */
export function patchWarning(version: string): string | undefined {
  const { newest, sound, warnings } = ciliumMinor(version);
  const known = warnings[version];
  if (known) return `Cilium ${version} ${known}. Write ${newest}.`;
  return patch(version) < patch(sound)
    ? `Cilium ${version} works but lacks fixes that ${sound} has. Write ${newest}.`
    : undefined;
}

/** Whether Cilium's own end-to-end tests cover this pair; versions may be minors or patches. The chart itself only asks for 1.21. */
export function testedTogether(cilium: string, kubernetes: string): boolean {
  return ciliumMinor(cilium).kubernetes.some((minor) => `${kubernetes}.`.startsWith(`${minor}.`));
}

function patch(version: string): number {
  return Number(version.split(".")[2]);
}
