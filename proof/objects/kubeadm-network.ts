import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, Violation } from "../rule.ts";
import { blockRange, rangesOverlap } from "./address-range.ts";
import { type KubeadmSubject, kubeadmDocuments, valueAt } from "./kubeadm-documents.ts";
import { text } from "./objects.ts";

/** `a,b` of dual stack, as its parts. */
function blocks(value: unknown): string[] {
  return typeof value === "string" ? value.split(",").map((each) => each.trim()) : [];
}

const replacesKubeProxy = ({ values }: KubeadmSubject) =>
  values !== undefined && (values.kubeProxyReplacement === true || values.kubeProxyReplacement === "true");

/** Whether kubeadm is told to leave kube-proxy out, in one of the two ways there are. */
function withoutKubeProxy(subject: KubeadmSubject): boolean {
  return (
    kubeadmDocuments(subject, "ClusterConfiguration").some(
      ({ document }) => valueAt(document, "proxy", "disabled") === true,
    ) ||
    kubeadmDocuments(subject, "InitConfiguration").some(({ document }) => {
      const phases = valueAt(document, "skipPhases");
      return Array.isArray(phases) && phases.some((phase) => phase === "addon/kube-proxy" || phase === "addon");
    })
  );
}

function joinsControlPlanes(subject: KubeadmSubject): boolean {
  return kubeadmDocuments(subject, "JoinConfiguration").some(({ document }) => isRecord(document.controlPlane));
}

/** Value of a component's flag, in either form of `extraArgs`. */
function flag(args: unknown, name: string): unknown {
  if (isRecord(args)) return args[name];
  const found: unknown = Array.isArray(args) ? args.find((item: unknown) => valueAt(item, "name") === name) : undefined;
  return valueAt(found, "value");
}

