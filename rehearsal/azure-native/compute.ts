import { isDeepStrictEqual } from "node:util";
import { Refusal } from "../stand-in.ts";
import type { Json, JsonObject, WorldObject } from "../world.ts";
import { azure, type Draft, invalidParameter, lastName, refer, referIfGiven, tokenOf } from "./arm.ts";
import { attachedTo, requireDiskSku } from "./disks.ts";
import { at, flagAt, idOf, idsAt, numberAt, objectAt, objectsAt, textAt, textsAt } from "./fields.ts";
import { machineWithInterface, putMachine, removeMachine } from "./machines.ts";
import { requireOsProfile } from "./os-profile.ts";
import { type ArmType, inputsOf } from "./resource.ts";

/** The OS disk of an Ubuntu marketplace image, in GiB. */
const imageSizeGiB = 30;

/** What compute refuses to change on a virtual machine that exists (`PropertyChangeNotAllowed`). */
const fixed = [
  "osProfile.customData",
  "osProfile.computerName",
  "osProfile.adminUsername",
  "osProfile.linuxConfiguration.ssh",
  "osProfile.linuxConfiguration.disablePasswordAuthentication",
  "storageProfile.imageReference",
  "storageProfile.osDisk.name",
  "storageProfile.osDisk.createOption",
  "storageProfile.osDisk.managedDisk",
  "availabilitySet",
  "zones",
];

/** A Linux machine from an image, with disks that are resources of their own; in the world also a machine that scripts run on. */
export const virtualMachine: ArmType = {
  resource: "compute:VirtualMachine",
  armType: "Microsoft.Compute/virtualMachines",
  names: ["vmName"],
  // Commonly seen until a Linux machine answers; deleting waits for the guest to stop.
  seconds: { create: 90, update: 30, delete: 60 },
  settle: (draft) => {
    const before = draft.before === undefined ? undefined : inputsOf(draft.before);
    if (before !== undefined) refuseChange(draft, before);
    const size = textAt(draft.inputs, "hardwareProfile.vmSize") ?? "";
    if (!/^Standard_[A-Z]{1,3}\d+(-\d+)?[a-z]*(_[A-Z]\w*)?(_v\d+)?$/.test(size))
      throw invalidParameter(
        `The value ${size} provided for the VM size is not valid. The valid sizes in the current region look like Standard_D4s_v5.`,
      );
    requireOsProfile(draft);
    const image = objectAt(draft.inputs, "storageProfile.imageReference");
    if (["publisher", "offer", "sku", "version"].some((key) => image[key] === undefined) && image.id === undefined)
      throw invalidParameter(
        "Required parameter 'imageReference' is missing (null): give its id, or publisher, offer, sku and version.",
      );
    settleInterfaces(draft);
    settlePlace(draft);
    return { ...settleStorage(draft, size), osProfile: shownOsProfile(draft), vmId: vmId(draft) };
  },
  settled: (draft, outputs) => {
    putOsDisk(draft, outputs);
    putMachine(draft);
  },
  release: (machine, { world }) => {
    removeMachine(world, machine);
    for (const part of objectsAt(machine.properties, "networkProfile.networkInterfaces"))
      if (part.deleteOption === "Delete") world.remove(azure, idOf(part));
    const { osDisk, dataDisks } = objectAt(machine.properties, "storageProfile");
    for (const part of [osDisk ?? null, ...(Array.isArray(dataDisks) ? dataDisks : [])])
      if (textAt(part, "deleteOption") === "Delete") world.remove(azure, textAt(part, "managedDisk.id") ?? "");
  },
};

function refuseChange({ inputs, sealed }: Draft, before: Json): void {
  const changed = fixed.find((path) => !isDeepStrictEqual(sealedAt(before, path), sealedAt(sealed, path)));
  if (changed !== undefined)
    throw new Refusal("PropertyChangeNotAllowed", `Changing property '${changed}' is not allowed.`);
  const nics = [before, inputs].map((from) => idsAt(from, "networkProfile.networkInterfaces").sort());
  if (!isDeepStrictEqual(nics[0], nics[1]))
    throw new Refusal(
      "AddingOrDeletingNetworkInterfacesOnARunningVirtualMachineNotAllowed",
      "Secondary network interfaces cannot be added or removed while the virtual machine runs. Deallocate or replace it.",
    );
}

