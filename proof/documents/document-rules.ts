import type { Rule } from "../rule.ts";

/** Rules of reading: they are judged while a file is read, so they have no `check` of their own. */
export const documentRules = [
  {
    code: "GB-1701",
    severity: "error",
    title: "What is asked for can be read.",
    korean: "지정한 경로와 옵션이 올바르고 파일을 읽을 수 있어야 합니다.",
    reason: "A check that read nothing must not pass.",
  },
  {
    code: "GB-1702",
    severity: "error",
    title: "YAML and JSON files have valid syntax.",
    korean: "YAML·JSON 파일의 문법이 올바라야 합니다(탭 들여쓰기, 중복 키 포함).",
    reason: "A parser refuses the file, or keeps the last of two equal keys without a word (yaml.org/spec/1.2.2).",
  },
  {
    code: "GB-1703",
    severity: "warning",
    title: "Templates are checked as what they render to.",
    korean: "템플릿은 렌더링한 결과를 검사해야 합니다.",
    reason: "What stands between the braces is only known after rendering.",
  },
  {
    code: "GB-1704",
    severity: "error",
    title: "Files are of a size and depth that people write.",
    korean: "파일 크기와 중첩 깊이가 상식적인 범위여야 합니다.",
    reason:
      "Aliases can unfold ten lines into gigabytes; Kubernetes takes objects of 1.5 MB at most (etcd's request limit).",
  },
  {
    code: "GB-1705",
    severity: "warning",
    title: "Snippets that say they are YAML are YAML.",
    korean: "YAML이라고 표시한 코드 블록은 올바른 YAML이어야 합니다.",
    reason: "Readers copy them as they are.",
  },
  {
    code: "GB-1706",
    severity: "warning",
    title: "Manifests keep their indentation.",
    korean: "매니페스트의 들여쓰기가 남아 있어야 합니다.",
    reason:
      "Without it the API server reads another object than was meant; the check reads it by the shape of its kind.",
  },
  {
    code: "GB-1707",
    severity: "warning",
    title: "The Cilium version is one that can be judged.",
    korean: "Cilium 버전은 검사할 수 있는 버전이어야 합니다.",
    reason: "Keys differ between charts; releases before 1.18 get no fixes any more (Cilium's support policy).",
  },
  {
    code: "GB-1708",
    severity: "warning",
    title: "Texts name metrics that exist.",
    korean: "문서에는 실제로 존재하는 메트릭 이름을 써야 합니다.",
    reason: "Dashboards and alerts built from them stay empty (Documentation/observability/metrics.rst).",
  },
  {
    code: "GB-1709",
    severity: "warning",
    title: "Sample output is what Hubble prints.",
    korean: "Hubble 출력 예시는 실제 출력 형식이어야 합니다.",
    reason:
      "A flow ends in its verdict, FORWARDED or DROPPED, and it reads HTTP, gRPC, DNS and, before 1.20, Kafka, but no SQL (pkg/hubble).",
  },
] as const satisfies readonly Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">[];

type DocumentCode = (typeof documentRules)[number]["code"];

/** Code and severity of a rule of reading. */
export function documentRule(code: DocumentCode): {
  readonly code: DocumentCode;
  readonly severity: "error" | "warning";
} {
  return { code, severity: documentRules.find((rule) => rule.code === code)?.severity ?? "error" };
}
