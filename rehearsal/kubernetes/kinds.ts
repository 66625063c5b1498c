import { ciliumKinds } from "../../components/cilium/crd-schemas.ts";
import type { World } from "../world.ts";
import { list, objectsOf, record, text } from "./cluster.ts";
import { installedCilium } from "./installed.ts";

export const releaseType = "kubernetes:helm.sh/v3:Release";
/** A chart repository that the operator's Helm knows by a short name. */
export const repositoryType = "helm-repository";

/** A resource type of the API. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  /** As objects spell it: `v1`, `apps/v1`, `cilium.io/v2`. */
  readonly apiVersion: string;
  readonly kind: string;
}

/** What the API server knows of a built-in kind without its OpenAPI document. */
export interface BuiltIn {
  readonly namespaced: boolean;
  /** Fields beside `apiVersion`, `kind`, `metadata` and `status`. */
  readonly fields: readonly string[];
  /** Fields of `spec`; unchecked without. */
  readonly spec?: readonly string[];
  readonly required?: readonly string[];
  /** Paths that the real provider replaces the object for (pulumi-kubernetes `provider/diff.go`). */
  readonly replaces?: readonly string[];
}

const selector = ["spec.selector"];
const podOwner = ["selector", "template", "minReadySeconds", "revisionHistoryLimit"];

/** By `apiVersion/kind`; the fields of Kubernetes 1.36. */
const builtIns: Readonly<Record<string, BuiltIn>> = {
  "v1/Namespace": { namespaced: false, fields: ["spec"], spec: ["finalizers"] },
  "v1/Secret": {
    namespaced: true,
    fields: ["data", "stringData", "type", "immutable"],
    replaces: ["type", "data", "stringData"],
  },
  "v1/ConfigMap": { namespaced: true, fields: ["data", "binaryData", "immutable"], replaces: ["data", "binaryData"] },
  "v1/ServiceAccount": { namespaced: true, fields: ["secrets", "imagePullSecrets", "automountServiceAccountToken"] },
  "v1/Endpoints": { namespaced: true, fields: ["subsets"] },
  "v1/Service": {
    namespaced: true,
    fields: ["spec"],
    spec: (
      "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName externalTrafficPolicy healthCheckNodePort " +
      "internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges ports " +
      "publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig trafficDistribution type"
    ).split(" "),
    replaces: ["spec.clusterIP"],
  },
  "apps/v1/Deployment": {
    namespaced: true,
    fields: ["spec"],
    spec: [...podOwner, "paused", "progressDeadlineSeconds", "replicas", "strategy"],
    required: ["spec.selector", "spec.template"],
    replaces: selector,
  },
  "apps/v1/DaemonSet": {
    namespaced: true,
    fields: ["spec"],
    spec: [...podOwner, "updateStrategy"],
    required: ["spec.selector", "spec.template"],
    replaces: selector,
  },
  "apps/v1/StatefulSet": {
    namespaced: true,
    fields: ["spec"],
    required: ["spec.selector", "spec.template", "spec.serviceName"],
    replaces: selector,
  },
  "batch/v1/Job": { namespaced: true, fields: ["spec"], required: ["spec.template"], replaces: ["spec.template"] },
  "batch/v1/CronJob": { namespaced: true, fields: ["spec"], required: ["spec.schedule", "spec.jobTemplate"] },
  "policy/v1/PodDisruptionBudget": {
    namespaced: true,
    fields: ["spec"],
    spec: ["minAvailable", "maxUnavailable", "selector", "unhealthyPodEvictionPolicy"],
  },
  "networking.k8s.io/v1/NetworkPolicy": {
    namespaced: true,
    fields: ["spec"],
    spec: ["podSelector", "policyTypes", "ingress", "egress"],
    required: ["spec.podSelector"],
  },
  "networking.k8s.io/v1/Ingress": {
    namespaced: true,
    fields: ["spec"],
    spec: ["ingressClassName", "defaultBackend", "rules", "tls"],
  },
  "rbac.authorization.k8s.io/v1/Role": { namespaced: true, fields: ["rules"] },
  "rbac.authorization.k8s.io/v1/ClusterRole": { namespaced: false, fields: ["rules", "aggregationRule"] },
  "rbac.authorization.k8s.io/v1/RoleBinding": {
    namespaced: true,
    fields: ["roleRef", "subjects"],
    required: ["roleRef"],
    replaces: ["roleRef"],
  },
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": {
    namespaced: false,
    fields: ["roleRef", "subjects"],
    required: ["roleRef"],
    replaces: ["roleRef"],
  },
  "storage.k8s.io/v1/StorageClass": {
    namespaced: false,
    fields:
      "allowVolumeExpansion allowedTopologies mountOptions parameters provisioner reclaimPolicy volumeBindingMode".split(
        " ",
      ),
    required: ["provisioner"],
    replaces: ["parameters", "provisioner"],
  },
  "scheduling.k8s.io/v1/PriorityClass": {
    namespaced: false,
    fields: ["description", "globalDefault", "preemptionPolicy", "value"],
    required: ["value"],
  },
  "apiextensions.k8s.io/v1/CustomResourceDefinition": {
    namespaced: false,
    fields: ["spec"],
    spec: ["conversion", "group", "names", "preserveUnknownFields", "scope", "versions"],
    required: ["spec.group", "spec.names", "spec.scope", "spec.versions"],
  },
};

export function builtIn({ apiVersion, kind }: ResourceType): BuiltIn | undefined {
  const key = `${apiVersion}/${kind}`;
  return Object.hasOwn(builtIns, key) ? builtIns[key] : undefined;
}

/** `kubernetes:core/v1:Service` -> `v1`, `Service`; `undefined` for what is no such token or a built-in group's kind that nobody has described. */
export function parseType(token: string): ResourceType | undefined {
  const [, group = "", version = "", kind = ""] = /^kubernetes:([a-z0-9.-]+)\/(v\w+):(\w+)$/.exec(token) ?? [];
  if (kind === "") return undefined;
  const type =
    group === "core" ? { group: "", apiVersion: version, kind } : { group, apiVersion: `${group}/${version}`, kind };
  const custom = group.includes(".") && !/(^|\.)k8s\.io$/.test(group);
  return custom || group === "gateway.networking.k8s.io" || builtIn(type) !== undefined ? type : undefined;
}

/** Whether a custom resource's kind belongs to namespaces; `undefined` when no CRD of the cluster defines it. */
export function customScope(world: World, cluster: string, type: ResourceType): { namespaced: boolean } | undefined {
  const cilium = installedCilium(world, cluster);
  if (type.group === "cilium.io" && cilium?.registersResources) {
    const found = ciliumKinds(cilium.version).find(
      ({ kind, version }) => kind === type.kind && `cilium.io/${version}` === type.apiVersion,
    );
    if (found !== undefined) return found;
  }
  for (const { body } of objectsOf(world, cluster, "CustomResourceDefinition", "apiextensions.k8s.io")) {
    const { group, names, versions, scope } = record(body.spec);
    const served = list(versions)
      .map(record)
      .some((entry) => entry.served !== false && `${text(group)}/${text(entry.name)}` === type.apiVersion);
    if (served && record(names).kind === type.kind) return { namespaced: scope === "Namespaced" };
  }
  return undefined;
}
