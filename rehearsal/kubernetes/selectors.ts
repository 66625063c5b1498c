import type { JsonObject } from "../world.ts";
import { list, record, text, texts } from "./cluster.ts";

/** A Kubernetes label selector; an empty one selects everything. */
export function selects(selector: JsonObject, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(texts(selector.matchLabels)).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    list(selector.matchExpressions)
      .map(record)
      .every((expression) => holds(expression, labels))
  );
}

function holds(expression: JsonObject, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[text(expression.key)];
  const values = list(expression.values).map(text);
  switch (text(expression.operator)) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    default:
      return value === undefined;
  }
}
