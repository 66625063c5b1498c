import fc from "fast-check";
import { expect, it } from "vitest";
import { criticalPath, nameOf, type StateResource } from "../../rehearsal/critical-path.ts";

const resource = (urn: string, rest: Partial<StateResource> = {}): StateResource => ({ urn, type: "t", ...rest });

it("follows dependencies, property dependencies, parents and providers", () => {
  const path = criticalPath(
    [
      resource("network"),
      resource("cluster", { dependencies: ["network"] }),
      resource("provider", { propertyDependencies: { kubeconfig: ["cluster"], other: null } }),
      resource("release", { provider: "provider::some-id" }),
      resource("child", { parent: "release" }),
      resource("aside", { dependencies: ["network"] }),
    ],
    new Map([
      ["network", 10],
      ["cluster", 300],
      ["release", 60],
      ["child", 5],
      ["aside", 200],
    ]),
  );
  expect(path).toEqual({
    seconds: 375,
    steps: [
      { urn: "network", seconds: 10 },
      { urn: "cluster", seconds: 300 },
      { urn: "release", seconds: 60 },
      { urn: "child", seconds: 5 },
    ],
  });
});

it("is empty for a stack without resources or without time", () => {
  expect(criticalPath([], new Map())).toEqual({ seconds: 0, steps: [] });
  expect(criticalPath([resource("a")], new Map())).toEqual({ seconds: 0, steps: [] });
});

it("lies between the longest resource and the sum of all, and its steps add up to it", () => {
  const graph = fc
    .array(fc.tuple(fc.nat(1000), fc.array(fc.nat(30), { maxLength: 4 })), { minLength: 1, maxLength: 30 })
    .map((rows) => ({
      seconds: new Map(rows.map(([seconds], index) => [`r${index}`, seconds])),
      resources: rows.map(([, needs], index) =>
        resource(`r${index}`, { dependencies: needs.filter((need) => need < index).map((need) => `r${need}`) }),
      ),
    }));
  fc.assert(
    fc.property(graph, ({ resources, seconds }) => {
      const path = criticalPath(resources, seconds);
      const all = [...seconds.values()];
      expect(path.seconds).toBeGreaterThanOrEqual(Math.max(...all));
      expect(path.seconds).toBeLessThanOrEqual(all.reduce((sum, own) => sum + own, 0));
      expect(path.steps.reduce((sum, step) => sum + step.seconds, 0)).toBe(path.seconds);
    }),
  );
});

it("takes the logical name from a URN", () => {
  expect(nameOf("urn:pulumi:prod-seoul::gyeongbu::aws:ec2/vpc:Vpc::seoul-vpc")).toBe("seoul-vpc");
});
