import { azureNativeStandIn } from "../../rehearsal/azure-native/stand-in.ts";
import type { Call, Created, Kind, Problem, Properties } from "../../rehearsal/stand-in.ts";
import { World, type WorldObject } from "../../rehearsal/world.ts";

const group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/busan";

/** ARM id in the test's resource group, e.g. `arm("network", "virtualNetworks/net/subnets/node")`. */
export function arm(namespace: "network" | "compute", path: string): string {
  return `${group}/providers/Microsoft.${namespace === "network" ? "Network" : "Compute"}/${path}`;
}

/** A stand-in Azure with an empty world, called as the engine would, without the wait. */
export class AzureCloud {
  readonly world = World.open(":memory:");
  readonly config: Properties;

  constructor(config: Properties = { location: "koreasouth" }) {
    this.config = config;
  }

  call(resource: string, name: string): Call {
    const type = `azure-native:${resource}`;
    const urn = `urn:pulumi:test::gyeongbu::${type}::${name}`;
    const { config, world } = this;
    return { urn, type, name, config, world, log: () => {}, signal: new AbortController().signal };
  }

  kind(resource: string): Kind {
    const kind = azureNativeStandIn.kind(`azure-native:${resource}`);
    if (kind === undefined) throw new Error(`no kind ${resource}`);
    return kind;
  }

  check(resource: string, inputs: Properties): Problem[] {
    return this.kind(resource).check(inputs, this.call(resource, "checked"));
  }

  /** Creates what has passed the shape check; the resource group is `busan` unless the inputs name another. */
  async create(resource: string, name: string, inputs: Properties): Promise<Created> {
    const all = resource === "resources:ResourceGroup" ? inputs : { resourceGroupName: "busan", ...inputs };
    const [problem] = this.check(resource, all);
    if (problem !== undefined) throw new Error(`${problem.property}: ${problem.reason}`);
    return this.kind(resource).create(all, this.call(resource, name));
  }

  /** Updates with the old inputs and `changes`. */
  async update(resource: string, name: string, id: string, changes: Properties): Promise<Properties> {
    const call = this.call(resource, name);
    const read = await this.kind(resource).read(id, call);
    if (read === undefined) throw new Error(`${id} is gone`);
    return this.kind(resource).update(id, read.outputs, { ...read.inputs, ...changes }, call);
  }

  async remove(resource: string, name: string, id: string): Promise<void> {
    await this.kind(resource).delete(id, {}, this.call(resource, name));
  }

  object(id: string): WorldObject | undefined {
    return this.world.get("azure-native", id);
  }
}

/** Resource group `busan` and network `net` (10.20.0.0/16 and pods 10.129.0.0/16) with subnets `node` and `GatewaySubnet`. */
export async function azureSite(location = "koreasouth"): Promise<AzureCloud> {
  const cloud = new AzureCloud({ location });
  await cloud.create("resources:ResourceGroup", "busan", { resourceGroupName: "busan" });
  await cloud.create("network:VirtualNetwork", "net", {
    virtualNetworkName: "net",
    addressSpace: { addressPrefixes: ["10.20.0.0/16", "10.129.0.0/16"] },
  });
  await cloud.create("network:Subnet", "node", { virtualNetworkName: "net", addressPrefix: "10.20.0.0/20" });
  await cloud.create("network:Subnet", "GatewaySubnet", { virtualNetworkName: "net", addressPrefix: "10.20.255.0/27" });
  return cloud;
}

export const nodeSubnet = arm("network", "virtualNetworks/net/subnets/node");
export const gatewaySubnet = arm("network", "virtualNetworks/net/subnets/GatewaySubnet");

/** Inputs of an interface with a fixed address in the node subnet. */
export function nicInputs(name: string, address: string, more: Properties = {}): Properties {
  const configuration = {
    name: "primary",
    subnet: { id: nodeSubnet },
    privateIPAllocationMethod: "Static",
    privateIPAddress: address,
  };
  return { networkInterfaceName: name, enableIPForwarding: true, ipConfigurations: [{ ...configuration, ...more }] };
}

/** Inputs of a machine on interface `nic`, in availability set `set`, with data disk `etcd` where given. */
export function machineInputs(nic: string, more: { disk?: string; customData?: string } = {}): Properties {
  const disk = more.disk === undefined ? undefined : arm("compute", `disks/${more.disk}`);
  return {
    vmName: nic,
    hardwareProfile: { vmSize: "Standard_D4s_v5" },
    availabilitySet: { id: arm("compute", "availabilitySets/set") },
    networkProfile: { networkInterfaces: [{ id: arm("network", `networkInterfaces/${nic}`) }] },
    osProfile: {
      computerName: nic,
      adminUsername: "ubuntu",
      customData: Buffer.from(more.customData ?? "#cloud-config\n").toString("base64"),
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        ssh: { publicKeys: [{ path: "/home/ubuntu/.ssh/authorized_keys", keyData: "ssh-ed25519 AAAAC3Nza" }] },
      },
    },
    storageProfile: {
      imageReference: { publisher: "Canonical", offer: "ubuntu-24_04-lts", sku: "server", version: "24.04.202606010" },
      osDisk: {
        createOption: "FromImage",
        diskSizeGB: 64,
        deleteOption: "Delete",
        managedDisk: { storageAccountType: "Premium_LRS" },
      },
      ...(disk === undefined
        ? {}
        : { dataDisks: [{ lun: 0, createOption: "Attach", caching: "None", managedDisk: { id: disk } }] }),
    },
  };
}

/** `azureSite` with availability set `set`, interface `nic` (10.20.0.4) and disk `etcd`. */
export async function azureMachineSite(): Promise<AzureCloud> {
  const cloud = await azureSite();
  await cloud.create("compute:AvailabilitySet", "set", {
    availabilitySetName: "set",
    platformFaultDomainCount: 2,
    sku: { name: "Aligned" },
  });
  await cloud.create("network:NetworkInterface", "nic", nicInputs("nic", "10.20.0.4"));
  await cloud.create("compute:Disk", "etcd", {
    diskName: "etcd",
    creationData: { createOption: "Empty" },
    diskSizeGB: 32,
    sku: { name: "Premium_LRS" },
  });
  return cloud;
}
