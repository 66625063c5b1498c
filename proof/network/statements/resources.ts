import { block } from "../blocks.ts";
import type { EndpointClass } from "../classes.ts";
import type { Endpoint } from "../endpoints.ts";
import { type FilterRule, type Line, named } from "../model.ts";
import { backward } from "../pairs.ts";
import type { Network, NetworkStatement } from "../prove.ts";
import { flawText } from "../resources.ts";
import { isEmpty, traffic, union } from "../traffic.ts";
import { first } from "./reach.ts";

export const readable: NetworkStatement = {
  code: "GB-1901",
  severity: "error",
  title:
    "Every network resource is of a kind that the proof knows, refers to what exists, and stands where its address belongs.",
  korean: "모든 네트워크 리소스는 증명이 아는 종류이고, 존재하는 것을 참조하며, 자기 주소가 속한 곳에 있습니다.",
  reason: "What cannot be read cannot be proven, and a cloud accepts a route that leads nowhere.",
  check: ({ paths }) => {
    const { networks, routers, ports, filters, flaws } = paths.model;
    const [flaw] = flaws;
    return {
      facts: {
        networks: networks.size,
        tables: routers.size,
        interfaces: ports.size,
        firewalls: filters.size,
        ...(flaws.length > 0 ? { flaws: flaws.length } : {}),
      },
      counterexample: flaw && flawText(flaw),
    };
  },
};

export const idle: NetworkStatement = {
  code: "GB-1909",
  severity: "error",
  title: "No route and no firewall rule is idle: each serves a flow of the port table.",
  korean: "쓰이지 않는 라우트나 방화벽 규칙은 없습니다. 각각은 포트 표의 흐름 하나 이상을 위한 것입니다.",
  reason: "A rule that serves nothing today opens something tomorrow, when an address is given to somebody else.",
  check: (network) => {
    const { paths } = network;
    const used = usedRoutes(network);
    const routes = [...paths.model.routers.values()].flatMap(({ routes: own }) =>
      own.filter(({ implied }) => !implied),
    );
    const written = new Map(routes.map((route) => [named(route.origin), route]));
    const rules = [...paths.model.filters.values()].flatMap((filter) =>
      filter.rules
        .filter(({ implied, action }) => !implied && action === "allow")
        .map((rule) => ({ filter: filter.id, rule })),
    );
    return {
      facts: { routes: written.size, rules: rules.length },
      counterexample:
        first([...written], ([name, route]) =>
          used.has(name) ? undefined : `${name}: ${route.prefix}: no packet of the plan takes this route`,
        ) ??
        first(rules, ({ filter, rule }) =>
          serves(network, filter, rule)
            ? undefined
            : `${named(rule.origin)}: ${ruleText(rule)}: it serves no row of the port table`,
        ),
    };
  },
};

/** Routes that packets of the port table take, or that pods' packets would take; by the route's resource. */
function usedRoutes(network: Network): Set<string> {
  const { pairs, paths, tables, classes } = network;
  const visits = new Map<EndpointClass, Set<string>>();
  const note = (to: EndpointClass, legs: readonly { readonly routes: readonly { readonly router: string }[] }[]) => {
    const routers = visits.get(to) ?? new Set<string>();
    for (const { routes } of legs) for (const { router } of routes) routers.add(router);
    visits.set(to, routers);
  };
  for (const pair of pairs) {
    const pods = pair.to.kind === "pod" && (pair.from.kind === "pod" || pair.from.kind === "node");
    const related =
      (tables.get(pair.from.site)?.sees(pair.to.site) ?? false) &&
      (tables.get(pair.to.site)?.sees(pair.from.site) ?? false);
    if (isEmpty(pair.required) && !(pods && related)) continue;
    note(pair.destination, pair.out);
    note(pair.source, backward(pair, paths));
  }
  const entries = new Map<string, string[]>();
  for (const { site, router } of paths.model.entries) entries.set(site, [...(entries.get(site) ?? []), router]);
  const used = new Set<string>();
  const take = (router: string, { addresses, port }: Endpoint, own: boolean) => {
    for (const route of paths.routesFor(router, addresses.first)) {
      if (!own || (route.next.kind === "port" && route.next.port === port?.id)) used.add(named(route.origin));
    }
  };
  for (const group of classes) {
    for (const member of group.members) {
      for (const router of visits.get(group) ?? []) take(router, member, false);
      // Each table of a site is ready for its pods, whoever joins the mesh or the pool later.
      if (member.kind !== "pod" || !member.port) continue;
      for (const router of [...(entries.get(member.site) ?? []), ...nodeRouters(network, member.site)])
        take(router, member, true);
    }
  }
  return used;
}

