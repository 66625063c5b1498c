import type { EntrySpec } from "../config/schema.ts";
import type { Ipv4 } from "../network/cidr.ts";

/** One failover record: a role that stays, and the site that plays it now. */
export interface FailoverRecord {
  /** Identifier of the record set within the name; never changes. */
  readonly role: "primary" | "secondary";
  /** Route 53's word for it. */
  readonly failover: "PRIMARY" | "SECONDARY";
  readonly site: string;
  readonly address: Ipv4;
}

/**
 * The two records of the entry: the active site first, its standby second.
 *
 * The roles are fixed and the sites change places, so a switch changes values and nothing else: each record is overwritten in one request
 * (`UPSERT`: same name, type and identifier) and there is a record of either kind at every moment. The primary is written first, so that
 * between the two requests both lead to the newly active site. Were the sites fixed and the roles swapped, Route 53 would refuse the
 * first request, since it allows one PRIMARY, and deleting first would take the name off the air
 * (docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets).
 *
 * @throws RangeError unless there are two sites and the active one is among them.
 */
export function planRecords({ activeSite, sites }: Pick<EntrySpec, "activeSite" | "sites">): FailoverRecord[] {
  const names = Object.keys(sites);
  const active = sites[activeSite];
  const [standby, ...more] = names.filter((name) => name !== activeSite);
  const second = standby === undefined ? undefined : sites[standby];
  if (!active || standby === undefined || !second || more.length > 0) {
    throw new RangeError(`failover is between two sites, ${activeSite} among them; got ${names.join(", ")}.`);
  }
  return [
    { role: "primary", failover: "PRIMARY", site: activeSite, address: active.ingressAddress },
    { role: "secondary", failover: "SECONDARY", site: standby, address: second.ingressAddress },
  ];
}
