/** A statement about a plan, checked. */
export interface Proof {
  /** Stable; `docs/rules.md` explains each. */
  readonly id: `GB-${number}`;
  /** What must hold, as a sentence. */
  readonly title: string;
  readonly holds: boolean;
  /** What it was checked on: counts, limits, what was assumed. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** Where it does not hold: the first case, with its hops if it is a packet. */
  readonly counterexample?: string;
}
