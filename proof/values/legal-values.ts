import { isDuration } from "../../components/cilium/chart-checks.ts";
import { isPlaceholder } from "../../components/cilium/effective-values.ts";
import { addressNumber, blockRange } from "../objects/address-range.ts";
import { shown } from "../objects/objects.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import { inMesh, onValues, replacesKubeProxy, type Settings, texts, wrong } from "./settings.ts";

/** The words that the agent, the operator or Kubernetes knows for a key; the chart's schema asks for any text. */
interface Words {
  readonly words: readonly string[];
  /** Words of later minors, by the first that has them. */
  readonly later?: Readonly<Record<string, readonly string[]>>;
  /** Read at all; a feature that is off has no wrong words. */
  readonly when?: (settings: Settings) => boolean;
  readonly anyCase?: true;
}

const on = (path: string) => (settings: Settings) => settings.on(path);
const serviceTypes = ["ClusterIP", "LoadBalancer", "NodePort"];
const policies = ["Cluster", "Local"];
const pull = ["Always", "IfNotPresent", "Never"];
const certMethods = ["certmanager", "cronJob", "helm"];

const words: Readonly<Record<string, Words>> = {
  "bgpControlPlane.routerIDAllocation.mode": { words: ["default", "ip-pool"], when: on("bgpControlPlane.enabled") },
  "bpf.datapathMode": { words: ["veth", "netkit", "netkit-l2"], later: { "1.20": ["auto"] } },
  "bpf.monitorAggregation": {
    words: ["none", "disabled", "lowest", "low", "medium", "max", "maximum", "0", "1", "2", "3", "4"],
    anyCase: true,
  },
  "clustermesh.apiserver.service.type": { words: serviceTypes, when: on("clustermesh.useAPIServer") },
  "clustermesh.apiserver.tls.auto.method": { words: certMethods, when: on("clustermesh.useAPIServer") },
  "cni.chainingMode": { words: ["none", "aws-cni", "flannel", "generic-veth", "portmap"], anyCase: true },
  defaultLBServiceIPAM: { words: ["lbipam", "nodeipam", "none"] },
  dnsPolicy: { words: ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] },
  "gatewayAPI.gatewayClass.create": { words: ["auto", "true", "false"], when: on("gatewayAPI.enabled") },
  "hubble.relay.service.type": { words: serviceTypes, when: on("hubble.relay.enabled") },
  "hubble.tls.auto.method": { words: certMethods, when: on("hubble.enabled") },
  "hubble.ui.service.type": { words: serviceTypes, when: on("hubble.ui.enabled") },
  identityAllocationMode: { words: ["crd", "kvstore", "doublewrite-readcrd", "doublewrite-readkvstore"] },
  "image.pullPolicy": { words: pull },
  "ingressController.loadbalancerMode": { words: ["dedicated", "shared"], when: on("ingressController.enabled") },
  "ingressController.service.type": { words: serviceTypes, when: on("ingressController.enabled") },
  "ipam.mode": {
    words: ["cluster-pool", "kubernetes", "multi-pool", "crd", "eni", "azure", "alibabacloud", "delegated-plugin"],
  },
  "loadBalancer.acceleration": {
    words: ["disabled", "native", "best-effort", "testing-only"],
    when: replacesKubeProxy,
  },
  "loadBalancer.algorithm": { words: ["random", "maglev"] },
  "loadBalancer.dsrDispatch": { words: ["opt", "ipip", "geneve"] },
  "loadBalancer.l7.algorithm": { words: ["round_robin", "least_request", "random"] },
  "loadBalancer.l7.backend": { words: ["disabled", "envoy"] },
  "loadBalancer.mode": { words: ["snat", "dsr", "hybrid"] },
  "operator.updateStrategy.type": { words: ["RollingUpdate", "Recreate"] },
  "pmtuDiscovery.packetizationLayerPMTUDMode": { words: ["always", "blackhole", "disabled", "unset"] },
  policyDenyResponse: { words: ["none", "icmp"] },
  policyEnforcementMode: { words: ["default", "always", "never"], anyCase: true },
  "prometheus.serviceMonitor.scheme": { words: ["http", "https"] },
  routingMode: { words: ["native", "tunnel"], later: { "1.20": ["hybrid"] } },
  serviceNoBackendResponse: { words: ["reject", "drop"] },
  tunnelProtocol: { words: ["vxlan", "geneve"] },
  underlayProtocol: { words: ["ipv4", "ipv6"], later: { "1.20": ["auto"] } },
  "updateStrategy.type": { words: ["RollingUpdate", "OnDelete"] },
  "clustermesh.apiserver.service.externalTrafficPolicy": { words: policies, when: on("clustermesh.useAPIServer") },
};

