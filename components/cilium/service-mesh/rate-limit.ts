import type { RateLimitSpec } from "../../config/service-mesh.ts";
import type { MeshObject } from "./mesh-object.ts";

const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.${name}` });
const always = (key: string) => ({
  runtime_key: key,
  default_value: { numerator: 100, denominator: "HUNDRED" },
});

/**
 * A local rate limit in front of one port of a Service: requests beyond the bucket get status 429.
 *
 * - Per node, not per Service: Envoy runs once on each node and serves the clients there, each with a bucket of its own. A limit over all
 *   of them needs a rate limit service, which Cilium does not bring.
 * - Traffic that goes to the Service's address is caught. A Gateway or an Ingress sends to the pods directly and passes the limit by.
 * - Backends see pods with their own address, Cilium's default, so policies go on to decide who may call. The other way,
 *   `use-original-source-address: "false"`, makes every caller `reserved:ingress`, whom a policy then admits or not, all alike. Cilium's
 *   documents ask for it where one connection of a pod needs several to one backend (l7-traffic-management.rst); here backends are
 *   spoken to as the client speaks, so one is enough. Callers from outside of the cluster are `reserved:ingress` in any case.
 *
 * The listener has no address: Cilium picks a free port. Pods of a Service that `services` lists are handed to Envoy as the cluster
 * `namespace/service:port`; without the port there would be none as soon as another object, a Gateway's say, lists the Service
 * with one (`computeLoadAssignments` in `pkg/ciliumenvoyconfig/controller.go`).
 */
export function rateLimitObject({
  burst,
  name,
  namespace,
  perSeconds,
  port,
  requests,
  service,
}: RateLimitSpec): MeshObject {
  const cluster = `${namespace}/${service}:${port}`;
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumEnvoyConfig",
    metadata: { name, namespace },
    spec: {
      services: [{ name: service, namespace, ports: [port], listener: name }],
      resources: [
        {
          ...type("config.listener.v3.Listener"),
          name,
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: {
                    ...type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
                    stat_prefix: name,
                    use_remote_address: true,
                    skip_xff_append: true,
                    upgrade_configs: [{ upgrade_type: "websocket" }],
                    rds: { route_config_name: name },
                    http_filters: [
                      {
                        name: "envoy.filters.http.local_ratelimit",
                        typed_config: {
                          ...type("extensions.filters.http.local_ratelimit.v3.LocalRateLimit"),
                          stat_prefix: name,
                          token_bucket: {
                            max_tokens: burst ?? requests,
                            tokens_per_fill: requests,
                            fill_interval: `${perSeconds}s`,
                          },
                          // Both are 0 % by default, and nothing would be limited.
                          filter_enabled: always("local_rate_limit_enabled"),
                          filter_enforced: always("local_rate_limit_enforced"),
                        },
                      },
                      {
                        name: "envoy.filters.http.router",
                        typed_config: type("extensions.filters.http.router.v3.Router"),
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
        {
          ...type("config.route.v3.RouteConfiguration"),
          name,
          virtual_hosts: [
            {
              name,
              domains: ["*"],
              // Envoy's default of 15 s would cut requests that were answered before there was a limit.
              routes: [{ match: { prefix: "/" }, route: { cluster, timeout: "0s" } }],
            },
          ],
        },
        {
          ...type("config.cluster.v3.Cluster"),
          name: cluster,
          connect_timeout: "5s",
          lb_policy: "ROUND_ROBIN",
          type: "EDS",
          eds_cluster_config: { service_name: cluster },
          // As clients speak: gRPC stays HTTP/2, and many requests stay one connection.
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              ...type("extensions.upstreams.http.v3.HttpProtocolOptions"),
              use_downstream_protocol_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  };
}
