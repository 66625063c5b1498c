import { awsEntrance } from "../aws/entrance.ts";
import { azureEntrance } from "../azure-native/entrance.ts";
import type { World } from "../world.ts";
import { Roads } from "./roads.ts";

/** Connections that came about, by world: what worked once is not asked again, since a rehearsal takes no network away under running nodes. */
const known = new WeakMap<World, Set<string>>();

/**
 * Why a TCP connection between two private addresses does not come about, as a sentence that names the route, rule or interface;
 * `undefined` when it does, or when nothing is known about what lies between.
 */
export function connectionObstacle(world: World, from: string, to: string, port: number): string | undefined {
  return once(world, `${from} ${to}:${port}`, () => {
    const roads = new Roads(world);
    if (roads.classOf(from) === undefined) return undefined;
    const packet = { from, to, protocol: "tcp", port } as const;
    // Whoever is no machine of the world answers without its help.
    const answer =
      world.get("host", to) === undefined ? undefined : ({ ...packet, from: to, to: from, reply: true } as const);
    return roads.obstacle(packet) ?? (answer && roads.obstacle(answer));
  });
}

/** Why nobody outside gets through to the port of a cloud's machine by its public address. */
export function entranceObstacle(world: World, address: string, port: number): string | undefined {
  return once(world, `outside ${address}:${port}`, () => {
    const roads = new Roads(world);
    if (roads.classOf(address) === undefined) return undefined;
    const closed = awsEntrance(roads.reader, address, port) ?? azureEntrance(roads.reader, address, port);
    const back = { from: address, to: "203.0.113.1", protocol: "tcp", port, reply: true } as const;
    return closed ?? roads.obstacle(back);
  });
}

function once(world: World, key: string, find: () => string | undefined): string | undefined {
  const works = known.get(world) ?? new Set<string>();
  known.set(world, works);
  if (works.has(key)) return undefined;
  const obstacle = find();
  if (obstacle === undefined) works.add(key);
  return obstacle;
}