export const kubeadmNetworkRules: readonly Rule<KubeadmSubject>[] = [
  {
    code: "GB-1511",
    severity: "error",
    title: "podSubnet and serviceSubnet are blocks that do not overlap.",
    korean: "podSubnet과 serviceSubnet은 올바른 CIDR이어야 하고 서로 겹치지 않아야 합니다.",
    reason:
      "A Service address that is also a pod's is answered by whoever is first (kubeadm refuses what is no block).",
    check: (subject) =>
      kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }): Violation[] => {
        const path = (field: string) => [index, "networking", field];
        const subnets = (field: string) => blocks(valueAt(document, "networking", field));
        const broken = ["podSubnet", "serviceSubnet"].flatMap((field) =>
          subnets(field)
            .filter((block) => blockRange(block) === undefined && !/[$<{]/.test(block))
            .map((block) => ({
              path: path(field),
              message: `${field} "${block}" is not an address block.`,
              fix: "Write one such as 10.128.0.0/16.",
            })),
        );
        const overlapping = subnets("podSubnet").flatMap((pods) =>
          subnets("serviceSubnet")
            .filter((services) => overlap(pods, services))
            .map((services) => ({
              path: path("serviceSubnet"),
              message: `serviceSubnet ${services} overlaps podSubnet ${pods}.`,
              fix: "Give Services a block of their own, e.g. 172.20.0.0/16.",
            })),
        );
        return [...broken, ...overlapping];
      }),
  },
  {
    code: "GB-1512",
    severity: "error",
    title: "Cilium's pod pool and the Service addresses are disjoint.",
    korean: "Cilium의 파드 주소 풀과 serviceSubnet은 겹치지 않아야 합니다.",
    reason:
      "In cluster-pool mode Cilium hands out addresses itself and does not ask what kubeadm gave to Services (cilium issue 32296).",
    check: (subject) => {
      const pools = valueAt(subject.values, "ipam", "operator", "clusterPoolIPv4PodCIDRList");
      const list = (Array.isArray(pools) ? pools : [pools]).filter((pool) => typeof pool === "string");
      return kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) =>
        blocks(valueAt(document, "networking", "serviceSubnet")).flatMap((services) =>
          list
            .filter((pool) => overlap(pool, services))
            .map((pool) => ({
              path: [index, "networking", "serviceSubnet"],
              message: `serviceSubnet ${services} overlaps ${pool} of ipam.operator.clusterPoolIPv4PodCIDRList.`,
              fix: "Give pods and Services blocks of their own.",
            })),
        ),
      );
    },
  },
  {
    code: "GB-1513",
    severity: "warning",
    title: "kubeadm leaves kube-proxy out where Cilium replaces it.",
    korean: "Cilium이 kube-proxy를 대체하면 kubeadm은 kube-proxy를 설치하지 않아야 합니다.",
    reason:
      "Two programs answer for Services; kubeadm upgrade brings a deleted one back (Documentation/network/kubernetes/kubeproxy-free.rst).",
    check: (subject) => {
      if (!replacesKubeProxy(subject) || withoutKubeProxy(subject)) return [];
      return kubeadmDocuments(subject, "ClusterConfiguration").map(({ index, version }) => ({
        path: [index],
        message: "kubeProxyReplacement is on, but kubeadm installs kube-proxy as well.",
        fix:
          version === "v1beta4"
            ? "Write `proxy: {disabled: true}` here."
            : "Write `skipPhases: [addon/kube-proxy]` in InitConfiguration.",
      }));
    },
  },
  {
    code: "GB-1514",
    severity: "warning",
    title: "Nothing configures a kube-proxy that Cilium replaces.",
    korean: "Cilium이 대체한 kube-proxy의 설정이 남아 있지 않아야 합니다.",
    reason:
      "Leftover IPVS or iptables rules answer before Cilium does (Documentation/network/kubernetes/kubeproxy-free.rst).",
    check: (subject) =>
      replacesKubeProxy(subject)
        ? subject.documents.flatMap(({ kind }, index) =>
            kind === "KubeProxyConfiguration"
              ? [
                  {
                    path: [index, "kind"],
                    message: "KubeProxyConfiguration stands beside kubeProxyReplacement.",
                    fix: "Remove it, and leave kube-proxy out with `proxy: {disabled: true}`.",
                  },
                ]
              : [],
          )
        : [],
  },
  {
    code: "GB-1515",
    severity: "error",
    title: "A cluster that further control planes join has a controlPlaneEndpoint.",
    korean: "컨트롤 플레인을 더 추가하려면 controlPlaneEndpoint가 있어야 합니다.",
    reason:
      "kubeadm join --control-plane refuses a cluster without one (kubernetes.io, creating highly available clusters).",
    check: (subject) =>
      joinsControlPlanes(subject)
        ? kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) =>
            document.controlPlaneEndpoint === undefined || document.controlPlaneEndpoint === ""
              ? [
                  {
                    path: [index],
                    message: "Another document joins a control plane, but controlPlaneEndpoint is missing.",
                    fix: 'Write a name that a load balancer answers, e.g. controlPlaneEndpoint: "api.example.com:6443".',
                  },
                ]
              : [],
          )
        : [],
  },
  {
    code: "GB-1516",
    severity: "warning",
    title: "controlPlaneEndpoint is not one control plane's own address.",
    korean: "controlPlaneEndpoint는 특정 컨트롤 플레인 한 대의 주소가 아니어야 합니다.",
    reason: "The address goes into every certificate and kubeconfig; with that machine the whole API is gone.",
    check: (subject) => {
      const own = kubeadmDocuments(subject, "InitConfiguration").map(({ document }) =>
        valueAt(document, "localAPIEndpoint", "advertiseAddress"),
      );
      return joinsControlPlanes(subject)
        ? kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) => {
            const endpoint = text(document.controlPlaneEndpoint);
            return own.some((address) => address !== undefined && endpoint.split(":")[0] === address)
              ? [
                  {
                    path: [index, "controlPlaneEndpoint"],
                    message: `controlPlaneEndpoint ${endpoint} is the first control plane's own address.`,
                    fix: "Write a DNS name or a virtual address that all control planes answer.",
                  },
                ]
              : [];
          })
        : [];
    },
  },
  {
    code: "GB-1517",
    severity: "warning",
    title: "With ipam.mode kubernetes somebody gives nodes their pod blocks.",
    korean: "ipam.mode가 kubernetes이면 노드에 podCIDR을 할당하는 주체가 있어야 합니다.",
    reason:
      "Without podSubnet kubeadm does not turn on allocate-node-cidrs, and Cilium waits for node.spec.podCIDR (Documentation/network/concepts/ipam/kubernetes.rst).",
    check: (subject) => {
      if (valueAt(subject.values, "ipam", "mode") !== "kubernetes") return [];
      return kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) => {
        const args = valueAt(document, "controllerManager", "extraArgs");
        const decided = flag(args, "allocate-node-cidrs") !== undefined || flag(args, "cluster-cidr") !== undefined;
        return decided || valueAt(document, "networking", "podSubnet") !== undefined
          ? []
          : [
              {
                path: [index, "networking"],
                message: "ipam.mode is kubernetes, but podSubnet is missing: no node gets a podCIDR.",
                fix: "Write networking.podSubnet, or set allocate-node-cidrs yourself if something else writes node.spec.podCIDR.",
              },
            ];
      });
    },
  },
  {
    code: "GB-1518",
    severity: "warning",
    title: "kubelet uses systemd's cgroups.",
    korean: "kubelet의 cgroupDriver는 systemd를 권장합니다.",
    reason:
      "Two managers of one cgroup tree make nodes unstable under pressure (kubernetes.io, container runtimes: cgroup drivers).",
    check: ({ documents }) =>
      documents.flatMap(({ kind, cgroupDriver }, index) =>
        kind === "KubeletConfiguration" && cgroupDriver === "cgroupfs"
          ? [
              {
                path: [index, "cgroupDriver"],
                message: "cgroupDriver is cgroupfs; kubeadm's default and every distribution with systemd use systemd.",
                fix: "Write cgroupDriver: systemd, and SystemdCgroup = true in containerd's config.",
              },
            ]
          : [],
      ),
  },
  {
    code: "GB-1519",
    severity: "warning",
    title: "A joining node checks the cluster's CA.",
    korean: "조인하는 노드는 클러스터 CA를 검증해야 합니다.",
    reason: "Without it anybody who answers at the address becomes the API server (kubeadm join, discovery).",
    check: (subject) =>
      kubeadmDocuments(subject, "JoinConfiguration").flatMap(({ document, index }) =>
        valueAt(document, "discovery", "bootstrapToken", "unsafeSkipCAVerification") === true
          ? [
              {
                path: [index, "discovery", "bootstrapToken", "unsafeSkipCAVerification"],
                message: "unsafeSkipCAVerification is true.",
                fix: "Remove it and write caCertHashes; `kubeadm token create --print-join-command` prints them.",
              },
            ]
          : [],
      ),
  },
];

function overlap(one: string, other: string): boolean {
  const [left, right] = [blockRange(one), blockRange(other)];
  return left !== undefined && right !== undefined && rangesOverlap(left, right);
}
