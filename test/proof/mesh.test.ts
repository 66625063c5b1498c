import { describe, expect, it } from "vitest";
import type { SiteSpec } from "../../components/config/schema.ts";
import { proveMeshes } from "../../proof/mesh.ts";
import { meshStatements } from "../../proof/mesh-statements.ts";
import { type Edit, onSite } from "../support/judged.ts";
import { site } from "../support/stacks.ts";

type Plan = () => SiteSpec[];
const clouds =
  (seoul?: Edit, busan?: Edit): Plan =>
  () => [site("prod-seoul", seoul), site("dr-busan", busan)];
const promise = onSite([["promises"], { serviceFailoverSeconds: 300 }]);
const values = (tree: Record<string, unknown>): Edit => onSite([["cilium", "values"], tree]);
const both = (edit: Edit): Plan => clouds(edit, edit);
const mesh = (tree: Record<string, unknown>): Edit => values({ clustermesh: tree });
const config = (tree: Record<string, unknown>): Edit => mesh({ config: tree });
const all =
  (...edits: Edit[]): Edit =>
  (config) => {
    for (const edit of edits) edit(config);
  };
/** An IDC in the same mesh as Seoul, which Busan does not know. */
const third = (edit: Edit = () => {}): SiteSpec =>
  site(
    "idc-seoul",
    all(onSite([["mesh", "peers"], ["prod-seoul"]], [["cilium", "mtu"], 1400]), edit),
    "examples/securities-idc",
  );
const star =
  (edit?: Edit): Plan =>
  () => [
    site(
      "prod-seoul",
      onSite([
        ["mesh", "peers"],
        ["dr-busan", "idc-seoul"],
      ]),
    ),
    site("dr-busan"),
    third(edit),
  ];

/** For each statement: meshes for which it fails, with words of the counter-example, and near misses for which it holds. */
const fixtures: Readonly<Record<string, { fails: [Plan, string][]; holds: Plan[] }>> = {
  "GB-2001": {
    fails: [
      [clouds(onSite([["network", "pods"], "10.129.128.0/17"])), "network.pods 10.129.128.0/17 of prod-seoul overlaps"],
      [clouds(onSite([["network", "services"], "10.20.0.0/16"])), "network.services 10.20.0.0/16 of prod-seoul"],
      [star(onSite([["network", "pods"], "10.129.0.0/16"])), "network.pods 10.129.0.0/16 of dr-busan overlaps"],
    ],
    holds: [clouds(), clouds(onSite([["network", "services"], "172.21.0.0/16"])), star()],
  },
  "GB-2002": {
    fails: [
      [
        clouds(onSite([["cilium", "nativeRoutingCidr"], "10.128.0.0/16"])),
        "10.128.0.0/16 of prod-seoul misses 10.129.0.0/16",
      ],
      [
        clouds(values({ ipv4NativeRoutingCIDR: "10.0.0.0/8" })),
        "10.0.0.0/8 of prod-seoul holds network.nodes 10.10.0.0/16",
      ],
    ],
    holds: [
      clouds(onSite([["cilium", "nativeRoutingCidr"], "10.128.0.0/15"])),
      both(onSite([["cilium", "routing"], "vxlan"], [["cilium", "nativeRoutingCidr"], "10.0.0.0/8"])),
    ],
  },
  "GB-2003": {
    fails: [
      [clouds(onSite([["id"], 2])), "both have id 2"],
      [star(onSite([["id"], 2])), "dr-busan and idc-seoul both have id 2"],
      [clouds(values({ cluster: { name: "seoul" } })), "Cilium of prod-seoul is told the name seoul"],
      [clouds(values({ cluster: { id: 7 } })), "is told the id 7, not 1"],
    ],
    holds: [clouds(onSite([["id"], 3])), clouds(values({ cluster: { id: 1 } }))],
  },
  "GB-2004": {
    fails: [
      [clouds(onSite([["cilium", "routing"], "vxlan"])), "routing is vxlan at prod-seoul and native at dr-busan"],
      [clouds(values({ routingMode: "tunnel", tunnelProtocol: "geneve" })), "geneve"],
    ],
    holds: [both(onSite([["cilium", "routing"], "geneve"]))],
  },
  "GB-2005": {
    fails: [
      [clouds(onSite([["cilium", "encryption"], "ipsec"])), "ipsec"],
      [clouds(values({ encryption: { enabled: false } })), "none"],
      [
        clouds(values({ encryption: { strictMode: { egress: { cidr: "10.128.0.0/16" } } } })),
        "strict mode of prod-seoul covers 10.128.0.0/16, without 10.129.0.0/16 of dr-busan",
      ],
    ],
    holds: [both(onSite([["cilium", "encryption"], "ipsec"])), both(onSite([["cilium", "encryption"], "none"]))],
  },
  "GB-2006": {
    fails: [
      [clouds(onSite([["cilium", "mtu"], 1380])), "mtu is"],
      [both(values({ MTU: 0 })), "prod-seoul leaves the MTU to detection"],
    ],
    holds: [both(onSite([["cilium", "mtu"], 1380]))],
  },
  "GB-2007": {
    fails: [[clouds(mesh({ maxConnectedClusters: 511 })), "511"]],
    holds: [both(onSite([["mesh", "maxConnectedClusters"], 511]))],
  },
  "GB-2008": {
    fails: [
      [clouds(values({ tls: { ca: { cert: "LS0t" } } })), "different CAs"],
      [clouds(mesh({ apiserver: { tls: { authMode: "legacy" } } })), "authMode is"],
    ],
    holds: [clouds(), both(values({ tls: { ca: { cert: "LS0t" } } }))],
  },
  "GB-2009": {
    fails: [
      [clouds(config({ domain: "mesh.bank.example" })), "prod-seoul dials dr-busan.mesh.bank.example"],
      [
        clouds(config({ clusters: { "dr-busan": { ips: [], address: "busan.bank.example", port: 2379 } } })),
        "dials busan.bank.example",
      ],
    ],
    holds: [
      clouds(
        config({ domain: "mesh.bank.example" }),
        mesh({ apiserver: { tls: { auto: { server: { extraDnsNames: ["*.mesh.bank.example"] } } } } }),
      ),
      clouds(),
    ],
  },
  "GB-2010": {
    fails: [
      [
        clouds(config({ clusters: { "dr-busan": { ips: ["10.20.0.8"] } } })),
        "prod-seoul dials 10.20.0.8 for dr-busan, which is at 10.20.0.9",
      ],
      [clouds(config({ clusters: { "dr-busan": { port: 32379 } } })), "dials port 32379 of dr-busan"],
      [clouds(config({ clusters: { "dr-busan": { enabled: false } } })), "prod-seoul is not told where dr-busan is"],
      [clouds(config({ enabled: false })), "is not told where dr-busan is"],
      [star(onSite([["meshAddress"], undefined])), "idc-seoul has no mesh endpoint"],
      [
        clouds(onSite([["network", "services"], "10.20.0.0/20"])),
        "dr-busan's endpoint 10.20.0.9 lies in network.services",
      ],
    ],
    holds: [clouds(), star(), clouds(config({ clusters: { "dr-busan": { ips: ["10.20.0.9"] } } }))],
  },
  "GB-2011": {
    fails: [[clouds(undefined, onSite([["cilium", "version"], "1.18.12"])), "1.18.12"]],
    holds: [clouds(undefined, onSite([["cilium", "version"], "1.19.6"]))],
  },
  "GB-2012": {
    fails: [
      [clouds(onSite([["mesh", "policyDefaultLocalCluster"], false])), "policyDefaultLocalCluster is"],
      [both(mesh({ policyDefaultLocalCluster: null })), "prod-seoul leaves policyDefaultLocalCluster to the chart"],
    ],
    holds: [both(onSite([["mesh", "policyDefaultLocalCluster"], false]))],
  },
  "GB-2013": {
    fails: [
      [clouds(onSite([["promises"], { serviceFailoverSeconds: 60 }])), "prod-seoul promises 60 s, but dr-busan leaves"],
      [clouds(promise, onSite([["mesh", "cacheTtlSeconds"], 0])), "dr-busan has cacheTtlSeconds 0"],
      [clouds(promise, mesh({ cacheTTL: "15m" })), "dr-busan leaves a lost cluster after up to 1050 s"],
    ],
    holds: [
      clouds(onSite([["promises"], { serviceFailoverSeconds: 210 }])),
      both(onSite([["promises"], undefined], [["mesh", "cacheTtlSeconds"], 0])),
    ],
  },
};

