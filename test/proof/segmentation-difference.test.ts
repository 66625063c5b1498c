import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compareWith } from "../../cli/against.ts";
import { differenceMarkdown, differenceText } from "../../cli/difference-report.ts";
import { makePlan, type Plan } from "../../components/plan.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { differences } from "../../proof/segmentation/difference.ts";
import { ccnp, cnp, type Fields, ports } from "../support/policies.ts";
import { alone, namespaceLabel, plannedSite, pods, spec, type Zones } from "../support/segmentation.ts";

const zones: Zones = {
  web: { namespace: "front", labels: { app: "web" } },
  db: { namespace: "data", labels: { app: "db" } },
};
const policy = (name: string, namespace: string, body: Fields): KubernetesObject =>
  cnp({ endpointSelector: { matchLabels: { app: name } }, ...body }, { name, namespace });
const closed = ccnp({
  endpointSelector: { matchExpressions: [{ key: namespaceLabel, operator: "In", values: ["front", "data"] }] },
  ingress: [{}],
  egress: [{}],
});
const toDb = policy("web", "front", { egress: [{ toEndpoints: [pods("db", "data")], toPorts: [ports("5432")] }] });
const taking = (peers: Fields[], port = "5432", more: Fields = {}) =>
  policy("db", "data", { ingress: [{ fromEndpoints: peers, toPorts: [ports(port, more)] }] });
const base = [closed, toDb, taking([pods("web", "front")])];
const promised = spec(zones, [
  { from: "web", to: "db", ports: ["5432/TCP"] },
  { from: "anyone", to: "db", ports: [] },
]);

const state = (objects: readonly KubernetesObject[], segmentation: unknown = promised) => [
  plannedSite("prod-seoul", objects, segmentation, alone),
];
function shown(
  before: readonly KubernetesObject[],
  after: readonly KubernetesObject[],
  segmentation: unknown = promised,
): string {
  return differenceText({
    ref: "main",
    findings: [],
    differences: differences(state(before, segmentation), state(after, segmentation)),
  });
}

describe("what a change opens and closes", () => {
  it("is nothing where only words change", () => {
    const [renamed] = base.slice(2).map((object) => ({ ...object, metadata: { name: "renamed", namespace: "data" } }));
    const [difference] = differences(state(base), state([closed, toDb, ...(renamed ? [renamed] : [])]));
    expect(difference).toMatchObject({ pairs: [], promises: [], added: [], removed: [], redefined: [] });
    expect(shown(base, base)).toContain("no flow changes");
  });

  it("tells pods that nobody names, when a selector widens", () => {
    const wider = taking([{ matchLabels: { [namespaceLabel]: "legacy" } }]);
    const text = shown(base, [...base, { ...wider, metadata: { name: "wider", namespace: "data" } }]);
    expect(text).toContain("+ pods in legacy -> db: opens 5432/TCP");
    expect(text).toContain("ingress  CiliumNetworkPolicy data/wider spec.ingress[0]");
    expect(text).toContain("promise no longer holds: anyone -> db: nothing");
    expect(shown([...base, { ...wider, metadata: { name: "wider", namespace: "data" } }], base)).toContain(
      "- pods in legacy -> db: closes 5432/TCP",
    );
  });

  it("is one line for all pairs that change alike", () => {
    const [difference] = differences(state(base), state(base.slice(1)));
    const opened = difference?.pairs.filter(({ opens }) => opens !== undefined) ?? [];
    const lines = shown(base, base.slice(1))
      .split("\n")
      .filter((line) => line.startsWith("  + "));
    expect(opened.length).toBeGreaterThan(20);
    expect(lines.length).toBeLessThan(opened.length / 3);
  });

  it("tells L7, and what only one end allows", () => {
    const get = taking([pods("web", "front")], "5432", { rules: { http: [{ method: "GET" }] } });
    expect(shown([closed, toDb, get], base)).toContain("~ web -> db: 5432/TCP lets pass anything (before: HTTP GET)");
    const more = policy("more", "data", {
      endpointSelector: { matchLabels: { app: "db" } },
      ingress: [{ fromEndpoints: [pods("web", "front")], toPorts: [ports("5433")] }],
    });
    expect(shown(base, [...base, more]).replaceAll(/\n +/g, " ")).toContain(
      "no flow changes, but the receiver takes 5432-5433/TCP (before: 5432/TCP)",
    );
  });

  it("compares pods of a zone that is defined anew under both states", () => {
    const moved = spec({ ...zones, db: { namespace: "data", labels: { app: "db", tier: "gold" } } }, []);
    const [difference] = differences(state(base), state(base, moved));
    expect(difference).toMatchObject({ redefined: ["db"], pairs: [] });
    expect(difference?.promises.map(({ change }) => change)).toEqual(["no longer promised", "no longer promised"]);
  });

  it("leaves out sites that only one state has", () => {
    const segmentation = spec(zones, []);
    const [seoul, busan] = [plannedSite("prod-seoul", base, segmentation), plannedSite("dr-busan", base, segmentation)];
    expect(differences([seoul], [seoul, busan])).toMatchObject([{ added: ["dr-busan"], removed: [], pairs: [] }]);
    expect(differences([seoul, busan], [])).toMatchObject([{ removed: ["prod-seoul", "dr-busan"], pairs: [] }]);
    expect(differences([], [])).toEqual([]);
  });

  it("is a table in Markdown whose rows have as many cells as its head", () => {
    const found = differences(state(base), state([...base, taking([{}])]));
    const rows = differenceMarkdown({ ref: "a|b", findings: [], differences: found })
      .split("\n")
      .filter((line) => line.startsWith("|"));
    expect(rows.length).toBeGreaterThan(3);
    expect(new Set(rows.map((row) => row.split(/(?<!\\)\|/).length)).size).toBe(1);
  });
});

