import { awsTargets } from "../aws/queries.ts";
import { azureFrontend } from "../azure-native/balancing.ts";
import type { World } from "../world.ts";

/** A machine that a load balancer sends to; Azure's stand-in does not tell on which port. */
export interface Backend {
  readonly address: string;
  readonly port?: number;
}

/** What lies behind `address`:`port` of a cloud's load balancer; `undefined` when no load balancer listens there. */
export function backendsOf(world: World, address: string, port: number): Backend[] | undefined {
  const targets: Backend[] | undefined = awsTargets(world, address, port) ?? givenTargets(world, address, port);
  return targets ?? azureFrontend(world, address, port)?.map((machine) => ({ address: machine }));
}

/** Whether one of the machines is among the backends, on this port where the port is known. */
export function reaches(backends: readonly Backend[], machines: readonly string[], wanted: number): boolean {
  return backends.some(({ address, port = wanted }) => machines.includes(address) && port === wanted);
}

/** Behind a load balancer that was there before: a data centre's own. */
function givenTargets(world: World, address: string, port: number): Backend[] | undefined {
  const { properties } = world.get("host", address) ?? {};
  if (properties?.port !== port || !Array.isArray(properties.targets)) return undefined;
  const targetPort = Number(properties.targetPort);
  return properties.targets
    .filter((target) => typeof target === "string")
    .map((address) => ({ address, port: targetPort }));
}
