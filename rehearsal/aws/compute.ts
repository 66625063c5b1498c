import { type Problem, Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { child, conflicts, flag, given, number, objects, text, texts } from "./fields.ts";
import { privateName, publicAddress } from "./interfaces.ts";
import { checkVacant, diskPath, type Machine, putMachine, removeMachine } from "./machines.ts";
import { checkGroups, internetGatewayOf, mustSubnet, mustVpc, takeAddresses, vpcIdOf, zoneOf } from "./references.ts";
import { type Definition, digits, type Scene, type Self } from "./resource.ts";
import { attachedInstance } from "./routes.ts";
import { instanceTypes } from "./shapes.ts";
import { types } from "./types.ts";
import { checkVolume } from "./volumes.ts";

/** What belongs to the interface, and cannot be said of an instance that is given one. */
const interfaceOptions = [
  "associatePublicIpAddress",
  "enablePrimaryIpv6",
  "ipv6AddressCount",
  "ipv6Addresses",
  "networkInterfaces",
  "privateIp",
  "secondaryPrivateIps",
  "securityGroups",
  "subnetId",
  "vpcSecurityGroupIds",
];

/** An instance's primary interface: a resource of its own, or made with the instance. */
interface Primary {
  readonly id: string;
  readonly address: string;
  readonly subnet: WorldObject;
  readonly publicIp: string;
  readonly groups: readonly string[];
  /** Addresses that the instance itself holds. */
  readonly holds: JsonObject;
}

function primaryOf(inputs: JsonObject, scene: Scene, self: Self): Primary {
  const block = child(inputs, "primaryNetworkInterface") ?? objects(inputs, "networkInterfaces")[0];
  return block === undefined
    ? ownInterface(inputs, scene, self)
    : givenInterface(text(block, "networkInterfaceId"), scene, self);
}

function givenInterface(interfaceId: string | undefined, scene: Scene, self: Self): Primary {
  const found = scene.must(
    types.networkInterface,
    interfaceId,
    "InvalidNetworkInterfaceID.NotFound",
    `The networkInterface ID '${interfaceId}' does not exist`,
  );
  const user = attachedInstance(scene, found.id);
  if (user !== undefined && user.id !== self.id) {
    throw new Refusal("InvalidNetworkInterface.InUse", `Interface: [${found.id}] in use.`);
  }
  const address = scene.users(found.id, [[types.elasticIp, "networkInterface"]])[0];
  return {
    id: found.id,
    address: text(found.properties, "privateIp") ?? "",
    subnet: mustSubnet(scene, text(found.properties, "subnetId")),
    publicIp: address === undefined ? "" : (text(address.properties, "publicIp") ?? ""),
    groups: texts(found.properties, "securityGroups"),
    holds: {},
  };
}

function ownInterface(inputs: JsonObject, scene: Scene, { id, old }: Self): Primary {
  const subnetId = text(inputs, "subnetId");
  if (subnetId === undefined) {
    throw new Refusal(
      "VPCIdNotSpecified",
      "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
    );
  }
  const subnet = mustSubnet(scene, subnetId);
  const vpcId = vpcIdOf(subnet);
  const groups = texts(inputs, "vpcSecurityGroupIds");
  checkGroups(scene, groups, vpcId);
  const before = old === undefined ? undefined : text(old, "privateIp");
  const wanted = text(inputs, "privateIp") ?? before;
  const [address = ""] = takeAddresses(scene, subnet, {
    wanted: wanted === undefined ? [] : [wanted],
    count: 1,
    self: id,
  });
  const wantsPublic = flag(inputs, "associatePublicIpAddress", flag(subnet.properties, "mapPublicIpOnLaunch", false));
  if (wantsPublic && internetGatewayOf(scene, vpcId) === undefined) {
    throw new Refusal("Gateway.NotAttached", `Network ${vpcId} is not attached to any internet gateway`);
  }
  const kept = old === undefined ? "" : (text(old, "publicIp") ?? "");
  const publicIp = wantsPublic && kept === "" ? publicAddress(scene, "elastic") : kept;
  const vpc = mustVpc(scene, vpcId);
  return {
    id: `eni-0${digits(id, 16)}`,
    address,
    subnet,
    publicIp,
    groups: groups.length > 0 ? groups : [text(vpc.properties, "defaultSecurityGroupId") ?? ""],
    holds: { [subnet.id]: [address] },
  };
}

function checkImage(inputs: JsonObject, scene: Scene): void {
  const ami = text(inputs, "ami");
  if (ami === undefined && child(inputs, "launchTemplate") === undefined) {
    throw new Refusal("MissingParameter", "The request must contain the parameter ImageId");
  }
  if (ami !== undefined && !/^(ami-[0-9a-f]{8}([0-9a-f]{9})?|resolve:ssm:.+)$/.test(ami)) {
    throw new Refusal("InvalidAMIID.Malformed", `Invalid id: "${ami}" (expecting "ami-...")`);
  }
  const instanceType = text(inputs, "instanceType");
  if (instanceType === undefined && child(inputs, "launchTemplate") === undefined) {
    throw new Refusal("MissingParameter", "The request must contain the parameter InstanceType");
  }
  if (instanceType !== undefined && !instanceTypes.has(instanceType)) {
    throw new Refusal("InvalidParameterValue", `Invalid value '${instanceType}' for InstanceType.`);
  }
  const keyName = text(inputs, "keyName");
  if (
    keyName !== undefined &&
    scene.users(keyName, [[types.keyPair, "keyName"]]).length === 0 &&
    scene.get(types.keyPair, keyName) === undefined
  ) {
    throw new Refusal("InvalidKeyPair.NotFound", `The key pair '${keyName}' does not exist`);
  }
  const profile = text(inputs, "iamInstanceProfile");
  const known = scene.world
    .find("aws", types.instanceProfile)
    .some(({ id, properties }) => [id, text(properties, "name")].includes(profile));
  if (profile !== undefined && !known) {
    throw new Refusal(
      "InvalidParameterValue",
      `Value (${profile}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
    );
  }
}

/** Root volume first, then the mapped ones: volumes that live and die with the instance. */
function ownVolumes(inputs: JsonObject, id: string): { volumeId: string; sizeGiB: number; block: JsonObject }[] {
  const root = child(inputs, "rootBlockDevice") ?? {};
  return [root, ...objects(inputs, "ebsBlockDevices")].map((block, position) => ({
    volumeId: `vol-0${digits(`${id} ${position}`, 16)}`,
    // Canonical's images are 8 GiB.
    sizeGiB: number(block, "volumeSize") ?? 8,
    block,
  }));
}

function attachedDisks(scene: Scene, instanceId: string): Machine["disks"] {
  return scene.users(instanceId, [[types.volumeAttachment, "instanceId"]]).map(({ properties }) => {
    const volume = scene.get(types.volume, text(properties, "volumeId"));
    return {
      path: diskPath(volume?.id ?? ""),
      sizeGiB: volume === undefined ? 0 : (number(volume.properties, "size") ?? 0),
    };
  });
}

/** The text that cloud-init sees. */
function userData(inputs: JsonObject): string | undefined {
  const encoded = text(inputs, "userDataBase64");
  return encoded === undefined ? text(inputs, "userData") : Buffer.from(encoded, "base64").toString("utf8");
}

/**
 * Seconds: `running` comes after 15-45, a little later with encrypted volumes and large types; termination takes 40-60
 * (acceptance logs of the provider). A change of user data or type stops and starts the machine: about 90.
 */
const instance: Definition = {
  type: types.instance,
  prefix: "i",
  seconds: { create: 60, update: 90, delete: 50 },
  check: (inputs): Problem[] => [
    ...conflicts(inputs, "primaryNetworkInterface", interfaceOptions),
    ...conflicts(inputs, "userData", ["userDataBase64"]),
    ...conflicts(inputs, "vpcSecurityGroupIds", ["securityGroups"]),
  ],
  replaces: (olds, news) =>
    flag(news, "userDataReplaceOnChange", false)
      ? ["userData", "userDataBase64"].filter((key) => olds[key] !== news[key])
      : [],
  make(inputs, scene, self) {
    checkImage(inputs, scene);
    const primary = primaryOf(inputs, scene, self);
    const zone = zoneOf(primary.subnet);
    const wantedZone = text(inputs, "availabilityZone");
    if (wantedZone !== undefined && wantedZone !== zone) {
      throw new Refusal(
        "InvalidParameterValue",
        `The availability zone '${wantedZone}' does not match the subnet ${primary.subnet.id}, which is in ${zone}.`,
      );
    }
    const volumes = ownVolumes(inputs, self.id);
    for (const { block, sizeGiB } of volumes) {
      checkVolume({ ...block, size: sizeGiB, type: text(block, "volumeType") ?? "gp3" }, scene);
    }
    const name = child(inputs, "tags")?.Name;
    const machine: Machine = {
      name: typeof name === "string" ? name : self.name,
      address: primary.address,
      zone,
      publicAddress: primary.publicIp === "" ? undefined : primary.publicIp,
      userData: userData(inputs),
      disks: [
        ...volumes.map(({ volumeId, sizeGiB }) => ({ path: diskPath(volumeId), sizeGiB })),
        ...attachedDisks(scene, self.id),
      ],
    };
    if (self.old === undefined) checkVacant(scene.world, primary.address);
    putMachine(scene.world, machine, { urn: scene.urn, place: scene.region });
    const [root] = volumes;
    return {
      outputs: {
        arn: scene.arn("ec2", `instance/${self.id}`),
        instanceState: "running",
        availabilityZone: zone,
        subnetId: primary.subnet.id,
        primaryNetworkInterfaceId: primary.id,
        privateIp: primary.address,
        privateDns: privateName(primary.address, scene.region),
        publicIp: primary.publicIp,
        publicDns:
          primary.publicIp === ""
            ? ""
            : `ec2-${primary.publicIp.replaceAll(".", "-")}.${scene.region}.compute.amazonaws.com`,
        vpcSecurityGroupIds: [...primary.groups],
        instanceLifecycle: "",
        outpostArn: "",
        passwordData: "",
        spotInstanceRequestId: "",
        tenancy: "default",
        sourceDestCheck: true,
        ebsOptimized: false,
        disableApiTermination: false,
      },
      facts: { holds: primary.holds, rootVolumeId: root?.volumeId ?? "" },
    };
  },
  remove({ id, properties }, scene) {
    // The provider itself switches this off first only with forceDestroy.
    if (flag(properties, "disableApiTermination", false) && !flag(properties, "forceDestroy", false)) {
      throw new Refusal(
        "OperationNotPermitted",
        `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
      );
    }
    removeMachine(scene.world, text(properties, "privateIp") ?? "");
  },
};

