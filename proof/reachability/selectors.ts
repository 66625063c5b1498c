import { list, record } from "../../components/config/untyped.ts";
import type { Requirement } from "./entry.ts";
import { splitKey, valueProblem } from "./labels.ts";
import type { Refusals } from "./refusals.ts";

/** A label selector as it is written, with the source of each key; `matchLabels` can still be overridden. */
export interface Conditions {
  /** By `source:key`. */
  readonly labels: Map<string, string>;
  readonly expressions: Requirement[];
}

/** Reads a selector whose shape the API server has checked; a key without a source gets `source`. */
export function conditionsOf(selector: unknown, source: string): Conditions {
  const { matchLabels, matchExpressions } = record(selector);
  const encoded = (key: string) => {
    const parts = splitKey(key, source);
    return `${parts.source}:${parts.key}`;
  };
  return {
    labels: new Map(Object.entries(record(matchLabels)).map(([key, value]) => [encoded(key), String(value)])),
    expressions: list(matchExpressions).flatMap((expression) => {
      const { key, operator, values } = record(expression);
      return typeof key === "string" && isOperator(operator)
        ? [{ ...splitKey(key, source), operator, values: list(values).map(String) }]
        : [];
    }),
  };
}

/** The conditions as a list, all of which must hold. */
export function requirementsOf({ labels, expressions }: Conditions): Requirement[] {
  const equal = [...labels].map(
    ([key, value]): Requirement => ({ ...splitKey(key, "any"), operator: "In", values: [value] }),
  );
  return [...equal, ...expressions];
}

/** Whether a policy's subjects are, by the label it asks for, pods that have no labels yet. */
export function selectsInit(subject: unknown): boolean {
  return mentions(conditionsOf(subject, "any"), ({ source, key }) => source === "reserved" && key === "init");
}

/** Whether any condition is about a key that passes the test. */
export function mentions(
  { labels, expressions }: Conditions,
  test: (key: { readonly source: string; readonly key: string }) => boolean,
): boolean {
  return expressions.some(test) || [...labels.keys()].some((key) => test(splitKey(key, "any")));
}

function isOperator(value: unknown): value is Requirement["operator"] {
  return value === "In" || value === "NotIn" || value === "Exists" || value === "DoesNotExist";
}

/**
 * What Cilium's agent, or Kubernetes' API server, refuses in a selector.
 *
 * @param keyProblem  Which of them it is: what it refuses in a key.
 */
export function checkSelector(
  selector: unknown,
  path: string,
  refusals: Refusals,
  keyProblem: (key: string) => string | undefined,
): void {
  const { matchLabels, matchExpressions } = record(selector);
  const checkKey = (key: string, at: string) => {
    const problem = keyProblem(key);
    if (problem !== undefined) refusals.add(at, problem, "Write a name such as app, or example.kr/app.");
  };
  const checkValue = (value: unknown, at: string) => {
    const problem = valueProblem(String(value));
    if (problem !== undefined) refusals.add(at, problem, "Write at most 63 letters, digits, -, _ and dots.");
  };
  for (const [key, value] of Object.entries(record(matchLabels))) {
    checkKey(key, `${path}.matchLabels`);
    checkValue(value, `${path}.matchLabels.${key}`);
  }
  for (const [index, expression] of list(matchExpressions).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    const { key, operator, values } = record(expression);
    const wanted = operator === "In" || operator === "NotIn";
    const count = list(values).length;
    if (wanted && count === 0) {
      refusals.add(at, `${operator} has no values`, "List the values, or write Exists or DoesNotExist.");
    } else if (!wanted && count > 0) {
      const fix = `Delete them, or write ${operator === "Exists" ? "In" : "NotIn"}.`;
      refusals.add(at, `${String(operator)} has values`, fix);
    }
    checkKey(String(key), `${at}.key`);
    for (const value of list(values)) checkValue(value, `${at}.values`);
  }
}
