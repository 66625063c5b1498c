import { Command } from "@pulumi/command/remote/command.js";
import * as pulumi from "@pulumi/pulumi";
import type { Bastion } from "./node.ts";
import { asRoot } from "./scripts/bash.ts";

/** A machine to log in to, and the way there. */
export interface SshTarget {
  readonly host: pulumi.Input<string>;
  readonly port?: number;
  readonly user: string;
  /** The key that the machine must show. Without one the provider would take any, so there is no default. */
  readonly hostKey: pulumi.Input<string>;
  readonly privateKey: pulumi.Input<string>;
  /** Absent where the machine is reached directly. */
  readonly via?: Bastion | undefined;
}

export interface SshStepArgs {
  readonly target: SshTarget;
  /** Bash, run as root. Holds no secret. */
  readonly script: pulumi.Input<string>;
  /** Bash, run as root when the step goes or is about to run anew. Absent on machines that may be dead by then. */
  readonly undo?: pulumi.Input<string> | undefined;
  /** Where secrets travel. */
  readonly stdin?: pulumi.Input<string>;
  /** Ids of machines; the step runs anew when one changes. */
  readonly triggers: readonly pulumi.Input<string>[];
  /** How often a failed dial is repeated; {@link dials}. */
  readonly dialErrorLimit?: number;
}

/**
 * Pauses between dials grow to 5 s within eleven seconds and ten dials (pulumi sdk, `util/retry`).
 *
 * The first connection waits for a machine to boot: 130 are ten minutes. Later ones only ride out a restart of sshd: 30 are two minutes, which
 * is also how long a step waits whose machine is gone.
 */
export const dials = { boot: 130, later: 30 } as const;

/**
 * A script on a machine, over SSH. What it prints is secret and not logged; should it fail, the error shows it, so scripts print secrets last.
 */
export function sshStep(name: string, args: SshStepArgs, options: pulumi.CustomResourceOptions): Command {
  const { target, script, undo, stdin, triggers, dialErrorLimit = dials.later } = args;
  const { host, port = 22, user, hostKey, privateKey, via } = target;
  const proxy = via && {
    host: via.host,
    port: via.port,
    user: via.user,
    hostKey: via.hostKey,
    privateKey,
    dialErrorLimit: dials.later,
  };
  return new Command(
    name,
    {
      connection: { host, port, user, hostKey, privateKey, dialErrorLimit, ...(proxy ? { proxy } : {}) },
      create: pulumi.output(script).apply(asRoot),
      ...(undo === undefined ? {} : { delete: pulumi.output(undo).apply(asRoot) }),
      ...(stdin === undefined ? {} : { stdin: pulumi.secret(stdin) }),
      triggers: [...triggers],
      logging: "none",
      // Otherwise the provider sends the last output, which may be a secret, as an environment variable that sshd refuses with a warning.
      addPreviousOutputInEnv: false,
    },
    {
      ...options,
      additionalSecretOutputs: ["stdout", "stderr"],
      // What the old machine's step undoes must be undone before the new one's runs.
      deleteBeforeReplace: true,
    },
  );
}
