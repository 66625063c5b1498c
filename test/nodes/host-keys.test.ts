import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, property, stringMatching, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { bastionName, deriveHostKeys } from "../../components/nodes/host-keys.ts";

const seed = "5e".repeat(32);
const hasKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;

describe("deriveHostKeys", () => {
  it("gives the same keys again and different ones for every seed, machine and purpose", () => {
    assert(
      property(
        uniqueArray(stringMatching(/^[0-9a-f]{64}$/), { minLength: 2, maxLength: 2 }),
        uniqueArray(stringMatching(/^[a-z0-9-]{1,40}$/), { minLength: 2, maxLength: 2 }),
        (seeds, machines) => {
          const all = seeds.flatMap((one) =>
            machines.flatMap((machine) =>
              Object.values(deriveHostKeys(one, machine)).map(({ privateKey }) => privateKey),
            ),
          );
          expect(new Set(all).size).toBe(8);
          const [first = "", machine = ""] = [seeds[0], machines[0]];
          expect(deriveHostKeys(first, machine)).toEqual(deriveHostKeys(first, machine));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("never changes what a machine was given: its peers pinned it", () => {
    expect(deriveHostKeys(seed, "prod-seoul-control-0").final.publicKey).toMatchInlineSnapshot(
      `"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEqd8+ogPvuGGYS6OtT0VzqYaHM/a9QQ9mdINot7VUV8 prod-seoul-control-0"`,
    );
  });

  it.skipIf(!hasKeygen)("writes private keys that ssh-keygen reads, whatever the comment's length", () => {
    const folder = mkdtempSync(join(tmpdir(), "gyeongbu-"));
    try {
      // Eight lengths reach every padding of the format.
      for (let length = 1; length <= 8; length++) {
        const { final } = deriveHostKeys(seed, "n".repeat(length));
        const file = join(folder, `key-${length}`);
        writeFileSync(file, final.privateKey, { mode: 0o600 });
        const { stdout, stderr } = spawnSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
        expect(stderr).toBe("");
        expect(stdout.trim()).toBe(final.publicKey);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("names the bastion apart from every slot", () => {
    expect(bastionName({ name: "prod-seoul" })).toBe("prod-seoul-bastion");
  });
});
