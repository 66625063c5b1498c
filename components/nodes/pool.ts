import type * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../network/plan.ts";

/**
 * Cloud-init text for the machine of that name: a slot's name, or `<site>-bastion`. Not base64. Whoever may describe machines can read it,
 * so it holds no secret that stays one.
 */
export type UserData = (name: string) => pulumi.Input<string>;

/** The account that cloud images are asked to have; Ubuntu's own default. */
export const adminUser = "ubuntu";

/** The pool that a slot belongs to. */
export function poolOf<Pool extends { readonly name: string }>(
  site: { readonly nodePools: readonly Pool[] },
  { name, pool }: Slot,
): Pool {
  const found = site.nodePools.find((candidate) => candidate.name === pool);
  if (!found) throw new RangeError(`slot ${name} is of pool ${pool}, which its site does not have.`);
  return found;
}
