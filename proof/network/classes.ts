import { PrefixTable } from "./blocks.ts";
import type { Endpoint } from "./endpoints.ts";
import type { NetworkModel } from "./model.ts";
import type { Paths } from "./path.ts";
import { ruleBlocks } from "./rule-order.ts";

/** Endpoints that no rule and no route tells apart; the first stands for all. */
export interface EndpointClass {
  readonly first: Endpoint;
  readonly members: readonly Endpoint[];
}

/**
 * Groups endpoints that are alike: same site and parties, interfaces with the same subnet, firewalls and switches, held by the same blocks
 * of rules, and with the same next hop in every table of the plan, where "its own interface" counts as the same. So one missing route or
 * one rule more for one node makes a class of its own, and two nodes of a class can stand for all.
 */
export function classify(endpoints: readonly Endpoint[], paths: Paths): EndpointClass[] {
  const blocks = numberedBlocks(paths.model);
  const classes = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const key = [
      endpoint.site,
      endpoint.kind,
      endpoint.own.join(),
      portKey(endpoint),
      blocks.all(endpoint.addresses.first).join(),
      nextHops(endpoint, paths),
    ].join("|");
    const members = classes.get(key);
    if (members) members.push(endpoint);
    else classes.set(key, [endpoint]);
  }
  return [...classes.values()].flatMap((members) => (members[0] ? [{ first: members[0], members }] : []));
}

function portKey({ port }: Endpoint): string {
  if (!port) return "";
  const { kind, network, router, forwards, filters, zone } = port;
  return [kind, network, router, forwards, filters.join("+"), port.public, zone].join("/");
}

/** A number for each block that a rule names. */
function numberedBlocks(model: NetworkModel): PrefixTable<number> {
  const table = new PrefixTable<number>();
  for (const [index, cidr] of [...ruleBlocks(model)].entries()) table.add(cidr, index);
  return table;
}

function nextHops({ addresses, port }: Endpoint, paths: Paths): string {
  const hops: string[] = [];
  for (const router of paths.model.routers.keys()) {
    const routes = paths.routesFor(router, addresses.first);
    hops.push(
      routes
        .map(({ next, prefix }) => {
          if (next.kind === "port") return next.port === port?.id ? "own" : next.port;
          // A longer prefix with the same end would be a route that only some have.
          const length = prefix.slice(prefix.indexOf("/"));
          return next.kind === "router" ? `${next.router}${next.mtu ?? ""}${length}` : `${next.kind}${length}`;
        })
        .join(),
    );
  }
  return hops.join(";");
}
