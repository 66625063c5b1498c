import { describe, expect, it } from "vitest";
import { EntrySpec } from "../../components/config/schema.ts";
import { deployEntry } from "../../components/entry/entry.ts";
import { planRecords } from "../../components/entry/plan.ts";
import { deploy, named, ofType } from "../support/deploy.ts";
import { stackFile } from "../support/stacks.ts";

const file = stackFile("entry");
if (file.kind !== "entry") throw new Error("entry holds no entry");
const shipped = file.spec;
const activeIn = (site: string) => EntrySpec.parse({ ...shipped, activeSite: site });
const run = (site: string) => deploy(() => deployEntry({ entry: activeIn(site) }));
const recordType = "aws:route53/record:Record";
const checkType = "aws:route53/healthCheck:HealthCheck";

describe("planRecords", () => {
  it("puts the active site first and its standby second", () => {
    expect(planRecords(activeIn("dr-busan"))).toEqual([
      { role: "primary", failover: "PRIMARY", site: "dr-busan", address: "198.51.100.10" },
      { role: "secondary", failover: "SECONDARY", site: "prod-seoul", address: "203.0.113.10" },
    ]);
  });

  it("refuses an active site that is not there, and more or fewer than two", () => {
    const { sites } = shipped;
    const seoul = { "prod-seoul": { ingressAddress: shipped.sites["prod-seoul"]?.ingressAddress ?? "" } };
    expect(() => planRecords({ activeSite: activeIn("idc").activeSite, sites })).toThrow(
      /between two sites, idc among them/,
    );
    const one = EntrySpec.parse({ ...shipped, sites: seoul });
    expect(() => planRecords(one)).toThrow(/got prod-seoul\./);
    const three = EntrySpec.parse({ ...shipped, sites: { ...sites, third: { ingressAddress: "192.0.2.1" } } });
    expect(() => planRecords(three)).toThrow(/got .*third/);
  });
});

describe("Entry", () => {
  it("switches by changing values in place: the same records, names and roles, nothing made or deleted", async () => {
    const before = (await run("prod-seoul")).resources;
    const after = (await run("dr-busan")).resources;
    const fixed = ["name", "type", "zoneId", "setIdentifier", "failoverRoutingPolicies"];
    const identity = ofType(before, recordType).map(({ name, inputs }) => [name, fixed.map((key) => inputs[key])]);
    expect(ofType(after, recordType).map(({ name, inputs }) => [name, fixed.map((key) => inputs[key])])).toEqual(
      identity,
    );
    expect(ofType(after, checkType)).toEqual(ofType(before, checkType));

    const answers = (list: typeof before) =>
      ofType(list, recordType).map(({ inputs }) => [inputs.setIdentifier, inputs.records, inputs.healthCheckId]);
    expect(answers(before)).toEqual([
      ["primary", ["203.0.113.10"], "entry-prod-seoul-id"],
      ["secondary", ["198.51.100.10"], "entry-dr-busan-id"],
    ]);
    expect(answers(after)).toEqual([
      ["primary", ["198.51.100.10"], "entry-dr-busan-id"],
      ["secondary", ["203.0.113.10"], "entry-prod-seoul-id"],
    ]);
  });

  it("writes the primary before the secondary", async () => {
    const { resources } = await run("dr-busan");
    const waitsFor = (role: string) => named(resources, recordType, `entry-${role}`).dependencies.join();
    expect(waitsFor("secondary")).toContain("entry-primary");
    expect(waitsFor("primary")).not.toContain("entry-secondary");
  });

  it("checks each site at its address under the users' name", async () => {
    const { resources } = await run("prod-seoul");
    expect(named(resources, checkType, "entry-dr-busan").inputs).toMatchObject({
      type: "HTTPS",
      ipAddress: "198.51.100.10",
      fqdn: "api.bank.example",
      enableSni: true,
      port: 443,
      resourcePath: "/healthz",
      requestInterval: 10,
      failureThreshold: 3,
    });
    for (const record of ofType(resources, recordType)) {
      expect(record.inputs).toMatchObject({ ttl: 30, name: "api.bank.example", type: "A" });
      expect(record.protect).toBe(true);
    }
  });

  it("is Route 53 and nothing else", async () => {
    const { resources } = await run("dr-busan");
    const types = new Set(resources.map(({ type }) => type));
    expect([...types].sort()).toEqual([checkType, recordType, "gyeongbu:index:Entry"].sort());
  });
});
