import { list, record } from "../../components/config/untyped.ts";
import { readable, text, unwrapped } from "../recorded-inputs.ts";
import type { RecordedResource } from "../resources.ts";
import { at, each, type ResourceRule, wrong } from "./each-resource.ts";

const awsInterface = "aws:ec2/networkInterface:NetworkInterface";
const azureInterface = "azure-native:network:NetworkInterface";
const awsSubnet = "aws:ec2/subnet:Subnet";
const isBastion = ({ name }: RecordedResource) => name.endsWith("-bastion");

/** Sizes of Azure's VPN gateway that can still be created (learn.microsoft.com/azure/vpn-gateway, gateway SKU consolidation). */
const gatewaySizes = /^VpnGw[1-5]AZ$/;

/** Lists inside a resource that undo what stands beside them as resources of their own. */
const inlineLists: Readonly<Record<string, readonly string[]>> = {
  "aws:ec2/routeTable:RouteTable": ["routes"],
  "aws:ec2/defaultRouteTable:DefaultRouteTable": ["routes"],
  "aws:ec2/securityGroup:SecurityGroup": ["ingress", "egress"],
  "azure-native:network:RouteTable": ["routes"],
  "azure-native:network:VirtualNetwork": ["subnets"],
};

/** Zones of the subnets in which a VPC's nodes stand. */
function nodeZones(resources: readonly RecordedResource[], vpc: string): Set<string> {
  const inUse = new Set(
    resources
      .filter((resource) => resource.type === awsInterface && !isBastion(resource))
      .map(({ inputs }) => text(inputs.subnetId)),
  );
  return new Set(
    resources
      .filter(({ type, id, inputs }) => type === awsSubnet && inUse.has(id ?? "") && text(inputs.vpcId) === vpc)
      .map(({ inputs }) => text(inputs.availabilityZone)),
  );
}

