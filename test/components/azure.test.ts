import { describe, expect, it } from "vitest";
import type { AzureSiteSpec } from "../../components/config/schema.ts";
import { AzureFirewall } from "../../components/network/azure-firewall.ts";
import { AzureLoadBalancers } from "../../components/network/azure-load-balancers.ts";
import { AzureNetwork } from "../../components/network/azure-network.ts";
import { azureRules } from "../../components/network/azure-rules.ts";
import { firewallRules } from "../../components/network/firewall.ts";
import { planSlots } from "../../components/network/plan.ts";
import { etcdDiskTier } from "../../components/nodes/azure-machine.ts";
import { AzureNodes } from "../../components/nodes/azure-nodes.ts";
import { type DeployOptions, deploy, named, ofType, type Recorded, resolved } from "../support/deploy.ts";
import { awsSite, azureSite, type Config, within } from "../support/stacks.ts";

const peers = [awsSite()];

function build(site: AzureSiteSpec) {
  const network = new AzureNetwork(site.name, { site });
  const firewall = new AzureFirewall(site.name, { site, peers, network });
  const loadBalancers = new AzureLoadBalancers(site.name, { site, network });
  const userData = (machine: string) => `#cloud-config ${machine}`;
  const sshPublicKey = "ssh-ed25519 AAAA";
  const nodes = new AzureNodes(site.name, { site, network, firewall, loadBalancers, userData, sshPublicKey });
  return { network, nodes };
}

const outputs: NonNullable<DeployOptions["outputs"]> = ({ type, name }) => ({
  name: type.includes("Subnet") ? name : `${name}-named`,
  ipAddress: "198.51.100.9",
  vmId: `${name}-uuid`,
});
const siteOf = (config: Config) => within(config, "gyeongbu:site");
const run = (edit?: (config: Config) => void) => {
  const site = azureSite(edit);
  return deploy(() => build(site), { outputs });
};
/** The shipped file's site. */
const { result, resources } = await run();

const subnetType = "azure-native:network:Subnet";
const routeType = "azure-native:network:Route";
const vmType = "azure-native:compute:VirtualMachine";
const nicType = "azure-native:network:NetworkInterface";

describe("AzureNetwork", () => {
  it("holds the pod range in the VNet, with no subnet in it", () => {
    const [network] = ofType(resources, "azure-native:network:VirtualNetwork");
    expect(network?.inputs).toMatchObject({ addressSpace: { addressPrefixes: ["10.20.0.0/16", "10.129.0.0/16"] } });
    expect(network?.inputs).not.toHaveProperty("subnets");
    expect(ofType(resources, subnetType).map(({ inputs }) => [inputs.subnetName, inputs.addressPrefix])).toEqual([
      ["GatewaySubnet", "10.20.250.0/27"],
      ["bastion", "10.20.240.0/24"],
      ["node", "10.20.0.0/20"],
    ]);
  });

  it("gives machines no way out but the NAT gateway that the file asks for", async () => {
    const machines = ofType(resources, subnetType).filter(({ inputs }) => inputs.subnetName !== "GatewaySubnet");
    expect(machines.map(({ inputs }) => inputs.defaultOutboundAccess)).toEqual([false, false]);
    expect(named(resources, subnetType, "dr-busan-node").inputs.natGateway).toEqual({ id: "dr-busan-nat-id" });

    const closed = await run((config) => {
      siteOf(config).egress = "none";
    });
    expect(ofType(closed.resources, "azure-native:network:NatGateway")).toEqual([]);
    expect(named(closed.resources, subnetType, "dr-busan-node").inputs).not.toHaveProperty("natGateway");
  });

  it("writes the subnets one after another", () => {
    const inOrder = ["GatewaySubnet", "node", "bastion"].map((noun) =>
      named(resources, subnetType, `dr-busan-${noun}`),
    );
    const waitsFor = inOrder.map(({ dependencies }) => dependencies.filter((urn) => urn.includes(":Subnet::")));
    expect(waitsFor.map((urns) => urns.map((urn) => urn.split("::").at(-1)))).toEqual([
      [],
      ["dr-busan-GatewaySubnet"],
      ["dr-busan-node"],
    ]);
  });

  it("lets the gateway's routes into both tables and lists none inside them", () => {
    const tables = ofType(resources, "azure-native:network:RouteTable");
    expect(tables.map(({ name, inputs }) => [name, inputs.disableBgpRoutePropagation, "routes" in inputs])).toEqual([
      ["dr-busan-gateway", false, false],
      ["dr-busan-node", false, false],
    ]);
    expect(named(resources, subnetType, "dr-busan-GatewaySubnet").inputs.routeTable).toEqual({
      id: "dr-busan-gateway-id",
    });
    expect(named(resources, subnetType, "dr-busan-node").inputs.routeTable).toEqual({ id: "dr-busan-node-id" });
  });

  it("exports what the interconnect asks for", async () => {
    expect(await resolved(result.network.link)).toEqual({
      platform: "azure",
      location: "koreasouth",
      resourceGroupName: "dr-busan-named",
      gatewaySubnetId: "dr-busan-GatewaySubnet-id",
    });
  });
});