const keyPair: Definition = {
  type: types.keyPair,
  prefix: "key",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => conflicts(inputs, "keyName", given(inputs, "keyNamePrefix") ? ["keyNamePrefix"] : []),
  make(inputs, scene, self) {
    const keyName = scene.autoName(inputs, self, "keyName");
    const others = scene.users(keyName, [[types.keyPair, "keyName"]]);
    if (self.old === undefined && others.length > 0) {
      throw new Refusal("InvalidKeyPair.Duplicate", `The keypair already exists`);
    }
    const publicKey = text(inputs, "publicKey") ?? "";
    const kind = /^(ssh-rsa|ssh-ed25519) [A-Za-z0-9+/]+={0,2}( .*)?\s*$/.exec(publicKey)?.[1];
    if (kind === undefined) {
      throw new Refusal("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    }
    return {
      id: `key-pair/${scene.region}/${keyName}`,
      outputs: {
        arn: scene.arn("ec2", `key-pair/${keyName}`),
        keyName,
        keyPairId: self.id,
        keyType: kind === "ssh-rsa" ? "rsa" : "ed25519",
        fingerprint: digits(publicKey, 32),
      },
    };
  },
};

/** Instances and the keys they are started with. */
export const computeDefinitions: readonly Definition[] = [instance, keyPair];
