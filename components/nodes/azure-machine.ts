import type { VirtualMachineArgs } from "@pulumi/azure-native/compute/virtualMachine.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzurePoolSpec } from "../config/schema.ts";
import { adminUser } from "./pool.ts";

/** What differs between machines. */
export interface AzureMachine {
  /** Host name; at most 64 characters on Linux. */
  readonly name: string;
  readonly vmSize: AzurePoolSpec["vmSize"];
  readonly image: AzurePoolSpec["image"];
  /** 30 to 2048. */
  readonly rootGiB: number;
  /** Id of the network interface that carries the slot's address. */
  readonly networkPort: pulumi.Input<string>;
  readonly userData: pulumi.Input<string>;
  /** One authorized_keys line. */
  readonly sshPublicKey: pulumi.Input<string>;
  /** Id of the disk for etcd; control planes only. */
  readonly etcdDisk?: pulumi.Input<string>;
}

/** Where Ubuntu's Azure udev rules put the data disk of a logical unit. */
const etcdUnit = 0;
export const etcdDevice = `/dev/disk/azure/scsi1/lun${etcdUnit}`;

/**
 * What every machine of ours on Azure has in common.
 *
 * Managed disks are encrypted at rest with Azure's keys without being asked. `encryptionAtHost` is left off: it fails unless the
 * subscription has registered the feature, which no stack file can do; what it would add is the host's cache.
 */
export function azureMachineArgs(machine: AzureMachine): Omit<VirtualMachineArgs, "resourceGroupName"> {
  const { name, vmSize, image, rootGiB, networkPort, userData, sshPublicKey, etcdDisk } = machine;
  return {
    hardwareProfile: { vmSize },
    networkProfile: { networkInterfaces: [{ id: networkPort, primary: true, deleteOption: "Detach" }] },
    osProfile: {
      computerName: name,
      adminUsername: adminUser,
      customData: pulumi.output(userData).apply((text) => Buffer.from(text, "utf8").toString("base64")),
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        ssh: { publicKeys: [{ path: `/home/${adminUser}/.ssh/authorized_keys`, keyData: sshPublicKey }] },
      },
    },
    storageProfile: {
      imageReference: image,
      osDisk: {
        createOption: "FromImage",
        caching: "ReadWrite",
        diskSizeGB: rootGiB,
        managedDisk: { storageAccountType: "Premium_LRS" },
        deleteOption: "Delete",
      },
      dataDisks: etcdDisk
        ? [
            {
              lun: etcdUnit,
              createOption: "Attach",
              // A cache in front of etcd's log would lie about what is on disk.
              caching: "None",
              managedDisk: { id: etcdDisk },
              deleteOption: "Detach",
            },
          ]
        : [],
    },
  };
}

/**
 * A new image or a new cloud-init text changes the machines to come, not those that run: Azure refuses either change on a machine
 * that exists (`PropertyChangeNotAllowed`), and one `up` would fail on every node. Roll a node with `pulumi up --target-replace URN`.
 */
export const imageIsPinned = { ignoreChanges: ["storageProfile.imageReference", "osProfile.customData"] };

/**
 * The performance tier of an etcd disk. Premium SSDs below 128 GiB have 120 to 240 IOPS, too few for etcd's fsync; P10, which a small disk
 * may be given, has 500 (learn.microsoft.com/azure/virtual-machines/disks-change-performance). `undefined`: the size's own tier is enough.
 *
 * @param sizeGiB  8 to 256.
 */
export function etcdDiskTier(sizeGiB: number): "P10" | undefined {
  return sizeGiB < 128 ? "P10" : undefined;
}
