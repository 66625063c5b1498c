import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStackFile } from "../../../components/config/parse.ts";
import { bounds, Cidr, type Ipv4 } from "../../../components/network/cidr.ts";
import { assemble, readParts, sitesOf, stackResources } from "../../../proof/network/assemble.ts";
import { readAzure } from "../../../proof/network/azure.ts";
import { azureComparison, vpnGatewayComparison } from "../../../proof/network/azure-comparison.ts";
import { complement, filterId } from "../../../proof/network/azure-firewall.ts";
import { addressNumber } from "../../../proof/network/blocks.ts";
import { type Comparison, type NetworkModel, named } from "../../../proof/network/model.ts";
import { type Leg, Paths } from "../../../proof/network/path.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import { withInput } from "../../support/mutations.ts";
import { recordedShipped, recordStacks } from "../../support/recorded.ts";
import { type Config, stackText, within } from "../../support/stacks.ts";

const network = "azure-native:network:";
const nicType = `${network}NetworkInterface`;
const routeType = `${network}Route`;
const subnetType = `${network}Subnet`;
const groupType = `${network}NetworkSecurityGroup`;
const balancerType = `${network}LoadBalancer`;
const gatewayType = `${network}VirtualNetworkGateway`;
const localType = `${network}LocalNetworkGateway`;
const connectionType = `${network}VirtualNetworkGatewayConnection`;
const vmType = "azure-native:compute:VirtualMachine";

const shipped = await recordedShipped();

function idOf(type: string, name: string): string {
  const found = shipped.flatMap(({ resources }) => resources).find((one) => one.type === type && one.name === name);
  if (!found) throw new RangeError(`no ${type} is called ${name}`);
  return found.id;
}

function part(stacks: readonly PlannedStack[]) {
  return readAzure(stackResources(stacks), stacks);
}

function flaws(stacks: readonly PlannedStack[]): string[] {
  return part(stacks).flaws.map(({ origin, message }) => `${named(origin)}: ${message}`);
}

function modelOf(stacks: readonly PlannedStack[]): NetworkModel {
  const parts = readParts(stacks, stackResources(stacks));
  return assemble(sitesOf(stacks), parts, parts.tunnels);
}

/** How a packet fares that the interface at `from` sends. */
function send(stacks: readonly PlannedStack[], from: string, source: string, to: string): Leg[] {
  const model = modelOf(stacks);
  const port = [...model.ports.values()].find(({ label }) => label === from);
  if (!port) throw new RangeError(`no interface is called ${from}`);
  return new Paths(model).send(port, number(source), number(to));
}

function number(address: string): number {
  const value = addressNumber(address);
  if (value === undefined) throw new RangeError(`${address} is no address`);
  return value;
}

function ends(legs: readonly Leg[]): string[] {
  return legs.map(({ end }) => (end.kind === "port" ? end.port.label : end.kind === "dropped" ? end.reason : end.kind));
}

const app0 = { name: "dr-busan-app-0", node: "10.20.0.32", pod: "10.129.16.9" };
const app1 = { name: "dr-busan-app-1", node: "10.20.0.33", pod: "10.129.17.9" };

