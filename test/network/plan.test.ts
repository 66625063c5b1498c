import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contains, overlaps } from "../../components/network/cidr.ts";
import {
  apiEndpoint,
  awsSubnets,
  azureSubnets,
  meshEndpoint,
  nodeCidrs,
  planSlots,
} from "../../components/network/plan.ts";
import { awsSite, azureSite, within } from "../support/stacks.ts";

const workers = (count: number) => (config: Parameters<typeof within>[0]) => {
  within(config, "gyeongbu:site", "nodePools", 1).count = count;
};

describe("slots", () => {
  it("spread over zones and keep their address and pod block", () => {
    const slots = planSlots(awsSite());
    expect(slots.slice(0, 3).map(({ name, zone, address, podCidr }) => [name, zone, address, podCidr])).toEqual([
      ["prod-seoul-control-0", "a", "10.10.0.16", "10.128.0.0/24"],
      ["prod-seoul-control-1", "b", "10.10.16.17", "10.128.1.0/24"],
      ["prod-seoul-control-2", "c", "10.10.32.18", "10.128.2.0/24"],
    ]);
  });

  it.each([
    ["aws", awsSite],
    ["azure", azureSite],
  ] as const)("%s: raising a count changes no slot that was there", (_, make) => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 0, max: 100 }), (before, more) => {
        const old = planSlots(make(workers(before)));
        expect(planSlots(make(workers(before + more))).slice(0, old.length)).toEqual(old);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ["aws", awsSite],
    ["azure", azureSite],
  ] as const)("%s: addresses and pod blocks are unique and where the firewall expects them", (_, make) => {
    const site = make(workers(200));
    const slots = planSlots(site);
    expect(new Set(slots.map(({ address }) => address)).size).toBe(slots.length);
    expect(new Set(slots.map(({ podCidr }) => podCidr)).size).toBe(slots.length);
    for (const { address, podCidr } of slots) {
      expect(nodeCidrs(site).some((block) => contains(block, address))).toBe(true);
      expect(contains(site.network.pods, podCidr)).toBe(true);
    }
    const taken = [...apiEndpoint(site).addresses, ...(meshEndpoint(site)?.addresses ?? [])];
    expect(slots.filter(({ address }) => taken.includes(address))).toEqual([]);
  });
});

describe("subnets", () => {
  it("are disjoint and inside the site's block", () => {
    const seoul = awsSite();
    const busan = azureSite();
    const lists = [
      [seoul.network.nodes, awsSubnets(seoul).flatMap((zone) => [zone.node, zone.public, zone.transit])],
      [busan.network.nodes, Object.values(azureSubnets(busan))],
    ] as const;
    for (const [outer, blocks] of lists) {
      blocks.forEach((block, index) => {
        expect(contains(outer, block)).toBe(true);
        expect(blocks.filter((other, position) => position !== index && overlaps(block, other))).toEqual([]);
      });
    }
  });
});
