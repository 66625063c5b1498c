import { AvailabilitySet } from "@pulumi/azure-native/compute/availabilitySet.js";
import { Disk } from "@pulumi/azure-native/compute/disk.js";
import { VirtualMachine } from "@pulumi/azure-native/compute/virtualMachine.js";
import { NetworkInterface } from "@pulumi/azure-native/network/networkInterface.js";
import { Route } from "@pulumi/azure-native/network/route.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzurePoolSpec, AzureSiteSpec } from "../config/schema.ts";
import type { AzureFirewall } from "../network/azure-firewall.ts";
import type { AzureLoadBalancers } from "../network/azure-load-balancers.ts";
import type { AzureNetwork } from "../network/azure-network.ts";
import { planSlots, type Slot } from "../network/plan.ts";
import { AzureBastion } from "./azure-bastion.ts";
import { azureMachineArgs, etcdDevice, etcdDiskTier, imageIsPinned } from "./azure-machine.ts";
import { bastionName } from "./host-keys.ts";
import { azureMachines } from "./machines.ts";
import type { Node } from "./node.ts";
import { poolOf, type UserData } from "./pool.ts";

export interface AzureNodesArgs {
  site: AzureSiteSpec;
  network: AzureNetwork;
  firewall: AzureFirewall;
  loadBalancers: AzureLoadBalancers;
  userData: UserData;
  /** One authorized_keys line; Azure makes no machine without one. */
  sshPublicKey: pulumi.Input<string>;
}

/**
 * The slots of an Azure site, with a machine in each, and the bastion.
 *
 * A slot is the network interface (address, group, pools), its routes and, on control planes, etcd's disk; all outlive the machine. Names
 * are the slots', so raising a pool's `count` touches no machine that runs.
 */
export class AzureNodes extends pulumi.ComponentResource {
  readonly nodes: readonly Node[];
  /** Absent where access is by a jump host. */
  readonly bastion: AzureBastion | undefined;

  constructor(name: string, args: AzureNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AzureNodes", name, {}, opts);
    const { site, network, firewall, loadBalancers, userData, sshPublicKey } = args;
    const own = { parent: this };
    const { resourceGroupName } = network;
    const placed = { resourceGroupName, location: site.location };
    const { access } = site;
    const bastion =
      access.kind === "bastion"
        ? new AzureBastion(bastionName(site), { site, access, network, firewall, userData, sshPublicKey }, own)
        : undefined;

    // A set per pool: machines of one size, and control planes spread over the fault domains whatever else is created meanwhile.
    const sets = new Map(
      site.nodePools.map((pool) => [
        pool.name,
        new AvailabilitySet(
          `${name}-${pool.name}`,
          {
            ...placed,
            sku: { name: "Aligned" },
            platformFaultDomainCount: site.faultDomains,
            // Azure's default: at most a fifth of a pool is rebooted at a time by planned maintenance.
            platformUpdateDomainCount: 5,
            tags: { "gyeongbu:site": site.name },
          },
          own,
        ),
      ]),
    );

    const createPort = (slot: Slot, { vmSize }: AzurePoolSpec) =>
      new NetworkInterface(
        slot.name,
        {
          ...placed,
          // Pods keep their own addresses on the wire.
          enableIPForwarding: true,
          enableAcceleratedNetworking: !azureMachines[vmSize].burstable,
          networkSecurityGroup: { id: firewall.groupId(slot.role) },
          ipConfigurations: [
            {
              name: "primary",
              primary: true,
              subnet: { id: network.nodeSubnetId },
              privateIPAllocationMethod: "Static",
              privateIPAddress: slot.address,
              loadBalancerBackendAddressPools: loadBalancers.poolIds(slot.role).map((id) => ({ id })),
            },
          ],
          tags: { "gyeongbu:site": site.name, "gyeongbu:pool": slot.pool },
        },
        own,
      );

    const createEtcdDisk = (slot: Slot, { etcdGiB }: AzurePoolSpec) => {
      const tier = etcdDiskTier(etcdGiB);
      return new Disk(
        `${slot.name}-etcd`,
        {
          ...placed,
          creationData: { createOption: "Empty" },
          diskSizeGB: etcdGiB,
          sku: { name: "Premium_LRS" },
          ...(tier ? { tier } : {}),
          // Nobody downloads or uploads it from outside.
          networkAccessPolicy: "DenyAll",
          publicNetworkAccess: "Disabled",
          tags: { "gyeongbu:site": site.name },
        },
        { ...own, protect: true },
      );
    };

    // One after another per table, and after the subnets that use it: Azure writes a table's routes one at a time and answers
    // RetryableErrorDueToAnotherOperation to the others.
    const previous = new Map<string, Route>();
    const createRoute = (slot: Slot, kind: "node" | "gateway"): Route => {
      const route = new Route(
        `${slot.name}-${kind}`,
        {
          resourceGroupName,
          routeTableName: network.routeTableNames[kind],
          routeName: slot.name,
          addressPrefix: slot.podCidr,
          nextHopType: "VirtualAppliance",
          nextHopIpAddress: slot.address,
        },
        { ...own, dependsOn: previous.get(kind) ?? network },
      );
      previous.set(kind, route);
      return route;
    };

    const createNode = (slot: Slot): Node => {
      const pool = poolOf<AzurePoolSpec>(site, slot);
      const set = sets.get(slot.pool);
      if (!set) throw new RangeError(`pool ${slot.pool} has no availability set.`);
      const port = createPort(slot, pool);
      const disk = slot.role === "control-plane" ? createEtcdDisk(slot, pool) : undefined;
      const machine = new VirtualMachine(
        slot.name,
        {
          ...placed,
          ...azureMachineArgs({
            name: slot.name,
            vmSize: pool.vmSize,
            image: pool.image,
            rootGiB: pool.rootGiB,
            networkPort: port.id,
            userData: userData(slot.name),
            sshPublicKey,
            ...(disk ? { etcdDisk: disk.id } : {}),
          }),
          availabilitySet: { id: set.id },
          tags: { "gyeongbu:site": site.name, "gyeongbu:pool": slot.pool },
        },
        {
          ...own,
          ...imageIsPinned,
          // An interface is attached to one machine at a time.
          deleteBeforeReplace: true,
          protect: slot.role === "control-plane",
        },
      );
      const routes = [createRoute(slot, "node"), createRoute(slot, "gateway")];
      return {
        slot,
        // Azure's resource id is the name and survives a replacement; this one does not.
        machineId: machine.vmId,
        ...(disk ? { etcdDevice } : {}),
        dependsOn: [network, firewall, machine, ...routes, ...(bastion ? [bastion] : [])],
      };
    };

    this.nodes = planSlots(site).map(createNode);
    this.bastion = bastion;
    this.registerOutputs({});
  }
}
