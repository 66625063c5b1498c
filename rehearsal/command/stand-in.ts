import { Refusal, type StandIn } from "../stand-in.ts";
import { commandKind } from "./command.ts";

/** Stand-in for `@pulumi/command` 1.2.1. */
export const commandStandIn: StandIn = {
  name: "command",
  version: "1.2.1",
  checkConfig: (config) =>
    Object.keys(config).map((property) => ({ property, reason: "the provider takes no configuration" })),
  // A dead place fails the way SSH fails, which `connection.ts` knows better.
  places: () => [],
  kind: (type) => (type === "command:remote:Command" ? commandKind() : undefined),
  invoke: (token) => {
    throw new Refusal("unsupported", `the rehearsal's command provider has no function ${token}`);
  },
};
