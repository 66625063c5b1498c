import { describe, expect, it } from "vitest";
import type { PlannedStack } from "../../proof/recorded.ts";
import { allResourceRules, judgeResources, type RecordedResource, resourceProblems } from "../../proof/resources.ts";
import { recordedFolder, recordedShipped } from "../support/recorded.ts";

const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:..." };
type Made = Omit<RecordedResource, "type" | "name"> & { readonly name?: string };
const of = (type: string, { name = "it", ...rest }: Made): RecordedResource => ({ type, name, ...rest });

const volume = (made: Partial<Made> = {}) =>
  of("aws:ebs/volume:Volume", { inputs: { encrypted: true }, protect: true, ...made });
const instance = (inputs: Record<string, unknown> = {}) =>
  of("aws:ec2/instance:Instance", {
    inputs: {
      rootBlockDevice: { encrypted: true },
      metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
      userData: secret,
      ami: "ami-0f1e2d3c4b5a69788",
      ...inputs,
    },
  });
const eip = (name: string) => of("aws:ec2/eip:Eip", { name, inputs: { domain: "vpc", networkInterface: "eni-1" } });
const ingress = (cidrIpv4: string) =>
  of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", { inputs: { cidrIpv4, ipProtocol: "tcp" } });
const egress = (ipProtocol: string) =>
  of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", { inputs: { cidrIpv4: "0.0.0.0/0", ipProtocol } });
const nsg = (sourceAddressPrefix: string, access = "Allow") =>
  of("azure-native:network:NetworkSecurityGroup", {
    inputs: { securityRules: [{ name: "rule", access, direction: "Inbound", protocol: "Tcp", sourceAddressPrefix }] },
  });
const nic = (name: string, publicIPAddress?: unknown) =>
  of("azure-native:network:NetworkInterface", {
    name,
    inputs: { ipConfigurations: [{ name: "primary", ...(publicIPAddress ? { publicIPAddress } : {}) }] },
  });
const subnet = (subnetName: string, defaultOutboundAccess?: boolean) =>
  of("azure-native:network:Subnet", {
    inputs: { subnetName, ...(defaultOutboundAccess === undefined ? {} : { defaultOutboundAccess }) },
  });
const disk = (inputs: Record<string, unknown> = {}, protect = true) =>
  of("azure-native:compute:Disk", {
    inputs: { networkAccessPolicy: "DenyAll", publicNetworkAccess: "Disabled", ...inputs },
    protect,
  });
const machine = (
  caching: string,
  password = false,
  more: Record<string, unknown> = { availabilitySet: { id: "/x" } },
) =>
  of("azure-native:compute:VirtualMachine", {
    inputs: {
      ...more,
      storageProfile: {
        imageReference: { version: "24.04.202610140", ...("version" in more ? { version: more.version } : {}) },
        dataDisks: [{ lun: 0, caching }],
      },
      osProfile: { customData: secret, linuxConfiguration: { disablePasswordAuthentication: !password } },
    },
  });
const balancer = (internal: boolean) => of("aws:lb/loadBalancer:LoadBalancer", { inputs: { internal }, protect: true });
const targets = (preserveClientIp?: string) =>
  of("aws:lb/targetGroup:TargetGroup", { inputs: preserveClientIp === undefined ? {} : { preserveClientIp } });
const gateway = (createTimeoutSeconds?: number) =>
  of("azure-native:network:VirtualNetworkGateway", {
    inputs: {},
    ...(createTimeoutSeconds === undefined ? {} : { createTimeoutSeconds }),
  });
const tunnel = (inputs: unknown, outputs: unknown = inputs) =>
  of("azure-native:network:VirtualNetworkGatewayConnection", {
    inputs: { sharedKey: inputs },
    outputs: { sharedKey: outputs },
  });
const release = (tls: unknown) => of("kubernetes:helm.sh/v3:Release", { inputs: { values: { tls } } });

/** A secret as the recorder writes it, its value at hand. */
const opened = (value: string) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value });
const port = (sourceDestCheck?: boolean) =>
  of("aws:ec2/networkInterface:NetworkInterface", { inputs: sourceDestCheck === undefined ? {} : { sourceDestCheck } });
const forwarding = (enableIPForwarding: boolean) =>
  of("azure-native:network:NetworkInterface", { inputs: { enableIPForwarding } });
const vpn = (inputs: Record<string, unknown>) =>
  of("aws:ec2/vpnConnection:VpnConnection", {
    inputs: { tunnel1PresharedKey: secret, tunnel2PresharedKey: secret, ...inputs },
  });
