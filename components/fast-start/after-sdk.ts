import pulumi from "@pulumi/pulumi";
import log from "@pulumi/pulumi/log/index.js";
import debuggable from "@pulumi/pulumi/runtime/debuggable.js";

/** Imported first by `index.ts`, when the SDK is there; everything else is imported after it has run. See `before-sdk.mjs` for figures. */

// The SDK sends three debug lines per resource to the engine, one gRPC call after another, which shows them under --debug only. Errors,
// warnings and what the engine itself logs stay.
Reflect.set(log, "debug", () => Promise.resolve());

// It notes a stack trace for each of some ten thousand promises, to print those that never settle. They are still counted and named;
// errors keep their traces.
wrap(debuggable, "debuggablePromise", (original, parameters) => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return original(...parameters);
  } finally {
    Error.stackTraceLimit = limit;
  }
});

// Every Azure resource brings an alias for each past version of its API, some sixty, and the SDK makes four promises of each: half of a
// run's time and a third of its memory. A stack of this program never knew another type than the one without a version.
wrap(pulumi, "mergeOptions", (original, [options, generated]) => original(options, withoutPastVersions(generated)));

function withoutPastVersions(options: unknown): unknown {
  if (typeof options !== "object" || options === null || !("aliases" in options) || !Array.isArray(options.aliases))
    return options;
  return { ...options, aliases: options.aliases.filter((alias) => !/^azure-native:\w+\/v\d{8}/.test(alias?.type)) };
}

/** Replaces a function of a CommonJS module for everyone who calls it through that module. */
function wrap(
  module: object,
  name: string,
  replacement: (original: (...parameters: unknown[]) => unknown, parameters: unknown[]) => unknown,
): void {
  const original: unknown = Reflect.get(module, name);
  if (typeof original !== "function")
    throw new Error(`Pulumi's SDK has no ${name} any more; see components/fast-start/after-sdk.ts`);
  Reflect.set(module, name, (...parameters: unknown[]) =>
    replacement((...own) => Reflect.apply(original, undefined, own), parameters),
  );
}
