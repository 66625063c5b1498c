import { Refusal } from "../stand-in.ts";
import type { JsonObject } from "../world.ts";
import { formatAddress, parsePrefix } from "./address.ts";
import { allocateAddresses, claimPublicIp, poolMembers, publicIpUser } from "./allocation.ts";
import { all, azure, type Draft, invalidReference, lastName, parentId, refer, referIfGiven, withIds } from "./arm.ts";
import { idOf, idsAt, numberAt, objectsAt, textAt } from "./fields.ts";
import { machineWithInterface } from "./machines.ts";
import type { ArmType } from "./resource.ts";

/** Members of one Standard pool (learn.microsoft.com, azure-subscription-service-limits, load balancer). */
const membersPerPool = 5000;

/** Takes its private address from the subnet, and holds the subnet, groups, pools and public address it names. */
export const networkInterface: ArmType = {
  resource: "network:NetworkInterface",
  armType: "Microsoft.Network/networkInterfaces",
  names: ["networkInterfaceName"],
  // Commonly seen.
  seconds: { create: 5, update: 5, delete: 5 },
  settle: (draft) => {
    const given = withIds(draft, "ipConfigurations");
    if (given.length === 0)
      throw new Refusal(
        "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
        `Network interface ${draft.id} must have at least one IP configuration.`,
      );
    referIfGiven(draft, draft.inputs, "networkSecurityGroup", "network:NetworkSecurityGroup");
    const ipConfigurations = allocateAddresses(draft, given).map((configuration, index) => ({
      privateIPAllocationMethod: "Dynamic",
      privateIPAddressVersion: "IPv4",
      primary: given.length === 1 || index === 0,
      ...configuration,
    }));
    const networks = new Set(ipConfigurations.map((part) => networkOf(part)));
    if (networks.size > 1)
      throw new Refusal(
        "SubnetsNotInSameVnet",
        `Subnet references of the IP configurations of ${draft.id} are not in the same Virtual Network.`,
      );
    for (const configuration of ipConfigurations) settleConfiguration(draft, configuration);
    const machine = machineWithInterface(draft.world, draft.id);
    const [before, after] = [draft.before?.properties.ipConfigurations, ipConfigurations].map((list) =>
      objectsAt({ list: list ?? [] }, "list")
        .map((part) => textAt(part, "privateIPAddress"))
        .join(),
    );
    // Azure would restart the machine with the new address; the rehearsal keeps machines by address.
    if (machine !== undefined && before !== after)
      throw new Refusal(
        "OperationNotAllowed",
        `Network interface ${draft.name} cannot change its private address from ${before} to ${after} while virtual machine ${lastName(machine.id)} runs on it; replace the virtual machine.`,
      );
    return {
      ipConfigurations,
      enableIPForwarding: draft.inputs.enableIPForwarding ?? false,
      enableAcceleratedNetworking: draft.inputs.enableAcceleratedNetworking ?? false,
      macAddress: draft.before?.properties.macAddress ?? newMac(draft),
    };
  },
  release: ({ id }, { world }) => {
    const machine = machineWithInterface(world, id);
    if (machine === undefined) return;
    throw new Refusal(
      "NicInUse",
      `Network Interface ${id} is used by existing resource ${machine.id}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.`,
    );
  },
};

function networkOf(configuration: JsonObject): string {
  return parentId(textAt(configuration, "subnet.id") ?? "");
}

/** Public address, pools and application groups of one IP configuration. */
function settleConfiguration(draft: Draft, configuration: JsonObject): void {
  if (configuration.publicIPAddress !== undefined)
    claimPublicIp(draft, textAt(configuration, "publicIPAddress.id"), "ipConfigurations.publicIPAddress");
  for (const group of idsAt(configuration, "applicationSecurityGroups"))
    refer(draft, group, "network:ApplicationSecurityGroup", "ipConfigurations.applicationSecurityGroups");
  for (const pool of objectsAt(configuration, "loadBalancerBackendAddressPools")) {
    const id = idOf(pool);
    const balancer = draft.world.get(azure, parentId(id));
    const pools = idsAt(balancer?.properties, "backendAddressPools");
    if (balancer?.place !== draft.location || !pools.includes(id)) throw invalidReference(draft.id, id);
    const fronts = objectsAt(balancer.properties, "frontendIPConfigurations").map((front) => networkOf(front));
    const foreign = fronts.find((network) => network !== "" && network !== networkOf(configuration));
    if (foreign !== undefined)
      throw new Refusal(
        "NetworkInterfaceAndInternalLoadBalancerMustUseSameVnet",
        `Network interface ${draft.id} uses virtual network ${networkOf(configuration)}, but the internal load balancer ${balancer.id} uses ${foreign}.`,
      );
    const members = poolMembers(draft.world, id).filter((part) => idOf(part) !== idOf(configuration));
    if (members.length >= membersPerPool)
      throw new Refusal(
        "LoadBalancerBackendPoolLimitReached",
        `Pool ${id} cannot have more than ${membersPerPool} members.`,
      );
  }
}

