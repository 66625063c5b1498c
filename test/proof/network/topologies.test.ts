import fc from "fast-check";
import { expect, it } from "vitest";
import { provePlan } from "../../../proof/prove-plan.ts";
import { recordStacks } from "../../support/recorded.ts";
import { topologies } from "../../support/topologies.ts";

it("everything holds of every valid set of stack files, once its programs ran", async () => {
  await fc.assert(
    fc.asyncProperty(topologies, async ({ files, text }) => {
      const { proofs, findings } = await provePlan(await recordStacks(files));
      const failed = proofs.filter(({ holds }) => !holds);
      const errors = findings.filter(({ severity }) => severity === "error");
      expect({ failed, errors, text }).toEqual({ failed: [], errors: [], text });
    }),
    { numRuns: Number(process.env.RUNS ?? 12), seed: Number(process.env.SEED ?? 5) },
  );
}, 600_000);
