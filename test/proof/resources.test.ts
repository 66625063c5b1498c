import { describe, expect, it } from "vitest";
import { type RecordedResource, resourceProblems, statements } from "../../proof/resources.ts";

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
      storageProfile: { dataDisks: [{ lun: 0, caching }] },
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

/** For each statement: resources that break it, with a word of the complaint, and near misses that do not. */
const fixtures: Record<string, { refused: [RecordedResource, string][]; passes: RecordedResource[] }> = {
  "Every disk on AWS is encrypted.": {
    refused: [
      [volume({ inputs: {} }), "a disk is not encrypted"],
      [instance({ rootBlockDevice: {} }), "a disk is not encrypted"],
      [instance({ ebsBlockDevices: [{ encrypted: false }] }), "a disk is not encrypted"],
    ],
    passes: [volume(), instance()],
  },
  "Metadata is read with a token, one hop away.": {
    refused: [
      [instance({ metadataOptions: { httpTokens: "optional", httpPutResponseHopLimit: 1 } }), "IMDSv1 is allowed"],
      [instance({ metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 2 } }), "HopLimit is 2"],
    ],
    passes: [instance()],
  },
  "Only the bastion has a public address.": {
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
  "Load balancers have private addresses only.": {
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
  "Load balancers on AWS do not show their targets the client's address.": {
    refused: [
      [targets("true"), "preserves client addresses"],
      [targets(), "preserves client addresses"],
    ],
    passes: [targets("false")],
  },
  "No firewall rule lets everyone in, and none lets everything out to everyone.": {
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
  "What holds data, an address that others know or a member of etcd is protected from deletion.": {
    refused: [
      [volume({ protect: false }), "is not protected"],
      [disk({}, false), "is not protected"],
    ],
    passes: [volume(), disk()],
  },
  "Machines' subnets on Azure have no way out of their own.": {
    refused: [
      [subnet("node"), "default way out"],
      [subnet("bastion", true), "default way out"],
    ],
    passes: [subnet("node", false), subnet("GatewaySubnet")],
  },
  "Nobody reads Azure's data disks from outside, and no host cache stands before them.": {
    refused: [
      [disk({ networkAccessPolicy: "AllowAll" }), "can be exported"],
      [machine("ReadOnly"), "host cache"],
    ],
    passes: [disk(), machine("None")],
  },
  "Nodes on Azure stand in an availability set or in zones.": {
    refused: [[machine("None", false, {}), "stands in no availability set"]],
    passes: [
      machine("None"),
      machine("None", false, { zones: ["1"] }),
      { ...machine("None", false, {}), name: "x-bastion" },
    ],
  },
  "Machines take no password.": {
    refused: [[machine("None", true), "takes a password"]],
    passes: [machine("None")],
  },
  "The engine waits long enough for a VPN gateway.": {
    refused: [
      [gateway(), "45 minutes and more"],
      [gateway(1800), "45 minutes and more"],
    ],
    passes: [gateway(5400)],
  },
  "Keys are secret in the state.": {
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
};

describe("each statement", () => {
  it("has a fixture", () => {
    expect(statements.map(({ title }) => title).filter((title) => !(title in fixtures))).toEqual([]);
  });

  it.each(Object.entries(fixtures))("%s", (title, { refused, passes }) => {
    const statement = statements.find((one) => one.title === title);
    for (const [resource, words] of refused) {
      expect(statement?.check(resource).join()).toContain(words);
      expect(resourceProblems([resource]).join()).toContain(`${resource.name} (${resource.type}): `);
    }
    for (const resource of passes) expect(statement?.check(resource)).toEqual([]);
  });
});
