import type { SiteSpec } from "../../config/schema.ts";
import type { GatewaySpec } from "../../config/service-mesh.ts";
import { announceLabel } from "../labels.ts";
import { gatewayGroup } from "./gateway-api.ts";
import type { MeshObject } from "./mesh-object.ts";

/** The class that the chart makes where the definitions are there (`templates/cilium-gateway-api-class.yaml`). */
const className = "cilium";

/**
 * A Gateway, for which the operator makes the Service `cilium-gateway-<name>` beside it. There is no pod of its own: Envoy runs in Cilium's
 * DaemonSet.
 */
export function gatewayObject(site: SiteSpec, { address, listeners, name, namespace }: GatewaySpec): MeshObject {
  const balanced = site.serviceMesh?.gatewayApi?.expose === "load-balancer";
  return {
    apiVersion: `${gatewayGroup}/v1`,
    kind: "Gateway",
    metadata: { name, namespace },
    spec: {
      gatewayClassName: className,
      // Cilium asks LB-IPAM for exactly this one (Documentation/network/servicemesh/gateway-api/addresses.rst).
      ...(balanced && address !== undefined ? { addresses: [{ type: "IPAddress", value: address }] } : {}),
      // The Service gets these labels, and ToRs learn the addresses of labelled Services only.
      ...(balanced && site.platform === "on-prem" ? { infrastructure: { labels: { [announceLabel]: "true" } } } : {}),
      listeners: listeners.map((listener) => ({
        name: listener.name,
        port: listener.port,
        protocol: listener.protocol,
        ...(listener.hostname === undefined ? {} : { hostname: listener.hostname }),
        ...(listener.protocol === "HTTPS"
          ? { tls: { mode: "Terminate", certificateRefs: [{ name: listener.certificate }] } }
          : {}),
        allowedRoutes: { namespaces: { from: listener.routes === "all-namespaces" ? "All" : "Same" } },
      })),
    },
  };
}
