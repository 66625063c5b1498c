import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quote } from "../../rehearsal/by-hand.ts";
import { isUsable, sdkVersion } from "../../rehearsal/engine.ts";
import { checksumOf } from "../../rehearsal/engine-download.ts";
import { speedOf } from "../../rehearsal/serve.ts";

describe("isUsable", () => {
  it.each([
    ["3.249.0", true],
    ["3.300.1", true],
    ["3.248.9", false],
    ["2.300.0", false],
    ["4.0.0", false],
    ["", false],
  ])("%s: %s", (version, usable) => expect(isUsable(version)).toBe(usable));

  it("holds for the engine of the SDK's own version", () => expect(isUsable(sdkVersion())).toBe(true));
});

describe("checksumOf", () => {
  const list = "AA11  pulumi-v3.259.0-linux-x64.tar.gz\nbb22  pulumi-v3.259.0-linux-arm64.tar.gz\n";
  it("takes the sum of exactly this file", () => {
    expect(checksumOf("pulumi-v3.259.0-linux-x64.tar.gz", list)).toBe("aa11");
    expect(() => checksumOf("v3.259.0-linux-x64.tar.gz", list)).toThrow("does not name");
  });
});

it("quotes any text so that a shell takes it literally", () => {
  const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
  fc.assert(
    fc.property(text, (value) => {
      expect(execFileSync("sh", ["-c", `printf %s ${quote(value)}`], { encoding: "utf8" })).toBe(value);
    }),
    { numRuns: 30 },
  );
});

describe("speedOf", () => {
  it("is 600 unless the environment says otherwise", () => {
    expect(speedOf({})).toBe(600);
    expect(speedOf({ GYEONGBU_SPEED: "60" })).toBe(60);
  });
  it.each(["0", "-1", "fast"])("refuses %s", (speed) => {
    expect(() => speedOf({ GYEONGBU_SPEED: speed })).toThrow("GYEONGBU_SPEED");
  });
});
