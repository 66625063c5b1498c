import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unknownValues } from "../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../components/cilium/chart-refusals.ts";
import index from "../../components/cilium/data/chart-keys.json" with { type: "json" };
import { mergeValues } from "../../components/cilium/helm-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { contains } from "../../components/network/cidr.ts";
import {
  at,
  busan,
  devStaging,
  idcBusan,
  idcSeoul,
  indexedVersions,
  local,
  localMember,
  seoul,
  withCilium,
} from "./sites.ts";

const sites: readonly (readonly [name: string, site: SiteSpec, peers: readonly SiteSpec[]])[] = [
  ["prod-seoul", seoul, [busan]],
  ["dr-busan", busan, [seoul]],
  ["idc-seoul", idcSeoul, [idcBusan]],
  ["dev-staging", devStaging, []],
  ["a moved local-k8s", localMember, [idcBusan]],
  ["an adopted local-k8s", local, []],
];
const every = indexedVersions.flatMap((version) =>
  (["wireguard", "ipsec", "none"] as const).flatMap((encryption) =>
    (["native", "vxlan", "geneve"] as const).flatMap((routing) =>
      sites.map(([name, site, peers]) => ({
        version,
        encryption,
        routing,
        name,
        values: ciliumValues(withCilium(site, { version, encryption, routing }), peers),
      })),
    ),
  ),
);
const tls = { tls: { ca: { cert: "Q0E=", key: "S0VZ" } } };

describe("ciliumValues against the charts", () => {
  it.each(every)("sets only keys that chart $version has: $name, $encryption, $routing", ({ values, version }) => {
    expect(unknownValues(version, values)).toEqual([]);
    expect(chartRefusals(version, mergeValues(values, tls))).toEqual([]);
  });

  const charts = process.env.GYEONGBU_CHARTS;
  it.runIf(charts).each(indexedVersions)("satisfies values.schema.json of the chart %s itself", (version) => {
    const archive = join(charts ?? "", `cilium-${version}.tgz`);
    const read = (file: string) => execFileSync("tar", ["xzOf", archive, `cilium/${file}`], { maxBuffer: 32_000_000 });
    const valid = new Ajv({ strict: false, allErrors: true }).compile(
      JSON.parse(read("values.schema.json").toString("utf8")),
    );
    const refused = every
      .filter((each) => each.version === version)
      .filter(({ values }) => !valid(values))
      .map(({ name }) => ({ name, errors: valid.errors }));
    expect(refused).toEqual([]);
  });
});

