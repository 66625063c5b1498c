import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rulesInEnglish, rulesInKorean, sections } from "../../tools/rules.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

it.each([
  ["docs/rules.md", rulesInEnglish],
  ["docs/rules.ko.md", rulesInKorean],
])("%s is what its tool writes", (file, write) => {
  expect(read(file)).toBe(write());
});

it("explains every code that the sources say, in both languages", () => {
  const sources = globSync("{components,proof,cli}/**/*.ts", { cwd: root });
  const said = new Set(sources.flatMap((file) => read(file).match(/\bGB-\d{3,4}\b/g) ?? []));
  expect(said.size).toBeGreaterThan(100);
  for (const text of [rulesInEnglish(), rulesInKorean()]) {
    expect([...said].filter((code) => !text.includes(`| ${code} |`))).toEqual([]);
  }
});

it("gives each code to one rule", () => {
  const codes = sections.flatMap(({ rules }) => rules.map(({ code }) => code));
  expect(codes.filter((code, index) => codes.indexOf(code) < index)).toEqual([]);
});

it("says every rule in sentences of both languages", () => {
  for (const { title, korean, reason } of sections.flatMap(({ rules }) => rules)) {
    expect(title).toMatch(/\.$/);
    expect(korean).toMatch(/[가-힣].*\.$/);
    expect(reason.length).toBeGreaterThan(20);
  }
});
