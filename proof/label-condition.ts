/** One condition of a label selector on the value of its key, with an operator that was checked. */
export interface LabelCondition {
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values: readonly string[];
}

/** @param value  Of the key; `undefined` where there is no such label. */
export function meets({ operator, values }: LabelCondition, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
