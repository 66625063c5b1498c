/** How many reasons a reader sees; the rest is counted. */
const shown = 3;

/** Why a policy is refused: every reason, in the order in which they were found. */
export class Refusals {
  readonly #reasons: string[] = [];

  /** `path: what is wrong. What to write instead.` */
  add(path: string, problem: string, fix: string): void {
    this.#reasons.push(`${path === "" ? "" : `${path}: `}${problem}. ${fix}`);
  }

  /** The first reasons in one line; `undefined` for a policy that is accepted. */
  get error(): string | undefined {
    if (this.#reasons.length === 0) return undefined;
    const more = this.#reasons.length - shown;
    return [...this.#reasons.slice(0, shown), ...(more > 0 ? [`And ${more} more of the kind.`] : [])].join(" ");
  }
}
