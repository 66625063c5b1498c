import type { RouteSpec } from "../../config/service-mesh.ts";
import { gatewayGroup } from "./gateway-api.ts";
import type { MeshObject } from "./mesh-object.ts";

type Rule = RouteSpec["rules"][number];

/**
 * An HTTPRoute. Of rules that match a request, the one with the exact or longest path wins, then the one with a method, then the one with
 * more headers, whatever their order (HTTPRouteRule in `apis/v1/httproute_types.go` of Gateway API).
 *
 * - Canary: two backends in one rule. Each request is a draw; `weight: 90` and `weight: 10` send about every tenth to the second.
 * - A/B: two rules with the same path, one of which asks for a header. Who sends it is always served by that rule's backends.
 */
export function httpRouteObject({ gateway, hostnames, name, namespace, rules }: RouteSpec): MeshObject {
  return {
    apiVersion: `${gatewayGroup}/v1`,
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec: {
      parentRefs: [
        {
          name: gateway.name,
          ...(gateway.namespace === undefined ? {} : { namespace: gateway.namespace }),
          ...(gateway.listener === undefined ? {} : { sectionName: gateway.listener }),
        },
      ],
      ...(hostnames.length > 0 ? { hostnames } : {}),
      rules: rules.map((rule) => ({
        matches: [matchOf(rule)],
        backendRefs: rule.backends.map(({ port, service, weight }) => ({ name: service, port, weight })),
      })),
    },
  };
}

/** One match, whose parts must all hold; a rule without a path matches every one. */
function matchOf({ headers, method, path }: Rule): Readonly<Record<string, unknown>> {
  const named = Object.entries(headers).map(([name, value]) => ({ type: "Exact", name, value }));
  return {
    path:
      path && "exact" in path
        ? { type: "Exact", value: path.exact }
        : { type: "PathPrefix", value: path === undefined ? "/" : path.prefix },
    ...(method === undefined ? {} : { method }),
    ...(named.length > 0 ? { headers: named } : {}),
  };
}
