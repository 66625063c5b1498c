import { type AddressRange, holding } from "../objects/address-range.ts";
import type { Direction, EngineOptions } from "../reachability/entry.ts";
import { type Fragment, fragmentOf, type PortNeed } from "./fragments.ts";
import type { Fate, Judged } from "./judge.ts";
import { blocksOf, type NamedEnd, nameEnd } from "./named-end.ts";
import type { HttpRequest } from "./observation.ts";
import { type Sight, sightOf, talliesOf } from "./sightings.ts";
import type { Tally } from "./tally.ts";
import type { Sureness, Workloads } from "./workload.ts";

/** What has to be added so that one client reaches one server. */
export interface MissingRule extends Sight {
  readonly client: string;
  readonly server: string;
  /** `8080/TCP`, `8/ICMP`. */
  readonly ports: readonly string[];
  /** `GET /v1/[0-9]+`, `lookup api.bank.example`; what rules refuse although the port is open. */
  readonly requests: readonly string[];
  readonly sureness: Sureness;
  readonly doubts: readonly string[];
  /** One where a side lacks a rule: the client's own egress, the server's own ingress. */
  readonly fragments: readonly {
    readonly cluster: string;
    readonly direction: Direction;
    readonly policy: Fragment;
  }[];
}

/** Addresses that belong to pods: seen from outside only while Cilium does not know whose they are. */
export interface OwnRange {
  /** `pods of prod-seoul`. */
  readonly name: string;
  readonly range: AddressRange;
}

interface NeedDraft {
  readonly protocol: PortNeed["protocol"];
  readonly port: number;
  /** Connections lack a rule, not only requests in them. */
  plain: boolean;
  readonly http: Map<string, PortNeed["http"][number]>;
  readonly dns: Set<string>;
}

interface SideDraft {
  readonly cluster: string;
  /** By `8080/TCP`. */
  readonly needs: Map<string, NeedDraft>;
}

interface Draft {
  readonly client: NamedEnd;
  readonly server: NamedEnd;
  readonly tallies: Tally[];
  readonly sides: Map<Direction, SideDraft>;
  readonly ports: Set<string>;
  /** The client's lookups pass no DNS proxy, from which alone Cilium learns what a name means. */
  unwatched: boolean;
  /** Hubble was told to hide what headers say, and rules may ask for it. */
  hidden: boolean;
  readonly clientAddresses: Set<string>;
  readonly serverAddresses: Set<string>;
}

/**
 * Conversations that lack rules, by the rule to add. Pure.
 *
 * @param options  By the name of the cluster.
 */
export function missingRules(
  judged: readonly Judged[],
  options: ReadonlyMap<string, EngineOptions>,
  workloads: Workloads,
  ownRanges: readonly OwnRange[],
): MissingRule[] {
  const drafts = new Map<string, Draft>();
  for (const each of judged) {
    const client = nameEnd(each.conversation, "client", workloads);
    const server = nameEnd(each.conversation, "server", workloads);
    const key = `${client.key} ${server.key}`;
    const draft = drafts.get(key) ?? begin(client, server);
    drafts.set(key, draft);
    add(draft, each);
  }
  const names = new Names();
  return [...drafts.values()]
    .map((draft) => finish(draft, names, options, ownRanges))
    .toSorted((one, other) => other.flows - one.flows || one.client.localeCompare(other.client));
}

function begin(client: NamedEnd, server: NamedEnd): Draft {
  return {
    client,
    server,
    tallies: [],
    sides: new Map(),
    ports: new Set(),
    unwatched: false,
    hidden: false,
    clientAddresses: new Set(),
    serverAddresses: new Set(),
  };
}

function add(draft: Draft, { conversation, egress, ingress }: Judged): void {
  const { client, server, protocol, port } = conversation;
  draft.ports.add(`${port}/${protocol}`);
  for (const address of conversation.clientAddresses) draft.clientAddresses.add(address);
  for (const address of conversation.serverAddresses) draft.serverAddresses.add(address);
  draft.tallies.push(...talliesOf(conversation, [egress, ingress]));
  for (const [direction, fate, { who }] of [
    ["egress", egress, client],
    ["ingress", ingress, server],
  ] as const) {
    if ((fate.kind !== "missing" && fate.kind !== "refused") || who.kind === "address") continue;
    const side = draft.sides.get(direction) ?? { cluster: who.cluster, needs: new Map() };
    draft.sides.set(direction, side);
    const text = `${port}/${protocol}`;
    const need = side.needs.get(text) ?? { protocol, port, plain: false, http: new Map(), dns: new Set() };
    side.needs.set(text, need);
    addNeed(need, fate);
    draft.unwatched ||= fate.kind === "missing" && fate.unwatched;
    draft.hidden ||= fate.kind === "refused" && fate.requests.some(({ requests }) => requests.some(isHidden));
  }
}

function addNeed(need: NeedDraft, fate: Fate): void {
  if (fate.kind !== "refused") {
    need.plain = true;
    return;
  }
  for (const { method, pathPattern } of fate.requests)
    need.http.set(`${method} ${pathPattern}`, { method, path: pathPattern });
  for (const name of fate.lookups) need.dns.add(name);
}

