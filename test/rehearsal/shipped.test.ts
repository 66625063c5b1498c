import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { findEngine } from "../../rehearsal/engine.ts";
import type { Report } from "../../rehearsal/report.ts";
import { Clone } from "../support/clone.ts";
import { recordedShipped } from "../support/recorded.ts";

/** Milliseconds: a machine without the engine builds it once; the four stacks take about a minute on two busy cores. */
const engineLimit = 1_800_000;
const limit = 400_000;
/** Modelled seconds in a second: what is tested is what happens, not how long it takes. */
const speed = "--speed 6000";

const clone = new Clone();
beforeAll(async () => {
  await findEngine(() => {});
}, engineLimit);
// The file systems of all rehearsed machines are in it, too.
afterAll(() => clone.remove(), limit);

/** All files below a folder, but no machine's own file system: a machine keeps its keys where SSH and Kubernetes put them. */
function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "hosts" ? [] : files(path);
    return entry.isFile() && statSync(path).size < 50_000_000 ? [path] : [];
  });
}

/** Every string in a stack's secrets that nobody else may know, in the forms in which it could leak. */
function needles(secrets: unknown): string[] {
  if (typeof secrets === "string") {
    // The first line of an OpenSSH key is the same in all of them, the one-time key of user data among them.
    const header = "b3BlbnNzaC1rZXktdjEA";
    const lines = secrets
      .split("\n")
      .filter((line) => line.length >= 16 && !line.startsWith("-----") && !line.startsWith(header));
    return lines.flatMap((line) => [line, Buffer.from(line).toString("base64").replace(/=+$/, "").slice(0, -2)]);
  }
  if (typeof secrets !== "object" || secrets === null) return [];
  const open = new Set(["certificate", "publicKey"]);
  return Object.entries(secrets).flatMap(([name, value]) => (open.has(name) ? [] : needles(value)));
}

const State = z.object({
  checkpoint: z.object({ latest: z.object({ resources: z.array(z.object({ type: z.string(), urn: z.string() })) }) }),
});

/** Whether a program registered it: the engine adds the stack itself, providers that nobody named, and references it read. */
function isOurs({ type, urn }: { readonly type: string; readonly urn: string }): boolean {
  return !type.startsWith("pulumi:pulumi:") && !urn.includes("::default");
}

describe("the four shipped stacks", () => {
  const rehearsal = join(clone.folder, ".gyeongbu/rehearsal/main");
  const seen: string[] = [];
  let output = "";

  it(
    "come up, change nothing the second time, and say so",
    async () => {
      const ran = await clone.run(`npm start -- ${speed} --json report.json`, (args) => seen.push(args));
      output = ran.output;
      expect(ran.output).toContain("All is well");
      expect(ran.code).toBe(0);
      const { stacks } = JSON.parse(readFileSync(join(clone.folder, "report.json"), "utf8")) as Report;
      expect(stacks.map(({ name }) => name).toSorted()).toEqual(["dr-busan", "entry", "interconnect", "prod-seoul"]);
      for (const { name, created, secondRunChanges, modelledSeconds, criticalPath } of stacks) {
        expect([name, secondRunChanges]).toEqual([name, 0]);
        expect(created).toBeGreaterThan(5);
        expect(modelledSeconds).toBeGreaterThan(60);
        expect(criticalPath.length).toBeGreaterThan(0);
      }
    },
    limit,
  );

  it(
    "leave no secret in state, world, logs, user data or arguments",
    async () => {
      const shown = await clone.run(
        `export PULUMI_HOME=${rehearsal}/home PULUMI_BACKEND_URL=file://${rehearsal}/state PULUMI_CONFIG_PASSPHRASE_FILE=$(ls ${rehearsal}/*passphrase*)
         PATH="$(ls -d ~/.cache/gyeongbu/pulumi-*/bin 2>/dev/null | tail -1):$PATH"
         for stack in prod-seoul dr-busan interconnect; do pulumi config get gyeongbu:secrets --stack $stack --cwd ${rehearsal}/project; done`,
      );
      const secrets = shown.output
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line): unknown => JSON.parse(line));
      expect(secrets).toHaveLength(3);
      const all = [...new Set(secrets.flatMap(needles))];
      expect(all.length).toBeGreaterThan(20);
      const places = [
        ["the output", output],
        ["the arguments of a process", seen.join("\n")],
        ...files(rehearsal).map((file) => [file, readFileSync(file, "latin1")] as const),
      ] as const;
      expect(seen.length).toBeGreaterThan(10);
      const leaks = places.flatMap(([place, text]) => (all.some((needle) => text.includes(needle)) ? [place] : []));
      expect(leaks).toEqual([]);
    },
    limit,
  );

  it("are what the plan records without an engine, resource by resource", async () => {
    const stacks = await recordedShipped();
    expect(stacks).toHaveLength(4);
    for (const { file, resources } of stacks) {
      const state = readFileSync(join(rehearsal, `state/.pulumi/stacks/gyeongbu/${file.stack}.json`), "utf8");
      const made = State.parse(JSON.parse(state)).checkpoint.latest.resources.filter(isOurs);
      const sorted = (list: readonly string[]) => list.toSorted();
      expect(sorted(resources.map(({ type, name }) => `${type} ${name}`))).toEqual(
        sorted(made.map(({ type, urn }) => `${type} ${urn.split("::").at(-1)}`)),
      );
    }
  });

  it(
    "lose Seoul, serve from Busan, and come back",
    async () => {
      const { code, output: said } = await clone.run(`npm run rehearse -- drill seoul-loss ${speed} --json drill.json`);
      expect(said).toContain("Seoul lost (calls hang): entry to dr-busan");
      expect(code).toBe(0);
    },
    limit,
  );

  it(
    "are destroyed by the engine, and the world is empty",
    async () => {
      const { code, output: said } = await clone.run(`npm run rehearse -- destroy ${speed}`);
      expect(said).toContain("The world holds 0 objects.");
      expect(code).toBe(0);
    },
    limit,
  );
});

describe("the examples", () => {
  it.each([
    "examples/securities-idc",
    "examples/dev-staging",
    "examples/local-k8s",
    "examples/card-pci",
    "examples/security-lab",
  ])(
    "%s rehearses",
    async (folder) => {
      const { code, output } = await clone.run(`npm start -- ${folder} ${speed}`);
      expect(output).toContain("All is well");
      expect(code).toBe(0);
    },
    limit,
  );
});

describe("README.md", () => {
  it(
    "its own pulumi commands work as typed, through the plain CLI",
    async () => {
      const readme = readFileSync(join(clone.folder, "README.md"), "utf8");
      const blocks = [...readme.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
      const typed = blocks.flatMap((block) => block.split("\n").map((line) => line.trim()));
      const commands = typed.filter((line) => /^(pulumi|npm run secrets)\b/.test(line));
      expect(commands).toContain("pulumi up --stack interconnect");
      const script = [
        "set -euo pipefail",
        `eval "$(npm run --silent rehearse -- env ${speed})"`,
        // A person answers the prompts; here nobody does.
        'pulumi() { case $1 in up | preview | destroy) command pulumi "$@" --yes ;; *) command pulumi "$@" ;; esac; }',
        ...commands,
        "command pulumi preview --stack prod-seoul --expect-no-changes",
        "command pulumi stack output kubeconfig --show-secrets --stack prod-seoul | grep -q certificate-authority-data",
      ].join("\n");
      const { code, output } = await clone.run(script);
      expect(`${output.slice(-2000)}\nexit ${code}`).toMatch(/exit 0$/);
    },
    limit,
  );
});
