import { chartChecks } from "./chart-checks.ts";
import { EffectiveValues, isPlaceholder } from "./effective-values.ts";

/** One answer of `helm install` instead of a release. */
export interface ChartRefusal {
  /** As Helm prints it: `execution error at (cilium/templates/validate.yaml): tunnel was deprecated ...`. */
  readonly answer: string;
  /** The chart's own sentence. */
  readonly message: string;
  /** The key to change, dotted. */
  readonly path: string;
  /** What to write, as a sentence. */
  readonly fix: string;
  /** `key`: the chart no longer has the key. `cluster`: only while the cluster lacks a kind that the values ask for. */
  readonly because: "values" | "key" | "cluster";
}

/**
 * What `helm install` would answer instead of rendering this chart with these values; empty when it renders.
 *
 * @throws RangeError for a chart minor that is not indexed.
 */
export function refusals(chartVersion: string, values: unknown): ChartRefusal[] {
  const effective = new EffectiveValues(chartVersion, values);
  return chartChecks
    .filter(({ first, last, when }) => effective.within(first, last) && when(effective))
    .map(
      ({ template, message, path, fix, because }): ChartRefusal => ({
        answer: `execution error at (cilium/templates/${template}): ${message}`,
        message,
        path: typeof path === "string" ? path : path(effective),
        fix,
        because: because ?? "values",
      }),
    )
    .filter(({ path }) => !isPlaceholder(effective.given(path)));
}

/**
 * The answers alone.
 *
 * @example chartRefusals("1.20.2", { tunnel: "disabled" })[0] // "execution error at (cilium/templates/validate.yaml): tunnel was ..."
 * @throws RangeError for a chart minor that is not indexed.
 */
export function chartRefusals(chartVersion: string, values: unknown): string[] {
  return refusals(chartVersion, values).map(({ answer }) => answer);
}
