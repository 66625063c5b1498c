import { Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { exactlyOne, flag, given, networkProblem, number, text, texts } from "./fields.ts";
import { mustSubnet, mustVpc, takeAddresses, vpcIdOf, zoneOf } from "./references.ts";
import { accountId, type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

export function mustTransitGateway(scene: Scene, id: string | undefined): WorldObject {
  return scene.must(
    types.transitGateway,
    id,
    "InvalidTransitGatewayID.NotFound",
    `Transit Gateway ${id} was deleted or does not exist.`,
  );
}

/** What a transit gateway's tables speak of: a VPC's attachment, or that of a VPN connection. */
interface Attachment {
  readonly id: string;
  readonly transitGatewayId: string;
  readonly resourceId: string;
  readonly resourceType: "vpc" | "vpn";
  /** The default table it was associated with by itself. */
  readonly defaultTable: string;
}

function attachments(scene: Scene): Attachment[] {
  const vpcs = scene.find(types.vpcAttachment).map(({ id, properties }) => ({
    id,
    transitGatewayId: text(properties, "transitGatewayId") ?? "",
    resourceId: text(properties, "vpcId") ?? "",
    resourceType: "vpc" as const,
    defaultTable: text(properties, "defaultTable") ?? "",
  }));
  const vpns = scene.find(types.vpnConnection).map(({ id, properties }) => ({
    id: text(properties, "transitGatewayAttachmentId") ?? "",
    transitGatewayId: text(properties, "transitGatewayId") ?? "",
    resourceId: id,
    resourceType: "vpn" as const,
    defaultTable: text(properties, "defaultTable") ?? "",
  }));
  return [...vpcs, ...vpns];
}

/** The table that a new attachment joins by itself, or `""`. */
export function defaultTable(gateway: WorldObject): string {
  const joins = (text(gateway.properties, "defaultRouteTableAssociation") ?? "enable") === "enable";
  return joins ? (text(gateway.properties, "associationDefaultRouteTableId") ?? "") : "";
}

/** Seconds: 120-150 to `available`, 60-90 to gone in the provider's acceptance logs. */
const transitGateway: Definition = {
  type: types.transitGateway,
  prefix: "tgw",
  seconds: { create: 130, update: 60, delete: 70 },
  check: (inputs) => {
    const asn = inputs.amazonSideAsn;
    // CreateTransitGateway, AmazonSideAsn.
    const fine =
      typeof asn !== "number" || (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);
    return fine
      ? []
      : [
          {
            property: "amazonSideAsn",
            reason: `must be from 64512 to 65534 or from 4200000000 to 4294967294 (it is ${asn})`,
          },
        ];
  },
  make(inputs, scene, { id, old }) {
    if (old === undefined && scene.find(types.transitGateway).length >= scene.quotas.transitGateways) {
      throw new Refusal(
        "TransitGatewayLimitExceeded",
        "You have reached the limit of transit gateways for this account.",
      );
    }
    const table = (option: string): string =>
      (text(inputs, option) ?? "enable") === "enable" ? `tgw-rtb-0${digits(id, 16)}` : "";
    return {
      outputs: {
        arn: scene.arn("ec2", `transit-gateway/${id}`),
        amazonSideAsn: 64_512,
        associationDefaultRouteTableId: table("defaultRouteTableAssociation"),
        propagationDefaultRouteTableId: table("defaultRouteTablePropagation"),
        autoAcceptSharedAttachments: "disable",
        defaultRouteTableAssociation: "enable",
        defaultRouteTablePropagation: "enable",
        dnsSupport: "enable",
        encryptionSupport: "disable",
        multicastSupport: "disable",
        securityGroupReferencingSupport: "disable",
        vpnEcmpSupport: "enable",
      },
    };
  },
  remove({ id }, scene) {
    const kinds = [
      [types.vpcAttachment, "VPC Attachments"],
      [types.vpnConnection, "VPN Attachments"],
      [types.transitRouteTable, "Route Tables"],
    ] as const;
    for (const [type, name] of kinds) {
      const users = scene.users(id, [[type, "transitGatewayId"]]);
      if (users.length > 0) {
        throw new Refusal(
          "IncorrectState",
          `${id} has non-deleted ${name}: ${users.map((user) => user.id).join(", ")}.`,
        );
      }
    }
  },
};

/** Seconds: 60-90 to `available`, 40-60 to gone in the provider's acceptance logs. */
const vpcAttachment: Definition = {
  type: types.vpcAttachment,
  prefix: "tgw-attach",
  seconds: { create: 80, update: 40, delete: 50 },
  check: (inputs) =>
    given(inputs, "subnetIds") ? [] : [{ property: "subnetIds", reason: "needs at least one subnet" }],
  make(inputs, scene, { id, old }) {
    const gateway = mustTransitGateway(scene, text(inputs, "transitGatewayId"));
    const { id: vpcId } = mustVpc(scene, text(inputs, "vpcId"));
    const twin = scene
      .users(vpcId, [[types.vpcAttachment, "vpcId"]], id)
      .some(({ properties }) => text(properties, "transitGatewayId") === gateway.id);
    if (twin) {
      throw new Refusal(
        "DuplicateTransitGatewayAttachment",
        `${gateway.id} has non-deleted Transit Gateway Attachments with same VPC ID.`,
      );
    }
    const subnets = texts(inputs, "subnetIds").map((subnetId) => mustSubnet(scene, subnetId));
    for (const subnet of subnets) {
      if (vpcIdOf(subnet) !== vpcId) {
        throw new Refusal("InvalidParameterValue", `Subnet ${subnet.id} does not belong to VPC ${vpcId}.`);
      }
    }
    if (new Set(subnets.map(zoneOf)).size < subnets.length) {
      throw new Refusal("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ");
    }
    const before = old?.holds;
    const holds: JsonObject = Object.fromEntries(
      subnets.map((subnet) => {
        const kept = texts((before ?? {}) as JsonObject, subnet.id);
        return [subnet.id, takeAddresses(scene, subnet, { wanted: kept, count: 1, self: id })];
      }),
    );
    const joins = flag(inputs, "transitGatewayDefaultRouteTableAssociation", true);
    return {
      outputs: {
        arn: scene.arn("ec2", `transit-gateway-attachment/${id}`),
        vpcOwnerId: accountId,
        applianceModeSupport: "disable",
        dnsSupport: "enable",
        ipv6Support: "disable",
        securityGroupReferencingSupport: text(gateway.properties, "securityGroupReferencingSupport"),
        transitGatewayDefaultRouteTableAssociation: joins,
        transitGatewayDefaultRouteTablePropagation: true,
      },
      facts: { holds, defaultTable: joins ? defaultTable(gateway) : "" },
    };
  },
};

/** Seconds: 60-75 to `available`, 60 to gone in the provider's acceptance logs. */
const transitRouteTable: Definition = {
  type: types.transitRouteTable,
  prefix: "tgw-rtb",
  seconds: { create: 65, delete: 60 },
  make(inputs, scene, { id }) {
    mustTransitGateway(scene, text(inputs, "transitGatewayId"));
    return {
      outputs: {
        arn: scene.arn("ec2", `transit-gateway-route-table/${id}`),
        defaultAssociationRouteTable: false,
        defaultPropagationRouteTable: false,
      },
    };
  },
  remove({ id }, scene) {
    const users = scene.users(id, [[types.transitAssociation, "transitGatewayRouteTableId"]]);
    if (users.length > 0) {
      throw new Refusal("IncorrectState", `Transit Gateway Route Table ${id} has associations and cannot be deleted.`);
    }
  },
};

/** The gateway of a route table, be it of its own or the gateway's default one. */
function tableGateway(scene: Scene, tableId: string): string {
  const table = scene.get(types.transitRouteTable, tableId);
  if (table !== undefined) return text(table.properties, "transitGatewayId") ?? "";
  const defaults = ["associationDefaultRouteTableId", "propagationDefaultRouteTableId"];
  const gateway = scene
    .find(types.transitGateway)
    .find(({ properties }) => defaults.some((key) => text(properties, key) === tableId));
  if (gateway !== undefined) return gateway.id;
  throw new Refusal(
    "InvalidRouteTableID.NotFound",
    `Transit Gateway Route Table ${tableId} was deleted or does not exist.`,
  );
}

/** An attachment that exists, of the gateway that the table is of. */
function mustAttachment(scene: Scene, tableId: string, attachmentId: string): Attachment {
  const gatewayId = tableGateway(scene, tableId);
  const attachment = attachments(scene).find(({ id }) => id === attachmentId && id !== "");
  if (attachment === undefined) {
    throw new Refusal(
      "InvalidTransitGatewayAttachmentID.NotFound",
      `Transit Gateway Attachment ${attachmentId} was deleted or does not exist.`,
    );
  }
  if (attachment.transitGatewayId !== gatewayId) {
    throw new Refusal(
      "InvalidParameterValue",
      `Transit Gateway Attachment ${attachmentId} and Transit Gateway Route Table ${tableId} belong to different Transit Gateways.`,
    );
  }
  return attachment;
}

const transitRoute: Definition = {
  type: types.transitRoute,
  prefix: "tgw-route",
  seconds: { create: 5, delete: 5 },
  check: (inputs) => [
    ...(inputs.blackhole === true ? [] : exactlyOne(inputs, ["transitGatewayAttachmentId"])),
    ...networkProblem(inputs, "destinationCidrBlock"),
  ],
  make(inputs, scene) {
    const tableId = text(inputs, "transitGatewayRouteTableId") ?? "";
    const destination = text(inputs, "destinationCidrBlock") ?? "";
    const attachmentId = text(inputs, "transitGatewayAttachmentId");
    if (attachmentId !== undefined && flag(inputs, "blackhole", false)) {
      throw new Refusal(
        "InvalidParameterCombination",
        "Cannot specify both a transit gateway attachment and blackhole.",
      );
    }
    if (attachmentId === undefined) tableGateway(scene, tableId);
    else mustAttachment(scene, tableId, attachmentId);
    const id = `${tableId}_${destination}`;
    if (scene.get(types.transitRoute, id) !== undefined) {
      throw new Refusal(
        "RouteAlreadyExists",
        `Route ${destination} already exists in Transit Gateway Route Table ${tableId}.`,
      );
    }
    return { id, outputs: { blackhole: false } };
  },
};

/** Seconds: an association takes 30-60, a propagation 5-30, in the provider's acceptance logs. */
const transitAssociation: Definition = {
  type: types.transitAssociation,
  prefix: "tgw-assoc",
  seconds: { create: 45, delete: 45 },
  make(inputs, scene, self) {
    const tableId = text(inputs, "transitGatewayRouteTableId") ?? "";
    const attachment = mustAttachment(scene, tableId, text(inputs, "transitGatewayAttachmentId") ?? "");
    const others = scene.users(
      attachment.id,
      [[types.transitAssociation, "transitGatewayAttachmentId"]],
      self.old === undefined ? "" : self.id,
    );
    const byDefault = attachment.defaultTable !== "" && !flag(inputs, "replaceExistingAssociation", false);
    if (others.length > 0 || byDefault) {
      throw new Refusal(
        "Resource.AlreadyAssociated",
        `Transit Gateway Attachment ${attachment.id} is already associated to a route table.`,
      );
    }
    return {
      id: `${tableId}_${attachment.id}`,
      outputs: { resourceId: attachment.resourceId, resourceType: attachment.resourceType },
    };
  },
};

const transitPropagation: Definition = {
  type: types.transitPropagation,
  prefix: "tgw-prop",
  seconds: { create: 15, delete: 15 },
  make(inputs, scene) {
    const tableId = text(inputs, "transitGatewayRouteTableId") ?? "";
    const attachment = mustAttachment(scene, tableId, text(inputs, "transitGatewayAttachmentId") ?? "");
    const id = `propagation/${tableId}_${attachment.id}`;
    if (
      scene
        .users(attachment.id, [[types.transitPropagation, "transitGatewayAttachmentId"]])
        .some(({ properties }) => text(properties, "transitGatewayRouteTableId") === tableId)
    ) {
      throw new Refusal(
        "TransitGatewayRouteTablePropagation.Duplicate",
        `Propagation ${attachment.id} already exists in Transit Gateway Route Table ${tableId}.`,
      );
    }
    return { id, outputs: { resourceId: attachment.resourceId, resourceType: attachment.resourceType } };
  },
};

/** Transit gateways, their attachments and route tables. */
export const transitDefinitions: readonly Definition[] = [
  transitGateway,
  vpcAttachment,
  transitRouteTable,
  transitRoute,
  transitAssociation,
  transitPropagation,
];

/** The ASN of a transit gateway. */
export function asnOf(gateway: WorldObject): number {
  return number(gateway.properties, "amazonSideAsn") ?? 64_512;
}
