import type { Announced } from "../packet.ts";
import type { WorldObject } from "../world.ts";
import { text } from "./fields.ts";
import { holds, parseAddress, parseBlock } from "./ipv4.ts";
import { nameOf } from "./queries.ts";
import { vpcIdOf } from "./references.ts";
import type { View } from "./resource.ts";
import { types } from "./types.ts";

/** Where a transit gateway's table sends a packet. */
export type Next = { readonly vpc: WorldObject } | { readonly vpns: readonly string[] } | "blackhole";

/** The table that an attachment is associated with, by itself or by a resource. */
export function tableOf(view: View, attachmentId: string): { id: string; name: string } | undefined {
  const association = view.users(attachmentId, [[types.transitAssociation, "transitGatewayAttachmentId"]])[0];
  const entry =
    view.get(types.vpcAttachment, attachmentId) ??
    view.users(attachmentId, [[types.vpnConnection, "transitGatewayAttachmentId"]])[0];
  const id =
    association === undefined
      ? text(entry?.properties ?? {}, "defaultTable")
      : text(association.properties, "transitGatewayRouteTableId");
  if (id === undefined || id === "") return undefined;
  const table = view.get(types.transitRouteTable, id);
  return { id, name: table === undefined ? id : nameOf(table) };
}

/** Static routes first by length of prefix, then what VPCs and VPNs propagate; equal VPNs share the traffic. */
export function nextAttachment(view: View, tableId: string, address: string, announced: Announced): Next | undefined {
  const [best] = view
    .users(tableId, [[types.transitRoute, "transitGatewayRouteTableId"]])
    .map(({ properties }) => ({ properties, prefix: inside(text(properties, "destinationCidrBlock"), address) }))
    .filter(({ prefix }) => prefix >= 0)
    .sort((a, b) => b.prefix - a.prefix);
  if (best !== undefined) return attached(view, [text(best.properties, "transitGatewayAttachmentId") ?? ""]);
  const propagating = propagatingTo(view, tableId);
  const vpc = propagating.find((id) => inside(vpcBlock(view, id), address) >= 0);
  if (vpc !== undefined) return attached(view, [vpc]);
  const vpns = propagating.filter((id) => {
    const connection = vpnOf(view, id);
    const prefixes = connection === undefined ? [] : (announced(connection.id) ?? ["0.0.0.0/0"]);
    return prefixes.some((prefix) => inside(prefix, address) >= 0);
  });
  return vpns.length === 0 ? undefined : attached(view, vpns);
}

/** What a table holds, as the gateway announces it to the VPNs that are associated with it. */
export function prefixesOf(view: View, tableId: string): string[] {
  const fixed = view
    .users(tableId, [[types.transitRoute, "transitGatewayRouteTableId"]])
    .flatMap(({ properties }) => text(properties, "destinationCidrBlock") ?? []);
  return [...propagatingTo(view, tableId).flatMap((id) => vpcBlock(view, id) ?? []), ...fixed];
}

/** Ids of the attachments whose routes a table learns. */
export function propagatingTo(view: View, tableId: string): string[] {
  return view
    .users(tableId, [[types.transitPropagation, "transitGatewayRouteTableId"]])
    .map(({ properties }) => text(properties, "transitGatewayAttachmentId") ?? "");
}

function attached(view: View, ids: readonly string[]): Next {
  const vpc = ids.map((id) => view.get(types.vpcAttachment, id)).find((object) => object !== undefined);
  if (vpc !== undefined) return { vpc };
  const vpns = ids.flatMap((id) => vpnOf(view, id)?.id ?? []);
  return vpns.length === 0 ? "blackhole" : { vpns };
}

function vpnOf(view: View, attachmentId: string): WorldObject | undefined {
  return view.users(attachmentId, [[types.vpnConnection, "transitGatewayAttachmentId"]])[0];
}

function vpcBlock(view: View, attachmentId: string): string | undefined {
  const attachment = view.get(types.vpcAttachment, attachmentId);
  const network = attachment === undefined ? undefined : view.get(types.vpc, vpcIdOf(attachment));
  return network === undefined ? undefined : text(network.properties, "cidrBlock");
}

/** Length of the prefix if the block holds the address, else -1. */
function inside(cidr: string | undefined, address: string): number {
  const block = parseBlock(cidr ?? "");
  return block !== undefined && holds(block, parseAddress(address) ?? -1) ? block.prefix : -1;
}
