import { describe, expect, it } from "vitest";
import type { Finding } from "../../components/config/finding.ts";
import { accept, acceptanceRules } from "../../proof/accepted.ts";
import { judge, rules } from "../../proof/judge.ts";
import { type Edit, onSite } from "../support/judged.ts";
import { stackFile } from "../support/stacks.ts";

const today = "2026-11-20";
const one = { code: "GB-403", reason: "a trial cluster", until: "2027-03-31" };

/** Seoul with one control plane, which is a warning (GB-403), and its acceptances. */
function judged(acceptances: unknown, edit: Edit = onSite([["nodePools", 0, "count"], 1], [["promises"], undefined])) {
  const own = stackFile("prod-seoul", (config) => {
    edit(config);
    Reflect.set(config, "gyeongbu:accepted", acceptances);
  });
  const findings = judge({ own, others: [stackFile("dr-busan")] }, undefined);
  return accept({ own, findings, rules, today });
}
const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

describe("an acceptance", () => {
  it("sets its warning aside, and says why and until when", () => {
    const { findings, accepted } = judged([one]);
    expect(findings).toEqual([]);
    expect(accepted).toMatchObject([{ finding: { code: "GB-403" }, reason: "a trial cluster", until: "2027-03-31" }]);
  });

  it("counts on its last day, and not on the next", () => {
    expect(codes(judged([{ ...one, until: today }]).findings)).toEqual([]);
    const { findings, accepted } = judged([{ ...one, until: "2026-11-19" }]);
    expect(codes(findings)).toEqual(["GB-403", "GB-113"]);
    expect(findings[1]).toMatchObject({
      severity: "warning",
      path: "gyeongbu:accepted.0.until",
      message: "The acceptance of GB-403 ended on 2026-11-19.",
    });
    expect(findings[1]?.line).toBeGreaterThan(1);
    expect(accepted).toEqual([]);
  });

  it.each([
    ["gyeongbu:site.nodePools", []],
    ["gyeongbu:site", []],
    ["gyeongbu:site.nodePool", ["GB-403", "GB-114"]],
    ["gyeongbu:site.nodePools.0", ["GB-403", "GB-114"]],
  ])("of path %s covers that place and below", (path, left) => {
    expect(codes(judged([{ ...one, path }]).findings)).toEqual(left);
  });

  it("of nothing is a warning", () => {
    const { findings } = judged([one], () => {});
    expect(findings).toMatchObject([
      { code: "GB-114", severity: "warning", message: "There is no warning GB-403.", fix: "Remove this entry." },
    ]);
  });

  it("of an error is an error, and the error stays", () => {
    const { findings, accepted } = judged([{ ...one, code: "GB-402" }], onSite([["nodePools", 0, "count"], 2]));
    expect(codes(findings)).toEqual(expect.arrayContaining(["GB-402", "GB-111"]));
    expect(findings.find(({ code }) => code === "GB-111")).toMatchObject({
      severity: "error",
      message: "GB-402 is an error.",
    });
    expect(accepted).toEqual([]);
  });

  it("of an error that is not there is one as well", () => {
    expect(codes(judged([{ ...one, code: "GB-402" }], () => {}).findings)).toEqual(["GB-111"]);
  });

  it("for a year passes, for a day more is an error", () => {
    expect(codes(judged([{ ...one, until: "2027-11-20" }]).findings)).toEqual([]);
    expect(judged([{ ...one, until: "2027-11-21" }]).findings).toMatchObject([
      { code: "GB-112", severity: "error", fix: "Write 2027-11-20 or earlier." },
    ]);
  });

  it("made on 29 February ends on the 28th", () => {
    const own = { file: "f", lineOf: () => undefined, accepted: [{ ...one, until: "2029-02-28" }] };
    const warning = { code: "GB-403", severity: "warning", file: "f", path: "", message: "", fix: "" } as const;
    expect(accept({ own, findings: [warning], rules, today: "2028-02-29" }).findings).toEqual([]);
  });

  it("of a rule that was not asked says nothing", () => {
    expect(codes(judged([{ ...one, code: "GB-1241" }], () => {}).findings)).toEqual([]);
  });

  it("does not reach another file's warnings", () => {
    const own = stackFile("prod-seoul", (config) => Reflect.set(config, "gyeongbu:accepted", [one]));
    const foreign = { code: "GB-403", severity: "warning", file: "other", path: "", message: "", fix: "" } as const;
    expect(codes(accept({ own, findings: [foreign], rules, today }).findings)).toEqual(["GB-403", "GB-114"]);
  });

  it("has a code of its own for whatever is wrong with it", () => {
    const own = Object.values(acceptanceRules).map(({ code }) => code);
    expect(rules.filter(({ code }) => own.some((each) => each === code))).toEqual([]);
  });
});
