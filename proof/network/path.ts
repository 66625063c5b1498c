import type { Block } from "./blocks.ts";
import { addressNumber, addressText, block, holds, PrefixTable } from "./blocks.ts";
import { type Filter, type FilterRule, type NetworkModel, named, type Origin, type Port, type Route } from "./model.ts";
import { decidingRules } from "./rule-order.ts";
import { common, everything, nothing, type Traffic, traffic, union, without } from "./traffic.ts";

/** A firewall that a packet meets, with the addresses it has there. */
export interface Check {
  readonly port: Port;
  readonly filter: string;
  readonly direction: "ingress" | "egress";
  readonly source: number;
  readonly destination: number;
}

/** One way that a packet may take from here to there. */
export interface Leg {
  /** One line each. */
  readonly hops: readonly string[];
  readonly checks: readonly Check[];
  /** Routes it took, with their tables. */
  readonly routes: readonly { readonly router: string; readonly route: Route }[];
  /** Largest packet that passes, bytes. */
  readonly mtu: number;
  readonly end:
    | { readonly kind: "port"; readonly port: Port }
    | { readonly kind: "internet"; readonly nat: string | undefined }
    | { readonly kind: "dropped"; readonly reason: string };
}

interface State {
  readonly source: number;
  readonly destination: number;
  /** NAT gateway or public interface whose address it has now. */
  readonly disguise: string | undefined;
  readonly hops: readonly string[];
  readonly checks: readonly Check[];
  readonly routes: Leg["routes"];
  readonly mtu: number;
  readonly visited: readonly string[];
}

/** Bytes on the Internet. */
const internetMtu = 1500;

interface CompiledRule {
  readonly rule: FilterRule;
  readonly sources: readonly Block[];
  readonly destinations: readonly Block[];
  readonly traffic: Traffic;
}

/** Walks packets through a model. Everything it looks up is indexed once. */
export class Paths {
  readonly model: NetworkModel;
  readonly #tables = new Map<string, PrefixTable<Route>>();
  readonly #ports = new Map<string, Map<number, Port>>();
  readonly #rules = new Map<string, { readonly ingress: CompiledRule[]; readonly egress: CompiledRule[] }>();

  constructor(model: NetworkModel) {
    this.model = model;
    for (const router of model.routers.values()) {
      const table = new PrefixTable<Route>();
      for (const route of router.routes) table.add(route.prefix, route);
      this.#tables.set(router.id, table);
    }
    for (const port of model.ports.values()) {
      const ofNetwork = this.#ports.get(port.network) ?? new Map<number, Port>();
      ofNetwork.set(addressNumber(port.address) ?? -1, port);
      this.#ports.set(port.network, ofNetwork);
    }
    for (const filter of model.filters.values())
      this.#rules.set(filter.id, { ingress: compile(filter, "ingress"), egress: compile(filter, "egress") });
  }

  /** The interface that holds an address in a network. */
  portAt(network: string, address: number): Port | undefined {
    return this.#ports.get(network)?.get(address);
  }

  /** The routes that a table takes for an address: of the longest prefix the preferred ones. */
  routesFor(router: string, address: number): readonly Route[] {
    const longest = this.#tables.get(router)?.longest(address) ?? [];
    if (longest.length < 2) return longest;
    const best = Math.max(...longest.map(({ preference }) => preference));
    return longest.filter(({ preference }) => preference === best);
  }

  /** All ways of a packet that an interface sends. */
  send(port: Port, source: number, destination: number): Leg[] {
    const own = addressNumber(port.address) === source;
    const state = start(source, destination, [
      `${port.label} sends ${addressText(source)} -> ${addressText(destination)}`,
    ]);
    if (!own && !port.forwards)
      return [
        dropped(state, `${port.label} may send from no address but its own (source/destination check, IP forwarding)`),
      ];
    return this.#route(port.router, { ...state, ...this.#meet(port, "egress", state) });
  }

  /** All ways of a packet that comes to a table from outside of the plan. */
  enter(router: string, source: number, destination: number, hop: string): Leg[] {
    return this.#route(router, start(source, destination, [hop]));
  }

  /** A packet that is at an interface already: the Internet's, or a probe's of the cloud. */
  arrive(port: Port, source: number, hop: string): Leg {
    const destination = addressNumber(port.address) ?? 0;
    return this.#deliver(port, start(source, destination, [hop]));
  }

  /** What a firewall lets through between two addresses. */
  allowed({ filter, direction, source, destination }: Check): Traffic {
    let open = nothing;
    let undecided: Traffic = everything;
    for (const { rule, traffic: matched } of this.matching(filter, direction, source, destination)) {
      if (rule.action === "allow") open = union([open, common(matched, undecided)]);
      undecided = without(undecided, matched);
    }
    return open;
  }

  /** Rules of a firewall for two addresses, the deciding one first. */
  matching(filter: string, direction: "ingress" | "egress", source: number, destination: number): CompiledRule[] {
    const rules = this.#rules.get(filter)?.[direction] ?? [];
    return rules.filter(
      ({ sources, destinations }) =>
        sources.some((each) => holds(each, source)) && destinations.some((each) => holds(each, destination)),
    );
  }

