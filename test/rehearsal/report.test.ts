import { describe, expect, it } from "vitest";
import { drawSites } from "../../rehearsal/drawing.ts";
import { duration, renderCriticalPath, renderTable, reportStack } from "../../rehearsal/report.ts";
import type { StackFile } from "../../rehearsal/stack-files.ts";

const root = "urn:pulumi:prod-seoul::gyeongbu::pulumi:pulumi:Stack::gyeongbu-prod-seoul";
const vpc = "urn:pulumi:prod-seoul::gyeongbu::aws:ec2/vpc:Vpc::seoul-vpc";
const release = "urn:pulumi:prod-seoul::gyeongbu::kubernetes:helm.sh/v3:Release::cilium";
const report = reportStack(
  { name: "prod-seoul", kind: "site" },
  [
    { urn: root, type: "pulumi:pulumi:Stack", custom: false },
    { urn: vpc, type: "aws:ec2/vpc:Vpc", custom: true },
    { urn: release, type: "kubernetes:helm.sh/v3:Release", custom: true, dependencies: [vpc] },
  ],
  new Map([
    [vpc, 15],
    [release, 90],
  ]),
  12.34,
  [`update ${vpc}`],
);

describe("reportStack", () => {
  it("counts what the stack holds, its own root left out", () => {
    expect(report).toMatchObject({
      created: 2,
      secondRunChanges: 1,
      modelledSeconds: 105,
      criticalPath: [
        { name: "seoul-vpc", seconds: 15 },
        { name: "cilium", seconds: 90 },
      ],
      types: { "aws:ec2/vpc:Vpc": 1, "kubernetes:helm.sh/v3:Release": 1 },
    });
  });
});

it("renders the table within 80 columns", () => {
  const table = renderTable([report, { ...report, name: "interconnect", secondRunChanges: 0 }]);
  expect(table).toMatchInlineSnapshot(`
    "stack         resources  aws  azure  ssh  k8s  other    wall    modelled  2nd up
    prod-seoul            2    1      -    -    1      -  12.3 s  1 min 45 s     1 !
    interconnect          2    1      -    -    1      -  12.3 s  1 min 45 s    same"
  `);
  for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

it("renders the critical path with the time at which each step ends", () => {
  expect(renderCriticalPath(report)).toMatchInlineSnapshot(`
    "prod-seoul: ready after 1 min 45 s; what it waits for
             15 s       +15 s  Vpc seoul-vpc
       1 min 45 s  +1 min 30 s  Release cilium"
  `);
});

it.each([
  [0, "0 s"],
  [59.6, "1 min"],
  [125, "2 min 5 s"],
  [2700, "45 min"],
  [3780, "1 h 3 min"],
])("writes %d seconds as %s", (seconds, text) => expect(duration(seconds)).toBe(text));

describe("drawSites", () => {
  const site = (name: string, peers: string[]): StackFile => ({
    name,
    kind: "site",
    config: {},
    spec: {
      name,
      id: 1,
      platform: "aws",
      region: "ap-northeast-2",
      network: { nodes: "10.10.0.0/16", pods: "10.128.0.0/16", services: "172.20.0.0/16" },
      mesh: { peers },
      kubernetes: { version: "1.36.4" },
      nodePools: [{ role: "worker", count: 3, instanceType: "m7i.xlarge" }],
    },
  });
  const joined = (aws: string, azure: string): StackFile => ({
    name: "interconnect",
    kind: "interconnect",
    config: {},
    spec: { aws: { site: aws }, azure: { site: azure } },
  });

  it("shows tunnels and mesh only between the sites that have them", () => {
    const pair = [site("one", ["two"]), site("two", ["one"])];
    expect(drawSites([...pair, joined("one", "two")])).toContain("4 tunnels");
    expect(drawSites(pair)).not.toContain("tunnels");
    expect(drawSites(pair)).toContain("mesh");
    expect(drawSites([site("one", ["two"]), site("two", [])])).not.toContain("mesh");
  });

  it("stays within 80 columns and says who is active", () => {
    const entry: StackFile = {
      name: "entry",
      kind: "entry",
      config: {},
      spec: { activeSite: "two", record: "api.bank.example" },
    };
    const drawing = drawSites([site("one", []), site("two", []), site("three", []), entry]);
    for (const line of drawing.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(drawing).toContain("users -> api.bank.example -> two");
    expect(drawing).toContain("two *");
    expect(drawing).toContain("three");
  });
});
