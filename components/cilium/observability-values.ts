import type { SiteSpec } from "../config/schema.ts";
import { certificatesByJob } from "./certificates.ts";
import type { HelmValues } from "./helm-values.ts";

/**
 * Labels of Hubble's metrics. No pod and no address among them: each pod that ever lived would add a time series
 * (cilium `Documentation/observability/metrics.rst`, context options).
 */
const workloads = "source_namespace,source_workload,destination_namespace,destination_workload,traffic_direction";
const namespaces = "sourceContext=namespace;destinationContext=namespace";

/** Metrics by name and options; `dns` and `httpV2` speak only where a policy sends the traffic through a proxy. */
export const hubbleMetrics = [
  `dns:query;${namespaces}`,
  `drop:${namespaces}`,
  "tcp",
  "flow",
  "icmp",
  `policy:${namespaces}`,
  `httpV2:exemplars=true;labelsContext=${workloads}`,
] as const;

/** What an auditor asks of a flow, and nothing else: labels alone would make most of the file. */
const auditFields = [
  "time",
  "uuid",
  "verdict",
  "drop_reason_desc",
  "event_type",
  "traffic_direction",
  "is_reply",
  "node_name",
  "IP.source",
  "IP.destination",
  "l4",
  "l7",
  "source.identity",
  "source.cluster_name",
  "source.namespace",
  "source.pod_name",
  "source.workloads",
  "destination.identity",
  "destination.cluster_name",
  "destination.namespace",
  "destination.pod_name",
  "destination.workloads",
  "destination_names",
  "egress_allowed_by",
  "ingress_allowed_by",
  "egress_denied_by",
  "ingress_denied_by",
  "policy_log",
];

/** Numbers of cilium `pkg/monitor/api`: the policy's answer to a new flow, and a record of the L7 proxy. */
const policyVerdict = 5;
const accessLog = 129;

/** Hubble, its relay, UI, metrics and flow files, and the metrics of all components. */
export function observabilityValues({ cilium }: SiteSpec, workers: number): HelmValues {
  const { exportDirectory, exportFileBackups, exportFileMaxMb, relayReplicas, ui } = cilium.hubble;
  const rotation = { fileMaxSizeMb: exportFileMaxMb, fileMaxBackups: exportFileBackups, fileCompress: true };
  const sink = (name: string, includeFilters: HelmValues[]): HelmValues => ({
    name,
    filePath: `${exportDirectory}/${name}.log`,
    fieldMask: auditFields,
    includeFilters,
    excludeFilters: [],
    ...rotation,
  });
  return {
    hubble: {
      enabled: true,
      relay: {
        enabled: true,
        replicas: relayReplicas,
        rollOutPods: true,
        podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
        topologySpreadConstraints: [spreadOverNodes("hubble-relay")],
        prometheus: { enabled: true },
        resources: { requests: { cpu: "50m", memory: "64Mi" } },
      },
      ui: {
        enabled: ui,
        replicas: Math.min(2, workers),
        rollOutPods: true,
        podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
        topologySpreadConstraints: [spreadOverNodes("hubble-ui")],
      },
      tls: { enabled: true, auto: certificatesByJob },
      metrics: { enabled: [...hubbleMetrics], enableOpenMetrics: true },
      // Flow files are copied to long storage: no query strings, no passwords; of headers only what joins traces.
      redact: {
        enabled: true,
        http: { urlQuery: true, userInfo: true, headers: { allow: ["traceparent", "tracestate"] } },
      },
      networkPolicyCorrelation: { enabled: true },
      export: {
        // Reloaded within a minute; the static exporter would restart every agent on a change.
        dynamic: {
          enabled: true,
          config: {
            content: [
              sink("denied", [{ verdict: ["DROPPED", "AUDIT", "ERROR"] }]),
              sink("verdicts", [{ event_type: [{ type: policyVerdict }, { type: accessLog }] }]),
            ],
          },
        },
      },
    },
    // The chart mounts only /var/run/cilium, a tmpfs.
    extraHostPathMounts: [
      {
        name: "hubble-export",
        mountPath: exportDirectory,
        hostPath: exportDirectory,
        hostPathType: "DirectoryOrCreate",
      },
    ],
    prometheus: { enabled: true },
    envoy: { prometheus: { enabled: true } },
    operator: { prometheus: { enabled: true } },
  };
}

function spreadOverNodes(app: string): HelmValues {
  return {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: { "k8s-app": app } },
  };
}
