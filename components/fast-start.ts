import { enableCompileCache } from "node:module";
import log from "@pulumi/pulumi/log/index.js";

/**
 * What makes a run of the program half as long and two thirds as large (`node bench/program.ts`). Imported first by `index.ts`; everything
 * else is imported after it has run.
 */

// Parsing, and stripping types, once per version of a file instead of once per run.
enableCompileCache();

// The SDK writes a stack trace per promise, and the host's source-map-support maps each of its frames. Types are stripped in place, so
// positions need no map, and one frame tells where an error of ours was thrown.
Reflect.deleteProperty(Error, "prepareStackTrace");
Error.stackTraceLimit = 1;

// It also sends three debug lines per resource to the engine, one gRPC call after another, which shows them under --debug only. Errors,
// warnings and what the engine itself logs stay.
Reflect.set(log, "debug", () => Promise.resolve());
