import { describe, expect, it } from "vitest";
import { assemble, peersOf, readParts, sitesOf, stackResources } from "../../../proof/network/assemble.ts";
import { addressNumber } from "../../../proof/network/blocks.ts";
import { kubernetesComparison } from "../../../proof/network/kubernetes-comparison.ts";
import { type NetworkModel, named } from "../../../proof/network/model.ts";
import { readOnPrem } from "../../../proof/network/on-prem.ts";
import { type Leg, Paths } from "../../../proof/network/path.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import { edited, withInput } from "../../support/mutations.ts";
import { recordedFolder, recordStacks } from "../../support/recorded.ts";
import { stackFile, within } from "../../support/stacks.ts";

const clusterType = "kubernetes:cilium.io/v2:CiliumBGPClusterConfig";
const peerType = "kubernetes:cilium.io/v2:CiliumBGPPeerConfig";
const advertisementType = "kubernetes:cilium.io/v2:CiliumBGPAdvertisement";
const poolType = "kubernetes:cilium.io/v2:CiliumLoadBalancerIPPool";
const serviceType = "kubernetes:core/v1:Service";
const secretType = "kubernetes:core/v1:Secret";
const commandType = "command:remote:Command";

const shipped = await recordedFolder("examples/securities-idc", ["idc-seoul", "idc-busan"]);
const rack = "idc-seoul-CiliumBGPClusterConfig-rack-r1";
const peer = "idc-seoul-CiliumBGPPeerConfig-tor";
const advertisement = "idc-seoul-CiliumBGPAdvertisement-idc-seoul";
const pool = "idc-seoul-CiliumLoadBalancerIPPool-idc-seoul";

function flaws(stacks: readonly PlannedStack[]): string[] {
  const { flaws: found } = readOnPrem(stackResources(stacks), stacks);
  return found.map(({ origin, message }) => `${named(origin)}: ${message}`);
}

function modelOf(stacks: readonly PlannedStack[]): NetworkModel {
  const parts = readParts(stacks, stackResources(stacks));
  return assemble(sitesOf(stacks), parts, parts.tunnels);
}

function send(stacks: readonly PlannedStack[], from: string, source: string, to: string): Leg[] {
  const model = modelOf(stacks);
  const port = [...model.ports.values()].find(({ label }) => label === from);
  if (!port) throw new RangeError(`no interface is called ${from}`);
  return new Paths(model).send(port, addressNumber(source) ?? 0, addressNumber(to) ?? 0);
}

const ends = (legs: readonly Leg[]) => [
  ...new Set(
    legs.map(({ end }) => (end.kind === "port" ? end.port.label : end.kind === "dropped" ? end.reason : end.kind)),
  ),
];

/** Nodes of both racks with a pod of each. */
const [one, other, near] = [
  { name: "idc-seoul-app-0", node: "10.30.1.21", pod: "10.130.16.9" },
  { name: "idc-seoul-app-1", node: "10.30.2.21", pod: "10.130.17.9" },
  { name: "idc-seoul-app-2", node: "10.30.1.22", pod: "10.130.18.9" },
] as const;

describe("the shipped IDCs", () => {
  it("have no flaw", () => {
    expect(flaws(shipped)).toEqual([]);
  });

  it("bring pods' packets to the other rack by both ToRs, and to the same rack directly", () => {
    const legs = send(shipped, one.name, one.pod, other.pod);
    expect(ends(legs)).toEqual([other.name]);
    // Two ToRs here, two there.
    expect(legs).toHaveLength(4);
    const direct = send(shipped, one.name, one.pod, near.pod);
    expect(ends(direct)).toEqual([near.name]);
    expect(direct).toHaveLength(1);
  });

  it("bring packets of the other IDC to pods and to the mesh endpoint", () => {
    const model = modelOf(shipped);
    const paths = new Paths(model);
    const entries = model.entries.filter(({ site }) => site === "idc-seoul");
    expect(entries).toHaveLength(4);
    for (const { router } of entries) {
      const from = addressNumber("10.40.1.11") ?? 0;
      expect(ends(paths.enter(router, from, addressNumber(other.pod) ?? 0, "a line"))).toEqual([other.name]);
      expect(ends(paths.enter(router, from, addressNumber("10.30.250.10") ?? 0, "a line"))).toEqual([
        "Service idc-seoul-mesh",
      ]);
    }
    const [front] = model.frontEnds.filter(({ origin }) => origin.stack === "idc-seoul");
    expect(front?.targets).toHaveLength(7);
    expect(front?.number).toBe(2379);
  });

  it("send what is not theirs to the networks outside", () => {
    const [leg] = send(shipped, one.name, one.node, "10.40.1.11");
    expect(leg?.hops.join("\n")).toContain("outside");
  });
});