const routersBySite = new WeakMap<Network, Map<string, string[]>>();

function nodeRouters(network: Network, site: string): readonly string[] {
  const known = routersBySite.get(network) ?? new Map<string, string[]>();
  routersBySite.set(network, known);
  const found = known.get(site);
  if (found) return found;
  const nodes = network.classes.flatMap(({ first: { kind, port, site: own } }) =>
    kind === "node" && own === site && port ? [port.router] : [],
  );
  const routers = [...new Set([...nodes, ...subnetsLikeNodes(network, site, nodes)])];
  known.set(site, routers);
  return routers;
}

/** Tables of load balancers' subnets: in a zone that has no node yet as well. */
function subnetsLikeNodes({ paths }: Network, site: string, nodes: readonly string[]): string[] {
  return [...paths.model.ports.values()].flatMap(({ kind, site: own, router }) =>
    own === site && kind === "load-balancer" && !nodes.includes(router) ? [router] : [],
  );
}

/** Whether a row needs the rule for somebody behind its firewall: same packets, and the far end inside its block. */
function serves({ classes, tables }: Network, filter: string, rule: FilterRule): boolean {
  const packets =
    rule.ranges.length === 0
      ? traffic(rule.protocol)
      : union(rule.ranges.map((range) => traffic(rule.protocol, range)));
  const far = (rule.direction === "ingress" ? rule.sources : rule.destinations).map(block);
  const near = (rule.direction === "ingress" ? rule.destinations : rule.sources).map(block);
  return classes.some(({ first: endpoint }) => {
    const table = tables.get(endpoint.site);
    return (
      table !== undefined &&
      endpoint.port?.filters.includes(filter) === true &&
      near.some(({ first: from, last }) => from <= endpoint.addresses.last && endpoint.addresses.first <= last) &&
      table.needs(table.local(endpoint), rule.direction, packets, far)
    );
  });
}

function ruleText({ direction, protocol, ranges, sources, destinations }: FilterRule): string {
  const numbers = ranges.map((range) => range.join("-")).join(", ");
  return `${direction} ${protocol} ${numbers} ${direction === "ingress" ? `from ${sources.join(", ")}` : `to ${destinations.join(", ")}`}`;
}

export const exact: NetworkStatement = {
  code: "GB-1910",
  severity: "error",
  title: "Firewalls hold the port table rule by rule, tables the address plan route by route, and nothing else.",
  korean:
    "방화벽은 포트 표를 규칙 하나하나까지, 라우트 테이블은 주소 계획을 라우트 하나하나까지 그대로 담고 있으며, 그 밖의 것은 없습니다.",
  reason:
    "Two rules that open the same hide each other from a packet, so what is there is also compared with what should be.",
  check: ({ comparisons }) => ({
    facts: {
      lines: comparisons.reduce((total, { planned }) => total + planned.length, 0),
      stacks: comparisons.length,
    },
    counterexample: first(comparisons, ({ stack, planned, found }) => difference(stack, planned, found)),
  }),
};

/** The first line that only one side has. A resource of the same name on the other side is shown beside it. */
function difference(stack: string, planned: readonly Line[], found: readonly Line[]): string | undefined {
  const missing = surplusLine(planned, found);
  const extra = surplusLine(found, planned);
  if (!missing && !extra) return undefined;
  const twin = missing && found.find((line) => head(line) === head(missing) && line.text !== missing.text);
  if (missing && twin) return `stack ${stack}: ${twin.text}; the plan says ${missing.text}`;
  return missing ? `stack ${stack}: missing: ${missing.text}` : `stack ${stack}: not in the plan: ${extra?.text ?? ""}`;
}

/** What a line is about: `<type> <name>: <path>`. */
const head = ({ text }: Line) => text.split(" = ")[0];

function surplusLine(lines: readonly Line[], others: readonly Line[]): Line | undefined {
  const left = new Map<string, number>();
  for (const { text } of others) left.set(text, (left.get(text) ?? 0) + 1);
  return lines.find(({ text }) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}
