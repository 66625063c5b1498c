import { isDeepStrictEqual } from "node:util";
import { Refusal } from "../stand-in.ts";
import type { World, WorldObject } from "../world.ts";
import { all, type Draft, invalidParameter, lastName, placeholderTenant, referIfGiven } from "./arm.ts";
import { numberAt, objectsAt, textAt } from "./fields.ts";
import { locationOf } from "./locations.ts";
import type { ArmType } from "./resource.ts";

const everywhere = ["Standard_LRS", "StandardSSD_LRS", "Premium_LRS"];

/** Refuses a disk SKU that the region does not have. */
export function requireDiskSku(draft: Draft, sku: string): void {
  const supported = [...everywhere, ...locationOf(draft.location, "Microsoft.Compute/disks").disks];
  if (supported.includes(sku)) return;
  throw invalidParameter(
    `SKU ${sku} is not supported for resource type Disk in this region. Supported SKUs for this region are ${supported.join(",")}`,
  );
}

/** The virtual machine that a disk is attached to. */
export function attachedTo(world: World, disk: string): WorldObject | undefined {
  return all(world, "compute:VirtualMachine").find(({ properties }) => {
    const data = objectsAt(properties, "storageProfile.dataDisks").map((part) => textAt(part, "managedDisk.id"));
    return data.includes(disk) || textAt(properties, "storageProfile.osDisk.managedDisk.id") === disk;
  });
}

/** A managed disk. */
export const disk: ArmType = {
  resource: "compute:Disk",
  armType: "Microsoft.Compute/disks",
  names: ["diskName"],
  // Commonly seen for an empty disk.
  seconds: { create: 10, update: 10, delete: 10 },
  settle: (draft) => {
    const { inputs } = draft;
    const sku = textAt(inputs, "sku.name") ?? "Standard_LRS";
    requireDiskSku(draft, sku);
    const size = numberAt(inputs, "diskSizeGB");
    if (textAt(inputs, "creationData.createOption") === "Empty" && size === undefined)
      throw invalidParameter("Required parameter 'disk.diskSizeGB' is missing (null).");
    // learn.microsoft.com, disks-types: 32 TiB, and 64 TiB for the two SKUs without fixed tiers.
    const most = ["UltraSSD_LRS", "PremiumV2_LRS"].includes(sku) ? 65_536 : 32_767;
    if (size !== undefined && (!Number.isInteger(size) || size < 1 || size > most))
      throw invalidParameter(
        `The value '${size}' of parameter 'disk.diskSizeGB' is out of range. The value must be between '1' and '${most}', inclusive.`,
      );
    const before = draft.before?.properties;
    if ((numberAt(before, "diskSizeGB") ?? 0) > (size ?? Infinity))
      throw new Refusal(
        "BadRequest",
        `Disk ${draft.name} cannot shrink from ${numberAt(before, "diskSizeGB")} GB to ${size} GB: reducing the size of a disk is not supported.`,
      );
    for (const property of ["creationData", "zones"]) {
      if (before === undefined || isDeepStrictEqual(before[property], inputs[property])) continue;
      throw new Refusal("PropertyChangeNotAllowed", `Changing property '${property}' is not allowed.`);
    }
    const needsKey = (textAt(inputs, "encryption.type") ?? "").includes("CustomerKey");
    if (needsKey && textAt(inputs, "encryption.diskEncryptionSetId") === undefined)
      throw invalidParameter("Required parameter 'encryption.diskEncryptionSetId' is missing (null).");
    return {
      sku: { name: sku, tier: sku.split("_")[0] ?? "" },
      diskState: attachedTo(draft.world, draft.id) === undefined ? "Unattached" : "Attached",
      encryption: inputs.encryption ?? { type: "EncryptionAtRestWithPlatformKey" },
    };
  },
  release: ({ id, properties }, { world }) => {
    const machine = attachedTo(world, id);
    if (machine === undefined) return;
    throw new Refusal(
      "OperationNotAllowed",
      `Disk ${textAt(properties, "name") ?? ""} is attached to VM ${machine.id}.`,
    );
  },
};

/** Fault domains as many as the region has; `Aligned` for machines with managed disks. */
export const availabilitySet: ArmType = {
  resource: "compute:AvailabilitySet",
  armType: "Microsoft.Compute/availabilitySets",
  names: ["availabilitySetName"],
  // Commonly seen.
  seconds: { create: 3, update: 3, delete: 3 },
  settle: (draft) => {
    const { inputs } = draft;
    const { faultDomains } = locationOf(draft.location, "Microsoft.Compute/availabilitySets");
    const faults = numberAt(inputs, "platformFaultDomainCount") ?? Math.min(2, faultDomains);
    if (faults < 1 || faults > faultDomains)
      throw invalidParameter(`The specified fault domain count ${faults} must fall in the range 1 to ${faultDomains}.`);
    // learn.microsoft.com, availability-set-overview: up to 20 update domains, 5 by default.
    const updates = numberAt(inputs, "platformUpdateDomainCount") ?? 5;
    if (updates < 1 || updates > 20)
      throw invalidParameter(`The specified update domain count ${updates} must fall in the range 1 to 20.`);
    const sku = textAt(inputs, "sku.name") ?? "Classic";
    if (!["Aligned", "Classic"].includes(sku))
      throw invalidParameter(
        `The value '${sku}' of parameter 'sku.name' is not allowed. Allowed values are: Classic, Aligned.`,
      );
    referIfGiven(draft, inputs, "proximityPlacementGroup", "compute:ProximityPlacementGroup");
    for (const key of ["platformFaultDomainCount", "platformUpdateDomainCount"]) {
      const before = numberAt(draft.before?.properties, key);
      if (before !== undefined && before !== (key === "platformFaultDomainCount" ? faults : updates))
        throw new Refusal("PropertyChangeNotAllowed", `Changing property '${key}' is not allowed.`);
    }
    return { platformFaultDomainCount: faults, platformUpdateDomainCount: updates, sku: { name: sku } };
  },
  release: ({ id }, { world }) => {
    const members = all(world, "compute:VirtualMachine").filter(
      ({ properties }) => textAt(properties, "availabilitySet.id") === id,
    );
    if (members.length === 0) return;
    throw new Refusal(
      "OperationNotAllowed",
      `Availability Set '${lastName(id)}' cannot be deleted. Before deleting an Availability Set please ensure that it does not contain any VM. It has ${members.map((member) => lastName(member.id)).join(", ")}.`,
    );
  },
};

/** Only something to point at. */
export const proximityPlacementGroup: ArmType = {
  resource: "compute:ProximityPlacementGroup",
  armType: "Microsoft.Compute/proximityPlacementGroups",
  names: ["proximityPlacementGroupName"],
  // Commonly seen.
  seconds: { create: 3, update: 3, delete: 3 },
  settle: () => ({}),
};

/** Only something to point at. */
export const userAssignedIdentity: ArmType = {
  resource: "managedidentity:UserAssignedIdentity",
  armType: "Microsoft.ManagedIdentity/userAssignedIdentities",
  names: ["resourceName"],
  // Commonly seen.
  seconds: { create: 5, update: 5, delete: 5 },
  // common-types TrackedResource: location is read and create only.
  replaces: ["location"],
  settle: ({ world, before }) => {
    const kept = before?.properties;
    const number = world.next("azure-identity").toString(16).padStart(12, "0");
    return {
      principalId: kept?.principalId ?? `00000000-0000-4000-8000-${number}`,
      clientId: kept?.clientId ?? `00000000-0000-4000-9000-${number}`,
      tenantId: placeholderTenant,
    };
  },
};
