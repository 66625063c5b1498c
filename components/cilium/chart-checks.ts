import { type ChartCheck, elements, validate } from "./chart-check.ts";
import { clusterChecks } from "./chart-cluster-checks.ts";
import { type EffectiveValues, truthy } from "./effective-values.ts";

const configMap = "cilium-configmap.yaml";

const removed = (paths: readonly string[], message: string): ChartCheck => ({
  template: validate,
  message,
  path: (values) => paths.find((path) => truthy(values.given(path))) ?? "",
  fix: "Remove it.",
  because: "key",
  when: (values) => paths.some((path) => truthy(values.given(path))),
});

const masquerades = (v: EffectiveValues, family: "4" | "6") =>
  v.text("routingMode") === "native" &&
  v.on(`ipv${family}.enabled`) &&
  v.on(`enableIPv${family}Masquerade`) &&
  !v.on("ipMasqAgent.enabled") &&
  !v.on(`ipv${family}NativeRoutingCIDR`) &&
  !(v.text("ipam.mode") === "cluster-pool" && v.on("nativeRoutingCIDRFromClusterPool"));

/** Durations that the chart itself parses, with Go's `time.ParseDuration`. */
const durations = [
  "authentication.gcInterval",
  "authentication.mutual.connectTimeout",
  "bpf.monitorInterval",
  "conntrackGCInterval",
  "conntrackGCMaxInterval",
  "crdWaitTimeout",
  "encryption.ipsec.keyRotationDuration",
  "envoyConfig.retryInterval",
  "hubble.export.aggregationInterval",
  "hubble.lostEventSendInterval",
  "identityChangeGracePeriod",
  "ipam.ciliumNodeUpdateRate",
  "operator.endpointGCInterval",
  "operator.identityGCInterval",
  "operator.identityHeartbeatTimeout",
  "operator.nodeGCInterval",
];

/** Whether Go's `time.ParseDuration` takes it: `1m30s`, `500ms`, `0`. */
export function isDuration(text: string): boolean {
  return /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/.test(text);
}

/** Read only where the feature is on, so that nothing is refused for a feature that is off. */
const readWhen: Readonly<Record<string, (v: EffectiveValues) => boolean>> = {
  "authentication.mutual.connectTimeout": (v) => v.on("authentication.mutual.spire.enabled"),
  "encryption.ipsec.keyRotationDuration": (v) => v.on("encryption.enabled") && v.text("encryption.type") === "ipsec",
  "envoyConfig.retryInterval": (v) =>
    ["envoyConfig", "ingressController", "gatewayAPI"].some((path) => v.on(`${path}.enabled`)),
  "hubble.export.aggregationInterval": (v) => v.on("hubble.export.static.enabled"),
  "hubble.lostEventSendInterval": (v) => v.on("hubble.enabled"),
};
const badDuration = (v: EffectiveValues) =>
  durations.find((path) => {
    const given = v.given(path);
    return truthy(given) && !isDuration(String(given)) && (readWhen[path]?.(v) ?? true);
  });