describe("the shipped Azure site", () => {
  it("has no flaw, and every part of a network", () => {
    const { flaws: found, networks, ports, filters, frontEnds, nats, entries, tunnelEnds, routers } = part(shipped);
    expect(found).toEqual([]);
    expect(networks.map(({ blocks }) => blocks)).toEqual([["10.20.0.0/16", "10.129.0.0/16"]]);
    expect(ports.map(({ label, address }) => `${label} ${address}`)).toContain("dr-busan-app-3 10.20.0.35");
    expect(filters).toHaveLength(3);
    expect(frontEnds.map(({ number: port, targets }) => [port, targets.length])).toEqual([
      [8443, 3],
      [2379, 4],
    ]);
    expect(nats).toHaveLength(1);
    expect(entries.map(({ site }) => site)).toEqual(["dr-busan"]);
    expect(routers).toHaveLength(4);
    expect(tunnelEnds.map(({ address, peerAddress }) => `${address ?? ""} ${peerAddress ?? ""}`)).toEqual([
      "169.254.21.2 169.254.21.1",
      "169.254.22.2 169.254.22.1",
      "169.254.21.6 169.254.21.5",
      "169.254.22.6 169.254.22.5",
    ]);
    expect(tunnelEnds.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it("brings a pod's packet to the node of another pod", () => {
    expect(ends(send(shipped, app0.name, app0.pod, app1.pod))).toEqual([app1.name]);
  });

  it("brings a packet out of a tunnel to the pod's node, by the gateway subnet's own table", () => {
    const model = modelOf(shipped);
    const [entry] = model.entries.filter(({ site }) => site === "dr-busan");
    const legs = new Paths(model).enter(entry?.router ?? "", number("10.10.0.16"), number(app1.pod), "a tunnel");
    expect(ends(legs)).toEqual([app1.name]);
  });

  it("sends to the peer by the gateway, and to the Internet by NAT", () => {
    const [leg] = send(shipped, app0.name, app0.node, "10.10.0.16");
    expect(leg?.hops.join("\n")).toContain("VPN gateway interconnect-azure");
    expect(ends(send(shipped, app0.name, app0.node, "198.51.100.1"))).toEqual(["internet"]);
  });

  it("gives the bastion, which has no NAT, a way out by its own address only", () => {
    expect(ends(send(shipped, "dr-busan-bastion", "10.20.240.10", "198.51.100.1"))).toEqual(["internet"]);
    const alone = withInput(shipped, nicType, "dr-busan-bastion", "ipConfigurations.0.publicIPAddress", undefined);
    expect(ends(send(alone, "dr-busan-bastion", "10.20.240.10", "198.51.100.1"))).toEqual([
      "10.20.240.10 has no public address to leave with",
    ]);
  });
});

describe("routes", () => {
  const added = (inputs: Record<string, unknown>): PlannedStack[] =>
    shipped.map((stack) => ({
      ...stack,
      resources: stack.resources.flatMap((resource) =>
        resource.type === `${network}RouteTable` && resource.name === "dr-busan-node"
          ? [
              resource,
              {
                ...resource,
                type: routeType,
                name: "added",
                id: "/plan/Route/added",
                inputs: {
                  resourceGroupName: "dr-busan",
                  routeTableName: "dr-busan-node",
                  routeName: "added",
                  ...inputs,
                },
              },
            ]
          : [resource],
      ),
    }));

  it("prefer the longest prefix, then what is written, then what BGP says, then Azure's own", () => {
    const to = (prefix: string, nextHopType: string) => added({ addressPrefix: prefix, nextHopType });
    expect(ends(send(to("10.10.0.0/16", "None"), app0.name, app0.node, "10.10.0.16"))).toEqual([
      "route added leads nowhere",
    ]);
    const [wider] = send(to("10.8.0.0/13", "None"), app0.name, app0.node, "10.10.0.16");
    expect(wider?.hops.join("\n")).toContain("VPN gateway");
    expect(ends(send(to("10.129.17.0/25", "None"), app0.name, app0.pod, app1.pod))).toEqual([
      "route added leads nowhere",
    ]);
    expect(ends(send(to("10.129.0.0/16", "None"), app0.name, app0.pod, app1.pod))).toEqual([app1.name]);
  });

  it("without a pod's own route find nobody in the network", () => {
    const route = { type: routeType, name: "dr-busan-app-1-node" };
    const lost = withInput(shipped, route.type, route.name, "addressPrefix", "10.129.99.0/24");
    expect(ends(send(lost, app0.name, app0.pod, app1.pod))).toEqual(["no interface in VNet dr-busan has 10.129.17.9"]);
  });

  it("let private space beyond the network leak nowhere", () => {
    expect(ends(send(shipped, app0.name, app0.node, "10.99.0.1"))).toEqual([
      "Azure's own route for 10.0.0.0/8 leads nowhere",
    ]);
  });

  it("end at interfaces that forward", () => {
    const off = withInput(shipped, nicType, app1.name, "enableIPForwarding", false);
    expect(ends(send(off, app0.name, app0.pod, app1.pod))[0]).toMatch(/takes no packet but for its own address/);
    expect(ends(send(off, app1.name, app1.pod, app0.pod))[0]).toMatch(/may send from no address but its own/);
  });

  it("of the gateway come only where the table takes them", () => {
    const off = withInput(shipped, `${network}RouteTable`, "dr-busan-node", "disableBgpRoutePropagation", true);
    expect(ends(send(off, app0.name, app0.node, "10.10.0.16"))).toEqual([
      "Azure's own route for 10.0.0.0/8 leads nowhere",
    ]);
  });
});

describe("security groups", () => {
  const worker = (stacks: readonly PlannedStack[]) => {
    const id = filterId(idOf(groupType, "dr-busan-worker"), idOf(`${network}VirtualNetwork`, "dr-busan"));
    return part(stacks).filters.find((filter) => filter.id === id);
  };
  const rules = (access: string, source: string) => [
    {
      name: "one",
      priority: 100,
      direction: "Inbound",
      access,
      protocol: "*",
      sourcePortRange: "*",
      destinationPortRange: "22",
      sourceAddressPrefix: source,
      destinationAddressPrefix: "*",
    },
  ];
  const only = (access: string, source: string) =>
    withInput(shipped, groupType, "dr-busan-worker", "securityRules", rules(access, source));

  it("end with Azure's own rules", () => {
    expect(
      worker(only("Allow", "*"))
        ?.rules.filter(({ implied }) => implied)
        .map(({ priority }) => priority),
    ).toEqual([65_000, 65_001, 65_500, 65_000, 65_001, 65_500]);
  });

  it("mean TCP and UDP where a rule for all protocols names a port", () => {
    const own = worker(only("Allow", "*"))?.rules.filter(({ implied }) => !implied);
    expect(own?.map(({ protocol, ranges }) => [protocol, ranges])).toEqual([
      ["tcp", [[22, 22]]],
      ["udp", [[22, 22]]],
    ]);
  });

  it.each([
    ["*", ["0.0.0.0/0"]],
    ["AzureLoadBalancer", ["168.63.129.16/32"]],
    ["VirtualNetwork", ["10.20.0.0/16", "10.129.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]],
    ["203.0.113.7", ["203.0.113.7/32"]],
  ])("read the source %s", (word, blocks) => {
    expect(worker(only("Allow", word))?.rules[0]?.sources).toEqual(blocks);
  });

  it("know the Internet as everything else", () => {
    const block = fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 32 })).map(([address, length]) => {
      const first = address - (address % 2 ** (32 - length));
      return Cidr.parse(`${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${length}`);
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), fc.nat({ max: 2 ** 32 - 1 }), (blocks, address) => {
        const holds = (list: readonly Cidr[]) =>
          list.filter((one) => bounds(one)[0] <= address && address <= bounds(one)[1]);
        expect(holds(complement(blocks)).length).toBe(holds(blocks).length > 0 ? 0 : 1);
      }),
    );
  });
});

/** A change to one input, and what the flaw must name. */
const wrong: readonly [what: string, type: string, name: string, place: string, value: unknown, message: RegExp][] = [
  [
    "an address of another subnet",
    nicType,
    app0.name,
    "ipConfigurations.0.privateIPAddress",
    "10.20.16.4",
    /10\.20\.16\.4 is none that subnet node/,
  ],
  [
    "an address of Azure's",
    nicType,
    app0.name,
    "ipConfigurations.0.privateIPAddress",
    "10.20.0.3",
    /10\.20\.0\.3 is none that subnet node/,
  ],
  [
    "an address twice",
    nicType,
    app0.name,
    "ipConfigurations.0.privateIPAddress",
    app1.node,
    /10\.20\.0\.33 is dr-busan-app-0's/,
  ],
  [
    "an address that Azure chooses",
    nicType,
    app0.name,
    "ipConfigurations.0.privateIPAllocationMethod",
    "Dynamic",
    /privateIPAllocationMethod \(Dynamic\)/,
  ],
  [
    "a subnet that is not there",
    nicType,
    app0.name,
    "ipConfigurations.0.subnet.id",
    "/plan/none",
    /\/plan\/none, which is not in the plan/,
  ],
  [
    "a group that is not there",
    nicType,
    app0.name,
    "networkSecurityGroup.id",
    "/plan/none",
    /networkSecurityGroup\.id refers to \/plan\/none/,
  ],
  ["no group at all", nicType, app0.name, "networkSecurityGroup", undefined, /has no network security group/],
  [
    "a pool that is not there",
    nicType,
    app0.name,
    "ipConfigurations.0.loadBalancerBackendAddressPools.0.id",
    "/plan/none/backendAddressPools/api",
    /no pool of the plan/,
  ],
  ["an input that nobody knows", nicType, app0.name, "virtualNetworkTap", { id: "x" }, /virtualNetworkTap/],
  [
    "another machine's interface",
    vmType,
    app0.name,
    "networkProfile.networkInterfaces.0.id",
    idOf(nicType, "dr-busan-app-1"),
    /is used more than once/,
  ],
  [
    "a subnet beside its network",
    subnetType,
    "dr-busan-node",
    "addressPrefix",
    "10.21.0.0/20",
    /lies outside of dr-busan/,
  ],
  ["a subnet over another", subnetType, "dr-busan-bastion", "addressPrefix", "10.20.0.0/24", /overlaps/],
  ["Azure's default way out", subnetType, "dr-busan-node", "defaultOutboundAccess", true, /default way out/],
  [
    "a small gateway subnet",
    subnetType,
    "dr-busan-GatewaySubnet",
    "addressPrefix",
    "10.20.250.0/28",
    /smaller than a \/27/,
  ],
  [
    "a table that is not there",
    subnetType,
    "dr-busan-node",
    "routeTable.id",
    "/plan/none",
    /routeTable\.id refers to \/plan\/none/,
  ],
  [
    "a route of no table",
    routeType,
    "dr-busan-app-0-node",
    "routeTableName",
    "none",
    /routeTableName none is no table/,
  ],
  [
    "a hop without a type for it",
    routeType,
    "dr-busan-app-0-node",
    "nextHopType",
    "VnetLocal",
    /nextHopType VnetLocal and nextHopIpAddress 10\.20\.0\.32/,
  ],
  [
    "two routes for one block",
    routeType,
    "dr-busan-app-0-node",
    "addressPrefix",
    "10.129.17.0/24",
    /10\.129\.17\.0\/24 is dr-busan-app/,
  ],
  [
    "a default route at the gateway",
    routeType,
    "dr-busan-app-0-gateway",
    "addressPrefix",
    "0.0.0.0/0",
    /default route on the gateway's subnet/,
  ],
  ["one priority twice", groupType, "dr-busan-worker", "securityRules.1.priority", 100, /has priority 100, as ssh-in/],
  [
    "a rule for source ports",
    groupType,
    "dr-busan-worker",
    "securityRules.0.sourcePortRange",
    "22",
    /matches source ports 22/,
  ],
  [
    "a tag that nobody knows",
    groupType,
    "dr-busan-worker",
    "securityRules.0.sourceAddressPrefix",
    "Storage",
    /Storage is neither a block nor a service tag/,
  ],
  [
    "a probe from elsewhere",
    groupType,
    "dr-busan-worker",
    "securityRules.18.sourceAddressPrefix",
    "168.63.129.17/32",
    /probes of dr-busan-internal .* are dropped by NSG dr-busan-worker \(rule deny-rest-in\)/,
  ],
  [
    "a probe of another port",
    balancerType,
    "dr-busan-internal",
    "probes.0.port",
    6444,
    /asks port 6444, and what answers listens on 6443/,
  ],
  [
    "a probe of nobody",
    balancerType,
    "dr-busan-internal",
    "loadBalancingRules.0.probe.id",
    "/plan/none",
    /probe refers to \/plan\/none/,
  ],
  [
    "floating addresses",
    balancerType,
    "dr-busan-internal",
    "loadBalancingRules.0.enableFloatingIP",
    true,
    /enableFloatingIP/,
  ],
  [
    "a front end in no subnet",
    balancerType,
    "dr-busan-internal",
    "frontendIPConfigurations.0.privateIPAddress",
    "10.20.16.8",
    /10\.20\.16\.8 is not in subnet node/,
  ],
  ["one gateway machine", gatewayType, "interconnect-azure", "activeActive", false, /activeActive/],
  [
    "an APIPA address that Azure refuses",
    gatewayType,
    "interconnect-azure",
    "bgpSettings.bgpPeeringAddresses.0.customBgpIpAddresses.0",
    "169.254.20.2",
    /169\.254\.20\.2 is not in/,
  ],
  [
    "static routes into a tunnel",
    localType,
    "interconnect-instance0-tunnel1",
    "localNetworkAddressSpace.addressPrefixes",
    ["10.0.0.0/8"],
    /static routes/,
  ],
  [
    "a group in the wrong place",
    nicType,
    app0.name,
    "location",
    "koreacentral",
    /location koreacentral is not its group's koreasouth/,
  ],
];

describe("flaws", () => {
  it.each(wrong)("%s", (_, type, name, place, value, message) => {
    expect(flaws(withInput(shipped, type, name, place, value)).join("\n")).toMatch(message);
  });

  it.each([
    "azure-native:network/v20240501:Route",
    "azure-native:network:VirtualNetworkPeering",
    "azure:network/route:Route",
  ])("include a resource of type %s, which the proof cannot read", (type) => {
    const stacks = shipped.map((stack) =>
      stack.file.stack === "dr-busan"
        ? { ...stack, resources: [...stack.resources, { id: "x", type, name: "added", inputs: {}, parent: "" }] }
        : stack,
    );
    expect(flaws(stacks)).toEqual([`${type} added (stack dr-busan): is of a type that the proof does not know`]);
  });

  it("are none where the change is as good", () => {
    const other = withInput(shipped, nicType, app0.name, "ipConfigurations.0.privateIPAddress", "10.20.0.99");
    expect(flaws(other)).toEqual([]);
  });
});

/** A change to a tunnel's end, and what its problem must name. */
const down: readonly [type: string, name: string, place: string, value: unknown, message: RegExp][] = [
  [
    localType,
    "interconnect-instance0-tunnel1",
    "bgpSettings.bgpPeeringAddress",
    "169.254.21.3",
    /no BGP address of it is in a \/30 with the peer's 169\.254\.21\.3/,
  ],
  [
    connectionType,
    "interconnect-instance0-tunnel1",
    "gatewayCustomBgpIpAddresses.1",
    undefined,
    /one entry for each machine/,
  ],
  [
    connectionType,
    "interconnect-instance0-tunnel1",
    "gatewayCustomBgpIpAddresses.0.customBgpIpAddress",
    "169.254.21.6",
    /169\.254\.21\.6 is no BGP address of instance0/,
  ],
  [connectionType, "interconnect-instance0-tunnel1", "ipsecPolicies.0.ipsecIntegrity", "SHA256", /must be GCMAES256/],
  [
    connectionType,
    "interconnect-instance0-tunnel1",
    "localNetworkGateway2.id",
    idOf(localType, "interconnect-instance0-tunnel2"),
    /is interconnect-instance0-tunnel2's, too/,
  ],
  [localType, "interconnect-instance0-tunnel1", "bgpSettings.asn", 65_515, /65515 is reserved/],
];

describe("tunnels", () => {
  it.each(down)("%s %s %s", (type, name, place, value, message) => {
    const { tunnelEnds } = part(withInput(shipped, type, name, place, value));
    expect(tunnelEnds.flatMap(({ problems }) => problems).join("\n")).toMatch(message);
  });
});

describe("two interconnects in one plan", () => {
  it("are read apart, though their parts have the same names and BGP addresses", async () => {
    const copy = (stack: string, as: string, edit: (config: Config) => void) => {
      const parsed = parseStackFile(`Pulumi.${as}.yaml`, stackText(stack, edit));
      if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings));
      return parsed.stack;
    };
    const site = (number: number, name: string, peer: string) => (config: Config) => {
      const network = {
        nodes: `10.${number}.0.0/16`,
        pods: `10.${100 + number}.0.0/16`,
        services: `172.${number}.0.0/16`,
      };
      Object.assign(within(config, "gyeongbu:site"), { name, id: number, network });
      Object.assign(within(config, "gyeongbu:site", "mesh"), { peers: [peer] });
    };
    const join = (aws: string, azure: string) => (config: Config) => {
      Object.assign(within(config, "gyeongbu:interconnect", "aws"), { site: aws });
      Object.assign(within(config, "gyeongbu:interconnect", "azure"), { site: azure });
    };
    const pairs = [
      copy("prod-seoul", "one-aws", site(21, "one-aws", "one-azure")),
      copy("dr-busan", "one-azure", site(22, "one-azure", "one-aws")),
      copy("interconnect", "one", join("one-aws", "one-azure")),
      copy("prod-seoul", "two-aws", site(23, "two-aws", "two-azure")),
      copy("dr-busan", "two-azure", site(24, "two-azure", "two-aws")),
      copy("interconnect", "two", join("two-aws", "two-azure")),
    ];
    const stacks = await recordStacks(pairs);
    const { flaws: found, tunnelEnds } = part(stacks);
    expect(found).toEqual([]);
    expect(tunnelEnds.map(({ problems }) => problems)).toEqual(Array.from({ length: 8 }, () => []));
    expect(new Set(tunnelEnds.map(({ own }) => own)).size).toBe(4);
  });
});

