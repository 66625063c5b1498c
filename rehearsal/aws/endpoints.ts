import { type Properties, Refusal } from "../stand-in.ts";
import type { JsonObject } from "../world.ts";
import { child, conflicts, exactlyOne, flag, given, knownText, text, texts } from "./fields.ts";
import { checkPolicy } from "./identity.ts";
import { checkGroups, mustSubnet, mustVpc, takeAddresses, vpcIdOf, zoneOf } from "./references.ts";
import { type Definition, digits, type Scene, type Self } from "./resource.ts";
import { tableVpc } from "./routes.ts";
import { types } from "./types.ts";

/** Services that a gateway endpoint reaches (docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html). */
const gatewayServices = ["s3", "dynamodb"];

function serviceOf(inputs: JsonObject, scene: Scene): string {
  const name = text(inputs, "serviceName") ?? "";
  const prefix = `com.amazonaws.${text(inputs, "serviceRegion") ?? scene.region}.`;
  if (!name.startsWith(prefix) || name === prefix) {
    throw new Refusal("InvalidServiceName", `The Vpc Endpoint Service '${name}' does not exist`);
  }
  return name.slice(prefix.length);
}

/** Interfaces of an interface endpoint: at most one in each zone. */
function endpointAddresses(
  inputs: JsonObject,
  scene: Scene,
  vpcId: string,
  self: Self,
): { [subnetId: string]: string[] } {
  const subnets = texts(inputs, "subnetIds").map((subnetId) => mustSubnet(scene, subnetId));
  for (const subnet of subnets) {
    if (vpcIdOf(subnet) !== vpcId)
      throw new Refusal("InvalidParameter", `The subnet ID '${subnet.id}' is not in ${vpcId}`);
    if (subnets.some((other) => other.id !== subnet.id && zoneOf(other) === zoneOf(subnet))) {
      throw new Refusal(
        "DuplicateSubnetsInSameZone",
        `Found another VPC endpoint subnet in the availability zone of ${subnet.id}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.`,
      );
    }
  }
  const before = child(self.old ?? {}, "holds") ?? {};
  return Object.fromEntries(
    subnets.map((subnet) => [
      subnet.id,
      takeAddresses(scene, subnet, { wanted: texts(before, subnet.id), count: 1, self: self.id }),
    ]),
  );
}

function checkEndpoint(inputs: Properties): { property: string; reason: string }[] {
  const kind = given(inputs, "vpcEndpointType") ? knownText(inputs, "vpcEndpointType") : "Gateway";
  const service = exactlyOne(inputs, ["serviceName", "resourceConfigurationArn", "serviceNetworkArn"]);
  const foreign =
    kind === "Gateway" ? ["subnetIds", "securityGroupIds"] : kind === "Interface" ? ["routeTableIds"] : [];
  return [
    ...service,
    ...foreign
      .filter((key) => given(inputs, key))
      .map((property) => ({ property, reason: `is not supported with vpcEndpointType ${kind}` })),
    ...(kind === "Gateway" && inputs.privateDnsEnabled === true
      ? [{ property: "privateDnsEnabled", reason: "is only supported with vpcEndpointType Interface" }]
      : []),
  ];
}

/** Seconds: a gateway endpoint takes 5-10, an interface endpoint 90-180; the longer one is modelled (acceptance logs of the provider). */
const vpcEndpoint: Definition = {
  type: types.vpcEndpoint,
  prefix: "vpce",
  seconds: { create: 120, update: 60, delete: 60 },
  check: checkEndpoint,
  make(inputs, scene, self) {
    const vpc = mustVpc(scene, text(inputs, "vpcId"));
    const service = serviceOf(inputs, scene);
    const kind = text(inputs, "vpcEndpointType") ?? "Gateway";
    if (kind === "Gateway" && !gatewayServices.includes(service)) {
      throw new Refusal(
        "InvalidParameter",
        `Endpoint type (Gateway) does not match available service types ([Interface]).`,
      );
    }
    for (const tableId of texts(inputs, "routeTableIds")) {
      if (tableVpc(scene, tableId)?.id !== vpc.id) {
        throw new Refusal("InvalidRouteTableId.NotFound", `The routeTable ID '${tableId}' does not exist in ${vpc.id}`);
      }
    }
    const policy = inputs.policy;
    if (policy !== undefined) checkPolicy(policy, "key");
    const groups = texts(inputs, "securityGroupIds");
    checkGroups(scene, groups, vpc.id);
    const privateDns = kind === "Interface" && flag(inputs, "privateDnsEnabled", false);
    if (privateDns) checkPrivateDns(scene, vpc.id, vpc.properties, text(inputs, "serviceName") ?? "", self);
    const holds = kind === "Interface" ? endpointAddresses(inputs, scene, vpc.id, self) : {};
    const group = text(vpc.properties, "defaultSecurityGroupId") ?? "";
    return {
      outputs: {
        arn: scene.arn("ec2", `vpc-endpoint/${self.id}`),
        vpcEndpointType: kind,
        state: "available",
        requesterManaged: false,
        privateDnsEnabled: false,
        ipAddressType: "ipv4",
        networkInterfaceIds: Object.keys(holds).map((subnetId) => `eni-0${digits(`${self.id} ${subnetId}`, 16)}`),
        prefixListId: kind === "Gateway" ? `pl-${digits(service, 8)}` : "",
        cidrBlocks: [],
        dnsEntries:
          kind === "Interface"
            ? [
                {
                  dnsName: `${self.id}-${digits(self.id, 8)}.${service}.${scene.region}.vpce.amazonaws.com`,
                  hostedZoneId: "Z27UANNT0PRK1T",
                },
              ]
            : [],
        securityGroupIds: kind === "Interface" && groups.length === 0 ? [group] : groups,
      },
      facts: { holds },
    };
  },
};

