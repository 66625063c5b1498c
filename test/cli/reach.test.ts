import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { Unusable, unreadable } from "../../cli/reach-findings.ts";
import { type FlowOptions, judgeFlows } from "../../cli/reach-flows.ts";
import { defaultDeny, flowLine, outside, pod, requestLine } from "../support/hubble-flows.ts";

const root = join(import.meta.dirname, "../..");
let folder = "";
const at = (name: string) => join(folder, name);

const web = pod("shop", { app: "web" }, "10.128.0.1");
const api = pod("shop", { app: "api" }, "10.128.0.2");
const lines = [
  flowLine(web, api, 80),
  flowLine(web, api, 80, { is_reply: true }),
  flowLine(web, outside("203.0.113.9"), 443),
];
const log = `${lines.join("\n")}\n`;
const inBusan = log.replaceAll("seoul", "busan");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "reach-"));
  const files: Record<string, string | Buffer> = {
    "deny.yaml": defaultDeny("shop"),
    "open.yaml": defaultDeny("elsewhere"),
    "refused.yaml": defaultDeny("shop").replace("ingress: [{}], egress: [{}]", "ingress: []"),
    "broken.yaml": "a: [\n",
    "empty.yaml": "# nothing\n",
    "events.log": log,
    "hubble/events.log": `${log}{"flow":{"time":`,
    "hubble/events-2026-07-01T09-00-00.000.log.gz": gzipSync(`${lines[0]}\n`),
    "hubble/notes.txt": "no flows",
    "cut.gz": gzipSync(log).subarray(0, 60),
    "compact.txt": "Jul  1 10:00:00.500: shop/web:40000 -> shop/api:80 FORWARDED\n",
    "masked.log": `${flowLine({ ip: "10.128.0.1", endpoint: { namespace: "shop", pod_name: "web-1" } }, { ip: "10.128.0.2", endpoint: { namespace: "shop", pod_name: "api-1" } }, 80)}\n`,
    "two.log": log + inBusan,
    "replies.log": `${lines[1]}\n`,
    "nodeless.log": log.replaceAll("seoul/node-1", ""),
    "crlf.log": `\uFEFF${log.replaceAll("\n", "\r\n")}`,
    "nothing/readme.md": "",
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), content);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/reach.ts", ...args], {
    cwd: root,
    encoding: "utf8",
    input,
  });
  return { code: status, out: stdout, err: stderr };
}

