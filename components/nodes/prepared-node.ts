import type { Command } from "@pulumi/command/remote/command.js";
import * as pulumi from "@pulumi/pulumi";
import type { NodeSiteSpec } from "../config/schema.ts";
import type { SiteSecrets } from "../secrets/schema.ts";
import { bastionName, deriveHostKeys } from "./host-keys.ts";
import type { Bastion, Node } from "./node.ts";
import { hostKeyOf } from "./on-prem-nodes.ts";
import { adminUser } from "./pool.ts";
import { renderPreflight } from "./preflight.ts";
import { renderHostKeyScript } from "./scripts/host-key.ts";
import { renderPrepare } from "./scripts/prepare.ts";
import { dials, type SshTarget, sshStep } from "./ssh-step.ts";

/** A node whose machine is ready to join, and the way to it. */
export interface PreparedNode extends Node {
  readonly target: SshTarget;
  readonly prepared: Command;
}

export interface PrepareNodeArgs {
  readonly site: NodeSiteSpec;
  readonly bastion: Bastion | undefined;
  /** The bastion's own first step, where it is ours. */
  readonly bastionReady: Command | undefined;
  readonly secrets: pulumi.Output<SiteSecrets>;
}

/** Takes a machine from its first connection to the point where it can join: host key (clouds), preflight, packages and settings. */
export function prepareNode(node: Node, args: PrepareNodeArgs, parent: pulumi.Resource): PreparedNode {
  const { site, bastion, bastionReady, secrets } = args;
  const { slot, machineId, etcdDevice } = node;
  const target: SshTarget = {
    host: slot.address,
    user: site.platform === "on-prem" ? site.user : adminUser,
    hostKey:
      site.platform === "on-prem"
        ? hostKeyOf(site, slot.address)
        : secrets.apply(({ hostKeySeed }) => deriveHostKeys(hostKeySeed, slot.name).final.publicKey),
    privateKey: secrets.apply(({ ssh }) => ssh.privateKey),
    via: bastion,
  };
  const triggers = [machineId];
  const reachable = [...node.dependsOn, ...(bastionReady ? [bastionReady] : [])];
  const first =
    site.platform === "on-prem"
      ? reachable
      : [replaceHostKey(slot.name, { target, triggers, secrets }, { parent, dependsOn: reachable })];
  const facts = pulumi.output(etcdDevice).apply((device) => ({ site, slot, etcdDevice: device }));
  const preflight = sshStep(
    `${slot.name}-preflight`,
    { target, script: facts.apply(renderPreflight), triggers },
    { parent, dependsOn: first },
  );
  const prepared = sshStep(
    `${slot.name}-prepare`,
    { target, script: facts.apply(renderPrepare), triggers },
    { parent, dependsOn: preflight },
  );
  return { ...node, target, prepared };
}

export interface PrepareBastionArgs {
  readonly site: NodeSiteSpec;
  readonly bastion: Bastion;
  readonly secrets: pulumi.Output<SiteSecrets>;
}

/** The bastion's only step: its final host key. */
export function prepareBastion({ site, bastion, secrets }: PrepareBastionArgs, parent: pulumi.Resource): Command {
  const target: SshTarget = { ...bastion, privateKey: secrets.apply(({ ssh }) => ssh.privateKey) };
  return replaceHostKey(
    bastionName(site),
    { target, triggers: [bastion.machineId ?? bastion.host], secrets },
    { parent, dependsOn: [...(bastion.dependsOn ?? [])] },
  );
}

interface HostKeyArgs {
  readonly target: SshTarget;
  readonly triggers: readonly pulumi.Input<string>[];
  readonly secrets: pulumi.Output<SiteSecrets>;
}

/** The only connection that trusts the bootstrap key. It can be made once per machine, so nothing but another machine repeats it. */
function replaceHostKey(
  machine: string,
  { target, triggers, secrets }: HostKeyArgs,
  options: pulumi.CustomResourceOptions,
): Command {
  const keys = secrets.apply(({ hostKeySeed }) => deriveHostKeys(hostKeySeed, machine));
  return sshStep(
    `${machine}-host-key`,
    {
      target: { ...target, hostKey: keys.apply(({ bootstrap }) => bootstrap.publicKey) },
      script: renderHostKeyScript(),
      stdin: keys.apply(({ final }) => final.privateKey),
      triggers,
      dialErrorLimit: dials.boot,
    },
    { ...options, ignoreChanges: ["connection", "create", "stdin"] },
  );
}
