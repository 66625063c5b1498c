import { load } from "./components/config/load.ts";

// The SDK writes a stack trace per output, and the host's source-map-support maps each of its frames: two thirds of a run's time. Types are
// stripped in place, so positions need no map, and one frame tells where an error of ours was thrown.
Reflect.deleteProperty(Error, "prepareStackTrace");
Error.stackTraceLimit = 1;

/** One program for every stack: the stack file says which of the three it is. Each part is loaded only where it is used. */
export default async function program(): Promise<Record<string, unknown>> {
  const stack = load();
  switch (stack.kind) {
    case "site":
      return (await import("./components/site.ts")).deploySite(stack);
    case "interconnect":
      return (await import("./components/interconnect/interconnect.ts")).deployInterconnect(stack);
    case "entry":
      return (await import("./components/entry/entry.ts")).deployEntry(stack);
  }
}
