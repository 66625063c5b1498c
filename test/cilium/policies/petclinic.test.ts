import { expect, it } from "vitest";
import { answer, bothWorlds, flows, meshWith } from "./application-world.ts";
import { unseenMutations } from "./policy-mutations.ts";

const kind = "petclinic";
const requests = [
  { method: "GET", path: "/.*" },
  { method: "POST", path: "/owners/.*" },
];

it("lets users reach WEB, WEB reach WAS, WAS reach MySQL, and WEB and WAS look up names", () => {
  expect(flows(bothWorlds({ kind })).toSorted()).toEqual(
    [
      ...["an address", "evil.example", "world"].map((user) => `${user} -> seoul/petclinic-web 80/TCP`),
      "seoul/petclinic-web -> seoul/petclinic-was 8080/TCP",
      "seoul/petclinic-was -> seoul/petclinic-db 3306/TCP",
      ...["web", "was"].map((tier) => `seoul/petclinic-${tier} -> seoul/kube-dns 53/TCP L7 53/UDP L7`),
    ].toSorted(),
  );
});

it.each([
  ["allowed", { method: "GET", path: "/owners?lastName=" }],
  ["allowed", { method: "POST", path: "/owners/new" }],
  ["denied", { method: "POST", path: "/vets" }],
  ["denied", { method: "DELETE", path: "/owners/1" }],
])("%s: %o, where requests are listed", (verdict, http) => {
  const [world] = bothWorlds({ kind, requests });
  expect(answer(world, "seoul/petclinic-web", "seoul/petclinic-was", 8080, http)).toBe(verdict);
});

it.each([
  ["of a cluster by itself", {}],
  ["across clusters, with requests", { acrossClusters: true, requests }],
])("shows whatever is deleted or widened in the policies %s", (_, more) => {
  const { tried, unseen } = unseenMutations(...meshWith({ kind, ...more }));
  expect(unseen).toEqual([]);
  expect(tried).toBeGreaterThan(60);
});
