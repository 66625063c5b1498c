/** A resource as the engine records it; secrets are envelopes, `{"4dabf18193072939515e22adb298388d": ..}`. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Whether the engine refuses to delete it. */
  readonly protect?: boolean;
  /** Seconds that the engine waits for a creation, where it is not left to the provider. */
  readonly createTimeoutSeconds?: number;
}

/** One thing that no resource of ours may be, though the cloud would take it. */
export interface Statement {
  /** What must hold, as a sentence. */
  readonly title: string;
  /** Why, with its source. */
  readonly reason: string;
  /** Type tokens it is about. */
  readonly types: readonly string[];
  /** What is wrong and what to write instead; empty when it holds. */
  readonly check: (resource: RecordedResource) => string[];
}

/** Everything that is wrong with the resources of a stack, one line each that names the resource. Pure. */
export function resourceProblems(resources: readonly RecordedResource[]): string[] {
  return resources.flatMap((resource) =>
    statements
      .filter(({ types }) => types.includes(resource.type))
      .flatMap(({ check }) => check(resource))
      .map((problem) => `${resource.name} (${resource.type}): ${problem}`),
  );
}

const instance = "aws:ec2/instance:Instance";
const machine = "azure-native:compute:VirtualMachine";
const networkInterface = "azure-native:network:NetworkInterface";
const everyone = ["0.0.0.0/0", "::/0", "*", "Internet", "Any"];

