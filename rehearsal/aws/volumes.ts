import { Refusal } from "../stand-in.ts";
import type { JsonObject } from "../world.ts";
import { flag, given, number, text } from "./fields.ts";
import { addDisk, diskPath, removeDisk } from "./machines.ts";
import { zonesOf } from "./references.ts";
import { type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

interface Limits {
  /** GiB. */
  readonly size: readonly [least: number, most: number];
  readonly iops?: readonly [least: number, most: number];
  readonly iopsPerGiB?: number;
  /** MiB/s. */
  readonly throughput?: readonly [least: number, most: number];
}

/** docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html; gp3's limits were raised in September 2025 (16,000 IOPS, 1,000 MiB/s, 16 TiB before). */
const limits: Readonly<Record<string, Limits>> = {
  gp3: { size: [1, 65_536], iops: [3000, 80_000], iopsPerGiB: 500, throughput: [125, 2000] },
  gp2: { size: [1, 16_384] },
  io1: { size: [4, 16_384], iops: [100, 64_000], iopsPerGiB: 50 },
  io2: { size: [4, 65_536], iops: [100, 256_000], iopsPerGiB: 1000 },
  st1: { size: [125, 16_384] },
  sc1: { size: [125, 16_384] },
  standard: { size: [1, 1024] },
};

/** MiB/s for each IOPS of gp3. */
const throughputPerIops = 0.25;

/** Refuses sizes, IOPS and throughput that the volume type does not have, and keys that do not exist. */
export function checkVolume(inputs: JsonObject, scene: Scene): void {
  const type = text(inputs, "type") ?? "gp2";
  const { size: sizes, iops: iopsRange, iopsPerGiB, throughput: throughputs } = limits[type] ?? { size: [1, 65_536] };
  const [size, iops, throughput] = ["size", "iops", "throughput"].map((key) => number(inputs, key));
  const invalid = (message: string): Refusal => new Refusal("InvalidParameterValue", message);
  if (size !== undefined && (size < sizes[0] || size > sizes[1])) {
    throw invalid(
      `Volume of ${size}GiB is ${size < sizes[0] ? "smaller" : "larger"} than the ${sizes[size < sizes[0] ? 0 : 1]}GiB limit of ${type}.`,
    );
  }
  if (iops !== undefined && iopsRange === undefined) {
    throw new Refusal("InvalidParameterCombination", `The parameter iops is not supported for ${type} volumes.`);
  }
  if (iops === undefined && (type === "io1" || type === "io2")) {
    throw new Refusal("MissingParameter", `The request must contain the parameter iops for ${type} volumes`);
  }
  if (iops !== undefined && iopsRange !== undefined) {
    if (iops < iopsRange[0]) throw invalid(`Volume iops of ${iops} is too low; minimum is ${iopsRange[0]}.`);
    if (iops > iopsRange[1]) throw invalid(`Volume iops of ${iops} is too high; maximum is ${iopsRange[1]}.`);
    // gp3's baseline of 3,000 IOPS comes with every size.
    if (
      size !== undefined &&
      iopsPerGiB !== undefined &&
      iops > Math.max(size * iopsPerGiB, type === "gp3" ? 3000 : 0)
    ) {
      throw invalid(`Iops to volume size ratio of ${iops / size} is too high; maximum is ${iopsPerGiB}.`);
    }
  }
  if (throughput !== undefined && throughputs === undefined) {
    throw new Refusal("InvalidParameterCombination", `The parameter throughput is not supported for ${type} volumes.`);
  }
  if (throughput !== undefined && throughputs !== undefined) {
    if (throughput < throughputs[0])
      throw invalid(`Throughput of ${throughput} is too low; minimum is ${throughputs[0]}.`);
    if (throughput > throughputs[1])
      throw invalid(`Throughput of ${throughput} is too high; maximum is ${throughputs[1]}.`);
    const most = (iops ?? 3000) * throughputPerIops;
    if (throughput > most) {
      throw invalid(
        `Throughput (MiBps) to iops ratio of ${throughput / (iops ?? 3000)} is too high; maximum is 0.25 MiBps per iops.`,
      );
    }
  }
  checkKey(inputs, scene);
}

function checkKey(inputs: JsonObject, scene: Scene): void {
  const keyId = text(inputs, "kmsKeyId");
  if (keyId === undefined) return;
  if (!flag(inputs, "encrypted", false)) {
    throw new Refusal(
      "InvalidParameterDependency",
      "The parameter KmsKeyId requires the parameter Encrypted to be set.",
    );
  }
  // The account's own key for EBS exists everywhere.
  const known = scene.find(types.key).some(({ id, properties }) => [id, text(properties, "arn")].includes(keyId));
  if (!known && !/:alias\/aws\/ebs$|^alias\/aws\/ebs$/.test(keyId)) {
    throw new Refusal("InvalidKMSKey.NotFound", `The KMS key '${keyId}' does not exist in ${scene.region}.`);
  }
}

/** Seconds: CreateVolume waits for `available`, 10-12 in the provider's logs; deletion 10-11. */
const volume: Definition = {
  type: types.volume,
  prefix: "vol",
  seconds: { create: 11, update: 15, delete: 10 },
  check: (inputs) =>
    given(inputs, "size") || given(inputs, "snapshotId")
      ? []
      : [{ property: "size", reason: "one of size, snapshotId must be given" }],
  make(inputs, scene, { id, old }) {
    const zone = text(inputs, "availabilityZone");
    if (zone === undefined || !zonesOf(scene.region).includes(zone)) {
      throw new Refusal("InvalidZone.NotFound", `The zone '${zone}' does not exist.`);
    }
    checkVolume(inputs, scene);
    const size = number(inputs, "size");
    const before = old === undefined ? undefined : number(old, "size");
    if (size !== undefined && before !== undefined && size < before) {
      throw new Refusal("InvalidParameterValue", "New size cannot be smaller than existing size");
    }
    const type = text(inputs, "type") ?? "gp2";
    return {
      outputs: {
        arn: scene.arn("ec2", `volume/${id}`),
        type,
        encrypted: false,
        iops: number(inputs, "iops") ?? (type === "gp3" ? 3000 : 100),
        throughput: type === "gp3" ? 125 : 0,
        multiAttachEnabled: false,
        snapshotId: "",
        outpostArn: "",
        createTime: (old === undefined ? undefined : text(old, "createTime")) ?? new Date().toISOString(),
      },
    };
  },
  remove({ id }, scene) {
    const [attachment] = scene.users(id, [[types.volumeAttachment, "volumeId"]]);
    if (attachment !== undefined) {
      throw new Refusal(
        "VolumeInUse",
        `Volume ${id} is currently attached to ${text(attachment.properties, "instanceId")}`,
      );
    }
  },
};

/** Seconds: AttachVolume to `attached` and DetachVolume to gone, 10-30 in the provider's logs. */
const volumeAttachment: Definition = {
  type: types.volumeAttachment,
  prefix: "vai",
  seconds: { create: 20, update: 1, delete: 15 },
  make(inputs, scene, self) {
    const [instanceId = "", volumeId = "", device = ""] = ["instanceId", "volumeId", "deviceName"].map((key) =>
      text(inputs, key),
    );
    const instance = scene.must(
      types.instance,
      instanceId,
      "InvalidInstanceID.NotFound",
      `The instance ID '${instanceId}' does not exist`,
    );
    const found = scene.must(
      types.volume,
      volumeId,
      "InvalidVolume.NotFound",
      `The volume '${volumeId}' does not exist.`,
    );
    // docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
    if (!/^(\/dev\/)?(sd|xvd)[b-z]{1,2}([1-9]|1[0-5])?$/.test(device)) {
      throw new Refusal(
        "InvalidParameterValue",
        `Value (${device}) for parameter device is invalid. ${device} is not a valid EBS device name.`,
      );
    }
    if (text(found.properties, "availabilityZone") !== text(instance.properties, "availabilityZone")) {
      throw new Refusal(
        "InvalidVolume.ZoneMismatch",
        `The volume '${volumeId}' is not in the same availability zone as instance '${instanceId}'`,
      );
    }
    const others = scene.find(types.volumeAttachment).filter(({ id }) => self.old === undefined || id !== self.id);
    if (others.some(({ properties }) => text(properties, "volumeId") === volumeId)) {
      throw new Refusal("VolumeInUse", `${volumeId} is already attached to an instance`);
    }
    if (
      others.some(
        ({ properties }) => text(properties, "instanceId") === instanceId && text(properties, "deviceName") === device,
      )
    ) {
      throw new Refusal(
        "InvalidParameterValue",
        `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
      );
    }
    addDisk(scene.world, text(instance.properties, "privateIp") ?? "", {
      path: diskPath(volumeId),
      sizeGiB: number(found.properties, "size") ?? 0,
    });
    return { id: self.old === undefined ? `vai-${digits(`${device}${instanceId}${volumeId}`, 10)}` : self.id };
  },
  remove({ properties }, scene) {
    const instance = scene.get(types.instance, text(properties, "instanceId"));
    if (instance === undefined) return;
    removeDisk(scene.world, text(instance.properties, "privateIp") ?? "", diskPath(text(properties, "volumeId") ?? ""));
  },
};

/** EBS volumes and what they are attached to. */
export const volumeDefinitions: readonly Definition[] = [volume, volumeAttachment];
