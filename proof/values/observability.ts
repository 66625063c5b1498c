import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import { onValues, type Settings, wrong, wrongIf } from "./settings.ts";

const list = "hubble.metrics.enabled";

/** Hubble's metrics (`pkg/hubble/metrics`) and, where they differ, the minors that have them. */
const metrics: Readonly<Record<string, { first?: string; last?: string }>> = {
  dns: {},
  drop: {},
  flow: {},
  "flows-to-world": {},
  http: {},
  httpV2: {},
  icmp: {},
  kafka: { last: "1.19" },
  policy: {},
  "port-distribution": {},
  sctp: { first: "1.20" },
  tcp: {},
};

/** What a metric may name its source and destination by (`pkg/hubble/metrics/api/context.go`). */
const contexts = [
  "app",
  "dns",
  "identity",
  "ip",
  "namespace",
  "pod",
  "pod-name",
  "reserved-identity",
  "workload",
  "workload-name",
];
const sides = ["source", "destination"];
const labels = [
  ...sides.flatMap((side) =>
    ["app", "ip", "namespace", "pod", "workload", "workload_kind"].map((end) => `${side}_${end}`),
  ),
  "traffic_direction",
];
const isContext = (option: string) => /^(source|destination)(egress|ingress)?context$/i.test(option);

/** `httpV2:labelsContext=a,b;sourceContext=c|d`. */
interface Metric {
  readonly at: number;
  readonly name: string;
  readonly options: readonly { name: string; values: readonly string[] }[];
}

function enabledMetrics(settings: Settings): Metric[] {
  const given = settings.given(list);
  if (!Array.isArray(given) || !settings.on("hubble.enabled")) return [];
  return given.flatMap((entry: unknown, at) => {
    if (typeof entry !== "string") return [];
    const [name = "", ...rest] = entry.split(":");
    const options = rest
      .join(":")
      .split(";")
      .filter((option) => option !== "")
      .map((option) => {
        const [key = "", value = ""] = option.split("=");
        return { name: key, values: value.split(/[|,]/).filter((part) => part !== "") };
      });
    return [{ at, name: name.trim(), options }];
  });
}

const place = (at: number) => [...list.split("."), at];

function metricProblems(settings: Settings): Violation[] {
  const given = settings.given(list);
  const written = Array.isArray(given) && settings.on("hubble.enabled") ? given : [];
  const all = enabledMetrics(settings);
  return [
    ...written.flatMap((entry: unknown, at) =>
      typeof entry === "string"
        ? []
        : [
            wrong(
              place(at),
              `${JSON.stringify(entry)} in ${list} is no text; YAML makes a mapping of "name: option" with a space.`,
              isRecord(entry)
                ? `Write "${Object.entries(entry)
                    .map(([key, value]) => `${key}:${String(value)}`)
                    .join("")}".`
                : "Write a metric's name.",
            ),
          ],
    ),
    ...all.flatMap(({ at, name, options }) => {
      const known = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
      const here = Object.entries(metrics).flatMap(([other, { first, last }]) =>
        settings.within(first, last) ? [other] : [],
      );
      if (known === undefined || !settings.within(known.first, known.last)) {
        const near = closest(name, here, 3);
        const age =
          known === undefined
            ? ""
            : known.last
              ? `; ${known.last} was the last to have it`
              : `; it came with ${known.first ?? ""}`;
        return [
          wrong(
            place(at),
            `${JSON.stringify(name)} in ${list} is no metric of Hubble, which skips it${age}.`,
            near === undefined ? `Write one of ${here.join(", ")}.` : `Write ${near}.`,
          ),
        ];
      }
      return options.flatMap((option) => optionProblems(at, name, option));
    }),
    ...wrongIf(
      all.some(({ name }) => name === "http") && all.some(({ name }) => name === "httpV2"),
      list,
      `${list} has both http and httpV2, and the agent refuses the two together.`,
      "Keep httpV2.",
    ),
  ];
}

