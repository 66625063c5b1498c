import { isDeepStrictEqual } from "node:util";
import { isRecord, list, record } from "../../components/config/untyped.ts";
import { records, shown, text } from "./objects.ts";

type Labels = Readonly<Record<string, unknown>>;

/** Whether a Kubernetes label selector matches; an empty one matches everything. */
export function matches(selector: unknown, labels: Labels): boolean {
  const { matchLabels, matchExpressions } = record(selector);
  return (
    Object.entries(record(matchLabels)).every(([key, value]) => labels[key] === value) &&
    records(matchExpressions).every(({ item: { key, operator, values } }) => {
      const value = labels[text(key)];
      switch (operator) {
        case "In":
          return value !== undefined && list(values).includes(value);
        case "NotIn":
          return value === undefined || !list(values).includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          return false;
      }
    })
  );
}

/** Whether it has no condition: absent or empty. */
export function selectsAll(selector: unknown): boolean {
  const { matchLabels, matchExpressions } = record(selector);
  return Object.keys(record(matchLabels)).length === 0 && list(matchExpressions).length === 0;
}

/** Whether every object that one selects is selected by the other as well, as far as their form shows it. */
export function nested(one: unknown, other: unknown): boolean {
  if (selectsAll(one) || selectsAll(other) || isDeepStrictEqual(one, other)) return true;
  return within(one, other) || within(other, one);
}

function within(wide: unknown, narrow: unknown): boolean {
  const conditions = Object.entries(record(record(narrow).matchLabels));
  return (
    list(record(wide).matchExpressions).length === 0 &&
    list(record(narrow).matchExpressions).length === 0 &&
    Object.entries(record(record(wide).matchLabels)).every((wanted) =>
      conditions.some((condition) => isDeepStrictEqual(condition, wanted)),
    )
  );
}

/** A selector as a message shows it. */
export function describeSelector(selector: unknown): string {
  const { matchLabels, matchExpressions } = record(selector);
  const labels = Object.entries(record(matchLabels)).map(([key, value]) => `${key}=${shown(value)}`);
  const expressions = records(matchExpressions).map(({ item }) =>
    `${text(item.key)} ${text(item.operator)} ${list(item.values).join("|")}`.trimEnd(),
  );
  return [...labels, ...expressions].join(", ") || "everything";
}

/** Where selectors lie in an object: every mapping that has matchLabels or matchExpressions. */
export function selectorsIn(
  value: unknown,
  path: readonly (string | number)[] = [],
): { readonly path: readonly (string | number)[]; readonly selector: Labels }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => selectorsIn(item, [...path, index]));
  if (!isRecord(value)) return [];
  if ("matchLabels" in value || "matchExpressions" in value) return [{ path, selector: value }];
  return Object.entries(value).flatMap(([key, child]) => selectorsIn(child, [...path, key]));
}

/** A label key: a name of up to 63 characters, with a DNS name and a slash before it if wanted. */
const labelKey = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** What is wrong with a selector beyond its schema, and what to write. */
export function selectorProblems(
  selector: Labels,
): { readonly path: readonly (string | number)[]; readonly message: string; readonly fix: string }[] {
  const keys = Object.keys(record(selector.matchLabels))
    .filter((key) => !labelKey.test(key.replace(/^(k8s|any|reserved|container|cni|mesos):/, "")))
    .map((key) => ({
      path: ["matchLabels", key],
      message: `"${key}" is no label key.`,
      fix: "Write a name such as app, or with a domain before it: example.kr/app.",
    }));
  const expressions = records(selector.matchExpressions).flatMap(({ at, item: { operator, values, key } }) => {
    const path = ["matchExpressions", at];
    const wantsValues = operator === "In" || operator === "NotIn";
    if (wantsValues && list(values).length === 0) {
      return [
        {
          path,
          message: `${text(key)} ${operator} has no values, which makes the whole selector invalid.`,
          fix: "List the values, or use Exists or DoesNotExist.",
        },
      ];
    }
    return (operator === "Exists" || operator === "DoesNotExist") && list(values).length > 0
      ? [
          {
            path,
            message: `${text(key)} ${operator} has values, which makes the whole selector invalid.`,
            fix: `Take out values, or write ${operator === "Exists" ? "In" : "NotIn"}.`,
          },
        ]
      : [];
  });
  return [...keys, ...expressions];
}
