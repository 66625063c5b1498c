import { VirtualMachine } from "@pulumi/azure-native/compute/virtualMachine.js";
import { NetworkInterface } from "@pulumi/azure-native/network/networkInterface.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec } from "../config/schema.ts";
import type { AzureFirewall } from "../network/azure-firewall.ts";
import type { AzureNetwork } from "../network/azure-network.ts";
import { bastionAddress } from "../network/plan.ts";
import { azureMachineArgs, imageIsPinned } from "./azure-machine.ts";
import type { UserData } from "./pool.ts";

export interface AzureBastionArgs {
  site: AzureSiteSpec;
  access: Extract<AzureSiteSpec["access"], { kind: "bastion" }>;
  network: AzureNetwork;
  firewall: AzureFirewall;
  userData: UserData;
  sshPublicKey: pulumi.Input<string>;
}

/** GiB; the image's own size. It keeps no data. */
const rootGiB = 30;

/** The one machine with a public address: SSH to nodes goes through it. */
export class AzureBastion extends pulumi.ComponentResource {
  readonly publicAddress: pulumi.Output<string>;
  /** Changes when the machine is replaced. */
  readonly machineId: pulumi.Output<string>;

  constructor(name: string, args: AzureBastionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AzureBastion", name, {}, opts);
    const { site, access, network, firewall, userData, sshPublicKey } = args;
    const own = { parent: this };
    const placed = {
      resourceGroupName: network.resourceGroupName,
      location: site.location,
      tags: { "gyeongbu:site": site.name },
    };
    const privateAddress = bastionAddress(site);
    if (!network.bastionSubnetId || !privateAddress) throw new RangeError(`${site.name} has no subnet for a bastion.`);
    const address = new PublicIPAddress(
      name,
      { ...placed, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" },
      own,
    );
    const port = new NetworkInterface(
      name,
      {
        ...placed,
        networkSecurityGroup: { id: firewall.groupId("bastion") },
        ipConfigurations: [
          {
            name: "primary",
            primary: true,
            subnet: { id: network.bastionSubnetId },
            privateIPAllocationMethod: "Static",
            privateIPAddress: privateAddress,
            publicIPAddress: { id: address.id },
          },
        ],
      },
      own,
    );
    const machine = new VirtualMachine(
      name,
      {
        ...placed,
        ...azureMachineArgs({
          name,
          vmSize: access.vmSize,
          image: access.image,
          rootGiB,
          networkPort: port.id,
          userData: userData(name),
          sshPublicKey,
        }),
      },
      { ...own, ...imageIsPinned, deleteBeforeReplace: true },
    );
    this.publicAddress = address.ipAddress.apply((ipAddress) => {
      if (ipAddress === undefined) throw new Error(`${name}: Azure gave no address to a static public IP.`);
      return ipAddress;
    });
    this.machineId = machine.vmId;
    this.registerOutputs({ publicAddress: this.publicAddress });
  }
}
