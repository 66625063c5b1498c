import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { Cilium } from "../../components/cilium/cilium.ts";
import { planRelease } from "../../components/cilium/release.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { makeSiteSecrets } from "../../components/secrets/make.ts";
import { deploy, named, ofType, type Recorded } from "../support/deploy.ts";
import { at, busan, idcBusan, idcSeoul, local, seoul, withCilium } from "./sites.ts";

const secrets = await makeSiteSecrets();
const releaseType = "kubernetes:helm.sh/v3:Release";
const secretType = "kubernetes:core/v1:Secret";
const serviceType = "kubernetes:core/v1:Service";

function bring(site: SiteSpec, peers: readonly SiteSpec[]) {
  return deploy(() => {
    const provider = new Provider(site.name, { kubeconfig: "{}" });
    return new Cilium(site.name, { site, peers, provider, gatewayApi: [], secrets: pulumi.output(secrets) });
  });
}
const dependsOn = (one: Recorded, other: Recorded) =>
  one.dependencies.some((urn) => urn.endsWith(`${other.type}::${other.name}`));

describe("planRelease", () => {
  it("takes the chart from a repository, an OCI registry or a file", () => {
    const of = (chart: SiteSpec["cilium"]["chart"]) => planRelease(withCilium(seoul, { chart }));
    expect(of({ kind: "repository", url: "https://charts.bank.example" })).toMatchObject({
      chart: "cilium",
      repositoryOpts: { repo: "https://charts.bank.example" },
    });
    const oci = of({ kind: "oci", url: "oci://registry.bank.example/charts/cilium" });
    expect(oci.chart).toBe("oci://registry.bank.example/charts/cilium");
    expect(oci.repositoryOpts).toBeUndefined();
    expect(of({ kind: "file", path: "./cilium-1.20.2.tgz" })).toMatchObject({ chart: "./cilium-1.20.2.tgz" });
  });

  it.each([
    ["1.18.12", true],
    ["1.19.6", undefined],
    ["1.20.2", undefined],
  ])("on %s has skipAwait %s", (version, skipAwait) => {
    for (const site of [seoul, idcSeoul]) {
      expect(planRelease(withCilium(site, { version })).skipAwait).toBe(skipAwait);
    }
  });

  it("adopts with no more inputs than the provider reads back", () => {
    expect(planRelease(local)).toEqual({
      name: "cilium",
      namespace: "kube-system",
      chart: "cilium/cilium",
      version: "1.18.4",
      importId: "kube-system/cilium",
    });
    const file = withCilium(local, { chart: { kind: "file", path: "cilium-1.18.4.tgz" } });
    expect(planRelease(file).chart).toBe("cilium-1.18.4.tgz");
    const oci = withCilium(local, { chart: { kind: "oci", url: "oci://registry.bank.example/cilium" } });
    expect(() => planRelease(oci)).toThrow(/cilium-1\.18\.4\.tgz/);
  });
});

describe("Cilium", () => {
  it("shows the CA's two leaves as secrets and everything else in clear", async () => {
    const { resources } = await bring(seoul, [busan]);
    const release = named(resources, releaseType, "prod-seoul");
    expect(release.secretPaths).toEqual(["values.tls.ca.cert", "values.tls.ca.key"]);
    const decoded = Buffer.from(String(at(release.inputs, "values.tls.ca.cert")), "base64").toString("utf8");
    expect(decoded).toBe(secrets.ciliumCa.certificate);
    expect(at(release.inputs, "values.cluster.name")).toBe("prod-seoul");
    expect(ofType(resources, secretType)).toEqual([]);
  });

  it("has the IPsec key and the BGP password in place before the first agent", async () => {
    const { resources } = await bring(withCilium(idcSeoul, { encryption: "ipsec" }), [idcBusan]);
    const release = named(resources, releaseType, "idc-seoul");
    const before = ofType(resources, secretType);
    expect(before.map(({ inputs }) => [at(inputs, "metadata.name"), at(inputs, "stringData")])).toEqual([
      ["bgp-tor-md5", { password: secrets.bgpPassword }],
      ["cilium-ipsec-keys", { keys: secrets.ipsecKey }],
    ]);
    expect(before.filter(({ secretPaths }) => !secretPaths.some((path) => path.startsWith("stringData")))).toEqual([]);
    expect(before.filter((secret) => !dependsOn(release, secret))).toEqual([]);
  });

  it("makes BGP objects after the release, and the mesh Service after the pool that gives its address", async () => {
    const { resources } = await bring(idcSeoul, [idcBusan]);
    const release = named(resources, releaseType, "idc-seoul");
    const bgp = resources.filter(({ type }) => type.startsWith("kubernetes:cilium.io/v2:"));
    expect(bgp).toHaveLength(5);
    expect(bgp.filter((object) => !dependsOn(object, release))).toEqual([]);
    const pool = bgp.find(({ type }) => type.endsWith("CiliumLoadBalancerIPPool"));
    const service = named(resources, serviceType, "idc-seoul-mesh");
    expect(pool && dependsOn(service, pool)).toBe(true);
  });

  it("has no mesh Service and no BGP in a cloud, and the demo only where it is asked for", async () => {
    const { resources } = await bring(seoul, [busan]);
    expect(ofType(resources, serviceType).map(({ name }) => name)).toEqual(["prod-seoul-demo"]);
    expect(resources.filter(({ type }) => /^kubernetes:cilium\.io\/.*(BGP|LoadBalancer)/.test(type))).toEqual([]);
    const quiet = { ...seoul, ...(seoul.mesh ? { mesh: { ...seoul.mesh, demoService: false } } : {}) };
    expect(ofType((await bring(quiet, [busan])).resources, serviceType)).toEqual([]);
  });

  it("touches nothing but the release of a cluster that it takes over", async () => {
    const { resources } = await bring(local, []);
    const custom = resources.filter(({ type }) => type.startsWith("kubernetes:"));
    expect(custom.map(({ type }) => type)).toEqual([releaseType]);
    const { compat: _, ...inputs } = named(resources, releaseType, "local-k8s").inputs;
    expect(inputs).toEqual({
      name: "cilium",
      namespace: "kube-system",
      chart: "cilium/cilium",
      version: "1.18.4",
      values: local.cilium.values,
    });
  });
});
