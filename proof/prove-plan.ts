import type { Finding } from "../components/config/finding.ts";
import { objectRules } from "./documents/rule-lists.ts";
import { askedRules } from "./judge.ts";
import { proveMeshes } from "./mesh.ts";
import { proveNetwork, unjoined } from "./network/prove.ts";
import { judgeObjects } from "./planned-objects.ts";
import type { Proof } from "./proof.ts";
import type { PlannedStack } from "./recorded.ts";
import { allResourceRules, judgeResources } from "./resources.ts";
import type { Rule } from "./rule.ts";

/** What the network proof takes for granted, told to the reader. */
export const joinRule = {
  code: "GB-1912",
  severity: "warning",
  title: "An interconnect of the same folder joins peers on clouds.",
  korean: "클라우드에 있는 peer 사이트들은 같은 폴더의 인터커넥트로 이어져야 합니다.",
  reason:
    "Lines that no stack file describes are taken for granted: the proof ends at each site's own firewalls and routes.",
} as const satisfies Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

/** Every rule whose findings a plan may hold. */
export const plannedRules: readonly Pick<Rule<never>, "code" | "severity">[] = [
  ...askedRules,
  ...allResourceRules,
  ...objectRules,
  joinRule,
];

/** Everything that is proven about what the programs of a plan would register. Pure. */
export function provePlan(stacks: readonly PlannedStack[]): { proofs: Proof[]; findings: Finding[] } {
  const sites = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
  return {
    proofs: [...proveNetwork(stacks), ...proveMeshes(sites)],
    findings: [...judgeResources(stacks), ...judgeObjects(stacks), ...unjoinedPeers(stacks)],
  };
}

function unjoinedPeers(stacks: readonly PlannedStack[]): Finding[] {
  return unjoined(stacks).flatMap(([one, other]) => {
    const own = stacks.find(({ file }) => file.stack === one)?.file;
    if (!own) return [];
    const path = ["gyeongbu:site", "mesh", "peers"];
    const line = own.lineOf(path);
    return {
      code: joinRule.code,
      severity: joinRule.severity,
      file: own.file,
      path: path.join("."),
      ...(line === undefined ? {} : { line }),
      message: `No interconnect here joins ${one} and ${other}: that a line of your own does is taken for granted.`,
      fix: "Add an interconnect's stack file, or accept this warning with the name of the line.",
    };
  });
}
