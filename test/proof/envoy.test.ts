import { describe, expect, it } from "vitest";
import { envoyRules } from "../../proof/objects/envoy.ts";
import { type Fixtures, findings, testRules } from "../support/object-rules.ts";

const types = "type.googleapis.com/envoy";
const router = `{name: envoy.filters.http.router, typed_config: {"@type": ${types}.extensions.filters.http.router.v3.Router}}`;
const limit = (body: string) =>
  `{name: envoy.filters.http.local_ratelimit, typed_config: {"@type": ${types}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, ${body}}}`;
const all = (name: string) => `${name}: {runtime_key: ${name}, default_value: {numerator: 100, denominator: HUNDRED}}`;
const bucket = "token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 60s}";
const limited = `stat_prefix: limit, ${bucket}, ${all("filter_enabled")}, ${all("filter_enforced")}`;
const rds = "rds: {route_config_name: orders}";
const manager = (filters = router, routes = rds, stat = "stat_prefix: orders") =>
  `{name: envoy.filters.network.http_connection_manager, typed_config: {"@type": ${types}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, ${stat}, ${routes}, http_filters: [${filters}]}}`;
const listener = (filter = manager(), more = "", name = "orders") =>
  `{"@type": ${types}.config.listener.v3.Listener, name: ${name}, filter_chains: [{filters: [${filter}]}]${more}}`;
const hosts = (cluster: string) =>
  `virtual_hosts: [{name: orders, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: "${cluster}"}}]}]`;
const routes = (body = hosts("shop/orders"), name = "orders") =>
  `{"@type": ${types}.config.route.v3.RouteConfiguration, name: ${name}, ${body}}`;
const cluster = (name = "shop/orders", more = "type: EDS") =>
  `{"@type": ${types}.config.cluster.v3.Cluster, name: "${name}", connect_timeout: 5s, ${more}}`;
const config = (
  resources: string,
  more = "services: [{name: orders, namespace: shop}]",
  kind = "CiliumEnvoyConfig",
) => `
apiVersion: cilium.io/v2
kind: ${kind}
metadata: {name: orders${kind === "CiliumEnvoyConfig" ? ", namespace: shop" : ""}}
spec: {${more}${more === "" ? "" : ", "}resources: [${resources}]}
---`;
const parts = (...resources: string[]) => config(resources.join(", "));
const filtered = (filters: string) => parts(listener(manager(filters)), routes(), cluster());
const withLimit = (body: string) => filtered(`${limit(body)}, ${router}`);
const sound = parts(listener(), routes(), cluster());

/** What goes round in documents as a rate limit: nothing of it is right. */
const copied = config(
  `{"@type": ${types}.config.listener.v3.Listener, name: envoy-prometheus-metrics-listener,
    address: {socket_address: {address: 0.0.0.0, port_value: 9964}},
    filter_chains: [{filters: [${manager(
      `{name: envoy.filters.http.local_ratelimit, typed_config: {"@type": type.googleapis.com/udpa.type.v1.TypedStruct,
         type_url: ${types}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, value: {${limited}}}},
       {name: envoy.filters.http.router}`,
      `route_config: {name: local, ${hosts("backend")}}`,
    )}]}]}`,
);

