import { type ChartCheck, elements, validate } from "./chart-check.ts";
import { type EffectiveValues, truthy } from "./effective-values.ts";

const serviceMonitors = ["prometheus", "operator.prometheus", "envoy.prometheus", "hubble.relay.prometheus"];
const monitored = (v: EffectiveValues) =>
  serviceMonitors.find((path) => v.on(`${path}.enabled`) && v.on(`${path}.serviceMonitor.enabled`));

/** Certificates that the chart wants in values once it may not make them itself. */
const providedCerts = (v: EffectiveValues): string | undefined => {
  if (!v.on("hubble.enabled") || !v.on("hubble.tls.enabled") || v.on("hubble.tls.auto.enabled")) return undefined;
  const wanted = [
    ["hubble.tls.server", v.at("agent") !== false],
    ["hubble.relay.tls.client", v.on("hubble.relay.enabled")],
    ["hubble.relay.tls.server", v.on("hubble.relay.enabled") && v.on("hubble.relay.tls.server.enabled")],
    ["hubble.metrics.tls.server", v.on("hubble.metrics.tls.enabled")],
  ] as const;
  const missing = wanted.find(
    ([path, on]) => on && !v.on(`${path}.existingSecret`) && !(v.on(`${path}.cert`) && v.on(`${path}.key`)),
  );
  return missing?.[0];
};