describe("the comparison with the stack files", () => {
  const compare = (stacks: readonly PlannedStack[]): string[] => {
    const sites = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
    const azure = sites.find(({ platform }) => platform === "azure");
    const link = stacks.flatMap(({ file }) => (file.kind === "interconnect" ? [file.spec] : []))[0];
    if (azure?.platform !== "azure" || !link)
      throw new RangeError("the shipped stacks have an Azure site and an interconnect");
    const resources = stackResources(stacks);
    const peers = sites.filter(({ name }) => name !== azure.name);
    return [
      azureComparison(azure.name, azure, peers, resources),
      vpnGatewayComparison("interconnect", link, azure, resources),
    ].flatMap(difference);
  };
  const difference = ({ planned, found }: Comparison) => {
    const [wanted, there] = [planned, found].map((lines) => new Set(lines.map(({ text }) => text)));
    return [
      ...[...(wanted ?? [])].filter((text) => !there?.has(text)).map((text) => `- ${text}`),
      ...[...(there ?? [])].filter((text) => !wanted?.has(text)).map((text) => `+ ${text}`),
    ];
  };

  it("finds the shipped resources to be exactly what is wanted", () => {
    expect(compare(shipped)).toEqual([]);
  });

  it("names what was changed", () => {
    const other = withInput(shipped, nicType, app0.name, "ipConfigurations.0.privateIPAddress", "10.20.0.99" as Ipv4);
    expect(compare(other)).toEqual([
      `- ${nicType} ${app0.name}: ipConfigurations.primary.privateIPAddress = 10.20.0.32`,
      `+ ${nicType} ${app0.name}: ipConfigurations.primary.privateIPAddress = 10.20.0.99`,
    ]);
  });
});
