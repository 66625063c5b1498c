import { unknownValues } from "../../components/cilium/chart-keys.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { KubernetesObject } from "../rule.ts";
import { valueAt } from "./findings.ts";
import type { SourceDocument } from "./source.ts";
import { parseYaml } from "./yaml-text.ts";

/** Where a judged thing stands: findings' paths and lines are below `prefix`. */
export interface Place {
  readonly document: SourceDocument;
  readonly prefix: readonly PropertyKey[];
}

/** What a document is, for the rules that judge it. */
export type Classified = ObjectPart | KubeadmPart | ValuesPart | AlertsPart;

export interface ObjectPart extends Place {
  readonly kind: "object";
  readonly object: KubernetesObject;
}

export interface KubeadmPart extends Place {
  readonly kind: "kubeadm";
  readonly object: KubernetesObject;
}

export interface ValuesPart extends Place {
  readonly kind: "values";
  readonly values: Readonly<Record<string, unknown>>;
  /** Chart version that stands beside the values, as it is written: `1.18.4`, `~1.18`, `*`. */
  readonly version: string | undefined;
}

export interface AlertsPart extends Place {
  readonly kind: "alerts";
  readonly groups: readonly unknown[];
}

const kubeadmGroups = /^(?:kubeadm\.k8s\.io|kubelet\.config\.k8s\.io|kubeproxy\.config\.k8s\.io)\//;

/** What stands in a document; nothing for what is neither Cilium nor Kubernetes. */
export function classify(document: SourceDocument, cilium: string): Classified[] {
  const { value } = document;
  return isRecord(value) ? classifyMap(value, { document, prefix: [] }, cilium) : listed(value, document, cilium);
}

/** `kubectl get -o json` without a List around it, and the like. */
function listed(value: unknown, document: SourceDocument, cilium: string): Classified[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown, index) =>
    isRecord(item) && typeof item.apiVersion === "string"
      ? classifyMap(item, { document, prefix: [index] }, cilium)
      : [],
  );
}

function classifyMap(value: Record<string, unknown>, place: Place, cilium: string): Classified[] {
  const { apiVersion, kind } = value;
  if (typeof apiVersion === "string" && typeof kind === "string")
    return classifyObject(value, apiVersion, kind, place, cilium);
  if (apiVersion !== undefined || kind !== undefined) return [];
  const groups = alertGroups(value.groups);
  if (groups) return [{ ...place, kind: "alerts", groups }];
  if (looksLikeValues(value, place.document.name, cilium)) {
    return [{ ...place, kind: "values", values: value, version: undefined }];
  }
  const inner = value.cilium;
  // A chart that wraps Cilium's passes values on below the dependency's name.
  if (place.document.whole && isRecord(inner) && looksLikeValues(inner, "", cilium)) {
    return [{ ...place, prefix: [...place.prefix, "cilium"], kind: "values", values: inner, version: undefined }];
  }
  return [];
}

function classifyObject(
  object: Record<string, unknown>,
  apiVersion: string,
  kind: string,
  place: Place,
  cilium: string,
): Classified[] {
  if (kind.endsWith("List") && Array.isArray(object.items)) {
    return object.items.flatMap((item: unknown, index) =>
      isRecord(item) ? classifyMap(item, { ...place, prefix: [...place.prefix, "items", index] }, cilium) : [],
    );
  }
  if (kubeadmGroups.test(apiVersion)) return [{ ...place, kind: "kubeadm", object }];
  // A guide names a kind to talk about it; there is nothing to judge yet.
  const named = Object.keys(object).every((key) => ["apiVersion", "kind", "metadata"].includes(key));
  if (named && !place.document.whole) return [];
  const own: Classified = { ...place, kind: "object", object };
  if (kind === "PrometheusRule" || kind === "VMRule") {
    const groups = alertGroups(valueAt(object, ["spec", "groups"]));
    return groups ? [own, { ...place, prefix: [...place.prefix, "spec"], kind: "alerts", groups }] : [own];
  }
  return [own, ...embeddedValues(object, apiVersion, kind, place)];
}

function alertGroups(value: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.every((group) => isRecord(group) && Array.isArray(group.rules)) ? value : undefined;
}

