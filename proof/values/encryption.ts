import { blockRange } from "../objects/address-range.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import {
  chainingMode,
  encryption,
  ipamMode,
  onValues,
  replacesKubeProxy,
  routingMode,
  type Settings,
  texts,
  word,
  wrong,
  wrongIf,
} from "./settings.ts";

/** Strict mode as this chart minor spells it. */
function strict(settings: Settings): { path: string; on: boolean } {
  const path =
    settings.within("1.19") && !settings.on("encryption.strictMode.enabled")
      ? "encryption.strictMode.egress"
      : "encryption.strictMode";
  return { path, on: settings.on(`${path}.enabled`) };
}

function types(settings: Settings): Violation[] {
  const given = settings.given("encryption.type");
  if (!settings.on("encryption.enabled") || typeof given !== "string") return [];
  if (["ipsec", "wireguard"].includes(given) || (given === "ztunnel" && settings.within("1.19"))) return [];
  return [
    wrong(
      "encryption.type",
      `encryption.type ${JSON.stringify(given)} is none of this chart: nothing is encrypted, and nothing says so.`,
      "Write ipsec or wireguard.",
    ),
  ];
}

export const encryptionRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1150",
    severity: "error",
    title: "Encryption is of a type that Cilium has.",
    korean: "encryption.type은 ipsec 또는 wireguard여야 합니다.",
    reason: "templates/cilium-configmap.yaml writes nothing for any other type, so that traffic stays in clear.",
    check: onValues(types),
  },
  {
    code: "GB-1151",
    severity: "error",
    title: "Settings of encryption come with encryption.enabled.",
    korean: "encryption.type이나 nodeEncryption만으로는 암호화되지 않습니다. encryption.enabled가 필요합니다.",
    reason:
      "encryption.enabled is false by default, and without it the chart writes none of the section (templates/cilium-configmap.yaml).",
    check: onValues((settings) => {
      if (settings.given("encryption.enabled") !== undefined || encryption(settings) !== undefined) return [];
      const set = ["encryption.type", "encryption.nodeEncryption"].find(
        (path) => settings.given(path) && settings.on(path),
      );
      return set === undefined
        ? []
        : [
            wrong(
              set,
              `${set} is set without encryption.enabled: nothing is encrypted.`,
              "Write encryption.enabled: true, or remove the section.",
            ),
          ];
    }),
  },
  {
    code: "GB-1152",
    severity: "error",
    title: "Node encryption is asked of WireGuard.",
    korean: "nodeEncryption은 WireGuard에서만 동작합니다.",
    reason:
      "With IPsec the datapath ignores it and traffic of hosts stays in clear (values.yaml, pkg/datapath/linux/config/config.go).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("encryption.nodeEncryption") && encryption(settings) === "ipsec",
        "encryption.nodeEncryption",
        "encryption.nodeEncryption is true with IPsec, which encrypts pods only: traffic of hosts stays in clear.",
        "Write encryption.type: wireguard, or encryption.nodeEncryption: false.",
      ),
    ),
  },
  {
    code: "GB-1153",
    severity: "warning",
    title: "Node encryption is known to be beta.",
    korean: "nodeEncryption은 베타 기능이며 컨트롤 플레인 노드는 기본으로 제외됩니다.",
    reason:
      "Documentation/security/network/encryption-wireguard.rst; control planes stay out by their label, and nodes have been locked out of each other (cilium issues 28965, 29872).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("encryption.nodeEncryption") && encryption(settings) === "wireguard",
        "encryption.nodeEncryption",
        "encryption.nodeEncryption is beta, and control-plane nodes stay out of it by default.",
        "Keep the control planes' opt-out label, and try the loss of a node first; or write false.",
      ),
    ),
  },
  {
    code: "GB-1154",
    severity: "error",
    title: "IPsec stands alone.",
    korean: "IPsec은 호스트 방화벽, CNI 체이닝 등과 함께 쓸 수 없습니다.",
    reason:
      "The agent stops at start with the host firewall, without the DNS proxy's transparent mode, and in 1.18 with multi-pool and native routing (daemon/cmd/daemon.go); chaining: cilium issue 15596.",
    check: onValues((settings) => {
      if (encryption(settings) !== "ipsec") return [];
      const chaining = chainingMode(settings);
      return [
        ...wrongIf(
          settings.on("hostFirewall.enabled"),
          "hostFirewall.enabled",
          "hostFirewall.enabled is true with IPsec, and the agent does not start.",
          "Write encryption.type: wireguard, or hostFirewall.enabled: false.",
        ),
        ...wrongIf(
          !["none", "portmap"].includes(chaining),
          "cni.chainingMode",
          `IPsec does not work behind another CNI plugin (${chaining}).`,
          "Write encryption.type: wireguard.",
        ),
        ...wrongIf(
          ipamMode(settings) === "multi-pool" &&
            routingMode(settings) === "native" &&
            settings.within(undefined, "1.18"),
          "ipam.mode",
          "Cilium 1.18 does not start with IPsec, ipam.mode multi-pool and native routing.",
          "Write routingMode: tunnel, or encryption.type: wireguard, or use Cilium 1.19.",
        ),
        ...wrongIf(
          settings.on("l7Proxy") && settings.given("dnsProxy.enableTransparentMode") === false,
          "dnsProxy.enableTransparentMode",
          "IPsec with l7Proxy needs the DNS proxy in transparent mode.",
          "Remove dnsProxy.enableTransparentMode: false.",
        ),
        ...wrongIf(
          settings.on("encryption.strictMode.ingress.enabled"),
          "encryption.strictMode.ingress.enabled",
          "Strict mode for ingress does not work with IPsec.",
          "Write encryption.type: wireguard, or remove strictMode.",
        ),
      ];
    }),
  },
  {
    code: "GB-1155",
    severity: "error",
    title: "Strict mode is WireGuard's, and names the pods' block.",
    korean: "strictMode는 WireGuard에서만 동작하며 Pod 대역(cidr)을 지정해야 합니다.",
    reason:
      "pkg/option/config.go stops without an IPv4 block; with a tunnel allowRemoteNodeIdentities is required (Documentation/security/network/encryption-wireguard.rst).",
    check: onValues((settings) => {
      const { path, on } = strict(settings);
      const ingress = settings.on("encryption.strictMode.ingress.enabled");
      if (!on && !ingress) return [];
      const type = encryption(settings);
      const tunnel = routingMode(settings) === "tunnel";
      const cidr = settings.text(`${path}.cidr`);
      const strictRange = blockRange(cidr);
      const outside = texts(settings.given("ipam.operator.clusterPoolIPv4PodCIDRList")).filter((text) => {
        const range = blockRange(text);
        return (
          ipamMode(settings) === "cluster-pool" &&
          range !== undefined &&
          strictRange !== undefined &&
          !(strictRange.first <= range.first && range.last <= strictRange.last)
        );
      });
      return [
        ...wrongIf(
          type !== "wireguard" && !(type === "ipsec" && !on),
          on ? `${path}.enabled` : "encryption.strictMode.ingress.enabled",
          `Strict mode is on, but encryption is ${type ?? "off"}.`,
          "Write encryption.enabled: true and encryption.type: wireguard, or turn strict mode off.",
        ),
        ...wrongIf(
          on && cidr === "",
          `${path}.cidr`,
          `${path}.enabled is true without ${path}.cidr.`,
          `Write ${path}.cidr with the block that holds the pods of every connected cluster, e.g. 10.128.0.0/13.`,
        ),
        ...wrongIf(
          on && tunnel && !settings.on(`${path}.allowRemoteNodeIdentities`),
          `${path}.allowRemoteNodeIdentities`,
          "Strict mode with a tunnel needs allowRemoteNodeIdentities.",
          `Write ${path}.allowRemoteNodeIdentities: true.`,
        ),
        ...outside.map((text) =>
          wrong(
            `${path}.cidr`,
            `${path}.cidr ${cidr} does not hold the pod pool ${text}, whose traffic may leave in clear.`,
            "Write a block that holds the pods of every connected cluster.",
          ),
        ),
        ...wrongIf(
          ingress && !tunnel,
          "encryption.strictMode.ingress.enabled",
          "Strict mode for ingress works with a tunnel only, and routingMode is native.",
          "Write encryption.strictMode.ingress.enabled: false, or routingMode: tunnel.",
        ),
      ];
    }),
  },
  {
    code: "GB-1156",
    severity: "warning",
    title: "Traffic from outside is not expected to be encrypted on its way between nodes.",
    korean: "XDP 가속이나 DSR을 쓰면 외부에서 들어온 트래픽은 노드 사이에서 암호화되지 않습니다.",
    reason:
      "A packet that XDP or DSR sends on to another node passes WireGuard by (Documentation/security/network/encryption-wireguard.rst; the agent warns, pkg/kpr/initializer).",
    check: onValues((settings) => {
      if (encryption(settings) !== "wireguard" || !replacesKubeProxy(settings)) return [];
      const acceleration = word(settings, "loadBalancer.acceleration", "bpf-lb-acceleration", "disabled");
      const mode = word(settings, "loadBalancer.mode", "bpf-lb-mode", "snat");
      const dispatch = word(settings, "loadBalancer.dsrDispatch", "bpf-lb-dsr-dispatch", "opt");
      const set =
        acceleration !== "disabled"
          ? `loadBalancer.acceleration ${acceleration}`
          : ["dsr", "hybrid"].includes(mode) && dispatch !== "geneve"
            ? `loadBalancer.mode ${mode}`
            : undefined;
      return set === undefined
        ? []
        : [
            wrong(
              set.split(" ")[0] ?? "",
              `With ${set}, what comes in from outside goes on to the backend's node in clear, although WireGuard is on.`,
              "Write loadBalancer.acceleration: disabled and loadBalancer.mode: snat, or accept it.",
            ),
          ];
    }),
  },
  {
    code: "GB-1157",
    severity: "warning",
    title: "Encryption keys are spelt as the next minor reads them.",
    korean: "다음 마이너에서 사라지거나 이미 쓰이지 않는 암호화 키를 쓰지 않습니다.",
    reason:
      "encryption.strictMode.{enabled,cidr,allowRemoteNodeIdentities} go with 1.20 (agent flags, daemon/cmd/daemon_main.go of 1.19); no template of 1.20 reads encryption.ipsec.interface.",
    check: onValues((settings) => [
      ...["enabled", "cidr", "allowRemoteNodeIdentities"]
        .map((key) => `encryption.strictMode.${key}`)
        .filter((path) => settings.within("1.19", "1.19") && settings.given(path) && settings.on(path))
        .map((path) =>
          wrong(
            path,
            `${path} is deprecated in 1.19 and gone in 1.20.`,
            `Write ${path.replace("strictMode.", "strictMode.egress.")}.`,
          ),
        ),
      ...wrongIf(
        settings.within("1.20") && settings.on("encryption.ipsec.interface"),
        "encryption.ipsec.interface",
        "encryption.ipsec.interface is read by nothing.",
        "Remove it; devices chooses the interfaces.",
      ),
    ]),
  },
];
