import { type Problem, type Properties, Refusal } from "../stand-in.ts";
import type { Json, JsonObject, WorldObject } from "../world.ts";
import { child, conflicts, given, knownText, number, objects, text } from "./fields.ts";
import { holds, isPrivate } from "./ipv4.ts";
import { mustSubnet, vpcIdOf } from "./references.ts";
import { addressOf, blockOf, type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

/** Which health checks and listeners fit a target group's protocol (docs.aws.amazon.com/elasticloadbalancing: target groups, listeners). */
const listenersOf: Readonly<Record<string, readonly string[]>> = {
  TCP: ["TCP", "TLS"],
  TLS: ["TLS"],
  UDP: ["UDP"],
  TCP_UDP: ["TCP_UDP", "TCP", "UDP"],
  QUIC: ["QUIC"],
  TCP_QUIC: ["TCP_QUIC"],
  HTTP: ["HTTP", "HTTPS"],
  HTTPS: ["HTTP", "HTTPS"],
  GENEVE: ["GENEVE"],
};

function checkTargetGroup(inputs: Properties): Problem[] {
  const { proxyProtocolV2 } = inputs;
  const [targetType, protocol, preserveClientIp] = ["targetType", "protocol", "preserveClientIp"].map((key) =>
    knownText(inputs, key),
  );
  const problems: Problem[] = conflicts(inputs, "name", ["namePrefix"]);
  if (targetType !== "lambda") {
    const missing = ["port", "protocol", "vpcId"].filter((key) => !given(inputs, key));
    problems.push(
      ...missing.map((property) => ({
        property,
        reason: `is required when targetType is ${targetType ?? "instance"}`,
      })),
    );
  }
  const isHttp = protocol === "HTTP" || protocol === "HTTPS";
  if (isHttp && preserveClientIp === "true") {
    problems.push({ property: "preserveClientIp", reason: "is not supported with protocol HTTP or HTTPS" });
  }
  if ((protocol === "UDP" || protocol === "TCP_UDP") && preserveClientIp === "false") {
    problems.push({ property: "preserveClientIp", reason: `cannot be disabled with protocol ${protocol}` });
  }
  if (isHttp && proxyProtocolV2 === true) {
    problems.push({ property: "proxyProtocolV2", reason: "is not supported with protocol HTTP or HTTPS" });
  }
  const block = inputs.healthCheck;
  if (typeof block !== "object" || block === null || Array.isArray(block)) return problems;
  return [...problems, ...checkHealthCheck(block as Properties, isHttp)];
}

function checkHealthCheck(check: Properties, isHttp: boolean): Problem[] {
  const { protocol, interval, timeout, port } = check;
  const problems: Problem[] = [];
  // Without a protocol the provider says HTTP.
  if (protocol === "TCP" && isHttp) {
    problems.push({
      property: "healthCheck.protocol",
      reason: "cannot be TCP when the target group's protocol is HTTP or HTTPS",
    });
  }
  if (protocol === "TCP") {
    for (const key of ["path", "matcher"]) {
      if (given(check, key))
        problems.push({ property: `healthCheck.${key}`, reason: "is not supported with healthCheck.protocol TCP" });
    }
  }
  if (typeof interval === "number" && typeof timeout === "number" && timeout > interval) {
    problems.push({
      property: "healthCheck.timeout",
      reason: `'${timeout}' must be smaller than or equal to the interval '${interval}'`,
    });
  }
  if (typeof port === "string" && Number(port) > 65_535) {
    problems.push({
      property: "healthCheck.port",
      reason: `must be a valid port number (1-65535) or traffic-port (it is "${port}")`,
    });
  }
  return problems;
}

/** Seconds: target groups, registrations and listeners are made at once (1-2 s in the provider's logs). */
const targetGroup: Definition = {
  type: types.targetGroup,
  prefix: "tg",
  seconds: { create: 2, update: 2, delete: 1 },
  check: checkTargetGroup,
  make(inputs, scene, self) {
    const name = scene.autoName(inputs, self, "name", 32);
    const others = scene.find(types.targetGroup).filter(({ id }) => self.old === undefined || id !== self.id);
    if (others.some(({ properties }) => text(properties, "name") === name)) {
      throw new Refusal(
        "DuplicateTargetGroupName",
        `A target group with the same name '${name}' exists, but with different settings`,
      );
    }
    const vpcId = text(inputs, "vpcId");
    if (vpcId !== undefined) scene.must(types.vpc, vpcId, "ValidationError", `The VPC ID '${vpcId}' is not found`);
    const arn =
      self.old === undefined
        ? scene.arn("elasticloadbalancing", `targetgroup/${name}/${digits(self.id, 16)}`)
        : self.id;
    const protocol = text(inputs, "protocol") ?? "";
    const isHttp = protocol === "HTTP" || protocol === "HTTPS";
    return {
      id: arn,
      outputs: {
        arn,
        arnSuffix: arn.split(`:${scene.region}:`)[1]?.split(":")[1],
        name,
        namePrefix: "",
        targetType: "instance",
        ipAddressType: "ipv4",
        deregistrationDelay: 300,
        loadBalancerArns: [],
        // Instance targets of TCP keep the client's address unless told otherwise; IP targets do not.
        preserveClientIp: isHttp || text(inputs, "targetType") === "ip" ? "false" : "true",
        proxyProtocolV2: false,
        healthCheck: {
          enabled: true,
          interval: 30,
          healthyThreshold: 3,
          unhealthyThreshold: 3,
          port: "traffic-port",
          protocol: isHttp ? "HTTP" : "TCP",
        },
      },
    };
  },
  remove({ id }, scene) {
    if (scene.find(types.listener).some((listener) => targetGroupsOf(listener.properties).includes(id))) {
      throw new Refusal("ResourceInUse", `Target group '${id}' is currently in use by a listener or a rule`);
    }
  },
};

/** The target groups that a listener forwards to. */
export function targetGroupsOf(listener: JsonObject): string[] {
  return objects(listener, "defaultActions").flatMap((action) => {
    const direct = text(action, "targetGroupArn");
    const weighted = objects(child(action, "forward") ?? {}, "targetGroups").map((group) => text(group, "arn"));
    return [direct, ...weighted].filter((arn) => arn !== undefined);
  });
}

const targetGroupAttachment: Definition = {
  type: types.targetGroupAttachment,
  prefix: "tga",
  seconds: { create: 1, delete: 1 },
  make(inputs, scene) {
    const groupArn = text(inputs, "targetGroupArn") ?? "";
    const group = scene.must(
      types.targetGroup,
      groupArn,
      "TargetGroupNotFound",
      `Target groups '${groupArn}' not found`,
    );
    const targetId = text(inputs, "targetId") ?? "";
    if (text(group.properties, "targetType") === "ip") checkAddress(scene, group, targetId, inputs.availabilityZone);
    else checkInstance(scene, group, targetId);
    const registered = scene.users(groupArn, [[types.targetGroupAttachment, "targetGroupArn"]]);
    if (registered.length >= scene.quotas.targetsPerZone) {
      throw new Refusal("TooManyTargets", "You have reached the maximum number of targets");
    }
    const port = number(inputs, "port") ?? number(group.properties, "port");
    return { id: `${groupArn}-${digits(`${targetId}:${port}`, 26)}`, outputs: { port } };
  },
};

function checkInstance(scene: Scene, group: WorldObject, targetId: string): void {
  const instance = scene.get(types.instance, targetId);
  if (instance === undefined)
    throw new Refusal("InvalidTarget", `The following targets are not valid instances: '${targetId}'`);
  const vpcId = vpcIdOf(mustSubnet(scene, text(instance.properties, "subnetId")));
  if (vpcId !== vpcIdOf(group)) {
    throw new Refusal(
      "InvalidTarget",
      `The following targets are not in the target group VPC '${vpcIdOf(group)}': '${targetId}'`,
    );
  }
}

function checkAddress(scene: Scene, group: WorldObject, targetId: string, zone: Json | undefined): void {
  const vpc = scene.get(types.vpc, vpcIdOf(group));
  const address = addressOf(targetId);
  const inside = vpc !== undefined && holds(blockOf(text(vpc.properties, "cidrBlock")), address);
  if (inside) return;
  if (!isPrivate(address))
    throw new Refusal("InvalidTarget", `The IP address '${targetId}' is not a valid target: it is public`);
  if (zone !== "all") {
    throw new Refusal(
      "ValidationError",
      `You must specify an Availability Zone of 'all' for the IP address '${targetId}', which is outside the VPC`,
    );
  }
}

const listener: Definition = {
  type: types.listener,
  prefix: "listener",
  seconds: { create: 1, update: 1, delete: 1 },
  make(inputs, scene, self) {
    const balancerArn = text(inputs, "loadBalancerArn") ?? "";
    const balancer = scene.must(
      types.loadBalancer,
      balancerArn,
      "LoadBalancerNotFound",
      `Load balancers '[${balancerArn}]' not found`,
    );
    const network = text(balancer.properties, "loadBalancerType") === "network";
    const protocol = text(inputs, "protocol") ?? (network ? "" : "HTTP");
    checkProtocol(inputs, protocol, network);
    const port = number(inputs, "port");
    const others = scene.users(
      balancerArn,
      [[types.listener, "loadBalancerArn"]],
      self.old === undefined ? "" : self.id,
    );
    if (others.some(({ properties }) => number(properties, "port") === port)) {
      throw new Refusal(
        "DuplicateListener",
        `A listener already exists on this port for this load balancer '${balancerArn}'`,
      );
    }
    for (const groupArn of targetGroupsOf(inputs)) checkForward(scene, balancer, protocol, groupArn);
    const arn =
      self.old === undefined
        ? `${balancerArn.replace(":loadbalancer/", ":listener/")}/${digits(self.id, 16)}`
        : self.id;
    return { id: arn, outputs: { arn, protocol } };
  },
};

function checkProtocol(inputs: JsonObject, protocol: string, network: boolean): void {
  const known = network ? ["TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"] : ["HTTP", "HTTPS"];
  if (!known.includes(protocol)) {
    throw new Refusal("ValidationError", `Protocol '${protocol}' must be one of '${known.join(", ")}'`);
  }
  if (number(inputs, "port") === undefined) throw new Refusal("ValidationError", "A listener port must be specified");
  if ((protocol === "TLS" || protocol === "HTTPS") && text(inputs, "certificateArn") === undefined) {
    throw new Refusal("CertificateNotFound", `A certificate must be specified for ${protocol} listeners`);
  }
  const actions = objects(inputs, "defaultActions");
  const wrong = actions.find(
    (action) => text(action, "type") === "forward" && targetGroupsOf({ defaultActions: [action] }).length === 0,
  );
  if (wrong !== undefined)
    throw new Refusal("ValidationError", "A target group ARN must be specified for action type forward");
  if (network && actions.some((action) => text(action, "type") !== "forward")) {
    throw new Refusal("InvalidLoadBalancerAction", "Network Load Balancers support only the action type forward");
  }
}

function checkForward(scene: Scene, balancer: WorldObject, protocol: string, groupArn: string): void {
  const group = scene.must(types.targetGroup, groupArn, "TargetGroupNotFound", `Target groups '${groupArn}' not found`);
  const theirs = text(group.properties, "protocol") ?? "";
  if (!(listenersOf[theirs] ?? []).includes(protocol)) {
    throw new Refusal(
      "InvalidConfigurationRequest",
      `Listener protocol '${protocol}' is not supported with target group protocol '${theirs}' ('${groupArn}')`,
    );
  }
  if (vpcIdOf(group) !== vpcIdOf(balancer)) {
    throw new Refusal(
      "InvalidConfigurationRequest",
      `The following target groups are in a different VPC than load balancer '${balancer.id}': '${groupArn}'`,
    );
  }
  const elsewhere = scene
    .find(types.listener)
    .some(
      ({ properties }) =>
        text(properties, "loadBalancerArn") !== balancer.id && targetGroupsOf(properties).includes(groupArn),
    );
  if (elsewhere) {
    throw new Refusal(
      "TargetGroupAssociationLimit",
      `The following target groups cannot be associated with more than one load balancer: '${groupArn}'`,
    );
  }
}

/** Target groups, what is registered in them, and the listeners that forward to them. */
export const targetDefinitions: readonly Definition[] = [targetGroup, targetGroupAttachment, listener];
