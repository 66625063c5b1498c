import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorldObject } from "../../rehearsal/world.ts";
import { WholeWorld } from "../support/broken-world.ts";

/** A row of the port table that a firewall rule comes from: its description on AWS, its name on Azure. */
function rowOf({ type, id, properties }: WorldObject): string | undefined {
  if (type.startsWith("aws:vpc/securityGroup")) return `aws ${JSON.stringify(properties.description).slice(1, -1)}`;
  const rule = type.endsWith(":SecurityRule") && properties.access === "Allow";
  return rule ? `azure ${(id.split("/").at(-1) ?? "").replace(/-(in|out)$/, "")}` : undefined;
}

/** What a rehearsal asks while it runs, by SSH and apt; and on Azure, whose rules know no ICMP types, one row stands in for another. */
const elsewhere = /^(aws|azure) (ssh-admin|http-out)$|^azure (pmtu|health-icmp)|^azure (api|api-frontend)$/;

let whole: WholeWorld;
beforeAll(async () => {
  whole = await WholeWorld.build();
}, 60_000);
afterAll(() => whole.remove());

describe("each row of the port table", () => {
  it("is missed when it is gone", () => {
    const rows = new Set<string>();
    whole.problemsAfter((world) => {
      for (const object of world.all()) {
        const row = rowOf(object);
        if (row !== undefined) rows.add(row);
      }
    });
    expect(rows.size).toBeGreaterThan(40);
    const unmissed = [...rows].filter((row) => {
      const problems = whole.problemsAfter((broken) => {
        for (const object of broken.all().filter((one) => rowOf(one) === row))
          broken.remove(object.provider, object.id);
      });
      return problems.length === 0;
    });
    expect(unmissed.filter((row) => !elsewhere.test(row))).toEqual([]);
  }, 120_000);
});
