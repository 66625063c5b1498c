import { isDeepStrictEqual } from "node:util";
import { type Call, type Kind, type Properties, Refusal, type Value } from "../stand-in.ts";
import { fingerprint, reveal, revealAll } from "../wire.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { azure, configured, type Draft, groupId, lastName, parentId, tokenOf, zonesRefusal } from "./arm.ts";
import { objectAt, textAt, textsAt } from "./fields.ts";
import { locationOf, normalizeLocation } from "./locations.ts";
import { apiVersion, checkShape } from "./shapes.ts";

/** What one ARM resource type is, and the rules that only it has; `defineKind` does what all have in common. */
export interface ArmType {
  /** `network:Subnet`. */
  readonly resource: string;
  /** `Microsoft.Network/virtualNetworks/subnets`. */
  readonly armType: string;
  /** Input that names it, e.g. `subnetName`, and before it those that name its parents. */
  readonly names: readonly [...parents: string[], own: string];
  readonly seconds: Kind["seconds"];
  /** Inputs beside names and resource group whose change replaces, as azure-native's own table (replacement.go) has it. */
  readonly replaces?: readonly string[];
  /** Refuses what Azure would; answers what Azure adds to the inputs. Runs on create and update, in a transaction. */
  settle(draft: Draft): JsonObject;
  /** After the object is in the world, in the same transaction: inline children, a machine. */
  settled?(draft: Draft, outputs: JsonObject): void;
  /** Refuses to delete what is in use, or removes what goes with it, in a transaction. */
  release?(object: WorldObject, call: Call): void;
}

