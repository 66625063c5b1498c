import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { allObjects, type Placed, text } from "./objects.ts";

/** Services that the chart renders, and the value that makes it do so (templates of the charts 1.18 to 1.20). */
const rendered: Readonly<Record<string, string>> = {
  "hubble-metrics": "hubble.metrics.enabled",
  "hubble-peer": "hubble.enabled",
  "hubble-relay": "hubble.relay.enabled",
  "hubble-ui": "hubble.ui.enabled",
  "cilium-agent": "prometheus.metricsService",
  "cilium-envoy": "envoy.enabled",
  "clustermesh-apiserver": "clustermesh.useAPIServer",
};

/** Helm's own mark, or the chart's: what `helm template` wrote is the chart's object. */
function fromChart({ labels, annotations }: Placed): boolean {
  return (
    labels["app.kubernetes.io/managed-by"] === "Helm" ||
    labels["app.kubernetes.io/part-of"] === "cilium" ||
    "meta.helm.sh/release-name" in annotations
  );
}

/** Ports of the Services with label `k8s-app: cilium` (templates/cilium-agent/service.yaml). */
const agentPorts = ["metrics", "envoy-metrics"];

/** From 1.19 on the values may leave the mesh's Service to somebody else. */
function leftToUs({ values }: ObjectsSubject): boolean {
  const apiserver = record(record(record(values).clustermesh).apiserver);
  return record(apiserver.service).externallyCreated === true;
}

/** Objects beside the chart's own: those it renders itself, and those that look for them. */
export const chartObjectRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1761",
    severity: "warning",
    title: "Services of the chart are not written by hand.",
    korean: "차트가 만드는 Service를 직접 작성하지 않습니다.",
    reason:
      "Helm refuses to take over an object that it did not make (helm.sh, ownership by meta.helm.sh annotations).",
    check: (subject) =>
      allObjects(subject)
        .filter((placed) => placed.kind === "Service" && placed.namespace === "kube-system" && !fromChart(placed))
        .flatMap(({ index, name }) => {
          const value = Object.hasOwn(rendered, name) ? rendered[name] : undefined;
          return value === undefined || (name === "clustermesh-apiserver" && leftToUs(subject))
            ? []
            : [
                {
                  path: [index, "metadata", "name"],
                  message: `The chart renders the Service ${name} itself, and Helm stops at one that is already there.`,
                  fix: `Delete it and set ${value} in the values.`,
                },
              ];
        }),
  },
  {
    code: "GB-1762",
    severity: "error",
    title: "A ServiceMonitor of the agent names a port that its Service has.",
    korean: "에이전트용 ServiceMonitor는 실제 Service의 포트 이름(metrics)을 써야 합니다.",
    reason:
      "The Service with k8s-app: cilium has the ports metrics and envoy-metrics, and is there only with prometheus.serviceMonitor.enabled or prometheus.metricsService (templates/cilium-agent/service.yaml).",
    check: (subject) =>
      allObjects(subject)
        .filter(({ kind, spec }) => {
          const labels = record(record(spec.selector).matchLabels);
          return kind === "ServiceMonitor" && Object.keys(labels).length === 1 && labels["k8s-app"] === "cilium";
        })
        .flatMap(({ index, spec }) =>
          list(spec.endpoints).flatMap((endpoint, at) => {
            const port = text(record(endpoint).port);
            return port === "" || agentPorts.includes(port)
              ? []
              : [
                  {
                    path: [index, "spec", "endpoints", at, "port"],
                    message: `No Service with k8s-app: cilium has a port "${port}", so nothing is scraped.`,
                    fix: "Set prometheus.serviceMonitor.enabled: true in the values instead, or write port: metrics.",
                  },
                ];
          }),
        ),
  },
];
