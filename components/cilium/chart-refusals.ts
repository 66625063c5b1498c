import { EffectiveValues, isRecord, truthy } from "./effective-values.ts";

interface Refusal {
  readonly template: string;
  readonly message: string;
  /** Minors that have the check, e.g. `1.19`; all indexed ones without. */
  readonly first?: string;
  readonly last?: string;
  readonly when: (values: EffectiveValues) => boolean;
}

const validate = "validate.yaml";
const configMap = "cilium-configmap.yaml";
const meshDeployment = "clustermesh-apiserver/deployment.yaml";
const removed = (paths: string[], message: string): Refusal => ({
  template: validate,
  message,
  when: (values) => paths.some((path) => truthy(values.given(path))),
});
const serviceMonitors = ["prometheus", "operator.prometheus", "envoy.prometheus", "hubble.relay.prometheus"];
const masquerades = (values: EffectiveValues, family: "4" | "6") =>
  values.text("routingMode") === "native" &&
  values.on(`ipv${family}.enabled`) &&
  values.on(`enableIPv${family}Masquerade`) &&
  !values.on("ipMasqAgent.enabled") &&
  !values.on(`ipv${family}NativeRoutingCIDR`) &&
  !(values.text("ipam.mode") === "cluster-pool" && values.on("nativeRoutingCIDRFromClusterPool"));

