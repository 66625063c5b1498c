import type { Command } from "@pulumi/command/remote/command.js";
import * as pulumi from "@pulumi/pulumi";
import type { NodeSiteSpec } from "../config/schema.ts";
import type { Bastion, Node } from "../nodes/node.ts";
import { type PreparedNode, prepareBastion, prepareNode } from "../nodes/prepared-node.ts";
import { joinInput, kubeadmFile, renderJoinScript, renderReset } from "../nodes/scripts/join.ts";
import { renderDrain, renderRegister } from "../nodes/scripts/register.ts";
import { renderEvict, renderTicket } from "../nodes/scripts/ticket.ts";
import { sshStep } from "../nodes/ssh-step.ts";
import type { SiteSecrets } from "../secrets/schema.ts";
import { apiServerFiles } from "./api-server-files.ts";
import { renderInit, renderJoin } from "./kubeadm.ts";
import { caCertificate, operatorKubeconfig } from "./kubeconfig.ts";
import { nodeLabels } from "./node-labels.ts";
import { parseTicket } from "./ticket.ts";

export interface KubernetesClusterArgs {
  site: NodeSiteSpec;
  /** In slot order; the first control plane founds the cluster. */
  nodes: readonly Node[];
  /** Absent where nodes are reached directly. */
  bastion?: Bastion | undefined;
  secrets: pulumi.Output<SiteSecrets>;
  /** Load balancers in front of the API; workers reach it through them, and so does whoever uses the kubeconfig. */
  endpoints?: readonly pulumi.Resource[];
}

/**
 * A kubeadm cluster on machines that exist. Per node: a ticket (minted on another control plane), the join (on the node), the registration (on a
 * control plane). Control planes join one after another, since etcd takes one new member at a time; workers join side by side.
 *
 * The first control plane hands out tickets. Its own comes from the second: `none` while there is no cluster, so it founds one; a real one
 * once its machine was replaced, so it joins. If it is dead, replace its machine (`pulumi up --replace`) before changing anything else.
 */
export class KubernetesCluster extends pulumi.ComponentResource {
  /** For whoever runs `pulumi up`. Secret: it is cluster-admin. */
  readonly kubeconfig: pulumi.Output<string>;
  /** PEM of the cluster's CA. */
  readonly caCertificate: pulumi.Output<string>;
  /** Exist once every node has joined and has its pod block. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: KubernetesClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:KubernetesCluster", name, {}, opts);
    const { site, bastion, secrets, endpoints = [] } = args;
    const bastionReady =
      bastion && site.access.kind === "bastion" ? prepareBastion({ site, bastion, secrets }, this) : undefined;
    const nodes = args.nodes.map((node) => prepareNode(node, { site, bastion, bastionReady, secrets }, this));
    const controlPlanes = nodes.filter(({ slot }) => slot.role === "control-plane");
    const [founder, second, ...rest] = controlPlanes;
    if (!founder) throw new RangeError(`${site.name} has no control plane.`);

    const mintTicket = (node: PreparedNode, on: PreparedNode, after: readonly pulumi.Resource[]): Command =>
      sshStep(
        `${node.slot.name}-ticket`,
        {
          target: on.target,
          script: pulumi
            .output(node.machineId)
            .apply((machineId) => renderTicket({ slot: node.slot, machineId, mayFound: node === founder })),
          undo: renderEvict(node.slot),
          triggers: [node.machineId],
        },
        // The node's own preparation too: a ticket is valid for two hours from here.
        { parent: this, dependsOn: [node.prepared, on.prepared, ...after] },
      );

    const join = ({ slot, target, machineId, prepared }: PreparedNode, ticket: Command | undefined): Command => {
      const stdin = pulumi.all([secrets, ticket?.stdout ?? "none"]).apply(([{ etcdEncryptionKey }, text]) => {
        const parsed = parseTicket(text);
        const files = slot.role === "worker" ? [] : apiServerFiles(site.kubernetes.version, etcdEncryptionKey);
        const document = parsed
          ? kubeadmFile("join", renderJoin(site, slot, parsed))
          : kubeadmFile("init", renderInit(site, slot));
        return joinInput([document, ...files]);
      });
      return sshStep(
        `${slot.name}-join`,
        {
          target,
          script: renderJoinScript(slot),
          // A cloud's machine goes with everything on it, and may be dead; a host stays.
          undo: site.platform === "on-prem" ? renderReset() : undefined,
          stdin,
          triggers: [machineId],
        },
        {
          parent: this,
          dependsOn: [prepared, ...(ticket ? [ticket] : []), ...(slot.role === "worker" ? endpoints : [])],
        },
      );
    };

    const register = (node: PreparedNode, joined: Command): Command =>
      sshStep(
        `${node.slot.name}-register`,
        {
          target: founder.target,
          script: pulumi
            .output(node.machineId)
            .apply((machineId) => renderRegister({ slot: node.slot, machineId, labels: nodeLabels(site, node.slot) })),
          // The founder would have to do it itself, and may be dead.
          undo: node === founder ? undefined : renderDrain(node.slot),
          triggers: [node.machineId],
        },
        { parent: this, dependsOn: joined },
      );

    const founded = join(founder, second && mintTicket(founder, second, []));
    const registrations = [register(founder, founded)];
    let previous = founded;
    for (const node of [...(second ? [second] : []), ...rest]) {
      // Each upload of certificates makes the one before it unreadable, so the next ticket waits for the last join.
      previous = join(node, mintTicket(node, founder, [previous]));
      registrations.push(register(node, previous));
    }
    for (const node of nodes.filter(({ slot }) => slot.role === "worker")) {
      registrations.push(register(node, join(node, mintTicket(node, founder, [founded]))));
    }

    const adminConf = sshStep(
      `${name}-kubeconfig`,
      { target: founder.target, script: "cat /etc/kubernetes/admin.conf", triggers: [founder.machineId] },
      { parent: this, dependsOn: founded },
    ).stdout;
    this.kubeconfig = pulumi.secret(adminConf.apply((text) => operatorKubeconfig(site, text)));
    this.caCertificate = pulumi.unsecret(adminConf.apply(caCertificate));
    this.ready = [...registrations, ...endpoints];
    this.registerOutputs({ kubeconfig: this.kubeconfig, caCertificate: this.caCertificate });
  }
}
