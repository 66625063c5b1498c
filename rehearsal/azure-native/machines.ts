import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { azure, type Draft, tokenOf } from "./arm.ts";
import { idOf, idsAt, numberAt, objectsAt, textAt, textsAt } from "./fields.ts";

/** Kernel of the current Ubuntu 24.04 images in the Azure marketplace. */
const kernel = "6.8.0-1021-azure";

/** The interface whose address is the machine's: the only one, or the one marked primary. */
export function primaryInterface(world: World, inputs: JsonObject): WorldObject | undefined {
  const given = objectsAt(inputs, "networkProfile.networkInterfaces");
  const first = given.find((part) => part.primary === true) ?? given[0];
  return world.get(azure, idOf(first));
}

function primaryConfiguration(nic: WorldObject | undefined): JsonObject | undefined {
  const configurations = objectsAt(nic?.properties, "ipConfigurations");
  return configurations.find((part) => part.primary === true) ?? configurations[0];
}

/** Puts the machine that scripts run on, or brings its disks up to date; see `rehearsal/stand-in.ts` for who reads it. */
export function putMachine(draft: Draft): void {
  const { world, inputs, call, location } = draft;
  const configuration = primaryConfiguration(primaryInterface(world, inputs));
  const address = textAt(configuration, "privateIPAddress");
  if (address === undefined) return;
  const publicIp = world.get(azure, textAt(configuration, "publicIPAddress.id") ?? "");
  const publicAddress = textAt(publicIp?.properties, "ipAddress");
  const userData = textAt(inputs, "osProfile.customData") ?? textAt(inputs, "userData");
  const disks = objectsAt(inputs, "storageProfile.dataDisks").map((part) => {
    const disk = world.get(azure, textAt(part, "managedDisk.id") ?? "");
    const sizeGiB = numberAt(disk?.properties, "diskSizeGB") ?? numberAt(part, "diskSizeGB") ?? 0;
    return { path: `/dev/disk/azure/scsi1/lun${numberAt(part, "lun")}`, sizeGiB };
  });
  const [zone] = textsAt(inputs, "zones");
  const properties: JsonObject = {
    name: textAt(inputs, "osProfile.computerName") ?? draft.name,
    address,
    zone: zone === undefined ? location : `${location}-${zone}`,
    os: "ubuntu-24.04",
    kernel,
    disks,
    power: world.get("host", address)?.properties.power ?? "on",
    ...(publicAddress === undefined ? {} : { publicAddress }),
    ...(userData === undefined ? {} : { userData: Buffer.from(userData, "base64").toString("utf8") }),
  };
  world.put({ provider: "host", type: "machine", id: address, urn: call.urn, place: location, properties });
}

/** Removes the machine of a virtual machine, and its file system beside the world's file; nothing for other objects. */
export function removeMachine(world: World, object: WorldObject): void {
  if (object.type !== tokenOf("compute:VirtualMachine")) return;
  const machine = machineOf(world, object);
  if (machine === undefined) return;
  world.remove("host", machine.id);
  const file = process.env.GYEONGBU_WORLD;
  if (file !== undefined) rmSync(join(dirname(file), "hosts", machine.id), { recursive: true, force: true });
}

/** The machine that stands for a virtual machine. */
export function machineOf(world: World, virtualMachine: WorldObject): WorldObject | undefined {
  const nic = primaryInterface(world, virtualMachine.properties);
  const address = textAt(primaryConfiguration(nic), "privateIPAddress");
  const machine = address === undefined ? undefined : world.get("host", address);
  return machine?.urn === virtualMachine.urn ? machine : undefined;
}

/** The virtual machine that a network interface belongs to. */
export function machineWithInterface(world: World, nic: string): WorldObject | undefined {
  return world
    .find(azure, tokenOf("compute:VirtualMachine"))
    .find((machine) => idsAt(machine.properties, "networkProfile.networkInterfaces").includes(nic));
}