describe("walks without a session", () => {
  it("name the ToR that does not know the pod", () => {
    const stacks = withInput(shipped, clusterType, rack, "spec.bgpInstances.0.peers.1", undefined);
    const legs = send(stacks, other.name, other.pod, one.pod);
    expect(ends(legs)).toContain(one.name);
    expect(legs.filter(({ end }) => end.kind === "dropped").length).toBeGreaterThan(0);
    expect(flaws(stacks).join("\n")).toMatch(
      /does not announce 10\.130\.16\.0\/24 to ToR tor-b \(10\.30\.1\.3\) of its rack r1/,
    );
  });
});

/** A change to one object, and what the flaw must name. */
const wrong: readonly [what: string, type: string, name: string, place: string, value: unknown, message: RegExp][] = [
  [
    "a peer that is no ToR",
    clusterType,
    rack,
    "spec.bgpInstances.0.peers.0.peerAddress",
    "10.30.2.2",
    /peer tor-a of main is 10\.30\.2\.2, which is no ToR of rack r1/,
  ],
  [
    "another ASN of the nodes",
    clusterType,
    rack,
    "spec.bgpInstances.0.localASN",
    64_602,
    /localASN 64602 is not 64601/,
  ],
  [
    "another ASN of the ToRs",
    clusterType,
    rack,
    "spec.bgpInstances.0.peers.0.peerASN",
    64_609,
    /peerASN 64609 of peer tor-a/,
  ],
  [
    "a peer configuration that is not there",
    clusterType,
    rack,
    "spec.bgpInstances.0.peers.0.peerConfigRef.name",
    "none",
    /peerConfigRef none/,
  ],
  [
    "a rack that no node is in",
    clusterType,
    rack,
    "spec.nodeSelector.matchLabels",
    { "gyeongbu.io/rack": "r9" },
    /fits no node/,
  ],
  [
    "a rack that has another configuration",
    clusterType,
    rack,
    "spec.nodeSelector.matchLabels",
    { "gyeongbu.io/rack": "r2" },
    /selects node idc-seoul-control-1, as rack-r1 does/,
  ],
  ["no peers", clusterType, rack, "spec.bgpInstances.0.peers", [], /does not announce 10\.130\.0\.0\/24/],
  [
    "one peer twice",
    clusterType,
    rack,
    "spec.bgpInstances.0.peers.1.peerAddress",
    "10.30.1.2",
    /10\.30\.1\.2 is the address of two peers/,
  ],
  [
    "another hold time",
    peerType,
    peer,
    "spec.timers.holdTimeSeconds",
    90,
    /timers\.holdTimeSeconds is 90, and the stack file says 9/,
  ],
  ["no graceful restart", peerType, peer, "spec.gracefulRestart.enabled", false, /gracefulRestart\.enabled is false/],
  ["a Secret that is not there", peerType, peer, "spec.authSecretRef", "none", /authSecretRef none is no Secret/],
  [
    "advertisements of nobody",
    peerType,
    peer,
    "spec.families.0.advertisements.matchLabels",
    { "gyeongbu.io/bgp": "x" },
    /does not announce 10\.130\.0\.0\/24/,
  ],
  ["another family", peerType, peer, "spec.families.0.afi", "ipv6", /does not announce 10\.130\.0\.0\/24/],
  [
    "no pods announced",
    advertisementType,
    advertisement,
    "spec.advertisements.0",
    undefined,
    /does not announce 10\.130\.0\.0\/24/,
  ],
  [
    "other Services announced",
    advertisementType,
    advertisement,
    "spec.advertisements.1.selector.matchLabels",
    { a: "b" },
    /does not announce 10\.30\.250\.10\/32/,
  ],
  [
    "Services without a selector",
    advertisementType,
    advertisement,
    "spec.advertisements.1.selector",
    undefined,
    /does not announce 10\.30\.250\.10\/32/,
  ],
  ["another label", advertisementType, advertisement, "metadata.labels", {}, /does not announce 10\.130\.0\.0\/24/],
  [
    "another pool",
    poolType,
    pool,
    "spec.blocks.0.cidr",
    "10.30.251.0/24",
    /asks for 10\.30\.250\.10, which no CiliumLoadBalancerIPPool gives/,
  ],
  [
    "an address at the pool's edge",
    serviceType,
    "idc-seoul-mesh",
    "metadata.annotations",
    { "lbipam.cilium.io/ips": "10.30.250.255" },
    /asks for 10\.30\.250\.255, which no/,
  ],
  [
    "a Service that asks for no address",
    serviceType,
    "idc-seoul-mesh",
    "metadata.annotations",
    {},
    /has no fixed address/,
  ],
  [
    "a Service that is not announced",
    serviceType,
    "idc-seoul-mesh",
    "metadata.labels",
    {},
    /does not announce 10\.30\.250\.10\/32/,
  ],
  [
    "a Service of another class",
    serviceType,
    "idc-seoul-mesh",
    "spec.loadBalancerClass",
    "other",
    /loadBalancerClass other is not io\.cilium\/bgp-control-plane/,
  ],
  [
    "a password elsewhere",
    secretType,
    "idc-seoul-bgp-password",
    "metadata.namespace",
    "default",
    /authSecretRef bgp-tor-md5 is no Secret of kube-system/,
  ],
  ["a field that nobody knows", clusterType, rack, "spec.bgpInstances.0.localport", 179, /localport/],
];

