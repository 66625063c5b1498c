import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const Output = z.object({
  findings: z.array(
    z.object({
      code: z.string(),
      severity: z.enum(["error", "warning"]),
      file: z.string(),
      path: z.string(),
      line: z.int(),
      message: z.string(),
      fix: z.string(),
    }),
  ),
});
const Failed = z.object({ status: z.int(), stdout: z.string(), stderr: z.string() });

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "check-"));
  const files: Record<string, string | Buffer> = {
    "right/values.yaml": "kubeProxyReplacement: false\nhubble:\n  enabled: true\n",
    "wrong/b.yaml": "a: 1\na: 2\n",
    "wrong/a.md": "```bash\nhubble observe --verdict DENIED\n```\n",
    "wrong/node_modules/c.yaml": "a: [\n",
    "wrong/image.png": "a: [\n",
    "doubtful/a.sh": "hubble observe --since 720h\n",
    "odd/binary.yaml": Buffer.from([0, 1, 2, 255]),
    "odd/large.yaml": Buffer.alloc(4_000_000, " "),
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), content);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number; stdout: string; stderr: string } {
  try {
    return {
      status: 0,
      stdout: execFileSync(process.execPath, ["cli/check.ts", ...args], { encoding: "utf8", stdio: "pipe" }),
      stderr: "",
    };
  } catch (error) {
    return Failed.parse(error);
  }
}

const json = (...args: string[]) => {
  const { status, stdout } = run(...args, "--json");
  return { status, findings: Output.parse(JSON.parse(stdout)).findings };
};

describe("npm run check", () => {
  it("ends with 0 and a line of counts where nothing is wrong", () => {
    expect(run(at("right"))).toEqual({ status: 0, stdout: "0 errors, 0 warnings in 1 file.\n", stderr: "" });
    expect(run(at("doubtful")).status).toBe(0);
  });

  it("ends with 1 at an error, files in the order of their names, others' packages left out", () => {
    const { status, findings } = json(at("wrong"));
    expect(status).toBe(1);
    expect(findings.map(({ code, file }) => `${code} ${file.slice(folder.length + 1)}`)).toEqual([
      "GB-1726 wrong/a.md",
      "GB-1702 wrong/b.yaml",
    ]);
    expect(run(at("wrong")).stdout).toMatch(/a\.md:2: error GB-1726|a\.md:2 error GB-1726/);
  });

  it("refuses what is no text or too large without reading on", () => {
    expect(json(at("odd")).findings.map(({ code }) => code)).toEqual(["GB-1704", "GB-1704"]);
  });

  it.each<[string, string[]]>([
    ["no path", []],
    ["a path that is not there", ["/no/such/path"]],
    ["a version that cannot be judged", ["--cilium", "0.9", "."]],
  ])("ends with 2 and a finding for %s", (_, args) => {
    const { status, findings } = json(...args);
    expect(status).toBe(2);
    expect(findings.map(({ code }) => code)).toEqual(["GB-1701"]);
  });

  it("ends with 2 for an option it does not know, without a stack trace", () => {
    const { status, stderr } = run("--what");
    expect(status).toBe(2);
    expect(stderr).toBe("error: unknown option '--what'\n");
  });

  it("writes SARIF and nothing else", () => {
    const { stdout } = run(at("wrong"), "--sarif");
    expect(JSON.parse(stdout)).toMatchObject({
      version: "2.1.0",
      runs: [{ results: [{ ruleId: "GB-1726" }, { ruleId: "GB-1702" }] }],
    });
  });
});
