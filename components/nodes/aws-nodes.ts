import { Volume } from "@pulumi/aws/ebs/volume.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { NetworkInterface } from "@pulumi/aws/ec2/networkInterface.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsPoolSpec, AwsSiteSpec } from "../config/schema.ts";
import type { AwsFirewall } from "../network/aws-firewall.ts";
import type { AwsNetwork } from "../network/aws-network.ts";
import { planSlots, type Slot } from "../network/plan.ts";
import { AwsBastion } from "./aws-bastion.ts";
import { awsMachineArgs, imageIsPinned } from "./aws-machine.ts";
import { bastionName } from "./host-keys.ts";
import type { Node } from "./node.ts";
import { poolOf, type UserData } from "./pool.ts";

export interface AwsNodesArgs {
  site: AwsSiteSpec;
  network: AwsNetwork;
  firewall: AwsFirewall;
  userData: UserData;
}

/**
 * The slots of an AWS site, with a machine in each, and the bastion.
 *
 * A slot is the network interface (address, group, routes) and, on control planes, etcd's volume; both outlive the machine. Names are the
 * slots', so raising a pool's `count` touches no machine that runs.
 */
export class AwsNodes extends pulumi.ComponentResource {
  readonly nodes: readonly Node[];
  /** Absent where access is by a jump host. */
  readonly bastion: AwsBastion | undefined;

  constructor(name: string, args: AwsNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AwsNodes", name, {}, opts);
    const { site, network, firewall, userData } = args;
    const own = { parent: this };
    const { access } = site;
    const bastion =
      access.kind === "bastion"
        ? new AwsBastion(bastionName(site), { site, access, network, firewall, userData }, own)
        : undefined;

    const createNode = (slot: Slot): Node => {
      const pool = poolOf<AwsPoolSpec>(site, slot);
      const tags = { Name: slot.name, "gyeongbu:site": site.name, "gyeongbu:pool": slot.pool };
      const zone = network.zone(slot.zone);
      const port = new NetworkInterface(
        slot.name,
        {
          subnetId: zone.nodeSubnetId,
          privateIps: [slot.address],
          securityGroups: [firewall.groupId(slot.role)],
          // Pods keep their own addresses on the wire.
          sourceDestCheck: false,
          tags,
        },
        // Its address is fixed, so a second one cannot stand beside it.
        { ...own, deleteBeforeReplace: true },
      );
      const machine = new Instance(slot.name, awsMachineArgs(pool, pool.rootGiB, port.id, userData(slot.name), tags), {
        ...own,
        ...imageIsPinned,
        // An interface is attached to one machine at a time.
        deleteBeforeReplace: true,
        protect: slot.role === "control-plane",
      });
      const routes = createRoutes(slot, port);
      const disk = slot.role === "control-plane" ? createEtcdDisk(slot, pool, machine) : undefined;
      return {
        slot,
        machineId: machine.id,
        ...(disk ? { etcdDevice: disk.device } : {}),
        dependsOn: [
          network,
          firewall,
          machine,
          ...routes,
          ...(disk ? [disk.attachment] : []),
          ...(bastion ? [bastion] : []),
        ],
      };
    };

    /** One in every table that packets for the slot's pods may meet: other nodes' and, from the interconnect, the attachments'. */
    const createRoutes = (slot: Slot, port: NetworkInterface): Route[] =>
      network.zones.flatMap(({ zone, nodeTableId, transitTableId }) =>
        Object.entries({ node: nodeTableId, transit: transitTableId }).map(
          ([kind, routeTableId]) =>
            new Route(
              `${slot.name}-${kind}-${zone}`,
              { routeTableId, destinationCidrBlock: slot.podCidr, networkInterfaceId: port.id },
              own,
            ),
        ),
      );

    const createEtcdDisk = (slot: Slot, { etcdGiB }: AwsPoolSpec, machine: Instance) => {
      const diskName = `${slot.name}-etcd`;
      const volume = new Volume(
        diskName,
        {
          availabilityZone: `${site.region}${slot.zone}`,
          type: "gp3",
          size: etcdGiB,
          encrypted: true,
          tags: { Name: diskName, "gyeongbu:site": site.name },
        },
        { ...own, protect: true },
      );
      const attachment = new VolumeAttachment(
        diskName,
        {
          // The name is a formality: on Nitro the kernel names NVMe disks itself, hence the path by id below.
          deviceName: "/dev/sdf",
          instanceId: machine.id,
          volumeId: volume.id,
          // A mounted file system is not pulled from under etcd.
          stopInstanceBeforeDetaching: true,
        },
        { ...own, deleteBeforeReplace: true },
      );
      const device = volume.id.apply((id) => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`);
      return { attachment, device };
    };

    this.nodes = planSlots(site).map(createNode);
    this.bastion = bastion;
    this.registerOutputs({});
  }
}