describe("datapath", () => {
  const routes = (site: SiteSpec) => {
    const values = ciliumValues(site, []);
    return [at(values, "autoDirectNodeRoutes"), at(values, "directRoutingSkipUnreachable")];
  };

  it("leaves routes to the cloud's router, and to neighbours on the wire on-prem", () => {
    expect(routes(seoul)).toEqual([false, false]);
    expect(routes(busan)).toEqual([false, false]);
    expect(routes(idcSeoul)).toEqual([true, true]);
    expect(routes(withCilium(idcSeoul, { routing: "vxlan" }))).toEqual([undefined, undefined]);
  });

  it("finds the API where kube-proxy would be needed to find it otherwise", () => {
    const values = ciliumValues(seoul, [busan]);
    expect(at(values, "kubeProxyReplacement")).toBe(true);
    expect(at(values, "k8sServiceHost")).toBe("api.prod-seoul.gyeongbu.internal");
    expect(at(values, "k8sServicePort")).toBe(8443);
    expect(at(ciliumValues(localMember, []), "k8sServiceHost")).toBe("192.168.1.187");
  });

  it("turns on what needs the kube-proxy replacement only with it", () => {
    const values = ciliumValues(localMember, []);
    expect([at(values, "kubeProxyReplacement"), at(values, "bpf.masquerade"), at(values, "socketLB.enabled")]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("never leaves the pod pool to the chart", () => {
    expect(at(ciliumValues(localMember, []), "ipam.operator.clusterPoolIPv4PodCIDRList")).toEqual(["10.0.0.0/16"]);
    expect(at(ciliumValues(seoul, []), "ipam.mode")).toBe("kubernetes");
    expect(at(ciliumValues(seoul, []), "k8s.requireIPv4PodCIDR")).toBe(true);
  });

  it("speaks BGP in data centres only", () => {
    expect(at(ciliumValues(idcSeoul, []), "bgpControlPlane")).toEqual({
      enabled: true,
      secretsNamespace: { create: false, name: "kube-system" },
    });
    expect(at(ciliumValues(seoul, []), "bgpControlPlane")).toBeUndefined();
  });

  it("filters identity labels by exclusion only, since one inclusion would hide all others", () => {
    const patterns = String(at(ciliumValues(seoul, []), "labels")).split(" ");
    expect(patterns.every((pattern) => pattern.startsWith("k8s:!"))).toBe(true);
  });
});

describe("encryption", () => {
  it.each(indexedVersions)("refuses clear text between all pods of the mesh in %s", (version) => {
    const values = ciliumValues(withCilium(seoul, { version }), [busan]);
    const strict = at(values, version < "1.19" ? "encryption.strictMode" : "encryption.strictMode.egress");
    expect(strict).toEqual({ enabled: true, cidr: "10.128.0.0/13", allowRemoteNodeIdentities: false });
    for (const { network } of [seoul, busan]) {
      expect(contains(seoul.cilium.nativeRoutingCidr, network.pods)).toBe(true);
    }
  });

  it("lets nodes through strict mode in a tunnel, whose outer addresses are theirs", () => {
    const values = ciliumValues(withCilium(seoul, { routing: "vxlan" }), [busan]);
    expect(at(values, "encryption.strictMode.egress.allowRemoteNodeIdentities")).toBe(true);
  });

  it("has no strict mode under IPsec, and mounts the Secret that the component makes", () => {
    const values = ciliumValues(withCilium(seoul, { encryption: "ipsec" }), [busan]);
    expect(at(values, "encryption.strictMode")).toBeUndefined();
    expect(at(values, "encryption.ipsec.secretName")).toBe("cilium-ipsec-keys");
  });

  it.each(["wireguard", "ipsec"] as const)("keeps node encryption off under %s", (encryption) => {
    expect(at(ciliumValues(withCilium(seoul, { encryption }), []), "encryption.nodeEncryption")).toBe(false);
  });
});

describe("observability", () => {
  const values = ciliumValues(seoul, [busan]);

  it("labels no metric by pod or address, and has one of http and httpV2", () => {
    const metrics = at(values, "hubble.metrics.enabled");
    expect(metrics).toHaveLength(7);
    const options = (metrics as string[]).flatMap((metric) => metric.split(/[:;=,|]/));
    expect(options.filter((option) => /(^|_)(pod|ip)(-name)?$/.test(option))).toEqual([]);
    expect(options.filter((option) => option.startsWith("http"))).toEqual(["httpV2"]);
  });

  it("writes flows to a directory that is mounted from the node's disk", () => {
    const mounts = at(values, "extraHostPathMounts") as { mountPath: string; hostPath: string }[];
    const sinks = at(values, "hubble.export.dynamic.config.content") as { filePath: string; name: string }[];
    expect(sinks.map(({ name }) => name)).toEqual(["denied", "verdicts"]);
    for (const { filePath } of sinks) {
      expect(mounts.some(({ mountPath }) => filePath.startsWith(`${mountPath}/`))).toBe(true);
    }
    expect(mounts.map(({ hostPath }) => hostPath)).toEqual(["/var/log/cilium/hubble"]);
  });

  it("redacts before it writes", () => {
    expect(at(values, "hubble.redact.enabled")).toBe(true);
    expect(at(values, "hubble.redact.http.urlQuery")).toBe(true);
  });
});

describe("images", () => {
  // Features that no value of ours turns on.
  const unused = /ztunnel|spire|standaloneDnsProxy|nodeinit|preflight/;
  const repositories = Object.keys(index.types).filter((key) => key.endsWith("mage.repository") && !unused.test(key));

  it.each(indexedVersions)("come from the mirror, every one that chart %s knows", (version) => {
    const images = { registry: "registry.bank.example/quay", digests: {} };
    const values = ciliumValues(withCilium(seoul, { version, images }), [busan]);
    expect(repositories.length).toBeGreaterThan(7);
    const elsewhere = repositories.filter(
      (key) => !String(at(values, key)).startsWith("registry.bank.example/quay/cilium/"),
    );
    expect(elsewhere).toEqual([]);
  });

  it("take an overriding digest under the chart's own key", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const digests = { cilium: digest, "operator-generic": digest };
    const values = ciliumValues(withCilium(seoul, { images: { digests } }), [busan]);
    expect(at(values, "image.digest")).toBe(digest);
    expect(at(values, "operator.image.genericDigest")).toBe(digest);
  });

  it("refuses a digest for an image that is not there", () => {
    const digests = { cilum: `sha256:${"a".repeat(64)}` };
    expect(() => ciliumValues(withCilium(seoul, { images: { digests } }), [])).toThrow(
      /digests\.cilum.*Write one of cilium,/,
    );
  });
});

describe("workloads and the user's values", () => {
  it("asks for no more operators than there are nodes", () => {
    expect(at(ciliumValues(devStaging, []), "operator.replicas")).toBe(2);
    const one = structuredClone(devStaging);
    if (one.platform !== "aws") throw new Error("dev-staging is on AWS");
    const lonely: SiteSpec = { ...one, nodePools: one.nodePools.slice(0, 1).map((pool) => ({ ...pool, count: 1 })) };
    expect(at(ciliumValues(lonely, []), "operator.replicas")).toBe(1);
  });

  it("restarts pods when their configuration changes", () => {
    const values = ciliumValues(seoul, []);
    const keys = ["rollOutCiliumPods", "operator.rollOutPods", "envoy.rollOutPods", "hubble.relay.rollOutPods"];
    expect(keys.filter((key) => at(values, key) !== true)).toEqual([]);
  });

  it("lets the stack file have the last word: maps merge, lists replace", () => {
    const mine = { hubble: { metrics: { enabled: ["drop"] } }, operator: { replicas: 1 } };
    const values = ciliumValues(withCilium(seoul, { values: mine }), [busan]);
    expect(at(values, "hubble.metrics.enabled")).toEqual(["drop"]);
    expect(at(values, "hubble.relay.enabled")).toBe(true);
    expect(at(values, "operator.replicas")).toBe(1);
    expect(at(values, "operator.rollOutPods")).toBe(true);
  });

  it("changes nothing of a release that it takes over", () => {
    expect(ciliumValues(local, [])).toEqual(local.cilium.values);
  });

  it("says which versions there are", () => {
    expect(() => ciliumValues(withCilium(seoul, { version: "1.17.18" }), [])).toThrow(/1\.17\.18 .*1\.20\./);
  });
});

describe("mergeValues", () => {
  const tree = fc.dictionary(
    fc.string({ maxLength: 3 }),
    fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.array(fc.integer()),
      fc.dictionary(fc.string({ maxLength: 3 }), fc.integer()),
    ),
  );

  it("keeps every leaf of the later tree, and of the earlier those that it does not touch", () => {
    fc.assert(
      fc.property(tree, tree, (one, other) => {
        const merged = mergeValues(one, other);
        expect(mergeValues(merged, other)).toEqual(merged);
        expect(Object.keys(merged).toSorted()).toEqual(
          [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted(),
        );
        for (const key of Object.keys(one).filter((each) => !Object.hasOwn(other, each))) {
          expect(merged[key]).toEqual(one[key]);
        }
      }),
    );
  });

  it("changes neither tree, and takes __proto__ for a key", () => {
    const base = { a: { b: 1 } };
    const over = JSON.parse('{"a":{"c":[2]},"__proto__":{"polluted":true}}') as Record<string, unknown>;
    const merged = mergeValues(base, over);
    expect(base).toEqual({ a: { b: 1 } });
    expect(merged.a).toEqual({ b: 1, c: [2] });
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});