/** `00-0D-3A` belongs to Microsoft and is what Azure's interfaces carry. */
function newMac({ world }: Draft): string {
  const digits = world.next("azure-mac").toString(16).toUpperCase().padStart(6, "0");
  return `00-0D-3A-${digits.match(/../g)?.join("-")}`;
}

/** TEST-NET-2 (RFC 5737), so that no address of a rehearsal is anybody's. */
const publicRange = parsePrefix("198.51.100.0/24");

/** Standard and static only: Basic was retired on 30 September 2025. */
export const publicIpAddress: ArmType = {
  resource: "network:PublicIPAddress",
  armType: "Microsoft.Network/publicIPAddresses",
  names: ["publicIpAddressName"],
  // Commonly seen.
  seconds: { create: 5, update: 5, delete: 10 },
  // As azure-native's replacement.go lists them.
  replaces: ["location", "publicIPAddressVersion", "publicIPPrefix", "sku"],
  settle: (draft) => {
    if (textAt(draft.inputs, "sku.name") !== "Standard")
      throw new Refusal(
        "IPv4BasicSkuPublicIpCountLimitReached",
        "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region. Set sku.name to Standard.",
      );
    if (textAt(draft.inputs, "publicIPAllocationMethod") !== "Static")
      throw new Refusal(
        "StandardSkuPublicIPAddressMustBeStatic",
        `Standard sku publicIp ${draft.id} must have AllocationMethod set to Static.`,
      );
    return {
      ipAddress: textAt(draft.before?.properties, "ipAddress") ?? freePublicAddress(draft),
      publicIPAddressVersion: "IPv4",
    };
  },
  release: ({ id }, { world }) => {
    const user = publicIpUser(world, id);
    if (user === undefined) return;
    throw new Refusal(
      "PublicIPAddressCannotBeDeleted",
      `Public IP address ${id} can not be deleted since it is still allocated to resource ${user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see aka.ms/deletepublicip.`,
    );
  },
};

function freePublicAddress({ world }: Draft): string {
  const used = new Set(all(world, "network:PublicIPAddress").map((other) => textAt(other.properties, "ipAddress")));
  const { first, last } = publicRange ?? { first: 0, last: 0 };
  const start = world.next("azure-public-ip");
  for (let step = 0; step < 254; step += 1) {
    const address = formatAddress(first + 1 + ((start + step - 1) % (last - first - 1)));
    if (!used.has(address)) return address;
  }
  throw new Refusal(
    "PublicIPCountLimitReached",
    "Cannot create more than 254 public IP addresses for this subscription in this region.",
  );
}

/** Standard; its public addresses are nobody else's. */
export const natGateway: ArmType = {
  resource: "network:NatGateway",
  armType: "Microsoft.Network/natGateways",
  names: ["natGatewayName"],
  // Commonly seen.
  seconds: { create: 20, update: 20, delete: 20 },
  settle: (draft) => {
    if (textAt(draft.inputs, "sku.name") !== "Standard")
      throw new Refusal("NatGatewaySkuRequired", `NAT gateway ${draft.id} must have sku.name Standard.`);
    const idle = numberAt(draft.inputs, "idleTimeoutInMinutes") ?? 4;
    if (idle < 4 || idle > 120)
      throw new Refusal(
        "InvalidIdleTimeout",
        `NAT gateway ${draft.id} has idleTimeoutInMinutes ${idle}. Allowed range 4-120.`,
      );
    for (const { id } of objectsAt(draft.inputs, "publicIpAddresses"))
      claimPublicIp(draft, typeof id === "string" ? id : undefined, "publicIpAddresses");
    return {};
  },
  release: ({ id }, { world }) => {
    const users = all(world, "network:Subnet").filter((subnet) => textAt(subnet.properties, "natGateway.id") === id);
    if (users.length === 0) return;
    throw new Refusal(
      "InUseNatGatewayCannotBeDeleted",
      `Nat Gateway ${id} cannot be deleted because it is in use by the following resources: ${users.map((user) => user.id).join(", ")}.`,
    );
  },
};
