import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord } from "../../components/config/untyped.ts";
import { metricProblem, namesIn } from "../documents/metrics.ts";
import type { Rule, Violation } from "../rule.ts";

/** Prometheus rule groups, from a rules file or a PrometheusRule. */
export interface AlertsSubject {
  /** Exact version of the Cilium whose metrics they read. */
  readonly cilium: string;
  /** A violation's path starts with `groups`. */
  readonly groups: readonly unknown[];
}

interface AlertRule {
  readonly path: readonly (string | number)[];
  readonly rule: Readonly<Record<string, unknown>>;
  /** Empty where there is none. */
  readonly expr: string;
}

function alertRulesOf({ groups }: AlertsSubject): AlertRule[] {
  return groups.flatMap((group, at) => {
    const rules: readonly unknown[] = isRecord(group) && Array.isArray(group.rules) ? group.rules : [];
    return rules.flatMap((rule, index) =>
      isRecord(rule)
        ? [{ path: ["groups", at, "rules", index], rule, expr: typeof rule.expr === "string" ? rule.expr : "" }]
        : [],
    );
  });
}

/** Only rules about Cilium or Hubble are our business. */
const ours = (subject: AlertsSubject) => alertRulesOf(subject).filter(({ expr }) => namesIn(expr).length > 0);

/** Prometheus' durations: units from years to milliseconds, each at most once and falling. */
const duration = /^(?:0|(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?)$/;

/** Verdicts of `hubble_*` metrics (api/v1/flow/flow.proto). */
const verdicts = ["FORWARDED", "DROPPED", "AUDIT", "REDIRECTED", "ERROR", "TRACED", "TRANSLATED"];
/** Values of the label `rule` of `cilium_policy_l7_total` (pkg/metrics). */
const l7Results = ["received", "forwarded", "denied", "parse_errors"];

/** Label values in `metric{label="value"}`; patterns are left alone. */
function labelValues(expr: string, metric: RegExp, label: string): string[] {
  return [...expr.matchAll(/\b([a-z_:][\w:]*)\{([^{}]*)\}/g)].flatMap(([, name = "", matchers = ""]) =>
    metric.test(name)
      ? [...matchers.matchAll(/(\w+)\s*=\s*"([^"]*)"/g)].flatMap(([, key, value = ""]) =>
          key === label ? [value] : [],
        )
      : [],
  );
}

function wrongLabels(subject: AlertsSubject, metric: RegExp, label: string, allowed: readonly string[]): Violation[] {
  return ours(subject).flatMap(({ expr, path }) =>
    labelValues(expr, metric, label)
      .filter((value) => !allowed.includes(value))
      .map((value) => {
        const near = closest(value, allowed, 3);
        return {
          path: [...path, "expr"],
          message: `No series has ${label}="${value}", so this never fires.`,
          fix: near === undefined ? `Write one of ${allowed.join(", ")}.` : `Did you mean "${near}"?`,
        };
      }),
  );
}