/** What the chart refuses about the cluster's identity, the mesh, Hubble and monitoring. */
export const clusterChecks: readonly ChartCheck[] = [
  {
    template: validate,
    message: "Hubble UI requires .Values.hubble.relay.enabled=true",
    path: "hubble.ui.enabled",
    fix: "Write hubble.relay.enabled: true.",
    when: (v) => v.on("hubble.ui.enabled") && !v.on("hubble.ui.standalone.enabled") && !v.on("hubble.relay.enabled"),
  },
  {
    template: validate,
    message:
      "Hubble UI in standalone with Hubble Relay server TLS enabled requires providing .Values.hubble.ui.standalone.tls.certsVolume for mounting client certificates in the backend pod",
    path: "hubble.ui.standalone",
    fix: "Write hubble.ui.standalone.tls.certsVolume.",
    when: (v) =>
      v.on("hubble.ui.enabled") &&
      v.on("hubble.ui.standalone.enabled") &&
      v.on("hubble.relay.tls.server.enabled") &&
      !v.on("hubble.ui.standalone.tls.certsVolume"),
  },
  {
    template: validate,
    message: "Hubble Relay requires .Values.hubble.enabled=true",
    path: "hubble.relay.enabled",
    fix: "Write hubble.enabled: true.",
    when: (v) => v.on("hubble.relay.enabled") && !v.on("hubble.enabled"),
  },
  {
    template: validate,
    message:
      "Service Monitor requires monitoring.coreos.com/v1 CRDs. Set .Values.prometheus.serviceMonitor.trustCRDsExist=true",
    path: (v) => `${monitored(v) ?? "prometheus"}.serviceMonitor.enabled`,
    fix: "Install the CRDs first and write prometheus.serviceMonitor.trustCRDsExist: true.",
    because: "cluster",
    when: (v) => monitored(v) !== undefined && !v.on("prometheus.serviceMonitor.trustCRDsExist"),
  },
  {
    template: validate,
    message:
      "Hubble TLS certgen method=certmanager requires that user specifies .Values.hubble.tls.auto.certManagerIssuerRef",
    path: "hubble.tls.auto.certManagerIssuerRef",
    fix: "Name the issuer there: {group: cert-manager.io, kind: ClusterIssuer, name: ...}.",
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
    path: "hubble.redact.http.headers",
    fix: "Keep one of the two lists.",
    when: (v) => v.on("hubble.redact.http.headers.allow") && v.on("hubble.redact.http.headers.deny"),
  },
  {
    template: validate,
    message:
      "ClusterMesh TLS certgen method=certmanager requires that user specifies .Values.clustermesh.apiserver.tls.auto.certManagerIssuerRef",
    path: "clustermesh.apiserver.tls.auto.certManagerIssuerRef",
    fix: "Name the issuer there: {group: cert-manager.io, kind: ClusterIssuer, name: ...}.",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      v.on("clustermesh.apiserver.tls.auto.enabled") &&
      v.text("clustermesh.apiserver.tls.auto.method") === "certmanager" &&
      !v.on("clustermesh.apiserver.tls.auto.certManagerIssuerRef"),
  },
  {
    template: validate,
    message: "The cluster name is invalid: cannot be empty",
    path: "cluster.name",
    fix: "Write a name of lower-case letters, digits and -, at most 32 long, e.g. prod-seoul.",
    when: (v) => v.given("cluster.name") === "",
  },
  {
    template: validate,
    message: "The cluster name is invalid: must not be more than 32 characters",
    path: "cluster.name",
    fix: "Write a name of at most 32 characters, e.g. prod-seoul.",
    when: (v) => v.text("cluster.name").length > 32,
  },
  {
    template: validate,
    message:
      "The cluster name is invalid: must consist of lower case alphanumeric characters and '-', and must start and end with an alphanumeric character",
    path: "cluster.name",
    fix: "Write a name of lower-case letters, digits and -, e.g. prod-seoul.",
    when: (v) =>
      v.given("cluster.name") !== "" &&
      v.given("cluster.name") !== null &&
      !/^([a-z0-9][-a-z0-9]*)?[a-z0-9]$/.test(v.text("cluster.name")),
  },
  {
    template: validate,
    message: "The cluster name is invalid: cannot use default value with cluster.id != 0",
    path: "cluster.name",
    fix: "Write the name of this cluster, e.g. prod-seoul, and never change it.",
    when: (v) => v.text("cluster.name") === "default" && Number(v.at("cluster.id")) !== 0,
  },
  {
    template: validate,
    message:
      "Cilium is currently affected by a bug that causes traffic matched by network policies to be incorrectly dropped when running in either ENI mode (both AWS and AlibabaCloud) or AWS VPC CNI chaining mode, if the cluster ID is 128-255 (and 384-511 when maxConnectedClusters=511).",
    path: "cluster.id",
    fix: "Write an id of 1 to 127, which no other cluster has.",
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
    path: "clustermesh.apiserver.kvstoremesh.kvstoreMode",
    fix: "Write internal.",
    when: (v) => !["internal", "external"].includes(v.text("clustermesh.apiserver.kvstoremesh.kvstoreMode")),
  },
  {
    template: validate,
    message: "kvstoremesh.kvstoreMode=external can only be used with clustermesh.useAPIServer=true",
    path: "clustermesh.apiserver.kvstoremesh.kvstoreMode",
    fix: "Write internal, or clustermesh.useAPIServer: true.",
    when: (v) =>
      v.text("clustermesh.apiserver.kvstoremesh.kvstoreMode") === "external" && !v.on("clustermesh.useAPIServer"),
  },
  {
    template: validate,
    message: "Only single clustermesh-apiserver replica is allowed when kvstoreMode=external",
    path: "clustermesh.apiserver.replicas",
    fix: "Write 1, or kvstoreMode: internal.",
    when: (v) =>
      v.text("clustermesh.apiserver.kvstoremesh.kvstoreMode") === "external" &&
      v.on("clustermesh.useAPIServer") &&
      v.text("clustermesh.apiserver.replicas") !== "1",
  },
  {
    template: validate,
    message: "The clustermesh-apiserver cannot be enabled in combination with .Values.disableEndpointCRD=true",
    path: "disableEndpointCRD",
    fix: "Write disableEndpointCRD: false.",
    when: (v) =>
      v.on("clustermesh.useAPIServer") && v.text("identityAllocationMode") === "crd" && v.on("disableEndpointCRD"),
  },
  {
    template: validate,
    message:
      "The support for providing Cluster Mesh certs and keys as helm values has been removed. You must enable auto-generation or pre-create the corresponding secrets",
    path: (v) =>
      ["server", "admin", "remote"]
        .map((name) => `clustermesh.apiserver.tls.${name}.cert`)
        .find((path) => truthy(v.given(path))) ?? "clustermesh.apiserver.tls",
    fix: "Write clustermesh.apiserver.tls.auto.enabled: true, or make the Secrets beforehand and remove the values.",
    because: "key",
    first: "1.20",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      !v.on("clustermesh.apiserver.tls.auto.enabled") &&
      ["server", "admin", "remote"].some((name) => truthy(v.given(`clustermesh.apiserver.tls.${name}.cert`))),
  },
  {
    template: validate,
    message: "max-connected-clusters must be set to 255 or 511",
    path: "clustermesh.maxConnectedClusters",
    fix: "Write 255, or 511 in every cluster of the mesh.",
    when: (v) => ![255, 511].includes(Number(v.at("clustermesh.maxConnectedClusters"))),
  },
  {
    template: "clustermesh-apiserver/deployment.yaml",
    message: ".Values.clustermesh.apiserver.tls.authMode must be one of legacy, migration, cluster",
    path: "clustermesh.apiserver.tls.authMode",
    fix: "Write cluster where all clusters share one CA, else legacy.",
    when: (v) =>
      v.on("clustermesh.useAPIServer") &&
      !["legacy", "migration", "cluster"].includes(v.text("clustermesh.apiserver.tls.authMode")),
  },
  {
    template: "hubble/tls-provided",
    message: "a certificate that hubble.tls.auto.enabled: false leaves to the values is missing",
    path: (v) => providedCerts(v) ?? "hubble.tls",
    fix: "Write its cert and key, or existingSecret, or hubble.tls.auto.enabled: true.",
    when: (v) => providedCerts(v) !== undefined,
  },
  {
    template: "clustermesh-config/_helpers.tpl",
    message: "missing clustermesh.apiserver.config.clusters.address",
    path: "clustermesh.config.clusters",
    fix: "Write address, or ips, in every element.",
    when: (v) =>
      v.on("clustermesh.config.enabled") &&
      elements(v.given("clustermesh.config.clusters")).some(
        ({ ips, address, enabled }) => enabled !== false && !truthy(ips) && !truthy(address),
      ),
  },
];
