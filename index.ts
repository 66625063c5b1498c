import "./components/fast-start/after-sdk.ts";

/** One program for every stack: the stack file says which of the three it is. Each part is loaded only where it is used. */
export default async function program(): Promise<Record<string, unknown>> {
  const { proveFirst } = await import("./components/prove-first.ts");
  await proveFirst();
  const { load } = await import("./components/config/load.ts");
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