/** The value at a path, or the fingerprint of the secret that holds it. */
function sealedAt(root: Json, path: string): Json | undefined {
  const [key = "", ...rest] = path.split(".");
  const value = at(root, key);
  if (value === undefined || rest.length === 0 || typeof value === "string") return value;
  return sealedAt(value, rest.join("."));
}

function settleInterfaces(draft: Draft): void {
  const parts = objectsAt(draft.inputs, "networkProfile.networkInterfaces");
  if (parts.length === 0) throw invalidParameter("Virtual machine must have at least one network interface.");
  if (parts.length > 1 && parts.filter((part) => flagAt(part, "primary")).length !== 1)
    throw new Refusal(
      "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary",
      `Virtual machine ${draft.id} must have one network interface set as the primary.`,
    );
  for (const part of parts) {
    const nic = refer(draft, textAt(part, "id"), "network:NetworkInterface", "networkProfile.networkInterfaces");
    const user = machineWithInterface(draft.world, nic.id);
    if (user !== undefined && user.id !== draft.id)
      throw new Refusal("NicInUse", `Network Interface ${nic.id} is used by existing resource ${user.id}.`);
  }
}

/** Availability set and zones. */
function settlePlace(draft: Draft): void {
  const { inputs } = draft;
  referIfGiven(draft, inputs, "proximityPlacementGroup", "compute:ProximityPlacementGroup");
  const set = referIfGiven(draft, inputs, "availabilitySet", "compute:AvailabilitySet");
  if (set === undefined) return;
  if (textsAt(inputs, "zones").length > 0)
    throw new Refusal(
      "BadRequest",
      `Virtual machine ${draft.name} cannot be in an availability set and in a zone at once.`,
    );
  if (textAt(set.properties, "sku.name") !== "Aligned")
    throw new Refusal(
      "OperationNotAllowed",
      "Addition of a VM with managed disks to non-managed Availability Set or addition of a VM with blob based disks to managed Availability Set is not supported. Please create an Availability Set with 'managed' property set in order to add a VM with managed disks to it.",
    );
}

/** OS disk and data disks; answers the storage profile with the ids that Azure adds. */
function settleStorage(draft: Draft, size: string): JsonObject {
  const storage = objectAt(draft.inputs, "storageProfile");
  const osDisk = objectAt(storage, "osDisk");
  const sku = textAt(osDisk, "managedDisk.storageAccountType") ?? "Premium_LRS";
  requireStorage(draft, size, sku, "osDisk");
  const osSize = numberAt(osDisk, "diskSizeGB") ?? imageSizeGiB;
  if (textAt(osDisk, "createOption") !== "FromImage")
    throw invalidParameter(
      "The rehearsal knows osDisk.createOption FromImage only, which is what an imageReference needs.",
    );
  if (osSize < imageSizeGiB)
    throw invalidParameter(
      `The specified disk size ${osSize} GB is smaller than the size of the corresponding disk in the VM image: ${imageSizeGiB} GB.`,
    );
  const before = draft.before?.properties;
  const name =
    textAt(osDisk, "name") ??
    textAt(before, "storageProfile.osDisk.name") ??
    `${draft.name}_OsDisk_1_${draft.world.next("azure-os-disk")}`;
  const id = `${draft.parent}/providers/Microsoft.Compute/disks/${name}`;
  const present = draft.world.get(azure, id);
  if (present !== undefined && before === undefined)
    throw new Refusal(
      "ConflictingUserInput",
      `Disk ${name} already exists in resource group ${lastName(draft.parent).toUpperCase()}. Only CreateOption.Attach is supported.`,
    );
  const managedDisk = { ...objectAt(osDisk, "managedDisk"), storageAccountType: sku, id };
  const disk = { caching: "ReadWrite", deleteOption: "Detach", ...osDisk, name, diskSizeGB: osSize, managedDisk };
  return { storageProfile: { ...storage, osDisk: disk, dataDisks: settleDataDisks(draft, size) } };
}

