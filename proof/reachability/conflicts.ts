import type { Direction, PolicyEntry, Selector } from "./entry.ts";
import { concreteProtocols, type Parser, parserOf } from "./grants.ts";
import { equals } from "./labels.ts";

/** What Cilium keeps for one selector on one port; two rules with the same must come to one (`pkg/policy/rule.go`, mergePortProto). */
interface Merged {
  deny: boolean;
  parser: Parser | undefined;
  listener: string | undefined;
  /** 1 before 126; 0 after all. */
  listenerPriority: number;
  terminatingTls: string | undefined;
  originatingTls: string | undefined;
  serverNames: readonly string[];
  authentication: PolicyEntry["authentication"];
  hasL7Rules: boolean;
  /** Tells equal ones from others. */
  text: string;
}

const defaultPriorities = { http: 101, kafka: 106, tls: 116, dns: 121, crd: 126 } as const;

/**
 * Why Cilium cannot make one policy of these entries of one subject; `undefined` where it can. Entries come in Cilium's order: by resource,
 * then as written.
 *
 * @param namespace  The subject's.
 */
export function conflictOf(
  entries: readonly PolicyEntry[],
  direction: Direction,
  namespace: string | undefined,
): string | undefined {
  const own = entries.filter((entry) => entry.direction === direction && entry.peers !== "none");
  if (namespace === undefined && own.some(namesListenerOfNamespace)) {
    return "it has no namespace, and a rule names a listener of a CiliumEnvoyConfig, which lies in its subject's";
  }
  const contested = contestedPorts(own);
  if (contested.size === 0) return undefined;
  const kept = new Map<string, Merged>();
  for (const entry of own) {
    for (const { port, merged } of filtersOf(entry)) {
      if (!contested.has(port)) continue;
      for (const selector of selectorTexts(entry)) {
        const place = `${port} ${selector}`;
        const existing = kept.get(place);
        const problem = existing === undefined ? undefined : merge(existing, merged);
        if (problem !== undefined) return `${problem} on ${port} for the same peers`;
        if (existing === undefined) kept.set(place, { ...merged });
      }
    }
  }
  return undefined;
}

function namesListenerOfNamespace({ ports }: PolicyEntry): boolean {
  return ports.some(({ l7 }) => l7?.listener?.namespaced === true);
}

/** Ports on which a proxy or authentication has a part in two rules or more: elsewhere nothing can be in another's way. */
function contestedPorts(entries: readonly PolicyEntry[]): Set<string> {
  const seen = new Set<string>();
  const contested = new Set<string>();
  for (const entry of entries) {
    for (const { port, merged } of filtersOf(entry)) {
      if (merged.parser === undefined && merged.authentication === undefined) continue;
      if (seen.has(port)) contested.add(port);
      seen.add(port);
    }
  }
  return contested;
}

const everyone: Selector = { kind: "labels", requirements: [] };
/** The entity `none`, whose rules are never brought together. */
const nobody = JSON.stringify({ kind: "labels", requirements: [equals("reserved", "none", "")] });

/** The selectors of an entry's peers, each once. */
function selectorTexts({ peers }: PolicyEntry): Set<string> {
  const selectors = peers === "none" ? [] : peers.length === 0 ? [everyone] : peers;
  return new Set(selectors.map((selector) => JSON.stringify(selector)).filter((text) => text !== nobody));
}

interface Filter {
  /** With its protocol; as Cilium tells one from another. */
  readonly port: string;
  readonly merged: Merged;
}

const filters = new WeakMap<PolicyEntry, readonly Filter[]>();

/** Many subjects share an entry. */
function filtersOf(entry: PolicyEntry): readonly Filter[] {
  const known = filters.get(entry) ?? makeFilters(entry);
  filters.set(entry, known);
  return known;
}

