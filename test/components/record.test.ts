import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

it("ends with one finding, and no trace, when many outputs of a program throw", () => {
  const script = `
    import { readStack } from "./components/config/read.ts";
    import { ProgramStopped, record } from "./components/record.ts";
    import { makeInterconnectSecrets, makeSiteSecrets } from "./components/secrets/make.ts";
    const { stack } = readStack(".", "prod-seoul");
    const site = { ...(await makeSiteSecrets()), ssh: undefined, hostKeySeed: undefined };
    try {
      await record([stack], { site, interconnect: makeInterconnectSecrets() });
    } catch (error) {
      console.log(error instanceof ProgramStopped && error.finding.code);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    console.log("still here");
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: root,
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "GB-107\nstill here\n", stderr: "" });
});
