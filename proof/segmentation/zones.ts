import type { ZoneSpec } from "../../components/config/segmentation.ts";
import { namespaceKey, namespaceLabelsKey } from "../reachability/labels.ts";
import { type Conditions, fewestLabels, fulfils, is, isVisible, serviceAccountKey } from "./pod-labels.ts";

export type PodZone = Extract<ZoneSpec, { namespace: string }>;

export function isPodZone(zone: ZoneSpec): zone is PodZone {
  return "namespace" in zone;
}

/** What a zone says about its pods; they may carry other labels besides. */
export function conditionsOf(zone: PodZone): Conditions {
  return [
    is(namespaceKey, zone.namespace),
    ...Object.entries(zone.labels)
      .filter(([key]) => isVisible(key))
      .map(([key, value]) => is(key, value)),
    ...Object.entries(zone.namespaceLabels).map(([key, value]) => is(`${namespaceLabelsKey}.${key}`, value)),
    ...(zone.serviceAccount === undefined ? [] : [is(serviceAccountKey, zone.serviceAccount)]),
  ];
}

/** The cluster's DNS, which every report has as a party (kubeadm and most distributions label it so). */
export const clusterDns = {
  namespace: "kube-system",
  labels: { "k8s-app": "kube-dns" },
  namespaceLabels: {},
  namedPorts: {},
};

/** Zones of pods by name, and whether all pods of one are in another. */
export class PodZones {
  readonly conditions: ReadonlyMap<string, Conditions>;

  constructor(zones: Readonly<Record<string, ZoneSpec>>) {
    this.conditions = new Map(
      Object.entries(zones).flatMap(([name, zone]) => (isPodZone(zone) ? [[name, conditionsOf(zone)] as const] : [])),
    );
  }

  /** The zones that a pod is in; of two that lie in one another, the inner. */
  of(labels: Parameters<typeof fulfils>[0]): string[] {
    const matching = [...this.conditions].filter(([, conditions]) => fulfils(labels, conditions));
    return matching
      .filter(
        ([name]) =>
          !matching.some(([other]) => other !== name && this.#isInside(other, name) && !this.#isInside(name, other)),
      )
      .map(([name]) => name);
  }

  #isInside(inner: string, outer: string): boolean {
    const labels = fewestLabels(this.conditions.get(inner) ?? []);
    return labels !== undefined && fulfils(labels, this.conditions.get(outer) ?? []);
  }
}