/** To add a statement, add an entry and a fixture to `test/proof/resources.test.ts`. */
export const statements: readonly Statement[] = [
  {
    title: "Every disk on AWS is encrypted.",
    reason:
      "EBS encrypts only where asked; Azure's managed disks always do (docs.aws.amazon.com/ebs, learn.microsoft.com/azure/virtual-machines/disk-encryption).",
    types: ["aws:ebs/volume:Volume", instance],
    check: ({ type, inputs }) => {
      const blocks =
        type === instance ? [record(inputs.rootBlockDevice), ...records(inputs.ebsBlockDevices)] : [inputs];
      return blocks.every(({ encrypted }) => encrypted === true)
        ? []
        : ["a disk is not encrypted; set encrypted: true"];
    },
  },
  {
    title: "Metadata is read with a token, one hop away.",
    reason: "A pod's packet takes two hops, and a request forged through a proxy brings no token (IMDSv2).",
    types: [instance],
    check: ({ inputs }) => {
      const { httpTokens, httpPutResponseHopLimit: hops } = record(inputs.metadataOptions);
      return [
        ...(httpTokens === "required" ? [] : ["IMDSv1 is allowed; set metadataOptions.httpTokens: required"]),
        ...(hops === 1
          ? []
          : [`metadataOptions.httpPutResponseHopLimit is ${typeof hops === "number" ? hops : "unset"}; set 1`]),
      ];
    },
  },
  {
    title: "Only the bastion has a public address.",
    reason: "Nodes are reached through it, and go out by NAT.",
    types: [instance, "aws:ec2/subnet:Subnet", "aws:ec2/eip:Eip", networkInterface],
    check: ({ name, inputs }) => {
      const bound = "networkInterface" in inputs || "instance" in inputs;
      const given =
        inputs.associatePublicIpAddress === true ||
        inputs.mapPublicIpOnLaunch === true ||
        bound ||
        records(inputs.ipConfigurations).some(({ publicIPAddress }) => publicIPAddress !== undefined);
      return given && !name.endsWith("-bastion") ? ["has a public address; only a bastion may"] : [];
    },
  },
  {
    title: "Load balancers have private addresses only.",
    reason: "The API and the mesh endpoint are for nodes, peers and the bastion.",
    types: ["aws:lb/loadBalancer:LoadBalancer", "azure-native:network:LoadBalancer"],
    check: ({ type, inputs }) => {
      const open = type.startsWith("aws:")
        ? inputs.internal !== true
        : records(inputs.frontendIPConfigurations).some(({ publicIPAddress }) => publicIPAddress !== undefined);
      return open ? ["is reachable from the Internet; make it internal"] : [];
    },
  },
  {
    title: "Load balancers on AWS do not show their targets the client's address.",
    reason:
      "A target that dials its own load balancer would get its own address as the client's, and no answer (docs.aws.amazon.com/elasticloadbalancing, hairpinning); and its firewall would have to know every client.",
    types: ["aws:lb/targetGroup:TargetGroup"],
    check: ({ inputs }) =>
      inputs.preserveClientIp === "false" ? [] : ['preserves client addresses; set preserveClientIp: "false"'],
  },
  {
    title: "No firewall rule lets everyone in, and none lets everything out to everyone.",
    reason: "Whatever is not in the port table (components/network/ports.ts) stays shut.",
    types: [
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
      "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
      "aws:ec2/securityGroup:SecurityGroup",
      "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
      "azure-native:network:NetworkSecurityGroup",
      "azure-native:network:SecurityRule",
    ],
    check: (resource) => openings(resource).map((what) => `${what}; name the blocks that need it`),
  },
  {
    title: "What holds data, an address that others know or a member of etcd is protected from deletion.",
    reason: "A wrong `pulumi destroy` or replacement must stop, not lose etcd.",
    types: [
      "aws:ebs/volume:Volume",
      "azure-native:compute:Disk",
      "aws:lb/loadBalancer:LoadBalancer",
      "azure-native:network:LoadBalancer",
    ],
    check: ({ protect }) => (protect === true ? [] : ["is not protected; set protect: true"]),
  },
  {
    title: "Machines' subnets on Azure have no way out of their own.",
    reason:
      "Azure gives machines one unless told not to (learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access).",
    types: ["azure-native:network:Subnet"],
    check: ({ inputs }) =>
      inputs.subnetName === "GatewaySubnet" || inputs.defaultOutboundAccess === false
        ? []
        : ["has Azure's default way out; set defaultOutboundAccess: false"],
  },
  {
    title: "Nobody reads Azure's data disks from outside, and no host cache stands before them.",
    reason: "A disk can be exported by a link; a cache in front of etcd's log lies about what is on disk.",
    types: ["azure-native:compute:Disk", machine],
    check: ({ type, inputs }) => {
      if (type === machine) {
        const disks = records(record(inputs.storageProfile).dataDisks);
        return disks.every(({ caching }) => caching === "None")
          ? []
          : ["a data disk has a host cache; set caching: None"];
      }
      return inputs.networkAccessPolicy === "DenyAll" && inputs.publicNetworkAccess === "Disabled"
        ? []
        : ["can be exported; set networkAccessPolicy: DenyAll and publicNetworkAccess: Disabled"];
    },
  },
  {
    title: "Nodes on Azure stand in an availability set or in zones.",
    reason:
      "Otherwise one rack's power, or one maintenance, may take all of etcd (learn.microsoft.com/azure/virtual-machines/availability).",
    types: [machine],
    check: ({ name, inputs }) =>
      name.endsWith("-bastion") || inputs.availabilitySet !== undefined || inputs.zones !== undefined
        ? []
        : ["stands in no availability set and no zone; set availabilitySet"],
  },
  {
    title: "Machines take no password.",
    reason: "SSH keys only; a password can be guessed.",
    types: [machine],
    check: ({ inputs }) => {
      const profile = record(inputs.osProfile);
      const off = record(profile.linuxConfiguration).disablePasswordAuthentication === true;
      return off && profile.adminPassword === undefined
        ? []
        : ["takes a password; set osProfile.linuxConfiguration.disablePasswordAuthentication: true"];
    },
  },
  {
    title: "The engine waits long enough for a VPN gateway.",
    reason:
      "Azure names 45 minutes and more for a creation; the provider gives up after 30 (learn.microsoft.com/azure/vpn-gateway).",
    types: ["azure-native:network:VirtualNetworkGateway"],
    check: ({ createTimeoutSeconds = 0 }) =>
      createTimeoutSeconds >= 3600 ? [] : ["takes 45 minutes and more; set customTimeouts.create to an hour at least"],
  },
  {
    title: "Keys are secret in the state.",
    reason:
      "The state is read by more people than hold the keys, and not every provider marks its own (azure-native: sharedKey).",
    types: [
      "aws:ec2/vpnConnection:VpnConnection",
      "azure-native:network:VirtualNetworkGatewayConnection",
      "kubernetes:core/v1:Secret",
      "kubernetes:helm.sh/v3:Release",
      "command:remote:Command",
      "pulumi:providers:kubernetes",
      instance,
      machine,
    ],
    check: ({ inputs, outputs = {} }) =>
      [inputs, outputs].some((side) => keys.some((path) => isOpen(side, path.split("."))))
        ? [
            `${keys.find((path) => isOpen(inputs, path.split(".")) || isOpen(outputs, path.split("."))) ?? ""} is not secret; wrap it in pulumi.secret`,
          ]
        : [],
  },
];

