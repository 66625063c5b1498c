import { beforeEach, describe, expect, it } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { Cloud, type Name, node, output, type Seoul, seoul } from "./aws-cloud.ts";
import { refuses } from "./aws-refuses.ts";

let cloud: Cloud;
let site: Seoul;
beforeEach(async () => {
  cloud = new Cloud();
  site = await seoul(cloud);
});

/** Inputs of something that is there already. */
async function twice(c: Cloud, type: Name, inputs: Properties): Promise<Properties> {
  await c.make(type, inputs);
  return inputs;
}

const trust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

const allow = (statement: Properties): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });

describe("identity and keys", () => {
  refuses([
    ["a trust policy that is no JSON", "role", () => ({ assumeRolePolicy: "{" }), "This policy contains invalid Json"],
    [
      "a trust policy without principal",
      "role",
      () => ({ assumeRolePolicy: allow({ Action: "sts:AssumeRole" }) }),
      "Missing required field Principal",
    ],
    ["a role twice", "role", (c) => twice(c, "role", { name: "node", assumeRolePolicy: trust }), "EntityAlreadyExists"],
    [
      "a policy for no role",
      "rolePolicy",
      () => ({ role: "none", policy: allow({ Action: "s3:*", Resource: "*" }) }),
      "NoSuchEntity",
    ],
    [
      "a policy without resources",
      "rolePolicy",
      async (c) => ({
        role: (await c.make("role", { assumeRolePolicy: trust })).id,
        policy: allow({ Action: "s3:*" }),
      }),
      "must contain resources",
    ],
    [
      "an action without service",
      "rolePolicy",
      async (c) => ({
        role: (await c.make("role", { assumeRolePolicy: trust })).id,
        policy: allow({ Action: "GetObject", Resource: "*" }),
      }),
      "prefaced by a vendor",
    ],
    ["a profile for no role", "instanceProfile", () => ({ role: "none" }), "NoSuchEntity"],
    [
      "a key policy that locks everyone out",
      "key",
      () => ({ policy: allow({ Principal: { Service: "ec2.amazonaws.com" }, Action: "kms:Decrypt", Resource: "*" }) }),
      "will not allow you to update the key policy",
    ],
    ["an alias for no key", "alias", () => ({ name: "alias/etcd", targetKeyId: "none" }), "NotFoundException"],
    ["an alias of AWS's own", "alias", () => ({ name: "alias/aws/ebs", targetKeyId: "none" }), "must match"],
    ["a key deleted in 3 days", "key", () => ({ deletionWindowInDays: 3 }), "must be at least 7"],
  ]);
});

const check = (rest: Properties = {}): Properties => ({ type: "HTTPS", ipAddress: "203.0.113.80", port: 443, ...rest });

const record = (rest: Properties = {}): Properties => ({
  zoneId: "Z0123456789ABC",
  name: "app.example.com",
  type: "A",
  ttl: 30,
  records: ["203.0.113.80"],
  ...rest,
});

const failover = (kind: string, rest: Properties = {}): Properties =>
  record({ setIdentifier: kind.toLowerCase(), failoverRoutingPolicies: [{ type: kind }], ...rest });

describe("dns", () => {
  refuses([
    ["an interval of 20 s", "healthCheck", () => check({ requestInterval: 20 }), "must be one of 10, 30"],
    ["a threshold of 11", "healthCheck", () => check({ failureThreshold: 11 }), "must be at most 10"],
    ["a private address", "healthCheck", () => check({ ipAddress: "10.10.0.8" }), "InvalidInput"],
    ["nothing to check", "healthCheck", () => ({ type: "HTTPS" }), "one of ipAddress, fqdn"],
    ["no such zone", "record", () => record({ zoneId: "example.com" }), "NoSuchHostedZone"],
    ["neither records nor alias", "record", () => ({ ...record(), records: null }), "must be given"],
    ["records without ttl", "record", () => ({ ...record(), ttl: null }), "ttl: is required"],
    [
      "a policy without identifier",
      "record",
      () => record({ weightedRoutingPolicies: [{ weight: 1 }] }),
      "setIdentifier: is required",
    ],
    [
      "a value that is no address",
      "record",
      () => record({ records: ["app.example.org"] }),
      "ARRDATAIllegalIPv4Address",
    ],
    ["a record twice", "record", (c) => twice(c, "record", record()), "but it already exists"],
    [
      "two primaries",
      "record",
      async (c) => {
        const healthCheckId = (await c.make("healthCheck", check())).id;
        await c.make("record", failover("PRIMARY", { healthCheckId }));
        return failover("PRIMARY", { setIdentifier: "other", healthCheckId });
      },
      "a PRIMARY failover record with the same name and type exists already",
    ],
    ["a primary without health check", "record", () => failover("PRIMARY"), "must have a health check"],
    ["no such health check", "record", () => failover("SECONDARY", { healthCheckId: "none" }), "NoSuchHealthCheck"],
    ["a bad failover type", "record", () => failover("ACTIVE"), "must be one of PRIMARY, SECONDARY"],
    ["a name that is none", "record", () => record({ name: "app..example.com" }), "is not a domain name"],
  ]);
});

describe("endpoints", () => {
  refuses([
    [
      "a service of another region",
      "vpcEndpoint",
      (_, s) => ({ vpcId: s.vpc.id, serviceName: "com.amazonaws.us-east-1.s3" }),
      "InvalidServiceName",
    ],
    [
      "a gateway for what has none",
      "vpcEndpoint",
      (_, s) => ({ vpcId: s.vpc.id, serviceName: "com.amazonaws.ap-northeast-2.ssm" }),
      "does not match available service types",
    ],
    [
      "a subnet for a gateway endpoint",
      "vpcEndpoint",
      (_, s) => ({ vpcId: s.vpc.id, serviceName: "com.amazonaws.ap-northeast-2.s3", subnetIds: [s.a.id] }),
      "is not supported with vpcEndpointType Gateway",
    ],
    [
      "a flow log of two things",
      "flowLog",
      (_, s) => ({
        vpcId: s.vpc.id,
        subnetId: s.a.id,
        trafficType: "ALL",
        logDestination: "arn:aws:s3:::x",
        logDestinationType: "s3",
      }),
      "only one of",
    ],
    [
      "a flow log without role",
      "flowLog",
      (_, s) => ({ vpcId: s.vpc.id, trafficType: "ALL", logDestination: "arn" }),
      "iamRoleArn: is required",
    ],
  ]);
});

it("keeps a role of a profile", async () => {
  const role = await cloud.make("role", { name: "node", assumeRolePolicy: trust });
  await cloud.make("instanceProfile", { role: "node" });
  await expect(cloud.remove("role", role)).rejects.toThrow("must remove roles from instance profile first");
});

it("keeps a health check that a record asks", async () => {
  const made = await cloud.make("healthCheck", check());
  await cloud.make("record", failover("PRIMARY", { healthCheckId: made.id }));
  await expect(cloud.remove("healthCheck", made)).rejects.toThrow("HealthCheckInUse");
});

it("keeps role and instance profile of one name apart", async () => {
  await cloud.make("role", { name: "node", assumeRolePolicy: trust });
  const profile = await cloud.make("instanceProfile", { name: "node", role: "node" });
  const { instance } = await node(cloud, site, "10.10.0.30", { iamInstanceProfile: output(profile, "name") });
  expect(instance.id).toMatch(/^i-0[0-9a-f]{16}$/);
});
