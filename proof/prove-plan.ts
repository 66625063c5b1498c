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
import { bundleRules } from "./rules/service-mesh.ts";
import type { SegmentationReport } from "./segmentation/report.ts";
import { segmentationRules } from "./segmentation/rules.ts";

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
  ...bundleRules,
  ...allResourceRules,
  ...objectRules,
  joinRule,
  ...Object.values(segmentationRules),
];

/** What a plan proves, and who can reach whom under its policies. */
export interface Proven {
  readonly proofs: readonly Proof[];
  readonly findings: readonly Finding[];
  /** One of each mesh or site that has policies or zones. */
  readonly segmentation: readonly SegmentationReport[];
}

/** Everything that is proven about what the programs of a plan would register. */
export async function provePlan(stacks: readonly PlannedStack[]): Promise<Proven> {
  const sites = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
  const policies = await provePolicies(stacks);
  return {
    proofs: [...proveNetwork(stacks), ...proveMeshes(sites), ...policies.proofs],
    findings: [...judgeResources(stacks), ...judgeObjects(stacks), ...unjoinedPeers(stacks), ...policies.findings],
    segmentation: policies.segmentation,
  };
}

/** Reading and judging policies takes code that a plan without any does not load. */
async function provePolicies(stacks: readonly PlannedStack[]): Promise<Proven> {
  if (!stacks.some(hasPolicies)) return { proofs: [], findings: [], segmentation: [] };
  const [system, zones] = await Promise.all([import("./policies/statements.ts"), import("./segmentation/prove.ts")]);
  const { proofs, findings, reports } = zones.proveSegmentation(stacks);
  return { proofs: [...system.provePolicies(stacks), ...proofs], findings, segmentation: reports };
}

function hasPolicies({ file, resources }: PlannedStack): boolean {
  if (file.kind === "site" && (file.spec.policies !== undefined || file.spec.segmentation !== undefined)) return true;
  return resources.some(({ type }) => type.startsWith("kubernetes:") && type.endsWith("NetworkPolicy"));
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
