import { Refusal } from "../stand-in.ts";
import { conflicts, given, networkProblem, text, texts } from "./fields.ts";
import { contains, overlaps, parseBlock } from "./ipv4.ts";
import { internetGatewayOf, mustVpc, vpcIdOf, zoneIdOf, zonesOf } from "./references.ts";
import { blockOf, type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

/** What stands in a VPC and keeps it from being deleted. */
const vpcMembers = [
  types.subnet,
  types.internetGateway,
  types.routeTable,
  types.securityGroup,
  types.vpcEndpoint,
  types.vpcAttachment,
].map((type) => [type, "vpcId"] as const);

/** What stands in a subnet. */
const subnetMembers = [
  [types.networkInterface, "subnetId"],
  [types.instance, "subnetId"],
  [types.natGateway, "subnetId"],
  [types.vpcEndpoint, "subnetIds"],
  [types.vpcAttachment, "subnetIds"],
  [types.loadBalancer, "subnets"],
] as const;

function dependency(what: string, id: string, users: readonly { id: string }[]): Refusal {
  const by = users.slice(0, 3).map((user) => user.id);
  return new Refusal(
    "DependencyViolation",
    `The ${what} '${id}' has dependencies and cannot be deleted. (${by.join(", ")})`,
  );
}

/** Seconds: CreateVpc and its like answer at once; the provider polls for a few seconds (Terraform acceptance logs: 1-3 s, with DNS hostnames 11-13 s). */
const vpc: Definition = {
  type: types.vpc,
  prefix: "vpc",
  seconds: { create: 12, update: 2, delete: 1 },
  check: (inputs) => [
    ...conflicts(inputs, "ipv4IpamPoolId", ["cidrBlock"]),
    ...(given(inputs, "cidrBlock") || given(inputs, "ipv4IpamPoolId")
      ? []
      : [{ property: "cidrBlock", reason: "one of cidrBlock, ipv4IpamPoolId must be given" }]),
    // docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    ...networkProblem(inputs, "cidrBlock", 16, 28),
  ],
  make(inputs, scene, { id, old }) {
    if (old === undefined && scene.find(types.vpc).length >= scene.quotas.vpcs) {
      throw new Refusal("VpcLimitExceeded", "The maximum number of VPCs has been reached.");
    }
    const cidrBlock = text(inputs, "cidrBlock");
    if (cidrBlock === undefined) throw new Refusal("UnsupportedOperation", "This account has no IPAM pools.");
    const block = blockOf(cidrBlock);
    for (const barred of ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "0.0.0.0/8"]) {
      const other = parseBlock(barred);
      if (other !== undefined && overlaps(block, other)) {
        throw new Refusal("InvalidVpc.Range", `The CIDR '${cidrBlock}' is invalid.`);
      }
    }
    const suffix = digits(id, 16);
    return {
      outputs: {
        arn: scene.arn("ec2", `vpc/${id}`),
        enableDnsSupport: true,
        enableDnsHostnames: false,
        enableNetworkAddressUsageMetrics: false,
        instanceTenancy: "default",
        mainRouteTableId: `rtb-0${suffix}`,
        defaultRouteTableId: `rtb-0${suffix}`,
        defaultSecurityGroupId: `sg-0${suffix}`,
        defaultNetworkAclId: `acl-0${suffix}`,
        dhcpOptionsId: `dopt-0${digits(scene.region, 16)}`,
        ipv6AssociationId: "",
      },
    };
  },
  remove({ id }, scene) {
    const users = scene.users(id, vpcMembers);
    if (users.length > 0) throw dependency("vpc", id, users);
  },
};

