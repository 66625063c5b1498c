import { addressText, Cuts } from "../blocks.ts";
import type { Endpoint } from "../endpoints.ts";
import { type Pair, passage } from "../pairs.ts";
import type { Network, NetworkStatement } from "../prove.ts";
import { allBlocks } from "../rule-order.ts";
import { common, everything, isEmpty, nothing, type Traffic, trafficText, without } from "../traffic.ts";
import { first, sum } from "./reach.ts";

export const admission: NetworkStatement = {
  code: "GB-1908",
  severity: "error",
  title: "Nothing arrives that the port table does not list.",
  korean: "포트 표에 없는 것은 어떤 것도 도달하지 않습니다.",
  reason:
    "Whatever is open beyond the need is somebody else's way in. Computed on sets of addresses and ports: where a security group cannot tell pods from their node, or an NSG types of ICMP, the listed rows for the one open the other.",
  check: (network) => {
    const guarded = network.pairs.filter(
      ({ from, to }) => (from.port?.filters.length ?? 0) + (to.port?.filters.length ?? 0) > 0,
    );
    const inevitable = guarded.filter(({ mayArrive, required }) => !isEmpty(without(mayArrive, required)));
    const pieces = new Cuts(allBlocks(network.paths.model)).pieces().map(({ first: address }) => address);
    const owners = guardedEndpoints(network);
    return {
      facts: {
        pairs: sum(guarded),
        firewalls: owners.length,
        addressRanges: pieces.length,
        pairsOpenedByCoarseRules: sum(inevitable),
      },
      counterexample:
        first(guarded, (pair) => surplus(network, pair)) ??
        first(owners, (owner) => first(pieces, (address) => openTo(network, owner, address))),
    };
  },
};

/** One endpoint for each firewall and kind of endpoint behind it. */
function guardedEndpoints({ classes }: Network): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const { first: endpoint } of classes) {
    if (!endpoint.port || endpoint.port.filters.length === 0) continue;
    found.set(`${endpoint.site} ${endpoint.own.join()} ${endpoint.port.filters.join()}`, endpoint);
  }
  return [...found.values()];
}

function surplus(network: Network, { from, to, out, mayArrive }: Pair): string | undefined {
  if (isEmpty(mayArrive)) return undefined;
  const permitted = common(
    permittedOut(network, from, to.addresses.first),
    permittedIn(network, to, from.addresses.first),
  );
  const extra = without(mayArrive, permitted);
  if (isEmpty(extra)) return undefined;
  const leg = out.find(({ checks }) => !isEmpty(common(extra, passage(checks, network.paths))));
  return `${from.label} -> ${to.label}: ${trafficText(extra)} arrives, and no row of the port table lists it: ${leg?.hops.join("; ") ?? ""}; let in by ${openers(network, leg?.checks ?? [], extra)}`;
}

function permittedOut({ tables }: Network, from: Endpoint, destination: number): Traffic {
  const table = tables.get(from.site);
  if (!from.port || from.port.filters.length === 0 || !table) return everything;
  return table.permittedOut(table.local(from), destination);
}

function permittedIn({ tables }: Network, to: Endpoint, source: number): Traffic {
  const table = tables.get(to.site);
  if (!to.port || to.port.filters.length === 0 || !table) return everything;
  return table.permittedIn(table.local(to), source);
}

/** What a firewall by itself opens to an address that may be nobody's yet. */
function openTo(network: Network, owner: Endpoint, address: number): string | undefined {
  const { port, addresses } = owner;
  if (!port) return undefined;
  for (const direction of ["ingress", "egress"] as const) {
    const [source, destination] = direction === "ingress" ? [address, addresses.first] : [addresses.first, address];
    const checks = port.filters.map((filter) => ({ port, filter, direction, source, destination }));
    const open = passage(checks, network.paths);
    if (open === nothing || isEmpty(open)) continue;
    const permitted =
      direction === "ingress" ? permittedIn(network, owner, address) : permittedOut(network, owner, address);
    const extra = without(open, permitted);
    if (!isEmpty(extra)) {
      const far = `${addressText(address)} (and its neighbours)`;
      return `${direction === "ingress" ? `${far} -> ${owner.label}` : `${owner.label} -> ${far}`}: ${trafficText(extra)} passes, and no row of the port table lists it: let through by ${openers(network, checks, extra)}`;
    }
  }
  return undefined;
}

function openers({ paths }: Network, checks: Pair["out"][number]["checks"], extra: Traffic): string {
  const rules = checks.flatMap(({ filter, direction, source, destination }) =>
    paths
      .matching(filter, direction, source, destination)
      .filter(({ rule, traffic }) => rule.action === "allow" && !isEmpty(common(traffic, extra)))
      .map(
        ({ rule }) =>
          `${rule.origin.stack}: ${rule.origin.resource}${rule.origin.part === undefined ? "" : `, ${rule.origin.part}`}`,
      ),
  );
  return [...new Set(rules)].slice(0, 3).join("; ") || "the lack of any firewall";
}
