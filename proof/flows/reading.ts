import { AddressClasses } from "./address-classes.ts";
import { type Conversation, Conversations } from "./conversations.ts";
import { Ends } from "./ends.ts";
import { type HubbleFlow, readLine } from "./hubble.ts";
import type { Enforcement } from "./judge.ts";
import { type Aside, observe } from "./observation.ts";

/** What was in the files. */
export interface Counts {
  readonly lines: number;
  readonly flows: number;
  /** Flows that say nothing about who calls whom, by why. */
  readonly asides: Readonly<Partial<Record<Aside, number>>>;
  /** Events that Hubble itself says it did not see. */
  readonly lost: number;
  readonly broken: number;
  /** The first line that cannot be read. */
  readonly firstBroken?: { readonly file: string; readonly line: number; readonly problem: string };
  /** RFC 3339, UTC. */
  readonly first?: string;
  readonly last?: string;
  /** Clusters whose agents wrote the files. */
  readonly clusters: readonly string[];
}

/** Takes the lines of flow files one after the other and keeps what policies can tell apart. */
export class Reading {
  readonly #conversations: Conversations;
  readonly #asides = new Map<Aside, number>();
  readonly #clusters = new Set<string>();
  #lines = 0;
  #flows = 0;
  #lost = 0;
  #broken = 0;
  #first = "";
  #last = "";
  #firstBroken: Counts["firstBroken"];

  constructor(enforcements: readonly Enforcement[]) {
    this.#conversations = new Conversations(new Ends(new AddressClasses(enforcements.map(({ loaded }) => loaded))));
  }

  /** @param line  1-based. */
  add(text: string, file: string, line: number): void {
    if (text.trim() === "") return;
    this.#lines += 1;
    const read = readLine(text);
    switch (read.kind) {
      case "broken":
        this.#broken += 1;
        this.#firstBroken ??= { file, line, problem: read.problem };
        break;
      case "reply":
        this.#flows += 1;
        this.#setAside("reply");
        break;
      case "lost":
        this.#lost += read.events;
        break;
      case "other":
        break;
      case "flow":
        this.#addFlow(read.flow);
    }
  }

  get conversations(): readonly Conversation[] {
    return this.#conversations.all;
  }

  get counts(): Counts {
    return {
      lines: this.#lines,
      flows: this.#flows,
      asides: Object.fromEntries(this.#asides),
      lost: this.#lost,
      broken: this.#broken,
      ...(this.#firstBroken === undefined ? {} : { firstBroken: this.#firstBroken }),
      ...(this.#first === "" ? {} : { first: `${this.#first}Z`, last: `${this.#last}Z` }),
      clusters: [...this.#clusters].toSorted(),
    };
  }

  #addFlow(flow: HubbleFlow): void {
    this.#flows += 1;
    const observation = observe(flow);
    const aside = typeof observation === "string" ? observation : this.#conversations.add(observation);
    if (aside !== undefined) this.#setAside(aside);
    if (typeof observation === "string") return;
    if (observation.cluster !== "") this.#clusters.add(observation.cluster);
    if (observation.time === "") return;
    if (this.#first === "" || observation.time < this.#first) this.#first = observation.time;
    if (observation.time > this.#last) this.#last = observation.time;
  }

  #setAside(why: Aside): void {
    this.#asides.set(why, (this.#asides.get(why) ?? 0) + 1);
  }
}
