import { type Problem, type Properties, Refusal } from "../stand-in.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { conflicts, exactlyOne, flag, given, knownText, objects, text, texts } from "./fields.ts";
import { isPrivate, parseAddress } from "./ipv4.ts";
import { type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

/** Seconds: a change spreads to all of Route 53's servers within 60 (docs.aws.amazon.com/Route53: ChangeResourceRecordSets); the provider waits for INSYNC, 30-45 in its logs. */
const insync = 40;

/** A domain name without its last dot, in lower case. */
function plainName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

function nameProblem(inputs: Properties): Problem[] {
  const name = knownText(inputs, "name");
  if (name === undefined || name === "") return [];
  const labels = plainName(name).split(".");
  const fine = labels.every(
    (label, place) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label) || (place === 0 && label === "*"),
  );
  return fine && name.length <= 255 ? [] : [{ property: "name", reason: `"${name}" is not a domain name` }];
}

const zone: Definition = {
  type: types.zone,
  prefix: "Z",
  global: true,
  seconds: { create: insync, update: 5, delete: insync },
  check: (inputs) => [...nameProblem(inputs), ...conflicts(inputs, "delegationSetId", ["vpcs"])],
  make(inputs, scene, self) {
    for (const vpc of objects(inputs, "vpcs")) {
      const vpcId = text(vpc, "vpcId") ?? "";
      if (scene.world.get("aws", vpcId)?.type !== types.vpc) {
        throw new Refusal("InvalidVPCId", `The VPC: ${vpcId} is not found`);
      }
    }
    const zoneId = self.old === undefined ? `Z${digits(self.id, 20).toUpperCase()}` : self.id;
    const hosts = [0, 1, 2, 3].map(
      (server) => `ns-${server * 512 + 100}.awsdns-${server}0.${["com", "net", "org", "co.uk"][server]}`,
    );
    return {
      id: zoneId,
      outputs: {
        arn: `arn:aws:route53:::hostedzone/${zoneId}`,
        zoneId,
        name: plainName(text(inputs, "name") ?? ""),
        nameServers: hosts,
        primaryNameServer: hosts[0],
        comment: "Managed by Pulumi",
        forceDestroy: false,
      },
    };
  },
  remove({ id, properties }, scene) {
    if (flag(properties, "forceDestroy", false) || scene.users(id, [[types.record, "zoneId"]]).length === 0) return;
    throw new Refusal(
      "HostedZoneNotEmpty",
      "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
    );
  },
};

const endpointTypes = ["HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"];

function checkHealth(inputs: Properties): Problem[] {
  const type = knownText(inputs, "type");
  if (type === undefined) return [];
  const problem = (property: string, reason: string): Problem[] => [{ property, reason }];
  const problems: Problem[] = [];
  if (endpointTypes.includes(type)) {
    if (!given(inputs, "ipAddress") && !given(inputs, "fqdn"))
      problems.push(...problem("ipAddress", "one of ipAddress, fqdn must be given"));
    // The API has defaults for HTTP and HTTPS, and none for TCP.
    if (type === "TCP" && !given(inputs, "port")) problems.push(...problem("port", "is required with type TCP"));
    if (type === "TCP" && given(inputs, "resourcePath"))
      problems.push(...problem("resourcePath", "is not supported with type TCP"));
  }
  if (type.endsWith("STR_MATCH") !== given(inputs, "searchString")) {
    problems.push(
      ...problem(
        "searchString",
        type.endsWith("STR_MATCH") ? `is required with type ${type}` : `is not supported with type ${type}`,
      ),
    );
  }
  if (type === "CALCULATED" && !given(inputs, "childHealthchecks"))
    problems.push(...problem("childHealthchecks", "is required with type CALCULATED"));
  if (type === "CLOUDWATCH_METRIC" && !given(inputs, "cloudwatchAlarmName"))
    problems.push(...problem("cloudwatchAlarmName", "is required with type CLOUDWATCH_METRIC"));
  const regions = inputs.regions;
  if (Array.isArray(regions) && regions.length > 0 && regions.length < 3)
    problems.push(...problem("regions", "needs at least three regions"));
  const address = knownText(inputs, "ipAddress");
  if (address !== undefined && parseAddress(address) === undefined && !address.includes(":")) {
    problems.push(...problem("ipAddress", `"${address}" is not an IP address`));
  }
  return problems;
}