function makeFilters(entry: PolicyEntry): Filter[] {
  const common = { deny: entry.verdict === "deny", authentication: entry.authentication };
  const blank = {
    parser: undefined,
    listener: undefined,
    listenerPriority: 0,
    terminatingTls: undefined,
    originatingTls: undefined,
    serverNames: [],
    hasL7Rules: false,
  };
  if (entry.ports.length === 0) return [{ port: "every port", merged: withText({ ...common, ...blank }, undefined) }];
  return entry.ports.flatMap(({ ports, l7 }) =>
    ports.flatMap(({ protocol: written, port, endPort }) =>
      concreteProtocols(written).map((protocol) => {
        const parser = parserOf(l7, protocol);
        const range = typeof port === "string" || endPort === undefined || endPort === 0 ? "" : `-${endPort}`;
        const name = `port ${port}${range}/${protocol}`;
        // Without a parser, authentication or deny Cilium keeps nothing but the permission.
        const matters = parser !== undefined || common.deny || common.authentication !== undefined;
        const own = {
          ...common,
          parser,
          listener: l7?.listener?.name,
          listenerPriority: l7?.listener?.priority || (parser === undefined ? 0 : defaultPriorities[parser]),
          terminatingTls: l7?.terminatingTls,
          originatingTls: l7?.originatingTls,
          serverNames: l7?.serverNames ?? [],
          hasL7Rules: [l7?.http, l7?.dns, l7?.kafka].some((rules) => rules !== undefined && rules.length > 0),
        };
        return { port: name, merged: matters ? withText(own, l7) : withText({ ...common, ...blank }, undefined) };
      }),
    ),
  );
}

function withText(own: Omit<Merged, "text">, l7: unknown): Merged {
  return { ...own, text: JSON.stringify([own, l7]) };
}

/** Brings `next` into `existing`; the answer is what keeps them apart. */
function merge(existing: Merged, next: Merged): string | undefined {
  if (existing.text === next.text || existing.deny) return undefined;
  if (next.deny) {
    Object.assign(existing, next);
    return undefined;
  }
  // From here on it equals nothing that is written.
  existing.text = "";
  const problem = mergeProxy(existing, next);
  if (problem !== undefined) return problem;
  if (existing.authentication === undefined) existing.authentication = next.authentication;
  else if (next.authentication !== undefined && next.authentication !== existing.authentication) {
    return `authentication ${existing.authentication} and ${next.authentication}`;
  }
  for (const field of ["terminatingTls", "originatingTls"] as const) {
    if (existing[field] === undefined) existing[field] = next[field];
    else if (next[field] !== undefined && next[field] !== existing[field]) return "two different TLS contexts";
  }
  existing.serverNames = [...new Set([...existing.serverNames, ...next.serverNames])];
  if (existing.serverNames.length > 0 && existing.hasL7Rules && existing.terminatingTls === undefined) {
    return "rules on server names and on requests without the end of TLS";
  }
  existing.hasL7Rules ||= next.hasL7Rules;
  return undefined;
}

function mergeProxy(existing: Merged, next: Merged): string | undefined {
  if (existing.parser !== next.parser) {
    if (promotes(existing.parser, next.parser)) {
      existing.parser = next.parser;
      existing.listenerPriority = next.listenerPriority;
    } else if (!promotes(next.parser, existing.parser)) {
      return `two proxies (${existing.parser} and ${next.parser})`;
    }
  }
  const same = next.listener === existing.listener && next.listenerPriority === existing.listenerPriority;
  if (next.listener === undefined || same || rank(existing) < rank(next)) return undefined;
  if (existing.listener === undefined || rank(next) < rank(existing)) {
    existing.listener = next.listener;
    existing.listenerPriority = next.listenerPriority;
    return undefined;
  }
  return `the listeners ${existing.listener} and ${next.listener}, with the same priority`;
}

function promotes(from: Parser | undefined, to: Parser | undefined): boolean {
  return from === undefined || (from === "tls" && (to === "http" || to === "kafka"));
}

/** Priority 0 comes after all others. */
function rank({ listenerPriority }: Merged): number {
  return listenerPriority === 0 ? 65_535 : listenerPriority - 1;
}