describe("flaws", () => {
  it.each(wrong)("%s", (_, type, name, place, value, message) => {
    expect(flaws(withInput(shipped, type, name, place, value)).join("\n")).toMatch(message);
  });

  it("come from the labels and blocks that nodes are registered with", () => {
    const register = (from: string, to: string) =>
      edited(shipped, commandType, "idc-seoul-app-0-register", (inputs) => ({
        ...inputs,
        create: typeof inputs.create === "string" ? inputs.create.replaceAll(from, to) : inputs.create,
      }));
    expect(flaws(register("gyeongbu.io/rack=r1", "gyeongbu.io/rack=r3")).join("\n")).toMatch(
      /node idc-seoul-app-0 .*does not announce 10\.130\.16\.0\/24 to ToR tor-a/,
    );
    expect(flaws(register("10.130.16.0/24", "10.130.17.0/24")).join("\n")).toMatch(
      /given pod block 10\.130\.17\.0\/24, and its slot's is 10\.130\.16\.0\/24/,
    );
    expect(flaws(edited(shipped, commandType, "idc-seoul-app-0-register")).join("\n")).toMatch(
      /given pod block \(none\)/,
    );
  });

  it("are none where the change is as good", () => {
    expect(flaws(withInput(shipped, clusterType, rack, "spec.bgpInstances.0.peers.0.name", "left"))).toEqual([]);
    expect(flaws(withInput(shipped, poolType, pool, "spec.blocks.0.cidr", "10.30.250.0/23"))).toEqual([]);
  });
});

describe("the comparison of a cluster with its stack file", () => {
  const compare = (stacks: readonly PlannedStack[]): string[] => {
    const sites = sitesOf(stacks);
    return sites.all.flatMap((site) => {
      const { planned, found } = kubernetesComparison(site.name, site, peersOf(sites, site), stackResources(stacks));
      const [wanted, there] = [planned, found].map((lines) => new Set(lines.map(({ text }) => text)));
      return [
        ...planned.filter(({ text }) => !there?.has(text)).map(({ text }) => `- ${text}`),
        ...found.filter(({ text }) => !wanted?.has(text)).map(({ text }) => `+ ${text}`),
      ];
    });
  };

  it("finds the shipped resources to be exactly what is wanted", () => {
    expect(compare(shipped)).toEqual([]);
  });

  it("names a value of Cilium's that was changed", () => {
    const releaseType = "kubernetes:helm.sh/v3:Release";
    expect(compare(withInput(shipped, releaseType, "idc-seoul", "values.MTU", 1450))).toEqual([
      `- ${releaseType} idc-seoul: values.MTU = 1500`,
      `+ ${releaseType} idc-seoul: values.MTU = 1450`,
    ]);
  });

  it("names a node that is registered with another label", () => {
    const stacks = edited(shipped, commandType, "idc-seoul-app-0-register", (inputs) => ({
      ...inputs,
      create: typeof inputs.create === "string" ? inputs.create.replaceAll("rack=r1", "rack=r2") : "",
    }));
    expect(compare(stacks)).toEqual([
      "- registration of node idc-seoul-app-0: label gyeongbu.io/rack = r1",
      "+ registration of node idc-seoul-app-0: label gyeongbu.io/rack = r2",
    ]);
  });
});

describe("Cilium 1.18", () => {
  it("makes the mesh endpoint's Service by its chart", async () => {
    const files = ["idc-seoul", "idc-busan"].map((stack) =>
      stackFile(
        stack,
        (config) => {
          Object.assign(within(config, "gyeongbu:site", "cilium"), { version: "1.18.12" });
          Object.assign(within(config, "gyeongbu:site", "mesh"), { cacheTtlSeconds: 0 });
          Object.assign(within(config, "gyeongbu:site", "kubernetes"), { version: "1.33.12" });
        },
        "examples/securities-idc",
      ),
    );
    const stacks = await recordStacks(files);
    expect(flaws(stacks)).toEqual([]);
    expect(readOnPrem(stackResources(stacks), stacks).frontEnds).toHaveLength(2);
    const type = "kubernetes:helm.sh/v3:Release";
    const away = withInput(stacks, type, "idc-seoul", "values.clustermesh.apiserver.service.labels", {});
    expect(flaws(away).join("\n")).toMatch(/does not announce 10\.30\.250\.10\/32/);
  });
});