const healthCheck: Definition = {
  type: types.healthCheck,
  prefix: "hc",
  global: true,
  seconds: { create: 2, update: 1, delete: 1 },
  check: checkHealth,
  make(inputs, scene, self) {
    const address = parseAddress(text(inputs, "ipAddress") ?? "");
    if (address !== undefined && isPrivate(address)) {
      throw new Refusal(
        "InvalidInput",
        `Invalid parameter : IP address ${text(inputs, "ipAddress")} is private; health checkers are on the Internet.`,
      );
    }
    for (const child of texts(inputs, "childHealthchecks")) {
      if (scene.get(types.healthCheck, child) === undefined) {
        throw new Refusal("InvalidInput", `Invalid parameter : The health check ${child} does not exist.`);
      }
    }
    const hex = digits(self.id, 32);
    const id =
      self.old === undefined
        ? [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
        : self.id;
    return {
      id,
      outputs: {
        arn: `arn:aws:route53:::healthcheck/${id}`,
        failureThreshold: 3,
        requestInterval: 30,
        disabled: false,
        invertHealthcheck: false,
      },
    };
  },
  remove({ id }, scene) {
    const users = [
      ...scene.users(id, [[types.record, "healthCheckId"]]),
      ...scene.users(id, [[types.healthCheck, "childHealthchecks"]]),
    ];
    if (users.length > 0) {
      throw new Refusal("HealthCheckInUse", `The health check ${id} is in use by ${users[0]?.id}.`);
    }
  },
};

const policies = [
  "cidrRoutingPolicy",
  "failoverRoutingPolicies",
  "geolocationRoutingPolicies",
  "geoproximityRoutingPolicy",
  "latencyRoutingPolicies",
  "multivalueAnswerRoutingPolicy",
  "weightedRoutingPolicies",
];

function checkRecord(inputs: Properties): Problem[] {
  const problems = [...exactlyOne(inputs, ["records", "aliases"]), ...nameProblem(inputs)];
  if (given(inputs, "records") && !given(inputs, "ttl"))
    problems.push({ property: "ttl", reason: "is required with records" });
  problems.push(...conflicts(inputs, "aliases", ["ttl"]));
  const chosen = policies.filter((key) => given(inputs, key));
  if (chosen.length > 1) problems.push({ property: chosen[1] ?? "", reason: `conflicts with ${chosen[0]}` });
  if (chosen.length > 0 && !given(inputs, "setIdentifier")) {
    problems.push({ property: "setIdentifier", reason: `is required with ${chosen[0]}` });
  }
  if (chosen.length === 0 && given(inputs, "setIdentifier")) {
    problems.push({ property: "setIdentifier", reason: "needs a routing policy" });
  }
  return problems;
}

function batch(message: string): Refusal {
  return new Refusal("InvalidChangeBatch", `[${message}]`);
}

/** The zone of a record: of the rehearsal, or one that was there before (an id of the right form, of which nothing is known). */
function zoneOfRecord(scene: Scene, zoneId: string): WorldObject | undefined {
  const found = scene.get(types.zone, zoneId);
  if (found === undefined && !/^Z[A-Z0-9]{1,31}$/.test(zoneId)) {
    throw new Refusal("NoSuchHostedZone", `No hosted zone found with ID: ${zoneId}`);
  }
  return found;
}

function failoverOf(properties: JsonObject): string | undefined {
  const [policy] = objects(properties, "failoverRoutingPolicies");
  return policy === undefined ? undefined : text(policy, "type");
}

function hasPolicy(properties: JsonObject): boolean {
  return text(properties, "setIdentifier") !== undefined;
}

/** Other records of the same name and type in the zone, by which Route 53 judges a new one. */
function checkSiblings(name: string, inputs: JsonObject, siblings: readonly WorldObject[]): void {
  const [type, identifier] = [text(inputs, "type") ?? "", text(inputs, "setIdentifier")];
  const set = `name='${name}.', type='${type}'${identifier === undefined ? "" : `, set identifier='${identifier}'`}`;
  const alike = siblings.filter(({ properties }) => text(properties, "type") === type);
  for (const { properties } of alike) {
    if (hasPolicy(properties) !== hasPolicy(inputs)) {
      throw batch(
        `RRSet with DNS name ${name}., type ${type}, SetIdentifier ${identifier ?? "none"} cannot be created because a record of another routing policy exists with the same name and type.`,
      );
    }
    if (text(properties, "setIdentifier") === identifier) {
      throw batch(`Tried to create resource record set [${set}] but it already exists`);
    }
    if (policies.some((key) => (properties[key] === undefined) !== (inputs[key] === undefined))) {
      throw batch(
        `RRSet with DNS name ${name}., type ${type}, SetIdentifier ${identifier} mixes routing policies with the same name and type.`,
      );
    }
    if (failoverOf(properties) !== undefined && failoverOf(properties) === failoverOf(inputs)) {
      throw batch(
        `RRSet with DNS name ${name}., type ${type}, SetIdentifier ${identifier} cannot be created: a ${failoverOf(inputs)} failover record with the same name and type exists already.`,
      );
    }
  }
  const cname = [type, ...siblings.map(({ properties }) => text(properties, "type"))].filter(
    (other) => other === "CNAME",
  ).length;
  if (cname > 0 && alike.length < siblings.length) {
    throw batch(
      `RRSet of type ${type} with DNS name ${name}. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists`,
    );
  }
}

function checkValues(inputs: JsonObject): void {
  if (text(inputs, "type") !== "A") return;
  const wrong = texts(inputs, "records").find((value) => parseAddress(value) === undefined);
  if (wrong !== undefined) {
    throw batch(
      `Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '${wrong}''`,
    );
  }
}

const record: Definition = {
  type: types.record,
  prefix: "record",
  global: true,
  seconds: { create: insync, update: insync, delete: insync },
  check: checkRecord,
  make(inputs, scene, self) {
    const zoneId = text(inputs, "zoneId") ?? "";
    const found = zoneOfRecord(scene, zoneId);
    const apex = found === undefined ? undefined : (text(found.properties, "name") ?? "");
    const written = plainName(text(inputs, "name") ?? "");
    const within = apex === undefined || written === apex || written.endsWith(`.${apex}`);
    // The provider completes a short name with the zone's.
    const name = within ? written : written === "" ? apex : `${written}.${apex}`;
    checkValues(inputs);
    const type = text(inputs, "type") ?? "";
    if (type === "CNAME" && name === apex) {
      throw batch(`RRSet of type CNAME with DNS name ${name}. is not permitted at apex in zone ${apex}.`);
    }
    const own = self.old === undefined ? "" : self.id;
    const siblings = scene
      .users(zoneId, [[types.record, "zoneId"]], own)
      .filter(({ properties }) => text(properties, "fqdn") === name);
    if (!flag(inputs, "allowOverwrite", false)) checkSiblings(name, inputs, siblings);
    const checkId = text(inputs, "healthCheckId");
    if (checkId !== undefined && scene.get(types.healthCheck, checkId) === undefined) {
      throw new Refusal("NoSuchHealthCheck", `No health check exists with the ID ${checkId}`);
    }
    if (
      failoverOf(inputs) === "PRIMARY" &&
      checkId === undefined &&
      !objects(inputs, "aliases").some((target) => flag(target, "evaluateTargetHealth", false))
    ) {
      throw batch(`RRSet with DNS name ${name}., type ${type}: a PRIMARY failover record must have a health check`);
    }
    const suffix = text(inputs, "setIdentifier");
    return {
      id:
        self.old === undefined ? [zoneId, name, type, suffix].filter((part) => part !== undefined).join("_") : self.id,
      outputs: { fqdn: name },
    };
  },
};

/** Hosted zones, health checks and records. */
export const dnsDefinitions: readonly Definition[] = [zone, healthCheck, record];

/** Failover names that lack one of their two records: Route 53 takes them one by one, and then never fails over. */
export function halfFailovers(records: readonly WorldObject[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const { properties } of records) {
    const kind = failoverOf(properties);
    const name = text(properties, "fqdn") ?? "";
    if (kind !== undefined) names.set(name, (names.get(name) ?? new Set()).add(kind));
  }
  return [...names].filter(([, kinds]) => kinds.size < 2).map(([name]) => name);
}
