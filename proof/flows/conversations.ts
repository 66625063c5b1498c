import type { End, Ends } from "./ends.ts";
import { literalPattern, pathPattern, widePattern } from "./http-shapes.ts";
import type { HttpRequest, Observation, ObservedEnd } from "./observation.ts";
import { type Seen, Tally } from "./tally.ts";

/** Addresses of an end are listed up to this many; a rule for more of them names `world`. */
export const listedAddresses = 16;
/** Kinds of requests of one conversation that are kept apart; further ones are taken together by the first part of their paths. */
const keptShapes = 200;
/** Names that one conversation looked up and that are kept. */
const keptNames = 1000;
/** Requests of one kind that are asked about: rules may tell them apart where their pattern does not. */
const keptRequests = 8;

/** HTTP requests of one kind. */
export interface Requests {
  /** For a rule, as the path: RE2, anchored. */
  readonly method: string;
  readonly pathPattern: string;
  readonly requests: HttpRequest[];
  readonly tally: Tally;
}

/** What a file says about one client, one server and one port. */
export interface Conversation {
  readonly client: End;
  readonly server: End;
  readonly protocol: Observation["protocol"];
  /** The type, for ICMP. */
  readonly port: number;
  /** Packets and connections. */
  readonly packets: Tally;
  /** By method and pattern. */
  readonly requests: Map<string, Requests>;
  /** By name. */
  readonly lookups: Map<string, Tally>;
  /** Of ends that are addresses, up to one more than are listed. */
  readonly clientAddresses: Set<string>;
  readonly serverAddresses: Set<string>;
}

/** Everything that was seen, by client, server and port. */
export class Conversations {
  readonly #ends: Ends;
  readonly #byKey = new Map<string, Conversation>();
  readonly #numbers = new Map<End, number>();

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  /** Adds a flow; tells why it cannot be judged if so. */
  add(observation: Observation): "no-identity" | "no-labels" | undefined {
    const { cluster, nodeLabels, protocol, port, http, dns } = observation;
    const client = this.#ends.of(observation.client, cluster, nodeLabels);
    if (typeof client === "string") return client;
    const server = this.#ends.of(observation.server, cluster, nodeLabels);
    if (typeof server === "string") return server;
    const key = `${this.#number(client)} ${this.#number(server)} ${protocol} ${port}`;
    const conversation = this.#byKey.get(key) ?? begin(client, server, observation);
    this.#byKey.set(key, conversation);
    note(conversation.clientAddresses, client, observation.client.ip);
    note(conversation.serverAddresses, server, observation.server.ip);
    const seen: Seen = {
      ...observation,
      client: nameOf(observation.client),
      server: nameOf(observation.server),
      audited: observation.outcome === "audited",
      dropped: observation.outcome === "dropped",
    };
    if (http !== undefined) addRequest(conversation, http, seen);
    else if (dns !== undefined) addLookup(conversation, dns, seen);
    else conversation.packets.add(seen);
    return undefined;
  }

  get all(): readonly Conversation[] {
    return [...this.#byKey.values()];
  }

  #number(end: End): number {
    const known = this.#numbers.get(end) ?? this.#numbers.size;
    this.#numbers.set(end, known);
    return known;
  }
}

function begin(client: End, server: End, { protocol, port }: Observation): Conversation {
  return {
    client,
    server,
    protocol,
    port,
    packets: new Tally(),
    requests: new Map(),
    lookups: new Map(),
    clientAddresses: new Set(),
    serverAddresses: new Set(),
  };
}

function note(addresses: Set<string>, { who }: End, ip: string): void {
  if (who.kind === "address" && addresses.size <= listedAddresses) addresses.add(ip);
}

function nameOf({ ip, namespace, pod_name: pod, names }: ObservedEnd): string {
  return pod === undefined ? (names[0] ?? ip) : `${namespace ?? ""}/${pod}`;
}

function addRequest({ requests }: Conversation, http: HttpRequest, seen: Seen): void {
  const exact = pathPattern(http.path);
  const key = (pattern: string) => `${http.method} ${pattern}`;
  const pattern = requests.has(key(exact)) || requests.size < keptShapes ? exact : widePattern(http.path);
  const known = requests.get(key(pattern));
  const kind = known ?? { method: literalPattern(http.method), pathPattern: pattern, requests: [], tally: new Tally() };
  requests.set(key(pattern), kind);
  kind.tally.add(seen);
  const alike = ({ path, host }: HttpRequest) => path === http.path && host === http.host;
  if (kind.requests.length < keptRequests && !kind.requests.some(alike)) kind.requests.push(http);
}

function addLookup({ lookups }: Conversation, name: string, seen: Seen): void {
  const tally = lookups.get(name) ?? (lookups.size < keptNames ? new Tally() : undefined);
  if (tally === undefined) return;
  lookups.set(name, tally);
  tally.add(seen);
}