export const alertRules: readonly Rule<AlertsSubject>[] = [
  {
    code: "GB-1601",
    severity: "warning",
    title: "Alerts read metrics that this Cilium exports.",
    korean: "알림 규칙은 해당 Cilium 버전이 실제로 내보내는 메트릭을 사용해야 합니다.",
    reason: "An expression over an absent metric is empty and never fires (Documentation/observability/metrics.rst).",
    check: (subject) => {
      const own = new Set(
        alertRulesOf(subject).flatMap(({ rule }) => (typeof rule.record === "string" ? [rule.record] : [])),
      );
      return ours(subject).flatMap(({ expr, path }) =>
        namesIn(expr)
          .filter((name) => !own.has(name))
          .flatMap((name) => {
            const problem = metricProblem(name, subject.cilium);
            return problem ? [{ path: [...path, "expr"], ...problem }] : [];
          }),
      );
    },
  },
  {
    code: "GB-1602",
    severity: "error",
    title: "Durations are Prometheus durations.",
    korean: "for와 interval은 Prometheus 기간 형식이어야 합니다.",
    reason: "Prometheus refuses the whole file (prometheus.io/docs, alerting rules).",
    check: (subject) =>
      ours(subject).flatMap(({ rule, path }) =>
        ["for", "keep_firing_for"].flatMap((field) => {
          const value = rule[field];
          if (
            value === undefined ||
            value === null ||
            value === "" ||
            (typeof value === "string" && duration.test(value))
          )
            return [];
          return [
            {
              path: [...path, field],
              message: `${field} is ${JSON.stringify(value)}, which is no duration.`,
              fix: "Write a number with its unit, e.g. 5m or 1h30m.",
            },
          ];
        }),
      ),
  },
  {
    code: "GB-1603",
    severity: "error",
    title: "A rule has an expression and one name.",
    korean: "규칙에는 expr와, alert 또는 record 중 하나가 있어야 합니다.",
    reason: "Prometheus refuses a file with such a rule (prometheus.io/docs, alerting and recording rules).",
    check: (subject) =>
      ours(subject).flatMap(({ rule, path }): Violation[] => {
        const named = ["alert", "record"].filter((field) => typeof rule[field] === "string");
        if (named.length === 1) return [];
        const message =
          named.length === 0 ? "The rule has neither alert nor record." : "The rule has both alert and record.";
        return [{ path, message, fix: "Keep exactly one of the two." }];
      }),
  },
  {
    code: "GB-1604",
    severity: "error",
    title: "Verdicts are those that Hubble writes.",
    korean: "verdict 레이블은 Hubble이 기록하는 값이어야 합니다.",
    reason: "There is FORWARDED and DROPPED, no ALLOWED or DENIED (api/v1/flow/flow.proto, Verdict).",
    check: (subject) => wrongLabels(subject, /^hubble_/, "verdict", verdicts),
  },
  {
    code: "GB-1605",
    severity: "error",
    title: "Results of L7 policy are those that Cilium counts.",
    korean: "cilium_policy_l7_total의 rule 레이블은 Cilium이 세는 값이어야 합니다.",
    reason: "The label is received, forwarded, denied or parse_errors (Documentation/observability/metrics.rst).",
    check: (subject) => wrongLabels(subject, /^cilium_policy_l7_total$/, "rule", l7Results),
  },
  {
    code: "GB-1606",
    severity: "warning",
    title: "Drops that page somebody are told apart by reason.",
    korean: "드롭 알림은 사유(reason)를 구분해야 합니다.",
    reason:
      "cilium_drop_count_total also counts harmless reasons, such as stale or unsupported packets (Documentation/observability/metrics.rst).",
    check: (subject) =>
      ours(subject).flatMap(({ expr, path, rule }) => {
        const severity = isRecord(rule.labels) ? rule.labels.severity : undefined;
        const bare = /\bcilium_drop_count_total\s*(?:\[|\{\s*\})/.test(expr);
        return severity === "critical" && bare && !/\bby\s*\([^)]*reason/.test(expr)
          ? [
              {
                path: [...path, "expr"],
                message: "It pages for drops of any reason, harmless ones too.",
                fix: 'Select them: cilium_drop_count_total{reason="Policy denied"}, or group by (reason).',
              },
            ]
          : [];
      }),
  },
  {
    code: "GB-1607",
    severity: "warning",
    title: "Counters are read by their increase.",
    korean: "카운터는 rate나 increase로 읽어야 합니다.",
    reason:
      "A total since the agent's start passes any threshold one day and stays there (prometheus.io/docs, querying functions).",
    check: (subject) =>
      ours(subject).flatMap(({ expr, path, rule }) => {
        const bare =
          /^\s*(?:sum\s*\()?\s*((?:cilium|hubble)_\w+_total)\s*(?:\{[^{}]*\})?\s*\)?\s*(?:>=?)\s*[\d.e+]+\s*$/.exec(
            expr,
          );
        const threshold = /([\d.e+]+)\s*$/.exec(expr)?.[1];
        return typeof rule.alert === "string" && bare && Number(threshold) > 0
          ? [
              {
                path: [...path, "expr"],
                message: `${bare[1]} only grows, so the alert fires once and for ever.`,
                fix: `Write increase(${bare[1]}[5m]) or rate(...) before the comparison.`,
              },
            ]
          : [];
      }),
  },
];