/** The kind of one resource type: shape, names, ids, resource group, region and storage, around the type's own rules. */
export function defineKind(type: ArmType): Kind {
  const own = type.names.at(-1) ?? "";
  const path = ["resourceGroupName", ...type.names];

  const put = (draft: Draft, inputs: Properties): Properties => {
    checkLocation(draft, type);
    const added: JsonObject = {
      ...(type.names.length > 1 ? {} : { location: draft.location }),
      ...type.settle(draft),
      name: draft.name,
      type: type.armType,
      provisioningState: "Succeeded",
      azureApiVersion: apiVersion(type.resource),
    };
    const kept = Object.fromEntries(Object.entries(inputs).filter(([key]) => !path.includes(key)));
    const properties = { ...fingerprint(kept), ...added, __inputs: draft.sealed };
    const { id, call, location: place } = draft;
    draft.world.put({ provider: azure, type: tokenOf(type.resource), id, urn: call.urn, place, properties });
    type.settled?.(draft, properties);
    return { ...kept, ...added, id };
  };

  return {
    seconds: type.seconds,
    check: (inputs) => checkShape(type.resource, inputs),
    replaces: (olds, news) =>
      [...new Set([...path, ...(type.replaces ?? [])])].filter((key) => !same(key, olds[key], news[key])),
    create: (inputs, call) =>
      call.world.transaction(() => {
        const draft = newDraft(type, inputs, call, textAt(plainInputs(inputs), own) ?? autoName(type, call));
        if (call.world.get(azure, draft.id) !== undefined)
          throw new Refusal("ResourceExists", `cannot create already existing resource '${draft.id}'`);
        return { id: draft.id, outputs: put(draft, inputs) };
      }),
    update: (id, _olds, news, call) =>
      call.world.transaction(() => {
        const before = call.world.get(azure, id);
        if (before === undefined)
          throw new Refusal(
            "ResourceNotFound",
            `The Resource '${type.armType}/${lastName(id)}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
          );
        return put({ ...newDraft(type, news, call, lastName(id)), before }, news);
      }),
    delete: (id, _outputs, call) =>
      call.world.transaction(() => {
        const object = call.world.get(azure, id);
        if (object === undefined) return;
        type.release?.(object, call);
        call.world.remove(azure, id);
      }),
    read: (id, call) => {
      const object = call.world.get(azure, id);
      if (object === undefined) return undefined;
      const { __inputs: _, ...outputs } = object.properties;
      return { inputs: inputsOf(object), outputs: { ...outputs, id } };
    },
  };
}

/** Inputs with secrets in clear, for the rules only. Throws on an unknown value: only previews hold one, and they create nothing. */
function plainInputs(inputs: Properties): JsonObject {
  return fingerprint(revealAll(inputs));
}

function same(key: string, old: Value | undefined, next: Value | undefined): boolean {
  const [before, after] = [old, next].map((value) => (value === undefined ? undefined : reveal(value)));
  if (key === "location" && typeof before === "string" && typeof after === "string")
    return normalizeLocation(before) === normalizeLocation(after);
  return isDeepStrictEqual(before, after);
}

/** As azure-native names what has no name: children copy the logical name, others add eight hex digits (AutoNamer in pkg/resources/resources.go). */
function autoName(type: ArmType, call: Call): string {
  if (type.names.length > 1) return call.name;
  const salt = call.world.next("azure-name") * 2654435761;
  return `${call.name}${(salt % 2 ** 32).toString(16).padStart(8, "0")}`;
}

function newDraft(type: ArmType, given: Properties, call: Call, name: string): Draft {
  checkName(type, name);
  const { world } = call;
  const [inputs, sealed] = [plainInputs(given), fingerprint(given)];
  const base = { name, inputs, sealed, before: undefined, world, call };
  if (type.resource === "resources:ResourceGroup") {
    const location = normalizeLocation(textAt(inputs, "location") ?? configured(call, "location") ?? "");
    const id = groupId(call, name);
    return { ...base, id, parent: parentId(id), location };
  }
  const group = groupId(call, textAt(inputs, "resourceGroupName") ?? "");
  const home = world.get(azure, group);
  if (home === undefined)
    throw new Refusal("ResourceGroupNotFound", `Resource group '${lastName(group)}' could not be found.`);
  const [namespace = "", ...types] = type.armType.split("/");
  const segments = types.flatMap((part, index) => {
    const input = type.names[index];
    const last = index === types.length - 1;
    return [part, last ? name : (textAt(inputs, input ?? "") ?? "")];
  });
  const id = [group, "providers", namespace, ...segments].join("/");
  if (types.length === 1) {
    const location = textAt(inputs, "location") ?? configured(call, "location") ?? home.place;
    return { ...base, id, parent: group, location: normalizeLocation(location) };
  }
  const parent = world.get(azure, parentId(id));
  if (parent === undefined)
    throw new Refusal(
      "ParentResourceNotFound",
      `Failed to perform 'write' on resource(s) of type '${types.join("/")}', because the parent resource '${parentId(id).split("/providers/")[1]}' could not be found.`,
    );
  return { ...base, id, parent: parent.id, location: parent.place };
}

/** Names that Microsoft.Network and Microsoft.Compute take (learn.microsoft.com, resource-name-rules). */
function checkName(type: ArmType, name: string): void {
  const group = type.resource === "resources:ResourceGroup";
  const pattern = group ? /^[\w().-]{0,89}[\w()-]$/ : /^[A-Za-z0-9]([\w.-]{0,78}\w)?$/;
  if (pattern.test(name)) return;
  throw new Refusal(
    "InvalidResourceName",
    `Resource name ${name} is invalid. The name can be up to ${group ? 90 : 80} characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.`,
  );
}

function checkLocation(draft: Draft, type: ArmType): void {
  const { zones } = locationOf(draft.location, type.armType);
  const wanted = textsAt(draft.inputs, "zones");
  if (wanted.length > 0 && !zones) throw zonesRefusal(draft, type.armType, wanted);
  const bad = wanted.find((zone) => !["1", "2", "3"].includes(zone));
  if (bad !== undefined) throw zonesRefusal(draft, type.armType, [bad]);
  if (draft.before !== undefined && draft.before.place !== draft.location)
    throw new Refusal(
      "InvalidResourceLocation",
      `The resource '${draft.name}' already exists in location '${draft.before.place}' in resource group '${lastName(draft.parent)}'. A resource with the same name cannot be created in location '${draft.location}'. Please select a new resource name.`,
    );
}

/** The stored inputs of an object, secrets as fingerprints. */
export function inputsOf(object: WorldObject): JsonObject {
  return objectAt(object.properties, "__inputs");
}
