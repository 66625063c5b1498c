import type { Rule } from "../rule.ts";

type Described = Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

/** The statement that is proven of every mesh with zones. */
export const promiseStatement = {
  code: "GB-2251",
  severity: "error",
  title: "Between zones nothing is open but what is promised.",
  korean: "영역(zone) 사이에는 약속한 포트만 열려 있어야 합니다.",
  reason:
    "Asked of every pair of parties that policies can tell apart, in every pair of clusters, over all ports and protocols; each end by the policies of its own cluster.",
} as const satisfies Described;

/** What else may be wrong with policies that zones depend on. */
export const segmentationRules = {
  unselected: {
    code: "GB-2252",
    severity: "warning",
    title: "Policies tell the pods of a zone from others of their namespace.",
    korean: "약속에 나오는 영역의 파드를 정책이 같은 네임스페이스의 다른 파드와 구별해야 합니다.",
    reason:
      "A zone whose labels no policy asks about fares as any pod does; a label that is spelt differently is the usual cause.",
  },
  differing: {
    code: "GB-2253",
    severity: "warning",
    title: "Clusters agree about their zones.",
    korean: "여러 클러스터에서 영역 사이의 통신 규칙이 같아야 합니다.",
    reason: "Policies are not replicated: what only one site allows works until the other site takes over.",
  },
  audited: {
    code: "GB-2254",
    severity: "warning",
    title: "A promise is kept by policies that are enforced.",
    korean: "약속은 실제로 적용(enforce) 중인 정책으로 지켜져야 합니다.",
    reason: "In audit nothing is dropped: the promise holds once its namespaces are enforced.",
  },
  incomparable: {
    code: "GB-2255",
    severity: "warning",
    title: "What a plan is compared with can be planned as well.",
    korean: "비교 대상(--against)도 계획을 세울 수 있어야 합니다.",
    reason: "The programs of the working tree run on the stack files of the other state; they may have another shape.",
  },
  unreadable: {
    code: "GB-2256",
    severity: "error",
    title: "What a plan is compared with is a folder or a commit that Git has.",
    korean: "비교 대상(--against)은 폴더이거나 Git에 있는 커밋이어야 합니다.",
    reason: "Without it no flow can be said to open or close.",
  },
  conflicting: {
    code: "GB-2257",
    severity: "error",
    title: "Cilium can compute a policy for every pod that policies select.",
    korean: "정책이 선택하는 모든 파드에 대해 Cilium이 정책을 계산할 수 있어야 합니다.",
    reason:
      "Rules that ask for two kinds of proxies on one port and peer cannot be merged (pkg/policy/l4.go); the agent then keeps such pods cut off.",
  },
} as const satisfies Readonly<Record<string, Described>>;
