import { closest } from "../../components/cilium/chart-keys.ts";
import data from "./data/metric-names.json" with { type: "json" };

/**
 * Names of metrics that Cilium and Hubble export, per minor: those of `Documentation/observability/metrics.rst`, of the dashboards in the
 * chart, and those that the source registers without saying so in the documentation (branches v1.18, v1.19 and v1.20 of cilium/cilium).
 */
const {
  every,
  some,
}: { readonly every: readonly string[]; readonly some: Readonly<Record<string, readonly string[]>> } = data;

/** Families with a name per feature, process or queue: not listed one by one. */
const families =
  /^cilium_(?:operator_)?(?:feature_|process_|go_|(?:k8s_)?workqueue_|rest_client_|controller_runtime_|hive_|statedb_|reconciler_)|^cilium_(?:clustermesh_apiserver|kvstoremesh)_(?:process_|go_|workqueue_)|^hubble_relay_|^cilium_operator_(?:ipam|ec2|azure|eni|alibaba)/;

/** Names that people write and that no version has, with what counts it. */
const instead: Readonly<Record<string, string>> = {
  cilium_policy_verdict_total:
    'cilium_drop_count_total{reason="Policy denied"}, or hubble_policy_verdicts_total (Hubble metric "policy")',
  cilium_drops_total: 'cilium_drop_count_total{reason="Policy denied"}',
  cilium_policy_l7_denied_total: 'cilium_policy_l7_total{rule="denied"}',
  cilium_policy_l7_parse_errors_total: 'cilium_policy_l7_total{rule="parse_errors"}',
  cilium_policy_l7_forwarded_total: 'cilium_policy_l7_total{rule="forwarded"}',
  cilium_policy_l7_received_total: 'cilium_policy_l7_total{rule="received"}',
  cilium_policy_import_errors_total: 'cilium_policy_change_total{outcome="fail"}',
  cilium_policy_count: "cilium_policy",
  cilium_endpoint_count: "cilium_endpoint",
  cilium_identity_count: "cilium_identity",
  cilium_endpoint_regenerations: "cilium_endpoint_regenerations_total",
  cilium_event_timestamp: "cilium_event_ts",
  hubble_policy_verdict_total: "hubble_policy_verdicts_total",
  hubble_flows_total: "hubble_flows_processed_total",
  hubble_drops_total: "hubble_drop_total",
};

/** Cilium and Hubble metrics in a PromQL expression; recording rules' names with a colon are somebody's own. */
export function namesIn(expr: string): string[] {
  const names = expr
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .match(/(?<![\w:])(?:cilium|hubble)_\w+(?![\w:])/g);
  // Labels may begin so too: `by (cilium_cluster)`, `{cilium_x="..."}`.
  const labels = new Set(
    [
      ...expr.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g),
      ...expr.matchAll(/\{([^{}]*)\}/g),
    ].flatMap(([, list = ""]) => list.match(/\w+/g) ?? []),
  );
  return [...new Set(names ?? [])].filter((name) => !labels.has(name));
}

/** Why a name is not a metric of this Cilium, and what to write; `undefined` for one that is. */
export function metricProblem(name: string, cilium: string): { message: string; fix: string } | undefined {
  const minor = cilium.split(".").slice(0, 2).join(".");
  const plain = name.replace(/_(?:bucket|sum|count)$/, "");
  if (families.test(name)) return undefined;
  const known = (each: string) => every.includes(each) || (Object.hasOwn(some, each) && some[each]?.includes(minor));
  if (known(name) || known(plain)) return undefined;
  const other = Object.hasOwn(some, plain) ? some[plain] : Object.hasOwn(some, name) ? some[name] : undefined;
  const replacement = Object.hasOwn(instead, name) ? instead[name] : undefined;
  const near = closest(name, [...every, ...Object.keys(some).filter(known)], Math.floor(name.length / 4));
  return {
    message: other
      ? `Cilium ${cilium} does not export ${name}; ${other.join(" and ")} do.`
      : `No metric is called ${name} in Cilium ${cilium}.`,
    fix: replacement
      ? `Write ${replacement}.`
      : near
        ? `Did you mean ${near}?`
        : "Look it up in Documentation/observability/metrics.rst of that version.",
  };
}

/** Lines that tell of a name's end rather than use it. */
const aboutChange =
  /remov|deprecat|renam|replac|instead|formerly|no longer|does not exist|제거|삭제|변경|대신|더 이상|없는|없습니다|폐기/i;

/** Metrics that a text names and that this Cilium does not export; only names that end as metrics do. */
export function metricMentions(text: string, cilium: string): { line: number; message: string; fix: string }[] {
  return text.split("\n").flatMap((line, index) => {
    if (aboutChange.test(line)) return [];
    const names = line.match(/(?<![\w:./-])(?:cilium|hubble)_[a-z0-9_]+_(?:total|seconds|bytes)(?![\w:])/g) ?? [];
    return [...new Set(names)].flatMap((name) => {
      const problem = metricProblem(name, cilium);
      return problem ? [{ line: index + 1, ...problem }] : [];
    });
  });
}
