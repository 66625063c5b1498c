import type { SiteSpec } from "../config/schema.ts";
import { auditLog } from "../kubernetes/kubeadm.ts";
import type { Slot } from "../network/plan.ts";

/** What a machine must bring to become a node: its preflight asks for it there, rules before it exists. */

/** Ubuntu releases whose kernel and cgroups carry the rest: 22.04 (5.15) and 24.04 (6.8). */
export const ubuntuReleases = ["22.04", "24.04"];

/** GB for container images of Cilium and Kubernetes, and room to pull the next release beside them. */
const imagesGb = 15;

/** GB for images, Hubble's flow log and, on control planes, the API's audit log. */
export function neededDiskGb({ cilium }: SiteSpec, role: Slot["role"]): number {
  const { exportFileMaxMb, exportFileBackups } = cilium.hubble;
  const flowLogsGb = Math.ceil((exportFileMaxMb * (exportFileBackups + 1)) / 1000);
  return imagesGb + flowLogsGb + (role === "control-plane" ? (auditLog.fileMaxMb * auditLog.backups) / 1000 : 0);
}
