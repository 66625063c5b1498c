import { globSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ciliumValues } from "../../components/cilium/values.ts";
import { ciliumMinors } from "../../components/cilium/versions.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { releaseConcerns, valuesRules } from "../../proof/values/rules.ts";
import { readChart } from "../../tools/chart-archive.ts";
import { stackFile } from "../support/stacks.ts";
import { found, kpr, member, tree, type Values } from "../support/values.ts";
import { valuesDatapathFixtures } from "./fixtures/values-datapath.ts";
import { valuesEncryptionFixtures } from "./fixtures/values-encryption.ts";
import { valuesIpamFixtures } from "./fixtures/values-ipam.ts";
import { valuesKeysFixtures } from "./fixtures/values-keys.ts";
import { valuesLegalFixtures } from "./fixtures/values-legal.ts";
import { valuesMeshFixtures } from "./fixtures/values-mesh.ts";
import { valuesObservabilityFixtures } from "./fixtures/values-observability.ts";
import { valuesTrafficFixtures } from "./fixtures/values-traffic.ts";

const newest = ciliumMinors.map((minor) => minor.newest);
const fixtures = {
  ...valuesKeysFixtures,
  ...valuesLegalFixtures,
  ...valuesDatapathFixtures,
  ...valuesIpamFixtures,
  ...valuesEncryptionFixtures,
  ...valuesMeshFixtures,
  ...valuesObservabilityFixtures,
  ...valuesTrafficFixtures,
};

it("every rule has a fixture that it refuses and one that it lets pass", () => {
  const codes = valuesRules.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(Object.keys(fixtures).sort()).toEqual([...codes].sort());
  expect(Object.values(fixtures).filter(({ refused, passes }) => refused.length === 0 || passes.length === 0)).toEqual(
    [],
  );
});

describe.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
  it.each(
    refused.map(([values, word, version]) => [JSON.stringify(values), word, version, values] as const),
  )("refuses %s: %s", (_text, word, version, values) => {
    const own = found(values, version).filter((finding) => finding.code === code);
    expect(own.map(({ message, path }) => `${path} ${message}`).join("\n")).toContain(word);
    for (const { message, fix } of own) {
      expect(message).toMatch(/\.$/);
      expect(fix).toMatch(/[.}\]]$/);
    }
  });

  it.each(
    passes.map(([values, version]) => [JSON.stringify(values), version, values] as const),
  )("lets %s pass", (_text, version, values) => {
    expect(found(values, version).filter((finding) => finding.code === code)).toEqual([]);
  });
});

describe("sound values", () => {
  it.each<[string, Values]>([
    ["nothing", {}],
    ["the smallest file", tree({ "ipam.mode": "kubernetes" })],
    ["kind", tree({ "image.pullPolicy": "IfNotPresent", "ipam.mode": "kubernetes" })],
    ["GKE", tree({ "gke.enabled": true, "ipam.mode": "kubernetes", ipv4NativeRoutingCIDR: "10.44.0.0/14" })],
    ["EKS", tree({ "eni.enabled": true, "ipam.mode": "eni", routingMode: "native" })],
    [
      "EKS with the VPC's own plugin",
      tree({
        "cni.chainingMode": "aws-cni",
        "cni.exclusive": false,
        enableIPv4Masquerade: false,
        routingMode: "native",
      }),
    ],
    ["AKS with its own network", tree({ "aksbyocni.enabled": true })],
    ["k3s", tree({ ...kpr, "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.42.0.0/16"] })],
    ["a mesh member", tree(member)],
    ["preflight", tree({ "preflight.enabled": true, agent: false, "operator.enabled": false })],
  ])("%s has no finding in any minor", (_name, values) => {
    for (const version of newest) {
      const known = version.startsWith("1.18.") ? withoutTtl(values) : values;
      expect(found(known, version)).toEqual([]);
    }
  });
});

function withoutTtl(values: Values): Values {
  const mesh = values.clustermesh;
  if (typeof mesh !== "object" || mesh === null) return values;
  return { ...values, clustermesh: Object.fromEntries(Object.entries(mesh).filter(([key]) => key !== "cacheTTL")) };
}

/** Every key that a rule or the index looks at, with anything below it. */
const anyValues = fc.dictionary(
  fc.constantFrom(
    "MTU",
    "bpf",
    "cluster",
    "clustermesh",
    "cni",
    "encryption",
    "extraConfig",
    "hubble",
    "ipam",
    "ipv4NativeRoutingCIDR",
    "k8sServiceHost",
    "kubeProxyReplacement",
    "loadBalancer",
    "maglev",
    "nodePort",
    "prometheus",
    "routingMode",
    "tls",
    "constructor",
  ),
  fc.oneof(
    fc.jsonValue(),
    fc.record({ enabled: fc.jsonValue(), mode: fc.jsonValue(), config: fc.jsonValue(), metrics: fc.jsonValue() }),
    fc.record({ config: fc.record({ enabled: fc.constant(true), clusters: fc.jsonValue() }) }),
    fc.record({ metrics: fc.record({ enabled: fc.array(fc.jsonValue()) }), operator: fc.jsonValue() }),
  ),
);

it("answers whatever is written, and never throws", () => {
  fc.assert(
    fc.property(anyValues, fc.constantFrom(...newest), (values, version) => {
      for (const { message, fix } of found(values, version)) expect([message, fix]).not.toContain("");
    }),
    { numRuns: 300 },
  );
});

const root = join(import.meta.dirname, "../..");
const folders = [".", ...globSync("examples/*", { cwd: root }).sort()];

/** The sites of a folder, as if they ran this Cilium. */
function sites(folder: string, version: string): SiteSpec[] {
  return globSync("Pulumi.*.yaml", { cwd: join(root, folder) }).flatMap((name) => {
    const file = stackFile(name.slice("Pulumi.".length, -".yaml".length), undefined, folder);
    return file.kind === "site" ? [{ ...file.spec, cilium: { ...file.spec.cilium, version } }] : [];
  });
}

it.each(folders)("the sites of %s give values without a finding", (folder) => {
  for (const version of newest) {
    const all = sites(folder, version);
    for (const site of all) {
      const peers = all.filter(({ name }) => site.mesh?.peers.includes(name));
      const findings = found(ciliumValues(site, peers), version).filter(({ code }) => !releaseConcerns.has(code));
      expect(findings, `${site.name} ${version}`).toEqual([]);
    }
  }
});

// GYEONGBU_CHARTS: a folder with cilium-1.20.0.tgz and its like.
const charts = process.env.GYEONGBU_CHARTS;
it.skipIf(charts === undefined).each(["1.18.4", "1.18.12", "1.19.6", "1.20.0"])(
  "the chart's own values of %s have no finding",
  (version) => {
    const text = readChart(`${charts}/cilium-${version}.tgz`).get("values.yaml") ?? "";
    expect(found(parse(text) as Values, version)).toEqual([]);
  },
);