  #route(routerId: string, state: State): Leg[] {
    const router = this.model.routers.get(routerId);
    if (!router) return [dropped(state, "the way leads to a table that is not in the plan")];
    if (state.visited.includes(routerId)) return [dropped(state, `it comes back to ${router.label}: a loop`)];
    const routes = this.routesFor(routerId, state.destination);
    if (routes.length === 0)
      return [
        dropped(state, `no route to ${addressText(state.destination)} in ${router.label} (${named(router.origin)})`),
      ];
    return routes.flatMap((route) => {
      const next: State = {
        ...state,
        hops: [...state.hops, `${router.label}: ${route.prefix} -> ${nextText(route)} (${where(route.origin)})`],
        routes: [...state.routes, { router: routerId, route }],
        visited: [...state.visited, routerId],
      };
      return this.#follow(router.network, route, next);
    });
  }

  #follow(network: string | undefined, { next }: Route, state: State): Leg[] {
    switch (next.kind) {
      case "drop":
        return [dropped(state, next.reason)];
      case "local": {
        const port = network === undefined ? undefined : this.portAt(network, state.destination);
        if (port) return [this.#deliver(port, this.#within(network, state))];
        const label = this.model.networks.get(network ?? "")?.label ?? "the network";
        return [dropped(state, `no interface in ${label} has ${addressText(state.destination)}`)];
      }
      case "port": {
        const port = this.model.ports.get(next.port);
        return [
          port
            ? this.#deliver(port, this.#within(network, state))
            : dropped(state, "the interface it leads to is not in the plan"),
        ];
      }
      case "router":
        return this.#route(next.router, { ...state, mtu: Math.min(state.mtu, next.mtu ?? state.mtu) });
      case "nat": {
        const nat = this.model.nats.get(next.nat);
        if (!nat) return [dropped(state, "the NAT gateway it leads to is not in the plan")];
        if (!nat.public) return [dropped(state, `${nat.label} has no public address`)];
        const disguised = {
          ...state,
          disguise: nat.id,
          hops: [...state.hops, `${nat.label}: its own address from here`],
        };
        return nat.router === undefined ? [internet(disguised)] : this.#route(nat.router, disguised);
      }
      case "internet": {
        const port = network === undefined ? undefined : this.portAt(network, state.source);
        if (state.disguise !== undefined || port?.public) return [internet(state)];
        return [dropped(state, `${addressText(state.source)} has no public address to leave with`)];
      }
    }
  }

  #within(network: string | undefined, state: State): State {
    return { ...state, mtu: Math.min(state.mtu, this.model.networks.get(network ?? "")?.mtu ?? state.mtu) };
  }

  #deliver(port: Port, state: State): Leg {
    const met = { ...state, ...this.#meet(port, "ingress", state) };
    if (addressNumber(port.address) !== state.destination && !port.forwards)
      return dropped(
        met,
        `${port.label} takes no packet but for its own address (source/destination check, IP forwarding)`,
      );
    const { hops, checks, routes, mtu } = met;
    return { hops: [...hops, `${port.label} has it`], checks, routes, mtu, end: { kind: "port", port } };
  }

  #meet(port: Port, direction: "ingress" | "egress", { checks, source, destination }: State): Pick<State, "checks"> {
    const own = port.filters.map((filter) => ({ port, filter, direction, source, destination }));
    return { checks: own.length === 0 ? checks : [...checks, ...own] };
  }
}

function start(source: number, destination: number, hops: readonly string[]): State {
  return {
    source,
    destination,
    disguise: undefined,
    hops,
    checks: [],
    routes: [],
    mtu: Number.POSITIVE_INFINITY,
    visited: [],
  };
}

function dropped({ hops, checks, routes, mtu }: State, reason: string): Leg {
  return { hops, checks, routes, mtu, end: { kind: "dropped", reason } };
}

function internet({ hops, checks, routes, mtu, disguise }: State): Leg {
  return { hops, checks, routes, mtu: Math.min(mtu, internetMtu), end: { kind: "internet", nat: disguise } };
}

function compile(filter: Filter, direction: FilterRule["direction"]): CompiledRule[] {
  return decidingRules(filter, direction).map((rule) => ({
    rule,
    sources: rule.sources.map(block),
    destinations: rule.destinations.map(block),
    traffic:
      rule.ranges.length === 0
        ? traffic(rule.protocol)
        : union(rule.ranges.map((range) => traffic(rule.protocol, range))),
  }));
}

function nextText({ next }: Route): string {
  switch (next.kind) {
    case "local":
      return "the network itself";
    case "port":
      return `interface ${next.port.split(" ").at(-1) ?? ""}`;
    case "router":
      return next.label;
    case "nat":
      return `NAT gateway ${next.nat.split(" ").at(-1) ?? ""}`;
    case "internet":
      return "internet gateway";
    case "drop":
      return "nothing";
  }
}

function where({ stack, resource, part }: Origin): string {
  return `${stack}: ${resource}${part === undefined ? "" : `, ${part}`}`;
}
