import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { StackFile } from "../../components/config/parse.ts";
import { readNamed, readStack } from "../../components/config/read.ts";
import { type Config, stackText, within } from "../support/stacks.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gyeongbu-read-"));
  for (const stack of ["prod-seoul", "dr-busan", "interconnect", "entry"]) write(stack);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(stack: string, edit?: (config: Config) => void): void {
  writeFileSync(join(folder, `Pulumi.${stack}.yaml`), stackText(stack, edit));
}

function read(stack: string): StackFile {
  const parsed = readStack(folder, stack);
  if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings));
  return parsed.stack;
}

const named = (stack: string) => readNamed(folder, read(stack));

it.each([
  ["prod-seoul", ["dr-busan"]],
  ["interconnect", ["prod-seoul", "dr-busan"]],
  ["entry", ["prod-seoul", "dr-busan"]],
])("%s is judged with %j", (stack, others) => {
  expect(named(stack).others.map((other) => other.stack)).toEqual(others);
  expect(named(stack).findings).toEqual([]);
});

it("says which peer's file is missing", () => {
  rmSync(join(folder, "Pulumi.dr-busan.yaml"));
  expect(named("prod-seoul").findings).toMatchObject([
    {
      code: "GB-103",
      severity: "error",
      file: join(folder, "Pulumi.prod-seoul.yaml"),
      path: "gyeongbu:site.mesh.peers",
    },
  ]);
  expect(named("prod-seoul").findings[0]?.line).toBeGreaterThan(1);
});

it("says when a peer is no site", () => {
  write("prod-seoul", (config) => {
    within(config, "gyeongbu:site", "mesh").peers = ["entry"];
  });
  expect(named("prod-seoul").findings).toMatchObject([
    { code: "GB-104", file: join(folder, "Pulumi.prod-seoul.yaml") },
  ]);
});

it("does not read a site as its own peer, however it is listed", () => {
  write("prod-seoul", (config) => {
    within(config, "gyeongbu:site", "mesh").peers = ["prod-seoul", "dr-busan"];
  });
  expect(named("prod-seoul").others.map(({ stack }) => stack)).toEqual(["dr-busan"]);
});

it("lets the entry run while a site's file is broken", () => {
  writeFileSync(join(folder, "Pulumi.prod-seoul.yaml"), "config: [");
  const { findings, others } = named("entry");
  expect(findings).toMatchObject([{ code: "GB-100", severity: "warning" }]);
  expect(others.map(({ stack }) => stack)).toEqual(["dr-busan"]);
});

it("refuses a file of 50 MB unread", () => {
  writeFileSync(join(folder, "Pulumi.huge.yaml"), Buffer.alloc(50_000_000, "a"));
  expect(readStack(folder, "huge")).toMatchObject({ findings: [{ code: "GB-103" }] });
});