describe("azureRules", () => {
  const site = azureSite();
  const rules = firewallRules(site, peers);

  it.each([
    "control-plane",
    "worker",
    "bastion",
  ] as const)("turns every rule of %s into one, and denies the rest", (group) => {
    const made = azureRules(rules, group);
    for (const direction of ["Inbound", "Outbound"] as const) {
      const some = made.filter((rule) => rule.direction === direction);
      expect(new Set(some.map(({ priority }) => priority)).size).toBe(some.length);
      expect(some.at(-1)).toMatchObject({
        access: "Deny",
        priority: 4096,
        protocol: "*",
        sourceAddressPrefix: "*",
        destinationAddressPrefix: "*",
        destinationPortRange: "*",
      });
      expect(some.slice(0, -1).every(({ access, priority }) => access === "Allow" && priority >= 100)).toBe(true);
    }
    const remotes = made
      .filter(({ access }) => access === "Allow")
      .flatMap((rule) => {
        const { sourceAddressPrefix, sourceAddressPrefixes, destinationAddressPrefix, destinationAddressPrefixes } =
          rule;
        const source = sourceAddressPrefixes ?? [sourceAddressPrefix];
        const destination = destinationAddressPrefixes ?? [destinationAddressPrefix];
        return (rule.direction === "Inbound" ? source : destination).map(
          (remote) => `${rule.name} ${remote ?? "none"}`,
        );
      });
    const planned = rules
      .filter((rule) => rule.group === group)
      .map(({ row, direction, remote }) => `${row}-${direction === "ingress" ? "in" : "out"} ${remote}`);
    expect(remotes.sort()).toEqual(planned.sort());
  });

  it("writes ports, protocols and both ends as Azure takes them", () => {
    const made = azureRules(rules, "worker");
    const byName = (name: string) => made.find((rule) => rule.name === name);
    expect(byName("ssh-in")).toMatchObject({
      protocol: "Tcp",
      destinationPortRange: "22",
      sourceAddressPrefix: "10.20.240.10/32",
      destinationAddressPrefix: "10.20.0.0/20",
    });
    expect(byName("metrics-in")).toMatchObject({ destinationPortRange: "9962-9965" });
    expect(byName("health-icmp-in")).toMatchObject({ protocol: "Icmp", destinationPortRange: "*" });
    expect(byName("host-to-pod-in")).toMatchObject({
      protocol: "Tcp",
      destinationAddressPrefix: "10.129.0.0/16",
    });
    // Probes come from the platform's address, clients with their own.
    expect(byName("mesh-backend-in")).toMatchObject({
      sourceAddressPrefix: "168.63.129.16/32",
      destinationPortRange: "32379",
    });
    expect(byName("mesh-in")).toMatchObject({ sourceAddressPrefix: "10.10.0.0/18", destinationPortRange: "32379" });
  });

  it("is what each group holds, and no rule stands outside a group", () => {
    const groups = ofType(resources, "azure-native:network:NetworkSecurityGroup");
    expect(groups.map(({ name, inputs }) => [name, inputs.securityRules])).toEqual(
      (["bastion", "control-plane", "worker"] as const).map((group) => [`dr-busan-${group}`, azureRules(rules, group)]),
    );
    expect(ofType(resources, "azure-native:network:SecurityRule")).toEqual([]);
  });
});

