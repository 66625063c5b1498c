import { beforeEach, expect, it } from "vitest";
import { nodesOf } from "../../rehearsal/kubernetes/cluster.ts";
import { sessionProblems } from "../../rehearsal/kubernetes/sessions.ts";
import type { Properties } from "../../rehearsal/stand-in.ts";
import type { JsonObject, World } from "../../rehearsal/world.ts";
import { type Client, readyValues, seoul } from "./kubernetes-cluster.ts";

let world: World;
let client: Client;

/** One node in rack a with one ToR, which expects a signed session from AS 64601. */
beforeEach(async () => {
  ({ world, client } = seoul({ nodes: 1 }));
  machine("10.10.0.16", { zone: "a" });
  const accepts = ["10.128.0.0/16", "10.10.250.0/24"];
  machine("10.10.0.2", { name: "tor", rack: "a", asn: 64_600, nodeAsn: 64_601, md5: true, accepts }, "router");
  await client.install({ ...readyValues("seoul", 1), bgpControlPlane: { enabled: true } });
});

function machine(id: string, properties: JsonObject, type = "machine"): void {
  world.put({ provider: "host", type, id, urn: "", place: "seoul", properties });
}

const custom = (kind: string, spec: Properties) =>
  client.apply({ apiVersion: "cilium.io/v2", kind, metadata: { name: kind.toLowerCase() }, spec });

async function problems(peer: Properties = {}, config: Properties = {}, localASN = 64_601): Promise<string[]> {
  await custom("CiliumBGPPeerConfig", {
    authSecretRef: "md5",
    families: [{ afi: "ipv4", safi: "unicast" }],
    ...config,
  });
  const peers = [
    { name: "tor", peerASN: 64_600, peerAddress: "10.10.0.2", peerConfigRef: { name: "ciliumbgppeerconfig" }, ...peer },
  ];
  await custom("CiliumBGPClusterConfig", {
    nodeSelector: { matchLabels: { rack: "a" } },
    bgpInstances: [{ name: "main", localASN, peers }],
  });
  return sessionProblems(world, "seoul", nodesOf(world, "seoul"));
}

it("agrees", async () => {
  expect(await problems()).toEqual([]);
});

it.each<[what: string, words: string, peer: Properties, config?: Properties, localASN?: number]>([
  ["the router's address", "has the peer 10.10.0.3, which is no ToR of rack a", { peerAddress: "10.10.0.3" }],
  ["the router's address", "has no session with tor (10.10.0.2) of rack a", { peerAddress: "10.10.0.3" }],
  ["the router's ASN", "says peerASN 64610 of tor (10.10.0.2) of rack a, whose ASN is 64600", { peerASN: 64_610 }],
  ["the nodes' ASN", "has localASN 64602, and tor (10.10.0.2) of rack a expects nodes with ASN 64601", {}, {}, 64_602],
])("minds %s", async (_, words, peer, config, localASN) => {
  expect((await problems(peer, config, localASN)).join("\n")).toContain(words);
});

it("minds a session without a password", async () => {
  await custom("CiliumBGPPeerConfig", { families: [{ afi: "ipv4", safi: "unicast" }] });
  await custom("CiliumBGPClusterConfig", {
    nodeSelector: { matchLabels: { rack: "a" } },
    bgpInstances: [
      {
        name: "main",
        localASN: 64_601,
        peers: [
          { name: "tor", peerASN: 64_600, peerAddress: "10.10.0.2", peerConfigRef: { name: "ciliumbgppeerconfig" } },
        ],
      },
    ],
  });
  expect(sessionProblems(world, "seoul", nodesOf(world, "seoul"))).toEqual([
    "tor (10.10.0.2) of rack a wants TCP MD5, and CiliumBGPPeerConfig ciliumbgppeerconfig has no authSecretRef",
  ]);
});

it("minds addresses that the router takes from nobody", async () => {
  await custom("CiliumLoadBalancerIPPool", { blocks: [{ cidr: "10.99.0.0/24" }] });
  expect(await problems()).toEqual([
    "10.99.0.0/24 (CiliumLoadBalancerIPPool ciliumloadbalancerippool) is nothing that the ToRs take from nodes: 10.128.0.0/16, 10.10.250.0/24",
  ]);
});
