import { describe, expect, it } from "vitest";
import { bothWorlds, flows, meshWith } from "./application-world.ts";
import { unseenMutations } from "./policy-mutations.ts";

const kind = "card-company";
/** Of every tier but the database. */
const lookups = ["dmz", "application"].map((tier) => `seoul/card-${tier} -> seoul/kube-dns 53/TCP L7 53/UDP L7`);
const users = ["an address", "evil.example", "world"];

describe("who reaches whom", () => {
  it("is internet -> DMZ -> application -> database in each cluster by itself", () => {
    expect(flows(bothWorlds({ kind })).toSorted()).toEqual(
      [
        ...users.map((user) => `${user} -> seoul/card-dmz 443/TCP`),
        "seoul/card-dmz -> seoul/card-application 8080/TCP",
        "seoul/card-application -> seoul/card-database 5432/TCP",
        ...lookups,
      ].toSorted(),
    );
  });

  it("goes to the other cluster's next tier, and to no other one, where clusters stand in for each other", () => {
    expect(flows(bothWorlds({ kind, acrossClusters: true })).toSorted()).toEqual(
      [
        ...users.map((user) => `${user} -> seoul/card-dmz 443/TCP`),
        "seoul/card-dmz -> seoul/card-application 8080/TCP",
        "seoul/card-dmz -> busan/card-application 8080/TCP",
        "busan/card-dmz -> seoul/card-application 8080/TCP",
        "seoul/card-application -> seoul/card-database 5432/TCP",
        "seoul/card-application -> busan/card-database 5432/TCP",
        "busan/card-application -> seoul/card-database 5432/TCP",
        ...lookups,
      ].toSorted(),
    );
  });

  it("begins at Cilium's proxy behind a gateway: users reach no pod", () => {
    const outside = flows(bothWorlds({ kind, entrance: "gateway" })).filter((flow) => !flow.startsWith("seoul/card"));
    expect(outside).toEqual(["ingress -> seoul/card-dmz 443/TCP"]);
  });

  it("follows namespaces, labels and ports of the stack file", () => {
    const database = { namespace: "vault", labels: { role: "pan-store" }, port: 1521 };
    expect(flows(bothWorlds({ kind, name: "pan", database }))).toContain(
      "seoul/pan-application -> seoul/pan-database 1521/TCP",
    );
  });
});

it("leaves the database without a way out, whatever else is allowed", () => {
  const [world] = bothWorlds({ kind });
  const anything = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "open", namespace: "database" },
    spec: { endpointSelector: {}, egress: [{ toEntities: ["all"] }] },
  };
  const reachability = world.reachability(world.entries([...world.objects, anything]));
  const open = (pod: string) =>
    world.peers.filter((peer) => reachability.openings("egress", world.party(pod), peer).length > 0);
  expect(open("seoul/card-database")).toEqual([]);
  expect(open("seoul/card-database without tier")).toEqual(world.peers);
});

it.each([
  ["of a cluster by itself", {}],
  ["across clusters", { acrossClusters: true }],
  ["behind a gateway", { entrance: "gateway" }],
])("shows whatever is deleted or widened in the policies %s", (_, more) => {
  const { tried, unseen } = unseenMutations(...meshWith({ kind, ...more }));
  expect(unseen).toEqual([]);
  expect(tried).toBeGreaterThan(70);
});