function wrongWords(settings: Settings): Violation[] {
  return Object.entries(words).flatMap(([path, { words: known, later = {}, when, anyCase }]) => {
    const given = settings.given(path);
    // Another type is GB-1103's; an empty text means the default.
    if (given === undefined || given === null || given === "" || typeof given === "object") return [];
    if (isPlaceholder(given)) return [];
    if (when?.(settings) === false) return [];
    const legal = [...known, ...Object.entries(later).flatMap(([minor, more]) => (settings.within(minor) ? more : []))];
    const text = anyCase ? shown(given).toLowerCase() : shown(given);
    if (legal.includes(text)) return [];
    const minor = Object.entries(later).find(([, more]) => more.includes(text))?.[0];
    const choice = legal.filter((legalWord) => !/^\d$/.test(legalWord)).join(", ");
    return [
      wrong(
        path,
        `${path} is ${JSON.stringify(given)}, ${
          minor === undefined ? "which Cilium does not know" : `which Cilium knows from ${minor} on`
        }.`,
        `Write one of ${choice}.`,
      ),
    ];
  });
}

type Form = "IPv4 block" | "IPv6 block" | "block" | "duration";

/** What has a form of its own, and where it is read. Lists may be written as a list or as text. */
const forms: readonly { path: string; form: Form; when?: (settings: Settings) => boolean }[] = [
  { path: "ipv4NativeRoutingCIDR", form: "IPv4 block" },
  { path: "ipv6NativeRoutingCIDR", form: "IPv6 block" },
  { path: "ipam.operator.clusterPoolIPv4PodCIDRList", form: "IPv4 block" },
  { path: "ipam.operator.clusterPoolIPv6PodCIDRList", form: "IPv6 block" },
  { path: "encryption.strictMode.cidr", form: "IPv4 block", when: on("encryption.strictMode.enabled") },
  { path: "encryption.strictMode.egress.cidr", form: "IPv4 block", when: on("encryption.strictMode.egress.enabled") },
  { path: "nodePort.addresses", form: "block" },
  { path: "localRedirectPolicies.addressMatcherCIDRs", form: "block" },
  { path: "clustermesh.apiserver.service.loadBalancerSourceRanges", form: "block", when: inMesh },
  { path: "ingressController.service.loadBalancerSourceRanges", form: "block", when: on("ingressController.enabled") },
  { path: "clustermesh.cacheTTL", form: "duration" },
  { path: "bpf.monitorInterval", form: "duration" },
  { path: "encryption.wireguard.persistentKeepalive", form: "duration" },
  { path: "hubble.export.static.aggregationInterval", form: "duration", when: on("hubble.export.static.enabled") },
  { path: "hubble.dropEventEmitter.interval", form: "duration", when: on("hubble.dropEventEmitter.enabled") },
  { path: "l2announcements.leaseDuration", form: "duration", when: on("l2announcements.enabled") },
  { path: "l2announcements.leaseRenewDeadline", form: "duration", when: on("l2announcements.enabled") },
  { path: "l2announcements.leaseRetryPeriod", form: "duration", when: on("l2announcements.enabled") },
  { path: "nat.mapStatsInterval", form: "duration" },
  { path: "dnsProxy.proxyResponseMaxDelay", form: "duration" },
  { path: "dnsProxy.idleConnectionGracePeriod", form: "duration" },
  { path: "iptablesLockTimeout", form: "duration" },
  { path: "egressGateway.reconciliationTriggerInterval", form: "duration" },
];

function formProblem(form: Form, text: string): { what: string; fix: string } | undefined {
  if (form === "duration") {
    if (isDuration(text)) return undefined;
    const number = /^\d+$/.test(text);
    return { what: "is no duration that Go can parse", fix: number ? `Write ${text}s.` : "Write e.g. 30s, 5m or 1h." };
  }
  const range = blockRange(text);
  const family = form === "IPv4 block" ? 4 : form === "IPv6 block" ? 6 : undefined;
  const example = form === "IPv6 block" ? "fd00:10:128::/104" : "10.128.0.0/16";
  if (range === undefined) {
    const address = addressNumber(text);
    const length = address?.family === 6 ? 128 : 32;
    return {
      what: address === undefined ? "is no address block" : "has no prefix length",
      fix: address === undefined ? `Write a block such as ${example}.` : `Write ${text}/${length}, or the whole block.`,
    };
  }
  return family === undefined || range.family === family
    ? undefined
    : { what: `is no ${form}`, fix: `Write a block such as ${example}.` };
}

