import { describe, expect, it } from "vitest";
import { policyRules } from "../../proof/objects/policies.ts";
import { type Case, ccnp, cnp, egress, ingress, knp, type PolicyFixture, subject } from "../support/policies.ts";
import { policyKubernetesFixtures } from "./fixtures/policy-kubernetes.ts";
import { policyNamesFixtures } from "./fixtures/policy-names.ts";
import { policyOpeningsFixtures } from "./fixtures/policy-openings.ts";
import { policyPortsFixtures } from "./fixtures/policy-ports.ts";
import { policyReferencesFixtures } from "./fixtures/policy-references.ts";
import { policySelectorsFixtures } from "./fixtures/policy-selectors.ts";
import { policyShapeFixtures } from "./fixtures/policy-shape.ts";

const fixtures: Readonly<Record<string, PolicyFixture>> = {
  ...policyShapeFixtures,
  ...policySelectorsFixtures,
  ...policyPortsFixtures,
  ...policyNamesFixtures,
  ...policyOpeningsFixtures,
  ...policyReferencesFixtures,
  ...policyKubernetesFixtures,
};

describe("policy rules", () => {
  it("have distinct codes from GB-1201 to GB-1299, and fixtures of both kinds each", () => {
    const codes = policyRules.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.every((code) => /^GB-12\d\d$/.test(code))).toBe(true);
    expect(Object.keys(fixtures).sort()).toEqual([...codes].sort());
    for (const { refused, passes } of Object.values(fixtures)) {
      expect(refused.length).toBeGreaterThan(0);
      expect(passes.length).toBeGreaterThan(0);
    }
  });

  it.each(policyRules.map(({ code, check }) => [code, check] as const))("%s", (code, check) => {
    for (const [named, given] of fixtures[code]?.refused ?? []) {
      const found = check(subject(given));
      expect(found.map(({ message }) => message).join("\n")).toContain(named);
      for (const { path, fix } of found) {
        expect(typeof path[0]).toBe("number");
        expect(fix).not.toBe("");
      }
    }
    for (const given of fixtures[code]?.passes ?? []) expect(check(subject(given))).toEqual([]);
  });

  it("take any YAML for an object", () => {
    let judged = 0;
    const judge = (given: Case) => {
      for (const { check } of policyRules) judged += check(subject(given)).length;
    };
    const strange: unknown[] = [null, 0, "", [], [[]], {}, { "": null }, "\u0000", Number.NaN, { a: { b: [1, null] } }];
    for (const value of strange) {
      for (const field of ["metadata", "spec", "specs", "kind", "apiVersion"]) {
        for (const object of [cnp({}), ccnp({}), knp({})]) {
          judge({ ...object, [field]: value });
        }
      }
      const fields = [
        "ingress",
        "egress",
        "ingressDeny",
        "egressDeny",
        "endpointSelector",
        "nodeSelector",
        "podSelector",
        "policyTypes",
        "enableDefaultDeny",
      ];
      for (const field of fields) {
        for (const object of [
          cnp({ [field]: value }),
          cnp({ [field]: [value] }),
          knp({ [field]: value }),
          knp({ [field]: [value] }),
        ]) {
          judge(object);
        }
      }
      const inner = [
        "fromEndpoints",
        "toFQDNs",
        "toPorts",
        "fromCIDRSet",
        "icmps",
        "toServices",
        "from",
        "to",
        "ports",
      ];
      for (const field of inner) {
        for (const entry of [
          { [field]: value },
          { [field]: [value] },
          { toPorts: [{ [field]: value, ports: [value], rules: value }] },
        ]) {
          for (const object of [ingress(entry), egress(entry), knp({ ingress: [entry], egress: [entry] })]) {
            judge([{ complete: true, values: {} }, object]);
          }
        }
      }
    }
    expect(judged).toBeGreaterThan(0);
  });
});
