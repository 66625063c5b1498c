import { list } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  type Entry,
  entriesOf,
  keysOf,
  labelsOf,
  metadataOf,
  partsOf,
  record,
  records,
  violation,
} from "./policy-view.ts";

type Labels = Readonly<Record<string, string>>;

/** Pods that the judged objects tell of: by a workload's template, or by what another policy selects. */
interface Population {
  /** `undefined` where whoever applies the file chooses it. */
  readonly namespace: string | undefined;
  readonly labels: Labels;
}

function templateLabels(object: KubernetesObject): Labels {
  const spec = record(object.spec) ?? {};
  const job = record(record(spec.jobTemplate)?.spec) ?? spec;
  const template = object.kind === "Pod" ? object : record(job.template);
  return labelsOf({ matchLabels: record(template?.metadata)?.labels });
}

function populations(subject: ObjectsSubject): Population[] {
  const workloads = subject.objects
    .filter(({ kind }) => /^(Pod|Deployment|StatefulSet|DaemonSet|ReplicaSet|Job|CronJob)$/.test(asText(kind)))
    .map((object) => ({ namespace: metadataOf(object).namespace, labels: templateLabels(object) }));
  const policies = partsOf(subject)
    .filter(({ clusterwide }) => !clusterwide)
    .map(({ namespace, body }) => ({ namespace, labels: labelsOf(body.endpointSelector) }));
  return [...workloads, ...policies];
}

const wears = (labels: Labels, wanted: Labels) => Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** Labels of the cluster's DNS, which lives in kube-system everywhere but on OpenShift. */
function namesDns(labels: Labels): boolean {
  return /^(kube-dns|coredns|node-local-dns)$/.test(labels["k8s-app"] ?? labels["app.kubernetes.io/name"] ?? "");
}

function elsewhere(entry: Entry, known: readonly Population[]): Violation[] {
  const { clusterwide, namespace } = entry.part;
  if (clusterwide) return [];
  const field = entry.direction === "ingress" ? "fromEndpoints" : "toEndpoints";
  return records(entry.body[field], [...entry.path, field]).flatMap(({ path, body }) => {
    const wanted = labelsOf(body);
    const placed = keysOf(body).some((key) =>
      /^reserved[:.]|^\$|io\.kubernetes\.pod\.namespace|io\.cilium\.k8s\.namespace\.labels/.test(key),
    );
    if (placed || Object.keys(wanted).length === 0 || list(body.matchExpressions).length > 0) return [];
    const shown = Object.entries(wanted)
      .map(([key, value]) => `${key}: ${value}`)
      .join(", ");
    const label = (name: string) => `Add "k8s:io.kubernetes.pod.namespace": ${name} to its matchLabels.`;
    if (namesDns(wanted)) {
      return namespace === "kube-system"
        ? []
        : [
            violation(
              path,
              `The peer ${shown} names no namespace, so it means pods of ${namespace ?? "the policy's own namespace"}; the cluster's DNS runs in kube-system.`,
              label("kube-system"),
            ),
          ];
    }
    if (namespace === undefined) return [];
    const found = known.filter(({ labels }) => wears(labels, wanted));
    const others = [...new Set(found.flatMap((pods) => pods.namespace ?? []))].filter((name) => name !== namespace);
    const here = found.some((pods) => pods.namespace === undefined || pods.namespace === namespace);
    const [other] = others;
    return here || other === undefined
      ? []
      : [
          violation(
            path,
            `The peer ${shown} names no namespace, so it means pods of ${namespace}; what wears these labels lives in ${others.join(", ")}.`,
            label(other),
          ),
        ];
  });
}

export const policyNamespaceRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1209",
    severity: "warning",
    title: "A peer in another namespace carries the namespace's label.",
    korean: "다른 네임스페이스의 상대에는 네임스페이스 레이블을 함께 씁니다.",
    reason:
      "In a CiliumNetworkPolicy a peer without k8s:io.kubernetes.pod.namespace is limited to the policy's own namespace (pkg/k8s/apis/cilium.io/utils/utils.go, getEndpointSelector).",
    check: (subject) => {
      const known = populations(subject);
      return entriesOf(subject).flatMap((entry) => elsewhere(entry, known));
    },
  },
];
