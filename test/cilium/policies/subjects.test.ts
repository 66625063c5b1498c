import fc from "fast-check";
import { expect, it } from "vitest";
import type { Selector } from "../../../components/cilium/policies/pods.ts";
import { allExcept } from "../../../components/cilium/policies/subjects.ts";

const namespaceKey = "k8s:io.kubernetes.pod.namespace";
const namespaces = ["a", "b", "c"];
const labels = fc.dictionary(fc.constantFrom("k8s:x", "k8s:y"), fc.constantFrom("1", "2"), { maxKeys: 2 });
const excluded = fc.record({ namespace: fc.constantFrom(...namespaces), labels });
const scope = fc.option(
  fc.record({
    operator: fc.constantFrom("In" as const, "NotIn" as const),
    values: fc.uniqueArray(fc.constantFrom("a", "b")),
  }),
  { nil: undefined },
);

/** Kubernetes' own semantics: NotIn holds where the key is missing. */
function selects({ matchExpressions = [] }: Selector, pod: Readonly<Record<string, string>>): boolean {
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = pod[key];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return (value !== undefined && values.includes(value)) === (operator === "In");
  });
}

it("selects every pod of the scope but the excluded ones", () => {
  fc.assert(
    fc.property(
      scope,
      fc.array(excluded, { maxLength: 4 }),
      fc.constantFrom(...namespaces),
      labels,
      (within, but, namespace, own) => {
        const inScope =
          within === undefined || within.values.some((name) => name === namespace) === (within.operator === "In");
        const left = !but.some(
          (each) =>
            each.namespace === namespace && Object.entries(each.labels).every(([key, value]) => own[key] === value),
        );
        const found = allExcept(within, but).some((each) => selects(each, { ...own, [namespaceKey]: namespace }));
        expect(found).toBe(inScope && left);
      },
    ),
    { numRuns: 2000 },
  );
});

it("selects no endpoint of Cilium's own", () => {
  fc.assert(
    fc.property(scope, fc.array(excluded, { maxLength: 4 }), (within, but) => {
      expect(allExcept(within, but).some((each) => selects(each, { "reserved:health": "" }))).toBe(false);
    }),
  );
});