/** Every `fail` and `required` of the charts 1.18.4 to 1.20.0 that values alone can trip. */
export const chartChecks: readonly ChartCheck[] = [
  removed(
    ["enableCiliumEndpointSlice"],
    "enableCiliumEndpointSlice was deprecated in v1.16 and has been removed in v1.18.",
  ),
  removed(["ciliumEndpointSlice.sliceMode"], "ciliumEndpointSlice.sliceMode has been removed in v1.18."),
  removed(
    ["encryption.keyFile", "encryption.mountPath", "encryption.secretName", "encryption.interface"],
    "encryption.{keyFile,mountPath,secretName,interface} were deprecated in v1.14 and has been removed in v1.16.",
  ),
  {
    template: validate,
    message:
      "proxy.prometheus.enabled and proxy.prometheus.port were deprecated in v1.14 and has been removed in v1.16.",
    path: "proxy.prometheus",
    fix: "Remove it.",
    because: "key",
    when: (v) => v.given("proxy.prometheus.enabled") !== undefined || truthy(v.given("proxy.prometheus.port")),
  },
  removed(["endpointStatus"], "endpointStatus has been removed in v1.16."),
  removed(["remoteNodeIdentity"], "remoteNodeIdentity was deprecated in v1.15 and has been removed in v1.16."),
  removed(
    ["containerRuntime.integration"],
    "containerRuntime.integration was deprecated in v1.14 and has been removed in v1.16.",
  ),
  removed(["etcd.managed"], "etcd.managed was deprecated in v1.10 has been removed in v1.16."),
  removed(["tunnel"], "tunnel was deprecated in v1.14 and has been removed in v1.15."),
  removed(
    ["clustermesh.apiserver.tls.ca.cert", "clustermesh.apiserver.tls.ca.key"],
    "clustermesh.apiserver.tls.ca.cert and clustermesh.apiserver.tls.ca.key were deprecated in v1.14 and has been removed in v1.15.",
  ),
  removed(["enableK8sEventHandover"], "enableK8sEventHandover was deprecated in v1.14 and has been removed in v1.15."),
  removed(["enableCnpStatusUpdates"], "enableCnpStatusUpdates was deprecated in v1.14 and has been removed in v1.15."),
  {
    template: validate,
    message: "Both k8sServiceHostRef and k8sServiceHost are set. Please set only one of them.",
    path: "k8sServiceHostRef",
    fix: "Keep k8sServiceHost or k8sServiceHostRef, not both.",
    when: (v) => v.on("k8sServiceHostRef.name") && v.on("k8sServiceHostRef.key") && v.on("k8sServiceHost"),
  },
  {
    template: validate,
    message:
      "Ingress or Gateway API controller or Envoy L7 Load Balancer  requires .Values.l7Proxy to be set to 'true'",
    path: "l7Proxy",
    fix: "Write l7Proxy: true, or turn the controller off.",
    when: (v) =>
      (v.on("ingressController.enabled") ||
        v.on("gatewayAPI.enabled") ||
        v.text("loadBalancer.l7.backend") === "envoy") &&
      !v.on("l7Proxy"),
  },
  {
    template: validate,
    message:
      "Cilium Ingress services of type 'LoadBalancer' or 'NodePort' need an externalTrafficPolicy set to 'Cluster' or 'Local'.",
    path: "ingressController.service.externalTrafficPolicy",
    fix: "Write Cluster or Local.",
    when: (v) =>
      v.on("ingressController.enabled") &&
      ["LoadBalancer", "NodePort"].includes(v.text("ingressController.service.type")) &&
      !["Cluster", "Local"].includes(v.text("ingressController.service.externalTrafficPolicy")),
  },
  {
    template: validate,
    message: "Cilium GatewayAPI needs an externalTrafficPolicy set to 'Cluster' or 'Local'.",
    path: "gatewayAPI.externalTrafficPolicy",
    fix: "Write Cluster or Local.",
    when: (v) =>
      v.on("gatewayAPI.enabled") && !["Cluster", "Local"].includes(v.text("gatewayAPI.externalTrafficPolicy")),
  },
  {
    template: validate,
    message:
      "SPIRE integration requires .Values.authentication.enabled=true and .Values.authentication.mutual.spire.enabled=true",
    path: "authentication.enabled",
    fix: "Write authentication.enabled: true.",
    when: (v) => v.on("authentication.mutual.spire.enabled") && !v.on("authentication.enabled"),
  },
  {
    template: validate,
    message:
      "if Cilium Endpoint Slice is enabled (.Values.ciliumEndpointSlice.enabled=true), it requires .Values.disableEndpointCRD=false",
    path: "disableEndpointCRD",
    fix: "Write disableEndpointCRD: false.",
    when: (v) => v.on("ciliumEndpointSlice.enabled") && v.on("disableEndpointCRD"),
  },
  {
    template: validate,
    message: "envoy.baseID must be an int. Supported values 0 - 4294967295",
    path: "envoy.baseID",
    fix: "Write 0.",
    when: (v) => !(Number(v.at("envoy.baseID") ?? 0) >= 0 && Number(v.at("envoy.baseID") ?? 0) <= 4_294_967_295),
  },
  {
    template: validate,
    message:
      "k8sClientExponentialBackoff cannot be enabled when extraEnv contains KUBE_CLIENT_BACKOFF_BASE or KUBE_CLIENT_BACKOFF_DURATION",
    path: "extraEnv",
    fix: "Use k8sClientExponentialBackoff.backoffBaseSeconds and backoffMaxDurationSeconds instead.",
    when: (v) =>
      v.on("k8sClientExponentialBackoff.enabled") &&
      elements(v.given("extraEnv")).some(({ name }) =>
        ["KUBE_CLIENT_BACKOFF_BASE", "KUBE_CLIENT_BACKOFF_DURATION"].includes(String(name)),
      ),
  },
  {
    template: validate,
    message: "standaloneDnsProxy requires dnsProxy.proxyPort to be set to a non-zero value (e.g., 10094).",
    path: "dnsProxy.proxyPort",
    fix: "Write 10094.",
    first: "1.19",
    when: (v) => v.on("standaloneDnsProxy.enabled") && !v.on("dnsProxy.proxyPort"),
  },
  {
    template: validate,
    message:
      ".Values.bpf.tproxy cannot be enabled with .Values.bpf.datapathMode=netkit or .Values.bpf.datapathMode=netkit-l2",
    path: "bpf.tproxy",
    fix: "Write bpf.tproxy: false, or bpf.datapathMode: veth.",
    first: "1.19",
    when: (v) => v.on("bpf.tproxy") && ["netkit", "netkit-l2"].includes(v.text("bpf.datapathMode")),
  },
  {
    template: validate,
    message: "ipam.mode=eni requires eni.enabled=true",
    path: "eni.enabled",
    fix: "Write eni.enabled: true.",
    first: "1.20",
    when: (v) => v.text("ipam.mode") === "eni" && !v.on("eni.enabled"),
  },
  {
    template: configMap,
    message: "kubeProxyReplacement must be explicitly set to a valid value (true or false) to continue.",
    path: "kubeProxyReplacement",
    fix: "Write true or false; strict and probe became true, partial and disabled became false.",
    when: (v) => !["true", "false", ""].includes(v.text("kubeProxyReplacement")),
  },
  {
    template: configMap,
    message: "RoutingMode must be set to native when gke.enabled=true",
    path: "routingMode",
    fix: "Write routingMode: native.",
    when: (v) => v.on("gke.enabled") && !["native", ""].includes(v.text("routingMode")),
  },
  {
    template: configMap,
    message: "RoutingMode must be set to tunnel when aksbyocni.enabled=true",
    path: "routingMode",
    fix: "Write routingMode: tunnel.",
    when: (v) => !v.on("gke.enabled") && v.on("aksbyocni.enabled") && !["tunnel", ""].includes(v.text("routingMode")),
  },
  {
    template: configMap,
    message: " ipv4NativeRoutingCIDR must be set when routingMode is native",
    path: "ipv4NativeRoutingCIDR",
    fix: "Write the block that holds the pods of every connected cluster and nothing else, e.g. 10.128.0.0/13.",
    when: (v) => masquerades(v, "4") && !v.on("eni.enabled") && !["eni", "alibabacloud"].includes(v.text("ipam.mode")),
  },
  {
    template: configMap,
    message: "ipv6NativeRoutingCIDR must be set when routingMode is native",
    path: "ipv6NativeRoutingCIDR",
    fix: "Write the IPv6 block that holds the pods, or enableIPv6Masquerade: false.",
    when: (v) => masquerades(v, "6"),
  },
  ...(["4", "6"] as const).map(
    (family): ChartCheck => ({
      template: configMap,
      message: `Value ipam.operator.clusterPoolIPv${family}PodCIDR removed, use ipam.operator.clusterPoolIPv${family}PodCIDRList instead`,
      path: `ipam.operator.clusterPoolIPv${family}PodCIDR`,
      fix: `Write ipam.operator.clusterPoolIPv${family}PodCIDRList with the block in a list.`,
      last: "1.18",
      when: (v) =>
        v.text("ipam.mode") === "cluster-pool" &&
        v.on(`ipv${family}.enabled`) &&
        v.given(`ipam.operator.clusterPoolIPv${family}PodCIDR`) !== undefined,
    }),
  ),
  {
    template: configMap,
    message: "Cannot have operator.setNodeTaintsMaxNodes and not operator.removeNodeTaints = false",
    path: "operator.removeNodeTaints",
    fix: "Write operator.removeNodeTaints: true, or operator.setNodeTaints: false.",
    when: (v) => v.on("operator.setNodeTaints") && !v.on("operator.removeNodeTaints"),
  },
  {
    template: "_helpers.tpl",
    message: "Invalid Semantic Version",
    path: "upgradeCompatibility",
    fix: 'Write the minor that was installed first, in quotes, e.g. "1.18".',
    when: (v) => v.on("upgradeCompatibility") && !/^v?\d+(\.\d+){0,2}([-+].*)?$/.test(v.text("upgradeCompatibility")),
  },
  {
    template: "_helpers.tpl",
    message: "a duration that Go cannot parse",
    path: (v) => badDuration(v) ?? "",
    fix: "Write a number with its unit, e.g. 30s, 5m, 1h.",
    when: (v) => badDuration(v) !== undefined,
  },
  ...clusterChecks,
];
