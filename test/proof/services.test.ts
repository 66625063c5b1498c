import { describe } from "vitest";
import { serviceRules } from "../../proof/objects/services.ts";
import { type Fixtures, testRules } from "../support/object-rules.ts";

const service = (annotations: string, spec = "ports: [{port: 80}]", name = "orders", more = "") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, annotations: ${annotations}${more}}
spec: {${spec}}
---`;
const balanced = (annotations: string, more = "", name = "orders") =>
  service(annotations, `type: LoadBalancer, ports: [{port: 80}]${more}`, name);
const ips = (addresses: string, more = "", name = "orders") =>
  balanced(`{lbipam.cilium.io/ips: "${addresses}"}`, more, name);
const pool = (block: string, more = "") => `
apiVersion: cilium.io/v2
kind: CiliumLoadBalancerIPPool
metadata: {name: vip}
spec: {blocks: [{cidr: ${block}}]${more}}
---`;
const shared = (port: number, name: string, key = "web", more = "") =>
  service(
    `{lbipam.cilium.io/ips: "10.90.0.10", lbipam.cilium.io/sharing-key: ${key}}`,
    `type: LoadBalancer, ports: [{port: ${port}}]${more}`,
    name,
  );
const global = 'service.cilium.io/global: "true"';

const fixtures: Fixtures = {
  "GB-1451": {
    refused: [
      ["Did you mean service.cilium.io/affinity", service(`{${global}, service.cilium.io/afinity: local}`)],
      ["service.cilium.io/global", service('{service.cilium.io/globl: "true"}')],
      ["Did you mean io.cilium/global-service", service('{io.cilium/global-servcie: "true"}')],
      ["Did you mean lbipam.cilium.io/ips", balanced('{lbipam.cilium.io/ip: "10.90.0.10"}')],
      ["service.cilium.io/priority", service('{service.cilium.io/priority: "1"}')],
    ],
    passes: [
      service(`{${global}, service.cilium.io/affinity: local, service.cilium.io/shared: "false"}`),
      // A prefix that people use as well.
      service('{io.cilium/internal: "true"}'),
    ],
  },
  "GB-1452": {
    refused: [
      ['"true" or "false"', service('{service.cilium.io/global: "yes"}')],
      ['"local", "remote" or "none"', service(`{${global}, service.cilium.io/affinity: primary}`)],
      ["service.cilium.io/shared", service(`{${global}, service.cilium.io/shared: "no"}`)],
      ['"random" or "maglev"', service("{service.cilium.io/lb-algorithm: Maglev}")],
      ["forwarding-mode", service("{service.cilium.io/forwarding-mode: direct}")],
      ["src-ranges-policy", service("{service.cilium.io/src-ranges-policy: block}")],
      ["service.cilium.io/type", service("{service.cilium.io/type: loadbalancer}")],
    ],
    passes: [
      service('{service.cilium.io/global: "True", service.cilium.io/affinity: Local}'),
      service("{service.cilium.io/lb-algorithm: maglev}"),
    ],
  },
  "GB-1453": {
    refused: [
      ["service.cilium.io/affinity does nothing", service("{service.cilium.io/affinity: local}")],
      ["io.cilium/shared-service does nothing", service('{io.cilium/shared-service: "false"}')],
      ["global-sync-endpoint-slices does nothing", service('{service.cilium.io/global-sync-endpoint-slices: "true"}')],
    ],
    passes: [
      service(`{${global}, service.cilium.io/affinity: local}`),
      service('{service.cilium.io/global: "false", service.cilium.io/affinity: local}'),
    ],
  },
  "GB-1454": {
    refused: [
      ["Write service.cilium.io/global", service('{io.cilium/global-service: "true"}')],
      ["Write lbipam.cilium.io/ips", balanced('{io.cilium/lb-ipam-ips: "10.90.0.10"}')],
    ],
    passes: [service(`{${global}}`)],
  },
  "GB-1455": {
    refused: [
      ["10.90.0.0/24", ips("10.90.0.0/24")],
      ["10.90.0.10-10.90.0.20", ips("10.90.0.10-10.90.0.20")],
      ["10.90.0.256", ips("10.90.0.10,10.90.0.256")],
      ["type ClusterIP", service('{lbipam.cilium.io/ips: "10.90.0.10"}')],
      ["type NodePort", service("{lbipam.cilium.io/sharing-key: a}", "type: NodePort, ports: [{port: 80}]")],
    ],
    passes: [ips("10.90.0.10, fd00::10")],
  },
  "GB-1456": {
    refused: [
      ["10.91.0.10 is in no pool", `${pool("10.90.0.0/24")}${ips("10.91.0.10")}`],
      [
        "serviceSelector does not match",
        `${pool("10.90.0.0/24", ", serviceSelector: {matchLabels: {pool: public}}")}${ips("10.90.0.10")}`,
      ],
      [
        "10.91.0.10 is in no pool",
        [`${pool("10.90.0.0/24")}${balanced("{}", ", loadBalancerIP: 10.91.0.10")}`, { complete: true }],
      ],
    ],
    passes: [
      `${pool("10.90.0.0/24")}${ips("10.90.0.255")}`,
      `${pool("10.90.0.0/24", ", serviceSelector: {matchLabels: {io.kubernetes.service.namespace: shop}}")}${ips("10.90.0.10")}`,
      // Of another controller.
      `${pool("10.90.0.0/24")}${ips("10.91.0.10", ", loadBalancerClass: metallb")}`,
    ],
  },
  "GB-1457": {
    refused: [
      ["also asked for by Service orders", `${ips("10.90.0.10")}${ips("10.90.0.10", "", "pay")}`],
      ["both have port 80/TCP", `${shared(80, "orders")}${shared(80, "pay")}`],
      ["no common lbipam.cilium.io/sharing-key", `${shared(80, "orders")}${shared(81, "pay", "other")}`],
      [
        "externalTrafficPolicy differs",
        `${shared(80, "orders")}${shared(81, "pay", "web", ", externalTrafficPolicy: Local")}`,
      ],
      [
        "sharing-cross-namespace",
        `${shared(80, "orders")}${shared(81, "pay").replace("namespace: shop", "namespace: pay")}`,
      ],
    ],
    passes: [
      `${shared(80, "orders")}${shared(81, "pay")}`,
      `${ips("10.90.0.10")}${ips("10.90.0.11", "", "pay")}`,
      // The same Service of two clusters.
      `${ips("10.90.0.10")}${ips("10.90.0.10")}`,
    ],
  },
  "GB-1458": {
    refused: [
      ["Did you mean io.cilium/bgp-control-plane", balanced("{}", ", loadBalancerClass: io.cilium/bgp-controlplane")],
      ["io.cilium/lb", balanced("{}", ", loadBalancerClass: io.cilium/lb")],
      [
        "io.cilium/l2-anouncer",
        `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, annotations: {ingress.cilium.io/loadbalancer-class: io.cilium/l2-anouncer}}
