import { namespaceLabel, type Selector } from "./pods.ts";

/** Namespaces as an expression; without one, all of them. */
export interface Scope {
  readonly operator: "In" | "NotIn";
  readonly values: readonly string[];
}

/** Pods of a namespace that carry all of these labels; keys have their source in front: `k8s:app`. */
export interface Excluded {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Expression = NonNullable<Selector["matchExpressions"]>[number];

/**
 * Selectors whose union is every pod of the scope but the excluded ones. One selector can say "not in this namespace" or "not with this
 * label" but not "not both", so a namespace with exclusions gets a selector for each label that tells a pod from them.
 */
export function allExcept(scope: Scope | undefined, excluded: readonly Excluded[]): Selector[] {
  const inScope = (namespace: string) =>
    scope === undefined || scope.values.includes(namespace) === (scope.operator === "In");
  const namespaces = [...new Set(excluded.map(({ namespace }) => namespace))].filter(inScope).toSorted();
  return [
    ...elsewhere(scope, namespaces),
    ...namespaces.flatMap((namespace) =>
      distinctions(excluded.filter((each) => each.namespace === namespace).map(({ labels }) => labels)).map(
        (expressions) => ({
          matchExpressions: [{ key: namespaceLabel, operator: "In" as const, values: [namespace] }, ...expressions],
        }),
      ),
    ),
  ];
}

/** The scope without these namespaces. */
function elsewhere(scope: Scope | undefined, namespaces: readonly string[]): Selector[] {
  if (scope?.operator === "In") {
    const left = scope.values.filter((name) => !namespaces.includes(name)).toSorted();
    return left.length === 0 ? [] : [{ matchExpressions: [{ key: namespaceLabel, operator: "In", values: left }] }];
  }
  const outside = [...new Set([...(scope?.values ?? []), ...namespaces])].toSorted();
  const notThere: Expression[] =
    outside.length === 0 ? [] : [{ key: namespaceLabel, operator: "NotIn", values: outside }];
  return [{ matchExpressions: [{ key: namespaceLabel, operator: "Exists" }, ...notThere] }];
}

/** Every way to differ from all of these in one label each; none where one of them has no labels, which is every pod. */
function distinctions(excluded: readonly Readonly<Record<string, string>>[]): Expression[][] {
  const choices = excluded.reduce<[string, string][][]>(
    (ways, labels) => ways.flatMap((way) => Object.entries(labels).map((label) => [...way, label])),
    [[]],
  );
  const distinct = new Map(
    choices.map((choice) => {
      const expressions = [...new Set(choice.map(([key]) => key))].toSorted().map((key): Expression => {
        const values = choice.filter(([other]) => other === key).map(([, value]) => value);
        return { key, operator: "NotIn", values: [...new Set(values)].toSorted() };
      });
      return [JSON.stringify(expressions), expressions];
    }),
  );
  return [...distinct.values()];
}
