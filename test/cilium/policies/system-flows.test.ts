import { describe, expect, it } from "vitest";
import { policyStages } from "../../../components/cilium/policies/bundles.ts";
import type { PolicyObject } from "../../../components/cilium/policies/policy.ts";
import { systemFlows } from "../../../components/cilium/policies/system-flows.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { list, record } from "../../../components/config/untyped.ts";
import { portTable } from "../../../components/network/ports.ts";
import { denyEverything, stoppedFlows } from "../../../proof/policies/system-flows.ts";
import type { KubernetesObject } from "../../../proof/rule.ts";
import { cilium, everything, members, policed } from "./policed-sites.ts";

const enforced = members.map(([site, peers]): [string, SiteSpec, readonly SiteSpec[]] => [
  site.name,
  policed(site, everything(site)),
  peers,
]);

/** Flows that stop once everything is denied that these objects do not allow. */
function stopped(site: SiteSpec, peers: readonly SiteSpec[], objects: readonly KubernetesObject[]): string[] {
  const { options } = cilium(site, peers, []);
  const { loaded } = cilium(site, peers, [...objects, ...denyEverything(options)]);
  return stoppedFlows(site, peers, loaded, options).stopped;
}
const asObjects = (objects: readonly PolicyObject[]): KubernetesObject[] => objects.map((object) => ({ ...object }));

/** The object without one of its entries, once for each; and without one port of an entry that has several. */
function weakened({ spec, ...rest }: PolicyObject): KubernetesObject[] {
  const entries = (["ingress", "egress"] as const).flatMap((direction) =>
    list(spec[direction]).map((entry, index) => ({ direction, entry, index })),
  );
  return entries.flatMap(({ direction, entry, index }) => {
    const all = list(spec[direction]);
    const written = list(record(entry).toPorts).flatMap((rule) => list(record(rule).ports));
    const fewer =
      written.length < 2
        ? []
        : written.map((_, at) => ({ ...record(entry), toPorts: [{ ports: written.toSpliced(at, 1) }] }));
    return [all.toSpliced(index, 1), ...fewer.map((each) => all.with(index, each))].map((changed) => ({
      ...rest,
      spec: { ...spec, [direction]: changed },
    }));
  });
}

describe.each(enforced)("on %s", (_, site, peers) => {
  const { allows, baseline, denies } = policyStages(site, peers);

  it("every system flow is open with everything enforced", () => {
    expect(stopped(site, peers, asObjects([...baseline, ...allows, ...denies]))).toEqual([]);
  });

  it("each object of the baseline is needed", () => {
    const idle = baseline.filter(
      (object) => stopped(site, peers, asObjects(baseline.filter((other) => other !== object))).length === 0,
    );
    expect(idle.map(({ metadata }) => metadata.name)).toEqual([]);
  });

  it("each entry of the baseline and each of its ports is needed", () => {
    const idle = baseline.flatMap((object) =>
      weakened(object).filter(
        (weaker) =>
          stopped(site, peers, [...asObjects(baseline.filter((other) => other !== object)), weaker]).length === 0,
      ),
    );
    expect(idle).toEqual([]);
  });
});

/** Whether the site has machines of this kind that call others. */
function hasCallers(site: SiteSpec, from: (typeof portTable)[number]["from"]): boolean {
  const access = site.platform === "existing" ? undefined : site.access.kind;
  if (from === "bastion" || from === "jump-host") return access === from;
  const cloud = site.platform === "aws" || site.platform === "azure";
  return cloud || (from !== "api-load-balancer" && from !== "mesh-load-balancer");
}

it.each(enforced)("has a flow on %s for every row of the port table that ends at machines", (_, site, peers) => {
  const atMachines = portTable
    .filter(({ to, when }) => ["node", "control-plane", "worker"].includes(to) && (when?.(site) ?? true))
    .filter(({ from, protocol }) => protocol !== "esp" && hasCallers(site, from));
  if (!site.policies) throw new Error("no policies");
  const ids = new Set(systemFlows(site, peers, site.policies).map(({ id }) => id));
  expect(atMachines.map(({ id }) => id).filter((id) => !ids.has(id))).toEqual([]);
});