function finish(
  draft: Draft,
  names: Names,
  options: ReadonlyMap<string, EngineOptions>,
  ownRanges: readonly OwnRange[],
): MissingRule {
  const { client, server, clientAddresses, serverAddresses, sides, tallies } = draft;
  const sight = sightOf(tallies);
  const fragments = [...sides].flatMap(([direction, { cluster, needs }]) => {
    const own = options.get(cluster);
    if (own === undefined) return [];
    const [subject, peer] = direction === "egress" ? [client, server] : [server, client];
    const place = `${cluster} ${subject.means.kind === "pods" ? subject.means.namespace : ""}`;
    const need = {
      name: names.next(place, `${slug(client.text)}-to-${slug(server.text)}-${direction}`),
      direction,
      subject: subject.means,
      peer: peer.means,
      peerAddresses: direction === "egress" ? serverAddresses : clientAddresses,
      ports: [...needs.values()].map(needOf),
    };
    return [{ cluster, direction, policy: fragmentOf(need, own), ports: need.ports }];
  });
  const outside = [
    ...(client.means.kind === "addresses" ? addressDoubts(clientAddresses, ownRanges) : []),
    ...(server.means.kind === "addresses" ? addressDoubts(serverAddresses, ownRanges) : []),
  ];
  return {
    client: textOf(client, clientAddresses),
    server: textOf(server, serverAddresses),
    ports: [...draft.ports].toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10)),
    requests: [...new Set(fragments.flatMap(({ ports }) => ports.flatMap(requestTexts)))],
    sureness: least([client.sureness, server.sureness, ...outside.map(({ sureness }) => sureness)]),
    doubts: [
      ...new Set([...client.doubts, ...server.doubts, ...outside.map(({ doubt }) => doubt)]),
      ...(draft.unwatched && server.means.kind === "names" ? [unwatchedDoubt] : []),
      ...(draft.hidden
        ? ["Hubble hides values of headers: whether a rule that asks for one would do is not known"]
        : []),
      ...(sight.flows === 1 ? ["seen once"] : []),
    ],
    fragments: fragments.map(({ cluster, direction, policy }) => ({ cluster, direction, policy })),
    ...sight,
  };
}

/** In place of a value (`pkg/hubble/defaults`). */
const redacted = "HUBBLE_REDACTED";

function isHidden({ headers }: HttpRequest): boolean {
  return Object.values(headers).includes(redacted);
}

const unwatchedDoubt =
  "toFQDNs learns addresses from lookups that pass the DNS proxy: these pods need a rule for port 53 with rules.dns, too";

function addressDoubts(
  addresses: ReadonlySet<string>,
  ownRanges: readonly OwnRange[],
): { readonly sureness: Sureness; readonly doubt: string }[] {
  const own = [...addresses].flatMap((address) => holding(ownRanges, address).map(({ name }) => ({ address, name })));
  const [first] = own;
  return [
    blocksOf(addresses) === undefined
      ? { sureness: "guess", doubt: "more addresses than can be listed: the rule names world; narrow it if you can" }
      : { sureness: "likely", doubt: "addresses outside change; a name or a wider block may be what is meant" },
    ...(first === undefined
      ? []
      : [
          {
            sureness: "guess" as const,
            doubt: `${first.address} is one of the ${first.name}, of which Cilium did not know the owner then; a rule by address never means a pod`,
          },
        ]),
  ];
}

function requestTexts({ http, dns }: PortNeed): string[] {
  return [...http.map(({ method, path }) => `${method} ${path}`), ...dns.map((name) => `lookup ${name}`)];
}

/** A connection that must be open carries any request. */
function needOf({ plain, protocol, port, http, dns }: NeedDraft): PortNeed {
  const patterns = [...http.values()].filter(({ method, path }) => !http.has(`${method} ${path}(\\?.*)?`));
  return plain ? { protocol, port, http: [], dns: [] } : { protocol, port, http: patterns, dns: [...dns].toSorted() };
}

function textOf({ means, text }: NamedEnd, addresses: ReadonlySet<string>): string {
  if (means.kind !== "addresses") return text;
  const blocks = blocksOf(addresses) ?? [];
  const [first] = blocks;
  if (first === undefined) return text;
  return blocks.length === 1 ? first : `${first} and ${blocks.length - 1} more`;
}

function least(all: readonly Sureness[]): Sureness {
  return all.includes("guess") ? "guess" : all.includes("likely") ? "likely" : "sure";
}

/** Names of policies: at most 63 characters, each once in its namespace. */
class Names {
  readonly #taken = new Set<string>();

  next(place: string, wanted: string): string {
    for (let number = 1; ; number += 1) {
      const suffix = number === 1 ? "" : `-${number}`;
      const name = `${wanted.slice(0, 63 - suffix.length).replace(/-+$/, "")}${suffix}`;
      if (this.#taken.has(`${place} ${name}`)) continue;
      this.#taken.add(`${place} ${name}`);
      return name;
    }
  }
}

/** A part of a policy's name, without the namespace and the further labels. */
function slug(text: string): string {
  const short = text.replace(/^[^/]*\//, "").replace(/[ ,].*/, "");
  const name = short.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return name.slice(0, 24).replaceAll(/^-+|-+$/g, "") || "any";
}