/** What clouds and tools do by default, and where it breaks this design. */
export const cloudRules: readonly ResourceRule[] = [
  each({
    code: "GB-1814",
    severity: "error",
    title: "Nodes' interfaces pass packets that are not theirs.",
    korean: "노드의 네트워크 인터페이스는 파드 주소의 패킷을 통과시켜야 합니다.",
    reason:
      "Pods keep their own addresses on the wire; both clouds drop what does not carry the interface's own (EC2 sourceDestCheck, Azure enableIPForwarding).",
    types: [awsInterface, azureInterface],
    check: (resource) => {
      const { type, inputs } = resource;
      if (isBastion(resource)) return [];
      if (type === awsInterface) {
        return inputs.sourceDestCheck === false
          ? []
          : [wrong("drops the packets of pods.", "Set sourceDestCheck: false.")];
      }
      return inputs.enableIPForwarding === true
        ? []
        : [wrong("drops the packets of pods.", "Set enableIPForwarding: true.")];
    },
  }),
  each({
    code: "GB-1815",
    severity: "error",
    title: "Routes, subnets and rules are resources of their own.",
    korean: "경로·서브넷·규칙은 인라인 목록이 아니라 별도 리소스여야 합니다.",
    reason:
      "An inline list deletes on the next update what stands beside it as a resource (pulumi aws.ec2.RouteTable, SecurityGroup).",
    types: Object.keys(inlineLists),
    check: ({ type, inputs }) =>
      (inlineLists[type] ?? [])
        .filter((key) => list(inputs[key]).length > 0)
        .map((key) => wrong(`has an inline list ${key}.`, "Make each entry a resource of its own.")),
  }),
  each({
    code: "GB-1816",
    severity: "error",
    title: "Tunnels end at a Transit Gateway.",
    korean: "터널은 가상 프라이빗 게이트웨이가 아니라 Transit Gateway에 연결해야 합니다.",
    reason:
      "A virtual private gateway carries and announces the VPC's own range only, and pods are outside of it (docs.aws.amazon.com/vpn).",
    types: ["aws:ec2/vpnConnection:VpnConnection", "aws:ec2/vpnGateway:VpnGateway"],
    check: ({ type, inputs }) =>
      type.endsWith("VpnGateway") || inputs.vpnGatewayId !== undefined
        ? [wrong("uses a virtual private gateway, which carries no pods.", "Set transitGatewayId instead.")]
        : [],
  }),
  each({
    code: "GB-1817",
    severity: "error",
    title: "Azure's addresses, balancers and gateways are of sizes that exist.",
    korean: "Azure 공인 IP·로드밸런서·게이트웨이는 생성 가능한 SKU여야 합니다.",
    reason:
      "Basic addresses and balancers and gateways without AZ can no longer be created (learn.microsoft.com/azure, retirements of 2025).",
    types: [
      "azure-native:network:PublicIPAddress",
      "azure-native:network:LoadBalancer",
      "azure-native:network:NatGateway",
      "azure-native:network:VirtualNetworkGateway",
    ],
    check: ({ type, inputs }) => {
      const size = text(record(inputs.sku).name);
      const shown = size || "unset";
      if (type.endsWith("VirtualNetworkGateway")) {
        return gatewaySizes.test(size) ? [] : [wrong(`has sku.name ${shown}.`, "Write VpnGw1AZ to VpnGw5AZ.")];
      }
      const address = type.endsWith("PublicIPAddress");
      return [
        ...(/^Standard(V2)?$/.test(size) ? [] : [wrong(`has sku.name ${shown}.`, "Set sku: { name: Standard }.")]),
        ...(address && inputs.publicIPAllocationMethod !== "Static"
          ? [wrong("has an address that may change.", "Set publicIPAllocationMethod: Static.")]
          : []),
      ];
    },
  }),
  {
    code: "GB-1818",
    severity: "error",
    title: "The Transit Gateway is attached in every zone that has nodes.",
    korean: "Transit Gateway는 노드가 있는 모든 가용 영역에 연결되어야 합니다.",
    reason:
      "A zone without a subnet in the attachment is not reached (docs.aws.amazon.com/vpc/latest/tgw, VPC attachments).",
    check: (resources) =>
      resources.flatMap((resource, index) => {
        if (resource.type !== "aws:ec2transitgateway/vpcAttachment:VpcAttachment") return [];
        const ids = list(resource.inputs.subnetIds).map(text);
        const subnets = resources.filter(({ type, id }) => type === awsSubnet && ids.includes(id ?? ""));
        // In the state of one stack the other's subnets are ids and no more.
        if (subnets.length < new Set(ids).size) return [];
        const attached = new Set(subnets.map(({ inputs }) => text(inputs.availabilityZone)));
        const missing = [...nodeZones(resources, text(resource.inputs.vpcId))].filter((zone) => !attached.has(zone));
        return missing.map((zone) =>
          at(index, resource, wrong(`has no subnet in ${zone}, where nodes stand.`, "Add that zone's transit subnet.")),
        );
      }),
  },
  each({
    code: "GB-1819",
    severity: "error",
    title: "Availability sets spread over two fault domains at least.",
    korean: "가용성 집합은 장애 도메인을 2개 이상 써야 합니다.",
    reason:
      "With one, a rack's power takes all of etcd (learn.microsoft.com/azure/virtual-machines/availability-set-overview).",
    types: ["azure-native:compute:AvailabilitySet"],
    check: ({ inputs }) => {
      const domains = Number(inputs.platformFaultDomainCount);
      return [
        ...(domains >= 2
          ? []
          : [
              wrong(
                `has ${text(inputs.platformFaultDomainCount) || "no"} platformFaultDomainCount.`,
                "Set 2, or 3 where offered.",
              ),
            ]),
        ...(text(record(inputs.sku).name) === "Aligned"
          ? []
          : [wrong("is not for managed disks.", "Set sku: { name: Aligned }.")]),
      ];
    },
  }),
  each({
    code: "GB-1820",
    severity: "error",
    title: "kubeadm is given v1beta4, and leaves pod blocks to the slots.",
    korean: "kubeadm 설정은 v1beta4여야 하고 allocate-node-cidrs가 꺼져 있어야 합니다.",
    reason:
      "Kubernetes 1.37 reads nothing older. The controller manager would write a node's pod block, which cannot be changed, before the slot's is (kubeadm sets allocate-node-cidrs with podSubnet).",
    types: ["command:remote:Command"],
    check: ({ inputs }) => {
      const documents = readable(inputs.stdin);
      const older = /kubeadm\.k8s\.io\/(?!v1beta4\b)\S+/.exec(documents)?.[0];
      const cluster = documents.includes("kind: ClusterConfiguration");
      const off = /name: allocate-node-cidrs\s+value: "?false\b/.test(documents);
      return [
        ...(older === undefined ? [] : [wrong(`gives kubeadm ${older}.`, "Write kubeadm.k8s.io/v1beta4.")]),
        ...(cluster && !off
          ? [
              wrong(
                "lets the controller manager give out pod blocks.",
                'Set controllerManager.extraArgs allocate-node-cidrs: "false".',
              ),
            ]
          : []),
      ];
    },
  }),
  each({
    code: "GB-1821",
    severity: "error",
    title: "Machines name their image literally.",
    korean: "머신 이미지는 움직이지 않는 정확한 값이어야 합니다.",
    reason: "An alias moves with the next release, and one run would replace every node at once, etcd included.",
    types: ["aws:ec2/instance:Instance", "azure-native:compute:VirtualMachine"],
    check: ({ type, inputs }) => {
      if (type.startsWith("aws:")) {
        const ami = text(inputs.ami);
        return /^ami-[0-9a-f]{8,17}$/.test(ami)
          ? []
          : [wrong(`has image ${ami || "unset"}.`, "Write an id, ami- and hex digits.")];
      }
      const image = record(record(inputs.storageProfile).imageReference);
      const version = text(image.version);
      return image.id !== undefined || /^\d+\.\d+\.\d+$/.test(version)
        ? []
        : [wrong(`has image version ${version || "unset"}.`, "Write an exact version.")];
    },
  }),
  each({
    code: "GB-1822",
    severity: "error",
    title: "User data holds nothing that opens the cluster.",
    korean: "사용자 데이터에는 토큰, kubeconfig, 인증서 키가 없어야 합니다.",
    reason:
      "Whoever may describe a machine reads its user data; secrets travel over SSH (docs.aws.amazon.com/AWSEC2, instance metadata and user data).",
    types: ["aws:ec2/instance:Instance", "azure-native:compute:VirtualMachine"],
    check: ({ inputs }) => {
      const scripts = readable(inputs.userData ?? inputs.userDataBase64 ?? record(inputs.osProfile).customData);
      // The bootstrap host key, of OpenSSH's form, is replaced over the first connection.
      const found = /client-key-data|certificateKey:|bootstrapToken|-----BEGIN (RSA |EC )?PRIVATE KEY-----/.exec(
        scripts,
      );
      return found ? [wrong(`has user data with ${found[0]}.`, "Send it over SSH instead (stdin).")] : [];
    },
  }),
  each({
    code: "GB-1823",
    severity: "error",
    title: "Steps over SSH pin the host's key and log nothing.",
    korean: "SSH 단계는 호스트 키를 고정하고 출력을 로그에 남기지 않아야 합니다.",
    reason:
      "Without a key the provider trusts whoever answers; what a step prints may be a ticket or a kubeconfig (pulumi-command, connection.hostKey, logging).",
    types: ["command:remote:Command"],
    check: ({ inputs }) => {
      const connection = unwrapped(inputs.connection);
      const { proxy } = record(connection);
      // In the state of a stack it is ciphertext.
      const ends = [connection, proxy].map(unwrapped).filter((end) => end !== undefined);
      const unpinned = ends.some((end) => record(end).hostKey === undefined);
      return [
        ...(unpinned ? [wrong("trusts any host key.", "Set connection.hostKey, and connection.proxy.hostKey.")] : []),
        ...(inputs.logging === "none" ? [] : [wrong("logs what it prints.", "Set logging: none.")]),
      ];
    },
  }),
  each({
    code: "GB-1824",
    severity: "error",
    title: "Tunnels have keys of their own, on both ends.",
    korean: "터널마다 서로 다른 사전 공유 키를 지정해야 합니다.",
    reason: "Without one AWS makes its own, which Azure does not know; a shared one opens all tunnels at once.",
    types: ["aws:ec2/vpnConnection:VpnConnection", "azure-native:network:VirtualNetworkGatewayConnection"],
    check: ({ type, inputs }) => {
      const keys = type.startsWith("aws:") ? ["tunnel1PresharedKey", "tunnel2PresharedKey"] : ["sharedKey"];
      const [first, second] = keys.map((key) => inputs[key]);
      return [
        ...keys
          .filter((key) => inputs[key] === undefined)
          .map((key) => wrong(`has no ${key}.`, "Give it the tunnel's own key.")),
        ...(readable(first).trim() !== "" && readable(first) === readable(second)
          ? [wrong("has one key for both tunnels.", "Give each tunnel its own key.")]
          : []),
      ];
    },
  }),
];