/** Inputs and outputs that hold keys, of all types. */
const keys = [
  "tunnel1PresharedKey",
  "tunnel2PresharedKey",
  "sharedKey",
  "stringData",
  "data",
  "values.tls.ca.key",
  "kubeconfig",
  "connection.privateKey",
  "connection.password",
  "connection.proxy.privateKey",
  "stdin",
  "userData",
  "userDataBase64",
  "osProfile.customData",
];

/** Pulumi's mark of a secret in JSON. */
const envelope = "4dabf18193072939515e22adb298388d";

/** Whether the path leads to a value and no envelope stands on the way, or around every part of it. */
function isOpen(value: unknown, path: readonly string[]): boolean {
  if (value === undefined || value === null || value === "" || isEnvelope(value)) return false;
  const [key, ...rest] = path;
  if (key !== undefined) return isOpen(record(value)[key], rest);
  return isRecord(value) ? Object.values(value).some((part) => isOpen(part, [])) : true;
}

function isEnvelope(value: unknown): boolean {
  return isRecord(value) && envelope in value;
}

function openings({ type, inputs }: RecordedResource): string[] {
  if (type.endsWith("IngressRule") || type.endsWith("EgressRule")) {
    const inward = type.endsWith("IngressRule");
    return awsOpening(inward, [inputs.cidrIpv4, inputs.cidrIpv6], inputs.ipProtocol);
  }
  if (type.startsWith("aws:"))
    return ["ingress", "egress"].flatMap((list) =>
      records(inputs[list]).flatMap(({ cidrBlocks, ipv6CidrBlocks, protocol }) =>
        awsOpening(list === "ingress", [cidrBlocks, ipv6CidrBlocks].flat(), protocol),
      ),
    );
  const rules = type.endsWith("NetworkSecurityGroup") ? records(inputs.securityRules) : [inputs];
  return rules
    .filter(({ access }) => access === "Allow")
    .flatMap((rule) => {
      const inward = rule.direction === "Inbound";
      const side = inward ? "source" : "destination";
      const peers = [rule[`${side}AddressPrefix`], rule[`${side}AddressPrefixes`]].flat();
      const all = rule.protocol === "*" && [rule.destinationPortRange, rule.destinationPortRanges].flat().includes("*");
      return opening(inward, peers, all, ` by rule ${typeof rule.name === "string" ? rule.name : ""}`);
    });
}

function awsOpening(inward: boolean, peers: readonly unknown[], protocol: unknown): string[] {
  return opening(inward, peers, protocol === "-1" || protocol === "all", "");
}

function opening(inward: boolean, peers: readonly unknown[], everything: boolean, by: string): string[] {
  if (!peers.some((peer) => typeof peer === "string" && everyone.includes(peer))) return [];
  if (inward) return [`lets everyone in${by}`];
  return everything ? [`lets everything out to everyone${by}`] : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