const fixtures: Fixtures = {
  "GB-1431": {
    refused: [
      ["resources is missing", sound.replace("resources:", "resource:")],
      ["Write backendServices", config(listener(), "backendService: [{name: a}]")],
      ["name is missing", config(listener(), "services: [{namespace: shop}]")],
      ["integer", config(listener(), 'services: [{name: orders, ports: ["80"]}]')],
      ["wants string", config(listener(), "services: [{name: orders}], backendServices: [{name: a, number: [80]}]")],
      ["There is no field namespaces", config(listener(), "services: [{name: orders, namespaces: shop}]")],
    ],
    passes: [sound],
  },
  "GB-1432": {
    refused: [
      ["has no @type", parts(listener().replace('"@type"', "type"), routes(), cluster())],
      ["Listener.", parts(listener().replace("v3.Listener", "v3.Listner"), routes(), cluster())],
      ["Bootstrap", parts(`{"@type": ${types}.config.bootstrap.v3.Bootstrap, name: a}`)],
      ["envoy.api.v2.Listener", parts(listener().replace("config.listener.v3", "api.v2"), routes(), cluster())],
      ["Listener has no name", parts(listener(undefined, "", '""'), routes(), cluster())],
      ["Two resources of type Cluster are named shop/orders", parts(listener(), routes(), cluster(), cluster())],
    ],
    passes: [sound],
  },
  "GB-1433": {
    refused: [
      ["Did you mean filter_chains", parts(listener().replace("filter_chains", "filter_chain"), routes(), cluster())],
      ["Did you mean http_filters", parts(listener().replace("http_filters", "http_filter"), routes(), cluster())],
      [
        "Did you mean virtual_hosts",
        parts(listener(), routes(hosts("shop/orders").replace("virtual_hosts", "virtual_host")), cluster()),
      ],
      [
        "Did you mean cluster",
        parts(listener(), routes(hosts("shop/orders").replace("route: {cluster", "route: {clusters")), cluster()),
      ],
      [
        "Did you mean connect_timeout",
        parts(listener(), routes(), cluster().replace("connect_timeout", "connection_timeout")),
      ],
      ["Did you mean fill_interval", withLimit(limited.replace("fill_interval", "fill_intervall"))],
      [
        "no field retries",
        parts(listener(), routes(hosts("shop/orders").replace("route: {", "route: {retries: 3, ")), cluster()),
      ],
    ],
    passes: [
      sound,
      parts(
        listener()
          .replace("filter_chains", "filterChains")
          .replace("http_filters", "httpFilters")
          .replace("typed_config", "typedConfig"),
        routes().replace("virtual_hosts", "virtualHosts"),
        cluster().replace("connect_timeout", "connectTimeout"),
      ),
      parts(
        listener(),
        routes(),
        cluster("shop/orders", "type: EDS, outlier_detection: {consecutive_5xx: 3, consecutive5xx: 3}"),
      ),
    ],
  },
  "GB-1434": {
    refused: [
      ["Port 9964 is held by Envoy's metrics", copied],
      [
        "4244",
        parts(
          listener(undefined, ", address: {socketAddress: {address: 0.0.0.0, portValue: 4244}}"),
          routes(),
          cluster(),
        ),
      ],
    ],
    passes: [
      parts(
        listener(undefined, ", address: {socket_address: {address: 0.0.0.0, port_value: 9090}}"),
        routes(),
        cluster(),
      ),
    ],
  },
  "GB-1435": {
    refused: [
      ["There is no Cluster backend", copied],
      ["add a Cluster", parts(listener(), routes(hosts("orders")), cluster())],
      [
        "Did you mean orders",
        parts(
          listener(),
          routes(hosts("order")),
          cluster("orders", "type: STATIC, load_assignment: {cluster_name: orders}"),
        ),
      ],
      [
        "There is no Cluster canary",
        parts(
          listener(),
          routes(
            hosts("shop/orders").replace(
              'cluster: "shop/orders"',
              "weighted_clusters: {clusters: [{name: shop/orders, weight: 90}, {name: canary, weight: 10}]}",
            ),
          ),
          cluster(),
        ),
      ],
    ],
    passes: [
      sound,
      parts(listener(), routes(hosts("/envoy-admin"))),
      parts(
        listener(),
        routes(hosts("orders")),
        cluster("orders", "type: STATIC, load_assignment: {cluster_name: orders}"),
      ),
    ],
  },
  "GB-1436": {
    refused: [
      ["No Cluster shop/pay is defined", parts(listener(), routes(hosts("shop/pay")), cluster())],
      ["lists Service shop/pay", parts(listener(), routes(hosts("shop/pay")), cluster("shop/pay"))],
      ["no namespace/name", parts(listener(), routes(hosts("orders")), cluster("orders"))],
    ],
    passes: [
      sound,
      parts(
        listener(),
        routes(hosts("a")),
        cluster("a", "type: EDS, eds_cluster_config: {service_name: 'shop/orders:80'}"),
      ),
      config(
        [listener(), routes(hosts("shop/pay")), cluster("shop/pay")].join(", "),
        "services: [{name: orders}], backendServices: [{name: pay}]",
      ),
    ],
  },
  "GB-1437": {
    refused: [
      [
        "Service orders of other is looked for in shop",
        config([listener(), routes(), cluster()].join(", "), "services: [{name: orders, namespace: other}]"),
      ],
      [
        "no Listener web, only orders",
        config([listener(), routes(), cluster()].join(", "), "services: [{name: orders, listener: web}]"),
      ],
      ["the resources have none", parts(cluster())],
    ],
    passes: [
      config([listener(), routes(), cluster()].join(", "), "services: [{name: orders, listener: orders}]"),
      config(
        [listener(), routes(), cluster()].join(", "),
        "services: [{name: orders, namespace: shop}]",
        "CiliumClusterwideEnvoyConfig",
      ),
    ],
  },
  "GB-1438": {
    refused: [
      ["There is no RouteConfiguration orders", parts(listener(), cluster())],
      ["Write order", parts(listener(), routes(undefined, "order"), cluster())],
    ],
    passes: [sound],
  },
  "GB-1439": {
    refused: [
      ["envoyConfig.enabled: true", [sound, { values: {} }]],
      ["l7Proxy: true", [sound, { values: { envoyConfig: { enabled: true }, l7Proxy: false } }]],
    ],
    passes: [
      sound,
      [sound, { values: { envoyConfig: { enabled: true } } }],
      [sound, { values: { gatewayAPI: { enabled: true } } }],
    ],
  },
  "GB-1441": {
    refused: [
      ["udpa.type.v1.TypedStruct", copied],
      ["envoy.filters.http.router has no typed_config", filtered("{name: envoy.filters.http.router}")],
      [
        "no HTTP filter lua",
        filtered(`{name: lua, typed_config: {"@type": ${types}.extensions.filters.http.lua.v3.Lua}}, ${router}`),
      ],
      [
        "envoy.filters.network.http_connection_manager has no typed_config",
        parts(listener("{name: envoy.filters.network.http_connection_manager}")),
      ],
    ],
    passes: [
      sound,
      filtered(`{name: cors, typed_config: {"@type": ${types}.extensions.filters.http.cors.v3.Cors}}, ${router}`),
    ],
  },
  "GB-1442": {
    refused: [
      ["no routes", parts(listener(manager(router, "use_remote_address: true")), cluster())],
      [
        "stat_prefix is missing",
        parts(listener(manager(router, rds, "use_remote_address: true")), routes(), cluster()),
      ],
      ["has no router", filtered(limit(limited))],
      ["not the last filter", filtered(`${router}, ${limit(limited)}`)],
    ],
    passes: [sound, withLimit(limited)],
  },
  "GB-1443": {
    refused: [
      ["filter_enabled is missing", withLimit(`stat_prefix: a, ${bucket}, ${all("filter_enforced")}`)],
      ["filter_enforced is missing", withLimit(`stat_prefix: a, ${bucket}, ${all("filter_enabled")}`)],
      ["numerator of 0", withLimit(limited.replace("numerator: 100", "numerator: 0"))],
      ["token_bucket is missing", withLimit(`stat_prefix: a, ${all("filter_enabled")}, ${all("filter_enforced")}`)],
      ["max_tokens must be 1", withLimit(limited.replace("max_tokens: 10", "max_tokens: 0"))],
      ["tokens_per_fill must be 1", withLimit(limited.replace("tokens_per_fill: 10", "tokens_per_fill: 0"))],
      ["fill_interval is missing", withLimit(limited.replace(", fill_interval: 60s", ""))],
      ["1m is no duration", withLimit(limited.replace("60s", "1m"))],
      ["shorter than 50 ms", withLimit(limited.replace("60s", "0.01s"))],
      ["stat_prefix is missing", withLimit(limited.replace("stat_prefix: limit, ", ""))],
    ],
    passes: [withLimit(limited), withLimit(limited.replace("60s", "0.050s"))],
  },
  "GB-1444": {
    refused: [
      ["no domains", parts(listener(), routes(hosts("shop/orders").replace('["*"]', "[]")), cluster())],
      [
        "The match names no path",
        parts(listener(), routes(hosts("shop/orders").replace("{prefix: /}", "{headers: []}")), cluster()),
      ],
      [
        "The route names no cluster",
        parts(listener(), routes(hosts("shop/orders").replace('cluster: "shop/orders"', "timeout: 5s"))),
      ],
      ["no match", parts(listener(), routes(hosts("shop/orders").replace("match: {prefix: /}, ", "")), cluster())],
      [
        "does nothing with what it matches",
        parts(listener(), routes("virtual_hosts: [{name: a, domains: [a], routes: [{match: {prefix: /}}]}]")),
      ],
      [
        "virtual host has no name",
        parts(listener(), routes(hosts("shop/orders").replace("name: orders, ", "")), cluster()),
      ],
    ],
    passes: [
      parts(
        listener(),
        routes(
          "virtual_hosts: [{name: a, domains: [a], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]",
        ),
      ),
    ],
  },
};

describe("rules on Envoy configuration", () => {
  testRules(envoyRules, fixtures);

  it("finds every mistake of the copied rate limit at once", () => {
    const codes = findings(envoyRules, copied).map((line) => line.split(" ")[0]);
    expect(codes).toEqual(["GB-1434", "GB-1435", "GB-1441", "GB-1441"]);
  });

  it.each(["1.18.4", "1.19.6", "1.20.2"])("finds nothing in a sound configuration of %s", (cilium) => {
    expect(findings(envoyRules, [withLimit(limited), { cilium, complete: true }])).toEqual([]);
  });
});
