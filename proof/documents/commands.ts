import type { Rule } from "../rule.ts";
import { cliRules } from "./cli-commands.ts";
import type { CommandsSubject } from "./each-call.ts";
import { helmRules } from "./helm-commands.ts";
import { kubectlRules } from "./kubectl-commands.ts";
import { nodeRules } from "./node-commands.ts";

/** What a command line must hold; where a shell cannot be read with certainty, the rules stay silent. */
export const commandRules: readonly Rule<CommandsSubject>[] = [
  ...cliRules,
  ...helmRules,
  ...kubectlRules,
  ...nodeRules,
];
