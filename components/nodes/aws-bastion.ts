import { Eip } from "@pulumi/aws/ec2/eip.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { NetworkInterface } from "@pulumi/aws/ec2/networkInterface.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec } from "../config/schema.ts";
import type { AwsFirewall } from "../network/aws-firewall.ts";
import type { AwsNetwork } from "../network/aws-network.ts";
import { bastionAddress } from "../network/plan.ts";
import { awsMachineArgs, imageIsPinned } from "./aws-machine.ts";
import type { UserData } from "./pool.ts";

export interface AwsBastionArgs {
  site: AwsSiteSpec;
  access: Extract<AwsSiteSpec["access"], { kind: "bastion" }>;
  network: AwsNetwork;
  firewall: AwsFirewall;
  userData: UserData;
}

/** GiB; the image's own size is 8. It keeps no data. */
const rootGiB = 30;

/** The one machine with a public address: SSH to nodes goes through it. */
export class AwsBastion extends pulumi.ComponentResource {
  readonly publicAddress: pulumi.Output<string>;
  /** Changes when the machine is replaced. */
  readonly machineId: pulumi.Output<string>;

  constructor(name: string, args: AwsBastionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AwsBastion", name, {}, opts);
    const { site, access, network, firewall, userData } = args;
    const own = { parent: this };
    const tags = { Name: name, "gyeongbu:site": site.name };
    const address = bastionAddress(site);
    if (!network.publicSubnetId || !address) throw new RangeError(`${site.name} has no public subnet for a bastion.`);
    const port = new NetworkInterface(
      name,
      {
        subnetId: network.publicSubnetId,
        privateIps: [address],
        securityGroups: [firewall.groupId("bastion")],
        tags,
      },
      { ...own, deleteBeforeReplace: true },
    );
    const machine = new Instance(name, awsMachineArgs(access, rootGiB, port.id, userData(name), tags), {
      ...own,
      ...imageIsPinned,
      deleteBeforeReplace: true,
    });
    // On the interface, not the machine: the address users of the bastion know outlives it.
    const elastic = new Eip(
      name,
      { domain: "vpc", networkInterface: port.id, tags },
      // An address can be bound only once the VPC has its internet gateway.
      { ...own, dependsOn: network },
    );
    this.publicAddress = elastic.publicIp;
    this.machineId = machine.id;
    this.registerOutputs({ publicAddress: this.publicAddress });
  }
}
