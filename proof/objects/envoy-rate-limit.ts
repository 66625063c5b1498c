import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { field, type Item, type Steps, spelling } from "./envoy-fields.ts";
import {
  envoyConfigs as configs,
  filterTypes,
  httpFiltersOf,
  isTypedStruct,
  managers,
  routeConfigurations,
  seconds,
} from "./envoy-resources.ts";
import { flaw, type Placed, text } from "./objects.ts";

function fractionProblem(placed: Placed, config: Item, name: string, path: Steps): Violation[] {
  const setting = field(config, name);
  const preset = field(setting, "default_value");
  const numerator = record(preset).numerator;
  if (setting === undefined) {
    return [
      flaw(
        placed,
        path,
        `${name} is missing, which means 0 %: nothing is limited.`,
        `Write ${name}: {runtime_key: ${name}, default_value: {numerator: 100, denominator: HUNDRED}}.`,
      ),
    ];
  }
  return preset === undefined || numerator === 0 || numerator === undefined
    ? [
        flaw(
          placed,
          [...path, spelling(config, name)],
          `${name} has a numerator of 0, so nothing is limited.`,
          "Write default_value: {numerator: 100, denominator: HUNDRED}.",
        ),
      ]
    : [];
}

function rateLimitProblems(placed: Placed, config: Item, path: Steps): Violation[] {
  const bucket = field(config, "token_bucket");
  const here = [...path, spelling(config, "token_bucket")];
  const { status } = config;
  const filled = field(bucket, "fill_interval");
  const interval = seconds(filled);
  const most = field(bucket, "max_tokens");
  return [
    ...(text(field(config, "stat_prefix")) === ""
      ? [flaw(placed, path, "stat_prefix is missing; Envoy refuses the filter.", "Write stat_prefix: rate_limit.")]
      : []),
    ...(bucket === undefined && list(field(config, "descriptors")).length === 0
      ? [
          flaw(
            placed,
            path,
            "token_bucket is missing, so nothing is limited.",
            "Write token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 60s}.",
          ),
        ]
      : []),
    ...(bucket !== undefined && (typeof most !== "number" || most < 1)
      ? [flaw(placed, here, "max_tokens must be 1 or more; Envoy refuses the filter.", "Write max_tokens: 10.")]
      : []),
    ...(bucket !== undefined && field(bucket, "tokens_per_fill") === 0
      ? [
          flaw(
            placed,
            here,
            "tokens_per_fill must be 1 or more; Envoy refuses the filter.",
            "Write tokens_per_fill: 10.",
          ),
        ]
      : []),
    ...(bucket !== undefined && interval === undefined
      ? [
          flaw(
            placed,
            here,
            filled === undefined
              ? "fill_interval is missing."
              : `fill_interval ${text(filled)} is no duration in seconds.`,
            "Write fill_interval: 60s.",
          ),
        ]
      : []),
    ...(interval !== undefined && interval < leastFillSeconds
      ? [
          flaw(
            placed,
            [...here, spelling(bucket, "fill_interval")],
            `fill_interval ${text(filled)} is shorter than 50 ms; Envoy refuses the filter.`,
            "Write fill_interval: 0.05s or more.",
          ),
        ]
      : []),
    ...(status === undefined || record(status).code !== undefined
      ? []
      : [flaw(placed, [...path, "status"], "status has no code.", "Write status: {code: TooManyRequests}.")]),
    ...fractionProblem(placed, config, "filter_enabled", path),
    ...fractionProblem(placed, config, "filter_enforced", path),
  ];
}

/** Envoy's least fill interval, in seconds (source/extensions/filters/common/local_ratelimit). */
const leastFillSeconds = 0.05;

export const rateLimitRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1443",
    severity: "error",
    title: "A local rate limit limits something.",
    korean: "로컬 rate limit은 실제로 무언가를 제한해야 합니다.",
    reason:
      "filter_enabled and filter_enforced are 0 % unless written, and Envoy refuses an empty bucket or one that fills more often than every 50 ms (envoy local_rate_limit.proto).",
    check: (subject) =>
      configs(subject).flatMap((placed) =>
        managers(placed).flatMap((manager) =>
          httpFiltersOf(manager).flatMap(({ item, config, path }) => {
            const type = text(config["@type"]);
            const here = [...path, spelling(item, "typed_config")];
            const wrapped = isTypedStruct(type) && text(field(config, "type_url")) === filterTypes.localRateLimit;
            if (type !== filterTypes.localRateLimit && !wrapped) return [];
            // Limits may stand at each route instead.
            const inner = wrapped ? record(config.value) : config;
            return perRoute(placed) ? [] : rateLimitProblems(placed, inner, wrapped ? [...here, "value"] : here);
          }),
        ),
      ),
  },
];

function perRoute(placed: Placed): boolean {
  return routeConfigurations(placed).some(({ item }) => JSON.stringify(item).includes(filterTypes.localRateLimit));
}