const proofOf = (plan: Plan, id: string) => proveMeshes(plan()).find((proof) => proof.id === id);

describe("each statement about a mesh", () => {
  it("has meshes for which it fails and meshes for which it holds", () => {
    expect(meshStatements.map(({ code }) => code).filter((code) => !(code in fixtures))).toEqual([]);
  });

  it.each(Object.entries(fixtures))("%s", (id, { fails, holds }) => {
    for (const [plan, words] of fails) {
      const proof = proofOf(plan, id);
      expect(proof?.counterexample).toContain(words);
      expect(proof?.holds).toBe(false);
    }
    for (const plan of holds) expect(proofOf(plan, id)).toMatchObject({ holds: true });
  });
});

describe("proveMeshes", () => {
  it("says on what each statement was checked", () => {
    const proofs = proveMeshes(clouds(promise)());
    expect(proofs.map(({ holds }) => holds)).toEqual(meshStatements.map(() => true));
    expect(proofs.find(({ id }) => id === "GB-2013")?.facts).toEqual({
      members: "prod-seoul, dr-busan",
      lossNoticedAndLeftSeconds: 210,
      promisedSeconds: 300,
    });
    expect(proofs.find(({ id }) => id === "GB-2006")?.facts).toMatchObject({ mtu: "1400", podMtu: 1320 });
  });

  it("takes sites that do not know each other for different meshes, and a site alone for none", () => {
    const sites = [...clouds()(), third(onSite([["mesh"], undefined], [["id"], 1]))];
    expect(new Set(proveMeshes(sites).map(({ facts }) => facts.members))).toEqual(new Set(["prod-seoul, dr-busan"]));
    expect(proveMeshes(sites).every(({ holds }) => holds)).toBe(true);
  });

  it("knows the list of clusters that 1.18 takes", () => {
    const old = onSite([["cilium", "version"], "1.18.12"], [["promises"], undefined]);
    expect(proveMeshes(both(old)()).filter(({ holds }) => !holds)).toEqual([]);
  });

  it("does not throw for a Cilium that it does not know", () => {
    const [proof] = proveMeshes(clouds(onSite([["cilium", "version"], "1.17.1"]))());
    expect(proof).toMatchObject({ holds: false, counterexample: "Cilium 1.17.1 of prod-seoul is not known here." });
  });
});