const address = (inputs: Record<string, unknown>) =>
  of("azure-native:network:PublicIPAddress", {
    inputs: { sku: { name: "Standard" }, publicIPAllocationMethod: "Static", ...inputs },
  });
const sized = (name: string) =>
  of("azure-native:network:VirtualNetworkGateway", { inputs: { sku: { name } }, createTimeoutSeconds: 5400 });
const set = (inputs: Record<string, unknown>) =>
  of("azure-native:compute:AvailabilitySet", {
    inputs: { sku: { name: "Aligned" }, platformFaultDomainCount: 2, ...inputs },
  });
const step = (inputs: Record<string, unknown>) =>
  of("command:remote:Command", {
    inputs: { connection: { hostKey: "ssh-ed25519 A" }, logging: "none", ...inputs },
  });
const kubeadm = (version: string, allocate: string) => {
  const text = `apiVersion: kubeadm.k8s.io/${version}\nkind: ClusterConfiguration\ncontrollerManager:\n  extraArgs:\n    - name: allocate-node-cidrs\n      value: ${allocate}\n`;
  return step({ stdin: opened(`/run/init.yaml ${btoa(text)}\n`) });
};
/** Nodes in zones a and b, and an attachment to the subnets of some. */
const attached = (...zones: string[]): RecordedResource[] => [
  ...["a", "b"].flatMap((zone) => [
    ...["node", "transit"].map((kind) => ({
      ...of("aws:ec2/subnet:Subnet", {
        name: `${kind}-${zone}`,
        inputs: { vpcId: "vpc", availabilityZone: `ap-northeast-2${zone}` },
      }),
      id: `subnet-${kind}-${zone}`,
    })),
    of("aws:ec2/networkInterface:NetworkInterface", {
      name: `n-${zone}`,
      inputs: { subnetId: `subnet-node-${zone}`, sourceDestCheck: false },
    }),
  ]),
  of("aws:ec2transitgateway/vpcAttachment:VpcAttachment", {
    inputs: {
      vpcId: "vpc",
      // None given: they are another stack's, of which the state says nothing.
      subnetIds: zones.length === 0 ? ["subnet-0abc"] : zones.map((zone) => `subnet-transit-${zone}`),
    },
  }),
];

