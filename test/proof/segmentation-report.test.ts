import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holds, renderText } from "../../cli/plan-report.ts";
import { segmentationMarkdown, segmentationText } from "../../cli/segmentation-report.ts";
import type { Plan } from "../../components/plan.ts";
import { plannedRules } from "../../proof/prove-plan.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { proveSegmentation } from "../../proof/segmentation/prove.ts";
import { segmentationRules } from "../../proof/segmentation/rules.ts";
import { ccnp, cnp, type Fields, ports } from "../support/policies.ts";
import { recordedFolder, recordStacks } from "../support/recorded.ts";
import { alone, namespaceLabel, plannedSite, pods, spec } from "../support/segmentation.ts";
import { type Config, stackFile, within } from "../support/stacks.ts";

const card = () => recordedFolder("examples/card-pci", ["card-seoul", "card-busan"]);

async function cardReport() {
  const [report] = proveSegmentation(await card()).reports;
  if (report === undefined) throw new Error("no report");
  return report;
}

describe("the card company's report", () => {
  it("says over both clusters who reaches whom", async () => {
    const { members, sentences, promises } = await cardReport();
    expect(members).toEqual(["card-seoul", "card-busan"]);
    expect(sentences).toEqual(
      expect.arrayContaining([
        "card-database has no egress, not even DNS.",
        "card-database is reached only from card-application on 5432/TCP.",
        "card-application is reached only from card-dmz on 8080/TCP.",
        "card-dmz is reached only from world on 443/TCP.",
        "No path from card-dmz to card-database, corporate.",
      ]),
    );
    expect(promises.filter(({ holds }) => !holds)).toEqual([]);
  });

  it("names the rule at each end of every pair", async () => {
    const { pairs } = await cardReport();
    const pair = pairs.find(({ from, to }) => from === "card-application" && to === "card-database");
    expect(pair?.passages).toEqual([
      {
        where: "everywhere",
        open: [
          {
            ports: "5432/TCP",
            egress: ["CiliumNetworkPolicy application/card-application spec.egress[0]"],
            ingress: ["CiliumNetworkPolicy database/card-database spec.ingress[0]"],
          },
        ],
        sends: "5432/TCP",
        takes: "5432/TCP",
      },
    ]);
    const dns = pairs.find(({ from, to }) => from === "card-dmz" && to === "kube-dns");
    expect(dns?.passages.map(({ where, open }) => [where, open.map((each) => [each.ports, each.l7])])).toEqual([
      ["within each cluster", [["53/TCP, 53/UDP", "DNS *"]]],
      ["across clusters", []],
    ]);
  });

  it("fits 80 columns where the words allow, and draws only what is open between zones", async () => {
    const report = await cardReport();
    const long = segmentationText(report)
      .split("\n")
      .filter((line) => line.length > 80 && line.trim().includes(" "));
    expect(long).toEqual([]);
    const markdown = segmentationMarkdown(report);
    const drawing = /```mermaid\n([^`]*)```/.exec(markdown)?.[1] ?? "";
    expect(drawing).toContain('-->|"5432/TCP"|');
    expect(drawing).not.toContain("corporate");
    // What the example's page shows.
    expect(drawing).not.toBe("");
    expect(readFileSync(join(import.meta.dirname, "../../examples/card-pci/README.md"), "utf8")).toContain(drawing);
    const columns = markdown
      .split("\n")
      .filter((line) => line.startsWith("| **"))
      .map((line) => line.split(/(?<!\\)\|/).length);
    expect(columns.length).toBeGreaterThan(5);
    expect(new Set(columns).size).toBe(1);
  });
});

const zones = {
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
const toDb = (...http: Fields[]) =>
  policy("web", "front", {
    egress: [
      { toEndpoints: [pods("db", "data")], toPorts: [ports("5432", http.length > 0 ? { rules: { http } } : {})] },
    ],
  });
const fromWeb = (...http: Fields[]) =>
  policy("db", "data", {
    ingress: [
      { fromEndpoints: [pods("web", "front")], toPorts: [ports("5432", http.length > 0 ? { rules: { http } } : {})] },
    ],
  });

const proven = (
  objects: readonly KubernetesObject[],
  segmentation: unknown = spec(zones, []),
  edit: (config: Config) => void = alone,
) => proveSegmentation([plannedSite("prod-seoul", objects, segmentation, edit)]);

describe("a report", () => {
  it("is not there without policies and zones, and short without zones", () => {
    const nothing = { ...plannedSite("prod-seoul", [], undefined, alone), resources: [] };
    const { file } = nothing;
    if (file.kind !== "site") throw new Error("no site");
    const { policies: _, ...bare } = file.spec;
    expect(proveSegmentation([{ ...nothing, file: { ...file, spec: bare } }])).toMatchObject({
      proofs: [],
      findings: [],
      reports: [],
    });
    const [report] = proven([closed], spec({}, [])).reports;
    if (report === undefined) throw new Error("no report");
    expect(segmentationText(report).split("\n")[0]).toBe("Segmentation of prod-seoul: no zones");
    expect(segmentationMarkdown(report)).not.toContain("|");
  });

  it("tells L7 at either end, and nothing where one rule at that end asks nothing", () => {
    const l7 = (...objects: KubernetesObject[]) => {
      const [report] = proven([closed, ...objects]).reports;
      const pair = report?.pairs.find(({ from, to }) => from === "web" && to === "db");
      return pair?.passages.flatMap(({ open }) => open.map((each) => each.l7));
    };
    const get = { method: "GET", path: "/a" };
    const post = { method: "POST", headers: ["X-Team: core"] };
    expect(l7(toDb(), fromWeb(get))).toEqual(["HTTP GET /a"]);
    expect(l7(toDb(get), fromWeb(get, post))).toEqual([
      "HTTP GET /a; at the receiver HTTP GET /a, POST with X-Team: core",
    ]);
    expect(l7(toDb(get), fromWeb())).toEqual(["HTTP GET /a"]);
    expect(l7(toDb(), fromWeb(get), { ...fromWeb(), metadata: { name: "plain", namespace: "data" } })).toEqual([
      undefined,
    ]);
  });

  it("tells what one end allows alone", () => {
    const [report] = proven([
      closed,
      toDb(),
      policy("db", "data", { ingress: [{ fromEndpoints: [pods("web", "front")], toPorts: [ports("5433")] }] }),
    ]).reports;
    if (report === undefined) throw new Error("no report");
    expect(segmentationText(report)).toContain("web -> db: 5432/TCP at the sender, 5433/TCP at the receiver");
  });

  it("tells pods that nobody names where they do not fare like any other", () => {
    const legacy = policy("db", "data", {
      ingress: [{ fromEndpoints: [{ matchLabels: { [namespaceLabel]: "legacy" } }] }],
    });
    const [report] = proven([closed, legacy]).reports;
    expect(report?.sentences).toContain("db is reached only from pods in legacy on everything.");
    expect(report?.pairs.filter(({ from }) => from === "pods in legacy").map(({ to }) => to)).toEqual(["db"]);
  });
});

describe("a promise that is broken", () => {
  it("fails the plan, and the plan shows the path and the rules at both ends", () => {
    const { proofs } = proven(
      [closed, toDb(), fromWeb()],
      spec(zones, [{ from: "web", to: "db", ports: ["5433/TCP"] }]),
    );
    const plan: Plan = { files: [], stacks: [], findings: [], accepted: [], segmentation: [], proofs };
    expect(holds(plan)).toBe(false);
    expect(renderText(plan, 0)).toContain(
      [
        "FAIL GB-2251 Between zones nothing is open but what is promised.",
        "     Promised: web -> db: 5433/TCP",
        "       web (prod-seoul) -> 5432/TCP -> db (prod-seoul)",
        "         egress: CiliumNetworkPolicy front/web spec.egress[0]",
        "         ingress: CiliumNetworkPolicy data/db spec.ingress[0]",
      ].join("\n"),
    );
  });
});

describe("findings", () => {
  const codes = ({ findings }: ReturnType<typeof proven>) => findings.map(({ code, message }) => `${code} ${message}`);

  it("name a zone whose labels no policy asks about, and leave others alone", () => {
    const promise = [{ from: "web", to: "db", ports: [] }];
    const misspelt = { ...zones, web: { namespace: "front", labels: { app: "wbe" } } };
    const objects = [closed, fromWeb()];
    expect(codes(proven(objects, spec(zones, promise)))).toEqual([]);
    expect(codes(proven(objects, spec(misspelt, promise)))).toEqual([
      "GB-2252 No policy here tells the pods of zone web from others of namespace front.",
    ]);
    expect(codes(proven(objects, spec({ ...zones, web: { namespace: "front" } }, promise)))).toEqual([]);
    expect(codes(proven(objects, spec(misspelt, [])))).toEqual([]);
  });

  it("name pods whose rules Cilium cannot merge", () => {
    const sending = (name: string, rules: Fields): KubernetesObject => ({
      ...policy("web", "front", { egress: [{ toEndpoints: [pods("db", "data")], toPorts: [ports("53", { rules })] }] }),
      metadata: { name, namespace: "front" },
    });
    const get = sending("get", { http: [{ method: "GET" }] });
    expect(codes(proven([closed, get, sending("other", { http: [{ method: "PUT" }] })]))).toEqual([]);
    const [found, ...more] = codes(proven([closed, get, sending("other", { dns: [{ matchPattern: "*" }] })]));
    expect(found).toMatch(/^GB-2257 Cilium cannot compute a policy for web: /);
    expect(more).toEqual([]);
  });

  it("tell where two clusters differ", () => {
    const two = (busan: KubernetesObject[]) =>
      proveSegmentation([
        plannedSite("prod-seoul", [closed, toDb(), fromWeb()], spec(zones, [])),
        plannedSite("dr-busan", busan, spec(zones, [])),
      ]);
    expect(codes(two([closed, toDb(), fromWeb()]))).toEqual([]);
    expect(codes(two([closed, toDb()]))).toEqual([
      "GB-2253 Flows differ between the clusters: web -> db is nothing here and 5432/TCP at prod-seoul.",
    ]);
  });

  it("tell promises that wait for namespaces to be enforced", async () => {
    const { findings, proofs } = proveSegmentation(await card());
    expect(findings).toEqual([]);
    expect(proofs.map(({ holds }) => holds)).toEqual([true]);
    const audited = (stack: string) =>
      stackFile(
        stack,
        (config) => Object.assign(within(config, "gyeongbu:site", "policies"), { namespaces: {} }),
        "examples/card-pci",
      );
    const waiting = proveSegmentation(await recordStacks([audited("card-seoul"), audited("card-busan")]));
    expect(waiting.proofs.map(({ holds }) => holds)).toEqual([true]);
    expect(codes(waiting)).toHaveLength(2);
    expect(codes(waiting)[0]).toContain("GB-2254 Nothing is dropped yet in application, corporate, database, dmz");
    const [report] = waiting.reports;
    expect(report?.sentences).toContain("card-database may send and take anything: nothing is denied by default.");
    expect(report?.sentences).toContain(
      "Once enforced, card-database is reached only from card-application on 5432/TCP.",
    );
  });

  it("can be accepted", () => {
    const known = plannedRules.map(({ code }) => code);
    for (const { code } of Object.values(segmentationRules)) expect(known).toContain(code);
  });
});
