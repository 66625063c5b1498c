import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { Cilium } from "../../../components/cilium/cilium.ts";
import { policyObjects, policyResourceName, policyStages } from "../../../components/cilium/policies/bundles.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { makeSiteSecrets } from "../../../components/secrets/make.ts";
import { deploy, type Recorded } from "../../support/deploy.ts";
import { busan, local, seoul } from "../sites.ts";
import { everything, policed } from "./policed-sites.ts";

const secrets = await makeSiteSecrets();

async function bring(site: SiteSpec): Promise<Recorded[]> {
  const { resources } = await deploy(() => {
    const provider = new Provider(site.name, { kubeconfig: "{}" });
    return new Cilium(site.name, { site, peers: [busan], provider, gatewayApi: [], secrets: pulumi.output(secrets) });
  });
  return resources;
}

describe("a site with policies", async () => {
  const site = policed(seoul, { ...everything(seoul), applications: [{ kind: "petclinic" }] });
  const resources = await bring(site);
  const { allows, baseline, denies } = policyStages(site, [busan]);
  const resource = (name: string): Recorded => {
    const found = resources.find((each) => each.name === name);
    if (!found) throw new Error(`no resource ${name}`);
    return found;
  };
  const dependsOn = (one: Recorded, other: Recorded) =>
    one.dependencies.some((urn) => urn.endsWith(`${other.type}::${other.name}`));
  const of = (objects: typeof baseline) => objects.map((object) => resource(policyResourceName("prod-seoul", object)));

  it("registers every object as it is written, after the release", () => {
    const [release] = resources.filter(({ type }) => type === "kubernetes:helm.sh/v3:Release");
    if (!release) throw new Error("no release");
    for (const object of policyObjects(site, [busan])) {
      const found = resource(policyResourceName("prod-seoul", object));
      expect(found.inputs).toEqual({ ...object });
      expect(dependsOn(found, release)).toBe(true);
    }
  });

  it("denies after everything that allows, and lets applications talk after the baseline", () => {
    for (const deny of of(denies)) {
      for (const earlier of [...of(baseline), ...of(allows)]) expect(dependsOn(deny, earlier)).toBe(true);
    }
    for (const allow of of(allows)) for (const earlier of of(baseline)) expect(dependsOn(allow, earlier)).toBe(true);
  });

  it("makes the namespaces first", () => {
    const namespace = resource("prod-seoul-namespace-petclinic");
    const inside = resources.filter(({ type }) => type.endsWith(":CiliumNetworkPolicy"));
    expect(inside.length).toBeGreaterThan(0);
    for (const policy of inside) expect(dependsOn(policy, namespace)).toBe(true);
  });

  it("makes no namespace where the file says that they are there", async () => {
    const others = await bring(policed(seoul, { createNamespaces: false, applications: [{ kind: "petclinic" }] }));
    const names = others.filter(({ type }) => type === "kubernetes:core/v1:Namespace").map(({ name }) => name);
    expect(names.filter((name) => name.includes("-namespace-"))).toEqual([]);
  });
});

it("adds nothing to a cluster that is taken over", async () => {
  const resources = await bring(policed(local, { phase: "enforce" }));
  expect(resources.filter(({ type }) => type.includes("cilium.io"))).toEqual([]);
});
