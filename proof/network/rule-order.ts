import { type Block, block } from "./blocks.ts";
import type { Filter, FilterRule, NetworkModel } from "./model.ts";

/**
 * The rules of a firewall in the order in which they decide, without those that nothing reaches: what stands behind a rule for every packet
 * (Azure's own rules behind `deny-rest`).
 */
export function decidingRules({ rules }: Filter, direction: FilterRule["direction"]): FilterRule[] {
  const ordered = rules
    .filter((rule) => rule.direction === direction)
    .toSorted((one, other) => one.priority - other.priority);
  const last = ordered.findIndex(takesAll);
  return last < 0 ? ordered : ordered.slice(0, last + 1);
}

function takesAll({ protocol, ranges, sources, destinations }: FilterRule): boolean {
  const all = (blocks: FilterRule["sources"]) => blocks.some((cidr) => cidr.endsWith("/0"));
  return protocol === "any" && ranges.length === 0 && all(sources) && all(destinations);
}

/** Every block that a rule of a model names and a packet can meet. */
export function ruleBlocks({ filters }: NetworkModel): Set<FilterRule["sources"][number]> {
  return new Set(
    [...filters.values()].flatMap((filter) =>
      (["ingress", "egress"] as const).flatMap((direction) =>
        decidingRules(filter, direction).flatMap(({ sources, destinations }) => [...sources, ...destinations]),
      ),
    ),
  );
}

/** Every block that a rule or a route of the model names. */
export function allBlocks(model: NetworkModel): Block[] {
  const cidrs = ruleBlocks(model);
  for (const { routes } of model.routers.values()) for (const { prefix } of routes) cidrs.add(prefix);
  return [...cidrs].map(block);
}
