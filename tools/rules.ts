import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { acceptanceRules } from "../proof/accepted.ts";
import { commandRules } from "../proof/documents/commands.ts";
import { documentRules } from "../proof/documents/document-rules.ts";
import { objectRules } from "../proof/documents/rule-lists.ts";
import { rules } from "../proof/judge.ts";
import { meshStatements } from "../proof/mesh-statements.ts";
import { networkStatements } from "../proof/network/prove.ts";
import { alertRules } from "../proof/objects/alerts.ts";
import { kubeadmRules } from "../proof/objects/kubeadm.ts";
import { policyStatements } from "../proof/policies/statements.ts";
import { joinRule } from "../proof/prove-plan.ts";
import { allResourceRules } from "../proof/resources.ts";
import type { Rule } from "../proof/rule.ts";
import { bundleRules } from "../proof/rules/service-mesh.ts";
import { promiseStatement, segmentationRules } from "../proof/segmentation/rules.ts";
import { valuesRules } from "../proof/values/rules.ts";
import { asking, type Code, machines, reading } from "./machine-codes.ts";

/**
 * `node tools/rules.ts` writes `docs/rules.md` and its Korean twin `docs/rules.ko.md` from the lists of rules. To have a new list explained,
 * add it to a section.
 */
type Described = Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

interface Section {
  readonly english: string;
  readonly korean: string;
  readonly rules: readonly Described[];
}

const numbered = (list: readonly Described[], from: number, to: number) =>
  list.filter(({ code }) => Number(code.slice(3)) >= from && Number(code.slice(3)) <= to);

export const sections: readonly Section[] = [
  { english: "Addresses", korean: "주소", rules: numbered(rules, 200, 299) },
  { english: "Members of a mesh", korean: "메시 구성원", rules: numbered(rules, 300, 399) },
  { english: "Nodes and versions", korean: "노드와 버전", rules: numbered(rules, 400, 499) },
  { english: "The interconnect", korean: "인터커넥트", rules: numbered(rules, 500, 599) },
  { english: "The entry", korean: "사용자 진입점(entry)", rules: numbered(rules, 600, 699) },
  { english: "A site's own policies and zones", korean: "사이트의 정책과 영역", rules: numbered(rules, 2100, 2149) },
  {
    english: "Gateways, Ingresses, rate limits of a site",
    korean: "사이트의 Gateway·Ingress·요청 제한",
    rules: [...numbered(rules, 2150, 2170), ...bundleRules],
  },
  { english: "Helm values of Cilium", korean: "Cilium Helm 값", rules: valuesRules },
  { english: "Network policies", korean: "네트워크 정책", rules: numbered(objectRules, 1200, 1299) },
  { english: "BGP and address pools", korean: "BGP와 주소 풀", rules: numbered(objectRules, 1300, 1399) },
  {
    english: "Gateway, Ingress, Envoy, Services",
    korean: "Gateway·Ingress·Envoy·Service",
    rules: numbered(objectRules, 1400, 1499),
  },
  { english: "kubeadm", korean: "kubeadm 설정", rules: kubeadmRules },
  { english: "Alert rules", korean: "경보 규칙", rules: alertRules },
  {
    english: "Documents and commands",
    korean: "문서와 명령",
    rules: [...documentRules, ...commandRules, ...numbered(objectRules, 1700, 1799)],
  },
  { english: "Resources that a program would create", korean: "프로그램이 만들 리소스", rules: allResourceRules },
  { english: "The network as a whole", korean: "네트워크 전체에 대한 증명", rules: [...networkStatements, joinRule] },
  { english: "The mesh as a whole", korean: "메시 전체에 대한 증명", rules: meshStatements },
  {
    english: "Policies as a whole, and who reaches whom",
    korean: "정책 전체와 구간 분리에 대한 증명",
    rules: [...Object.values(policyStatements), promiseStatement, ...Object.values(segmentationRules)],
  },
  { english: "Promises", korean: "약속(promises)", rules: numbered(rules, 2050, 2099) },
  { english: "Accepted warnings", korean: "경고 예외 인정", rules: Object.values(acceptanceRules) },
];

