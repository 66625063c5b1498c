import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { Cilium } from "../../../components/cilium/cilium.ts";
import { expectedDefinitions } from "../../../components/cilium/service-mesh/gateway-api.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { makeSiteSecrets } from "../../../components/secrets/make.ts";
import { deploy, type Recorded } from "../../support/deploy.ts";
import { everything, labSite } from "../../support/service-mesh.ts";
import { local } from "../sites.ts";

const secrets = await makeSiteSecrets();
const definition = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
const gatewayApi = expectedDefinitions("1.20.2");

const bring = async (site: SiteSpec) => {
  const { resources } = await deploy(() => {
    const provider = new Provider(site.name, { kubeconfig: "{}" });
    return new Cilium(site.name, { site, peers: [], provider, gatewayApi, secrets: pulumi.output(secrets) });
  });
  return resources;
};
const urn = ({ name, type }: Recorded) => `${type}::${name}`;
/** Everything that a resource waits for, directly or not. */
function before(resources: readonly Recorded[], of: Recorded): Set<Recorded> {
  const found = new Set<Recorded>();
  const visit = ({ dependencies }: Recorded): void => {
    for (const other of resources) {
      if (found.has(other) || !dependencies.some((each) => each.endsWith(urn(other)))) continue;
      found.add(other);
      visit(other);
    }
  };
  visit(of);
  return found;
}
const ofKind = (resources: readonly Recorded[], kind: string) =>
  resources.filter(({ type }) => type.endsWith(`:${kind}`));

it("brings definitions, then the release, then pools and policies, then what is reachable", async () => {
  const resources = await bring(labSite(everything));
  const [release] = ofKind(resources, "Release");
  const definitions = ofKind(resources, "CustomResourceDefinition");
  if (!release) throw new Error("no release");

  expect(definitions).toHaveLength(7);
  expect([...before(resources, release)]).toEqual(expect.arrayContaining(definitions));
  for (const kind of ["Gateway", "HTTPRoute", "Ingress", "CiliumEnvoyConfig"]) {
    const [object] = ofKind(resources, kind);
    if (!object) throw new Error(`no ${kind}`);
    const waitsFor = before(resources, object);
    expect([...waitsFor]).toEqual(
      expect.arrayContaining([release, ...definitions, ...ofKind(resources, "CiliumLoadBalancerIPPool")]),
    );
    const own = ofKind(resources, "Namespace").map(({ inputs }) => Reflect.get(inputs.metadata as object, "name"));
    expect(own).toEqual(["app", "dmz", "mgmt"]);
    expect([...waitsFor]).toEqual(expect.arrayContaining(ofKind(resources, "Namespace")));
  }
});

it("protects definitions, since objects go with them", async () => {
  const resources = await bring(labSite(everything));
  expect(resources.filter(({ protect }) => protect).map(({ type }) => type)).toEqual(Array(7).fill(definition));
});

it("makes no namespace where it is told not to, and nothing beside a release that is taken over", async () => {
  const kept = await bring(labSite({ ...everything, createNamespaces: false }));
  expect(ofKind(kept, "Namespace")).toEqual([]);
  const adopted = await bring(local);
  expect(ofKind(adopted, "CustomResourceDefinition")).toEqual([]);
});
