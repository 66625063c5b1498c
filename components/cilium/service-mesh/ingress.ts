import type { SiteSpec } from "../../config/schema.ts";
import type { IngressObjectSpec } from "../../config/service-mesh.ts";
import { announceLabel } from "../labels.ts";
import { bgpLoadBalancerClass, fixedAddressAnnotation } from "../mesh-values.ts";
import type { MeshObject } from "./mesh-object.ts";

/**
 * An Ingress. A dedicated one gets the Service `cilium-ingress-<name>` beside it; shared ones are served behind the chart's Service
 * `cilium-ingress` (Documentation/network/servicemesh/ingress.rst).
 *
 * Nobody waits for its status: Pulumi would wait for an address, which one behind node ports never gets, and for the backends, which
 * others deploy later (pulumi-kubernetes `provider/pkg/await/ingress.go`).
 */
export function ingressObject(site: SiteSpec, spec: IngressObjectSpec): MeshObject {
  const { address, mode, name, namespace, rules, tls } = spec;
  const dedicated = mode === "dedicated";
  const announced = dedicated && site.platform === "on-prem";
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace,
      // Copied to the Service, since `ingressLBAnnotationPrefixes` of ours has their prefix.
      ...(announced ? { labels: { [announceLabel]: "true" } } : {}),
      annotations: {
        "pulumi.com/skipAwait": "true",
        "ingress.cilium.io/loadbalancer-mode": mode,
        ...(announced ? { "ingress.cilium.io/loadbalancer-class": bgpLoadBalancerClass } : {}),
        ...(dedicated && address !== undefined ? { [fixedAddressAnnotation]: address } : {}),
      },
    },
    spec: {
      ingressClassName: "cilium",
      ...(tls.length > 0 ? { tls: tls.map(({ hosts, secret }) => ({ hosts, secretName: secret })) } : {}),
      rules: rules.map(({ host, paths }) => ({
        host,
        http: {
          paths: paths.map(({ path, port, service, type }) => ({
            path,
            pathType: type,
            backend: { service: { name: service, port: { number: port } } },
          })),
        },
      })),
    },
  };
}
