import { awsTargetGroups } from "../aws/queries.ts";
import { azureTargets } from "../azure-native/balancing.ts";
import type { World } from "../world.ts";

/** A machine that a load balancer sends to. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** Where its health is checked. */
  readonly healthPort: number;
}

/** What lies behind `address`:`port` of a cloud's or a data centre's load balancer; `undefined` when none listens there. */
export function backendsOf(world: World, address: string, port: number): Backend[] | undefined {
  const groups = awsTargetGroups(world, address, port);
  const aws = groups?.flatMap(({ healthPort, targets }) =>
    targets.map((target) => ({ ...target, healthPort: healthPort ?? target.port })),
  );
  return (
    aws ??
    givenTargets(world, address, port) ??
    azureTargets(world, address, port)?.targets.map((target) => ({
      ...target,
      healthPort: target.probePort ?? target.port,
    }))
  );
}

/** Whether one of the machines is among the backends, and its health is checked, on this port. */
export function reaches(backends: readonly Backend[], machines: readonly string[], wanted: number): boolean {
  return backends.some(
    ({ address, port, healthPort }) => machines.includes(address) && port === wanted && healthPort === wanted,
  );
}

/** Behind a load balancer that was there before: a data centre's own. */
function givenTargets(world: World, address: string, port: number): Backend[] | undefined {
  const { properties } = world.get("host", address) ?? {};
  if (properties?.port !== port || !Array.isArray(properties.targets)) return undefined;
  const targetPort = Number(properties.targetPort);
  return properties.targets
    .filter((target) => typeof target === "string")
    .map((target) => ({ address: target, port: targetPort, healthPort: targetPort }));
}
