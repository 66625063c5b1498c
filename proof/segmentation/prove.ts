import type { Finding } from "../../components/config/finding.ts";
import type { Proof } from "../proof.ts";
import type { PlannedStack } from "../recorded.ts";
import { segmentationFindings } from "./findings.ts";
import { type MemberPolicies, memberPolicies } from "./member-policies.ts";
import { groupsOf, isSegmented, type Model, modelsOf } from "./model.ts";
import { judgePromises, type PromiseVerdict, pathText } from "./promises.ts";
import { reportOf, type SegmentationReport } from "./report.ts";
import { promiseStatement } from "./rules.ts";

/** What is proven about zones, and the reports that show it: one of each mesh or site that has policies or zones. */
export interface Segmented {
  readonly proofs: readonly Proof[];
  readonly findings: readonly Finding[];
  readonly reports: readonly SegmentationReport[];
  readonly members: readonly MemberPolicies[];
}

export function proveSegmentation(stacks: readonly PlannedStack[]): Segmented {
  const members = memberPolicies(stacks);
  const models = groupsOf(members)
    .filter(isSegmented)
    .flatMap((group) => modelsOf([group]));
  const judged = models.map((model) => ({ model, verdicts: judgePromises(model) }));
  return {
    proofs: judged.flatMap(({ model, verdicts }) => (verdicts.length === 0 ? [] : [promiseProof(model, verdicts)])),
    findings: judged.flatMap(({ model, verdicts }) => segmentationFindings(model, verdicts)),
    reports: judged.map(({ model, verdicts }) => reportOf(model, verdicts)),
    members,
  };
}

/** Paths that a counterexample shows for one promise. */
const shown = 3;

function promiseProof({ members, actors }: Model, verdicts: readonly PromiseVerdict[]): Proof {
  const broken = verdicts.filter(({ holdsEnforced }) => !holdsEnforced);
  const counterexample = broken.flatMap(({ text, paths, unknown }) => [
    `Promised: ${text}`,
    ...unknown.map((name) => `  there is no zone "${name}"`),
    ...paths.slice(0, shown).flatMap((path) =>
      pathText(path)
        .split("; ")
        .map((hop, index) => `${index === 0 ? "  " : "    "}${hop}`),
    ),
    ...(paths.length > shown ? [`  and ${paths.length - shown} more such paths`] : []),
  ]);
  return {
    id: promiseStatement.code,
    title: promiseStatement.title,
    holds: broken.length === 0,
    facts: {
      members: members.map(({ options }) => options.cluster).join(", "),
      promises: verdicts.length,
      onceEnforced: verdicts.filter(({ holds, holdsEnforced }) => holdsEnforced && !holds).length,
      parties: actors.length,
      pairs: verdicts.reduce((sum, { pairs }) => sum + pairs, 0),
      leftOut: "a pod's own node, which always reaches it",
    },
    ...(broken.length === 0 ? {} : { counterexample: counterexample.join("\n") }),
  };
}