function optionProblems(
  at: number,
  metric: string,
  { name, values }: { name: string; values: readonly string[] },
): Violation[] {
  const legal = isContext(name) ? contexts : name.toLowerCase() === "labelscontext" ? labels : undefined;
  return values
    .filter(
      (value) =>
        legal !== undefined && !legal.includes(value) && !(isContext(name) && legal.includes(value.toLowerCase())),
    )
    .map((value) =>
      wrong(
        place(at),
        `${metric}: ${JSON.stringify(value)} is no value of ${name}, and the agent refuses the list.`,
        `Write ${closest(value, legal ?? [], 4) ?? `one of ${(legal ?? []).join(", ")}`}.`,
      ),
    );
}

/** Filters of flow exports are JSON objects, each in a text of its own. */
function exportFilters(settings: Settings): Violation[] {
  if (!settings.on("hubble.export.static.enabled")) return [];
  return ["allowList", "denyList"].flatMap((key) => {
    const path = `hubble.export.static.${key}`;
    const given = settings.given(path);
    return (Array.isArray(given) ? given : []).flatMap((entry: unknown, at) =>
      typeof entry === "string" && isJsonObject(entry)
        ? []
        : [
            wrong(
              [...path.split("."), at],
              `${path}: ${JSON.stringify(entry)} is no flow filter in JSON.`,
              `Write text such as '{"verdict":["DROPPED","ERROR"]}'.`,
            ),
          ],
    );
  });
}

function isJsonObject(text: string): boolean {
  try {
    return isRecord(JSON.parse(text));
  } catch {
    return false;
  }
}

