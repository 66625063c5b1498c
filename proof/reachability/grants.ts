import { addBit, type Bits, both, either, isEmpty, noBits, without } from "./bits.ts";
import type { L4Protocol, L7Rules, PolicyEntry, PortProtocol } from "./entry.ts";
import type { Identities } from "./identities.ts";
import type { Party } from "./party.ts";
import { everyPort, type PortSet, portsOf, union } from "./port-sets.ts";

/** What decides about a connection that a proxy takes (`pkg/policy/l4.go`, L7ParserType). */
export type Parser = "http" | "dns" | "kafka" | "tls" | "crd";

interface Peers {
  readonly peers: Bits;
  /** Those of them that the rule selects, without aggregates: whom a proxy takes it to be about. */
  readonly selected: Bits;
}

/** For these peers on these ports: allowed or denied. */
export interface Grant extends Peers {
  readonly ports: PortSet;
  readonly verdict: "allow" | "deny";
  /** Traffic passes a proxy, which looks at `l7`. */
  readonly parser?: Parser;
  readonly l7?: L7Rules;
  /** `CiliumNetworkPolicy payments/api spec.ingress[0]`. */
  readonly rule: string;
}

/** A port that a rule names and that means another one in each subject (ingress), or up to 1.19 one for all pods (egress). */
export interface NamedGrant {
  readonly grant: Omit<Grant, "ports">;
  readonly name: string;
  readonly protocol: L4Protocol;
  readonly endPort?: number;
}

/** An entry's grants; those by named port wait for a subject. */
export interface Grants {
  readonly fixed: readonly Grant[];
  readonly named: readonly NamedGrant[];
}

/** The protocols that `ANY` stands for on a port. */
export function concreteProtocols(protocol: L4Protocol): readonly L4Protocol[] {
  return protocol === "ANY" ? ["TCP", "UDP", "SCTP"] : [protocol];
}

/** Which proxy takes traffic of a protocol under these rules; `undefined` for none. */
export function parserOf(l7: L7Rules | undefined, protocol: L4Protocol): Parser | undefined {
  if (l7 === undefined) return undefined;
  if (l7.listener !== undefined) return "crd";
  if (l7.dns !== undefined && l7.dns.length > 0) return "dns";
  if (protocol === "TCP" && l7.http !== undefined && l7.http.length > 0) return "http";
  if (protocol === "TCP" && l7.kafka !== undefined && l7.kafka.length > 0) return "kafka";
  return l7.proxied === undefined ? undefined : "tls";
}

/** Works out what each entry comes to for a fixed set of parties. */
export class GrantMaker {
  readonly #identities: Identities;
  /** By port name and protocol: who has it, by number. */
  readonly #portsByName: ReadonlyMap<string, ReadonlyMap<number, Bits>>;
  /** Up to 1.19 an egress rule's names wait for a subject's other rules, as those of ingress rules always do. */
  readonly #waits: (direction: PolicyEntry["direction"]) => boolean;
  readonly #peers = new Map<PolicyEntry["peers"], Peers>();

  /** @param minor  Of Cilium 1.x. */
  constructor(identities: Identities, parties: readonly Party[], minor: number) {
    this.#identities = identities;
    this.#waits = (direction) => direction === "ingress" || minor < 20;
    this.#portsByName = namedPortsOf(identities, parties);
  }

  grantsOf({ policy, path, peers: selectors, ports, verdict, direction }: PolicyEntry): Grants {
    if (selectors === "none") return { fixed: [], named: [] };
    const common = { ...this.#peersOf(selectors), verdict, rule: `${policy} ${path}` };
    if (ports.length === 0) return { fixed: [{ ...common, ports: everyPort }], named: [] };
    const items = ports.flatMap(({ ports: written, l7 }) => {
      const byParser = Map.groupBy(written.flatMap(concrete), ({ protocol }) => parserOf(l7, protocol));
      return [...byParser].map(([parser, list]) => {
        const asked = parser === undefined ? {} : { parser, ...(l7 === undefined ? {} : { l7 }) };
        return { grant: { ...common, ...asked }, list };
      });
    });
    return {
      fixed: items.flatMap(({ grant, list }) => [
        ...numbered(grant, list),
        ...(this.#waits(direction) ? [] : list.flatMap((item) => this.#namedByPeers(grant, item))),
      ]),
      named: this.#waits(direction)
        ? items.flatMap(({ grant, list }) => list.flatMap((item) => named(grant, item)))
        : [],
    };
  }

  /** On the way out a name means the port that each peer has by it. */
  #namedByPeers(grant: Omit<Grant, "ports">, { protocol, port }: PortProtocol): Grant[] {
    if (typeof port === "number") return [];
    return [...(this.#portsByName.get(`${port}/${protocol}`) ?? [])].map(([number, having]) => {
      const peers = both(grant.selected, having);
      return { ...grant, peers, selected: peers, ports: portsOf(protocol, number) };
    });
  }

  #peersOf(selectors: Exclude<PolicyEntry["peers"], "none">): Peers {
    const known = this.#peers.get(selectors);
    if (known !== undefined) return known;
    const { all, none } = this.#identities;
    const selected =
      selectors.length === 0
        ? all
        : selectors.map((selector) => this.#identities.selected(selector)).reduce(either, none);
    const more = selectors.map((selector) => this.#identities.aggregated(selector)).reduce(either, none);
    const peers = { selected, peers: isEmpty(without(more, selected)) ? selected : either(selected, more) };
    this.#peers.set(selectors, peers);
    return peers;
  }
}

function numbered(grant: Omit<Grant, "ports">, list: readonly PortProtocol[]): Grant[] {
  const sets = list.flatMap(({ protocol, port, endPort }) =>
    typeof port === "number" ? [portsOf(protocol, port, endPort)] : [],
  );
  return sets.length === 0 ? [] : [{ ...grant, ports: union(sets) }];
}

function named(grant: Omit<Grant, "ports">, { protocol, port, endPort }: PortProtocol): NamedGrant[] {
  if (typeof port === "number") return [];
  return [{ grant, name: port, protocol, ...(endPort === undefined ? {} : { endPort }) }];
}

function concrete(item: PortProtocol): PortProtocol[] {
  return concreteProtocols(item.protocol).map((protocol) => ({ ...item, protocol }));
}

/** From 1.20 on named ports are part of an identity, so every peer's name stands for its own port. */
function namedPortsOf(identities: Identities, parties: readonly Party[]): Map<string, Map<number, Bits>> {
  const ports = new Map<string, Map<number, Bits>>();
  for (const party of parties) {
    for (const [name, { port, protocol }] of Object.entries(party.namedPorts ?? {})) {
      const byPort = ports.get(`${name}/${protocol}`) ?? new Map<number, Bits>();
      const having = byPort.get(port) ?? noBits(identities.size);
      addBit(having, identities.of(party));
      ports.set(`${name}/${protocol}`, byPort.set(port, having));
    }
  }
  return ports;
}

/** What `http/TCP` means on the way out up to 1.19: one port for every peer, if all pods agree on it. */
export function portsForAll(parties: readonly Party[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, Set<number>>();
  for (const { namedPorts } of parties) {
    for (const [name, { port, protocol }] of Object.entries(namedPorts ?? {})) {
      numbers.set(`${name}/${protocol}`, (numbers.get(`${name}/${protocol}`) ?? new Set()).add(port));
    }
  }
  return new Map(
    [...numbers].flatMap(([name, ports]) => (ports.size > 1 ? [] : [...ports].map((port) => [name, port] as const))),
  );
}
