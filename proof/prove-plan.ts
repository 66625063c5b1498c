import type { Finding } from "../components/config/finding.ts";
import type { Proof } from "./proof.ts";
import type { PlannedStack } from "./recorded.ts";

/** Everything that is proven about what the programs of a plan would register. Pure. */
export function provePlan(stacks: readonly PlannedStack[]): { proofs: Proof[]; findings: Finding[] } {
  void stacks;
  return { proofs: [], findings: [] };
}