spec: {ingressClassName: cilium}`,
      ],
    ],
    passes: [balanced("{}", ", loadBalancerClass: io.cilium/node"), balanced("{}", ", loadBalancerClass: tailscale")],
  },
  "GB-1459": {
    refused: [
      ["Write selector", service("{}", "selectors: {a: b}, ports: [{port: 80}]")],
      ["Write targetPort", service("{}", "ports: [{port: 80, targetport: 8080}]")],
      ['"Loadbalancer" is none of', service("{}", "type: Loadbalancer, ports: [{port: 80}]")],
      ["70000 is outside", service("{}", "ports: [{port: 70000}]")],
      ["integer", service("{}", 'ports: [{port: "80"}]')],
      ["port is missing", service("{}", "ports: [{targetPort: 80}]")],
      ['"tcp" is none of', service("{}", "ports: [{port: 80, protocol: tcp}]")],
      ["orders has no ports", service("{}", "selector: {app: a}")],
      ["There is no Service of v2", service("{}").replace("apiVersion: v1", "apiVersion: v2")],
      ["Port 81 has no name", service("{}", "ports: [{name: a, port: 80}, {port: 81}]")],
      ["80/TCP occurs twice", service("{}", "ports: [{name: a, port: 80}, {name: b, port: 80}]")],
      ["externalTrafficPolicy may not stand", service("{}", "externalTrafficPolicy: Local, ports: [{port: 80}]")],
    ],
    passes: [
      service(
        "{}",
        "type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: a, port: 80, targetPort: http, appProtocol: h2c}, {name: b, port: 80, protocol: UDP}]",
      ),
      // A patch.
      service("{}", "ipFamilyPolicy: PreferDualStack"),
      service("{}", "clusterIP: None, selector: {app: a}"),
      service("null", "type: ExternalName, externalName: example.kr, clusterIP: null"),
    ],
  },
  "GB-1460": {
    refused: [
      ['service.cilium.io/global: "true", with quotes', service("{service.cilium.io/global: true}")],
      ['version: "2"', service("{}", "ports: [{port: 80}]", "orders", ", labels: {version: 2}")],
    ],
    passes: [service('{a: "true"}', "ports: [{port: 80}]", "orders", ', labels: {version: "2"}')],
  },
  "GB-1461": {
    refused: [["loadBalancer.l7.backend: envoy", [service("{service.cilium.io/lb-l7: enabled}"), { values: {} }]]],
    passes: [
      service("{service.cilium.io/lb-l7: enabled}"),
      [service("{service.cilium.io/lb-l7: enabled}"), { values: { loadBalancer: { l7: { backend: "envoy" } } } }],
    ],
  },
  "GB-1462": {
    refused: [
      ["orders is global without affinity", [service(`{${global}}`), { values: {} }]],
      [
        "clustermesh.cacheTTL",
        [service(`{${global}, service.cilium.io/affinity: none}`), { cilium: "1.18.12", values: {} }],
      ],
    ],
    passes: [
      service(`{${global}}`),
      [service(`{${global}, service.cilium.io/affinity: local}`), { values: {} }],
      [service(`{${global}}`), { values: { clustermesh: { cacheTTL: "30s" } } }],
    ],
  },
};

describe("rules on Services", () => {
  testRules(serviceRules, fixtures);
});
