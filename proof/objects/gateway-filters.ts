import { list, record } from "../../components/config/untyped.ts";
import type { Violation } from "../rule.ts";
import { flaw, type Placed, records, repeated, shown, text } from "./objects.ts";

type Item = Readonly<Record<string, unknown>>;
type Steps = readonly (string | number)[];

/** The field that holds each filter's settings. */
const settings: Readonly<Record<string, string>> = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
  ExternalAuth: "externalAuth",
};

function filterProblems(placed: Placed, filters: unknown, path: Steps): Violation[] {
  const all = records(filters);
  const has = (type: string) => all.some(({ item }) => item.type === type);
  return [
    ...all.flatMap(({ at, item }) => {
      const type = text(item.type);
      const wanted = settings[type];
      const here = [...path, "filters", at];
      if (wanted === undefined) return [];
      const others = Object.values(settings).filter((field) => field !== wanted && item[field] !== undefined);
      return [
        ...(item[wanted] === undefined
          ? [flaw(placed, here, `A filter of type ${type} has no ${wanted}.`, `Write ${wanted}.`)]
          : []),
        ...others.map((field) =>
          flaw(placed, [...here, field], `A filter of type ${type} has ${field}.`, "Write one filter for each type."),
        ),
        ...["requestRedirect", "urlRewrite"].flatMap((field) => {
          const { type: kind, replaceFullPath, replacePrefixMatch } = record(record(item[field]).path);
          const value = kind === "ReplaceFullPath" ? replaceFullPath : replacePrefixMatch;
          return kind !== undefined && value === undefined
            ? [
                flaw(
                  placed,
                  [...here, field, "path"],
                  `The path of type ${shown(kind)} has no value.`,
                  `Write ${kind === "ReplaceFullPath" ? "replaceFullPath" : "replacePrefixMatch"}.`,
                ),
              ]
            : [];
        }),
      ];
    }),
    ...(has("RequestRedirect") && has("URLRewrite")
      ? [flaw(placed, [...path, "filters"], "RequestRedirect and URLRewrite stand together.", "Write one of them.")]
      : []),
    ...repeated(
      all.filter(({ item }) => item.type !== "ExtensionRef" && item.type !== "RequestMirror"),
      ({ item }) => text(item.type) || undefined,
    ).map(({ at, item }) =>
      flaw(placed, [...path, "filters", at], `Filter ${text(item.type)} occurs twice.`, "Write it once."),
    ),
  ];
}

/** Milliseconds of a Gateway API duration. */
function milliseconds(duration: unknown): number | undefined {
  const parts = [...text(duration).matchAll(/(\d+)(ms|h|m|s)/g)];
  const unit: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  return parts.length === 0
    ? undefined
    : parts.reduce((sum, [, count, of]) => sum + Number(count) * (unit[of ?? ""] ?? 0), 0);
}

/** What is wrong in one rule of a route: filters, matches, timeouts (the CEL rules of Gateway API). */
export function ruleProblems(placed: Placed, { at, item }: { readonly at: number; readonly item: Item }): Violation[] {
  const path = ["spec", "rules", at];
  const matches = records(item.matches);
  const filters = records(item.filters);
  const [request, backend] = [
    milliseconds(record(item.timeouts).request),
    milliseconds(record(item.timeouts).backendRequest),
  ];
  const prefixRewrite = filters.some(
    ({ item: filter }) =>
      record(record(filter.requestRedirect).path).type === "ReplacePrefixMatch" ||
      record(record(filter.urlRewrite).path).type === "ReplacePrefixMatch",
  );
  const prefixes = matches.filter(({ item: match }) => (record(match.path).type ?? "PathPrefix") === "PathPrefix");
  return [
    ...filterProblems(placed, item.filters, path),
    ...records(item.backendRefs).flatMap((ref) =>
      filterProblems(placed, ref.item.filters, [...path, "backendRefs", ref.at]),
    ),
    ...(filters.some(({ item: filter }) => filter.type === "RequestRedirect") && list(item.backendRefs).length > 0
      ? [
          flaw(
            placed,
            [...path, "backendRefs"],
            "A rule that redirects has backendRefs, which the API server refuses.",
            "Take the backendRefs out, or the RequestRedirect filter.",
          ),
        ]
      : []),
    ...(prefixRewrite && (matches.length !== 1 || prefixes.length !== 1)
      ? [
          flaw(
            placed,
            path,
            "ReplacePrefixMatch needs exactly one match, of type PathPrefix.",
            "Write one match of type PathPrefix, or replaceFullPath.",
          ),
        ]
      : []),
    ...matches.flatMap((match) => {
      const { type, value } = record(match.item.path);
      const exact = (type ?? "PathPrefix") !== "RegularExpression";
      const here = [...path, "matches", match.at, "path", "value"];
      const word = text(value);
      if (placed.kind !== "HTTPRoute" || !exact || word === "") return [];
      if (!word.startsWith("/")) {
        return [flaw(placed, here, `Path ${word} does not start with /.`, `Write /${word}.`)];
      }
      const bad = ["//", "/./", "/../", "%2f", "%2F", "#"].find((part) => word.includes(part));
      return bad === undefined
        ? []
        : [
            flaw(
              placed,
              here,
              `Path ${word} has ${bad} in it, which the API server refuses.`,
              `Write it without ${bad}.`,
            ),
          ];
    }),
    ...(request !== undefined && backend !== undefined && request > 0 && backend > request
      ? [
          flaw(
            placed,
            [...path, "timeouts", "backendRequest"],
            `backendRequest ${text(record(item.timeouts).backendRequest)} is longer than request ${text(record(item.timeouts).request)}.`,
            "Write a backendRequest that is not longer than request.",
          ),
        ]
      : []),
  ];
}
