import { Refusal } from "../stand-in.ts";
import type { WorldObject } from "../world.ts";
import { text } from "./fields.ts";
import { formatAddress, holds } from "./ipv4.ts";
import { addressOf, blockOf, heldAddresses, type Scene } from "./resource.ts";
import { types } from "./types.ts";

/** The zones of a region, `a` first. Seoul has four; three elsewhere is enough for a rehearsal. */
export function zonesOf(region: string): string[] {
  const letters = region === "ap-northeast-2" ? ["a", "b", "c", "d"] : ["a", "b", "c"];
  return letters.map((letter) => `${region}${letter}`);
}

/** `apne2-az1` for `ap-northeast-2a`: the same letters in every account here, unlike in AWS. */
export function zoneIdOf(zone: string): string {
  const [area = "", direction = "", rest = ""] = zone.split("-");
  const short = direction.replaceAll(/(north|south|east|west|central)/g, (word) => word.charAt(0));
  return `${area}${short}${rest.charAt(0)}-az${"abcdef".indexOf(rest.charAt(1)) + 1}`;
}

export function mustVpc(scene: Scene, id: string | undefined): WorldObject {
  return scene.must(types.vpc, id, "InvalidVpcID.NotFound", `The vpc ID '${id}' does not exist`);
}

export function mustSubnet(scene: Scene, id: string | undefined): WorldObject {
  return scene.must(types.subnet, id, "InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
}

export function vpcIdOf(object: WorldObject): string {
  return text(object.properties, "vpcId") ?? "";
}

/** The VPC of a security group, be it of its own, a VPC's default one, or unknown. */
export function groupVpc(scene: Scene, groupId: string): string | undefined {
  const group = scene.get(types.securityGroup, groupId);
  if (group !== undefined) return vpcIdOf(group);
  return scene.find(types.vpc).find(({ properties }) => text(properties, "defaultSecurityGroupId") === groupId)?.id;
}

/** Refuses security groups that do not exist, stand in another VPC, or are too many for one network interface. */
export function checkGroups(scene: Scene, groupIds: readonly string[], vpcId: string): void {
  for (const groupId of groupIds) {
    const vpc = groupVpc(scene, groupId);
    if (vpc === undefined) {
      throw new Refusal("InvalidSecurityGroupID.NotFound", `The securityGroup ID '${groupId}' does not exist`);
    }
    if (vpc !== vpcId) {
      throw new Refusal(
        "InvalidParameterValue",
        `You have specified two resources that belong to different networks: security group ${groupId} is in ${vpc}, not in ${vpcId}.`,
      );
    }
  }
  if (groupIds.length > scene.quotas.groupsPerInterface) {
    throw new Refusal(
      "SecurityGroupsPerInterfaceLimitExceeded",
      "The maximum number of security groups per interface has been reached.",
    );
  }
}

/**
 * The addresses of a subnet that something is to hold: the wanted ones if they are free, else the lowest free ones.
 * AWS keeps the first four and the last address of each subnet (docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
 */
export function takeAddresses(
  scene: Scene,
  subnet: WorldObject,
  { wanted, count, self }: { wanted: readonly string[]; count: number; self: string },
): string[] {
  const block = blockOf(text(subnet.properties, "cidrBlock"));
  const held = heldAddresses(scene, subnet.id, self);
  for (const address of wanted) {
    const number = addressOf(address);
    if (!holds(block, number)) {
      throw new Refusal("InvalidParameterValue", `Address ${address} does not fall within the subnet's address range`);
    }
    if (number < block.first + 4 || number === block.last) {
      throw new Refusal("InvalidParameterValue", `Address ${address} is in subnet's reserved address range`);
    }
    if (held.has(address)) throw new Refusal("InvalidIPAddress.InUse", `Address ${address} is in use.`);
  }
  if (new Set(wanted).size < wanted.length) {
    throw new Refusal("InvalidParameterValue", `Address ${wanted.join(", ")} is given twice`);
  }
  const taken = [...wanted];
  for (let number = block.first + 4; number < block.last && taken.length < count; number++) {
    const address = formatAddress(number);
    if (!held.has(address) && !taken.includes(address)) taken.push(address);
  }
  if (taken.length < count) {
    throw new Refusal(
      "InsufficientFreeAddressesInSubnet",
      `The specified subnet does not have enough free addresses to satisfy the request.`,
    );
  }
  return taken;
}

/** The internet gateway of a VPC. */
export function internetGatewayOf(scene: Scene, vpcId: string): WorldObject | undefined {
  return scene.find(types.internetGateway).find((gateway) => vpcIdOf(gateway) === vpcId);
}

/** The zone of a subnet. */
export function zoneOf(subnet: WorldObject): string {
  return text(subnet.properties, "availabilityZone") ?? "";
}