const byCode = (one: { code: string }, other: { code: string }) =>
  one.code.localeCompare(other.code, "en", { numeric: true });
const row = (...cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const table = (heads: readonly string[], rows: readonly string[]) =>
  [row(...heads), `${"|---".repeat(heads.length)}|`, ...rows].join("\n");

/** `docs/rules.md`. */
export function rulesInEnglish(): string {
  const codes = (list: readonly Code[]) =>
    table(
      ["code", "meaning"],
      list.map(({ code, english }) => row(code, english)),
    );
  return [
    "# Rules and codes",
    "Written by `node tools/rules.ts`; do not edit. 한국어: [rules.ko.md](rules.ko.md)",
    "Every message has a code, which never changes its meaning, and says which file, path and value it is about and what to write. An `error` stops every plan and `up`; a `warning` is shown, and may be accepted in the stack file for a year at most:",
    "```yaml\nconfig:\n  gyeongbu:accepted:\n    - code: GB-403\n      reason: a trial cluster, nobody depends on it\n      until: 2027-03-31\n      path: gyeongbu:site.nodePools # optional: there and below only\n```",
    "## Reading stack files",
    codes(reading),
    ...sections.flatMap(({ english, rules: list }) => [
      `## ${english}`,
      table(
        ["code", "severity", "what must hold", "why"],
        list.toSorted(byCode).map(({ code, severity, title, reason }) => row(code, severity, title, reason)),
      ),
    ]),
    "## Asking about policies",
    codes(asking),
    "## On machines",
    codes(machines),
    "",
  ].join("\n\n");
}

/** `docs/rules.ko.md`. */
export function rulesInKorean(): string {
  const codes = (list: readonly Code[]) =>
    table(
      ["코드", "뜻"],
      list.map(({ code, korean }) => row(code, korean)),
    );
  const grade = { error: "오류", warning: "경고" } as const;
  return [
    "# 규칙과 오류 코드",
    "`node tools/rules.ts`가 만든 문서이므로 직접 고치지 마십시오. English: [rules.md](rules.md)",
    "모든 메시지에는 코드가 붙으며, 코드의 뜻은 바뀌지 않습니다. 메시지는 어느 파일의 어느 값이 왜 잘못되었고 어떻게 고쳐 쓰는지 함께 알려 줍니다. **오류**가 하나라도 있으면 plan과 `up`이 멈춥니다. **경고**는 표시만 되며, 사정이 있으면 스택 파일에 이유와 기한(최대 1년)을 적어 예외로 인정할 수 있습니다.",
    "```yaml\nconfig:\n  gyeongbu:accepted:\n    - code: GB-403\n      reason: 시험용 클러스터이며 업무에 쓰지 않음\n      until: 2027-03-31\n      path: gyeongbu:site.nodePools # 생략 가능: 이 경로와 그 아래에만 적용\n```",
    "규칙마다 그 근거와 출처는 [rules.md](rules.md)의 `why` 열에 있습니다.",
    "## 스택 파일 읽기",
    codes(reading),
    ...sections.flatMap(({ korean, rules: list }) => [
      `## ${korean}`,
      table(
        ["코드", "등급", "지켜야 할 것"],
        list.toSorted(byCode).map(({ code, severity, korean: text }) => row(code, grade[severity], text)),
      ),
    ]),
    "## 정책에 묻기",
    codes(asking),
    "## 머신에서",
    codes(machines),
    "",
  ].join("\n\n");
}

if (import.meta.main) {
  const docs = join(import.meta.dirname, "../docs");
  writeFileSync(join(docs, "rules.md"), rulesInEnglish());
  writeFileSync(join(docs, "rules.ko.md"), rulesInKorean());
}
