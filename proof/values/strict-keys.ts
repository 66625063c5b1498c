import { isSection, unknownValues, type ValueProblem } from "../../components/cilium/chart-keys.ts";
import { refusals } from "../../components/cilium/chart-refusals.ts";
import { isPlaceholder } from "../../components/cilium/effective-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import { wrong } from "./settings.ts";

type Kind = "unknown" | "moved" | "type";

function kind({ wrongType, since, until, movedTo }: ValueProblem): Kind {
  if (wrongType !== undefined) return "type";
  return since === undefined && until === undefined && movedTo === undefined ? "unknown" : "moved";
}

function message({ path, wrongType, since, until }: ValueProblem, cilium: string, refused: readonly string[]): string {
  if (wrongType !== undefined) return `${path}: ${wrongType}.`;
  const age =
    since === undefined ? (until === undefined ? "" : `; ${until} was the last to have it`) : `; it came with ${since}`;
  const effect = refused.some((key) => key === path || key.startsWith(`${path}.`))
    ? "the chart refuses to render with it"
    : "Helm ignores it in silence";
  return `The Cilium ${cilium} chart has no key ${path}, and ${effect}${age}.`;
}

function fix(problem: ValueProblem): string {
  const { wanted, movedTo, nearest, since } = problem;
  if (wanted !== undefined) return wanted;
  if (movedTo !== undefined) return `Use ${movedTo}.`;
  if (since !== undefined) return `Remove it, or use Cilium ${since} or later.`;
  return nearest === undefined || kind(problem) === "moved" ? "Remove it." : `Write ${nearest}, or remove it.`;
}

const problems =
  (wanted: Kind) =>
  ({ cilium, values }: ValuesSubject): Violation[] => {
    const refused = refusals(cilium, values).flatMap(({ because, path }) => (because === "key" ? [path] : []));
    return unknownValues(cilium, values)
      .filter((problem) => kind(problem) === wanted && !(wanted === "type" && isPlaceholder(at(values, problem.steps))))
      .map((problem) => ({ path: problem.steps, message: message(problem, cilium, refused), fix: fix(problem) }));
  };

function at(values: unknown, steps: readonly (string | number)[]): unknown {
  return steps.reduce<unknown>(
    (value, step) =>
      isRecord(value) ? value[step] : Array.isArray(value) ? (value[Number(step)] as unknown) : undefined,
    values,
  );
}

/** Sections that a chart of 1.18 to 1.20 renders without (tried with `helm template`); every other one it reads field by field. */
const dispensable = new Set([
  "bandwidthManager",
  "certgen",
  "configDriftDetection",
  "customCalls",
  "dnsProxy",
  "endpointRoutes",
  "hostFirewall",
  "hostServices",
  "l2NeighDiscovery",
  "nodePort",
  "socketLB",
  "vtep",
]);

/** Free maps whose values Kubernetes wants as text, by the key's last word; and lists of environment variables. */
const textMaps = /^(annotations|labels|nodeSelector|extraConfig|\w+Annotations|(?!match)\w+Labels)$/;
const environments = /^(extraEnv|env)$/;

function unquoted(cilium: string, value: unknown, steps: readonly (string | number)[] = []): Violation[] {
  if (Array.isArray(value))
    return value.flatMap((element, position) => unquoted(cilium, element, [...steps, position]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const path = [...steps, key];
    // certgen.annotations has a map for each of its objects.
    if (textMaps.test(key) && isRecord(child) && !isSection(cilium, path.join("."))) {
      return Object.entries(child).flatMap(([name, text]) => notText(text, [...path, name]));
    }
    if (environments.test(key) && Array.isArray(child)) {
      return child.flatMap((entry, position) =>
        isRecord(entry) ? notText(entry.value, [...path, position, "value"]) : [],
      );
    }
    return unquoted(cilium, child, path);
  });
}