/** For each rule: resources that break it, with words of the complaint, and near misses that do not. Several are judged together. */
type Given = RecordedResource | readonly RecordedResource[];
const fixtures: Record<string, { refused: [Given, string][]; passes: Given[] }> = {
  "GB-1801": {
    refused: [
      [volume({ inputs: {} }), "a disk is not encrypted"],
      [instance({ rootBlockDevice: {} }), "a disk is not encrypted"],
      [instance({ ebsBlockDevices: [{ encrypted: false }] }), "a disk is not encrypted"],
    ],
    passes: [volume(), instance()],
  },
  "GB-1802": {
    refused: [
      [instance({ metadataOptions: { httpTokens: "optional", httpPutResponseHopLimit: 1 } }), "IMDSv1 is allowed"],
      [instance({ metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 2 } }), "HopLimit is 2"],
    ],
    passes: [instance()],
  },
  "GB-1803": {
    refused: [
      [eip("prod-seoul-app-0"), "has a public address"],
      [instance({ associatePublicIpAddress: true }), "has a public address"],
      [nic("dr-busan-app-0", { id: "/x" }), "has a public address"],
      [of("aws:ec2/subnet:Subnet", { inputs: { mapPublicIpOnLaunch: true } }), "has a public address"],
    ],
    passes: [
      eip("prod-seoul-bastion"),
      of("aws:ec2/eip:Eip", { name: "prod-seoul-nat-a", inputs: { domain: "vpc" } }),
      nic("dr-busan-bastion", { id: "/x" }),
      nic("dr-busan-app-0"),
    ],
  },
  "GB-1804": {
    refused: [
      [balancer(false), "reachable from the Internet"],
      [
        of("azure-native:network:LoadBalancer", {
          inputs: { frontendIPConfigurations: [{ publicIPAddress: { id: "/x" } }] },
          protect: true,
        }),
        "reachable from the Internet",
      ],
    ],
    passes: [balancer(true)],
  },
  "GB-1805": {
    refused: [
      [targets("true"), "preserves client addresses"],
      [targets(), "preserves client addresses"],
    ],
    passes: [targets("false")],
  },
  "GB-1806": {
    refused: [
      [ingress("0.0.0.0/0"), "lets everyone in"],
      [egress("-1"), "lets everything out to everyone"],
      [nsg("*"), "lets everyone in by rule rule"],
      [nsg("Internet"), "lets everyone in"],
      [
        of("aws:ec2/securityGroup:SecurityGroup", {
          inputs: { ingress: [{ protocol: "tcp", cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"] }] },
        }),
        "lets everyone in",
      ],
    ],
    passes: [ingress("10.10.0.0/18"), egress("tcp"), nsg("*", "Deny"), nsg("10.20.0.0/20")],
  },
  "GB-1807": {
    refused: [
      [volume({ protect: false }), "is not protected"],
      [disk({}, false), "is not protected"],
    ],
    passes: [volume(), disk()],
  },
  "GB-1808": {
    refused: [
      [subnet("node"), "default way out"],
      [subnet("bastion", true), "default way out"],
    ],
    passes: [subnet("node", false), subnet("GatewaySubnet")],
  },
  "GB-1809": {
    refused: [
      [disk({ networkAccessPolicy: "AllowAll" }), "can be exported"],
      [machine("ReadOnly"), "host cache"],
    ],
    passes: [disk(), machine("None")],
  },
  "GB-1810": {
    refused: [[machine("None", false, {}), "stands in no availability set"]],
    passes: [
      machine("None"),
      machine("None", false, { zones: ["1"] }),
      { ...machine("None", false, {}), name: "x-bastion" },
    ],
  },
  "GB-1811": {
    refused: [[machine("None", true), "takes a password"]],
    passes: [machine("None")],
  },
  "GB-1812": {
    refused: [
      [gateway(), "45 minutes and more"],
      [gateway(1800), "45 minutes and more"],
    ],
    passes: [gateway(5400)],
  },
  "GB-1813": {
    refused: [
      [tunnel("hunter2"), "sharedKey is not secret"],
      [tunnel(secret, "hunter2"), "sharedKey is not secret"],
      [release({ ca: { cert: secret, key: "LS0t" } }), "values.tls.ca.key is not secret"],
      [instance({ userData: "#cloud-config" }), "userData is not secret"],
      [of("kubernetes:core/v1:Secret", { inputs: { stringData: { password: "x" } } }), "stringData is not secret"],
    ],
    passes: [
      tunnel(secret),
      release({ ca: { cert: "LS0t", key: secret } }),
      release(secret),
      of("kubernetes:core/v1:Secret", { inputs: { stringData: { password: secret } } }),
    ],
  },
  "GB-1814": {
    refused: [
      [port(true), "it (aws:ec2/networkInterface:NetworkInterface): drops the packets of pods"],
      [port(), "drops the packets of pods"],
      [forwarding(false), "enableIPForwarding: true"],
    ],
    passes: [port(false), forwarding(true), { ...port(), name: "x-bastion" }],
  },
  "GB-1815": {
    refused: [
      [
        of("aws:ec2/routeTable:RouteTable", { inputs: { routes: [{ cidrBlock: "10.0.0.0/8" }] } }),
        "inline list routes",
      ],
      [of("aws:ec2/securityGroup:SecurityGroup", { inputs: { egress: [{ protocol: "tcp" }] } }), "inline list egress"],
      [of("azure-native:network:VirtualNetwork", { inputs: { subnets: [{ name: "x" }] } }), "inline list subnets"],
    ],
    passes: [
      of("aws:ec2/routeTable:RouteTable", { inputs: {} }),
      of("aws:ec2/securityGroup:SecurityGroup", { inputs: { ingress: [] } }),
      of("azure-native:network:NetworkSecurityGroup", { inputs: { securityRules: [{ name: "x" }] } }),
    ],
  },
  "GB-1816": {
    refused: [
      [vpn({ vpnGatewayId: "vgw-1" }), "uses a virtual private gateway"],
      [of("aws:ec2/vpnGateway:VpnGateway", { inputs: {} }), "uses a virtual private gateway"],
    ],
    passes: [vpn({ transitGatewayId: "tgw-1" })],
  },
  "GB-1817": {
    refused: [
      [address({ sku: { name: "Basic" } }), "has sku.name Basic"],
      [address({ sku: undefined }), "has sku.name unset"],
      [address({ publicIPAllocationMethod: "Dynamic" }), "has an address that may change"],
      [sized("VpnGw2"), "has sku.name VpnGw2"],
    ],
    passes: [address({}), sized("VpnGw2AZ")],
  },
  "GB-1818": {
    refused: [[attached("a"), "has no subnet in ap-northeast-2b, where nodes stand"]],
    passes: [attached("a", "b"), attached()],
  },
  "GB-1819": {
    refused: [
      [set({ platformFaultDomainCount: 1 }), "has 1 platformFaultDomainCount"],
      [set({ sku: { name: "Classic" } }), "is not for managed disks"],
    ],
    passes: [set({})],
  },
  "GB-1820": {
    refused: [
      [kubeadm("v1beta3", '"false"'), "gives kubeadm kubeadm.k8s.io/v1beta3"],
      [kubeadm("v1beta4", '"true"'), "lets the controller manager give out pod blocks"],
    ],
    passes: [kubeadm("v1beta4", '"false"'), step({ stdin: secret })],
  },
  "GB-1821": {
    refused: [
      [instance({ ami: "resolve:ssm:/aws/service/canonical" }), "has image resolve:ssm:"],
      [machine("None", false, { version: "latest" }), "has image version latest"],
    ],
    passes: [instance(), machine("None")],
  },
  "GB-1822": {
    refused: [
      [instance({ userData: opened("users:\n- user: { client-key-data: x }") }), "user data with client-key-data"],
      [
        instance({ userData: opened(btoa("-----BEGIN RSA PRIVATE KEY-----\nMIIE".padEnd(60, "x"))) }),
        "BEGIN RSA PRIVATE KEY",
      ],
    ],
    passes: [instance(), instance({ userData: opened("-----BEGIN OPENSSH PRIVATE KEY-----") })],
  },
  "GB-1823": {
    refused: [
      [step({ connection: { host: "10.10.0.16" } }), "trusts any host key"],
      [step({ connection: { hostKey: "ssh-ed25519 A", proxy: { host: "203.0.113.1" } } }), "trusts any host key"],
      [step({ logging: "stdout" }), "logs what it prints"],
      [step({ logging: undefined }), "logs what it prints"],
    ],
    passes: [step({}), step({ connection: { hostKey: "ssh-ed25519 A", proxy: { hostKey: "ssh-ed25519 B" } } })],
  },
  "GB-1824": {
    refused: [
      [vpn({ tunnel2PresharedKey: undefined }), "has no tunnel2PresharedKey"],
      [vpn({ tunnel1PresharedKey: opened("one"), tunnel2PresharedKey: opened("one") }), "one key for both tunnels"],
      [of("azure-native:network:VirtualNetworkGatewayConnection", { inputs: {} }), "has no sharedKey"],
    ],
    passes: [vpn({ tunnel1PresharedKey: opened("one"), tunnel2PresharedKey: opened("two") }), vpn({}), tunnel(secret)],
  },
};

const asked = (code: string, given: Given): string[] =>
  allResourceRules
    .filter((rule) => rule.code === code)
    .flatMap(({ check }) =>
      check(Array.isArray(given) ? given : [given]).map(({ message, fix }) => `${message} ${fix}`),
    );

describe("each rule on resources", () => {
  it("has resources that it refuses and resources that it passes", () => {
    const lacking = allResourceRules.filter(({ code }) => {
      const fixture = fixtures[code];
      return !fixture || fixture.refused.length === 0 || fixture.passes.length === 0;
    });
    expect(lacking.map(({ code }) => code)).toEqual([]);
    expect(new Set(allResourceRules.map(({ code }) => code)).size).toBe(allResourceRules.length);
  });

  it.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
    for (const [given, words] of refused) expect(asked(code, given).join("\n")).toContain(words);
    for (const given of passes) expect(asked(code, given)).toEqual([]);
  });

  it("names the resource", () => {
    expect(resourceProblems([volume({ protect: false })]).join()).toContain(
      "it (aws:ebs/volume:Volume): is not protected",
    );
  });
});

describe("the resources of the shipped stacks", () => {
  it.each<[string, () => Promise<PlannedStack[]>]>([
    ["clouds", recordedShipped],
    ["data centres", () => recordedFolder("examples/securities-idc", ["idc-seoul", "idc-busan"])],
    ["development", () => recordedFolder("examples/dev-staging", ["dev-staging"])],
    ["a cluster that runs", () => recordedFolder("examples/local-k8s", ["local-k8s"])],
  ])("break no rule: %s", async (_, stacks) => {
    expect(judgeResources(await stacks())).toEqual([]);
  });

  it("are findings of the file whose program registers them", async () => {
    const stacks = await recordedShipped();
    const broken = stacks.map(({ file, resources }) => ({
      file,
      resources: resources.map((resource) =>
        resource.name === "prod-seoul-app-0" && resource.type.endsWith("NetworkInterface")
          ? { ...resource, inputs: { ...resource.inputs, sourceDestCheck: true } }
          : resource,
      ),
    }));
    expect(judgeResources(broken)).toMatchObject([{ code: "GB-1814", severity: "error" }]);
    expect(judgeResources(broken)[0]?.file).toContain("Pulumi.prod-seoul.yaml");
  });
});
