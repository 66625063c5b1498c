import { Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { child, conflicts, exactlyOne, flag, objects, text, texts } from "./fields.ts";
import { checkGroups, internetGatewayOf, takeAddresses, vpcIdOf, zoneOf } from "./references.ts";
import { type Definition, digits, type Scene, type Self } from "./resource.ts";
import { types } from "./types.ts";

interface Mapping {
  readonly subnet: WorldObject;
  readonly wanted: string | undefined;
  readonly allocationId: string | undefined;
}

function mappingsOf(inputs: JsonObject, scene: Scene): Mapping[] {
  const written = objects(inputs, "subnetMappings");
  const blocks: JsonObject[] =
    written.length > 0 ? written : texts(inputs, "subnets").map((subnetId) => ({ subnetId }));
  return blocks.map((block) => {
    const subnetId = text(block, "subnetId");
    const subnet = scene.must(types.subnet, subnetId, "SubnetNotFound", `The subnet ID '${subnetId}' does not exist`);
    return { subnet, wanted: text(block, "privateIpv4Address"), allocationId: text(block, "allocationId") };
  });
}

function checkMappings(mappings: readonly Mapping[], inputs: JsonObject, scene: Scene): string {
  const network = text(inputs, "loadBalancerType") === "network";
  const internal = flag(inputs, "internal", false);
  const vpcIds = new Set(mappings.map(({ subnet }) => vpcIdOf(subnet)));
  const [vpcId = ""] = vpcIds;
  if (vpcIds.size > 1) throw new Refusal("InvalidConfigurationRequest", "All subnets must belong to the same VPC");
  const zones = mappings.map(({ subnet }) => zoneOf(subnet));
  if (new Set(zones).size < zones.length) {
    throw new Refusal(
      "InvalidConfigurationRequest",
      "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
    );
  }
  if (!network && zones.length < 2) {
    throw new Refusal("ValidationError", "At least two subnets in two different Availability Zones must be specified");
  }
  if (mappings.some(({ wanted }) => wanted !== undefined) && !(network && internal)) {
    throw new Refusal(
      "InvalidConfigurationRequest",
      "Private IPv4 addresses can be specified only for internal Network Load Balancers",
    );
  }
  const elastic = mappings.filter(({ allocationId }) => allocationId !== undefined);
  if (elastic.length > 0 && !(network && !internal)) {
    throw new Refusal(
      "InvalidConfigurationRequest",
      "Elastic IP addresses can be specified only for internet-facing Network Load Balancers",
    );
  }
  for (const { allocationId } of elastic) {
    scene.must(
      types.elasticIp,
      allocationId,
      "AllocationIdNotFound",
      `The allocation IDs '${allocationId}' do not exist`,
    );
  }
  if (!internal && internetGatewayOf(scene, vpcId) === undefined) {
    throw new Refusal("InvalidSubnet", `VPC ${vpcId} has no internet gateway`);
  }
  return vpcId;
}

/** One address for each subnet: the wanted one, the one it had, or a free one. */
function frontEnd(mappings: readonly Mapping[], scene: Scene, self: Self): { [subnetId: string]: string[] } {
  const before = child(self.old ?? {}, "holds") ?? {};
  return Object.fromEntries(
    mappings.map(({ subnet, wanted }) => {
      const fixed = wanted === undefined ? texts(before, subnet.id) : [wanted];
      try {
        return [subnet.id, takeAddresses(scene, subnet, { wanted: fixed, count: 1, self: self.id })];
      } catch (error) {
        if (!(error instanceof Refusal) || wanted === undefined) throw error;
        // The service wraps EC2's words.
        throw new Refusal(
          "InvalidConfigurationRequest",
          `The private IPv4 address '${wanted}' for subnet '${subnet.id}' is not valid: ${error.message}`,
        );
      }
    }),
  );
}

/** Seconds: a Network Load Balancer is `active` after 120-200, an Application one after 90-180; deletion takes a few (the provider's acceptance logs). */
const loadBalancer: Definition = {
  type: types.loadBalancer,
  prefix: "lb",
  seconds: { create: 180, update: 30, delete: 15 },
  check: (inputs) => [
    ...exactlyOne(inputs, ["subnets", "subnetMappings"]),
    ...conflicts(inputs, "name", ["namePrefix"]),
  ],
  // A Network Load Balancer loses no zone, and no address changes in place.
  replaces: (olds, news) => {
    if (text(news, "loadBalancerType") !== "network") return [];
    const key = olds.subnetMappings === undefined ? "subnets" : "subnetMappings";
    const next = new Set(objects(news, key).map(mappingKey).concat(texts(news, key)));
    const lost = objects(olds, key)
      .map(mappingKey)
      .concat(texts(olds, key))
      .some((mapping) => !next.has(mapping));
    const groups = (inputs: JsonObject): boolean => texts(inputs, "securityGroups").length > 0;
    return [...(lost ? [key] : []), ...(groups(olds) === groups(news) ? [] : ["securityGroups"])];
  },
  make(inputs, scene, self) {
    const name = scene.autoName(inputs, self, "name", 32);
    const kind = text(inputs, "loadBalancerType") ?? "application";
    const others = scene.find(types.loadBalancer).filter(({ id }) => self.old === undefined || id !== self.id);
    if (others.some(({ properties }) => text(properties, "name") === name)) {
      throw new Refusal(
        "DuplicateLoadBalancerName",
        `A load balancer with the same name '${name}' exists, but with different settings`,
      );
    }
    if (others.length >= scene.quotas.networkLoadBalancers) {
      throw new Refusal("TooManyLoadBalancers", "The maximum number of load balancers has been reached.");
    }
    const mappings = mappingsOf(inputs, scene);
    const vpcId = checkMappings(mappings, inputs, scene);
    const groups = texts(inputs, "securityGroups");
    checkGroups(scene, groups, vpcId);
    const addresses = frontEnd(mappings, scene, self);
    const family = kind === "network" ? "net" : "app";
    const arn =
      self.old === undefined
        ? scene.arn("elasticloadbalancing", `loadbalancer/${family}/${name}/${digits(self.id, 16)}`)
        : self.id;
    const internal = flag(inputs, "internal", false);
    return {
      id: arn,
      outputs: {
        arn,
        arnSuffix: arn.split(":loadbalancer/")[1],
        name,
        namePrefix: "",
        vpcId,
        dnsName: `${internal ? "internal-" : ""}${name}-${digits(name, 16)}.elb.${scene.region}.amazonaws.com`,
        // The hosted zone of Network Load Balancers in Seoul (docs.aws.amazon.com/general/latest/gr/elb.html).
        zoneId: kind === "network" ? "ZIBE1TIR4HY56" : "ZWKZPGTI48KDX",
        loadBalancerType: kind,
        internal,
        ipAddressType: "ipv4",
        enableDeletionProtection: false,
        subnets: mappings.map(({ subnet }) => subnet.id),
        subnetMappings: mappings.map(({ subnet, wanted }) => ({
          subnetId: subnet.id,
          ...(wanted === undefined ? {} : { privateIpv4Address: wanted }),
        })),
        securityGroups: groups,
      },
      facts: { holds: addresses },
    };
  },
  remove({ id, properties }) {
    if (flag(properties, "enableDeletionProtection", false)) {
      throw new Refusal(
        "OperationNotPermitted",
        `Load balancer '${id}' cannot be deleted because deletion protection is enabled`,
      );
    }
  },
};

function mappingKey(mapping: JsonObject): string {
  return `${text(mapping, "subnetId")} ${text(mapping, "privateIpv4Address") ?? ""}`;
}

/** Load balancers; what they forward to is in targets.ts. */
export const balancingDefinitions: readonly Definition[] = [loadBalancer];
