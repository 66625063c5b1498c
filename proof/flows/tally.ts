import type { Observation } from "./observation.ts";

/** Who talked, and where it was seen. */
export interface Example {
  readonly client: string;
  readonly server: string;
  /** `cluster/node`; empty where the file leaves it out. */
  readonly node: string;
}

const shownExamples = 3;

/** How often something was seen, and what became of it. Takes the same memory however often that is. */
export class Tally {
  /** RFC 3339 in UTC without `Z`; empty where the file leaves times out. */
  first = "";
  last = "";
  /** Seen under audit: passed, and would have been dropped. */
  audited = false;
  readonly examples: Example[] = [];
  readonly #counts = new Map<string, number>();
  readonly #latest = new Map<string, { readonly time: string; readonly dropped: boolean }>();

  add({ at, audited, client, event, flows, node, server, time, dropped }: Seen): void {
    const place = `${at} ${event}`;
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + flows);
    if (this.first === "" || time < this.first) this.first = time;
    if (time > this.last) this.last = time;
    const latest = this.#latest.get(at);
    if (latest === undefined || latest.time <= time) this.#latest.set(at, { time, dropped });
    this.audited ||= audited;
    if (
      this.examples.length < shownExamples &&
      !this.examples.some((each) => each.client === client && each.server === server)
    ) {
      this.examples.push({ client, server, node });
    }
  }

  /** The same flow is seen at both of its ends and in several events of each: what the place that saw most of them counted. */
  get flows(): number {
    return Math.max(0, ...this.#counts.values());
  }

  /** Policies drop it now: the last that one of its ends told. */
  get dropped(): boolean {
    return [...this.#latest.values()].some(({ dropped }) => dropped);
  }
}

export interface Seen extends Example, Pick<Observation, "at" | "event" | "flows" | "time"> {
  readonly audited: boolean;
  readonly dropped: boolean;
}