describe("AzureLoadBalancers", () => {
  const [balancer] = ofType(resources, "azure-native:network:LoadBalancer");
  const id = "dr-busan-id/providers/Microsoft.Network/loadBalancers/dr-busan-internal";

  it("stands at the planned addresses and forwards each port to its pool, probed", () => {
    expect(balancer?.protect).toBe(true);
    expect(balancer?.inputs).toMatchObject({
      loadBalancerName: "dr-busan-internal",
      sku: { name: "Standard" },
      frontendIPConfigurations: [
        { name: "api", privateIPAddress: "10.20.0.8", privateIPAllocationMethod: "Static" },
        { name: "mesh", privateIPAddress: "10.20.0.9", privateIPAllocationMethod: "Static" },
      ],
      probes: [
        { name: "api", protocol: "Tcp", port: 6443 },
        { name: "mesh", protocol: "Tcp", port: 32_379 },
      ],
      loadBalancingRules: ["api", "mesh"].map((noun, index) => ({
        name: noun,
        protocol: "Tcp",
        frontendPort: [8443, 2379][index],
        backendPort: [6443, 32_379][index],
        frontendIPConfiguration: { id: `${id}/frontendIPConfigurations/${noun}` },
        backendAddressPool: { id: `${id}/backendAddressPools/${noun}` },
        probe: { id: `${id}/probes/${noun}` },
      })),
    });
  });

  it("has control planes behind the API and workers behind the mesh", () => {
    for (const slot of planSlots(azureSite())) {
      const pool = slot.role === "control-plane" ? "api" : "mesh";
      expect(named(resources, nicType, slot.name).inputs).toMatchObject({
        ipConfigurations: [
          { loadBalancerBackendAddressPools: [{ id: `dr-busan-internal-id/backendAddressPools/${pool}` }] },
        ],
      });
    }
  });
});

