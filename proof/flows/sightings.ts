import type { Conversation } from "./conversations.ts";
import type { Fate } from "./judge.ts";
import type { Example, Tally } from "./tally.ts";

/** How often, when and where conversations of one kind were seen. */
export interface Sight {
  /** Each flow once, wherever and however often it was seen. */
  readonly flows: number;
  /** RFC 3339, UTC; absent where the file leaves times out. */
  readonly first?: string;
  readonly last?: string;
  /** Policies that audit have already said so. */
  readonly audited: boolean;
  readonly examples: readonly Example[];
}

const shownExamples = 3;

/** The tallies that a verdict is about: of the requests and lookups that are refused, or else of everything. */
export function talliesOf(conversation: Conversation, fates: readonly Fate[]): Tally[] {
  if (fates.some(({ kind }) => kind === "missing" || kind === "denied" || kind === "conflict")) {
    return everyTally(conversation);
  }
  const refused = fates.flatMap((fate) =>
    fate.kind === "refused"
      ? [
          ...fate.requests.map(({ tally }) => tally),
          ...fate.lookups.flatMap((name) => conversation.lookups.get(name) ?? []),
        ]
      : [],
  );
  return [...new Set(refused)];
}

/** What counts a conversation: a request is seen beside the connection that carries it, so that not both are added. */
export function everyTally({ packets, requests, lookups }: Conversation): Tally[] {
  const looked = [...[...requests.values()].map(({ tally }) => tally), ...lookups.values()];
  return sum(looked) > packets.flows ? looked : [packets];
}

function sum(tallies: readonly Tally[]): number {
  return tallies.reduce((total, { flows }) => total + flows, 0);
}

/** Adds tallies up. */
export function sightOf(tallies: readonly Tally[]): Sight {
  const times = tallies
    .flatMap(({ first, last }) => [first, last])
    .filter((time) => time !== "")
    .toSorted();
  const [first] = times;
  const last = times.at(-1);
  return {
    flows: sum(tallies),
    ...(first === undefined || last === undefined ? {} : { first: `${first}Z`, last: `${last}Z` }),
    audited: tallies.some(({ audited }) => audited),
    examples: tallies.flatMap(({ examples }) => examples).slice(0, shownExamples),
  };
}
