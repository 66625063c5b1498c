import { describe, expect, it } from "vitest";
import index from "../../components/cilium/data/chart-keys.json" with { type: "json" };
import { ciliumMinor, ciliumMinors, patchWarning, testedTogether } from "../../components/cilium/versions.ts";

describe("the version table", () => {
  it.each(ciliumMinors)("has an indexed chart for $minor, and patches of its own", ({ minor, newest, sound }) => {
    expect(index.versions.some((version) => version.startsWith(`${minor}.`))).toBe(true);
    for (const version of [newest, sound]) expect(ciliumMinor(version).minor).toBe(minor);
    expect(patchWarning(newest)).toBeUndefined();
    expect(patchWarning(sound)).toBeUndefined();
  });

  it("claims a key only where every indexed chart of the minor has it", () => {
    const has = (key: string, position: number): boolean => {
      const entry: unknown = Reflect.get(index.types, key);
      if (typeof entry !== "object" || entry === null) return entry !== undefined;
      const by: unknown = Reflect.get(entry, "by");
      return Array.isArray(by) && by[position] !== null;
    };
    for (const [position, version] of index.versions.entries()) {
      const { cacheTtl, ownMeshService, strictMode } = ciliumMinor(version);
      expect({
        version,
        cacheTtl: has("clustermesh.cacheTTL", position),
        ownMeshService: has("clustermesh.apiserver.service.externallyCreated", position),
        egress: has("encryption.strictMode.egress.cidr", position),
      }).toEqual({ version, cacheTtl, ownMeshService, egress: strictMode === "egress" });
    }
  });
});

it.each([
  ["1.18.4", /lacks fixes that 1\.18\.12 has/],
  ["1.19.5", /lacks fixes that 1\.19\.6 has/],
  ["1.20.0", /48444.*Write 1\.20\.2/],
])("warns of %s", (version, sentence) => {
  expect(patchWarning(version)).toMatch(sentence);
});

it.each([
  ["1.20.2", "1.36.4", true],
  ["1.20.2", "1.32.1", false],
  ["1.19.6", "1.32", true],
  ["1.19.6", "1.36.0", false],
  ["1.18.4", "1.31.13", true],
  ["1.18.12", "1.3.1", false],
  ["1.18.12", "1.34.0", false],
])("Cilium %s with Kubernetes %s: %s", (cilium, kubernetes, tested) => {
  expect(testedTogether(cilium, kubernetes)).toBe(tested);
});

it.each(["1.17.18", "1.21.0", "1.2.0", "2.0.0"])("refuses %s and names what there is", (version) => {
  expect(() => ciliumMinor(version)).toThrow(/Write one of 1\.18\.12, 1\.19\.7, 1\.20\.2\./);
});
