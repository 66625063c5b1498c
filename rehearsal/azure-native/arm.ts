import { type Call, Refusal } from "../stand-in.ts";
import { reveal } from "../wire.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { type Prefix, parsePrefix } from "./address.ts";
import { objectsAt, textAt } from "./fields.ts";

/** Provider name of every object of this cloud in the world. */
export const azure = "azure-native";

/** The Entra tenant of a rehearsal. */
export const placeholderTenant = "00000000-0000-0000-0000-000000000001";

/** When neither the provider nor its environment names a subscription. */
export const placeholderSubscription = "00000000-0000-0000-0000-000000000000";

/** Pulumi type token of a resource such as `network:Subnet`. */
export function tokenOf(resource: string): string {
  return `azure-native:${resource}`;
}

/** A setting of the provider as text; absent when it is not set. */
export function configured(call: Pick<Call, "config">, key: string): string | undefined {
  const value = reveal(call.config[key] ?? null);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Id of a resource group in the provider's subscription. */
export function groupId(call: Pick<Call, "config">, name: string): string {
  return `/subscriptions/${configured(call, "subscriptionId") ?? placeholderSubscription}/resourceGroups/${name}`;
}

/** One resource on its way into the cloud: what was asked, with secrets in clear, and where. */
export interface Draft {
  /** ARM id. */
  readonly id: string;
  /** Last segment of the id. */
  readonly name: string;
  /** Id of the parent: the resource group, or e.g. the virtual network of a subnet. */
  readonly parent: string;
  /** Normalized, e.g. `koreasouth`. */
  readonly location: string;
  readonly inputs: JsonObject;
  /** The inputs as the world keeps them: secrets are fingerprints. */
  readonly sealed: JsonObject;
  /** As the world holds it now; `undefined` when it is being created. */
  readonly before: WorldObject | undefined;
  readonly world: World;
  readonly call: Call;
}

/** All objects of a resource type such as `network:Subnet`. */
export function all(world: Pick<World, "find">, resource: string): WorldObject[] {
  return world.find(azure, tokenOf(resource));
}

/** Children of one type, e.g. all routes of a route table. */
export function childrenOf(world: Pick<World, "find">, parent: string, resource: string): WorldObject[] {
  return all(world, resource).filter((object) => object.id.startsWith(`${parent}/`));
}

/** The id without its last type and name: a subnet's network, a front end's load balancer. */
export function parentId(id: string): string {
  return id.split("/").slice(0, -2).join("/");
}

/** The last segment of an id. */
export function lastName(id: string): string {
  return id.split("/").at(-1) ?? id;
}

/**
 * The object that a resource points at. Refuses, as the network and compute providers word it, an id that is none, and
 * one that leads to nothing or to another region.
 */
export function refer(draft: Draft, id: string | undefined, resource: string, path: string): WorldObject {
  if (id === undefined || !id.startsWith("/subscriptions/")) {
    throw new Refusal(
      "LinkedInvalidPropertyId",
      `Property id '${id ?? ""}' at path 'properties.${path}.id' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`,
    );
  }
  const found = draft.world.get(azure, id);
  if (found?.type === tokenOf(resource) && found.place === draft.location) return found;
  throw invalidReference(draft.id, id);
}

/** `refer` for an optional reference object at a path such as `networkSecurityGroup`. */
export function referIfGiven(draft: Draft, from: JsonObject, path: string, resource: string): WorldObject | undefined {
  return from[path] === undefined ? undefined : refer(draft, textAt(from, `${path}.id`), resource, path);
}

/** A reference to what is not there, or is in another region. */
export function invalidReference(from: string, to: string): Refusal {
  return new Refusal(
    "InvalidResourceReference",
    `Resource ${to} referenced by resource ${from} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
  );
}

/** A block that starts at its first address; refuses anything else. */
export function requirePrefix(text: string, of: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix?.text === text) return prefix;
  if (prefix === undefined)
    throw new Refusal(
      "InvalidAddressPrefixFormat",
      `Address prefix ${text} of resource ${of} is not formatted correctly.`,
    );
  throw new Refusal(
    "InvalidCIDRNotation",
    `The address prefix ${text} in resource ${of} has an invalid CIDR notation. For the given prefix length, the address prefix should be ${prefix.text}.`,
  );
}

/** A value of an input that compute refuses. */
export function invalidParameter(message: string): Refusal {
  return new Refusal("InvalidParameter", message);
}

/** Gives each named child of a list its ARM id, e.g. `frontendIPConfigurations`; refuses a missing or doubled name. */
export function withIds(draft: Draft, list: string): JsonObject[] {
  const names = new Set<string>();
  return objectsAt(draft.inputs, list).map((child) => {
    const name = textAt(child, "name");
    if (name === undefined)
      throw new Refusal(
        "InvalidRequestFormat",
        `Cannot parse the request: an entry of ${list} of ${draft.id} has no name.`,
      );
    if (names.has(name))
      throw new Refusal(
        "InvalidRequestFormat",
        `Cannot parse the request: ${list} of ${draft.id} has the name ${name} twice.`,
      );
    names.add(name);
    return { ...child, id: `${draft.id}/${list}/${name}`, provisioningState: "Succeeded" };
  });
}

/** Refuses zones where the region has none. */
export function zonesRefusal(draft: Draft, resourceType: string, zones: readonly string[]): Refusal {
  return new Refusal(
    "AvailabilityZoneNotSupported",
    `The zone(s) '${zones.join(",")}' for resource '${resourceType}/${draft.name}' is not supported. The supported zones for location '${draft.location}' are ''`,
  );
}
