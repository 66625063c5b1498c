import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { errorCodes } from "../../tools/error-codes.ts";

const root = join(import.meta.dirname, "../..");

it("docs/errors.md is what its tool writes", () => {
  expect(readFileSync(join(root, "docs/errors.md"), "utf8")).toBe(errorCodes());
});

it("explains every code that the sources say", () => {
  const sources = globSync("{components,proof,cli}/**/*.ts", { cwd: root });
  const said = sources.flatMap((file) => readFileSync(join(root, file), "utf8").match(/\bGB-\d{3}\b/g) ?? []);
  expect(said.length).toBeGreaterThan(50);
  expect([...new Set(said)].filter((code) => !errorCodes().includes(`| ${code} |`))).toEqual([]);
});
