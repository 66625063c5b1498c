import fc from "fast-check";
import { expect, it } from "vitest";
import type { SiteSpec } from "../../components/config/schema.ts";
import { Cidr } from "../../components/network/cidr.ts";
import { addressRules } from "../../proof/rules/addresses.ts";
import { awsSite, onPremSite } from "../support/stacks.ts";

/**
 * The rules on disjoint blocks against an oracle that is written differently: it sorts the ends of all blocks of all sites, in BigInt, walks
 * them once and notes which blocks are open at the same time.
 */
type Kind = "nodes" | "pods" | "services" | "loadBalancers";
interface Layout {
  readonly sites: readonly Readonly<Record<Kind, string>>[];
  /** Whether the other sites list each other, or the first alone lists all. */
  readonly star: boolean;
}

/** Blocks of a small space, so that most layouts are broken and some are not. */
const block = fc
  .record({ second: fc.nat({ max: 24 }), third: fc.nat({ max: 255 }), prefix: fc.integer({ min: 13, max: 26 }) })
  .map(({ second, third, prefix }) => {
    const address = (10 * 256 + second) * 256 * 256 + third * 256;
    const size = 2 ** (32 - prefix);
    const first = address - (address % size);
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${prefix}`;
  });
const layouts: fc.Arbitrary<Layout> = fc.record({
  sites: fc.array(fc.record({ nodes: block, pods: block, services: block, loadBalancers: block }), {
    minLength: 1,
    maxLength: 4,
  }),
  star: fc.boolean(),
});

const templates = [onPremSite(), awsSite()];

/** The sites with these blocks; every second one is on-prem and has addresses for load balancers. */
function sitesOf({ sites, star }: Layout): SiteSpec[] {
  const name = (index: number) => `site-${index}`;
  return sites.map(({ nodes, pods, services, loadBalancers }, index): SiteSpec => {
    const template = templates[index % 2];
    if (!template?.mesh) throw new Error("the templates are in a mesh");
    const peers = sites
      .map((_, other) => name(other))
      .filter((_, other) => other !== index && (!star || index * other === 0));
    const common = {
      name: name(index),
      network: { nodes: Cidr.parse(nodes), pods: Cidr.parse(pods), services: Cidr.parse(services) },
      mesh: { ...template.mesh, peers },
    };
    return template.platform === "on-prem"
      ? { ...template, ...common, loadBalancers: Cidr.parse(loadBalancers) }
      : { ...template, ...common };
  });
}

interface End {
  readonly at: bigint;
  readonly opens: boolean;
  readonly site: number;
  readonly kind: Kind;
}

/** How often each rule must speak when the first site is judged. */
function oracle({ sites, star }: Layout): Record<string, number> {
  const ends = sites.flatMap((blocks, site) =>
    (["nodes", "pods", "services", "loadBalancers"] as const)
      .filter((kind) => kind !== "loadBalancers" || site % 2 === 0)
      .flatMap((kind): End[] => {
        const [address = "", prefix = ""] = blocks[kind].split("/");
        const first = address.split(".").reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
        const after = first + (1n << (32n - BigInt(prefix)));
        return [
          { at: first, opens: true, site, kind },
          { at: after, opens: false, site, kind },
        ];
      }),
  );
  ends.sort((one, other) =>
    one.at === other.at ? Number(one.opens) - Number(other.opens) : one.at < other.at ? -1 : 1,
  );
  const said: Record<string, number> = { "GB-201": 0, "GB-202": 0, "GB-203": 0, "GB-214": 0 };
  const say = (code: string) => {
    said[code] = (said[code] ?? 0) + 1;
  };
  const open = new Set<End>();
  for (const end of ends) {
    if (!end.opens) {
      for (const other of open) if (other.site === end.site && other.kind === end.kind) open.delete(other);
      continue;
    }
    for (const other of open) {
      const kinds = [end.kind, other.kind];
      const services = kinds.filter((kind) => kind === "services").length;
      if (end.site === other.site) {
        if (end.site === 0 && !(kinds.includes("nodes") && kinds.includes("loadBalancers"))) say("GB-201");
      } else if (end.site === 0 || other.site === 0) {
        say(services === 2 ? "GB-203" : services === 1 ? "GB-214" : "GB-202");
      } else if (star && services === 0) say("GB-202");
    }
    open.add(end);
  }
  return said;
}

const asked = addressRules.filter(({ code }) => ["GB-201", "GB-202", "GB-203", "GB-214"].includes(code));

function judged(layout: Layout): Record<string, number> {
  const files = sitesOf(layout).map((site) => ({ file: `${site.name}.yaml`, stack: site.name, site, config: {} }));
  const [own, ...peers] = files;
  if (!own) throw new Error("no sites");
  return Object.fromEntries(asked.map(({ code, check }) => [code, check({ ...own, peers }).length]));
}

it("agrees with the oracle on every layout, broken or not", () => {
  let disjoint = 0;
  fc.assert(
    fc.property(layouts, (layout) => {
      const expected = oracle(layout);
      if (Object.values(expected).every((count) => count === 0)) disjoint++;
      expect(judged(layout)).toEqual(expected);
    }),
    { numRuns: Number(process.env.RUNS ?? 4000), seed: 4 },
  );
  expect(disjoint).toBeGreaterThan(100);
});
