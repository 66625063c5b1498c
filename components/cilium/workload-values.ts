import type { HelmValues } from "./helm-values.ts";

/** How Cilium's own pods run: replicas, roll-out, resources, tolerations. */
export function workloadValues(nodes: number): HelmValues {
  return {
    // A changed ConfigMap alone restarts nothing.
    rollOutCiliumPods: true,
    // Requests and the memory limit are the chart's commented suggestion; no CPU limit, which would throttle the datapath's control.
    resources: { requests: { cpu: "100m", memory: "512Mi" }, limits: { memory: "4Gi" } },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } },
    envoy: {
      rollOutPods: true,
      resources: { requests: { cpu: "100m", memory: "128Mi" } },
    },
    operator: {
      // Two never share a node, so a second one on a single node would stay pending.
      replicas: Math.min(2, nodes),
      rollOutPods: true,
      podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
      removeNodeTaints: true,
      setNodeTaints: true,
      setNodeNetworkStatus: true,
      resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "1Gi" } },
    },
    certgen: {
      // Its pods come when nothing else runs yet; on a small cluster only control planes may be there (cilium issue 28167).
      tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" }],
      priorityClassName: "system-cluster-critical",
    },
  };
}