function notText(value: unknown, path: readonly (string | number)[]): Violation[] {
  const place = path.join(".");
  if (typeof value === "boolean" || typeof value === "number") {
    return [
      wrong(
        path,
        `${place} is ${String(value)} without quotes, and Kubernetes takes text only in this place.`,
        `Write "${String(value)}" in quotes.`,
      ),
    ];
  }
  return typeof value === "object" && value !== null
    ? [wrong(path, `${place} holds more than one value, and Kubernetes takes text only in this place.`, "Write text.")]
    : [];
}

export const strictKeyRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1101",
    severity: "error",
    title: "The chart knows every key.",
    korean: "모든 키는 해당 차트 버전에 있는 키여야 합니다.",
    reason: "The chart's values.schema.json allows any further key, so Helm takes a misspelt one and it does nothing.",
    check: problems("unknown"),
  },
  {
    code: "GB-1102",
    severity: "error",
    title: "No key belongs to another version of the chart.",
    korean: "다른 버전의 차트에만 있는 키(삭제·이름 변경·아직 없음)를 쓰지 않아야 합니다.",
    reason:
      "Removed and renamed keys are ignored or stop the release (values.yaml of the charts, Documentation/operations/upgrade.rst).",
    check: problems("moved"),
  },
  {
    code: "GB-1103",
    severity: "error",
    title: "Every value has the type that the chart's schema asks for.",
    korean: "모든 값은 차트 스키마가 요구하는 형식이어야 합니다.",
    reason: "Helm checks values.schema.json before it renders and stops the release.",
    check: problems("type"),
  },
  {
    code: "GB-1104",
    severity: "error",
    title: "The chart renders with these values.",
    korean: "차트가 이 값들로 렌더링되어야 합니다.",
    reason: "templates/validate.yaml and the helpers of the chart stop the release.",
    check: ({ cilium, values }) =>
      refusals(cilium, values)
        // GB-1102 names removed keys, GB-1105 what depends on the cluster.
        .filter(({ because }) => because === "values")
        .map(({ message: words, path, fix: change }) =>
          wrong(path, `The Cilium ${cilium} chart refuses ${path}: ${words.trim().replace(/\.$/, "")}.`, change),
        ),
  },
  {
    code: "GB-1105",
    severity: "warning",
    title: "ServiceMonitors are asked for where their kind is sure to exist.",
    korean: "ServiceMonitor를 켤 때는 CRD가 있음을 trustCRDsExist로 밝혀야 합니다.",
    reason:
      "templates/validate.yaml stops the release unless the cluster serves monitoring.coreos.com/v1 or trustCRDsExist is set.",
    check: ({ cilium, values }) =>
      refusals(cilium, values)
        .filter(({ because }) => because === "cluster")
        .map(({ path, fix: change }) =>
          wrong(
            path,
            `${path} needs the ServiceMonitor kind in the cluster; where it is not there yet, the chart refuses to render.`,
            change,
          ),
        ),
  },
  {
    code: "GB-1106",
    severity: "error",
    title: "No section is empty.",
    korean: "섹션을 빈 값(null)으로 두지 않아야 합니다.",
    reason:
      "Helm takes null as: remove the section with all its defaults; the templates then stop with a nil pointer (helm.sh/docs/chart_template_guide/values_files).",
    check: ({ cilium, values }) =>
      Object.entries(values)
        .filter(([key, value]) => value === null && !dispensable.has(key) && isSection(cilium, key))
        .map(([key]) =>
          wrong(
            [key],
            `${key} is empty, which removes the chart's defaults below it; the chart then fails to render.`,
            "Remove the line, or write {} or a key below it.",
          ),
        ),
  },
  {
    code: "GB-1107",
    severity: "error",
    title: "Annotations, labels, node selectors, environment and extraConfig hold text.",
    korean: "annotation, label, nodeSelector, 환경 변수, extraConfig의 값은 문자열이어야 합니다.",
    reason:
      "The chart prints them as they are, and the API server refuses a boolean or a number in these fields (ConfigMap data, ObjectMeta, EnvVar).",
    check: ({ cilium, values }) => unquoted(cilium, values),
  },
];
