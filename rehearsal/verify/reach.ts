import { awsEntrance } from "../aws/entrance.ts";
import { azureEntrance } from "../azure-native/entrance.ts";
import type { World } from "../world.ts";
import { Roads } from "./roads.ts";

/** What was found out about a world so far: connections that came about, and its networks when last looked at. */
interface Known {
  readonly works: Set<string>;
  roads: Roads | undefined;
}
const known = new WeakMap<World, Known>();

/**
 * Why a TCP connection between two private addresses does not come about, as a sentence that names the route, rule or interface;
 * `undefined` when it does, or when nothing is known about what lies between.
 */
export function connectionObstacle(world: World, from: string, to: string, port: number): string | undefined {
  const packet = { from, to, protocol: "tcp", port } as const;
  // Whoever is no machine of the world answers without its help.
  const isMachine = world.get("host", to) !== undefined;
  return ask(world, from, `${from} ${to}:${port}`, (roads) => {
    const there = roads.obstacle(packet);
    return there ?? (isMachine ? roads.obstacle({ ...packet, from: to, to: from, reply: true }) : undefined);
  });
}

/** Why nobody outside gets through to the port of a cloud's machine by its public address. */
export function entranceObstacle(world: World, address: string, port: number): string | undefined {
  return ask(world, address, `outside ${address}:${port}`, (roads) => {
    const closed = awsEntrance(roads.reader, address, port) ?? azureEntrance(roads.reader, address, port);
    return closed ?? roads.obstacle({ from: address, to: "203.0.113.1", protocol: "tcp", port, reply: true });
  });
}

/** What worked once is not asked again, and what worked a moment ago still does: a rehearsal takes no network away under running nodes. */
function ask(
  world: World,
  machine: string,
  key: string,
  find: (roads: Roads) => string | undefined,
): string | undefined {
  const facts = known.get(world) ?? { works: new Set<string>(), roads: undefined };
  known.set(world, facts);
  if (facts.works.has(key)) return undefined;
  const before = facts.roads;
  const worked = before !== undefined && before.classOf(machine) !== undefined && find(before) === undefined;
  facts.roads = worked ? before : new Roads(world);
  // Nothing is known about machines that lie in no cloud.
  const obstacle = worked || facts.roads.classOf(machine) === undefined ? undefined : find(facts.roads);
  if (obstacle === undefined && facts.roads.classOf(machine) !== undefined) facts.works.add(key);
  return obstacle;
}