function checkPrivateDns(scene: Scene, vpcId: string, vpc: JsonObject, serviceName: string, self: Self): void {
  if (!flag(vpc, "enableDnsSupport", true) || !flag(vpc, "enableDnsHostnames", false)) {
    throw new Refusal(
      "InvalidParameter",
      `Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for ${vpcId}`,
    );
  }
  const twin = scene
    .users(vpcId, [[types.vpcEndpoint, "vpcId"]], self.id)
    .some(
      ({ properties }) =>
        text(properties, "serviceName") === serviceName && flag(properties, "privateDnsEnabled", false),
    );
  if (twin) {
    throw new Refusal(
      "InvalidParameter",
      `private-dns-enabled cannot be set because there is already a conflicting DNS domain for ${serviceName} in the VPC ${vpcId}`,
    );
  }
}

const observed = [
  ["vpcId", types.vpc],
  ["subnetId", types.subnet],
  ["eniId", types.networkInterface],
  ["transitGatewayId", types.transitGateway],
  ["transitGatewayAttachmentId", types.vpcAttachment],
] as const;

const flowLog: Definition = {
  type: types.flowLog,
  prefix: "fl",
  seconds: { create: 2, update: 1, delete: 2 },
  check: (inputs) => {
    const kind = inputs.logDestinationType ?? "cloud-watch-logs";
    const needsTraffic =
      ["vpcId", "subnetId", "eniId"].some((key) => given(inputs, key)) && !given(inputs, "trafficType");
    const needsRole = kind === "cloud-watch-logs" && !given(inputs, "iamRoleArn");
    return [
      ...exactlyOne(inputs, [...observed.map(([key]) => key), "regionalNatGatewayId"]),
      ...(needsTraffic ? [{ property: "trafficType", reason: "is required for a VPC, a subnet or an interface" }] : []),
      ...(needsRole
        ? [{ property: "iamRoleArn", reason: "is required with logDestinationType cloud-watch-logs" }]
        : []),
      ...(given(inputs, "logDestination") ? [] : [{ property: "logDestination", reason: "is required, and missing" }]),
    ];
  },
  make(inputs, scene, { id }) {
    for (const [key, type] of observed) {
      const target = text(inputs, key);
      if (target === undefined) continue;
      scene.must(
        type,
        target,
        `Invalid${key.charAt(0).toUpperCase()}${key.slice(1, -2)}Id.NotFound`,
        `The ID '${target}' does not exist`,
      );
    }
    return {
      outputs: {
        arn: scene.arn("ec2", `vpc-flow-log/${id}`),
        logDestinationType: "cloud-watch-logs",
        maxAggregationInterval: 600,
      },
    };
  },
};

/** Seconds: CreateBucket and the settings after it, 2-5 in the provider's logs. */
const bucket: Definition = {
  type: types.bucket,
  prefix: "bucket",
  seconds: { create: 3, update: 2, delete: 2 },
  check: (inputs) => conflicts(inputs, "bucket", ["bucketPrefix"]),
  make(inputs, scene, self) {
    const name = scene.autoName(inputs, self, "bucket", 63).toLowerCase();
    const taken = scene.world.find("aws", types.bucket).some(({ properties }) => text(properties, "bucket") === name);
    if (self.old === undefined && taken) {
      throw new Refusal(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
      );
    }
    return {
      id: `bucket/${name}`,
      outputs: {
        arn: `arn:aws:s3:::${name}`,
        bucket: name,
        bucketDomainName: `${name}.s3.amazonaws.com`,
        bucketRegion: scene.region,
        bucketRegionalDomainName: `${name}.s3.${scene.region}.amazonaws.com`,
        forceDestroy: false,
      },
    };
  },
};

/** Endpoints, flow logs and buckets: what stands beside the network. */
export const endpointDefinitions: readonly Definition[] = [vpcEndpoint, flowLog, bucket];
