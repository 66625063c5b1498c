import { Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { conflicts, flag, given, number, objects, text, texts } from "./fields.ts";
import { formatAddress } from "./ipv4.ts";
import { setPublicAddress } from "./machines.ts";
import { checkGroups, internetGatewayOf, mustSubnet, mustVpc, takeAddresses, vpcIdOf } from "./references.ts";
import { blockOf, type Definition, digits, type Scene } from "./resource.ts";
import { attachedInstance } from "./routes.ts";
import { types } from "./types.ts";

/** `ip-10-10-0-5.ap-northeast-2.compute.internal`, the name AWS gives an address. */
export function privateName(address: string, region: string): string {
  return `ip-${address.replaceAll(".", "-")}.${region === "us-east-1" ? "ec2.internal" : `${region}.compute.internal`}`;
}

/** Seconds: the provider waits for `available`, seen at once (1 s in its logs); deletion waits for detachment elsewhere. */
const networkInterface: Definition = {
  type: types.networkInterface,
  prefix: "eni",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => [
    ...conflicts(inputs, "privateIpLists", ["privateIps", "privateIpsCount"]),
    ...conflicts(inputs, "ipv4Prefixes", ["ipv4PrefixCount"]),
  ],
  // The primary address cannot be unassigned: an interface without it is another interface.
  replaces: (olds, news) => {
    const primary = wantedAddresses(olds)[0];
    const next = wantedAddresses(news);
    if (primary === undefined || next.length === 0 || next.includes(primary)) return [];
    return [news.privateIpLists === undefined ? "privateIps" : "privateIpLists"];
  },
  make(inputs, scene, { id, old }) {
    const subnet = mustSubnet(scene, text(inputs, "subnetId"));
    const vpcId = vpcIdOf(subnet);
    const given = texts(inputs, "securityGroups");
    checkGroups(scene, given, vpcId);
    const wanted = wantedAddresses(inputs);
    const before = old === undefined ? [] : texts(old, "privateIps");
    const fixed = wanted.length > 0 ? wanted : before;
    const count = Math.max(1, fixed.length, 1 + (number(inputs, "privateIpsCount") ?? 0));
    const addresses = takeAddresses(scene, subnet, { wanted: fixed, count, self: id });
    const [primary = ""] = addresses;
    for (const attachment of objects(inputs, "attachments")) {
      const instanceId = text(attachment, "instance");
      scene.must(
        types.instance,
        instanceId,
        "InvalidInstanceID.NotFound",
        `The instance ID '${instanceId}' does not exist`,
      );
    }
    const vpc = mustVpc(scene, vpcId);
    return {
      outputs: {
        arn: scene.arn("ec2", `network-interface/${id}`),
        privateIp: primary,
        privateIps: addresses,
        privateIpLists: addresses,
        privateIpsCount: addresses.length - 1,
        privateIpListEnabled: false,
        macAddress: macOf(id),
        privateDnsName: privateName(primary, scene.region),
        interfaceType: "interface",
        outpostArn: "",
        sourceDestCheck: true,
        securityGroups: given.length > 0 ? given : [text(vpc.properties, "defaultSecurityGroupId") ?? ""],
      },
      facts: { holds: { [subnet.id]: addresses } },
    };
  },
  remove({ id, properties }, scene) {
    if (attachedInstance(scene, id) !== undefined || objects(properties, "attachments").length > 0) {
      throw new Refusal("InvalidNetworkInterface.InUse", `Network interface '${id}' is currently in use.`);
    }
  },
};

function wantedAddresses(inputs: JsonObject): string[] {
  const single = text(inputs, "privateIp");
  const listed = texts(inputs, "privateIpLists");
  const any = listed.length > 0 ? listed : texts(inputs, "privateIps");
  return any.length > 0 || single === undefined ? any : [single];
}

function macOf(id: string): string {
  return `02:${(digits(id, 10).match(/../g) ?? []).join(":")}`;
}

/** Public addresses of the rehearsal come from 198.18.0.0/15, which RFC 2544 keeps for tests: nobody else's machine has them. */
export function publicAddress(scene: Scene, half: "elastic" | "vpn"): string {
  const base = blockOf(half === "elastic" ? "198.18.0.0/16" : "198.19.0.0/16").first;
  return formatAddress(base + 1 + scene.world.next(`aws ${half} address`));
}

/** Seconds: AllocateAddress and AssociateAddress answer at once (1-2 s in the provider's logs). */
const elasticIp: Definition = {
  type: types.elasticIp,
  prefix: "eipalloc",
  seconds: { create: 2, update: 2, delete: 2 },
  check: (inputs) => conflicts(inputs, "instance", ["networkInterface"]),
  make(inputs, scene, { id, old }) {
    if (old === undefined && scene.find(types.elasticIp).length >= scene.quotas.elasticIps) {
      throw new Refusal("AddressLimitExceeded", "The maximum number of addresses has been reached.");
    }
    const publicIp = (old === undefined ? undefined : text(old, "publicIp")) ?? publicAddress(scene, "elastic");
    const interfaceId = text(inputs, "networkInterface") ?? instanceInterface(scene, text(inputs, "instance"));
    const before = old === undefined ? "" : (text(old, "networkInterface") ?? "");
    if (before !== "" && before !== interfaceId) withdraw(scene, before);
    const target = interfaceId === undefined ? undefined : associate(scene, interfaceId, id);
    if (target !== undefined) setPublicAddress(scene.world, text(target.properties, "privateIp") ?? "", publicIp);
    return {
      outputs: {
        arn: scene.arn("ec2", `elastic-ip/${id}`),
        allocationId: id,
        domain: "vpc",
        publicIp,
        publicDns: `ec2-${publicIp.replaceAll(".", "-")}.${scene.region}.compute.amazonaws.com`,
        publicIpv4Pool: "amazon",
        networkBorderGroup: scene.region,
        associationId: target === undefined ? "" : `eipassoc-0${digits(id, 16)}`,
        networkInterface: interfaceId ?? "",
        privateIp: target === undefined ? "" : text(target.properties, "privateIp"),
        ptrRecord: "",
      },
    };
  },
  remove({ id, properties }, scene) {
    const users = scene.users(id, [[types.natGateway, "allocationId"]]);
    if (users.length > 0 || mappedByBalancer(scene, id)) {
      throw new Refusal("InvalidIPAddress.InUse", `Address ${text(properties, "publicIp")} is in use.`);
    }
    const interfaceId = text(properties, "networkInterface") ?? "";
    if (interfaceId !== "") withdraw(scene, interfaceId);
  },
};

function mappedByBalancer(scene: Scene, allocationId: string): boolean {
  return scene
    .find(types.loadBalancer)
    .some(({ properties }) =>
      objects(properties, "subnetMappings").some((mapping) => text(mapping, "allocationId") === allocationId),
    );
}

function instanceInterface(scene: Scene, instanceId: string | undefined): string | undefined {
  if (instanceId === undefined) return undefined;
  const instance = scene.must(
    types.instance,
    instanceId,
    "InvalidInstanceID.NotFound",
    `The instance ID '${instanceId}' does not exist`,
  );
  return text(instance.properties, "primaryNetworkInterfaceId");
}

function associate(scene: Scene, interfaceId: string, allocationId: string): WorldObject {
  const target =
    scene.get(types.networkInterface, interfaceId) ??
    // An instance without an interface resource of its own.
    scene.users(interfaceId, [[types.instance, "primaryNetworkInterfaceId"]])[0];
  if (target === undefined) {
    throw new Refusal("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${interfaceId}' does not exist`);
  }
  const other = scene.users(interfaceId, [[types.elasticIp, "networkInterface"]], allocationId)[0];
  if (other !== undefined) {
    throw new Refusal(
      "Resource.AlreadyAssociated",
      `resource ${interfaceId} is already associated with address ${other.id}`,
    );
  }
  const vpcId = vpcIdOf(mustSubnet(scene, text(target.properties, "subnetId")));
  if (internetGatewayOf(scene, vpcId) === undefined) {
    throw new Refusal("Gateway.NotAttached", `Network ${vpcId} is not attached to any internet gateway`);
  }
  return target;
}

function withdraw(scene: Scene, interfaceId: string): void {
  const target = scene.get(types.networkInterface, interfaceId);
  if (target !== undefined) setPublicAddress(scene.world, text(target.properties, "privateIp") ?? "", undefined);
}

/** Seconds: 90-120 to `available`, 40-60 to `deleted` in the provider's acceptance logs. */
const natGateway: Definition = {
  type: types.natGateway,
  prefix: "nat",
  seconds: { create: 105, update: 10, delete: 50 },
  check: (inputs) => {
    const kind = inputs.connectivityType ?? "public";
    if (kind === "private" && given(inputs, "allocationId")) {
      return [{ property: "allocationId", reason: "is not supported with connectivityType private" }];
    }
    const needs = kind === "public" && inputs.availabilityMode !== "regional" ? ["allocationId", "subnetId"] : [];
    return needs
      .filter((key) => !given(inputs, key))
      .map((property) => ({ property, reason: "is required for a public, zonal NAT gateway" }));
  },
  make(inputs, scene, { id, old }) {
    const subnet = mustSubnet(scene, text(inputs, "subnetId"));
    const allocationId = text(inputs, "allocationId");
    const wanted = text(inputs, "privateIp") ?? (old === undefined ? undefined : text(old, "privateIp"));
    const addresses = takeAddresses(scene, subnet, {
      wanted: wanted === undefined ? [] : [wanted],
      count: 1,
      self: id,
    });
    const address = allocationId === undefined ? undefined : freeAddress(scene, allocationId, id);
    if (allocationId !== undefined && internetGatewayOf(scene, vpcIdOf(subnet)) === undefined) {
      throw new Refusal("Gateway.NotAttached", `Network ${vpcIdOf(subnet)} has no Internet gateway attached`);
    }
    return {
      outputs: {
        connectivityType: "public",
        availabilityMode: "zonal",
        vpcId: vpcIdOf(subnet),
        networkInterfaceId: `eni-0${digits(id, 16)}`,
        privateIp: addresses[0],
        publicIp: address === undefined ? "" : text(address.properties, "publicIp"),
        associationId: allocationId === undefined ? "" : `eipassoc-0${digits(id, 16)}`,
      },
      facts: { holds: { [subnet.id]: addresses } },
    };
  },
};

function freeAddress(scene: Scene, allocationId: string, self: string): WorldObject {
  const address = scene.must(
    types.elasticIp,
    allocationId,
    "InvalidAllocationID.NotFound",
    `The allocation ID '${allocationId}' does not exist`,
  );
  const used = scene.users(allocationId, [[types.natGateway, "allocationId"]], self);
  if (used.length > 0 || (text(address.properties, "networkInterface") ?? "") !== "") {
    throw new Refusal("Resource.AlreadyAssociated", `Elastic IP address [${allocationId}] is already associated`);
  }
  return address;
}

/** Network interfaces, elastic addresses and NAT gateways. */
export const interfaceDefinitions: readonly Definition[] = [networkInterface, elasticIp, natGateway];

/** Whether a network interface drops what is not addressed to it. */
export function checksSourceAndDestination(properties: JsonObject): boolean {
  return flag(properties, "sourceDestCheck", true);
}
