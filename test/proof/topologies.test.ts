import fc from "fast-check";
import { expect, it } from "vitest";
import type { StackFile } from "../../components/config/parse.ts";
import { namedStacks } from "../../components/config/read.ts";
import { judge } from "../../proof/judge.ts";
import { proveMeshes } from "../../proof/mesh.ts";
import { topologies } from "../support/topologies.ts";

/** Every file judged with those that it names. */
function judgeAll(files: readonly StackFile[]) {
  return files.flatMap((own) => {
    const names = namedStacks(own);
    return judge({ own, others: files.filter(({ stack }) => names.includes(stack)) }, undefined);
  });
}

it("accepts every valid set of stack files, and everything holds of its meshes", () => {
  fc.assert(
    fc.property(topologies, ({ files, text }) => {
      const errors = judgeAll(files).filter(({ severity }) => severity === "error");
      const sites = files.flatMap((file) => (file.kind === "site" ? [file.spec] : []));
      const failed = proveMeshes(sites).filter(({ holds }) => !holds);
      expect({ errors, failed, text }).toEqual({ errors: [], failed: [], text });
    }),
    { numRuns: Number(process.env.RUNS ?? 40), seed: 4 },
  );
});

it("never throws, whatever stands below cilium.values", () => {
  const keys = [
    "clustermesh",
    "config",
    "clusters",
    "tls",
    "ca",
    "encryption",
    "strictMode",
    "egress",
    "cluster",
    "MTU",
    "ipam",
  ];
  const tree = fc.object({ key: fc.constantFrom(...keys), maxDepth: 4, withNullPrototype: false });
  const plan = fc.sample(topologies, { numRuns: 30, seed: 4 }).find(({ files }) => files.length === 3) ?? { files: [] };
  fc.assert(
    fc.property(tree, (values) => {
      const files = plan.files.map((file): StackFile => {
        if (file.kind !== "site") return file;
        return { ...file, spec: { ...file.spec, cilium: { ...file.spec.cilium, values } } };
      });
      judgeAll(files);
      proveMeshes(files.flatMap((file) => (file.kind === "site" ? [file.spec] : [])));
    }),
    { numRuns: Number(process.env.RUNS ?? 40), seed: 4 },
  );
  expect(plan.files).toHaveLength(3);
});
