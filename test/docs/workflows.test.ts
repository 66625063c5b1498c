import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const workflows = globSync(".github/workflows/*.yml", { cwd: root });
const hasActionlint = spawnSync("actionlint", ["--version"]).status === 0;
if (!hasActionlint)
  console.warn(
    "actionlint is not on PATH: the workflows are only read. Run `go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12`.",
  );

const Permissions = z.record(z.string(), z.enum(["read", "write", "none"]));
const Step = z.looseObject({
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  run: z.string().optional(),
});
const Job = z.looseObject({ if: z.string().optional(), permissions: Permissions.optional(), steps: z.array(Step) });
const Workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions: Permissions,
  jobs: z.record(z.string(), Job),
});

describe.each(workflows)("%s", (file) => {
  const text = readFileSync(join(root, file), "utf8");
  const { on, permissions, jobs } = Workflow.parse(parse(text));

  it.skipIf(!hasActionlint && process.env.CI !== "true")("has nothing for actionlint to say", () => {
    const { stdout, error } = spawnSync("actionlint", [join(root, file)], { encoding: "utf8" });
    expect(error?.message ?? stdout).toBe("");
  });

  it("pins every action by commit and leaves no credentials in the checkout", () => {
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.every((step) => step.with?.["persist-credentials"] === false)).toBe(true);
  });

  it("gives a fork nothing: no foreign trigger, no secret, no token but to read, no text of a pull request in a script", () => {
    expect(Object.keys(on)).toEqual(["pull_request"]);
    expect(permissions).toEqual({ contents: "read" });
    const open = Object.values(jobs).filter((job) => !job.if?.includes("head.repo.full_name == github.repository"));
    expect(open.length).toBeGreaterThan(0);
    expect(open.filter((job) => job.permissions || JSON.stringify(job).includes("secrets."))).toEqual([]);
    const scripts = Object.values(jobs).flatMap((job) => job.steps.flatMap(({ run }) => run ?? []));
    expect(scripts.filter((script) => script.includes("${{"))).toEqual([]);
  });
});
