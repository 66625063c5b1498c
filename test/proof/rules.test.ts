import { describe, expect, it } from "vitest";
import type { StackFile } from "../../components/config/parse.ts";
import { judge, rules } from "../../proof/judge.ts";
import { type Config, stackFile, within } from "../support/stacks.ts";

type Edit = (config: Config) => void;
const idc = "examples/securities-idc";

/** Sets one value below the stack's own key. */
function set(kind: "site" | "interconnect" | "entry", path: (string | number)[], value: unknown): Edit {
  return (config) => Reflect.set(within(config, `gyeongbu:${kind}`, ...path.slice(0, -1)), path.at(-1) ?? "", value);
}
const onSite = (...steps: [(string | number)[], unknown][]): Edit => {
  const edits = steps.map(([path, value]) => set("site", path, value));
  return (config) => {
    for (const edit of edits) edit(config);
  };
};

function codes(own: StackFile, others: StackFile[], backendUrl?: string): string[] {
  return [...new Set(judge({ own, others }, backendUrl).map(({ code }) => code))];
}
const seoul = (edit?: Edit, peer?: Edit) => codes(stackFile("prod-seoul", edit), [stackFile("dr-busan", peer)]);
const idcSeoul = (edit?: Edit, peer?: Edit) =>
  codes(stackFile("idc-seoul", edit, idc), [stackFile("idc-busan", peer, idc)]);
const interconnect = (edit?: Edit, peer?: Edit) =>
  codes(stackFile("interconnect", edit), [stackFile("prod-seoul"), stackFile("dr-busan", peer)]);
const entry = (edit?: Edit, backendUrl?: string) =>
  codes(stackFile("entry", edit), [stackFile("prod-seoul"), stackFile("dr-busan")], backendUrl);

const workers = (count: number): Edit => onSite([["nodePools", 1, "count"], count]);