function wrongForms(settings: Settings): Violation[] {
  return forms.flatMap(({ path, form, when }) => {
    const given = settings.given(path);
    if (given === undefined || given === null || given === "" || when?.(settings) === false) return [];
    const inList = Array.isArray(given);
    if (!inList && typeof given === "object") return [];
    if (isPlaceholder(given)) return [];
    const entries = inList ? given : form === "duration" ? [shown(given)] : texts(given);
    return entries.flatMap((entry: unknown, at): Violation[] => {
      if (isPlaceholder(entry)) return [];
      const text = shown(entry);
      const problem = formProblem(form, text);
      const steps = [...path.split("."), ...(inList ? [at] : [])];
      return problem ? [wrong(steps, `${path}: ${JSON.stringify(entry)} ${problem.what}.`, problem.fix)] : [];
    });
  });
}

/** Ports, and other whole numbers with a range of their own. */
const ranges: readonly { path: string; least: number; most: number; what: string; when?: (s: Settings) => boolean }[] =
  [
    ...[
      "k8sServicePort",
      "prometheus.port",
      "operator.prometheus.port",
      "envoy.prometheus.port",
      "hubble.metrics.port",
      "hubble.relay.listenPort",
      "hubble.relay.prometheus.port",
      "healthPort",
      "clusterHealthPort",
      "clustermesh.apiserver.healthPort",
      "envoy.healthPort",
      "ingressController.hostNetwork.sharedListenerPort",
    ].map((path) => ({ path, least: path.endsWith("sharedListenerPort") ? 0 : 1, most: 65_535, what: "a port" })),
    { path: "tunnelPort", least: 0, most: 65_535, what: "a port" },
    { path: "dnsProxy.proxyPort", least: 0, most: 65_535, what: "a port" },
    ...[
      "clustermesh.apiserver.service.nodePort",
      "hubble.ui.service.nodePort",
      "hubble.relay.service.nodePort",
      "ingressController.service.insecureNodePort",
      "ingressController.service.secureNodePort",
    ].map((path) => ({ path, least: 1, most: 65_535, what: "a port" })),
    { path: "MTU", least: 0, most: 65_535, what: "an MTU in bytes, 0 for automatic" },
    { path: "bpf.authMapMax", least: 256, most: 16_777_216, what: "a number of entries" },
    { path: "bpf.ctTcpMax", least: 1024, most: 16_777_216, what: "a number of entries" },
    { path: "bpf.ctAnyMax", least: 1024, most: 16_777_216, what: "a number of entries" },
    { path: "bpf.natMax", least: 1024, most: 16_777_216, what: "a number of entries" },
    { path: "bpf.policyMapMax", least: 256, most: 65_536, what: "a number of entries" },
    { path: "bpf.mapDynamicSizeRatio", least: 0, most: 1, what: "a share of the node's memory" },
    { path: "ipam.operator.clusterPoolIPv4MaskSize", least: 1, most: 32, what: "a prefix length" },
    { path: "ipam.operator.clusterPoolIPv6MaskSize", least: 1, most: 128, what: "a prefix length" },
    { path: "hubble.export.static.fileMaxSizeMb", least: 1, most: 1_000_000, what: "a size in MB" },
  ];

/** Go reads 0 as "not set" here. */
const zeroMeansUnset = new Set(["bpf.authMapMax", "bpf.ctTcpMax", "bpf.ctAnyMax", "bpf.natMax"]);

function outOfRange(settings: Settings): Violation[] {
  return ranges.flatMap(({ path, least, most, what }) => {
    const given = settings.given(path);
    if (typeof given !== "number" && !(typeof given === "string" && /^-?[\d.]+$/.test(given))) return [];
    const number = Number(given);
    if ((number >= least && number <= most) || (number === 0 && zeroMeansUnset.has(path))) return [];
    return [wrong(path, `${path} is ${shown(given)}, not ${what}.`, `Write ${least} to ${most}.`)];
  });
}

/** Sizes that the agent's Maglev tables can have (`pkg/maglev/maglev.go`). */
const maglevSizes = [251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 131_071];

function maglev(settings: Settings): Violation[] {
  const size = settings.given("maglev.tableSize");
  const seed = settings.given("maglev.hashSeed");
  const found: Violation[] = [];
  if (size !== undefined && size !== null && !isPlaceholder(size) && !maglevSizes.includes(Number(size))) {
    found.push(
      wrong(
        "maglev.tableSize",
        `maglev.tableSize ${shown(size)} is not a size that the agent takes.`,
        `Write one of ${maglevSizes.join(", ")}.`,
      ),
    );
  }
  if (seed !== undefined && seed !== null && !isPlaceholder(seed)) {
    const text = shown(seed);
    const bytes = /^[A-Za-z0-9+/]+=*$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64").length : 0;
    if (bytes !== 12) {
      found.push(
        wrong(
          "maglev.hashSeed",
          `maglev.hashSeed ${JSON.stringify(seed)} is not 12 bytes in base64.`,
          "Write 16 base64 characters, as `head -c12 /dev/urandom | base64 -w0` prints them, the same on every node.",
        ),
      );
    }
  }
  return found;
}

