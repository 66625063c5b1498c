import { describe, expect, test } from "vitest";
import { type Party, reservedParty } from "../../proof/reachability/party.ts";
import { api, db, entry, host, init, inside, labels, on443, others, pod, reach, web, world } from "./worlds.ts";

describe("whose policies are enforced", () => {
  const closed = entry({ peers: "none" });

  test.each<[string, Party, Parameters<typeof reach>[2], boolean]>([
    ["a pod with rules", web, {}, true],
    ["a pod of another cluster", pod("web", {}, { cluster: "busan" }), {}, false],
    ["the world", world, {}, false],
    ["an address", inside, {}, false],
    ["the node", host, {}, false],
    ["the node with the host firewall, by rules for pods", host, { hostFirewall: true }, false],
    ["a remote node", reservedParty("remote-node"), { hostFirewall: true }, false],
    ["the health endpoint", reservedParty("health"), {}, true],
    ["a pod, where nothing is enforced", web, { enablePolicy: "never" }, false],
  ])("%s", (_, subject, own, enforced) => {
    const reachability = reach([closed], [...others, subject], own);
    expect(reachability.enforced("ingress", subject)).toBe(enforced);
    expect(reachability.side("ingress", subject, api, on443).verdict).toBe(enforced ? "denied" : "allowed");
    expect(reachability.enforced("egress", subject)).toBe(false);
  });

  test("the node by rules for nodes, with the host firewall only, by its own labels", () => {
    const node = reservedParty("host", { rack: "r1" });
    const rules = [entry({ node: true, subject: labels("k8s:rack=r1"), peers: [labels("app=web")] })];
    const [on, off] = [true, false].map((hostFirewall) => reach(rules, [...others, node], { hostFirewall }));
    expect(on?.side("ingress", node, web, on443).verdict).toBe("allowed");
    expect(on?.side("ingress", node, db, on443).verdict).toBe("denied");
    expect(on?.side("ingress", host, db, on443).enforced).toBe(false);
    expect(off?.side("ingress", node, db, on443).enforced).toBe(false);
  });

  test("always: without a rule nothing passes, and before 1.20 the node does", () => {
    const side = (version: string, peer: Party) =>
      reach([], others, { enablePolicy: "always", version }).side("ingress", web, peer, on443).verdict;
    expect(side("1.20.2", db)).toBe("denied");
    expect(side("1.20.2", host)).toBe("denied");
    expect(side("1.19.5", host)).toBe("allowed");
  });

  test("always: rules without default deny do not open everything", () => {
    const rules = [entry({ peers: [labels("app=web")], defaultDeny: false })];
    const reachability = reach(rules, others, { enablePolicy: "always" });
    expect(reachability.side("ingress", api, web, on443).verdict).toBe("allowed");
    expect(reachability.side("ingress", api, db, on443).verdict).toBe("denied");
  });

  test("an endpoint without labels yet is closed in every mode but never", () => {
    expect(reach([], others).side("egress", init, web, on443).verdict).toBe("denied");
    expect(reach([], others, { enablePolicy: "never" }).side("egress", init, web, on443).verdict).toBe("allowed");
  });

  test("a party that was not announced is refused by name", () => {
    expect(() => reach([], [web]).side("ingress", web, db, on443)).toThrow("shop/db is not among the parties");
  });
});
