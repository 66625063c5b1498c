/** Beginnings of label keys that Cilium leaves out of a pod's identity (`pkg/labelsfilter/filter.go`, 1.18 to 1.20). */
const leftOut = [
  /^io\.kubernetes/,
  /^kubernetes\.io/,
  /^statefulset\.kubernetes\.io\/pod-name/,
  /^apps\.kubernetes\.io\/pod-index/,
  /^batch\.kubernetes\.io\/(job-completion-index|controller-uid)/,
  /^.*beta\.kubernetes\.io/,
  /^k8s\.io/,
  /^pod-template-(generation|hash)/,
  /^controller-(revision-hash|uid)/,
  /^annotation/,
  /^etcd_node/,
  /^topology\.kubernetes\.io/,
];

/** What the Helm value `labels` of ours leaves out besides: what changes with every run or release of a workload. */
const ourExclusions = ["job-name", "batch.kubernetes.io/job-name", "helm.sh/chart"] as const;

/** The Helm value: patterns with `!` join Cilium's own list; one without would replace it and hide every other label. */
export const identityLabels = ourExclusions.map((key) => `k8s:!${key.replaceAll(".", "\\.")}`).join(" ");

/** Whether policies can see a pod's label. One that they cannot see selects nobody, and everybody where it is negated. */
export function inIdentity(key: string): boolean {
  return ![...leftOut, ...ourExclusions.map((own) => new RegExp(`^${own.replaceAll(".", "\\.")}`))].some((pattern) =>
    pattern.test(key),
  );
}
