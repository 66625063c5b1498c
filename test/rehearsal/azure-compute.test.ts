import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Properties, Secret } from "../../rehearsal/stand-in.ts";
import { type AzureCloud, arm, azureMachineSite, azureSite, machineInputs, nicInputs } from "./azure-cloud.ts";

const vm = arm("compute", "virtualMachines/nic");
const etcd = arm("compute", "disks/etcd");
const nic = arm("network", "networkInterfaces/nic");

afterEach(() => vi.unstubAllEnvs());

/** `machineInputs` with the value at a dotted path replaced, or removed with `undefined`. */
function machine(path = "", value?: Properties[string]): Properties {
  const inputs = structuredClone(machineInputs("nic", { disk: "etcd" }));
  if (path !== "") change(inputs, path.split("."), value);
  return inputs;
}

function change(target: Properties, [key = "", ...rest]: string[], value: Properties[string] | undefined): void {
  if (rest.length === 0) {
    if (value === undefined) delete target[key];
    else target[key] = value;
    return;
  }
  const next = target[key];
  const inner = Array.isArray(next) ? next[0] : next;
  if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) change(inner as Properties, rest, value);
}

const create = (inputs: Properties) => (cloud: AzureCloud) => cloud.create("compute:VirtualMachine", "vm", inputs);
const update = (changes: Properties) => (cloud: AzureCloud) =>
  cloud.update("compute:VirtualMachine", "vm", vm, changes);