function settleDataDisks(draft: Draft, size: string): JsonObject[] {
  const luns = new Set<number>();
  const zone = textsAt(draft.inputs, "zones").join();
  return objectsAt(draft.inputs, "storageProfile.dataDisks").map((part) => {
    const lun = numberAt(part, "lun") ?? -1;
    if (!Number.isInteger(lun) || lun < 0 || lun > 63)
      throw invalidParameter(
        `The value '${lun}' of parameter 'dataDisk.lun' is out of range. Value must be between '0' and '63', inclusive.`,
      );
    if (luns.has(lun))
      throw invalidParameter(`The value '${lun}' of parameter 'dataDisk.lun' is used by two data disks.`);
    luns.add(lun);
    const option = textAt(part, "createOption");
    if (option !== "Attach")
      throw invalidParameter(
        `The rehearsal knows dataDisk.createOption Attach only, not ${option}: make the disk a resource of its own, so that it outlives the machine.`,
      );
    const disk = refer(draft, textAt(part, "managedDisk.id"), "compute:Disk", "storageProfile.dataDisks.managedDisk");
    const user = attachedTo(draft.world, disk.id);
    if (user !== undefined && user.id !== draft.id)
      throw new Refusal(
        "ConflictingUserInput",
        `Disk '${disk.id}' cannot be attached as the disk is already owned by VM '${user.id}'.`,
      );
    if (textsAt(disk.properties, "zones").join() !== zone)
      throw new Refusal(
        "BadRequest",
        `Disk ${lastName(disk.id)} and virtual machine ${draft.name} are not in the same zone.`,
      );
    requireStorage(draft, size, textAt(disk.properties, "sku.name") ?? "", lastName(disk.id));
    const caching = textAt(part, "caching") ?? "None";
    // learn.microsoft.com, premium-storage-performance: no host cache for disks of 4 TiB and more.
    if (caching !== "None" && (numberAt(disk.properties, "diskSizeGB") ?? 0) > 4095)
      throw invalidParameter("Only Disk CachingType 'None' is supported for disk with size greater than 4095 GB.");
    return { caching, deleteOption: "Detach", ...part, name: lastName(disk.id) };
  });
}

/** Premium disks need a size with `s` among its feature letters, e.g. Standard_D4s_v5 (learn.microsoft.com, vm-naming-conventions). */
function requireStorage(draft: Draft, size: string, sku: string, name: string): void {
  requireDiskSku(draft, sku);
  const features = /^Standard_[A-Z]{1,3}\d+(?:-\d+)?([a-z]*)/.exec(size)?.[1] ?? "";
  if (!/^(Premium|Ultra)/.test(sku) || features.includes("s")) return;
  throw invalidParameter(
    `Requested operation cannot be performed because the VM size ${size} does not support the storage account type ${sku} of disk '${name}'. Consider updating the VM to a size that supports Premium storage.`,
  );
}

/** As a GET shows it: what is write-only is gone. */
function shownOsProfile({ inputs }: Draft): JsonObject {
  const { customData: _data, adminPassword: _password, ...shown } = objectAt(inputs, "osProfile");
  return shown;
}

function vmId({ before, world }: Draft): Json {
  return before?.properties.vmId ?? `00000000-0000-4000-a000-${world.next("azure-vm").toString(16).padStart(12, "0")}`;
}

/** The disk made from the image: an object of its own, which outlives the machine unless its deleteOption is Delete. */
function putOsDisk(draft: Draft, outputs: JsonObject): void {
  const osDisk = objectAt(outputs, "storageProfile.osDisk");
  const id = textAt(osDisk, "managedDisk.id") ?? "";
  const properties: JsonObject = {
    name: textAt(osDisk, "name") ?? "",
    diskSizeGB: numberAt(osDisk, "diskSizeGB") ?? imageSizeGiB,
    sku: { name: textAt(osDisk, "managedDisk.storageAccountType") ?? "" },
    osType: "Linux",
  };
  const object: WorldObject = {
    provider: azure,
    type: tokenOf("compute:Disk"),
    id,
    urn: draft.call.urn,
    place: draft.location,
    properties,
  };
  draft.world.put(object);
}
