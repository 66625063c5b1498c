import { closest } from "../../components/cilium/chart-keys.ts";
import { list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { field, type Item, type Steps, spelling } from "./envoy-fields.ts";
import { rateLimitRules } from "./envoy-rate-limit.ts";
import {
  builtHttpFilters,
  envoyConfigs as configs,
  filterTypes,
  httpFiltersOf,
  isTypedStruct,
  managers,
  misspeltType,
  networkFiltersOf,
  routeConfigurations,
} from "./envoy-resources.ts";
import { flaw, type Placed, records, text } from "./objects.ts";

const httpFilterType = /^type\.googleapis\.com\/envoy\.extensions\.filters\.http\.([a-z_]+)\.v3\.\w+$/;

function untyped(placed: Placed, item: Item, config: Item, path: Steps): Violation[] {
  const name = text(item.name);
  const near = misspeltType(text(config["@type"]));
  if (near !== undefined) {
    const message = `There is no type ${text(config["@type"])}; Cilium leaves the whole listener out.`;
    return [flaw(placed, [...path, spelling(item, "typed_config"), "@type"], message, `Write ${near}.`)];
  }
  if (name === "") {
    return [flaw(placed, path, "The filter has no name; Cilium drops the whole object.", "Write name.")];
  }
  if (typeof config["@type"] === "string" || field(item, "config_discovery") !== undefined) return [];
  const type = name === "envoy.filters.http.router" ? filterTypes.router : undefined;
  return [
    flaw(
      placed,
      path,
      `Filter ${name} has no typed_config with an @type; Envoy refuses the listener.`,
      type === undefined ? 'Write typed_config: {"@type": ...}.' : `Write typed_config: {"@type": ${type}}.`,
    ),
  ];
}

export const envoyFilterRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1441",
    severity: "error",
    title: "Filters are typed, and of types that Cilium's Envoy has.",
    korean: "필터에는 @type이 있어야 하고 Cilium의 Envoy에 들어 있는 것이어야 합니다.",
    reason:
      "Envoy 1.22 and later refuse a filter without typed_config; Cilium's Envoy is built with part of the filters (cilium/proxy envoy_build_config/extensions_build_config.bzl), and a type that the agent does not know drops the resource.",
    check: (subject) =>
      configs(subject).flatMap((placed) => [
        ...networkFiltersOf(placed).flatMap(({ item, config, path }) => untyped(placed, item, config, path)),
        ...managers(placed).flatMap((manager) =>
          httpFiltersOf(manager).flatMap(({ item, config, path }) => {
            const type = text(config["@type"]);
            const built = httpFilterType.exec(type)?.[1];
            if (type.startsWith("type.googleapis.com/udpa.") && isTypedStruct(type)) {
              const real = text(field(config, "type_url"));
              return [
                flaw(
                  placed,
                  [...path, spelling(item, "typed_config"), "@type"],
                  `The agent does not know ${type.split("/")[1] ?? ""} and leaves the whole listener out.`,
                  real === ""
                    ? "Write the filter's own @type."
                    : `Write "@type": ${real}, and what is in value beside it.`,
                ),
              ];
            }
            if (built !== undefined && !builtHttpFilters.includes(built)) {
              const near = closest(built, builtHttpFilters, 3);
              return [
                flaw(
                  placed,
                  [...path, spelling(item, "typed_config"), "@type"],
                  `Cilium's Envoy has no HTTP filter ${built}.`,
                  near === undefined ? `It has ${builtHttpFilters.join(", ")}.` : `Did you mean ${near}?`,
                ),
              ];
            }
            return untyped(placed, item, config, path);
          }),
        ),
      ]),
  },
  {
    code: "GB-1442",
    severity: "error",
    title: "A connection manager has routes, a stat_prefix, and the router as its last filter.",
    korean: "HTTP connection manager에는 라우트와 stat_prefix가 있어야 하고 마지막 필터는 router여야 합니다.",
    reason:
      "Envoy refuses the listener otherwise (envoy http_connection_manager.proto; the last HTTP filter must be a terminal one).",
    check: (subject) =>
      configs(subject).flatMap((placed) =>
        managers(placed).flatMap((manager) => {
          const { config, item, path } = manager;
          const here = [...path, spelling(item, "typed_config")];
          const filters = httpFiltersOf(manager);
          const isRouter = (filter: (typeof filters)[number]) =>
            filter.config["@type"] === filterTypes.router || text(filter.item.name) === "envoy.filters.http.router";
          const routed = ["rds", "route_config", "scoped_routes"].some((name) => field(config, name) !== undefined);
          return [
            ...(routed
              ? []
              : [
                  flaw(
                    placed,
                    here,
                    "The connection manager has no routes.",
                    "Write rds: {route_config_name: ...}, or route_config.",
                  ),
                ]),
            ...(text(field(config, "stat_prefix")) === ""
              ? [flaw(placed, here, "stat_prefix is missing; Envoy refuses the listener.", "Write stat_prefix.")]
              : []),
            ...(filters.some(isRouter)
              ? filters
                  .filter((filter) => isRouter(filter) && !filter.last)
                  .map((filter) =>
                    flaw(
                      placed,
                      filter.path,
                      "The router is not the last filter; what stands after it is never reached, and Envoy refuses the listener.",
                      "Move envoy.filters.http.router to the end of http_filters.",
                    ),
                  )
              : [
                  flaw(
                    placed,
                    here,
                    "http_filters has no router, so no request is answered.",
                    `Write {name: envoy.filters.http.router, typed_config: {"@type": ${filterTypes.router}}} at its end.`,
                  ),
                ]),
          ];
        }),
      ),
  },
  {
    code: "GB-1444",
    severity: "error",
    title: "Routes match something, and virtual hosts have domains.",
    korean: "라우트에는 match가, virtual host에는 domains가 있어야 합니다.",
    reason: "Envoy requires both; Cilium drops the object (envoy route_components.proto, validation rules).",
    check: (subject) =>
      configs(subject).flatMap((placed) =>
        routeConfigurations(placed).flatMap(({ item, path }) => {
          const hosts = spelling(item, "virtual_hosts");
          return records(item[hosts]).flatMap((host) => {
            const here = [...path, hosts, host.at];
            return [
              ...(text(host.item.name) === ""
                ? [flaw(placed, here, "The virtual host has no name.", "Write name.")]
                : []),
              ...(list(host.item.domains).length === 0
                ? [flaw(placed, here, "The virtual host has no domains.", 'Write domains: ["*"].')]
                : []),
              ...records(host.item.routes).flatMap((route) => [
                ...(route.item.match !== undefined && !paths.some((name) => field(route.item.match, name) !== undefined)
                  ? [
                      flaw(
                        placed,
                        [...here, "routes", route.at, "match"],
                        "The match names no path; Cilium drops the whole object.",
                        'Write match: {prefix: "/"}.',
                      ),
                    ]
                  : []),
                ...(route.item.route !== undefined &&
                !targets.some((name) => field(route.item.route, name) !== undefined)
                  ? [
                      flaw(
                        placed,
                        [...here, "routes", route.at, "route"],
                        "The route names no cluster; Cilium drops the whole object.",
                        "Write cluster: namespace/name of a Cluster.",
                      ),
                    ]
                  : []),
                ...(route.item.match === undefined
                  ? [
                      flaw(
                        placed,
                        [...here, "routes", route.at],
                        "The route has no match.",
                        'Write match: {prefix: "/"}.',
                      ),
                    ]
                  : []),
                ...(["route", "redirect", "direct_response", "filter_action", "non_forwarding_action"].some(
                  (action) => field(route.item, action) !== undefined,
                )
                  ? []
                  : [
                      flaw(
                        placed,
                        [...here, "routes", route.at],
                        "The route does nothing with what it matches.",
                        "Write route, redirect or direct_response.",
                      ),
                    ]),
              ]),
            ];
          });
        }),
      ),
  },
  ...rateLimitRules,
];

/** Ways to match a path, and to name a cluster, of which each route needs one. */
const paths = ["prefix", "path", "safe_regex", "connect_matcher", "path_separated_prefix", "path_match_policy"];
const targets = [
  "cluster",
  "cluster_header",
  "weighted_clusters",
  "cluster_specifier_plugin",
  "inline_cluster_specifier_plugin",
];
