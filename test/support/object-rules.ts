import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { isRecord } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../../proof/rule.ts";

/** What is known of the cluster beside the objects; Cilium is 1.20.2 and nothing else is known unless said. */
export type Context = Partial<Omit<ObjectsSubject, "objects">>;
/** YAML documents, and their cluster if it matters. */
export type Case = string | readonly [yaml: string, context: Context];
/** What the finding must name, in its message or its fix. */
export type Refusal = readonly [names: string, given: Case];
export type Fixtures = Readonly<
  Record<string, { readonly refused: readonly Refusal[]; readonly passes: readonly Case[] }>
>;

export function subjectOf(given: Case): ObjectsSubject {
  const [yaml, context] = typeof given === "string" ? [given, {}] : given;
  const objects = parseAllDocuments(yaml).flatMap((document) => {
    expect(document.errors).toEqual([]);
    const object: unknown = document.toJS();
    return isRecord(object) ? [object] : [];
  });
  if (objects.length === 0) throw new TypeError(`no object: ${yaml}`);
  return { cilium: "1.20.2", complete: false, ...context, objects };
}

/** Every finding as `code severity path message -> fix`. */
export function findings(rules: readonly Rule<ObjectsSubject>[], given: Case): string[] {
  const subject = subjectOf(given);
  return rules.flatMap(({ code, severity, check }) =>
    check(subject).map(({ path, message, fix }) => `${code} ${severity} ${path.join(".")} ${message} -> ${fix}`),
  );
}

/** Tests that each rule refuses what it must, names it, and lets near misses pass. */
export function testRules(rules: readonly Rule<ObjectsSubject>[], fixtures: Fixtures): void {
  it("has a refusal and a near miss for every rule", () => {
    const complete = Object.entries(fixtures).filter(
      ([, { refused, passes }]) => refused.length > 0 && passes.length > 0,
    );
    expect(complete.map(([code]) => code).sort()).toEqual(rules.map(({ code }) => code).sort());
  });

  it("takes anything in place of anything without falling over", () => {
    const texts = Object.values(fixtures).flatMap(({ refused, passes }) => [
      ...refused.map(([, given]) => given),
      ...passes,
    ]);
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.jsonValue(), (given, place, value) => {
        const subject = subjectOf(given);
        const objects = structuredClone(subject.objects);
        const spots = objects.flatMap((object) => spotsIn(object));
        const spot = spots[place % spots.length];
        if (spot !== undefined) Reflect.set(spot.holder, spot.key, value);
        for (const { check } of rules) {
          for (const { message, fix } of check({ ...subject, objects }))
            expect(`${message}${fix}`).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 500, seed: 4 },
    );
  });

  describe.each(rules.map((rule) => [rule.code, rule] as const))("%s", (code, rule) => {
    const { refused, passes } = fixtures[code] ?? { refused: [], passes: [] };
    it.each(refused)("names %s", (names, given) => {
      const found = findings([rule], given);
      expect(found.join("\n")).toContain(names);
      for (const { path } of rule.check(subjectOf(given))) {
        expect(typeof path[0]).toBe("number");
      }
    });
    it.each(passes.map((given) => [given]))("lets pass %#", (given) => {
      // A near miss of one rule is no mistake of another.
      expect(findings(rules, given).filter((line) => line.includes(" error ") || line.startsWith(code))).toEqual([]);
    });
  });
}

/** Every place of a value at any depth. */
function spotsIn(value: unknown): { readonly holder: object; readonly key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [{ holder: value, key }, ...spotsIn(child)]);
}
