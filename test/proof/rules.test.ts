import { describe, expect, it } from "vitest";
import type { Finding } from "../../components/config/finding.ts";
import { planSlots } from "../../components/network/plan.ts";
import { renderPreflight } from "../../components/nodes/preflight.ts";
import { rules } from "../../proof/judge.ts";
import { busan, entry, type Fixture, idcSeoul, interconnect, seoul } from "../support/judged.ts";
import { awsSite } from "../support/stacks.ts";
import { addressesFixtures } from "./fixtures/addresses.ts";
import { linksFixtures } from "./fixtures/links.ts";
import { meshFixtures } from "./fixtures/mesh.ts";
import { nodesFixtures } from "./fixtures/nodes.ts";
import { policiesFixtures } from "./fixtures/policies.ts";
import { applicationFixtures } from "./fixtures/policies-applications.ts";
import { serviceMeshFixtures } from "./fixtures/service-mesh.ts";

const fixtures: Readonly<Record<string, Fixture>> = {
  ...addressesFixtures,
  ...meshFixtures,
  ...nodesFixtures,
  ...linksFixtures,
  ...policiesFixtures,
  ...applicationFixtures,
  ...serviceMeshFixtures,
};
const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

describe("each rule", () => {
  it("has plans that it refuses and plans that it passes", () => {
    const lacking = rules.filter(({ code }) => {
      const fixture = fixtures[code];
      return !fixture || fixture.refused.length === 0 || fixture.passes.length === 0;
    });
    expect(
      codes(lacking.map(({ code, severity }) => ({ code, severity, file: "", path: "", message: "", fix: "" }))),
    ).toEqual([]);
  });

  it("has a code of its own", () => {
    expect(new Set(rules.map(({ code }) => code)).size).toBe(rules.length);
  });

  it.each(Object.entries(fixtures))("%s refuses its fixtures and passes its near misses", (code, {
    refused,
    passes,
  }) => {
    for (const [plan, words] of refused) {
      const messages = plan()
        .filter((finding) => finding.code === code)
        .map(({ message }) => message);
      expect(messages.join("\n")).toContain(words);
    }
    for (const plan of passes) expect(codes(plan())).not.toContain(code);
  });
});

describe("the shipped stacks", () => {
  it("break no rule", () => {
    expect([seoul(), busan(), idcSeoul(), interconnect(), entry()]).toEqual([[], [], [], [], []]);
  });
});

it("knows the systems and the disk space that a node's preflight asks for", () => {
  const site = awsSite();
  const [slot] = planSlots(site);
  if (!slot) throw new Error("no slots");
  const text = renderPreflight({ site, slot });
  expect(text).toContain('"ubuntu 22.04" | "ubuntu 24.04"');
  // Images, the flow log of 21 files of 100 MB, and 10 GB of audit log.
  expect(text).toContain(`need ${15 + 3 + 10}.`);
});