const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}]
`;
const request = {
  policies: [policy],
  endpoints: ["web", "api"].map((app) => ({ name: app, namespace: "shop", labels: { app } })),
  queries: [
    { from: "web", to: "shop/api", port: 80 },
    { from: "world", to: "api", port: 80 },
  ],
};
const Answer = z.object({ verdicts: z.array(z.object({ verdict: z.enum(["allowed", "denied"]) })) });
const verdictsOf = (text: string) => Answer.parse(JSON.parse(text)).verdicts.map(({ verdict }) => verdict);

describe("npm run reach, asked a question", () => {
  it("answers with JSON and nothing else", () => {
    const { code, out, err } = run([], JSON.stringify(request));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(verdictsOf(out)).toEqual(["allowed", "denied"]);
  });

  it("reads it from a file as well", () => {
    writeFileSync(at("request.json"), JSON.stringify(request));
    expect(verdictsOf(run(["--request", at("request.json")]).out)).toEqual(["allowed", "denied"]);
  });

  it.each([
    ["{", /^request error GB-2301\n/],
    ["", /^request error GB-2301\n/],
    ['{"policies": 7, "endpoints": [], "queries": []}', /^request error GB-2302 policies\n/],
  ])("refuses %s with findings, on standard error alone", (text, expected) => {
    const { code, out, err } = run([], text);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(expected);
    expect(err).not.toContain("    at ");
  });

  it("answers a line with a line, be it right or wrong", () => {
    const one = JSON.stringify(request);
    const { code, out, err } = run(["--lines"], `${one}\n{\n\n${one}`);
    const answers = out.trimEnd().split("\n");
    expect(answers).toHaveLength(3);
    expect(verdictsOf(answers[2] ?? "")).toEqual(["allowed", "denied"]);
    expect(answers[1]).toMatch(/^\{"findings":\[\{"code":"GB-2301"/);
    expect(err).toMatch(/^request:2 error GB-2301/);
    expect(code).toBe(2);
  });

  it.each([
    ["a stack", ["prod-seoul"], "GB-2329"],
    ["a request that is not there", ["--request", "/no/such"], "GB-2320"],
    ["a folder for a request", ["--request", "/"], "GB-2320"],
  ])("refuses %s", (_, args, code) => {
    const ran = run(args);
    expect(ran).toMatchObject({ code: 2, out: "", err: expect.stringContaining(code) });
    expect(ran.err).not.toContain("    at ");
  });

  it("shows how it is used", () => {
    const help = run(["--help"]);
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining("npm run --silent reach < request.json") });
  });

  // util-linux has it; nothing else gives a process a terminal.
  it.skipIf(spawnSync("script", ["--version"]).error !== undefined)(
    "shows it on a terminal without waiting for a question",
    () => {
      const args = ["-qec", `${process.execPath} cli/reach.ts`, "/dev/null"];
      const { stdout } = spawnSync("script", args, { cwd: root, encoding: "utf8", timeout: 15_000 });
      expect(stdout).toContain("Usage: npm run reach --");
    },
  );
});

const Report = z.object({
  drops: z.boolean(),
  counts: z.object({ flows: z.int(), broken: z.int() }),
  missing: z.array(z.object({ client: z.string(), server: z.string(), ports: z.array(z.string()), flows: z.int() })),
});

describe("npm run reach -- --flows", () => {
  const judged = (...args: string[]) => {
    const { code, out, err } = run([...args, "--json", "-"]);
    return { code, err, report: Report.parse(JSON.parse(out)) };
  };

  it("ends with 1 and the rules to add where something would be dropped", () => {
    const { code, out, err } = run(["--flows", at("events.log"), "--policies", at("deny.yaml")]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toContain("2. shop/web -> 203.0.113.9/32 443/TCP\n");
    expect(out).toContain("Enforcing in seoul would drop 2 flows for want of 3 rules");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("ends with 0 where nothing would be, also once the suggestions stand", () => {
    expect(run(["--flows", at("events.log"), "--policies", at("open.yaml")])).toMatchObject({
      code: 0,
      out: expect.stringContaining("Enforcing in seoul would drop nothing of what was seen: 2 flows"),
    });
    run(["--flows", at("events.log"), "--policies", at("deny.yaml"), "--suggest", at("add.yaml")]);
    expect(parseAllDocuments(readFileSync(at("add.yaml"), "utf8"))).toHaveLength(3);
    expect(run(["--flows", at("events.log"), "--policies", at("deny.yaml"), at("add.yaml")]).code).toBe(0);
  });

  it("reads folders of rotated files, standard input, and lines that end as on Windows", () => {
    const { code, err, report } = judged("--flows", at("hubble"), "--policies", at("deny.yaml"));
    expect(code).toBe(1);
    expect(report).toMatchObject({ drops: true, counts: { flows: 4, broken: 1 } });
    expect(report.missing[0]).toEqual(expect.objectContaining({ client: "shop/web", server: "shop/api", flows: 2 }));
    expect(err).toContain(`${at("hubble/events.log")}:4 warning GB-2330`);
    expect(run(["--flows", "-", "--policies", at("deny.yaml")], log).code).toBe(1);
    expect(judged("--flows", at("crlf.log"), "--policies", at("deny.yaml")).report.counts).toMatchObject({ broken: 0 });
  });

  it("takes a stack's policies as they are once its namespaces are enforced", () => {
    const seoul = (namespace: string, app: string, ip: string) => pod(namespace, { app }, ip, "card-seoul");
    const [dmz, database] = [seoul("dmz", "dmz", "10.128.0.1"), seoul("database", "database", "10.128.0.2")];
    const [hr, mail] = [seoul("corporate", "hr", "10.128.1.1"), seoul("corporate", "mail", "10.128.1.2")];
    const node = { node_name: "card-seoul/node-1" };
    const calls = [flowLine(dmz, database, 5432, node), flowLine(dmz, hr, 80, node)];
    writeFileSync(at("card.log"), `${calls.join("\n")}\n`);
    const whole = judged("--flows", at("card.log"), "examples/card-pci", "card-seoul");
    expect(whole.report.missing.map(({ server }) => server).toSorted()).toEqual(["corporate/hr", "database/database"]);
    // Watched only, until it is enforced like all others; or not at all.
    writeFileSync(at("corporate.log"), `${flowLine(hr, mail, 25, node)}\n`);
    const corporate = ["--flows", at("corporate.log"), "examples/card-pci", "card-seoul"];
    expect([run(corporate).code, run([...corporate, "--namespace", "dmz"]).code]).toEqual([1, 0]);
    const unseen = run(["--flows", at("card.log"), "examples/card-pci", "card-seoul", "--namespace", "nobody"]);
    expect(unseen.err).toContain("GB-2332");
  });

  it("renders Markdown whose tables hold every rule", () => {
    writeFileSync(at("http.log"), `${log}${requestLine(web, api, 80, ["GET", "/a|b"])}\n`);
    const { out } = run(["--flows", at("http.log"), "--policies", at("deny.yaml"), "--markdown", "-"]);
    expect(out).toMatch(/^## Flows\n/);
    expect(out).toContain("| shop/web | shop/api | 80/TCP | egress, ingress | 1 | sure; seen once |");
    expect(out).toContain("```yaml\n---\n# seoul: ");
  });

  const deny = { files: ["deny.yaml"] };
  it.each<[string, string, string[], Partial<FlowOptions>]>([
    ["a file that is not there", "GB-2320", [], { ...deny, flows: ["no.log"] }],
    ["policies that are not there", "GB-2320", [], { files: ["prod-seoul"] }],
    ["a report that cannot be written", "GB-2320", [], { ...deny, json: "/no/such/out.json" }],
    ["what hubble prints for people", "GB-2321", [], { ...deny, flows: ["compact.txt"] }],
    ["a folder without flows", "GB-2321", [], { ...deny, flows: ["nothing"] }],
    ["a cut archive", "GB-2322", [], { ...deny, flows: ["cut.gz"] }],
    ["policies that are no YAML", "GB-2323", [], { files: ["broken.yaml"] }],
    ["a file without policies", "GB-2323", [], { files: ["empty.yaml"] }],
    ["a policy that Cilium refuses", "GB-2324", [], { files: ["refused.yaml"] }],
    ["no policies at all", "GB-2325", [], {}],
    ["a stack that is no site", "GB-2326", ["interconnect"], {}],
    ["a stack that is not there", "GB-103", ["no-such-stack"], {}],
    ["flows of two clusters", "GB-2327", [], { ...deny, flows: ["two.log"] }],
    ["flows of another cluster", "GB-2327", ["examples/card-pci", "card-seoul"], {}],
    ["replies alone", "GB-2328", [], { ...deny, flows: ["replies.log"] }],
    ["flows without labels", "GB-2328", [], { ...deny, flows: ["masked.log"] }],
    ["a folder without a stack", "GB-2329", ["examples"], {}],
    ["--namespace with files alone", "GB-2329", [], { ...deny, namespaces: ["shop"] }],
    ["a version that nobody knows", "GB-2329", [], { ...deny, cilium: "1.2" }],
  ])("refuses %s with %s", async (_, code, given, { flows = ["events.log"], files = [], ...rest }) => {
    const options = { flows: flows.map(at), files: files.map(at), namespaces: [], ...rest };
    const error: unknown = await judgeFlows(given, options).catch((thrown: unknown) =>
      thrown instanceof Unusable ? thrown : unreadable(thrown),
    );
    expect(error).toMatchObject({ findings: [{ code, severity: "error" }] });
  });

  it("says so on standard error and ends with 2", () => {
    const ran = run(["--flows", at("cut.gz"), "--policies", at("deny.yaml")]);
    expect(ran).toMatchObject({ code: 2, out: "", err: expect.stringContaining(`${at("cut.gz")} error GB-2322\n`) });
  });

  it("knows the cluster by its pods where the agents do not say it", () => {
    expect(run(["--flows", at("nodeless.log"), "--policies", at("deny.yaml")])).toMatchObject({
      code: 1,
      out: expect.stringContaining("Enforcing in seoul would drop 2 flows"),
    });
  });

  it("takes flows of two clusters for one of them if told which", () => {
    expect(run(["--flows", at("two.log"), "--policies", at("deny.yaml"), "--cluster", "busan"])).toMatchObject({
      code: 1,
      out: expect.stringContaining("Not judged: what pods of seoul themselves allow"),
    });
  });
});