const folders: string[] = [];
const folderOf = () => {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-difference-"));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});
const files = ["Pulumi.card-seoul.yaml", "Pulumi.card-busan.yaml"];
const example = join(import.meta.dirname, "../../examples/card-pci");
const unplanned: Plan = { files: [], stacks: [], proofs: [], findings: [], accepted: [], segmentation: [] };

describe("the state that a plan is compared with", () => {
  it("is a commit: its stack files, in today's programs", async () => {
    const root = folderOf();
    const folder = join(root, "sites");
    cpSync(example, folder, { recursive: true });
    const git = (...args: string[]) =>
      spawnSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: root, encoding: "utf8" });
    git("init", "--quiet");
    git("add", ".");
    expect(git("commit", "--quiet", "--no-gpg-sign", "-m", "before").status).toBe(0);
    for (const file of files) {
      const text = readFileSync(join(folder, file), "utf8");
      writeFileSync(
        join(folder, file),
        text.replace("kind: card-company\n", "kind: card-company\n          database: { port: 5433 }\n"),
      );
    }
    const plan = await makePlan(folder, []);
    const { findings, differences: found } = await compareWith("HEAD", plan, folder, []);
    expect(findings).toEqual([]);
    const changes = found
      ?.flatMap(({ pairs }) => pairs)
      .filter(({ from, to }) => from === "card-application" && to === "card-database");
    expect(changes).toMatchObject([
      { where: "everywhere", opens: { ports: "5433/TCP" }, closes: { ports: "5432/TCP" } },
    ]);
  });

  it.each([
    "no-such-branch",
    "--help",
    "HEAD:README.md",
    "HEAD^99",
    "",
  ])("is a finding where it is none: %o", async (ref) => {
    const { findings, differences: found } = await compareWith(ref, unplanned, ".", []);
    expect(findings).toMatchObject([{ code: "GB-2256", severity: "error" }]);
    expect(found).toBeUndefined();
  });

  it("is a warning where its files are not there, or are no files for these programs", async () => {
    expect((await compareWith(folderOf(), unplanned, ".", [])).findings).toMatchObject([
      { code: "GB-2255", severity: "warning" },
    ]);
    const folder = folderOf();
    const [file = ""] = files;
    writeFileSync(join(folder, file), readFileSync(join(example, file), "utf8").replace("mtu: 1500", "mut: 1500"));
    const { findings } = await compareWith(folder, unplanned, ".", []);
    expect(findings).toMatchObject([{ code: "GB-2255", severity: "warning" }]);
    expect(findings[0]?.message).toMatch(/2 error\(s\).*GB-10\d card-seoul/);
    expect((await compareWith(folder, unplanned, ".", ["elsewhere"])).findings).toMatchObject([{ code: "GB-2255" }]);
  });
});
