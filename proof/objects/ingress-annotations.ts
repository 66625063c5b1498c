/** What a value must look like, and how to say it. */
interface IngressAnnotation {
  readonly name: string;
  readonly alias?: string;
  readonly valid: RegExp;
  readonly write: string;
}

const onOff = /^(enabled|disabled|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const number = /^[0-9]+$/;

/** Annotations that Cilium reads on an Ingress, 1.18 to 1.20 (cilium `operator/pkg/ingress/annotations/annotations.go`). */
export const ingressAnnotations: readonly IngressAnnotation[] = [
  {
    name: "ingress.cilium.io/loadbalancer-mode",
    alias: "io.cilium.ingress/loadbalancer-mode",
    valid: /^(dedicated|shared)$/,
    write: '"dedicated" or "shared"',
  },
  { name: "ingress.cilium.io/loadbalancer-class", valid: /./, write: "a load balancer class" },
  {
    name: "ingress.cilium.io/service-type",
    alias: "io.cilium.ingress/service-type",
    valid: /^(LoadBalancer|NodePort)$/,
    write: '"LoadBalancer" or "NodePort"',
  },
  {
    name: "ingress.cilium.io/service-external-traffic-policy",
    valid: /^(Cluster|Local)$/,
    write: '"Cluster" or "Local"',
  },
  {
    name: "ingress.cilium.io/insecure-node-port",
    alias: "io.cilium.ingress/insecure-node-port",
    valid: number,
    write: 'a port such as "30080"',
  },
  {
    name: "ingress.cilium.io/secure-node-port",
    alias: "io.cilium.ingress/secure-node-port",
    valid: number,
    write: 'a port such as "30443"',
  },
  { name: "ingress.cilium.io/host-listener-port", valid: number, write: 'a port such as "8080"' },
  {
    name: "ingress.cilium.io/tls-passthrough",
    alias: "io.cilium.ingress/tls-passthrough",
    valid: onOff,
    write: '"enabled" or "disabled"',
  },
  { name: "ingress.cilium.io/force-https", valid: onOff, write: '"enabled" or "disabled"' },
  {
    name: "ingress.cilium.io/request-timeout",
    valid: /^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$/,
    write: 'a duration with its unit, such as "30s"',
  },
];

/** Prefixes of the annotations of other controllers, which Cilium never reads. */
export const otherControllers: readonly (readonly [prefix: string, controller: string])[] = [
  ["nginx.ingress.kubernetes.io/", "ingress-nginx"],
  ["nginx.org/", "NGINX"],
  ["traefik.ingress.kubernetes.io/", "Traefik"],
  ["haproxy.org/", "HAProxy"],
  ["haproxy-ingress.github.io/", "HAProxy"],
  ["alb.ingress.kubernetes.io/", "the AWS load balancer controller"],
  ["appgw.ingress.kubernetes.io/", "Azure Application Gateway"],
  ["konghq.com/", "Kong"],
  ["projectcontour.io/", "Contour"],
];
