import { Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { azure, childrenOf, type Draft, lastName, tokenOf, withIds } from "./arm.ts";
import { idOf, objectsAt } from "./fields.ts";
import { type ArmType, inputsOf } from "./resource.ts";

/** What a parent answers for children listed in its own inputs (`subnets`, `routes`, `securityRules`): each with its id. */
export function inlineOutputs(draft: Draft, list: string): JsonObject {
  return draft.inputs[list] === undefined ? { [list]: [] } : { [list]: withIds(draft, list) };
}

/**
 * Puts the children that the stored parent lists into the world, as objects under the parent's URN, and removes those it
 * lists no more. A parent without the list leaves its children alone, as azure-native does. Refuses a list beside
 * standalone children: azure-native would delete them on the parent's next update.
 */
export function putInline(draft: Draft, type: ArmType, list: string): void {
  const listed = withIds(draft, list);
  if (listed.length === 0 && draft.inputs[list] === undefined) return;
  const present = childrenOf(draft.world, draft.id, type.resource);
  const alone = present.find((child) => child.urn !== draft.call.urn);
  if (alone !== undefined && listed.length > 0) throw mixture(draft.id, list, alone.id);
  for (const gone of present.filter(
    (child) => child.urn === draft.call.urn && !listed.some(({ id }) => id === child.id),
  )) {
    type.release?.(gone, draft.call);
    draft.world.remove(azure, gone.id);
  }
  for (const [index, child] of listed.entries()) {
    const inputs = objectsAt(draft.inputs, list)[index] ?? {};
    const id = idOf(child);
    const name = lastName(id);
    const before = draft.world.get(azure, id);
    const own: Draft = { ...draft, id, name, parent: draft.id, inputs, sealed: inputs, before };
    const properties = { ...inputs, ...type.settle(own), name, type: type.armType, __inputs: inputs };
    draft.world.put({
      provider: azure,
      type: tokenOf(type.resource),
      id,
      urn: draft.call.urn,
      place: draft.location,
      properties,
    });
  }
}

/** Refuses a standalone child whose parent lists children inline. */
export function refuseBesideInline(draft: Draft, list: string): void {
  const parent: WorldObject | undefined = draft.world.get(azure, draft.parent);
  if (parent === undefined || parent.urn === draft.call.urn) return;
  if (objectsAt(inputsOf(parent), list).length > 0) throw mixture(parent.id, list, draft.id);
}

function mixture(parent: string, list: string, child: string): Refusal {
  return new Refusal(
    "InlineAndStandaloneResources",
    `${parent} lists ${list} in its own inputs, and ${child} is a resource of its own: each update of the first would delete the second. Remove ${list} from the first.`,
  );
}
