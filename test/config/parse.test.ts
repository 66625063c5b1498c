import { describe, expect, it } from "vitest";
import { parseStackFile } from "../../components/config/parse.ts";
import { stackFile, stackText, within } from "../support/stacks.ts";

function findings(text: string) {
  const parsed = parseStackFile("Pulumi.prod-seoul.yaml", text);
  return "findings" in parsed ? parsed.findings : [];
}

describe("the shipped stack files", () => {
  it.each([
    ["prod-seoul", "site"],
    ["dr-busan", "site"],
    ["interconnect", "interconnect"],
    ["entry", "entry"],
  ])("%s is a %s", (stack, kind) => {
    expect(stackFile(stack).kind).toBe(kind);
  });
});

describe("text that is no stack file", () => {
  it.each([
    ["nothing", "", "no `config:` map"],
    ["a scalar", "5", "no `config:` map"],
    ["broken YAML", "config: [", "Not valid YAML"],
    ["tabs", "config:\n\ta: 1", "Tabs are not allowed"],
    ["a key twice", "config:\n  a: 1\n  a: 2", "Map keys must be unique"],
    ["aliases", "config:\n  a: &x [1]\n  b: *x", "Anchors and aliases are not read here"],
    [
      "a billion laughs",
      `a: &a [1]\n${"bcdefghij".replace(/./g, (name, at) => `${name}: &${name} [${`*${"abcdefghij"[at]},`.repeat(9)}]\n`)}`,
      "Anchors and aliases",
    ],
    ["two documents", "config: {}\n---\nconfig: {}", "Not valid YAML"],
    ["binary", "\u0000\u0001", "no `config:` map"],
    ["50 MB", "x".repeat(50_000_000), "50000000 bytes"],
    ["no kind", "config: {}", "holds none of"],
    ["two kinds", "config:\n  gyeongbu:site: {}\n  gyeongbu:entry: {}", "gyeongbu:site and gyeongbu:entry"],
  ])("%s: one finding in words", (_, text, message) => {
    expect(
      findings(text)
        .map((finding) => finding.message)
        .join("\n"),
    ).toContain(message);
  });
});

describe("wrong shapes", () => {
  const broken = (path: (string | number)[], value: unknown) =>
    findings(
      stackText("prod-seoul", (config) => {
        const last = path.at(-1) ?? "";
        Reflect.set(within(config, "gyeongbu:site", ...path.slice(0, -1)), last, value);
      }),
    );

  it.each([
    [["id"], 300, "at most 255"],
    [["network", "pods"], "10.128.1.0/16", "Did you mean 10.128.0.0/16?"],
    [["platform"], "gcp", "Write one of aws, azure, on-prem, existing."],
    [["access", "kind"], "bastin", "Write one of bastion, jump-host."],
    [["cilium", "encrypton"], "ipsec", 'Did you mean "encryption"?'],
    [["cilium", "encryption"], "tls", "Write one of wireguard, ipsec, none."],
    [["nodePools", 0, "instanceType"], "m7i.xlarg", "m7i.xlarge"],
    [["nodePools", 0, "imageId"], "latest", "literal image id"],
    [["nodePools", 0, "count"], "3", "Write a number, without quotes."],
    [["kubernetes", "version"], "1.36", "exact version"],
    [["name"], "default", "Cilium reserves"],
  ])("%j: %j", (path, value, fix) => {
    const [finding] = broken(path, value);
    expect(`${finding?.message} ${finding?.fix}`).toContain(fix);
    expect(finding?.line).toBeGreaterThan(1);
    expect(finding?.path).toBe(["gyeongbu:site", ...path].join("."));
  });

  it("reports all of them at once", () => {
    const text = stackText("prod-seoul", (config) => {
      Object.assign(within(config, "gyeongbu:site"), { id: 0, zones: [] });
      Object.assign(within(config, "gyeongbu:site", "cilium"), { mtu: 100, routing: "bgp" });
    });
    expect(findings(text)).toHaveLength(4);
  });
});

describe("accepted warnings", () => {
  const accepting = (entry: unknown) =>
    parseStackFile(
      "Pulumi.prod-seoul.yaml",
      stackText("prod-seoul", (config) => {
        Reflect.set(config, "gyeongbu:accepted", entry);
      }),
    );
  const good = { code: "GB-403", reason: "a trial cluster", until: "2027-03-31" };
  const of = (entry: unknown) => {
    const parsed = accepting(entry);
    return "stack" in parsed ? parsed.stack.accepted : parsed.findings;
  };

  it("are read", () => {
    expect(of([{ ...good, path: "gyeongbu:site.nodePools" }])).toEqual([{ ...good, path: "gyeongbu:site.nodePools" }]);
    expect(of(undefined)).toEqual([]);
    // As Pulumi's engine hands over a day that stands without quotes.
    expect(of([{ ...good, until: "2027-03-31 00:00:00 +0000 UTC" }])).toEqual([good]);
  });

  it.each([
    ["a map", good, "gyeongbu:accepted", "Write a list."],
    ["a code of another form", [{ ...good, code: "403" }], "gyeongbu:accepted.0.code", "Write a code such as GB-403."],
    [
      "a short reason",
      [{ ...good, reason: "because  " }],
      "gyeongbu:accepted.0.reason",
      "Write at least 10 characters.",
    ],
    ["a day that is none", [{ ...good, until: "2027-02-29" }], "gyeongbu:accepted.0.until", "There is no such day"],
    [
      "a word for a day",
      [{ ...good, until: "forever" }],
      "gyeongbu:accepted.0.until",
      "Write a day such as 2027-03-31.",
    ],
    [
      "no day",
      [{ code: "GB-403", reason: "a trial cluster" }],
      "gyeongbu:accepted.0.until",
      "Write a day such as 2027-03-31.",
    ],
    ["a slip", [{ ...good, untill: "2027-03-31" }], "gyeongbu:accepted.0.untill", 'Did you mean "until"?'],
  ])("%s is a finding at its line", (_, entry, path, fix) => {
    const [finding] = of(entry);
    expect(finding).toMatchObject({ code: "GB-102", severity: "error", path, fix: expect.stringContaining(fix) });
    expect(finding).toHaveProperty("line");
  });

  it("and a wrong site are reported together", () => {
    const parsed = parseStackFile(
      "Pulumi.prod-seoul.yaml",
      stackText("prod-seoul", (config) => {
        within(config, "gyeongbu:site").id = 0;
        Reflect.set(config, "gyeongbu:accepted", [{ ...good, code: "x" }]);
      }),
    );
    expect("findings" in parsed && parsed.findings.map(({ path }) => path)).toEqual([
      "gyeongbu:site.id",
      "gyeongbu:accepted.0.code",
    ]);
  });
});

describe("promises", () => {
  it.each([
    ["serviceFailoverSeconds", 0, "at least 1"],
    ["serviceFailoverSeconds", 3601, "at most 3600"],
    ["rtoMinutes", 0, "at least 1"],
    ["rpoMinutes", -1, "at least 0"],
    ["rtoMinutes", "30m", "a number"],
    ["rtoMinuts", 30, 'Did you mean "rtoMinutes"?'],
  ])("%s: %j is refused", (key, value, fix) => {
    const found = findings(
      stackText("prod-seoul", (config) => {
        within(config, "gyeongbu:site").promises = { [key]: value };
      }),
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.fix).toContain(fix);
  });
});
