import type { SiteSpec } from "../config/schema.ts";
import { failoverLabel } from "./labels.ts";
import { bandwidthAnnotations } from "./service-mesh/bandwidth.ts";

const name = "hello";
const namespace = "gyeongbu-demo";
const port = 8080;
const labels = { "app.kubernetes.io/name": name };

/**
 * A global service to see the mesh work: the same name in every member answers with a pod whose name holds the site's. With
 * `affinity: local` the other site serves only where this one has no ready pod.
 */
export function demoObjects({ kubernetes, name: site, serviceMesh }: SiteSpec) {
  const limit = serviceMesh?.bandwidth?.demoService;
  return {
    namespace: { metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    deployment: {
      metadata: { name: `${name}-${site}`, namespace, labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, ...(limit ? { annotations: bandwidthAnnotations(limit) } : {}) },
          spec: {
            automountServiceAccountToken: false,
            securityContext: { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                name,
                image: `${kubernetes.imageRegistry}/e2e-test-images/agnhost:2.53`,
                args: ["netexec", `--http-port=${port}`, "--udp-port=-1"],
                ports: [{ name: "http", containerPort: port }],
                readinessProbe: { httpGet: { path: "/healthz", port }, periodSeconds: 2 },
                resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
              },
            ],
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: { matchLabels: labels },
              },
            ],
          },
        },
      },
    },
    service: {
      metadata: {
        name,
        namespace,
        labels: { ...labels, [failoverLabel]: "true" },
        annotations: { "service.cilium.io/global": "true", "service.cilium.io/affinity": "local" },
      },
      spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: port, protocol: "TCP" }] },
    },
  };
}
