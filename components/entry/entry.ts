import { HealthCheck } from "@pulumi/aws/route53/healthCheck.js";
import { Record as DnsRecord } from "@pulumi/aws/route53/record.js";
import * as pulumi from "@pulumi/pulumi";
import type { EntrySpec } from "../config/schema.ts";
import { planRecords } from "./plan.ts";

export interface EntryArgs {
  spec: EntrySpec;
}

/**
 * How users reach a site: one name, two failover records, a health check per site.
 *
 * Everything here is Route 53's, which is global: nothing asks a site, its cluster or its region. Switching is one line of the stack file;
 * losing the active site moves users without it, after `intervalSeconds` x `failureThreshold` + `ttlSeconds` (60 to 150 s in all).
 */
export class Entry extends pulumi.ComponentResource {
  /** Ids of the health checks, by site. */
  readonly healthCheckIds: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(name: string, { spec }: EntryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:Entry", name, {}, opts);
    const own = { parent: this };
    const { healthCheck } = spec;
    // Keyed by site, not by role: a switch must not restart a check that is counting.
    const checks = new Map(
      Object.entries(spec.sites).map(([site, { ingressAddress }]) => [
        site,
        new HealthCheck(
          `${name}-${site}`,
          {
            type: "HTTPS",
            // The address is dialled; the name is what the request and the TLS handshake ask for.
            ipAddress: ingressAddress,
            fqdn: spec.record,
            enableSni: true,
            port: healthCheck.port,
            resourcePath: healthCheck.path,
            requestInterval: healthCheck.intervalSeconds,
            failureThreshold: healthCheck.failureThreshold,
            tags: { Name: `${name}-${site}`, "gyeongbu:site": site },
          },
          own,
        ),
      ]),
    );
    let previous: DnsRecord | undefined;
    for (const { role, failover, site, address } of planRecords(spec)) {
      const check = checks.get(site);
      if (!check) throw new RangeError(`${site} has no health check.`);
      previous = new DnsRecord(
        `${name}-${role}`,
        {
          zoneId: spec.zoneId,
          name: spec.record,
          type: "A",
          setIdentifier: role,
          failoverRoutingPolicies: [{ type: failover }],
          records: [address],
          ttl: spec.ttlSeconds,
          healthCheckId: check.id,
        },
        // Users hang on it. The primary goes first: after the loss of a site the secondary is all that answers, and may leave the living
        // site only once the primary has arrived there.
        { ...own, protect: true, ...(previous ? { dependsOn: previous } : {}) },
      );
    }
    this.healthCheckIds = Object.fromEntries([...checks].map(([site, { id }]) => [site, id]));
    this.registerOutputs({});
  }
}

/** What `load` found in the entry's stack file. */
export interface EntryStack {
  readonly entry: EntrySpec;
}

/** The program of the entry's stack. */
export function deployEntry({ entry }: EntryStack): Record<string, unknown> {
  new Entry("entry", { spec: entry });
  return { activeSite: entry.activeSite, record: entry.record };
}
