import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject } from "../rule.ts";
import { type FieldProblem, field, fieldProblems, type Item, type Steps, spelling } from "./envoy-fields.ts";
import { objectsOf, type Placed, records, text } from "./objects.ts";

/** Objects that hold Envoy resources. */
export const envoyConfigs = (subject: ObjectsSubject) =>
  objectsOf(subject, "cilium.io", ["CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"]);

const prefix = "type.googleapis.com/";

/** The five types that a CiliumEnvoyConfig may hold (cilium pkg/ciliumenvoyconfig/cec_resource_parser.go). */
export const resourceTypes = {
  listener: `${prefix}envoy.config.listener.v3.Listener`,
  route: `${prefix}envoy.config.route.v3.RouteConfiguration`,
  cluster: `${prefix}envoy.config.cluster.v3.Cluster`,
  endpoint: `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  secret: `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`,
} as const;

const networkFilters = `${prefix}envoy.extensions.filters.network`;
const httpFilters = `${prefix}envoy.extensions.filters.http`;
export const filterTypes = {
  http: `${networkFilters}.http_connection_manager.v3.HttpConnectionManager`,
  tcp: `${networkFilters}.tcp_proxy.v3.TcpProxy`,
  router: `${httpFilters}.router.v3.Router`,
  localRateLimit: `${httpFilters}.local_ratelimit.v3.LocalRateLimit`,
} as const;

/** The message that a type's mapping is read as. */
const messageOf: Readonly<Record<string, string>> = {
  [resourceTypes.listener]: "Listener",
  [resourceTypes.route]: "RouteConfiguration",
  [resourceTypes.cluster]: "Cluster",
  [resourceTypes.endpoint]: "ClusterLoadAssignment",
  [filterTypes.http]: "HttpConnectionManager",
  [filterTypes.tcp]: "TcpProxy",
  [filterTypes.router]: "Router",
  [filterTypes.localRateLimit]: "LocalRateLimit",
};

/** HTTP filters that Cilium's Envoy is built with, 1.18 to 1.20 (cilium/proxy envoy_build_config/extensions_build_config.bzl). */
export const builtHttpFilters = [
  "basic_auth",
  "buffer",
  "compressor",
  "cors",
  "dynamic_forward_proxy",
  "dynamic_modules",
  "ext_authz",
  "ext_proc",
  "grpc_stats",
  "grpc_web",
  "health_check",
  "jwt_authn",
  "local_ratelimit",
  "oauth2",
  "rate_limit_quota",
  "ratelimit",
  "rbac",
  "router",
  "set_filter_state",
  "set_metadata",
  "stateful_session",
  "wasm",
];

/** Every field of a typed mapping that protobuf cannot read. */
export function typedProblems(item: Item, path: Steps): FieldProblem[] {
  const message = messageOf[text(item["@type"])];
  return message === undefined ? [] : fieldProblems(message, item, path, typedProblems);
}

/** The type that is meant where only the last word of a known one is wrong: `...v3.Listner`. */
export function misspeltType(type: string): string | undefined {
  const parent = (name: string) => name.slice(0, name.lastIndexOf("."));
  return type in messageOf ? undefined : Object.keys(messageOf).find((known) => parent(known) === parent(type));
}

/** One resource of a CiliumEnvoyConfig. */
export interface Resource {
  readonly at: number;
  readonly item: Item;
  readonly type: string;
  readonly path: Steps;
}

export function resourcesOf(placed: Placed): Resource[] {
  return records(placed.spec.resources).map(({ at, item }) => ({
    at,
    item,
    type: text(item["@type"]),
    path: ["spec", "resources", at],
  }));
}

export const ofType = (placed: Placed, type: string) =>
  resourcesOf(placed).filter((resource) => resource.type === type);

/** The name that a resource is known by in its own object. */
export function nameOf({ type, item }: Resource): string {
  return text(type === resourceTypes.endpoint ? field(item, "cluster_name") : item.name);
}

/** A network filter of a listener with its place. */
export interface NetworkFilter {
  readonly resource: Resource;
  readonly item: Item;
  readonly config: Item;
  readonly type: string;
  readonly path: Steps;
}

/** Every network filter of every listener. */
export function networkFiltersOf(placed: Placed): NetworkFilter[] {
  return resourcesOf(placed)
    .filter(({ type }) => type === resourceTypes.listener)
    .flatMap((resource) => {
      const chains = spelling(resource.item, "filter_chains");
      return records(resource.item[chains]).flatMap((chain) =>
        records(chain.item.filters).map((filter) => {
          const typed = spelling(filter.item, "typed_config");
          const config = record(filter.item[typed]);
          const path = [...resource.path, chains, chain.at, "filters", filter.at];
          return { resource, item: filter.item, config, type: text(config["@type"]), path };
        }),
      );
    });
}

/** Every HTTP connection manager. */
export const managers = (placed: Placed) => networkFiltersOf(placed).filter(({ type }) => type === filterTypes.http);

/** Route configurations, of their own or inside a connection manager. */
export function routeConfigurations(placed: Placed): { readonly item: Item; readonly path: Steps }[] {
  return [
    ...resourcesOf(placed).filter(({ type }) => type === resourceTypes.route),
    ...managers(placed).flatMap(({ config, item, path }) => {
      const inline = spelling(config, "route_config");
      return config[inline] === undefined
        ? []
        : [{ item: record(config[inline]), path: [...path, spelling(item, "typed_config"), inline] }];
    }),
  ];
}

/** Envoy's wrapper for filters that the writer has no types of; Cilium has no `udpa` types and drops the resource. */
export function isTypedStruct(type: string): boolean {
  return type.endsWith("TypedStruct");
}

/** Every HTTP filter of every connection manager, in order. */
export function httpFiltersOf({ config, path, item }: NetworkFilter) {
  const typed = spelling(item, "typed_config");
  const filters = spelling(config, "http_filters");
  const all = records(config[filters]);
  return all.map((filter, position) => ({
    item: filter.item,
    config: record(field(filter.item, "typed_config")),
    path: [...path, typed, filters, filter.at],
    last: position === all.length - 1,
  }));
}

/** Every cluster name that routes and TCP proxies send traffic to, with its place. */
export function clusterReferences(placed: Placed): { readonly name: string; readonly path: Steps }[] {
  const fromRoutes = (configuration: Item, path: Steps) => {
    const hosts = spelling(configuration, "virtual_hosts");
    return records(configuration[hosts]).flatMap((host) =>
      records(host.item.routes).flatMap((route) => {
        const action = record(route.item.route);
        return fromAction(action, [...path, hosts, host.at, "routes", route.at, "route"]);
      }),
    );
  };
  return [
    ...resourcesOf(placed)
      .filter(({ type }) => type === resourceTypes.route)
      .flatMap(({ item, path }) => fromRoutes(item, path)),
    ...networkFiltersOf(placed).flatMap(({ item, config, type, path }) => {
      const here = [...path, spelling(item, "typed_config")];
      if (type === filterTypes.tcp) return fromAction(config, here);
      const inline = spelling(config, "route_config");
      return type === filterTypes.http ? fromRoutes(record(config[inline]), [...here, inline]) : [];
    }),
  ];
}

function fromAction(action: Item, path: Steps): { readonly name: string; readonly path: Steps }[] {
  const weighted = spelling(action, "weighted_clusters");
  const mirrors = spelling(action, "request_mirror_policies");
  return [
    ...(text(action.cluster) === "" ? [] : [{ name: text(action.cluster), path: [...path, "cluster"] }]),
    ...records(record(action[weighted]).clusters).map(({ at, item }) => ({
      name: text(item.name),
      path: [...path, weighted, "clusters", at, "name"],
    })),
    ...records(action[mirrors]).map(({ at, item }) => ({
      name: text(item.cluster),
      path: [...path, mirrors, at, "cluster"],
    })),
  ].filter(({ name }) => name !== "");
}

/** Seconds of a protobuf duration such as `60s` or `0.05s`; `undefined` for anything else. */
export function seconds(duration: unknown): number | undefined {
  const match = /^(\d+(\.\d{1,9})?)s$/.exec(text(duration));
  return match === null ? undefined : Number(match[1]);
}

export const everyPort = (listener: Item) =>
  [
    field(listener, "address"),
    ...list(field(listener, "additional_addresses")).map((entry) => record(entry).address),
  ].flatMap((address) => {
    const port = field(field(address, "socket_address"), "port_value");
    return typeof port === "number" ? [port] : [];
  });
