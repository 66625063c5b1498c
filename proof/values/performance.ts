import type { Rule, ValuesSubject } from "../rule.ts";
import {
  chainingMode,
  encryption,
  legacyHostRouting,
  masquerades,
  masqueradesInBpf,
  onValues,
  replacesKubeProxy,
  routingMode,
  type Settings,
  tunnelProtocol,
  word,
  wrong,
  wrongIf,
} from "./settings.ts";

const usesNetkit = (settings: Settings) => ["netkit", "netkit-l2"].includes(settings.text("bpf.datapathMode"));
const bigTcp = (settings: Settings) =>
  (["enableIPv4BIGTCP", "enableIPv6BIGTCP"] as const).find((key) => settings.on(key));

export const performanceRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1125",
    severity: "error",
    title: "Direct server return fits the routing mode.",
    korean: "DSR 방식(loadBalancer.mode, dsrDispatch)은 라우팅 방식과 맞아야 합니다.",
    reason:
      "The agent stops at start (pkg/kpr/initializer/kube_proxy_replacement.go): VXLAN allows snat only, Geneve dispatch wants Geneve, options need native routing.",
    check: onValues((settings) => {
      const mode = word(settings, "loadBalancer.mode", "bpf-lb-mode", "snat");
      if (!replacesKubeProxy(settings) || !["dsr", "hybrid"].includes(mode)) return [];
      const dispatch = word(settings, "loadBalancer.dsrDispatch", "bpf-lb-dsr-dispatch", "opt");
      const protocol = tunnelProtocol(settings);
      if (routingMode(settings) === "tunnel" && protocol === "vxlan") {
        return [
          wrong(
            "loadBalancer.mode",
            `loadBalancer.mode ${mode} does not work with a VXLAN tunnel.`,
            "Write loadBalancer.mode: snat, or routingMode: native, or tunnelProtocol: geneve with loadBalancer.dsrDispatch: geneve.",
          ),
        ];
      }
      if (routingMode(settings) === "tunnel" && dispatch !== "geneve") {
        return [
          wrong(
            "loadBalancer.dsrDispatch",
            `loadBalancer.dsrDispatch ${dispatch} does not work with a tunnel.`,
            "Write loadBalancer.dsrDispatch: geneve.",
          ),
        ];
      }
      return wrongIf(
        dispatch === "geneve" && protocol !== "geneve",
        "loadBalancer.dsrDispatch",
        `loadBalancer.dsrDispatch is geneve, but tunnelProtocol is ${protocol}.`,
        "Write tunnelProtocol: geneve, or loadBalancer.dsrDispatch: opt.",
      );
    }),
  },
  {
    code: "GB-1126",
    severity: "error",
    title: "netkit runs with BPF host routing.",
    korean: "netkit에는 BPF 호스트 라우팅이 필요합니다(레거시 라우팅·tproxy와 함께 쓸 수 없음).",
    reason:
      "Documentation/operations/performance/tuning.rst asks for BPF host routing and 1.20 stops without it (pkg/datapath/connector/config.go); tproxy: cilium issue 39892.",
    check: onValues((settings) => {
      const legacy = usesNetkit(settings) ? legacyHostRouting(settings) : undefined;
      const mode = settings.text("bpf.datapathMode");
      return [
        ...wrongIf(
          legacy !== undefined,
          "bpf.datapathMode",
          `bpf.datapathMode is ${mode}, but ${legacy}, so that packets take the legacy host routing.`,
          "Write kubeProxyReplacement: true and bpf.masquerade: true, without bpf.hostLegacyRouting; or bpf.datapathMode: veth.",
        ),
        // From 1.19 on the chart says it itself (GB-1104).
        ...wrongIf(
          usesNetkit(settings) && settings.on("bpf.tproxy") && settings.within(undefined, "1.18"),
          "bpf.tproxy",
          `bpf.tproxy does not work with bpf.datapathMode ${mode}.`,
          "Write bpf.tproxy: false, or bpf.datapathMode: veth.",
        ),
      ];
    }),
  },
  {
    code: "GB-1127",
    severity: "error",
    title: "BIG TCP runs without tunnel, encryption and legacy host routing.",
    korean: "BIG TCP는 터널, IPsec, 레거시 호스트 라우팅과 함께 쓸 수 없습니다.",
    reason: "pkg/datapath/linux/bigtcp/bigtcp.go; Documentation/operations/performance/tuning.rst.",
    check: onValues((settings) => {
      const key = bigTcp(settings);
      if (key === undefined) return [];
      const legacy = legacyHostRouting(settings);
      const dispatch = word(settings, "loadBalancer.dsrDispatch", "bpf-lb-dsr-dispatch", "opt");
      const type = encryption(settings);
      const against = [
        // 1.20 probes the kernel for BIG TCP in tunnels.
        ...(routingMode(settings) === "tunnel" && settings.within(undefined, "1.19") ? ["routingMode is tunnel"] : []),
        ...(type === undefined ? [] : [`encryption is ${type}`]),
        ...(legacy === undefined ? [] : [legacy]),
        ...(dispatch === "ipip" ? ["loadBalancer.dsrDispatch is ipip"] : []),
      ];
      return wrongIf(
        against.length > 0,
        key,
        `${key} is true, but ${against.join(" and ")}.`,
        `Write ${key}: false, or change what stands against it.`,
      );
    }),
  },
  {
    code: "GB-1128",
    severity: "error",
    title: "Skipping connection tracking has what it needs.",
    korean: "installNoConntrackIptablesRules에는 네이티브 라우팅, kube-proxy 대체, BPF 마스커레이드가 필요합니다.",
    reason: "The agent stops at start (daemon/cmd/daemon_main.go, pkg/kpr/initializer/kube_proxy_replacement.go).",
    check: onValues((settings) => {
      // The chart switches it off on these platforms.
      const ignored =
        ["azure.enabled", "eni.enabled", "gke.enabled"].some((path) => settings.on(path)) ||
        chainingMode(settings) !== "none";
      if (ignored || !settings.on("installNoConntrackIptablesRules")) return [];
      const masked = masquerades(settings, 4) || masquerades(settings, 6);
      const lacks = [
        ...(routingMode(settings) === "tunnel" ? ["routingMode: native"] : []),
        ...(replacesKubeProxy(settings) ? [] : ["kubeProxyReplacement: true"]),
        ...(masked && !masqueradesInBpf(settings) ? ["bpf.masquerade: true"] : []),
        ...(settings.on("ipv4.enabled") ? [] : ["ipv4.enabled: true"]),
      ];
      return wrongIf(
        lacks.length > 0,
        "installNoConntrackIptablesRules",
        `installNoConntrackIptablesRules is true without ${lacks.join(", ")}.`,
        `Write ${lacks.join(", ")}, or installNoConntrackIptablesRules: false.`,
      );
    }),
  },
  {
    code: "GB-1129",
    severity: "error",
    title: "The bandwidth manager can do what is asked.",
    korean: "대역폭 관리자(BBR)의 조건이 맞아야 합니다.",
    reason:
      "pkg/datapath/linux/bandwidth/bandwidth.go: BBR needs BPF host routing, IPsec switches the manager off, bbrHostNamespaceOnly is a part of bbr.",
    check: onValues((settings) => {
      if (!settings.on("bandwidthManager.enabled")) {
        return wrongIf(
          settings.on("bandwidthManager.bbr"),
          "bandwidthManager.bbr",
          "bandwidthManager.bbr is true, but bandwidthManager.enabled is not, so that nothing happens.",
          "Write bandwidthManager.enabled: true.",
        );
      }
      const hostOnly = settings.on("bandwidthManager.bbrHostNamespaceOnly");
      const legacy = settings.on("bandwidthManager.bbr") && !hostOnly ? legacyHostRouting(settings) : undefined;
      return [
        ...wrongIf(
          legacy !== undefined,
          "bandwidthManager.bbr",
          `bandwidthManager.bbr needs BPF host routing, but ${legacy}.`,
          "Write kubeProxyReplacement: true and bpf.masquerade: true, without bpf.hostLegacyRouting; or bandwidthManager.bbr: false.",
        ),
        ...wrongIf(
          hostOnly && !settings.on("bandwidthManager.bbr"),
          "bandwidthManager.bbrHostNamespaceOnly",
          "bandwidthManager.bbrHostNamespaceOnly is true without bandwidthManager.bbr.",
          "Write bandwidthManager.bbr: true.",
        ),
        ...wrongIf(
          encryption(settings) === "ipsec",
          "bandwidthManager.enabled",
          "bandwidthManager.enabled is true, but with IPsec the agent leaves the bandwidth manager off.",
          "Write encryption.type: wireguard, or bandwidthManager.enabled: false.",
        ),
      ];
    }),
  },
  {
    code: "GB-1131",
    severity: "error",
    title: "BPF maps are sized consistently.",
    korean: "BPF 맵 크기 설정은 서로 맞아야 합니다.",
    reason: "The agent stops at start (pkg/option/config.go calculateBPFMapSizes, checkMapSizeLimits).",
    check: onValues((settings) => {
      const rate = settings.on("bpf.events.default.rateLimit");
      const burst = settings.on("bpf.events.default.burstLimit");
      const ratio = settings.given("bpf.mapDynamicSizeRatio");
      return [
        ...wrongIf(
          rate !== burst,
          `bpf.events.default.${rate ? "burstLimit" : "rateLimit"}`,
          "bpf.events.default.rateLimit and burstLimit go together, and only one is set.",
          "Write both, or neither.",
        ),
        ...wrongIf(
          settings.on("bpf.distributedLRU.enabled") && (ratio === undefined || ratio === null || Number(ratio) === 0),
          "bpf.distributedLRU.enabled",
          "bpf.distributedLRU.enabled is true without bpf.mapDynamicSizeRatio.",
          "Write bpf.mapDynamicSizeRatio: 0.08.",
        ),
      ];
    }),
  },
];
