import { blockRange } from "../objects/address-range.ts";
import type { Rule, ValuesSubject } from "../rule.ts";
import {
  enabled,
  encryption,
  inMesh,
  ipamMode,
  masquerades,
  masqueradesInBpf,
  onValues,
  replacesKubeProxy,
  routingMode,
  type Settings,
  servesNodePorts,
  texts,
  word,
  wrong,
  wrongIf,
} from "./settings.ts";

/** Packets may go to other nodes without a tunnel. */
const native = (settings: Settings) => ["native", "hybrid"].includes(routingMode(settings));

/** All of the addresses that a company can hand out: nobody's pods alone. */
const wholeRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(blockRange);

export const datapathRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1120",
    severity: "warning",
    title: "Without kube-proxy, Cilium knows where the API server is.",
    korean: "kube-proxy를 대체할 때는 k8sServiceHost/k8sServicePort(또는 k8s.apiServerURLs)를 지정해야 합니다.",
    reason:
      "Once kube-proxy is gone, nobody serves the kubernetes Service before the agent runs (Documentation/network/kubernetes/kubeproxy-free.rst, cilium issue 28882).",
    check: onValues((settings) =>
      wrongIf(
        replacesKubeProxy(settings) &&
          !settings.on("k8sServiceHost") &&
          !settings.on("k8sServiceHostRef.name") &&
          !settings.on("k8s.apiServerURLs") &&
          !settings.on("kubeConfigPath") &&
          !settings.on("gke.enabled") &&
          !settings.on("preflight.enabled"),
        "kubeProxyReplacement",
        "kubeProxyReplacement is true and k8sServiceHost is not set: on nodes without kube-proxy the agent cannot reach the API server.",
        "Write k8sServiceHost and k8sServicePort of an address that outlives any one control-plane node.",
      ),
    ),
  },
  {
    code: "GB-1121",
    severity: "error",
    title: "Direct node routes are used with native routing.",
    korean:
      "autoDirectNodeRoutes는 네이티브 라우팅에서만, directRoutingSkipUnreachable은 그것과 함께만 쓸 수 있습니다.",
    reason: "The agent stops at start (daemon/cmd/daemon_main.go, pkg/option/config.go).",
    check: onValues((settings) => {
      const direct = enabled(settings, "autoDirectNodeRoutes", "auto-direct-node-routes");
      const directText = settings.text("autoDirectNodeRoutes") === "false";
      return [
        ...wrongIf(
          direct && !directText && !native(settings),
          "autoDirectNodeRoutes",
          `autoDirectNodeRoutes is on, but routingMode is ${routingMode(settings)}.`,
          "Write routingMode: native, or autoDirectNodeRoutes: false.",
        ),
        ...wrongIf(
          settings.on("directRoutingSkipUnreachable") && (!direct || directText),
          "directRoutingSkipUnreachable",
          "directRoutingSkipUnreachable is on without autoDirectNodeRoutes.",
          "Write autoDirectNodeRoutes: true as well, or directRoutingSkipUnreachable: false.",
        ),
      ];
    }),
  },
  {
    code: "GB-1122",
    severity: "error",
    title: "Masquerading in BPF has what it needs.",
    korean: "BPF 마스커레이드의 조건(마스커레이드 켜짐, 1.18에서는 kube-proxy 대체)이 맞아야 합니다.",
    reason: "The agent stops at start (daemon/cmd/daemon.go; NodePort in BPF was a condition until 1.18).",
    check: onValues((settings) => {
      const bpf = masqueradesInBpf(settings);
      const some = masquerades(settings, 4) || masquerades(settings, 6);
      return [
        ...wrongIf(
          bpf && some && settings.within(undefined, "1.18") && !servesNodePorts(settings),
          "bpf.masquerade",
          "bpf.masquerade is true without kubeProxyReplacement, which Cilium 1.18 needs for it.",
          "Write kubeProxyReplacement: true, or bpf.masquerade: false.",
        ),
        ...wrongIf(
          bpf && !some,
          "bpf.masquerade",
          "bpf.masquerade is true, but nothing is masqueraded: enableIPv4Masquerade and enableIPv6Masquerade are off for every family in use (in ENI mode IPv4 is off unless switched on).",
          "Write bpf.masquerade: false, or enableIPv4Masquerade: true.",
        ),
        ...wrongIf(
          bpf && some && settings.on("enableMasqueradeRouteSource"),
          "enableMasqueradeRouteSource",
          "enableMasqueradeRouteSource works with iptables only, and bpf.masquerade is true.",
          "Write enableMasqueradeRouteSource: false, or bpf.masquerade: false.",
        ),
        ...wrongIf(
          bpf && some && settings.on("egressMasqueradeInterfaces"),
          "egressMasqueradeInterfaces",
          "egressMasqueradeInterfaces works with iptables only, and bpf.masquerade is true.",
          "Write devices instead, or bpf.masquerade: false.",
        ),
        ...wrongIf(
          settings.on("ipMasqAgent.enabled") && !(bpf && some),
          "ipMasqAgent.enabled",
          "ipMasqAgent.enabled is true without bpf.masquerade.",
          "Write bpf.masquerade: true.",
        ),
      ];
    }),
  },
  {
    code: "GB-1123",
    severity: "error",
    title: "An egress gateway has what it needs.",
    korean: "이그레스 게이트웨이에는 IPv4 BPF 마스커레이드가 필요합니다(1.18에서는 kube-proxy 대체도).",
    reason:
      "The agent stops at start (pkg/egressgateway/manager.go): BPF masquerading, identities in CRDs, no endpoint slices; 1.18 masquerades in BPF with NodePort only.",
    check: onValues((settings) => {
      if (!enabled(settings, "egressGateway.enabled", "enable-egress-gateway")) return [];
      const lacks = [
        ...(masqueradesInBpf(settings) ? [] : ["bpf.masquerade: true"]),
        ...(masquerades(settings, 4) ? [] : ["enableIPv4Masquerade: true"]),
        ...(servesNodePorts(settings) || settings.within("1.19") ? [] : ["kubeProxyReplacement: true"]),
      ];
      const identities = settings.text("identityAllocationMode");
      return [
        ...wrongIf(
          lacks.length > 0,
          "egressGateway.enabled",
          `egressGateway.enabled is true without ${lacks.join(", ")}.`,
          `Write ${lacks.join(", ")}.`,
        ),
        ...wrongIf(
          identities === "kvstore",
          "identityAllocationMode",
          "An egress gateway does not work with identityAllocationMode kvstore.",
          "Write identityAllocationMode: crd.",
        ),
        ...wrongIf(
          settings.on("ciliumEndpointSlice.enabled"),
          "ciliumEndpointSlice.enabled",
          "An egress gateway does not work with ciliumEndpointSlice.enabled.",
          "Write ciliumEndpointSlice.enabled: false.",
        ),
      ];
    }),
  },
  {
    code: "GB-1124",
    severity: "error",
    title: "Ingress and Gateway API come with kube-proxy replacement.",
    korean: "Ingress와 Gateway API에는 kubeProxyReplacement: true가 필요합니다.",
    reason:
      "The operator leaves the controller off with a warning only (operator/pkg/gateway-api/cell.go, operator/pkg/ingress/cell.go).",
    check: onValues((settings) => {
      const controllers = (["gatewayAPI", "ingressController"] as const).filter(
        (key) => settings.on(`${key}.enabled`) && !servesNodePorts(settings),
      );
      return controllers.map((key) =>
        wrong(
          `${key}.enabled`,
          `${key}.enabled is true, but kubeProxyReplacement is not.`,
          `Write kubeProxyReplacement: true, or ${key}.enabled: false.`,
        ),
      );
    }),
  },
  {
    code: "GB-1130",
    severity: "error",
    title: "IPAM mode and address families fit the routing mode.",
    korean: "IPAM 모드와 주소 체계(IPv4/IPv6)는 라우팅 방식과 맞아야 합니다.",
    reason:
      "The agent stops at start (daemon/cmd/daemon_main.go, pkg/option/config.go, pkg/datapath/tunnel/tunnel.go).",
    check: onValues((settings) => {
      const [v4, v6] = [settings.on("ipv4.enabled"), settings.on("ipv6.enabled")];
      const underlay = settings.text("underlayProtocol");
      return [
        ...wrongIf(
          ipamMode(settings) === "eni" && routingMode(settings) === "tunnel",
          "routingMode",
          "ipam.mode eni does not work with routingMode tunnel.",
          "Write routingMode: native.",
        ),
        ...wrongIf(
          ipamMode(settings) === "eni" && v6 && settings.within(undefined, "1.18"),
          "ipv6.enabled",
          "Cilium 1.18 has no IPv6 in IPAM mode eni.",
          "Write ipv6.enabled: false.",
        ),
        ...wrongIf(
          !v4 && !v6,
          "ipv4.enabled",
          "Neither ipv4.enabled nor ipv6.enabled is true.",
          "Write ipv4.enabled: true.",
        ),
        ...wrongIf(
          settings.on("nat46x64Gateway.enabled") && !(v4 && v6),
          "nat46x64Gateway.enabled",
          "nat46x64Gateway.enabled needs both families.",
          "Write ipv4.enabled: true and ipv6.enabled: true.",
        ),
        ...wrongIf(
          settings.given("underlayProtocol") !== undefined &&
            ((underlay === "ipv6" && !v6) || (underlay === "ipv4" && !v4)),
          "underlayProtocol",
          `underlayProtocol is ${underlay}, but ip${underlay.slice(2)}.enabled is not true.`,
          `Write ip${underlay.slice(2)}.enabled: true.`,
        ),
      ];
    }),
  },
  {
    code: "GB-1132",
    severity: "error",
    title: "Cilium 1.20.0 is not used with policyEnforcementMode always.",
    korean: "Cilium 1.20.0에서는 policyEnforcementMode: always를 쓰지 않아야 합니다(kubelet 프로브가 차단됨).",
    reason: "It drops kubelet's probes of pods without an ingress policy (cilium issue 48444).",
    check: onValues((settings, { cilium }) =>
      wrongIf(
        cilium === "1.20.0" && word(settings, "policyEnforcementMode", "enable-policy").toLowerCase() === "always",
        "policyEnforcementMode",
        "policyEnforcementMode is always, and Cilium 1.20.0 then drops kubelet's probes of every pod without an ingress policy.",
        "Use Cilium 1.20.2, or write policyEnforcementMode: default.",
      ),
    ),
  },
  {
    code: "GB-1133",
    severity: "warning",
    title: "Default deny comes by policy, not by policyEnforcementMode always.",
    korean: "기본 차단은 policyEnforcementMode: always 대신 정책으로 하는 것이 안전합니다.",
    reason:
      "With always, DNS, metrics, the mesh and webhooks stop at once unless policies for them are there first (Documentation/security/policy/intro.rst).",
    check: onValues((settings, { cilium }) =>
      wrongIf(
        cilium !== "1.20.0" &&
          word(settings, "policyEnforcementMode", "enable-policy").toLowerCase() === "always" &&
          !settings.on("policyAuditMode"),
        "policyEnforcementMode",
        "policyEnforcementMode is always: every pod that no policy selects, CoreDNS too, is cut off in both directions.",
        "Write policyEnforcementMode: default and a CiliumClusterwideNetworkPolicy with ingress: [{}] and egress: [{}], after the policies that allow DNS, probes and controllers.",
      ),
    ),
  },
  {
    code: "GB-1134",
    severity: "warning",
    title: "The native routing block holds pods and nothing else.",
    korean: "ipv4NativeRoutingCIDR에는 Pod 대역만 넣어야 합니다.",
    reason:
      "Traffic to anywhere in it leaves with the pod's own address, which other hosts of the company cannot answer (Documentation/network/concepts/masquerading.rst).",
    check: onValues((settings) => {
      const range = blockRange(settings.text("ipv4NativeRoutingCIDR"));
      const whole = wholeRanges.some(
        (other) =>
          range !== undefined &&
          other !== undefined &&
          range.family === 4 &&
          range.first <= other.first &&
          range.last >= other.last,
      );
      const pools =
        ipamMode(settings) === "cluster-pool" ? texts(settings.given("ipam.operator.clusterPoolIPv4PodCIDRList")) : [];
      return wrongIf(
        whole &&
          native(settings) &&
          masquerades(settings, 4) &&
          !pools.includes(settings.text("ipv4NativeRoutingCIDR")),
        "ipv4NativeRoutingCIDR",
        `ipv4NativeRoutingCIDR ${settings.text("ipv4NativeRoutingCIDR")} is a whole private range: pods reach every host in it without masquerading, and get no answer from hosts that know no route to pods.`,
        "Write the smallest block that holds the pods of all connected clusters, e.g. 10.128.0.0/13.",
      );
    }),
  },
  {
    code: "GB-1135",
    severity: "warning",
    title: "A mesh member has an MTU of its own.",
    korean: "메시 클러스터는 MTU를 명시해야 합니다.",
    reason:
      "Automatic detection takes each cloud's own MTU (9001 on AWS), and larger packets vanish on the way between the sites (cilium issue 37919).",
    check: onValues((settings) =>
      wrongIf(
        inMesh(settings) &&
          native(settings) &&
          encryption(settings) !== undefined &&
          settings.given("MTU") === undefined,
        "MTU",
        "The cluster is in a mesh with native routing and encryption, and MTU is left to each node's device.",
        "Write MTU: 1400, or what the narrowest link between the sites carries, the same in every member.",
      ),
    ),
  },
  {
    code: "GB-1136",
    severity: "warning",
    title: "An egress gateway comes with kube-proxy replacement.",
    korean: "이그레스 게이트웨이는 kubeProxyReplacement: true와 함께 쓰는 것이 문서의 조건입니다.",
    reason: "Documentation/network/egress-gateway/egress-gateway.rst asks for it; since 1.19 the agent starts without.",
    check: onValues((settings) =>
      wrongIf(
        enabled(settings, "egressGateway.enabled", "enable-egress-gateway") &&
          settings.within("1.19") &&
          !replacesKubeProxy(settings),
        "egressGateway.enabled",
        "egressGateway.enabled is true without kubeProxyReplacement, which Cilium documents as a condition.",
        "Write kubeProxyReplacement: true.",
      ),
    ),
  },
  {
    code: "GB-1137",
    severity: "error",
    title: "Native routing with masquerading knows the pods' block.",
    korean: "네이티브 라우팅에서 마스커레이드를 쓰면 ipv4NativeRoutingCIDR이 필요합니다.",
    reason:
      "The chart asks for it only where enableIPv4Masquerade is written out; left to its default, the agent stops at start (pkg/option/config.go checkIPv4NativeRoutingCIDR).",
    check: onValues((settings) =>
      wrongIf(
        native(settings) &&
          settings.given("enableIPv4Masquerade") !== true &&
          masquerades(settings, 4) &&
          !settings.on("ipMasqAgent.enabled") &&
          word(settings, "ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr") === "" &&
          !settings.on("nativeRoutingCIDRFromClusterPool") &&
          !["eni", "alibabacloud"].includes(ipamMode(settings)),
        "ipv4NativeRoutingCIDR",
        `routingMode is ${routingMode(settings)} and IPv4 is masqueraded by default, but ipv4NativeRoutingCIDR is not set: the agent does not start.`,
        "Write ipv4NativeRoutingCIDR: the block that holds the pods of every connected cluster, e.g. 10.128.0.0/13; or enableIPv4Masquerade: false.",
      ),
    ),
  },
  {
    code: "GB-1138",
    severity: "warning",
    title: "L2 announcements come with kube-proxy replacement.",
    korean: "L2 announcement는 kubeProxyReplacement: true와 함께 쓰는 것이 문서의 조건입니다.",
    reason: "Documentation/network/l2-announcements.rst lists it among the requirements.",
    check: onValues((settings) =>
      wrongIf(
        settings.on("l2announcements.enabled") && !replacesKubeProxy(settings),
        "l2announcements.enabled",
        "l2announcements.enabled is true without kubeProxyReplacement, which Cilium documents as a condition.",
        "Write kubeProxyReplacement: true.",
      ),
    ),
  },
];
