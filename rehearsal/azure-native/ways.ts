import type { Announced } from "../packet.ts";
import type { WorldObject } from "../world.ts";
import { parsePrefix } from "./address.ts";
import { lastName } from "./arm.ts";
import { flagAt, textAt } from "./fields.ts";
import { inside } from "./filters.ts";

/** One effective route of a subnet. */
export interface Way {
  readonly prefix: string;
  /** As Azure names them: `VnetLocal`, `VirtualAppliance`, `VirtualNetworkGateway`, `Internet`, `None`. */
  readonly hop: string;
  /** Only of `VirtualAppliance`. */
  readonly address?: string;
  /** Where it comes from, for messages. */
  readonly origin: string;
}

/** Private space that Azure drops unless a network or a learned route holds it (learn.microsoft.com, virtual-networks-udr-overview). */
const unroutable = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

export interface Surroundings {
  /** Address space of the network. */
  readonly space: readonly string[];
  /** The subnet's table and its routes. */
  readonly table: WorldObject | undefined;
  readonly routes: readonly WorldObject[];
  /** The network's VPN gateway. */
  readonly gateway: string | undefined;
  readonly announced: Announced;
}

/**
 * The effective route to an address: the longest prefix; of equal ones the user's before BGP's before the system's. Inside the network's
 * own space BGP's never count (learn.microsoft.com, virtual-networks-udr-overview, "how Azure selects a route").
 */
export function wayTo(address: string, around: Surroundings): Way | undefined {
  const { table, routes, space, gateway, announced } = around;
  const own = routes.map(({ id, properties }): Way => {
    const hopAddress = textAt(properties, "nextHopIpAddress");
    return {
      prefix: textAt(properties, "addressPrefix") ?? "",
      hop: textAt(properties, "nextHopType") ?? "",
      ...(hopAddress === undefined ? {} : { address: hopAddress }),
      origin: `route ${lastName(id)} of table ${lastName(table?.id ?? "")}`,
    };
  });
  const propagates = table === undefined || !flagAt(table.properties, "disableBgpRoutePropagation");
  const prefixes = gateway === undefined || !propagates ? [] : (announced(gateway) ?? []);
  const learned = prefixes
    .filter((prefix) => !space.some((block) => within(prefix, block)))
    .map((prefix): Way => ({ prefix, hop: "VirtualNetworkGateway", origin: "BGP" }));
  const system = [
    ...space.map((prefix): Way => ({ prefix, hop: "VnetLocal", origin: "the network's own route" })),
    ...unroutable.map((prefix): Way => ({ prefix, hop: "None", origin: "Azure's own route" })),
    { prefix: "0.0.0.0/0", hop: "Internet", origin: "Azure's own route" },
  ];
  // The sort is stable, so of equal prefixes the first listed stays first.
  return [...own, ...learned, ...system]
    .filter(({ prefix }) => inside(prefix, address))
    .sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix))[0];
}

function lengthOf(prefix: string): number {
  return parsePrefix(prefix)?.length ?? -1;
}

function within(inner: string, outer: string): boolean {
  const [a, b] = [parsePrefix(inner), parsePrefix(outer)];
  return a !== undefined && b !== undefined && b.first <= a.first && a.last <= b.last;
}