async function answer(act: (cloud: AzureCloud) => Promise<unknown>, cloud: AzureCloud): Promise<string> {
  return act(cloud).then(
    () => "accepted",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const profile = "osProfile.linuxConfiguration";
const bigCustomData = "A".repeat(87_384);

describe("a virtual machine that Azure refuses", () => {
  it.each<[rule: string, message: string, inputs: Properties]>([
    [
      "a size of no known form",
      "InvalidParameter: The value c7g.xlarge provided",
      machine("hardwareProfile.vmSize", "c7g.xlarge"),
    ],
    [
      "Premium disks on a size without",
      "does not support the storage account type Premium_LRS",
      machine("hardwareProfile.vmSize", "Standard_D4_v5"),
    ],
    ["no image", "'imageReference' is missing", machine("storageProfile.imageReference", {})],
    [
      "half an image",
      "'imageReference' is missing",
      machine("storageProfile.imageReference", { publisher: "Canonical" }),
    ],
    [
      "an interface that is not there",
      "InvalidResourceReference",
      machine("networkProfile.networkInterfaces", [{ id: `${nic}x` }]),
    ],
    ["no interface", "at least one network interface", machine("networkProfile.networkInterfaces", [])],
    [
      "an availability set that is not there",
      "InvalidResourceReference",
      machine("availabilitySet.id", arm("compute", "availabilitySets/gone")),
    ],
    ["zones in Korea South", "AvailabilityZoneNotSupported: The zone(s) '1'", machine("zones", ["1"])],
    [
      "a small OS disk",
      "smaller than the size of the corresponding disk in the VM image",
      machine("storageProfile.osDisk.diskSizeGB", 10),
    ],
    [
      "an OS disk from elsewhere",
      "createOption FromImage only",
      machine("storageProfile.osDisk.createOption", "Attach"),
    ],
    [
      "a disk SKU the region lacks",
      "SKU PremiumV2_LRS is not supported",
      machine("storageProfile.osDisk.managedDisk.storageAccountType", "PremiumV2_LRS"),
    ],
    [
      "a data disk that is not there",
      "InvalidResourceReference",
      machine("storageProfile.dataDisks.managedDisk.id", `${etcd}x`),
    ],
    ["a LUN out of range", "'dataDisk.lun' is out of range", machine("storageProfile.dataDisks.lun", 64)],
    [
      "one LUN twice",
      "is used by two data disks",
      machine(
        "storageProfile.dataDisks",
        [0, 1].map(() => ({ lun: 0, createOption: "Attach", managedDisk: { id: etcd } })),
      ),
    ],
    [
      "a disk that would go with it",
      "createOption Attach only",
      machine("storageProfile.dataDisks.createOption", "Empty"),
    ],
    ["no name", "'osProfile.computerName' is missing", machine("osProfile.computerName")],
    ["root", "Admin Username specified is not allowed", machine("osProfile.adminUsername", "root")],
    ["custom data in clear", "must be in Base64", machine("osProfile.customData", "#cloud-config")],
    ["too much custom data", "maximum length of 87380", machine("osProfile.customData", bigCustomData)],
    [
      "a password beside keys",
      "osProfile.adminPassword is not allowed",
      machine("osProfile.adminPassword", new Secret("hunter2hunter2")),
    ],
    ["neither password nor keys", "must be enabled in Linux profile", machine(`${profile}.ssh`)],
    ["passwords without one", "'adminPassword' is missing", machine(`${profile}.disablePasswordAuthentication`, false)],
    [
      "a key elsewhere",
      "Destination path for SSH public keys",
      machine(`${profile}.ssh.publicKeys.path`, "/root/.ssh/authorized_keys"),
    ],
    [
      "a key of the wrong kind",
      "publicKeys.keyData is invalid",
      machine(`${profile}.ssh.publicKeys.keyData`, "ecdsa-sha2-nistp256 AAAA"),
    ],
  ])("%s", async (_, message, inputs) => {
    const cloud = await azureMachineSite();
    expect(await answer(create(inputs), cloud)).toContain(message);
    expect(cloud.world.find("host", "machine")).toEqual([]);
  });

  it("an interface, a disk or an OS disk's name that another has", async () => {
    const cloud = await azureMachineSite();
    await create(machine("storageProfile.osDisk.name", "root"))(cloud);
    const second = { ...machine(), vmName: "second" };
    expect(await answer(create(second), cloud)).toContain(`NicInUse: Network Interface ${nic} is used`);
    await cloud.create("network:NetworkInterface", "free", nicInputs("free", "10.20.0.5"));
    const third = {
      ...second,
      networkProfile: { networkInterfaces: [{ id: `${arm("network", "networkInterfaces")}/free` }] },
    };
    expect(await answer(create(third), cloud)).toContain(
      `cannot be attached as the disk is already owned by VM '${vm}'`,
    );
    change(third, ["storageProfile"], machine("storageProfile.osDisk.name", "root").storageProfile);
    expect(await answer(create(third), cloud)).toContain("Disk root already exists in resource group BUSAN");
  });

  it("an availability set without managed disks, or in a zone at once", async () => {
    const cloud = await azureSite("koreacentral");
    await cloud.create("compute:AvailabilitySet", "set", { availabilitySetName: "set" });
    await cloud.create("network:NetworkInterface", "nic", nicInputs("nic", "10.20.0.4"));
    const inputs = machine("storageProfile.dataDisks", []);
    expect(await answer(create(inputs), cloud)).toContain("Please create an Availability Set with 'managed' property");
    expect(await answer(create({ ...inputs, zones: ["1"] }), cloud)).toContain("in an availability set and in a zone");
  });

  it("two interfaces without a primary one, a cache on a huge disk, a disk of a zone", async () => {
    const cloud = await azureMachineSite();
    await cloud.create("network:NetworkInterface", "free", nicInputs("free", "10.20.0.5"));
    const two = [{ id: nic }, { id: arm("network", "networkInterfaces/free") }];
    expect(await answer(create(machine("networkProfile.networkInterfaces", two)), cloud)).toContain(
      "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary",
    );
    await cloud.update("compute:Disk", "etcd", etcd, { diskSizeGB: 4096 });
    expect(await answer(create(machine("storageProfile.dataDisks.caching", "ReadOnly")), cloud)).toContain(
      "Only Disk CachingType 'None' is supported",
    );
    const zonal = await azureSite("koreacentral");
    await zonal.create("network:NetworkInterface", "nic", nicInputs("nic", "10.20.0.4"));
    const inputs = { diskName: "etcd", creationData: { createOption: "Empty" }, diskSizeGB: 32 };
    await zonal.create("compute:Disk", "etcd", { ...inputs, zones: ["1"] });
    const { availabilitySet: _, ...free } = machine();
    expect(await answer(create({ ...free, zones: ["2"] }), zonal)).toContain("are not in the same zone");
    expect(await answer(create({ ...free, zones: ["1"] }), zonal)).toBe("accepted");
    expect(zonal.world.get("host", "10.20.0.4")?.properties.zone).toBe("koreacentral-1");
  });

  it("other interfaces, or another address, while it runs", async () => {
    const cloud = await azureMachineSite();
    await create(machine())(cloud);
    await cloud.create("network:NetworkInterface", "free", nicInputs("free", "10.20.0.5"));
    const more = { networkProfile: { networkInterfaces: [{ id: arm("network", "networkInterfaces/free") }] } };
    expect(await answer(update(more), cloud)).toContain("cannot be added or removed while the virtual machine runs");
    const move = (site: AzureCloud) =>
      site.update("network:NetworkInterface", "nic", nic, nicInputs("nic", "10.20.0.9"));
    expect(await answer(move, cloud)).toContain("cannot change its private address from 10.20.0.4 to 10.20.0.9");
  });

  it.each<[rule: string, changes: Properties, property: string]>([
    ["custom data", { osProfile: machine("osProfile.customData", "AAAA").osProfile ?? null }, "osProfile.customData"],
    [
      "the image",
      { storageProfile: machine("storageProfile.imageReference.version", "next").storageProfile ?? null },
      "storageProfile.imageReference",
    ],
    ["the availability set", { availabilitySet: { id: "x" } }, "availabilitySet"],
  ])("a change of %s", async (_, changes, property) => {
    const cloud = await azureMachineSite();
    await create(machine())(cloud);
    expect(await answer(update(changes), cloud)).toBe(
      `PropertyChangeNotAllowed: Changing property '${property}' is not allowed.`,
    );
    expect(await answer(update({ tags: { a: "b" }, hardwareProfile: { vmSize: "Standard_D8s_v5" } }), cloud)).toBe(
      "accepted",
    );
  });

  it("a change of secret custom data, of which the world keeps a fingerprint", async () => {
    const cloud = await azureMachineSite();
    const secret = (text: string) =>
      machine("osProfile.customData", new Secret(Buffer.from(text).toString("base64"))).osProfile ?? null;
    await create({ ...machine(), osProfile: secret("one") })(cloud);
    expect(await answer(update({ osProfile: secret("one") }), cloud)).toBe("accepted");
    expect(await answer(update({ osProfile: secret("two") }), cloud)).toContain(
      "Changing property 'osProfile.customData'",
    );
    const kept = JSON.stringify(cloud.object(vm));
    expect(kept).not.toContain(Buffer.from("one").toString("base64"));
  });
});

describe("a virtual machine and its machine", () => {
  it("is a host with the interface's address, the disks' paths and the decoded custom data", async () => {
    const cloud = await azureMachineSite();
    const { outputs } = await create(machine())(cloud);
    expect(outputs.osProfile).not.toHaveProperty("customData");
    expect(cloud.world.get("host", "10.20.0.4")).toMatchObject({
      type: "machine",
      place: "koreasouth",
      properties: {
        name: "nic",
        address: "10.20.0.4",
        zone: "koreasouth",
        os: "ubuntu-24.04",
        kernel: "6.8.0-1021-azure",
        userData: "#cloud-config\n",
        disks: [{ path: "/dev/disk/azure/scsi1/lun0", sizeGiB: 32 }],
        power: "on",
      },
    });
  });

  it("goes with its file system and its OS disk; slot interface and etcd disk stay", async () => {
    const folder = mkdtempSync(join(tmpdir(), "azure-"));
    try {
      vi.stubEnv("GYEONGBU_WORLD", join(folder, "world.sqlite"));
      mkdirSync(join(folder, "hosts", "10.20.0.4"), { recursive: true });
      const cloud = await azureMachineSite();
      const before = cloud.world.all().length;
      await create(machine())(cloud);
      await cloud.remove("compute:VirtualMachine", "vm", vm);
      expect(existsSync(join(folder, "hosts", "10.20.0.4"))).toBe(false);
      expect(cloud.world.all()).toHaveLength(before);
      expect([nic, etcd].map((id) => cloud.object(id)?.id)).toEqual([nic, etcd]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("leaves its OS disk behind without deleteOption Delete, and takes an interface that has it", async () => {
    const cloud = await azureMachineSite();
    await create({
      ...machine("storageProfile.osDisk.deleteOption"),
      networkProfile: { networkInterfaces: [{ id: nic, deleteOption: "Delete" }] },
    })(cloud);
    await cloud.remove("compute:VirtualMachine", "vm", vm);
    expect(cloud.world.find("azure-native", "azure-native:compute:Disk")).toHaveLength(2);
    expect(cloud.object(nic)).toBeUndefined();
  });

  it("holds its interface, disk and set against deletion", async () => {
    const cloud = await azureMachineSite();
    await create(machine())(cloud);
    const remove = (resource: string, id: string) => answer((site) => site.remove(resource, "x", id), cloud);
    expect(await remove("network:NetworkInterface", nic)).toContain(
      `NicInUse: Network Interface ${nic} is used by existing resource ${vm}`,
    );
    expect(await remove("compute:Disk", etcd)).toBe(`OperationNotAllowed: Disk etcd is attached to VM ${vm}.`);
    expect(await remove("compute:AvailabilitySet", arm("compute", "availabilitySets/set"))).toContain(
      "does not contain any VM",
    );
  });
});

describe("disks and sets that Azure refuses", () => {
  const diskOf = (more: Properties) => ({ creationData: { createOption: "Empty" }, diskSizeGB: 32, ...more });
  it.each<[rule: string, message: string, resource: string, inputs: Properties]>([
    [
      "UltraSSD in Korea South",
      "SKU UltraSSD_LRS is not supported",
      "compute:Disk",
      diskOf({ sku: { name: "UltraSSD_LRS" } }),
    ],
    ["no size", "'disk.diskSizeGB' is missing", "compute:Disk", { creationData: { createOption: "Empty" } }],
    ["a huge size", "'disk.diskSizeGB' is out of range", "compute:Disk", diskOf({ diskSizeGB: 40_000 })],
    [
      "a customer key without a set",
      "'encryption.diskEncryptionSetId' is missing",
      "compute:Disk",
      diskOf({ encryption: { type: "EncryptionAtRestWithCustomerKey" } }),
    ],
    ["a zone in Korea South", "AvailabilityZoneNotSupported", "compute:Disk", diskOf({ zones: ["1"] })],
    [
      "three fault domains of two",
      "must fall in the range 1 to 2",
      "compute:AvailabilitySet",
      { platformFaultDomainCount: 3 },
    ],
    [
      "21 update domains",
      "must fall in the range 1 to 20",
      "compute:AvailabilitySet",
      { platformUpdateDomainCount: 21 },
    ],
    ["an unknown set SKU", "'sku.name' is not allowed", "compute:AvailabilitySet", { sku: { name: "Managed" } }],
  ])("%s", async (_, message, resource, inputs) => {
    const cloud = await azureSite();
    expect(await answer((site) => site.create(resource, "x", inputs), cloud)).toContain(message);
  });

  it("other domains in a set that exists", async () => {
    const cloud = await azureMachineSite();
    const set = arm("compute", "availabilitySets/set");
    const change = (changes: Properties) =>
      answer((site) => site.update("compute:AvailabilitySet", "set", set, changes), cloud);
    expect(await change({ platformFaultDomainCount: 1 })).toContain("'platformFaultDomainCount' is not allowed");
    expect(await change({ platformUpdateDomainCount: 4 })).toContain("'platformUpdateDomainCount' is not allowed");
    expect(await change({ tags: { a: "b" } })).toBe("accepted");
  });

  it("shrinking a disk, not growing it", async () => {
    const cloud = await azureMachineSite();
    expect(await answer((site) => site.update("compute:Disk", "etcd", etcd, { diskSizeGB: 16 }), cloud)).toContain(
      "cannot shrink",
    );
    expect(await answer((site) => site.update("compute:Disk", "etcd", etcd, { diskSizeGB: 64 }), cloud)).toBe(
      "accepted",
    );
  });
});
