import { matchesName } from "../reachability/domain-names.ts";
import type { Direction, EngineOptions } from "../reachability/entry.ts";
import type { Loaded } from "../reachability/load.ts";
import { type Opening, Reachability, type Traffic } from "../reachability/reachability.ts";
import type { Conversation, Requests } from "./conversations.ts";
import type { End } from "./ends.ts";

/** The policies of one cluster as they shall be enforced. */
export interface Enforcement {
  readonly options: EngineOptions;
  readonly loaded: Loaded;
}

/** What enforcing decides at one end of a conversation. */
export type Fate =
  | { readonly kind: "allowed" }
  /** Default deny, and no rule lets it pass. */
  | {
      readonly kind: "missing";
      /** No lookup of the subject passes the DNS proxy. */
      readonly unwatched: boolean;
    }
  /** Rules let the connection pass and refuse these requests or lookups in it. */
  | {
      readonly kind: "refused";
      readonly requests: readonly Requests[];
      readonly lookups: readonly string[];
      readonly rules: readonly string[];
    }
  /** A deny rule, which no other can overrule. */
  | { readonly kind: "denied"; readonly rules: readonly string[] }
  /** Policies of the pod contradict each other, so that Cilium drops everything. */
  | { readonly kind: "conflict"; readonly reason: string }
  /** No policies of its cluster are known. */
  | { readonly kind: "unknown"; readonly cluster: string };

/** A conversation with what each end's policies say. */
export interface Judged {
  readonly conversation: Conversation;
  readonly egress: Fate;
  readonly ingress: Fate;
}

const allowed: Fate = { kind: "allowed" };

/** Asks the policies of each end's cluster about every conversation. Pure. */
export function judge(conversations: readonly Conversation[], enforcements: readonly Enforcement[]): Judged[] {
  const parties = [...new Set(conversations.flatMap(({ client, server }) => [client.party, server.party]))];
  const engines = new Map(
    enforcements.map(({ loaded, options }) => [
      options.cluster,
      { engine: new Reachability(loaded, parties, options), minor: Number(options.version.split(".")[1]) },
    ]),
  );
  const fate = (direction: Direction, subject: End, peer: End, conversation: Conversation): Fate => {
    const { who } = subject;
    if (who.kind === "address") return allowed;
    const cluster = engines.get(who.cluster);
    if (cluster !== undefined) return fateOf(cluster, direction, subject, peer, conversation);
    return who.kind === "pod" ? { kind: "unknown", cluster: who.cluster } : allowed;
  };
  return conversations.map((conversation) => {
    const { client, server } = conversation;
    return {
      conversation,
      egress: fate("egress", client, server, conversation),
      ingress: fate("ingress", server, client, conversation),
    };
  });
}

function fateOf(
  { engine, minor }: { readonly engine: Reachability; readonly minor: number },
  direction: Direction,
  { party: subject }: End,
  { party: peer }: End,
  { protocol, port, requests, lookups }: Conversation,
): Fate {
  const { conflict, grants } = engine.policyOf(subject)[direction];
  if (conflict !== undefined) return { kind: "conflict", reason: conflict };
  const ask = (http?: Traffic["http"]) =>
    engine.side(direction, subject, peer, { protocol, port, ...(http === undefined ? {} : { http }) });
  const connection = ask();
  if (connection.verdict === "denied") {
    const unwatched = direction === "egress" && !grants.some(({ parser }) => parser === "dns");
    return connection.rules.length > 0 ? { kind: "denied", rules: connection.rules } : { kind: "missing", unwatched };
  }
  const refused = [...requests.values()].filter((kind) => kind.requests.some((http) => ask(http).verdict === "denied"));
  const openings = lookups.size === 0 ? [] : engine.openings(direction, subject, peer);
  const here = openings.filter((each) => each.protocol === protocol && each.from <= port && port <= each.to);
  const names = [...lookups.keys()].filter((name) => !answers(here, name, minor));
  if (refused.length === 0 && names.length === 0) return allowed;
  return { kind: "refused", requests: refused, lookups: names, rules: connection.rules };
}

/** Whether the DNS proxy lets a lookup pass: any rule of the port that asks for no names, or for this one. */
function answers(openings: readonly Opening[], name: string, minor: number): boolean {
  const asked = openings.flatMap(({ l7 }) => l7 ?? [{}]);
  return asked.some(
    ({ dns }) => dns === undefined || dns.some((rule) => matchesName(rule.name ?? rule.pattern ?? "", name, minor)),
  );
}
