import type { SiteSpec } from "../../config/schema.ts";
import { gatewayObject } from "./gateway.ts";
import { httpRouteObject } from "./http-route.ts";
import { ingressObject } from "./ingress.ts";
import type { MeshObject } from "./mesh-object.ts";
import { mutualAuthenticationPolicies } from "./mutual-authentication.ts";
import { rateLimitObject } from "./rate-limit.ts";

/** Every object of a site's service mesh, in the order in which they are applied: routes name their Gateways. */
export function serviceMeshObjects(site: SiteSpec): MeshObject[] {
  const { gatewayApi, ingress, mutualAuthentication, rateLimits = [] } = site.serviceMesh ?? {};
  return [
    ...(gatewayApi?.gateways ?? []).map((gateway) => gatewayObject(site, gateway)),
    ...(gatewayApi?.routes ?? []).map(httpRouteObject),
    ...(ingress?.ingresses ?? []).map((spec) => ingressObject(site, spec)),
    ...rateLimits.map(rateLimitObject),
    ...(mutualAuthentication ? mutualAuthenticationPolicies(site, mutualAuthentication) : []),
  ];
}

/** Namespaces that the objects lie in, sorted. */
export function serviceMeshNamespaces(site: SiteSpec): string[] {
  return [...new Set(serviceMeshObjects(site).map(({ metadata }) => metadata.namespace))].toSorted();
}
