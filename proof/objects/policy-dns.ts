import { isRecord, list } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Rule, Violation } from "../rule.ts";
import { dnsRule } from "./policy-names.ts";
import {
  asText,
  type Entry,
  entriesOf,
  isCiliumPolicy,
  isNetworkPolicy,
  labelsOf,
  matching,
  metadataOf,
  type Part,
  partsOf,
  record,
  records,
  texts,
  violation,
} from "./policy-view.ts";

/** Whether an egress entry can carry a pod's lookups. */
function allowsDns({ direction, deny, body, part }: Entry): boolean {
  if (direction !== "egress" || deny) return false;
  const ports = records(body.toPorts, []).flatMap(({ body: { ports: written } }) => records(written, []));
  if (list(body.toPorts).length > 0) {
    return ports.some(({ body: { port, endPort } }) => {
      const [first, last] = [Number(port), Math.max(Number(port), typeof endPort === "number" ? endPort : 0)];
      return /dns/i.test(asText(port)) || [0, 5353, 8053, 1053].includes(first) || (first <= 53 && last >= 53);
    });
  }
  if (list(body.icmps).length > 0) return false;
  if (texts(body.toEntities).some((entity) => ["all", "cluster", "host", "world", "cluster-mesh"].includes(entity)))
    return true;
  if (list(body.toCIDR).length + list(body.toCIDRSet).length + list(body.toServices).length > 0) return true;
  return records(body.toEndpoints, []).some(({ body: selector }) => {
    const labels = labelsOf(selector);
    const empty = Object.keys(labels).length === 0;
    return empty
      ? part.clusterwide || list(selector.matchExpressions).length > 0
      : /dns/.test(Object.values(labels).join(" ")) || labels["io.kubernetes.pod.namespace"] === "kube-system";
  });
}

function kubernetesDns(object: KubernetesObject): boolean {
  return records(record(object.spec)?.egress, []).some(({ body: { ports } }) =>
    list(ports).length === 0
      ? true
      : records(ports, []).some(({ body: { port, endPort } }) => {
          const last = typeof endPort === "number" ? endPort : Number(port);
          return (
            port === undefined ||
            /dns/i.test(asText(port)) ||
            [5353, 8053, 1053].includes(Number(port)) ||
            (Number(port) <= 53 && last >= 53)
          );
        }),
  );
}

/** Parts that deny egress to every pod of a namespace, or of the cluster, unless something allows it. */
function denyAllEgress(subject: ObjectsSubject): Part[] {
  return partsOf(subject).filter(({ body, path }) => {
    const selector = record(body.endpointSelector);
    const everyPod =
      selector !== undefined &&
      Object.keys(labelsOf(selector)).length === 0 &&
      list(selector.matchExpressions).length === 0;
    const egress = list(body.egress);
    const onlyEmpty = egress.length > 0 && egress.every((entry) => isRecord(entry) && Object.keys(entry).length === 0);
    return everyPod && onlyEmpty && record(body.enableDefaultDeny)?.egress !== false && path.length > 0;
  });
}

function anyDns(subject: ObjectsSubject, namespace: string | undefined): boolean {
  const inReach = (other: string | undefined) => namespace === undefined || other === undefined || other === namespace;
  return (
    entriesOf(subject).some((entry) => inReach(entry.part.namespace) && allowsDns(entry)) ||
    matching(subject, isNetworkPolicy).some(
      ({ object }) => inReach(metadataOf(object).namespace) && kubernetesDns(object),
    )
  );
}

/** Policies that let pods of a namespace talk to something: they are meant to work. */
function allowsEgress(subject: ObjectsSubject, namespace: string | undefined): boolean {
  const inReach = (other: string | undefined) => namespace === undefined || other === namespace;
  return (
    entriesOf(subject).some(
      ({ part, direction, deny, body }) =>
        inReach(part.namespace) && !part.clusterwide && direction === "egress" && !deny && Object.keys(body).length > 0,
    ) ||
    matching(subject, isNetworkPolicy).some(
      ({ object }) => inReach(metadataOf(object).namespace) && list(record(object.spec)?.egress).length > 0,
    )
  );
}

function deafNamespaces(subject: ObjectsSubject): Violation[] {
  const cilium = denyAllEgress(subject).map(({ path, namespace, clusterwide }) => ({
    path: [...path, "egress"],
    namespace,
    clusterwide,
  }));
  const kubernetes = matching(subject, isNetworkPolicy)
    .filter(({ object }) => deniesEgressToAll(object))
    .map(({ index, object }) => ({
      path: [index, "spec", "policyTypes"],
      namespace: metadataOf(object).namespace,
      clusterwide: false,
    }));
  return [...cilium, ...kubernetes]
    .filter(
      ({ namespace, clusterwide }) =>
        (clusterwide || namespace !== undefined) && allowsEgress(subject, namespace) && !anyDns(subject, namespace),
    )
    .map(({ path, namespace }) =>
      violation(
        path,
        `${namespace === undefined ? "Every namespace" : `Namespace ${namespace}`} is denied all egress, and what the other policies allow does not include DNS: its pods reach nothing by name.`,
        `Add an egress entry for every pod: ${dnsRule}`,
      ),
    );
}

