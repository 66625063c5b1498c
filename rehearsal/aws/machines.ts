import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Refusal } from "../stand-in.ts";
import type { JsonObject, World } from "../world.ts";
import { objects, present, text } from "./fields.ts";

const host = "host";

/** What a stand-in host is made of; `rehearsal/command` runs scripts on it. */
export interface Machine {
  readonly name: string;
  /** Private IPv4 address; the machine's id. */
  readonly address: string;
  readonly zone: string;
  readonly publicAddress: string | undefined;
  /** Plain cloud-init text. */
  readonly userData: string | undefined;
  readonly disks: readonly { readonly path: string; readonly sizeGiB: number }[];
}

/** The stable path under which Linux shows an EBS volume on Nitro instances: the volume's id without its dash. */
export function diskPath(volumeId: string): string {
  return `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
}

/** Refuses an address at which there is a machine already: two networks with the same addresses cannot both have machines in one rehearsal. */
export function checkVacant(world: World, address: string): void {
  const there = world.get(host, address);
  if (there === undefined) return;
  throw new Refusal("InvalidIPAddress.InUse", `Address ${address} is in use by ${text(there.properties, "name")}.`);
}

/** Puts a machine into the world, or changes it. */
export function putMachine(world: World, machine: Machine, { urn, place }: { urn: string; place: string }): void {
  const there = world.get(host, machine.address);
  const { name, address, zone, publicAddress, userData, disks } = machine;
  const properties = present({
    ...there?.properties,
    name,
    address,
    zone,
    os: "ubuntu-24.04",
    // Ubuntu 24.04 ships 6.8 for AWS (packages.ubuntu.com, linux-aws).
    kernel: "6.8.0-1021-aws",
    publicAddress,
    userData,
    disks: disks.map(({ path, sizeGiB }) => ({ path, sizeGiB })),
    power: "on",
  });
  world.put({ provider: host, type: "machine", id: address, urn, place, properties });
}

/** Takes a machine and its file system out of the world. */
export function removeMachine(world: World, address: string): void {
  world.remove(host, address);
  const file = process.env.GYEONGBU_WORLD;
  if (file === undefined || !/^[0-9.]+$/.test(address)) return;
  try {
    rmSync(join(dirname(file), "hosts", address), { recursive: true, force: true });
  } catch {
    // A file that another user namespace owns stays behind; a new machine at this address starts from its own image anyway.
  }
}

/** Changes a machine that may not be there (an interface without an instance). */
function change(world: World, address: string, edit: (properties: JsonObject) => JsonObject): void {
  const machine = world.get(host, address);
  if (machine === undefined) return;
  world.put({ ...machine, properties: edit(machine.properties) });
}

export function setPublicAddress(world: World, address: string, publicAddress: string | undefined): void {
  change(world, address, (properties) => present({ ...properties, publicAddress }));
}

export function addDisk(world: World, address: string, disk: { path: string; sizeGiB: number }): void {
  change(world, address, (properties) => ({ ...properties, disks: [...without(properties, disk.path), disk] }));
}

export function removeDisk(world: World, address: string, path: string): void {
  change(world, address, (properties) => ({ ...properties, disks: without(properties, path) }));
}

function without(properties: JsonObject, path: string): JsonObject[] {
  return objects(properties, "disks").filter((disk) => text(disk, "path") !== path);
}