function ringSize(settings: Settings): Violation[] {
  const given = settings.given("hubble.eventBufferCapacity");
  if (given === undefined || given === null || isPlaceholder(given) || !settings.on("hubble.enabled")) return [];
  const size = Number(given);
  if (Number.isInteger(size) && size >= 1 && size <= 65_535 && Number.isInteger(Math.log2(size + 1))) return [];
  const nearest = 2 ** Math.min(16, Math.max(1, Math.round(Math.log2(Math.max(1, size) + 1)))) - 1;
  return [
    wrong(
      "hubble.eventBufferCapacity",
      `hubble.eventBufferCapacity ${shown(given)} is not one less than a power of two, up to 65535.`,
      `Write ${Number.isFinite(nearest) ? nearest : 4095}.`,
    ),
  ];
}

function nodePortRange(settings: Settings): Violation[] {
  const given = settings.given("nodePort.range");
  if (given === undefined || given === null || isPlaceholder(given)) return [];
  const [low, high, ...rest] = (Array.isArray(given) ? given.map(String) : shown(given).split(",")).map(Number);
  const sound =
    low !== undefined && high !== undefined && rest.length === 0 && low >= 1 && low < high && high <= 65_535;
  return sound
    ? []
    : [
        wrong(
          "nodePort.range",
          `nodePort.range ${JSON.stringify(given)} is not two ports, the lower one first.`,
          'Write "30000,32767".',
        ),
      ];
}

const agent = "The agent and the operator stop at start with an error; the chart's schema takes any text or number";

export const legalValueRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1110",
    severity: "error",
    title: "Every word is one that Cilium knows.",
    korean: "정해진 값 중 하나를 받는 키에는 Cilium이 아는 값을 써야 합니다.",
    reason: `${agent} (pkg/option, pkg/loadbalancer, pkg/ipam/option, daemon/cmd/cni).`,
    check: onValues(wrongWords),
  },
  {
    code: "GB-1111",
    severity: "error",
    title: "Address blocks and durations can be read.",
    korean: "주소 블록(CIDR)과 기간은 올바른 형식이어야 합니다.",
    reason: `${agent} (pkg/option/config.go; durations are Go's time.ParseDuration).`,
    check: onValues(wrongForms),
  },
  {
    code: "GB-1112",
    severity: "error",
    title: "Ports and sizes lie in their range.",
    korean: "포트와 크기는 허용 범위 안에 있어야 합니다.",
    reason: `${agent} (pkg/option/config.go checkMapSizeLimits, pkg/loadbalancer/config.go).`,
    check: onValues((settings) => [...outOfRange(settings), ...nodePortRange(settings)]),
  },
  {
    code: "GB-1113",
    severity: "error",
    title: "Maglev's table and seed have the size that the agent takes.",
    korean: "Maglev 테이블 크기는 정해진 소수, 시드는 12바이트 base64여야 합니다.",
    reason: "pkg/maglev/maglev.go: one of ten primes, and a seed of 12 bytes in base64.",
    check: onValues(maglev),
  },
  {
    code: "GB-1114",
    severity: "error",
    title: "Hubble's ring holds one event less than a power of two.",
    korean: "Hubble 이벤트 버퍼 크기는 2의 거듭제곱보다 1 작아야 합니다(최대 65535).",
    reason: "pkg/hubble/container/ring.go NewCapacity; Hubble does not start otherwise.",
    check: onValues(ringSize),
  },
  {
    code: "GB-1115",
    severity: "error",
    title: "The API endpoint is a host and a port.",
    korean: "k8sServiceHost에는 호스트만, 포트는 k8sServicePort에 써야 합니다.",
    reason:
      "The chart puts them into KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT (templates/cilium-agent/daemonset.yaml).",
    check: onValues(apiHost),
  },
];

function apiHost(settings: Settings): Violation[] {
  const host = settings.given("k8sServiceHost");
  if (
    typeof host !== "string" ||
    host === "" ||
    host === "auto" ||
    isPlaceholder(host) ||
    !/^[a-z]+:\/\/|\/|^[^:]+:\d+$/i.test(host)
  ) {
    return [];
  }
  const bare = host.replace(/^[a-z]+:\/\//i, "").replace(/\/.*$/, "");
  const [name = "", port] = bare.split(":");
  return [
    wrong(
      "k8sServiceHost",
      `k8sServiceHost ${host} is more than a host name or an address.`,
      port === undefined ? `Write ${name}.` : `Write k8sServiceHost: ${name} and k8sServicePort: ${port}.`,
    ),
  ];
}
