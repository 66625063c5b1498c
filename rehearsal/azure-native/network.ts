import { Refusal } from "../stand-in.ts";
import type { World, WorldObject } from "../world.ts";
import { overlaps, type Prefix, within } from "./address.ts";
import { holdings, subnetPrefixes } from "./allocation.ts";
import { azure, childrenOf, type Draft, lastName, referIfGiven, requirePrefix } from "./arm.ts";
import { textAt, textsAt } from "./fields.ts";
import { inlineOutputs, putInline, refuseBesideInline } from "./inline.ts";
import { removeMachine } from "./machines.ts";
import type { ArmType } from "./resource.ts";
import { refuseGatewayRoutes } from "./routing.ts";

/** Holds everything else, and takes it along when it goes. */
export const resourceGroup: ArmType = {
  resource: "resources:ResourceGroup",
  armType: "Microsoft.Resources/resourceGroups",
  names: ["resourceGroupName"],
  // Commonly seen; an empty group goes in well under a minute.
  seconds: { create: 2, update: 2, delete: 15 },
  replaces: ["location"],
  settle: () => ({}),
  // Deleting a group deletes what is in it, whoever made it.
  release: ({ id }, { world }) => {
    for (const inside of world.all()) {
      if (inside.provider !== azure || !inside.id.startsWith(`${id}/`)) continue;
      removeMachine(world, inside);
      world.remove(azure, inside.id);
    }
  },
};

/** Lies in its network beside its siblings; `GatewaySubnet` has rules of its own. */
export const subnet: ArmType = {
  resource: "network:Subnet",
  armType: "Microsoft.Network/virtualNetworks/subnets",
  names: ["virtualNetworkName", "subnetName"],
  // Commonly seen; changes of one network run one after another.
  seconds: { create: 5, update: 5, delete: 10 },
  settle: (draft) => {
    refuseBesideInline(draft, "subnets");
    const prefixes = subnetRanges(draft);
    const network = draft.world.get(azure, draft.parent);
    const space = textsAt(network?.properties, "addressSpace.addressPrefixes").map((text) =>
      requirePrefix(text, draft.parent),
    );
    if (prefixes.some((inner) => !space.some((outer) => within(inner, outer))))
      throw new Refusal(
        "NetcfgSubnetRangeOutsideVnet",
        `Subnet '${draft.name}' is not valid because its IP address range is outside the IP address range of virtual network '${lastName(draft.parent)}'.`,
      );
    for (const other of childrenOf(draft.world, draft.parent, "network:Subnet")) {
      const ranges = other.id === draft.id ? [] : subnetPrefixes(other);
      if (!ranges.some((range) => prefixes.some((prefix) => overlaps(range, prefix)))) continue;
      throw new Refusal(
        "NetcfgSubnetRangesOverlap",
        `Subnet '${draft.name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '${lastName(draft.parent)}'.`,
      );
    }
    settleAttachments(draft);
    if (draft.before !== undefined && rangesOf(draft.before) !== prefixes.map(({ text }) => text).join())
      refuseIfInUse(draft.world, draft.id, "InUseSubnetCannotBeUpdated", "updated");
    return {};
  },
  release: ({ id }, { world }) => refuseIfInUse(world, id, "InUseSubnetCannotBeDeleted", "deleted"),
};

function subnetRanges(draft: Draft): Prefix[] {
  const one = textAt(draft.inputs, "addressPrefix");
  const many = textsAt(draft.inputs, "addressPrefixes");
  const texts = one === undefined ? many : [one];
  if (texts.length === 0 || (one !== undefined && many.length > 0))
    throw new Refusal(
      "InvalidRequestFormat",
      `Cannot parse the request: subnet ${draft.id} must have either addressPrefix or addressPrefixes.`,
    );
  const prefixes = texts.map((text) => requirePrefix(text, draft.id));
  // Azure keeps five addresses, so /29 is the smallest (learn.microsoft.com, virtual-networks-faq).
  const tiny = prefixes.find(({ length }) => length > 29);
  if (tiny === undefined) return prefixes;
  throw new Refusal("NetcfgInvalidSubnet", `Subnet '${draft.name}' is not valid: ${tiny.text} is smaller than a /29.`);
}

function rangesOf(object: WorldObject): string {
  return subnetPrefixes(object)
    .map(({ text }) => text)
    .join();
}

/** What a subnet is associated with exists, and is something its role allows. */
function settleAttachments(draft: Draft): void {
  const group = referIfGiven(draft, draft.inputs, "networkSecurityGroup", "network:NetworkSecurityGroup");
  const table = referIfGiven(draft, draft.inputs, "routeTable", "network:RouteTable");
  const nat = referIfGiven(draft, draft.inputs, "natGateway", "network:NatGateway");
  if (draft.name !== "GatewaySubnet") return;
  if (table !== undefined) refuseGatewayRoutes(draft.world, table);
  const foreign = group ?? nat;
  if (foreign !== undefined)
    throw new Refusal(
      "GatewaySubnetAssociationNotSupported",
      `${lastName(foreign.id)} cannot be associated with subnet ${draft.id}: network security groups and NAT gateways are not supported on the GatewaySubnet.`,
    );
}

function refuseIfInUse(world: World, id: string, code: string, done: string): void {
  const users = holdings(world).filter((holding) => holding.subnet === id);
  if (users.length === 0) return;
  throw new Refusal(
    code,
    `Subnet ${lastName(id)} is in use by ${users.map((user) => user.id).join(" and ")} and cannot be ${done}. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.`,
  );
}

/** Address space, and subnets listed inline or standing alone. */
export const virtualNetwork: ArmType = {
  resource: "network:VirtualNetwork",
  armType: "Microsoft.Network/virtualNetworks",
  names: ["virtualNetworkName"],
  // Commonly seen for an empty network.
  seconds: { create: 5, update: 5, delete: 10 },
  replaces: ["location"],
  settle: (draft) => {
    const prefixes = textsAt(draft.inputs, "addressSpace.addressPrefixes").map((text) => requirePrefix(text, draft.id));
    if (prefixes.length === 0)
      throw new Refusal(
        "InvalidRequestFormat",
        `Cannot parse the request: ${draft.id} has no addressSpace.addressPrefixes.`,
      );
    for (const [index, prefix] of prefixes.entries()) {
      const other = prefixes.slice(0, index).find((earlier) => overlaps(earlier, prefix));
      if (other === undefined) continue;
      throw new Refusal(
        "InvalidAddressSpace",
        `The address space of virtual network ${draft.name} has overlapping prefixes ${other.text} and ${prefix.text}.`,
      );
    }
    for (const inside of draft.before === undefined ? [] : childrenOf(draft.world, draft.id, "network:Subnet")) {
      const lost = subnetPrefixes(inside).find((inner) => !prefixes.some((outer) => within(inner, outer)));
      if (lost === undefined) continue;
      throw new Refusal(
        "InUsePrefixCannotBeDeleted",
        `IpPrefix ${lost.text} on Vnet ${draft.name} has active allocations and cannot be deleted.`,
      );
    }
    return inlineOutputs(draft, "subnets");
  },
  settled: (draft) => putInline(draft, subnet, "subnets"),
  release: ({ id }, { world }) => {
    const subnets = childrenOf(world, id, "network:Subnet");
    for (const inside of subnets) refuseIfInUse(world, inside.id, "InUseSubnetCannotBeDeleted", "deleted");
    for (const inside of subnets) world.remove(azure, inside.id);
  },
};