describe("AzureNodes", () => {
  it("routes every slot's pods to its address in both tables, one write at a time per table", () => {
    const slots = planSlots(azureSite());
    for (const kind of ["node", "gateway"]) {
      const routes = slots.map(({ name }) => named(resources, routeType, `${name}-${kind}`));
      expect(routes.map(({ inputs }) => inputs)).toEqual(
        slots.map(({ name, address, podCidr }) => ({
          resourceGroupName: "dr-busan-named",
          routeTableName: `dr-busan-${kind}-named`,
          routeName: name,
          addressPrefix: podCidr,
          nextHopType: "VirtualAppliance",
          nextHopIpAddress: address,
        })),
      );
      const waitsFor = routes.map(({ dependencies }) => dependencies.filter((urn) => urn.includes(":Route::")));
      expect(waitsFor.map((urns) => urns.map((urn) => urn.split("::").at(-1)))).toEqual(
        slots.map((_, index) => (index === 0 ? [] : [`${slots[index - 1]?.name}-${kind}`])),
      );
      expect(routes[0]?.dependencies.some((urn) => urn.includes(":Subnet::"))).toBe(true);
    }
  });

  it("gives every slot its fixed address, its role's rules and forwarding", () => {
    for (const slot of planSlots(azureSite())) {
      expect(named(resources, nicType, slot.name).inputs).toMatchObject({
        enableIPForwarding: true,
        enableAcceleratedNetworking: true,
        networkSecurityGroup: { id: `dr-busan-${slot.role}-id` },
        ipConfigurations: [{ privateIPAllocationMethod: "Static", privateIPAddress: slot.address }],
      });
    }
  });

  it("makes machines by key only, keeps them when image or user data change, and protects control planes", () => {
    const machines = ofType(resources, vmType);
    expect(machines).toHaveLength(8);
    for (const { name, inputs, ignoreChanges, protect, deleteBeforeReplace } of machines) {
      expect(inputs).toMatchObject({
        osProfile: {
          computerName: name,
          customData: Buffer.from(`#cloud-config ${name}`).toString("base64"),
          linuxConfiguration: { disablePasswordAuthentication: true },
        },
        networkProfile: { networkInterfaces: [{ id: `${name}-id`, deleteOption: "Detach" }] },
      });
      expect(ignoreChanges).toEqual(["storageProfile.imageReference", "osProfile.customData"]);
      expect(deleteBeforeReplace).toBe(true);
      expect(protect).toBe(name.includes("-control-"));
    }
  });

  it("spreads each pool over the fault domains in a set of its own", () => {
    const sets = ofType(resources, "azure-native:compute:AvailabilitySet");
    expect(sets.map(({ name, inputs }) => [name, inputs.platformFaultDomainCount])).toEqual([
      ["dr-busan-app", 2],
      ["dr-busan-control", 2],
    ]);
    for (const { name, pool } of planSlots(azureSite())) {
      expect(named(resources, vmType, name).inputs.availabilitySet).toEqual({ id: `dr-busan-${pool}-id` });
    }
  });

  it("puts etcd on a protected disk without a cache, at a tier with enough IOPS", () => {
    const disks = ofType(resources, "azure-native:compute:Disk");
    expect(disks.map(({ name, protect }) => [name, protect])).toEqual(
      [0, 1, 2].map((ordinal) => [`dr-busan-control-${ordinal}-etcd`, true]),
    );
    expect(disks[0]?.inputs).toMatchObject({ diskSizeGB: 32, tier: "P10", networkAccessPolicy: "DenyAll" });
    for (const { slot, etcdDevice } of result.nodes.nodes) {
      const isControlPlane = slot.role === "control-plane";
      expect(etcdDevice).toBe(isControlPlane ? "/dev/disk/azure/scsi1/lun0" : undefined);
      expect(named(resources, vmType, slot.name).inputs.storageProfile).toMatchObject({
        dataDisks: isControlPlane
          ? [{ lun: 0, caching: "None", createOption: "Attach", managedDisk: { id: `${slot.name}-etcd-id` } }]
          : [],
      });
    }
  });

  it.each([
    [8, "P10"],
    [127, "P10"],
    [128, undefined],
    [256, undefined],
  ])("gives a disk of %i GiB the tier %s", (sizeGiB, tier) => {
    expect(etcdDiskTier(sizeGiB)).toBe(tier);
  });

  it("knows a machine by an id that a replacement changes", async () => {
    expect(await resolved(result.nodes.nodes[0]?.machineId)).toBe("dr-busan-control-0-uuid");
  });

  it("has a bastion with a public address, or none where a jump host is given", async () => {
    expect(await resolved(result.nodes.bastion?.publicAddress)).toBe("198.51.100.9");
    const jump = await run((config) => {
      siteOf(config).access = { kind: "jump-host", address: "10.9.0.5", user: "ops", hostKey: "ssh-ed25519 AAAA" };
    });
    expect(jump.result.nodes.bastion).toBeUndefined();
    expect(jump.resources.filter(({ name }) => name.includes("bastion"))).toEqual([]);
  });

  it("shows the same resources in a preview, when nothing is known yet", async () => {
    const list = (all: readonly Recorded[]) => all.map(({ type, name }) => `${type} ${name}`);
    const preview = await deploy(() => build(azureSite()), { preview: true });
    expect(list(preview.resources)).toEqual(list(resources));
  });
});