/** Every `fail` of the charts 1.18.4 to 1.20.0 that values alone can trip; order and wording are the chart's. */
const refusals: readonly Refusal[] = [
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
    when: (values) =>
      values.given("proxy.prometheus.enabled") !== undefined || truthy(values.given("proxy.prometheus.port")),
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
    when: (v) => v.on("k8sServiceHostRef.name") && v.on("k8sServiceHostRef.key") && v.on("k8sServiceHost"),
  },
  {
    template: validate,
    message: "Hubble UI requires .Values.hubble.relay.enabled=true",
    when: (v) => v.on("hubble.ui.enabled") && !v.on("hubble.ui.standalone.enabled") && !v.on("hubble.relay.enabled"),
  },
  {
    template: validate,
    message:
      "Hubble UI in standalone with Hubble Relay server TLS enabled requires providing .Values.hubble.ui.standalone.tls.certsVolume for mounting client certificates in the backend pod",
    when: (v) =>
      v.on("hubble.ui.enabled") &&
      v.on("hubble.ui.standalone.enabled") &&
      v.on("hubble.relay.tls.server.enabled") &&
      !v.on("hubble.ui.standalone.tls.certsVolume"),
  },
  {
    template: validate,
    message: "Hubble Relay requires .Values.hubble.enabled=true",
    when: (v) => v.on("hubble.relay.enabled") && !v.on("hubble.enabled"),
  },
  {
    template: validate,
    message:
      "Service Monitor requires monitoring.coreos.com/v1 CRDs. Set .Values.prometheus.serviceMonitor.trustCRDsExist=true",
    when: (v) =>
      serviceMonitors.some((path) => v.on(`${path}.enabled`) && v.on(`${path}.serviceMonitor.enabled`)) &&
      !v.on("prometheus.serviceMonitor.trustCRDsExist"),
  },
  {
    template: validate,
    message:
      "Hubble TLS certgen method=certmanager requires that user specifies .Values.hubble.tls.auto.certManagerIssuerRef",
    when: (v) =>
      v.on("hubble.enabled") &&
      v.on("hubble.tls.enabled") &&
      v.on("hubble.tls.auto.enabled") &&
      v.text("hubble.tls.auto.method") === "certmanager" &&
      !v.on("hubble.tls.auto.certManagerIssuerRef"),
  },
  {
    template: validate,
    message:
      "Only one of .Values.hubble.redact.http.headers.allow, .Values.hubble.redact.http.headers.deny can be specified",
    when: (v) => v.on("hubble.redact.http.headers.allow") && v.on("hubble.redact.http.headers.deny"),
  },
  {
    template: validate,
    message:
      "ClusterMesh TLS certgen method=certmanager requires that user specifies .Values.clustermesh.apiserver.tls.auto.certManagerIssuerRef",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      v.on("clustermesh.apiserver.tls.auto.enabled") &&
      v.text("clustermesh.apiserver.tls.auto.method") === "certmanager" &&
      !v.on("clustermesh.apiserver.tls.auto.certManagerIssuerRef"),
  },
  {
    template: validate,
    message:
      "Ingress or Gateway API controller or Envoy L7 Load Balancer  requires .Values.l7Proxy to be set to 'true'",
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
    when: (v) =>
      v.on("ingressController.enabled") &&
      ["LoadBalancer", "NodePort"].includes(v.text("ingressController.service.type")) &&
      !["Cluster", "Local"].includes(v.text("ingressController.service.externalTrafficPolicy")),
  },
  {
    template: validate,
    message: "Cilium GatewayAPI needs an externalTrafficPolicy set to 'Cluster' or 'Local'.",
    when: (v) =>
      v.on("gatewayAPI.enabled") && !["Cluster", "Local"].includes(v.text("gatewayAPI.externalTrafficPolicy")),
  },
  {
    template: validate,
    message:
      "SPIRE integration requires .Values.authentication.enabled=true and .Values.authentication.mutual.spire.enabled=true",
    when: (v) => v.on("authentication.mutual.spire.enabled") && !v.on("authentication.enabled"),
  },
  {
    template: validate,
    message:
      "if Cilium Endpoint Slice is enabled (.Values.ciliumEndpointSlice.enabled=true), it requires .Values.disableEndpointCRD=false",
    when: (v) => v.on("ciliumEndpointSlice.enabled") && v.on("disableEndpointCRD"),
  },
  {
    template: validate,
    message: "The cluster name is invalid: cannot be empty",
    when: (v) => v.at("cluster.name") === "",
  },
  {
    template: validate,
    message: "The cluster name is invalid: must not be more than 32 characters",
    when: (v) => v.text("cluster.name").length > 32,
  },
  {
    template: validate,
    message:
      "The cluster name is invalid: must consist of lower case alphanumeric characters and '-', and must start and end with an alphanumeric character",
    when: (v) => v.at("cluster.name") !== "" && !/^([a-z0-9][-a-z0-9]*)?[a-z0-9]$/.test(v.text("cluster.name")),
  },
  {
    template: validate,
    message: "The cluster name is invalid: cannot use default value with cluster.id != 0",
    when: (v) => v.text("cluster.name") === "default" && Number(v.at("cluster.id")) !== 0,
  },
  {
    template: validate,
    message:
      "Cilium is currently affected by a bug that causes traffic matched by network policies to be incorrectly dropped when running in either ENI mode (both AWS and AlibabaCloud) or AWS VPC CNI chaining mode, if the cluster ID is 128-255 (and 384-511 when maxConnectedClusters=511).",
    when: (v) => {
      const id = Number(v.at("cluster.id"));
      return (
        v.text("extraConfig.allow-unsafe-policy-skb-usage") !== "true" &&
        ((id >= 128 && id <= 255) || (id >= 384 && id <= 511)) &&
        (v.on("eni.enabled") || v.on("alibabacloud.enabled") || v.text("cni.chainingMode") === "aws-cni")
      );
    },
  },
  {
    template: validate,
    message: ".Values.clustermesh.apiserver.kvstoremesh.kvstoreMode must have the value of external or internal",
    when: (v) => !["internal", "external"].includes(v.text("clustermesh.apiserver.kvstoremesh.kvstoreMode")),
  },
  {
    template: validate,
    message: "The clustermesh-apiserver cannot be enabled in combination with .Values.disableEndpointCRD=true",
    when: (v) =>
      v.on("clustermesh.useAPIServer") && v.text("identityAllocationMode") === "crd" && v.on("disableEndpointCRD"),
  },
  {
    template: validate,
    message:
      "The support for providing Cluster Mesh certs and keys as helm values has been removed. You must enable auto-generation or pre-create the corresponding secrets",
    first: "1.20",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      !v.on("clustermesh.apiserver.tls.auto.enabled") &&
      ["server", "admin", "remote"].some((name) => truthy(v.given(`clustermesh.apiserver.tls.${name}.cert`))),
  },
  {
    template: validate,
    message: "max-connected-clusters must be set to 255 or 511",
    when: (v) => ![255, 511].includes(Number(v.at("clustermesh.maxConnectedClusters"))),
  },
  {
    template: validate,
    message: "envoy.baseID must be an int. Supported values 0 - 4294967295",
    when: (v) => !(Number(v.at("envoy.baseID") ?? 0) >= 0 && Number(v.at("envoy.baseID") ?? 0) <= 4_294_967_295),
  },
  {
    template: validate,
    message: "standaloneDnsProxy requires dnsProxy.proxyPort to be set to a non-zero value (e.g., 10094).",
    first: "1.19",
    when: (v) => v.on("standaloneDnsProxy.enabled") && !v.on("dnsProxy.proxyPort"),
  },
  {
    template: validate,
    message:
      ".Values.bpf.tproxy cannot be enabled with .Values.bpf.datapathMode=netkit or .Values.bpf.datapathMode=netkit-l2",
    first: "1.19",
    when: (v) => v.on("bpf.tproxy") && ["netkit", "netkit-l2"].includes(v.text("bpf.datapathMode")),
  },
  {
    template: validate,
    message: "ipam.mode=eni requires eni.enabled=true",
    first: "1.20",
    when: (v) => v.text("ipam.mode") === "eni" && !v.on("eni.enabled"),
  },
  {
    template: meshDeployment,
    message: ".Values.clustermesh.apiserver.tls.authMode must be one of legacy, migration, cluster",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      !["legacy", "migration", "cluster"].includes(v.text("clustermesh.apiserver.tls.authMode")),
  },
  {
    template: configMap,
    message: "kubeProxyReplacement must be explicitly set to a valid value (true or false) to continue.",
    when: (v) => !["true", "false", ""].includes(v.text("kubeProxyReplacement")),
  },
  {
    template: configMap,
    message: "RoutingMode must be set to native when gke.enabled=true",
    when: (v) => v.on("gke.enabled") && !["native", ""].includes(v.text("routingMode")),
  },
  {
    template: configMap,
    message: "RoutingMode must be set to tunnel when aksbyocni.enabled=true",
    when: (v) => v.on("aksbyocni.enabled") && !["tunnel", ""].includes(v.text("routingMode")),
  },
  {
    template: configMap,
    message: " ipv4NativeRoutingCIDR must be set when routingMode is native",
    when: (v) => masquerades(v, "4") && !["eni", "alibabacloud"].includes(v.text("ipam.mode")),
  },
  {
    template: configMap,
    message: "ipv6NativeRoutingCIDR must be set when routingMode is native",
    when: (v) => masquerades(v, "6"),
  },
  ...(["4", "6"] as const).map((family) => ({
    template: configMap,
    message: `Value ipam.operator.clusterPoolIPv${family}PodCIDR removed, use ipam.operator.clusterPoolIPv${family}PodCIDRList instead`,
    last: "1.18",
    when: (v: EffectiveValues) =>
      v.text("ipam.mode") === "cluster-pool" &&
      v.on(`ipv${family}.enabled`) &&
      v.given(`ipam.operator.clusterPoolIPv${family}PodCIDR`) !== undefined,
  })),
  {
    template: configMap,
    message: "Cannot have operator.setNodeTaintsMaxNodes and not operator.removeNodeTaints = false",
    when: (v) => v.on("operator.setNodeTaints") && !v.on("operator.removeNodeTaints"),
  },
  {
    template: "clustermesh-config/_helpers.tpl",
    message: "missing clustermesh.apiserver.config.clusters.address",
    when: (v) =>
      v.on("clustermesh.config.enabled") &&
      elements(v.given("clustermesh.config.clusters")).some(({ ips, address }) => !truthy(ips) && !truthy(address)),
  },
];

/**
 * What `helm install` would answer instead of rendering this chart with these values; empty when it renders.
 *
 * @example chartRefusals("1.20.2", { tunnel: "disabled" })[0] // "execution error at (cilium/templates/validate.yaml): tunnel was ..."
 * @throws RangeError for a chart minor that is not indexed.
 */
export function chartRefusals(chartVersion: string, values: unknown): string[] {
  const effective = new EffectiveValues(chartVersion, values);
  return refusals
    .filter(({ first, last, when }) => effective.within(first, last) && when(effective))
    .map(({ template, message }) => `execution error at (cilium/templates/${template}): ${message}`);
}

function elements(value: unknown): Record<string, unknown>[] {
  const list = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
  return list.filter(isRecord);
}