/** For each rule: plans it must refuse, and near misses that must pass. */
const fixtures: Record<string, { refused: (() => string[])[]; passes: (() => string[])[] }> = {
  "GB-201": {
    refused: [
      () => seoul(onSite([["network", "services"], "10.10.0.0/16"])),
      () => idcSeoul(onSite([["loadBalancers"], "10.130.255.0/24"])),
    ],
    passes: [() => seoul(onSite([["network", "services"], "172.19.0.0/16"]))],
  },
  "GB-202": {
    refused: [
      () => seoul(onSite([["network", "pods"], "10.129.0.0/16"])),
      () => seoul(onSite([["network", "nodes"], "10.20.0.0/16"])),
      () => idcSeoul(undefined, onSite([["network", "nodes"], "10.30.0.0/16"])),
    ],
    passes: [() => seoul(onSite([["network", "pods"], "10.130.0.0/16"]))],
  },
  "GB-203": {
    refused: [() => seoul(onSite([["network", "services"], "172.21.0.0/16"]))],
    passes: [() => seoul(onSite([["network", "services"], "172.22.0.0/16"]))],
  },
  "GB-204": {
    refused: [() => seoul(onSite([["cilium", "nativeRoutingCidr"], "10.128.0.0/16"]))],
    passes: [
      () =>
        seoul(
          onSite([["cilium", "nativeRoutingCidr"], "10.128.0.0/15"]),
          onSite([["cilium", "nativeRoutingCidr"], "10.128.0.0/15"]),
        ),
    ],
  },
  "GB-205": {
    refused: [() => seoul(onSite([["cilium", "nativeRoutingCidr"], "10.0.0.0/8"]))],
    passes: [() => seoul()],
  },
  "GB-206": {
    refused: [
      () => seoul(onSite([["network", "nodes"], "10.8.0.0/15"])),
      () => seoul(onSite([["network", "pods"], "10.128.0.0/20"])),
      () => seoul(onSite([["network", "services"], "172.0.0.0/11"])),
    ],
    passes: [() => seoul(onSite([["network", "pods"], "10.128.0.0/17"]))],
  },
  "GB-207": {
    refused: [() => seoul(onSite([["network", "services"], "169.254.0.0/20"]))],
    passes: [() => seoul(onSite([["network", "services"], "192.168.0.0/20"]))],
  },
  "GB-208": {
    refused: [
      () => idcSeoul(onSite([["racks", 0, "subnet"], "10.99.1.0/24"])),
      () => idcSeoul(onSite([["racks", 0, "tors", 0, "address"], "10.30.9.1"])),
      () => idcSeoul(onSite([["nodePools", 0, "hosts", 0, "rack"], "r9"])),
      () => idcSeoul(onSite([["nodePools", 0, "hosts", 0, "address"], "10.30.99.9"])),
      () => idcSeoul(onSite([["meshAddress"], "10.31.0.1"])),
    ],
    passes: [() => idcSeoul()],
  },
  "GB-209": {
    refused: [
      () => seoul(onSite([["nodePools", 1, "firstSlot"], 2])),
      () => seoul(onSite([["nodePools", 1, "name"], "control"])),
    ],
    passes: [() => seoul(onSite([["nodePools", 1, "firstSlot"], 3]))],
  },
  "GB-301": {
    refused: [() => seoul(onSite([["id"], 2]))],
    passes: [() => seoul(onSite([["id"], 3]))],
  },
  "GB-302": {
    refused: [
      () => seoul(onSite([["cilium", "mtu"], 1500])),
      () => seoul(onSite([["cilium", "encryption"], "ipsec"])),
      () => seoul(onSite([["cilium", "routing"], "vxlan"])),
      () => seoul(onSite([["mesh", "maxConnectedClusters"], 511])),
      () => seoul(onSite([["mesh", "policyDefaultLocalCluster"], false])),
    ],
    passes: [() => seoul(onSite([["cilium", "mtu"], 1380]), onSite([["cilium", "mtu"], 1380]))],
  },
  "GB-303": {
    refused: [() => seoul(undefined, onSite([["mesh", "peers"], ["idc-seoul"]]))],
    passes: [
      () =>
        seoul(
          undefined,
          onSite([
            ["mesh", "peers"],
            ["idc-seoul", "prod-seoul"],
          ]),
        ),
    ],
  },
  "GB-304": {
    refused: [
      () =>
        idcSeoul((config) => {
          Reflect.deleteProperty(within(config, "gyeongbu:site"), "meshAddress");
        }),
    ],
    passes: [() => idcSeoul()],
  },
  "GB-305": {
    refused: [() => seoul(onSite([["cilium", "version"], "1.18.12"]))],
    passes: [() => seoul(onSite([["cilium", "version"], "1.19.6"]))],
  },
  "GB-306": {
    refused: [
      () => seoul(onSite([["mesh", "cacheTtlSeconds"], 0])),
      () => seoul(onSite([["cilium", "version"], "1.18.12"])),
    ],
    passes: [() => seoul(onSite([["mesh", "cacheTtlSeconds"], 15]))],
  },
  "GB-307": {
    refused: [
      () =>
        seoul(
          onSite([
            ["mesh", "peers"],
            ["prod-seoul", "dr-busan"],
          ]),
        ),
    ],
    passes: [() => seoul()],
  },
  "GB-401": {
    refused: [() => seoul(onSite([["name"], "seoul"]))],
    passes: [() => seoul()],
  },
  "GB-402": {
    refused: [
      () => seoul(onSite([["nodePools", 0, "count"], 2])),
      () => seoul(onSite([["nodePools", 1, "role"], "control-plane"])),
      () => seoul(onSite([["nodePools", 0, "role"], "worker"])),
    ],
    passes: [() => seoul(onSite([["nodePools", 0, "count"], 5]))],
  },
  "GB-403": {
    refused: [() => seoul(onSite([["nodePools", 0, "count"], 1]))],
    passes: [() => seoul()],
  },
  "GB-404": {
    refused: [() => seoul(onSite([["nodePools", 0, "instanceType"], "t3.medium"]))],
    passes: [
      () =>
        seoul(onSite([["nodePools", 0, "instanceType"], "m7i.large"], [["nodePools", 1, "instanceType"], "t3.medium"])),
    ],
  },
  "GB-405": {
    refused: [() => seoul(workers(1))],
    passes: [() => seoul(workers(2))],
  },
  "GB-406": {
    refused: [
      () => seoul((config) => Reflect.set(config, "aws:region", "ap-northeast-1")),
      () => seoul((config) => Reflect.deleteProperty(config, "aws:region")),
    ],
    passes: [() => seoul()],
  },
  "GB-407": {
    refused: [() => seoul(onSite([["zones"], ["a", "b", "a"]]))],
    passes: [() => seoul(onSite([["zones"], ["a", "c"]]))],
  },
  "GB-408": {
    refused: [
      () =>
        idcSeoul((config) => {
          Reflect.deleteProperty(within(config, "gyeongbu:site", "nodePools", 0), "etcdDevice");
        }),
    ],
    passes: [() => idcSeoul()],
  },
  "GB-409": {
    refused: [
      () =>
        seoul(
          onSite([
            ["access", "adminCidrs"],
            ["203.0.113.0/24", "0.0.0.0/0"],
          ]),
        ),
    ],
    passes: [() => seoul(onSite([["access", "adminCidrs"], ["10.0.0.0/8"]]))],
  },
  "GB-411": {
    refused: [() => seoul(onSite([["cilium", "version"], "1.17.18"]))],
    passes: [() => seoul(onSite([["cilium", "version"], "1.19.6"]))],
  },
  "GB-412": {
    refused: [
      () => seoul(onSite([["cilium", "version"], "1.19.6"])),
      () => seoul(onSite([["kubernetes", "version"], "1.37.0"])),
    ],
    passes: [() => seoul(onSite([["cilium", "version"], "1.19.6"], [["kubernetes", "version"], "1.35.8"]))],
  },
  "GB-413": {
    refused: [() => seoul(onSite([["kubernetes", "version"], "1.32.9"]))],
    passes: [() => seoul(onSite([["kubernetes", "version"], "1.33.12"]))],
  },
  "GB-414": {
    refused: [
      () => seoul(onSite([["cilium", "version"], "1.20.0"])),
      () => seoul(onSite([["cilium", "version"], "1.18.4"])),
    ],
    passes: [() => seoul(onSite([["cilium", "version"], "1.20.1"]))],
  },
  "GB-415": {
    refused: [
      () => seoul(onSite([["cilium", "values"], { hubble: { relays: { enabled: true } } }])),
      () => seoul(onSite([["cilium", "values"], { bgp: { enabled: true } }])),
    ],
    passes: [() => seoul(onSite([["cilium", "values"], { bgpControlPlane: { enabled: true } }]))],
  },
  "GB-416": {
    refused: [() => seoul(onSite([["cilium", "values"], { hubble: { relay: { enabled: false } } }]))],
    passes: [
      () => seoul(onSite([["cilium", "values"], { hubble: { ui: { enabled: false }, relay: { enabled: false } } }])),
    ],
  },
  "GB-501": {
    refused: [
      () => interconnect(set("interconnect", ["aws", "site"], "dr-busan")),
      () => interconnect(undefined, onSite([["mesh", "peers"], ["idc-seoul"]])),
    ],
    passes: [() => interconnect()],
  },
  "GB-502": {
    refused: [
      () =>
        interconnect(
          set("interconnect", ["tunnels"], {
            instance0: ["169.254.20.0/30", "169.254.22.0/30"],
            instance1: ["169.254.21.4/30", "169.254.22.4/30"],
          }),
        ),
      () =>
        interconnect(
          set("interconnect", ["tunnels"], {
            instance0: ["169.254.21.0/30", "169.254.22.0/30"],
            instance1: ["169.254.21.0/30", "169.254.22.4/30"],
          }),
        ),
    ],
    passes: [
      () =>
        interconnect(
          set("interconnect", ["tunnels"], {
            instance0: ["169.254.21.8/30", "169.254.22.8/30"],
            instance1: ["169.254.21.12/30", "169.254.22.12/30"],
          }),
        ),
    ],
  },
  "GB-503": {
    refused: [
      () => interconnect(set("interconnect", ["azure", "asn"], 64512)),
      () => interconnect(set("interconnect", ["azure", "asn"], 65515)),
      () => interconnect(set("interconnect", ["aws", "asn"], 64500)),
    ],
    passes: [() => interconnect(set("interconnect", ["azure", "asn"], 64513))],
  },
  "GB-504": {
    refused: [() => interconnect((config) => Reflect.set(config, "aws:region", "us-east-1"))],
    passes: [() => interconnect()],
  },
  "GB-601": {
    refused: [
      () => entry(set("entry", ["activeSite"], "dr-busam")),
      () => entry(set("entry", ["sites"], { "prod-seoul": { ingressAddress: "203.0.113.10" } })),
    ],
    passes: [() => entry(set("entry", ["activeSite"], "dr-busan"))],
  },
  "GB-602": {
    refused: [() => entry(set("entry", ["sites", "dr-busan", "ingressAddress"], "203.0.113.10"))],
    passes: [() => entry(set("entry", ["sites", "dr-busan", "ingressAddress"], "203.0.113.11"))],
  },
  "GB-603": {
    refused: [() => entry((config) => Reflect.set(config, "aws:region", "ap-northeast-2"))],
    passes: [() => entry()],
  },
  "GB-604": {
    refused: [() => entry(undefined, "s3://state?region=ap-northeast-2")],
    passes: [() => entry(undefined, "s3://state?region=us-west-2")],
  },
  "GB-605": {
    refused: [() => entry(undefined, "s3://state")],
    passes: [() => entry(undefined, "azblob://state")],
  },
};

describe("each rule", () => {
  it("has a fixture", () => {
    expect(rules.map(({ code }) => code).filter((code) => !(code in fixtures))).toEqual([]);
  });

  it("has a code of its own", () => {
    expect(new Set(rules.map(({ code }) => code)).size).toBe(rules.length);
  });

  it.each(Object.entries(fixtures))("%s refuses its fixtures and passes its near misses", (code, {
    refused,
    passes,
  }) => {
    for (const plan of refused) expect(plan()).toContain(code);
    for (const plan of passes) expect(plan()).not.toContain(code);
  });
});

describe("the shipped stacks", () => {
  it("break no rule", () => {
    expect([seoul(), idcSeoul(), interconnect(), entry()]).toEqual([[], [], [], []]);
  });
});