/** Cilium's values inside what installs it: Argo CD, Flux, k3s and RKE2, Kustomize. */
function embeddedValues(object: Record<string, unknown>, apiVersion: string, kind: string, place: Place): Classified[] {
  const found = (path: readonly PropertyKey[], version: unknown): Classified[] =>
    valuesAt(object, path, typeof version === "string" ? version : undefined, place);
  if (apiVersion.startsWith("argoproj.io/") && kind === "Application") {
    const spec = valueAt(object, ["spec"]);
    const many = valueAt(spec, ["sources"]);
    const paths = Array.isArray(many) ? many.map((_, index) => ["spec", "sources", index]) : [["spec", "source"]];
    return paths.flatMap((path) => {
      const source = valueAt(object, path);
      if (!isCiliumChart(valueAt(source, ["chart"]))) return [];
      const version = valueAt(source, ["targetRevision"]);
      return [...found([...path, "helm", "valuesObject"], version), ...found([...path, "helm", "values"], version)];
    });
  }
  if (apiVersion.startsWith("helm.toolkit.fluxcd.io/") && kind === "HelmRelease") {
    if (isCiliumChart(valueAt(object, ["spec", "chartRef", "name"]))) return found(["spec", "values"], undefined);
    const chart = valueAt(object, ["spec", "chart", "spec"]);
    return isCiliumChart(valueAt(chart, ["chart"])) ? found(["spec", "values"], valueAt(chart, ["version"])) : [];
  }
  if (apiVersion.startsWith("helm.cattle.io/")) {
    const named =
      isCiliumChart(valueAt(object, ["spec", "chart"])) || valueAt(object, ["metadata", "name"]) === "rke2-cilium";
    return named ? found(["spec", "valuesContent"], valueAt(object, ["spec", "version"])) : [];
  }
  if (kind === "Kustomization" && Array.isArray(object.helmCharts)) {
    return object.helmCharts.flatMap((chart: unknown, index) =>
      isCiliumChart(valueAt(chart, ["name"]))
        ? found(["helmCharts", index, "valuesInline"], valueAt(chart, ["version"]))
        : [],
    );
  }
  return [];
}

function isCiliumChart(chart: unknown): boolean {
  return typeof chart === "string" && /(?:^|\/)(?:rke2-)?cilium$/.test(chart);
}

function valuesAt(
  object: Record<string, unknown>,
  path: readonly PropertyKey[],
  version: string | undefined,
  place: Place,
): Classified[] {
  const value = valueAt(object, path);
  const prefix = [...place.prefix, ...path];
  if (isRecord(value)) return [{ ...place, prefix, kind: "values", values: value, version }];
  if (typeof value !== "string") return [];
  // Values as text: their lines begin below the key, in all ways to write a block.
  const first = place.document.lineOf(prefix) + 1;
  return parseYaml(value, first).documents.flatMap((inner) =>
    isRecord(inner.value)
      ? [
          {
            document: { ...place.document, ...inner },
            prefix: [],
            kind: "values" as const,
            values: inner.value,
            version,
          },
        ]
      : [],
  );
}

/** Top-level keys of Cilium that no other chart has: one of them says whose values these are. */
const telling = new Set(
  (
    "hubble clustermesh kubeProxyReplacement ipv4NativeRoutingCIDR ipv6NativeRoutingCIDR autoDirectNodeRoutes bgpControlPlane " +
    "policyEnforcementMode l2announcements bandwidthManager ciliumEndpointSlice k8sServiceHost tunnelProtocol routingMode identityAllocationMode"
  ).split(" "),
);
/** Keys that Cilium's values have and few others: two of them say so too, if most of the rest is known. */
const usual = new Set(
  (
    "tunnel bpf l7Proxy gatewayAPI ingressController endpointRoutes egressGateway socketLB enableIPv4Masquerade enableIPv6Masquerade cni eni " +
    "ipam envoy encryption operator loadBalancer hostFirewall externalIPs nodePort hostPort"
  ).split(" "),
);

/** By the file's name where it says so, else by most top-level keys; an arbitrary map is not a values file. */
function looksLikeValues(value: Record<string, unknown>, name: string, cilium: string): boolean {
  const keys = Object.keys(value);
  if (keys.length === 0) return false;
  const known = keys.filter((key) => unknownValues(cilium, { [key]: null }).length === 0);
  const share = known.length / keys.length;
  if (known.some((key) => telling.has(key))) return share >= 0.5;
  const ordinary = known.filter((key) => usual.has(key)).length;
  if (namesValues(name)) return share >= 0.5 && (ordinary > 0 || keys.length > 1);
  return ordinary >= 2 && share >= 0.75;
}

/** `cilium-values.yaml`, `values.cilium.yaml`, and `values.yaml` in a folder `cilium`. */
function namesValues(name: string): boolean {
  const [base = "", folder = ""] = name.split("/").toReversed();
  return /values/i.test(base) && (/cilium/i.test(base) || /^cilium$/i.test(folder));
}
