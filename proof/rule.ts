import type { StackFile } from "../components/config/parse.ts";
import type { EntrySpec, InterconnectSpec, SiteSpec } from "../components/config/schema.ts";

/** A site's stack file as rules see it. */
export interface SiteFile {
  readonly file: string;
  readonly stack: string;
  readonly site: SiteSpec;
  /** Everything below `config`: `aws:region` and the like. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A site together with the other members of its mesh. */
export interface SiteSubject extends SiteFile {
  readonly peers: readonly SiteFile[];
}

export interface InterconnectSubject {
  readonly file: string;
  readonly interconnect: InterconnectSpec;
  readonly config: Readonly<Record<string, unknown>>;
  /** The two sites it joins, as far as their files could be read. */
  readonly sites: readonly SiteFile[];
}

export interface EntrySubject {
  readonly file: string;
  readonly entry: EntrySpec;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secretsProvider: string | undefined;
  /** Where Pulumi keeps the stack's state, as far as it is known. */
  readonly backendUrl: string | undefined;
  readonly sites: readonly SiteFile[];
}

/** A Cilium release's Helm values: a site's, as our program would pass them, or somebody's file. */
export interface ValuesSubject {
  /** Exact chart version, e.g. `1.18.4`; its minor is one of `components/cilium/versions.ts`. */
  readonly cilium: string;
  /** What is passed to Helm; the chart's defaults are not in it. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A Kubernetes object as it is written: `apiVersion`, `kind`, `metadata` and the rest, none of it checked yet. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

/** Objects that are judged together: those of a site's program, or all documents that were given to `npm run check`. */
export interface ObjectsSubject {
  /** Exact version of the Cilium that reads them. */
  readonly cilium: string;
  /** A violation's path starts with the index in this list: `[0, "spec", "ingress"]`. */
  readonly objects: readonly KubernetesObject[];
  /** Helm values of that Cilium, where they are known; rules that need them stay silent where they are not. */
  readonly values?: ValuesSubject["values"];
  /** True when nothing outside of `objects` is in the cluster, so that a reference to an object that is not there is a mistake. */
  readonly complete: boolean;
}

/** What a rule found: where, what is wrong, what to write instead. */
export interface Violation {
  /** Below the stack's own key, e.g. `["network", "pods"]`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly fix: string;
}

/** One thing that must hold. To add a rule, add an entry to the list of its file and a fixture to `test/proof/rules.test.ts`. */
export interface Rule<Subject> {
  readonly code: `GB-${number}`;
  readonly severity: "error" | "warning";
  /** What must hold, as a sentence. */
  readonly title: string;
  /** The same in Korean, for `docs/rules.ko.md`. */
  readonly korean: string;
  /** Why, with its source. */
  readonly reason: string;
  /** It computes with addresses, so it waits until the blocks have the right size (GB-206). */
  readonly needsPlan?: true;
  readonly check: (subject: Subject) => Violation[];
}

/** The files a stack is judged with. */
export interface StackSet {
  readonly own: StackFile;
  readonly others: readonly StackFile[];
}
