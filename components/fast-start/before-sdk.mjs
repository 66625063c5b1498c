import Module, { createRequire, enableCompileCache } from "node:module";

/**
 * Loaded by `nodeargs` of Pulumi.yaml before Pulumi's SDK. The engine starts the language host, and that starts Node, in the folder of
 * Pulumi.yaml (`pkg/engine/deployment.go` and `plugin.go` of Pulumi 3.259), hence the relative path there.
 *
 * JavaScript, since stripping types from it would cost more than half of what it saves.
 *
 * Measured with `node bench/program.ts` for prod-seoul, together with `after-sdk.ts`: 1.6 s and 210 MiB without, 0.85 s and 170 MiB with.
 */

// Parsing, and stripping types, once per version of a file instead of once per run.
enableCompileCache();

// The SDK loads these at every start, though this program sends no function of its own to a cloud and starts no Pulumi. Anything that
// does need one of them stops with its name.
const sdk = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
// Pulumi's automation API and npm's tree builder: half of the SDK's loading time.
leaveOut("./automation/index.js");
leaveOut("@npmcli/arborist");
// Types are stripped in place, so positions in a stack trace need no map.
leaveOut("source-map-support/register");
// Attaches a debugger to this very process, in order to serialize functions.
leaveOut("./runtime/closure/v8Hooks.js", { isInitializedAsync: () => Promise.resolve() });
// OpenTelemetry's exporters, unless the command asks for traces.
if (!process.argv.includes("--tracing")) {
  leaveOut("./cmd/run/tracing.js", {
    newSpan: (/** @type {string} */ name) => sdk("@opentelemetry/api").trace.getTracer("pulumi").startSpan(name),
  });
}

/**
 * @param {string} specifier
 * @param {object} exports
 */
function leaveOut(specifier, exports = {}) {
  const path = sdk.resolve(specifier);
  const module = new Module(path);
  module.loaded = true;
  module.exports = new Proxy(
    { __esModule: true, ...exports },
    {
      get(target, name) {
        if (name in target) return Reflect.get(target, name);
        throw new Error(`${path} is left out by components/fast-start/before-sdk.mjs; remove it there to use it`);
      },
    },
  );
  sdk.cache[path] = module;
}
