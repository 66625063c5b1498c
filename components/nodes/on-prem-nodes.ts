import type { OnPremPoolSpec, OnPremSiteSpec } from "../config/schema.ts";
import { planSlots } from "../network/plan.ts";
import type { Node } from "./node.ts";
import { poolOf } from "./pool.ts";

/** The slots of an on-prem site with the hosts that the stack file names. A host with another key is another machine. */
export function onPremNodes(site: OnPremSiteSpec): Node[] {
  return planSlots(site).map((slot) => {
    const { etcdDevice } = poolOf<OnPremPoolSpec>(site, slot);
    return {
      slot,
      machineId: `${slot.address} ${hostKeyOf(site, slot.address)}`,
      ...(etcdDevice && slot.role === "control-plane" ? { etcdDevice } : {}),
      dependsOn: [],
    };
  });
}

/**
 * The public host key that the stack file gives for an address.
 *
 * @throws RangeError if no host of the site has it.
 */
export function hostKeyOf({ name, nodePools }: OnPremSiteSpec, address: string): string {
  const host = nodePools.flatMap(({ hosts }) => hosts).find((candidate) => candidate.address === address);
  if (!host) throw new RangeError(`${name} has no host ${address}.`);
  return host.hostKey;
}