/** Seconds: attach included, 1-2 s in the provider's logs. */
const internetGateway: Definition = {
  type: types.internetGateway,
  prefix: "igw",
  seconds: { create: 2, delete: 12 },
  make(inputs, scene, { id }) {
    const vpcId = text(inputs, "vpcId");
    if (vpcId !== undefined) {
      mustVpc(scene, vpcId);
      const other = internetGatewayOf(scene, vpcId);
      if (other !== undefined && other.id !== id) {
        throw new Refusal("Resource.AlreadyAssociated", `Network ${vpcId} already has an internet gateway attached`);
      }
    }
    return { outputs: { arn: scene.arn("ec2", `internet-gateway/${id}`), vpcId: vpcId ?? "" } };
  },
  remove(object, scene) {
    const vpcId = vpcIdOf(object);
    if (mappedAddresses(scene, vpcId)) {
      throw new Refusal(
        "DependencyViolation",
        `Network ${vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
      );
    }
  },
};

/** Whether a public address of a VPC is in use. */
function mappedAddresses(scene: Scene, vpcId: string): boolean {
  const subnets = new Set(scene.users(vpcId, [[types.subnet, "vpcId"]]).map(({ id }) => id));
  const publicUsers = [types.natGateway, types.instance].flatMap((type) => scene.find(type));
  return publicUsers.some(
    ({ properties }) => subnets.has(text(properties, "subnetId") ?? "") && (text(properties, "publicIp") ?? "") !== "",
  );
}

const subnet: Definition = {
  type: types.subnet,
  prefix: "subnet",
  seconds: { create: 2, update: 1, delete: 2 },
  check: (inputs) => [
    ...conflicts(inputs, "availabilityZone", ["availabilityZoneId"]),
    // docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    ...networkProblem(inputs, "cidrBlock", 16, 28),
  ],
  make(inputs, scene, { id, old }) {
    const vpcId = text(inputs, "vpcId") ?? "";
    const network = mustVpc(scene, vpcId);
    const cidrBlock = text(inputs, "cidrBlock");
    if (cidrBlock === undefined) {
      throw new Refusal("MissingParameter", "The request must contain the parameter cidrBlock or Ipv6CidrBlock");
    }
    const block = blockOf(cidrBlock);
    if (!contains(blockOf(text(network.properties, "cidrBlock")), block)) {
      throw new Refusal("InvalidSubnet.Range", `The CIDR '${cidrBlock}' is invalid.`);
    }
    const siblings = scene.users(vpcId, [[types.subnet, "vpcId"]], id);
    for (const { properties } of siblings) {
      if (overlaps(block, blockOf(text(properties, "cidrBlock")))) {
        throw new Refusal("InvalidSubnet.Conflict", `The CIDR '${cidrBlock}' conflicts with another subnet`);
      }
    }
    if (old === undefined && siblings.length >= scene.quotas.subnetsPerVpc) {
      throw new Refusal("SubnetLimitExceeded", "The maximum number of subnets has been reached.");
    }
    const zones = zonesOf(scene.region);
    const zone =
      text(inputs, "availabilityZone") ?? zones.find((name) => zoneIdOf(name) === text(inputs, "availabilityZoneId"));
    const named = text(inputs, "availabilityZone") ?? text(inputs, "availabilityZoneId");
    const chosen = named === undefined ? zones[0] : zone;
    if (chosen === undefined || !zones.includes(chosen)) {
      throw new Refusal(
        "InvalidParameterValue",
        `Value (${named}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${zones.join(", ")}.`,
      );
    }
    return {
      outputs: {
        arn: scene.arn("ec2", `subnet/${id}`),
        availabilityZone: chosen,
        availabilityZoneId: zoneIdOf(chosen),
        mapPublicIpOnLaunch: false,
        assignIpv6AddressOnCreation: false,
        enableDns64: false,
        ipv6Native: false,
        privateDnsHostnameTypeOnLaunch: "ip-name",
        ipv6CidrBlockAssociationId: "",
      },
    };
  },
  remove({ id }, scene) {
    const users = scene.users(id, subnetMembers);
    if (users.length > 0) throw dependency("subnet", id, users);
  },
};

const dhcpOptions: Definition = {
  type: types.dhcpOptions,
  prefix: "dopt",
  seconds: { create: 1, delete: 1 },
  check: (inputs) =>
    ["domainName", "domainNameServers", "ntpServers", "netbiosNameServers", "netbiosNodeType"].some((key) =>
      given(inputs, key),
    )
      ? []
      : [{ property: "", reason: "at least one DHCP option must be given" }],
  make(inputs, scene, { id }) {
    for (const key of ["domainNameServers", "ntpServers", "netbiosNameServers"]) {
      if (texts(inputs, key).length > 4) {
        throw new Refusal(
          "InvalidParameterValue",
          `Value for parameter ${key} is invalid. At most four addresses are allowed.`,
        );
      }
    }
    return { outputs: { arn: scene.arn("ec2", `dhcp-options/${id}`) } };
  },
  remove({ id }, scene) {
    const users = scene.users(id, [[types.dhcpAssociation, "dhcpOptionsId"]]);
    if (users.length > 0) throw dependency("dhcpOptions", id, users);
  },
};

const dhcpAssociation: Definition = {
  type: types.dhcpAssociation,
  prefix: "dopt-assoc",
  seconds: { create: 1, update: 1, delete: 1 },
  make(inputs, scene) {
    const optionsId = text(inputs, "dhcpOptionsId");
    const { id } = mustVpc(scene, text(inputs, "vpcId"));
    scene.must(
      types.dhcpOptions,
      optionsId,
      "InvalidDhcpOptionID.NotFound",
      `The dhcpOptions ID '${optionsId}' does not exist`,
    );
    return { id: `${optionsId}-${id}` };
  },
};

/** VPCs, their gateways to the Internet, subnets and DHCP options. */
export const networkDefinitions: readonly Definition[] = [vpc, internetGateway, subnet, dhcpOptions, dhcpAssociation];
