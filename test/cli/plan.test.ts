import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { stackText, within } from "../support/stacks.ts";

const root = join(import.meta.dirname, "../..");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const Printed = z.strictObject({
  stacks: z.array(
    z.strictObject({ name: z.string(), kind: z.string(), file: z.string(), resources: z.int().positive().optional() }),
  ),
  proofs: z.array(
    z.strictObject({
      id: z.string().regex(/^GB-\d+$/),
      title: z.string().min(10),
      holds: z.boolean(),
      facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      counterexample: z.string().optional(),
    }),
  ),
  accepted: z.array(z.unknown()),
  segmentation: z.array(z.looseObject({ members: z.array(z.string()) })).optional(),
  findings: z.array(
    z.strictObject({
      code: z.string().regex(/^GB-\d+$/),
      severity: z.enum(["error", "warning"]),
      file: z.string(),
      path: z.string(),
      line: z.int().positive().optional(),
      message: z.string().min(5),
      fix: z.string().min(5),
    }),
  ),
});

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const preload = ["--import", "./components/fast-start/before-sdk.mjs"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...preload, "cli/plan.ts", ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: status, out: stdout, err: stderr };
}

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-plan-"));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const shipped = ["prod-seoul", "dr-busan", "interconnect", "entry"];
const shippedWith = (stack: string, text: string) =>
  folderOf({
    ...Object.fromEntries(shipped.map((name) => [`Pulumi.${name}.yaml`, stackText(name)])),
    [`Pulumi.${stack}.yaml`]: text,
  });

describe("npm run plan", () => {
  it("proves the shipped stacks and says so to machines, alone on standard output", () => {
    const { code, out } = run("--json", "-");
    const { stacks, proofs, findings } = Printed.parse(JSON.parse(out));
    expect(stacks.map(({ name }) => name).toSorted()).toEqual(shipped.toSorted());
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(proofs.filter(({ holds }) => !holds)).toEqual([]);
    expect(proofs.length).toBeGreaterThan(10);
    expect(code).toBe(0);
  });

  it.each([
    ["examples/securities-idc", 0],
    ["examples/dev-staging", 1],
    ["examples/local-k8s", 1],
  ])("proves %s", (example, warnings) => {
    const { code, out } = run(example);
    expect(out).toContain(`proofs hold, 0 error(s), ${warnings} warning(s)`);
    expect(code).toBe(0);
  });

  it("takes with a stack those that it names and those that join them", () => {
    const { out } = run("prod-seoul", "--json", "-");
    const { stacks } = Printed.parse(JSON.parse(out));
    expect(stacks.map(({ name }) => name).toSorted()).toEqual(["dr-busan", "interconnect", "prod-seoul"]);
  });

  it("names file, line and path of what is wrong, what to write, and all of it at once", () => {
    const text = stackText("dr-busan", (config) => {
      within(config, "gyeongbu:site", "network").pods = "10.128.0.0/16";
      within(config, "gyeongbu:site", "cilium").mtu = 1500;
      within(config, "gyeongbu:site").id = 1;
    });
    const { code, out } = run(shippedWith("dr-busan", text));
    expect(code).toBe(1);
    const line = text.split("\n").findIndex((each) => each.includes("pods:")) + 1;
    expect(out).toContain(`Pulumi.dr-busan.yaml:${line} error GB-202 gyeongbu:site.network.pods`);
    for (const found of ["gyeongbu:site.cilium.mtu", "gyeongbu:site.id", "Nothing was proven"])
      expect(out).toContain(found);
  });

  it("writes Markdown that carries findings and proofs", () => {
    const folder = folderOf({});
    const file = join(folder, "plan.md");
    expect(run("--markdown", file).code).toBe(0);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("## Plan");
    expect(text.split("\n").filter((line) => line.startsWith("| holds | GB-")).length).toBeGreaterThan(10);
  });
});

it("says in one line where a report cannot be written", () => {
  const { code, err } = run("--markdown", join(folderOf({}), "nowhere/plan.md"));
  expect(err).toMatch(/^\nENOENT: no such file or directory.*plan\.md'\n$/);
  expect(code).toBe(1);
});

describe("bad input ends in findings", () => {
  const site = stackText("prod-seoul");
  const bad: Record<string, string | Buffer> = {
    empty: "",
    tabs: "config:\n\tgyeongbu:site: x\n",
    duplicate: "config:\n  a: 1\n  a: 2\n",
    alias: "config: &all\n  gyeongbu:site: *all\n",
    binary: Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919) % 256)),
    "two-documents": "config: {}\n---\nconfig: {}\n",
    list: "- config\n",
    deep: `config:\n  gyeongbu:site: ${"[".repeat(20_000)}\n`,
    unicode: "config:\n  gyeongbu:site:\n    name: 서울\n    platform: aws\n",
    huge: site.replace("id: 1", "id: 99999999999999999999999999"),
    null: "config:\n  gyeongbu:site:\n",
    truncated: site.slice(0, 400),
    large: Buffer.alloc(50_000_000, "a"),
  };

  it.each(Object.keys(bad))("%s", (name) => {
    const { code, out, err } = run(folderOf({ [`Pulumi.${name}.yaml`]: bad[name] ?? "" }));
    expect(err).toBe("");
    expect(out).toMatch(new RegExp(`Pulumi\\.${name}\\.yaml.* error GB-`));
    expect(out).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  it("a peer that is not there, one that does not know of it, a folder without stacks, a stack that is none", () => {
    const alone = folderOf({ "Pulumi.prod-seoul.yaml": site });
    expect(run(alone)).toMatchObject({ code: 1, err: "" });
    expect(run(alone).out).toContain("GB-103 gyeongbu:site.mesh.peers");
    const unloved = stackText("dr-busan", (config) => {
      within(config, "gyeongbu:site", "mesh").peers = ["dr-busan"];
    });
    expect(run(shippedWith("dr-busan", unloved)).out).toContain("GB-303");
    expect(run(folderOf({})).out).toContain("holds no stack file");
    expect(run("nowhere")).toMatchObject({ code: 1, err: "" });
  });
});