const workloadKinds = ["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job"];

/** Pods of a namespace that is denied egress, or meant to be, whom no policy allows DNS, though it allows others. */
function forgottenPods(subject: ObjectsSubject): Violation[] {
  const meant = partsOf(subject).filter(({ body, namespace }) => {
    const selector = record(body.endpointSelector);
    const egress = body.egress;
    const nothing =
      Array.isArray(egress) && egress.every((entry) => isRecord(entry) && Object.keys(entry).length === 0);
    return namespace !== undefined && selector !== undefined && Object.keys(selector).length === 0 && nothing;
  });
  const kubernetes = matching(subject, isNetworkPolicy).filter(({ object }) => deniesEgressToAll(object));
  const denied = new Set([
    ...meant.map(({ namespace }) => namespace),
    ...kubernetes.map(({ object }) => metadataOf(object).namespace),
  ]);
  const workloads = matching(subject, ({ kind }) => workloadKinds.includes(asText(kind)));
  return workloads.flatMap(({ index, object }) => {
    const { name, namespace } = metadataOf(object);
    const template = record(record(object.spec)?.template);
    const labels = record(record((object.kind === "Pod" ? object : template)?.metadata)?.labels) ?? {};
    if (namespace === undefined || !denied.has(namespace) || Object.keys(labels).length === 0) return [];
    const allowed = [
      ...entriesOf(subject)
        .filter((entry) => allowsDns(entry) && (entry.part.clusterwide || entry.part.namespace === namespace))
        .map(({ part }) => part.body.endpointSelector),
      ...matching(subject, isNetworkPolicy)
        .filter(({ object: policy }) => metadataOf(policy).namespace === namespace && kubernetesDns(policy))
        .map(({ object: policy }) => record(policy.spec)?.podSelector),
    ];
    if (allowed.length === 0 || allowed.some((selector) => maySelect(selector, labels))) return [];
    return [
      violation(
        [index, "metadata", "name"],
        `${asText(object.kind)} ${name}: namespace ${namespace} denies egress, and the policies that allow DNS there select other pods, so this one resolves no names.`,
        `Allow DNS to every pod of the namespace: endpointSelector: {} and ${dnsRule}`,
      ),
    ];
  });
}

/** A NetworkPolicy that denies every pod of its namespace all egress. */
function deniesEgressToAll(object: KubernetesObject): boolean {
  const spec = record(object.spec) ?? {};
  const selector = record(spec.podSelector);
  const every = selector !== undefined && Object.keys(selector).length === 0;
  return every && texts(spec.policyTypes).includes("Egress") && list(spec.egress).length === 0;
}

/** Labels alone are compared; an expression may select anything. */
function maySelect(selector: unknown, labels: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(labelsOf(selector)).every(([key, value]) => key.startsWith("io.") || labels[key] === value);
}

export const policyDnsRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1231",
    severity: "error",
    title: "A cluster-wide default deny of egress comes with a policy that allows DNS.",
    korean: "클러스터 전체 egress 기본 거부에는 DNS를 허용하는 정책이 함께 있어야 합니다.",
    reason:
      "Every pod, CoreDNS included, loses name resolution at once (Documentation/network/kubernetes/policy.rst; cilium/cilium#14860).",
    check: (subject) => {
      if (!subject.complete || anyDns(subject, undefined)) return [];
      const fix = `Add an egress entry: ${dnsRule}`;
      const denied = denyAllEgress(subject)
        .filter(({ clusterwide }) => clusterwide)
        .map(({ path }) =>
          violation(
            [...path, "egress"],
            "Every pod of the cluster is denied egress, and no policy allows DNS: nothing resolves names any more.",
            fix,
          ),
        );
      const always = subject.values?.policyEnforcementMode === "always";
      const [first] = matching(subject, (object) => isCiliumPolicy(object) || isNetworkPolicy(object));
      return always && first !== undefined && denied.length === 0
        ? [
            violation(
              [first.index],
              "policyEnforcementMode: always denies every pod all egress, and no policy allows DNS: nothing resolves names any more.",
              fix,
            ),
          ]
        : denied;
    },
  },
  {
    code: "GB-1232",
    severity: "warning",
    title: "Pods that are denied egress and allowed some of it are also allowed DNS.",
    korean: "egress를 기본 거부하고 일부를 허용할 때는 DNS도 허용합니다.",
    reason:
      "An application that reaches its database by name fails at the lookup first (Documentation/security/policy/language.rst).",
    check: (subject) =>
      subject.complete && denyAllEgress(subject).some(({ clusterwide }) => clusterwide) ? [] : deafNamespaces(subject),
  },
  {
    code: "GB-1248",
    severity: "warning",
    title: "Where egress is denied, every pod that is there is allowed DNS.",
    korean: "egress를 기본 거부한 네임스페이스의 모든 파드에 DNS를 허용합니다.",
    reason:
      "A policy that allows DNS to one application leaves the next pod of the namespace without names (Documentation/security/policy/language.rst).",
    check: forgottenPods,
  },
];
