import type { BandwidthSpec } from "../../config/service-mesh.ts";
import type { HelmValues } from "../helm-values.ts";

/** Mbit/s of one pod, as `{ egress: 100 }`. */
export interface BandwidthLimit {
  readonly egress?: number | undefined;
  readonly ingress?: number | undefined;
}

/**
 * The bandwidth manager, which reads the annotations of pods. It holds limits on egress by the time a packet may leave, on ingress by a
 * bucket. Agents switch it off under IPsec, and for pods that an L7 policy selects at egress (Cilium `bandwidth-manager.rst`,
 * `pkg/datapath/linux/bandwidth`).
 */
export function bandwidthValues(spec: BandwidthSpec | undefined): HelmValues {
  return spec ? { bandwidthManager: { enabled: true, bbr: spec.bbr } } : {};
}

/**
 * The annotations of a pod's template. They are read when a pod starts, and each replica gets the whole limit:
 * `bandwidthAnnotations({ egress: 10 })` is `{ "kubernetes.io/egress-bandwidth": "10M" }`, 10,000,000 bit/s.
 */
export function bandwidthAnnotations({ egress, ingress }: BandwidthLimit): Record<string, string> {
  return {
    ...(egress === undefined ? {} : { "kubernetes.io/egress-bandwidth": `${egress}M` }),
    ...(ingress === undefined ? {} : { "kubernetes.io/ingress-bandwidth": `${ingress}M` }),
  };
}
