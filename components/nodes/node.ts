import type * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../network/plan.ts";

/** A slot with a machine in it. What comes after needs no more of a platform than this. */
export interface Node {
  readonly slot: Slot;
  /** Changes when the slot's machine is replaced; every step that ran on it then runs again. */
  readonly machineId: pulumi.Input<string>;
  /** Block device for etcd; control planes only. */
  readonly etcdDevice?: pulumi.Input<string>;
  /** What must exist before the machine can be reached and used (disk attachments, rules, bastion). */
  readonly dependsOn: readonly pulumi.Resource[];
}

/** The machine through which nodes are reached, with the key it must show. */
export interface Bastion {
  readonly host: pulumi.Input<string>;
  readonly port: number;
  readonly user: string;
  readonly hostKey: pulumi.Input<string>;
  /** Changes when the machine is replaced; absent for a jump host, which is not ours. */
  readonly machineId?: pulumi.Input<string>;
  /** What must exist before it can be reached. */
  readonly dependsOn?: readonly pulumi.Resource[];
}

/** What a platform brings to a cluster: machines in their slots, the way to them, and what stands in front of them. */
export interface Ground {
  readonly nodes: readonly Node[];
  /** What the cluster's endpoints need before nodes can join: the load balancers. */
  readonly endpoints: readonly pulumi.Resource[];
  /** A bastion of ours: its public address, and what tells one machine from the next. */
  readonly bastion?:
    | (pulumi.Resource & { publicAddress: pulumi.Output<string>; machineId: pulumi.Output<string> })
    | undefined;
  /** What the interconnect needs to know and only the cloud can tell. */
  readonly interconnect?: pulumi.Output<unknown>;
}
