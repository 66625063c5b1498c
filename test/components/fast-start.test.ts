import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** What a program of the SDK has loaded and knows, started with what Pulumi.yaml gives Node. */
function probe(script: string): unknown {
  const preload = [
    "--import",
    "./components/fast-start/before-sdk.mjs",
    "--import",
    "./components/fast-start/after-sdk.ts",
  ];
  return JSON.parse(
    execFileSync(process.execPath, [...preload, "--input-type=module", "--eval", script], {
      cwd: root,
      encoding: "utf8",
    }),
  );
}

test("a run loads no tree builder of npm, no automation API, no source maps and no exporter of traces", () => {
  const loaded = probe(`
    import { createRequire } from "node:module";
    const require = createRequire(process.cwd() + "/package.json");
    require("@pulumi/pulumi");
    require("@pulumi/pulumi/cmd/run/tracing.js");
    console.log(JSON.stringify(Object.keys(require.cache).filter((path) => /pacote|execa|source-map-support\\/source|exporter-zipkin/.test(path))));
  `);
  expect(loaded).toEqual([]);
});

test("what was left out says so when somebody needs it", () => {
  const message = probe(`
    import pulumi from "@pulumi/pulumi";
    try { pulumi.automation.LocalWorkspace } catch (error) { console.log(JSON.stringify(error.message)) }
  `);
  expect(message).toContain("is left out by components/fast-start/before-sdk.mjs");
});

test("past versions of an Azure type are dropped from a resource's aliases, and nothing else is", () => {
  const options = probe(`
    import pulumi from "@pulumi/pulumi";
    const aliases = [{ type: "azure-native:network/v20230101:Route" }, { type: "azure-native:network:Route" }, { name: "before" }];
    console.log(JSON.stringify([pulumi.mergeOptions({ protect: true }, { aliases }), pulumi.mergeOptions({ protect: true }, {})]));
  `);
  expect(options).toEqual([
    { protect: true, aliases: [{ type: "azure-native:network:Route" }, { name: "before" }] },
    { protect: true },
  ]);
});

test("an error keeps its stack trace and its place in the TypeScript file", () => {
  const stack = probe(`
    try { await import("./components/fast-start/nowhere.ts") } catch (error) { console.log(JSON.stringify([error.stack.split("\\n").length > 2, Error.stackTraceLimit])) }
  `);
  expect(stack).toEqual([true, 10]);
});