export const observabilityRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1180",
    severity: "error",
    title: "Hubble knows the metrics that it is to make.",
    korean: "hubble.metrics.enabled에는 Hubble이 아는 메트릭과 옵션만 써야 합니다.",
    reason:
      "Hubble skips an unknown metric with a line in the log, and refuses unknown contexts and http beside httpV2 (pkg/hubble/metrics/api/registry.go, context.go).",
    check: onValues(metricProblems),
  },
  {
    code: "GB-1181",
    severity: "warning",
    title: "Hubble's metrics do not grow with the number of pods.",
    korean: "pod나 ip를 메트릭 레이블로 쓰면 시계열이 급격히 늘어납니다.",
    reason:
      "Each pod or address becomes a time series of its own (Documentation/observability/metrics.rst, context options).",
    check: onValues((settings) =>
      enabledMetrics(settings).flatMap(({ at, name, options }) =>
        options
          .filter(
            (option) =>
              isContext(option.name) && option.values[0] !== undefined && ["pod", "ip"].includes(option.values[0]),
          )
          .map((option) =>
            wrong(
              place(at),
              `${name} has ${option.name}=${option.values.join("|")}: one time series for each ${option.values[0] ?? ""}.`,
              `Write ${option.name}=workload or namespace, unless your Prometheus is sized for it.`,
            ),
          ),
      ),
    ),
  },
  {
    code: "GB-1182",
    severity: "warning",
    title: "HTTP metrics are those of httpV2.",
    korean: "http 메트릭은 사용 중단되었으므로 httpV2를 써야 합니다.",
    reason: "Deprecated in Documentation/observability/metrics.rst.",
    check: onValues((settings) => {
      const all = enabledMetrics(settings);
      return all.some(({ name }) => name === "httpV2")
        ? []
        : all
            .filter(({ name }) => name === "http")
            .map(({ at }) => wrong(place(at), `http in ${list} is deprecated.`, "Write httpV2."));
    }),
  },
  {
    code: "GB-1183",
    severity: "warning",
    title: "Exemplars are asked for in OpenMetrics.",
    korean: "httpV2의 exemplars에는 enableOpenMetrics: true가 필요합니다.",
    reason: "The plain Prometheus format has no exemplars (Documentation/observability/metrics.rst, httpV2).",
    check: onValues((settings) =>
      enabledMetrics(settings)
        .filter(({ options }) => options.some(({ name, values }) => name === "exemplars" && values[0] === "true"))
        .filter(() => !settings.on("hubble.metrics.enableOpenMetrics"))
        .map(({ at, name }) =>
          wrong(
            place(at),
            `${name} has exemplars=true, which nobody sees without hubble.metrics.enableOpenMetrics.`,
            "Write hubble.metrics.enableOpenMetrics: true.",
          ),
        ),
    ),
  },
  {
    code: "GB-1184",
    severity: "warning",
    title: "Exported flows lie on a disk that outlives a reboot.",
    korean: "Hubble 내보내기 파일은 재부팅 후에도 남는 디스크에 두어야 합니다.",
    reason:
      "/var/run and /run are tmpfs on most distributions; a static export keeps about 60 MB per node (values.yaml, hubble.export.static).",
    check: onValues((settings) => {
      const file = settings.text("hubble.export.static.filePath");
      return wrongIf(
        settings.on("hubble.export.static.enabled") && /^\/(var\/)?run\//.test(file),
        settings.given("hubble.export.static.filePath") === undefined
          ? "hubble.export.static.enabled"
          : "hubble.export.static.filePath",
        `Flows are written to ${file}, which most systems keep in memory and lose at a reboot.`,
        "Write hubble.export.static.filePath: /var/log/cilium/hubble/events.log with a matching mount, or have a log agent ship the file at once.",
      );
    }),
  },
  {
    code: "GB-1185",
    severity: "error",
    title: "Filters of the flow export are JSON.",
    korean: "Hubble 내보내기 필터는 JSON 문자열이어야 합니다.",
    reason: "The agent parses each as a FlowFilter and refuses others (pkg/hubble/exporter).",
    check: onValues(exportFilters),
  },
  {
    code: "GB-1186",
    severity: "error",
    title: "The agent's metrics are added and taken away by a sign.",
    korean: "prometheus.metrics의 각 항목은 + 또는 -로 시작해야 합니다.",
    reason: "An entry without + or - changes nothing (values.yaml, prometheus.metrics).",
    check: onValues((settings) => {
      const given = settings.given("prometheus.metrics");
      if (!Array.isArray(given) || !settings.on("prometheus.enabled")) return [];
      return given.flatMap((entry: unknown, at) => {
        const text = String(entry);
        if (typeof entry === "string" && /^[+-][a-z_][a-z0-9_]*$/.test(entry)) return [];
        const several = typeof entry === "string" && /[\s,]/.test(entry.trim());
        return [
          wrong(
            ["prometheus", "metrics", at],
            `${JSON.stringify(entry)} in prometheus.metrics is ${several ? "more than one metric" : "no metric with its sign"}.`,
            several ? "Write each metric as an entry of its own." : `Write "+${text.replace(/^[^a-z]+/, "")}".`,
          ),
        ];
      });
    }),
  },
  {
    code: "GB-1187",
    severity: "warning",
    title: "An audit log is exported, not monitored.",
    korean: "monitor.enabled는 감사 로그가 아니라 표준 출력에 찍는 사이드카입니다. hubble.export를 써야 합니다.",
    reason:
      "It adds a container that prints BPF events to its standard output (templates/cilium-agent/daemonset.yaml).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("monitor.enabled"),
        "monitor.enabled",
        "monitor.enabled adds a container that prints BPF events; nothing keeps them.",
        "Write hubble.export.static.enabled: true for records of flows, and remove monitor.",
      ),
    ),
  },
  {
    code: "GB-1188",
    severity: "warning",
    title: "Redaction is switched on where it is described.",
    korean: "hubble.redact 설정은 enabled: true가 있어야 동작합니다.",
    reason:
      "Without hubble.redact.enabled the chart writes none of it (templates/cilium-configmap.yaml), and flows keep what should be hidden.",
    check: onValues((settings) => {
      const set = [
        "hubble.redact.http.urlQuery",
        "hubble.redact.http.headers.allow",
        "hubble.redact.http.headers.deny",
        "hubble.redact.kafka.apiKey",
      ].find((path) => settings.given(path) && settings.on(path));
      return set !== undefined && settings.given("hubble.redact.enabled") === undefined
        ? [
            wrong(
              set,
              `${set} is set without hubble.redact.enabled: nothing is redacted.`,
              "Write hubble.redact.enabled: true.",
            ),
          ]
        : [];
    }),
  },
];
