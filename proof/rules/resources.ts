import { record } from "../../components/config/untyped.ts";
import { isOpen, records } from "../recorded-inputs.ts";
import type { RecordedResource } from "../resources.ts";
import { each, type ResourceRule, wrong } from "./each-resource.ts";

const instance = "aws:ec2/instance:Instance";
const machine = "azure-native:compute:VirtualMachine";
const networkInterface = "azure-native:network:NetworkInterface";
const everyone = ["0.0.0.0/0", "::/0", "*", "Internet", "Any"];

/** What no resource may be, though the cloud would take it. To add a rule, add an entry and a fixture to `test/proof/resources.test.ts`. */
export const resourceRules: readonly ResourceRule[] = [
  each({
    code: "GB-1801",
    severity: "error",
    title: "Every disk on AWS is encrypted.",
    korean: "AWS의 모든 디스크는 암호화해야 합니다.",
    reason:
      "EBS encrypts only where asked; Azure's managed disks always do (docs.aws.amazon.com/ebs, learn.microsoft.com/azure/virtual-machines/disk-encryption).",
    types: ["aws:ebs/volume:Volume", instance],
    check: ({ type, inputs }) => {
      const blocks =
        type === instance ? [record(inputs.rootBlockDevice), ...records(inputs.ebsBlockDevices)] : [inputs];
      return blocks.every(({ encrypted }) => encrypted === true)
        ? []
        : [wrong("a disk is not encrypted.", "Set encrypted: true.")];
    },
  }),
  each({
    code: "GB-1802",
    severity: "error",
    title: "Metadata is read with a token, one hop away.",
    korean: "메타데이터는 토큰(IMDSv2)으로, 한 홉 안에서만 읽을 수 있어야 합니다.",
    reason: "A pod's packet takes two hops, and a request forged through a proxy brings no token (IMDSv2).",
    types: [instance],
    check: ({ inputs }) => {
      const { httpTokens, httpPutResponseHopLimit: hops } = record(inputs.metadataOptions);
      return [
        ...(httpTokens === "required"
          ? []
          : [wrong("IMDSv1 is allowed.", "Set metadataOptions.httpTokens: required.")]),
        ...(hops === 1
          ? []
          : [
              wrong(
                `metadataOptions.httpPutResponseHopLimit is ${typeof hops === "number" ? hops : "unset"}.`,
                "Set 1.",
              ),
            ]),
      ];
    },
  }),
  each({
    code: "GB-1803",
    severity: "error",
    title: "Only the bastion has a public address.",
    korean: "공인 주소는 배스천에만 둡니다.",
    reason: "Nodes are reached through it, and go out by NAT.",
    types: [instance, "aws:ec2/subnet:Subnet", "aws:ec2/eip:Eip", networkInterface],
    check: ({ name, inputs }) => {
      const bound = "networkInterface" in inputs || "instance" in inputs;
      const given =
        inputs.associatePublicIpAddress === true ||
        inputs.mapPublicIpOnLaunch === true ||
        bound ||
        records(inputs.ipConfigurations).some(({ publicIPAddress }) => publicIPAddress !== undefined);
      return given && !name.endsWith("-bastion") ? [wrong("has a public address.", "Only a bastion may.")] : [];
    },
  }),
  each({
    code: "GB-1804",
    severity: "error",
    title: "Load balancers have private addresses only.",
    korean: "로드밸런서는 사설 주소만 가져야 합니다.",
    reason: "The API and the mesh endpoint are for nodes, peers and the bastion.",
    types: ["aws:lb/loadBalancer:LoadBalancer", "azure-native:network:LoadBalancer"],
    check: ({ type, inputs }) => {
      const open = type.startsWith("aws:")
        ? inputs.internal !== true
        : records(inputs.frontendIPConfigurations).some(({ publicIPAddress }) => publicIPAddress !== undefined);
      return open ? [wrong("is reachable from the Internet.", "Make it internal.")] : [];
    },
  }),
  each({
    code: "GB-1805",
    severity: "error",
    title: "Load balancers on AWS do not show their targets the client's address.",
    korean: 'AWS 로드밸런서는 대상에 클라이언트 주소를 넘기지 않아야 합니다(preserveClientIp: "false").',
    reason:
      "A target that dials its own load balancer would get its own address as the client's, and no answer (docs.aws.amazon.com/elasticloadbalancing, hairpinning); and its firewall would have to know every client.",
    types: ["aws:lb/targetGroup:TargetGroup"],
    check: ({ inputs }) =>
      inputs.preserveClientIp === "false"
        ? []
        : [wrong("preserves client addresses.", 'Set preserveClientIp: "false".')],
  }),
  each({
    code: "GB-1806",
    severity: "error",
    title: "No firewall rule lets everyone in, and none lets everything out to everyone.",
    korean: "방화벽 규칙은 아무에게나 열거나, 모든 것을 내보내면 안 됩니다.",
    reason: "Whatever is not in the port table (components/network/ports.ts) stays shut.",
    types: [
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
      "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
      "aws:ec2/securityGroup:SecurityGroup",
      "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
      "azure-native:network:NetworkSecurityGroup",
      "azure-native:network:SecurityRule",
    ],
    check: (resource) => openings(resource).map((what) => wrong(`${what}.`, "Name the blocks that need it.")),
  }),
  each({
    code: "GB-1807",
    severity: "error",
    title: "What holds data, an address that others know or a member of etcd is protected from deletion.",
    korean: "데이터, 다른 곳이 아는 주소, etcd 멤버는 삭제로부터 보호해야 합니다.",
    reason: "A wrong `pulumi destroy` or replacement must stop, not lose etcd.",
    types: [
      "aws:ebs/volume:Volume",
      "azure-native:compute:Disk",
      "aws:lb/loadBalancer:LoadBalancer",
      "azure-native:network:LoadBalancer",
    ],
    check: ({ protect }) => (protect === true ? [] : [wrong("is not protected.", "Set protect: true.")]),
  }),
  each({
    code: "GB-1808",
    severity: "error",
    title: "Machines' subnets on Azure have no way out of their own.",
    korean: "Azure의 머신 서브넷에는 기본 아웃바운드 경로가 없어야 합니다.",
    reason:
      "Azure gives machines one unless told not to (learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access).",
    types: ["azure-native:network:Subnet"],
    check: ({ inputs }) =>
      inputs.subnetName === "GatewaySubnet" || inputs.defaultOutboundAccess === false
        ? []
        : [wrong("has Azure's default way out.", "Set defaultOutboundAccess: false.")],
  }),
  each({
    code: "GB-1809",
    severity: "error",
    title: "Nobody reads Azure's data disks from outside, and no host cache stands before them.",
    korean: "Azure 데이터 디스크는 외부에서 내려받을 수 없고 호스트 캐시를 쓰지 않아야 합니다.",
    reason: "A disk can be exported by a link; a cache in front of etcd's log lies about what is on disk.",
    types: ["azure-native:compute:Disk", machine],
    check: ({ type, inputs }) => {
      if (type === machine) {
        const disks = records(record(inputs.storageProfile).dataDisks);
        return disks.every(({ caching }) => caching === "None")
          ? []
          : [wrong("a data disk has a host cache.", "Set caching: None.")];
      }
      return inputs.networkAccessPolicy === "DenyAll" && inputs.publicNetworkAccess === "Disabled"
        ? []
        : [wrong("can be exported.", "Set networkAccessPolicy: DenyAll and publicNetworkAccess: Disabled.")];
    },
  }),
  each({
    code: "GB-1810",
    severity: "error",
    title: "Nodes on Azure stand in an availability set or in zones.",
    korean: "Azure 노드는 가용성 집합이나 영역에 속해야 합니다.",
    reason:
      "Otherwise one rack's power, or one maintenance, may take all of etcd (learn.microsoft.com/azure/virtual-machines/availability).",
    types: [machine],
    check: ({ name, inputs }) =>
      name.endsWith("-bastion") || inputs.availabilitySet !== undefined || inputs.zones !== undefined
        ? []
        : [wrong("stands in no availability set and no zone.", "Set availabilitySet.")],
  }),
  each({
    code: "GB-1811",
    severity: "error",
    title: "Machines take no password.",
    korean: "머신은 비밀번호 로그인을 받지 않아야 합니다.",
    reason: "SSH keys only; a password can be guessed.",
    types: [machine],
    check: ({ inputs }) => {
      const profile = record(inputs.osProfile);
      const off = record(profile.linuxConfiguration).disablePasswordAuthentication === true;
      return off && profile.adminPassword === undefined
        ? []
        : [wrong("takes a password.", "Set osProfile.linuxConfiguration.disablePasswordAuthentication: true.")];
    },
  }),
  each({
    code: "GB-1812",
    severity: "error",
    title: "The engine waits long enough for a VPN gateway.",
    korean: "VPN 게이트웨이 생성 시간 제한은 1시간 이상이어야 합니다.",
    reason:
      "Azure names 45 minutes and more for a creation; the provider gives up after 30 (learn.microsoft.com/azure/vpn-gateway).",
    types: ["azure-native:network:VirtualNetworkGateway"],
    check: ({ createTimeoutSeconds = 0 }) =>
      createTimeoutSeconds >= 3600
        ? []
        : [wrong("takes 45 minutes and more.", "Set customTimeouts.create to an hour at least.")],
  }),
  each({
    code: "GB-1813",
    severity: "error",
    title: "Keys are secret in the state.",
    korean: "키는 상태 파일에서 비밀 값이어야 합니다.",
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
      keys
        .filter((path) => [inputs, outputs].some((side) => isOpen(side, path.split("."))))
        .map((path) => wrong(`${path} is not secret.`, "Wrap it in pulumi.secret.")),
  }),
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
