import { dirname, join } from "node:path";
import type { Json, World, WorldObject } from "../world.ts";

/** A block device that is attached to a machine besides its root disk. */
export interface Disk {
  /** What the operating system calls it, e.g. `/dev/disk/azure/scsi1/lun0`. */
  readonly path: string;
  readonly sizeGiB: number;
}

/** A computer that scripts run on: the world's object of provider `host`, type `machine`. */
export interface Machine {
  /** Private IPv4 address, and the object's id. */
  readonly address: string;
  readonly name: string;
  /** The outage name: a region, or a site. */
  readonly place: string;
  readonly kernel: string;
  /** From a cloud: it boots from `userData` and lies in a private subnet unless it has a public address. */
  readonly cloud: boolean;
  readonly publicAddress: string | undefined;
  /** Plain text, as cloud-init reads it. */
  readonly userData: string | undefined;
  /** On-prem only: the public key its sshd presents. */
  readonly hostKey: string | undefined;
  /** On-prem only: who may log in; `undefined` when the site did not say. */
  readonly authorizedKeys: readonly string[] | undefined;
  readonly disks: readonly Disk[];
  readonly on: boolean;
  /** Changes when the machine is replaced by another at the same address. */
  readonly identity: string;
}

/** The machine at a private or public address; `undefined` when nothing answers to it. */
export function findMachine(world: World, address: string): Machine | undefined {
  const direct = world.get("host", address);
  if (direct?.type === "machine") return machineOf(direct);
  const found = world.find("host", "machine").find(({ properties }) => properties.publicAddress === address);
  return found === undefined ? undefined : machineOf(found);
}

/** All machines of the world. */
export function allMachines(world: World): Machine[] {
  return world.find("host", "machine").map(machineOf);
}

function machineOf({ id, place, urn, properties }: WorldObject): Machine {
  const userData = text(properties.userData);
  const hostKey = text(properties.hostKey);
  return {
    address: id,
    name: text(properties.name) ?? id,
    place,
    kernel: text(properties.kernel) ?? "6.8.0-1024-generic",
    cloud: urn !== "" || userData !== undefined,
    publicAddress: text(properties.publicAddress),
    userData,
    hostKey,
    authorizedKeys: strings(properties.authorizedKeys),
    disks: disks(properties.disks),
    on: properties.power !== "off",
    identity: text(properties.instanceId) ?? urn,
  };
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function strings(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

function disks(value: Json | undefined): Disk[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) => {
    if (item === null || typeof item !== "object" || Array.isArray(item)) return [];
    const path = text(item.path);
    return path === undefined ? [] : [{ path, sizeGiB: Number(item.sizeGiB) || 0 }];
  });
}

/** Where a machine's disks live: `hosts/<address>` beside the world's file, which `GYEONGBU_WORLD` names. */
export function machineDirectory(address: string): string {
  const world = process.env.GYEONGBU_WORLD;
  if (world === undefined || world === "") throw new Error("GYEONGBU_WORLD names no file");
  return join(dirname(world), "hosts", address);
}
