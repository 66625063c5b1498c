import type { Conversation } from "./conversations.ts";
import { type Enforcement, type Fate, type Judged, judge } from "./judge.ts";
import { type MissingRule, missingRules, type OwnRange } from "./missing-rules.ts";
import { nameEnd } from "./named-end.ts";
import { everyTally, type Sight, sightOf } from "./sightings.ts";
import { Workloads } from "./workload.ts";

/** Conversations that no rule can open, since a deny rule or a contradiction closes them. */
export interface Denied extends Sight {
  readonly client: string;
  readonly server: string;
  readonly ports: readonly string[];
  /** `CiliumNetworkPolicy payments/api spec.ingressDeny[0]`, or why Cilium cannot compute a policy. */
  readonly by: readonly string[];
  /** Whether they are dropped today, too. */
  readonly dropped: boolean;
}

/** What enforcing would change for what was seen. */
export interface FlowReport {
  /** Pass today and would be dropped: by the rule to add. */
  readonly missing: readonly MissingRule[];
  /** Would be dropped on purpose. */
  readonly denied: readonly Denied[];
  /** Are dropped today and would be: by the rule to add if they are meant to pass. */
  readonly droppedAlready: readonly MissingRule[];
  /** Are dropped today and would pass. */
  readonly opened: { readonly conversations: number; readonly flows: number };
  /** Pass today and would pass. */
  readonly kept: { readonly conversations: number; readonly flows: number };
  /** Clusters whose pods were seen and whose policies are not known. */
  readonly unknownClusters: readonly string[];
}

/** Whether enforcing would drop anything that passes today. */
export function wouldDrop({ missing, denied }: FlowReport): boolean {
  return missing.length > 0 || denied.some(({ dropped }) => !dropped);
}

/** Judges everything that was seen. Pure. */
export function flowReport(
  conversations: readonly Conversation[],
  enforcements: readonly Enforcement[],
  ownRanges: readonly OwnRange[] = [],
): FlowReport {
  const judged = judge(conversations, enforcements);
  const options = new Map(enforcements.map((each) => [each.options.cluster, each.options]));
  const workloads = new Workloads(new Set(conversations.flatMap(({ client, server }) => [client, server])));
  const parts = judged.flatMap(partsOf);
  const of = (kind: Part["kind"], dropped: boolean) =>
    parts.filter((part) => part.kind === kind && part.dropped === dropped).map((part) => part.judged);
  const count = (dropped: boolean) => {
    const all = of("allowed", dropped);
    const tallies = all.flatMap(({ conversation }) => everyTally(conversation));
    return { conversations: all.length, flows: sightOf(tallies).flows };
  };
  return {
    missing: missingRules(of("missing", false), options, workloads, ownRanges),
    denied: [...denials(of("denied", false), false, workloads), ...denials(of("denied", true), true, workloads)],
    droppedAlready: missingRules(of("missing", true), options, workloads, ownRanges),
    opened: count(true),
    kept: count(false),
    unknownClusters: [
      ...new Set(
        judged.flatMap(({ egress, ingress }) =>
          [egress, ingress].flatMap((fate) => (fate.kind === "unknown" ? [fate.cluster] : [])),
        ),
      ),
    ].toSorted(),
  };
}

interface Part {
  readonly kind: "allowed" | "missing" | "denied";
  /** Whether it is dropped today. */
  readonly dropped: boolean;
  readonly judged: Judged;
}

/** Where rules refuse some requests of a conversation, those that pass today and those that do not are two parts. */
function partsOf(judged: Judged): Part[] {
  const { conversation, egress, ingress } = judged;
  const fates = [egress, ingress];
  const { dropped } = conversation.packets;
  if (fates.some(({ kind }) => kind === "denied" || kind === "conflict")) return [{ kind: "denied", dropped, judged }];
  if (fates.some(({ kind }) => kind === "missing")) return [{ kind: "missing", dropped, judged }];
  if (fates.some(({ kind }) => kind === "refused")) {
    return [true, false].flatMap((today): Part[] => {
      const [out, into] = fates.map((fate) => narrowed(fate, conversation, today));
      if (out === undefined || into === undefined || (out.kind !== "refused" && into.kind !== "refused")) return [];
      return [{ kind: "missing", dropped: today, judged: { conversation, egress: out, ingress: into } }];
    });
  }
  return [{ kind: "allowed", dropped: everyTally(conversation).some((tally) => tally.dropped), judged }];
}

/** Of refused requests and lookups, those that are dropped today, or those that are not. */
function narrowed(fate: Fate, { lookups }: Conversation, dropped: boolean): Fate {
  if (fate.kind !== "refused") return fate;
  const requests = fate.requests.filter(({ tally }) => tally.dropped === dropped);
  const names = fate.lookups.filter((name) => lookups.get(name)?.dropped === dropped);
  return requests.length + names.length === 0 ? { kind: "allowed" } : { ...fate, requests, lookups: names };
}

function denials(judged: readonly Judged[], dropped: boolean, workloads: Workloads): Denied[] {
  const named = judged.map((each) => ({
    judged: each,
    client: nameEnd(each.conversation, "client", workloads),
    server: nameEnd(each.conversation, "server", workloads),
    by: deniers(each),
  }));
  const groups = Map.groupBy(named, ({ client, server, by }) => JSON.stringify([client.key, server.key, by]));
  return [...groups.values()]
    .flatMap((members): Denied[] => {
      const [first] = members;
      if (first === undefined) return [];
      const conversations = members.map(({ judged: { conversation } }) => conversation);
      return [
        {
          client: first.client.text,
          server: first.server.text,
          ports: [...new Set(conversations.map(({ port, protocol }) => `${port}/${protocol}`))],
          by: first.by,
          dropped,
          ...sightOf(conversations.flatMap(everyTally)),
        },
      ];
    })
    .toSorted((one, other) => other.flows - one.flows);
}

function deniers({ egress, ingress }: Judged): string[] {
  const by = [egress, ingress].flatMap((fate) =>
    fate.kind === "denied" ? fate.rules : fate.kind === "conflict" ? [fate.reason] : [],
  );
  return [...new Set(by)];
}
