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
  /** The same in Korean, for `docs/errors.md`. */
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
