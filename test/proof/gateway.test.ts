import { describe, expect, it } from "vitest";
import { gatewayRules } from "../../proof/objects/gateway.ts";
import { type Fixtures, findings, testRules } from "../support/object-rules.ts";

const gateway = (listeners: string, more = "", name = "web") => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: shop}
spec: {gatewayClassName: cilium, listeners: [${listeners}]${more}}
---`;
const http = "{name: http, port: 80, protocol: HTTP}";
const https = "{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: shop-tls}]}}";
const tls = "{name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}}";
const route = (rules: string, more = "parentRefs: [{name: web}]", kind = "HTTPRoute", version = "v1") => `
apiVersion: gateway.networking.k8s.io/${version}
kind: ${kind}
metadata: {name: orders, namespace: shop}
spec: {${more}, rules: [${rules}]}
---`;
const backend = "backendRefs: [{name: orders, port: 80}]";
const rule = (more: string) => route(`{${more}, ${backend}}`);
const match = (path: string) => rule(`matches: [{path: ${path}}]`);
const filter = (body: string) => rule(`filters: [${body}]`);
const service = (port: number) => `
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {ports: [{port: ${port}, targetPort: 8080}]}
---`;
const gatewayClass = (spec: string, name = "cilium") => `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ${name}}
spec: {${spec}}
---`;
const ciliums = "controllerName: io.cilium/gateway-controller";
const old = { cilium: "1.18.12" };
const sound = `${gateway(`${http}, ${https}, ${tls}`)}${route(`{${backend}}`)}`;

const ingress = (spec: string, annotations = "{}", version = "networking.k8s.io/v1") => `
apiVersion: ${version}
kind: Ingress
metadata: {name: orders, namespace: shop, annotations: ${annotations}}
spec: {${spec}}
---`;
const path = (more: string) => `rules: [{host: api.example.kr, http: {paths: [{${more}}]}}]`;
const toOrders = "backend: {service: {name: orders, port: {number: 80}}}";
const plain = `ingressClassName: cilium, ${path(`path: /, pathType: Prefix, ${toOrders}`)}`;
const annotated = (annotations: string) => ingress(plain, annotations);

const fixtures: Fixtures = {
  "GB-1401": {
    refused: [
      ["Write listeners", gateway(http).replace("listeners", "listener")],
      ["gatewayClassName is missing", gateway(http).replace("gatewayClassName: cilium, ", "")],
      ["Write gatewayClassName", gateway(http).replace("gatewayClassName", "gatewayClass")],
      ["has 0 elements", gateway("")],
      ["port is missing", gateway("{name: http, protocol: HTTP}")],
      ["0 is outside 1 to 65535", gateway(http.replace("80", "0"))],
      ["Write certificateRefs", gateway(https.replace("certificateRefs", "certificateRef"))],
      ['"passthrough" is none of', gateway(tls.replace("Passthrough", "passthrough"))],
      ['"all" is none of', gateway(http.replace("}", ", allowedRoutes: {namespaces: {from: all}}}"))],
      ["-1 is outside 0 to 1000000", route("{backendRefs: [{name: a, port: 80, weight: -1}, {name: b, port: 80}]}")],
      ["integer", route('{backendRefs: [{name: a, port: "80"}]}')],
      ["Write backendRefs", route("{backendRef: [{name: a, port: 80}]}")],
      ["There is no field serviceName", route("{backendRefs: [{serviceName: a, port: 80}]}")],
      ["Write parentRefs", route(`{${backend}}`, "parentRef: [{name: web}]")],
      ['"Prefix" is none of', match("{type: Prefix, value: /}")],
      ['"get" is none of', rule("matches: [{method: get}]")],
      ['"Regex" is none of', rule("matches: [{headers: [{name: a, value: b, type: Regex}]}]")],
      ["value is missing", rule("matches: [{headers: [{name: x-version}]}]")],
      ['"HeaderModifier" is none of', filter("{type: HeaderModifier}")],
      ["308", filter("{type: RequestRedirect, requestRedirect: {statusCode: 305}}")],
      ["30 s", rule('timeouts: {request: "30 s"}')],
      ["api.example.kr:443", route(`{${backend}}`, 'parentRefs: [{name: web}], hostnames: ["api.example.kr:443"]')],
      ["api.*.kr", route(`{${backend}}`, "parentRefs: [{name: web}], hostnames: [api.*.kr]")],
      ["Api.example.kr", gateway(http.replace("}", ", hostname: Api.example.kr}"))],
    ],
    passes: [
      sound,
      route(
        "{name: r, matches: [{path: {type: PathPrefix, value: /}, headers: [{name: a, value: b}], method: GET}], timeouts: {request: 10s, backendRequest: 1s500ms}, backendRefs: [{name: a, port: 80, weight: 0}, {name: b, port: 80, weight: 1}]}",
      ),
      gateway(
        http,
        ", infrastructure: {annotations: {a: b}, parametersRef: {group: cilium.io, kind: CiliumGatewayClassConfig, name: a}}, addresses: [{type: IPAddress, value: 10.0.0.1}]",
      ),
    ],
  },
  "GB-1402": {
    refused: [
      ["No bundle from 1.2 on serves HTTPRoute as v1alpha2", route(`{${backend}}`, undefined, "HTTPRoute", "v1alpha2")],
      ["v1alpha2", route(`{${backend}}`, undefined, "GRPCRoute", "v1alpha2")],
      ["Write kind: HTTPRoute", route(`{${backend}}`, undefined, "HttpRoute")],
      ["Write kind: Gateway", gateway(http).replace("kind: Gateway", "kind: Gatway")],
    ],
    passes: [
      route(`{${backend}}`, undefined, "HTTPRoute", "v1beta1"),
      gateway(http).replace("k8s.io/v1", "k8s.io/v1beta1"),
    ],
  },
  "GB-1403": {
    refused: [
      ["whose bundle is 1.3.0", [route(`{${backend}}`, undefined, "TLSRoute"), old]],
      ["v1alpha2", [route(`{${backend}}`, undefined, "TLSRoute", "v1alpha2"), {}]],
      ["TCPRoute", [route(`{${backend}}`, undefined, "TCPRoute"), old]],
    ],
    passes: [
      [route(`{${backend}}`, undefined, "TLSRoute", "v1alpha2"), old],
      route(`{${backend}}`, undefined, "TLSRoute"),
      route(`{${backend}}`, undefined, "TCPRoute"),
    ],
  },
  "GB-1404": {
    refused: [
      ["nginx.org/gateway", gatewayClass("controllerName: nginx.org/gateway")],
      ["io.cilium/gateway-controler", gatewayClass("controllerName: io.cilium/gateway-controler", "internal")],
    ],
    passes: [gatewayClass("controllerName: nginx.org/gateway", "nginx"), gatewayClass(ciliums, "internal")],
  },
  "GB-1405": {
    refused: [
      ["The chart makes the GatewayClass cilium", gatewayClass(ciliums)],
      ["gatewayClass.create", [gatewayClass(ciliums), { values: { gatewayAPI: { enabled: true } } }]],
    ],
    passes: [
      gatewayClass(ciliums, "cilium-internal"),
      [gatewayClass(ciliums), { values: { gatewayAPI: { enabled: true, gatewayClass: { create: "false" } } } }],
      gatewayClass(
        `${ciliums}, parametersRef: {group: cilium.io, kind: CiliumGatewayClassConfig, name: a, namespace: b}`,
      ),
    ],
  },
  "GB-1406": {
    refused: [["gatewayAPI.enabled", [gateway(http), { values: {} }]]],
    passes: [
      gateway(http),
      [gateway(http), { values: { gatewayAPI: { enabled: true } } }],
      [
        `${gateway(http)}${gatewayClass("controllerName: nginx.org/gateway", "nginx")}`.replace(
          "gatewayClassName: cilium",
          "gatewayClassName: nginx",
        ),
        { values: {} },
      ],
    ],
  },
  "GB-1407": {
    refused: [
      ["Did you mean HTTP", gateway(http.replace("HTTP", "http"))],
      ["Protocol GRPC", gateway(http.replace("HTTP", "GRPC"))],
      ["Listener http speaks HTTP and has tls", gateway(http.replace("}", ", tls: {certificateRefs: [{name: a}]}}"))],
      ["Listener https speaks HTTPS and has no tls", gateway("{name: https, port: 443, protocol: HTTPS}")],
      ["mode is Passthrough", gateway(https.replace("{certificateRefs: [{name: shop-tls}]}", "{mode: Passthrough}"))],
      ["without a certificate", gateway(https.replace("[{name: shop-tls}]", "[]"))],
      ["without a certificate", gateway(tls.replace("Passthrough", "Terminate"))],
      ["carries no host name", gateway("{name: db, port: 5432, protocol: TCP, hostname: db.example.kr}")],
      ["carries no TLSRoute", gateway(http.replace("}", ", allowedRoutes: {kinds: [{kind: TLSRoute}]}}"))],
      ["Two listeners are named http", gateway(`${http}, ${http.replace("80", "8080")}`)],
      ["Two listeners have port 80", gateway(`${http}, ${http.replace("name: http", "name: other")}`)],
      ["HTTP on port 443", gateway(http.replace("80", "443"))],
      [
        "Write from: Selector",
        gateway(http.replace("}", ", allowedRoutes: {namespaces: {selector: {matchLabels: {a: b}}}}}")),
      ],
      ["there is no selector", gateway(http.replace("}", ", allowedRoutes: {namespaces: {from: Selector}}}"))],
      ['"10.0.0" is no IP address', gateway(http, ", addresses: [{type: IPAddress, value: 10.0.0}]")],
      ["Did you mean IPAddress", gateway(http, ", addresses: [{type: IpAddress, value: 10.0.0.1}]")],
      ["A certificate is a Secret", gateway(https.replace("shop-tls", "shop-tls, kind: ConfigMap"))],
    ],
    passes: [
      sound,
      gateway(
        `${http.replace("}", ", hostname: a.example.kr}")}, ${http.replace("name: http", "name: other").replace("}", ", hostname: b.example.kr}")}`,
      ),
      // Another controller may have protocols of its own.
      gateway("{name: turn, port: 3478, protocol: TURN-UDP}").replace(
        "gatewayClassName: cilium",
        "gatewayClassName: stunner",
      ),
    ],
  },
  "GB-1408": {
    refused: [["carries no TCP listeners", [gateway("{name: db, port: 5432, protocol: TCP}"), old]]],
    passes: [
      gateway("{name: db, port: 5432, protocol: TCP}"),
      [
        gateway("{name: db, port: 5432, protocol: TCP}").replace("gatewayClassName: cilium", "gatewayClassName: envoy"),
        old,
      ],
    ],
  },
  "GB-1409": {
    refused: [
      ["Did you mean cilium", gateway(http).replace("gatewayClassName: cilium", "gatewayClassName: cillium")],
      [
        "There is no GatewayClass nginx",
        [gateway(http).replace("gatewayClassName: cilium", "gatewayClassName: nginx"), { complete: true }],
      ],
    ],
    passes: [gateway(http), gateway(http).replace("gatewayClassName: cilium", "gatewayClassName: nginx")],
  },
  "GB-1410": {
    refused: [
      [
        "spec.addresses",
        gateway(http).replace("namespace: shop", 'namespace: shop, annotations: {lbipam.cilium.io/ips: "10.0.0.1"}'),
      ],
      [
        "io.cilium/lb-ipam-ips does nothing",
        gateway(http).replace("namespace: shop", 'namespace: shop, annotations: {io.cilium/lb-ipam-ips: "10.0.0.1"}'),
      ],
    ],
    passes: [gateway(http, ', infrastructure: {annotations: {lbipam.cilium.io/ips: "10.0.0.1"}}')],
  },
  "GB-1411": {
    refused: [
      ["has no requestHeaderModifier", filter("{type: RequestHeaderModifier}")],
      [
        "RequestHeaderModifier has urlRewrite",
        filter("{type: RequestHeaderModifier, requestHeaderModifier: {}, urlRewrite: {}}"),
      ],
      ["A rule that redirects has backendRefs", filter("{type: RequestRedirect, requestRedirect: {scheme: https}}")],
      [
        "stand together",
        route("{filters: [{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}]}"),
      ],
      ["URLRewrite occurs twice", filter("{type: URLRewrite, urlRewrite: {}}, {type: URLRewrite, urlRewrite: {}}")],
      ["replacePrefixMatch", filter("{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch}}}")],
      [
        "exactly one match",
        rule(
          "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}], matches: [{path: {type: Exact, value: /a}}]",
        ),
      ],
      ["Write /api", match("{type: PathPrefix, value: api}")],
      ["//", match("{value: /a//b}")],
      ["backendRequest 20s is longer", rule("timeouts: {request: 10s, backendRequest: 20s}")],
    ],
    passes: [
      route("{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]}"),
      rule(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}], matches: [{path: {type: PathPrefix, value: /a}}]",
      ),
      rule("timeouts: {request: 10s, backendRequest: 10000ms}"),
      match('{type: RegularExpression, value: "api/.*"}'),
      filter(
        "{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}}}, {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 80}}}",
      ),
    ],
  },
  "GB-1412": {
    refused: [
      ["Backend orders has no port", route("{backendRefs: [{name: orders}]}")],
      ["Backend shadow has no port", filter("{type: RequestMirror, requestMirror: {backendRef: {name: shadow}}}")],
      ["has no port 8080, only 80", `${route("{backendRefs: [{name: orders, port: 8080}]}")}${service(80)}`],
      ["cannot send to a Deployment", route("{backendRefs: [{name: orders, kind: Deployment, port: 80}]}")],
      ["multicluster.x-k8s.io", route("{backendRefs: [{name: orders, kind: ServiceImport, port: 80}]}")],
    ],
    passes: [
      `${route(`{${backend}}`)}${service(80)}`,
      route("{backendRefs: [{name: orders, kind: ServiceImport, group: multicluster.x-k8s.io, port: 80}]}"),
      // Of another namespace: not the Service that is given.
      `${route("{backendRefs: [{name: orders, namespace: other, port: 8080}]}")}${service(80)}`,
    ],
  },
  "GB-1413": {
    refused: [
      ["All weights are 0", route("{backendRefs: [{name: a, port: 80, weight: 0}, {name: b, port: 80, weight: 0}]}")],
    ],
    passes: [route("{backendRefs: [{name: a, port: 80, weight: 0}, {name: b, port: 80, weight: 1}]}")],
  },
  "GB-1414": {
    refused: [
      [
        "no listener htpps",
        `${gateway(`${http}, ${https}`)}${route(`{${backend}}`, "parentRefs: [{name: web, sectionName: htpps}]")}`,
      ],
      ["no listener on port 8080", `${gateway(http)}${route(`{${backend}}`, "parentRefs: [{name: web, port: 8080}]")}`],
      ["Did you mean web", `${gateway(http)}${route(`{${backend}}`, "parentRefs: [{name: wep}]")}`],
      ["TLS, which carries no HTTPRoute", `${gateway(tls)}${route(`{${backend}}`)}`],
      [
        "leaves out HTTPRoute",
        `${gateway(http.replace("}", ", allowedRoutes: {kinds: [{kind: GRPCRoute}]}}"))}${route(`{${backend}}`)}`,
      ],
      [
        "takes no routes of pay",
        `${gateway(http)}${route(`{${backend}}`, "parentRefs: [{name: web, namespace: shop}]").replace("namespace: shop}\n", "namespace: pay}\n")}`,
      ],
      [
        "is in shop, not in pay",
        `${gateway(http)}${route(`{${backend}}`).replace("namespace: shop}", "namespace: pay}")}`,
      ],
      [
        "a.example.com fits no listener",
        `${gateway(http.replace("}", ', hostname: "*.example.kr"}'))}${route(`{${backend}}`, "parentRefs: [{name: web}], hostnames: [a.example.com]")}`,
      ],
      [
        "There is no Gateway other",
        [`${gateway(http)}${route(`{${backend}}`, "parentRefs: [{name: other}]")}`, { complete: true }],
      ],
    ],
    passes: [
      sound,
      `${gateway(http)}${route(`{${backend}}`, "parentRefs: [{name: other}]")}`,
      `${gateway(http.replace("}", ', hostname: "*.example.kr"}'))}${route(`{${backend}}`, "parentRefs: [{name: web}], hostnames: [a.example.kr, b.example.com]")}`,
      `${gateway(http.replace("}", ", allowedRoutes: {namespaces: {from: All}}}"))}${route(`{${backend}}`, "parentRefs: [{name: web, namespace: shop}]").replace("namespace: shop}\n", "namespace: pay}\n")}`,
      // A host name has to fit one of its parents only.
      `${gateway(http.replace("}", ", hostname: a.example.kr}"))}${gateway(http.replace("}", ", hostname: b.example.kr}"), "", "other")}${route(`{${backend}}`, "parentRefs: [{name: web}, {name: other}], hostnames: [b.example.kr]")}`,
      route(`{${backend}}`, "parentRefs: [{group: '', kind: Service, name: orders}]"),
    ],
  },
  "GB-1415": {
    refused: [
      ["/api/* is compared literally", match('{type: PathPrefix, value: "/api/*"}')],
      ["Write /api with type: PathPrefix", match('{value: "/api/.*"}')],
    ],
    passes: [match('{type: RegularExpression, value: "/api/.*"}'), match("{type: PathPrefix, value: /api}")],
  },
  "GB-1416": {
    refused: [
      ["There is no Service orders in shop", [sound, { complete: true }]],
      [
        "No ReferenceGrant in pay",
        [
          `${sound}${service(80).replace("namespace: shop", "namespace: pay")}`.replace(
            "name: orders, port: 80",
            "name: orders, namespace: pay, port: 80",
          ),
          { complete: true },
        ],
      ],
    ],
    passes: [
      [`${sound}${service(80)}`, { complete: true }],
      sound,
      [
        `${sound}${service(80).replace("namespace: shop", "namespace: pay")}
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: a, namespace: pay}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: "", kind: Service}]}`.replace(
          "name: orders, port: 80",
          "name: orders, namespace: pay, port: 80",
        ),
        { complete: true },
      ],
    ],
  },
  "GB-1417": {
    refused: [["orders has no parentRefs", route(`{${backend}}`, "hostnames: [a.example.kr]")]],
    passes: [sound, route("{}").replace(", rules: [{}]", "")],
  },
  "GB-1421": {
    refused: [
      ["left Kubernetes with 1.22", ingress(plain, "{}", "extensions/v1beta1")],
      ["There is no Ingress of v2", ingress(plain, "{}", "networking.k8s.io/v2")],
      ["neither rules nor defaultBackend", [ingress("ingressClassName: cilium"), { complete: true }]],
      ["pathType", ingress(`ingressClassName: cilium, ${path(`path: /, ${toOrders}`)}`)],
      ["pathType", ingress(plain.replace("pathType: Prefix", "pathType: prefix"))],
      [
        "v1beta1 form",
        ingress(
          `ingressClassName: cilium, ${path("path: /, pathType: Prefix, backend: {serviceName: orders, servicePort: 80}")}`,
        ),
      ],
      ["Write ingressClassName", ingress(plain.replace("ingressClassName", "ingressClass"))],
      ["Write /api", ingress(plain.replace("path: /", "path: api"))],
      ["orders has no port", ingress(plain.replace(", port: {number: 80}", ""))],
      ["a number and a name", ingress(plain.replace("{number: 80}", "{number: 80, name: http}"))],
      ["10.0.0.1 is no host name", ingress(plain.replace("api.example.kr", "10.0.0.1"))],
      ["api.example.kr:8080 is no host name", ingress(plain.replace("api.example.kr", '"api.example.kr:8080"'))],
      ["ingressClassName and the class annotation", annotated("{kubernetes.io/ingress.class: cilium}")],
      ["Write secretName", ingress(`${plain}, tls: [{hosts: [a], secret: b}]`)],
    ],
    passes: [
      ingress(plain),
      // A patch.
      ingress("ingressClassName: cilium"),
      ingress(plain.replace("api.example.kr", '"*.example.kr"').replace("{number: 80}", "{name: http}")),
    ],
  },
  "GB-1422": {
    refused: [
      ['"LoadBalancer" or "NodePort"', annotated('{ingress.cilium.io/service-type: "ClusterIP"}')],
      ['"dedicated" or "shared"', annotated("{ingress.cilium.io/loadbalancer-mode: Shared}")],
      ["Did you mean ingress.cilium.io/loadbalancer-mode", annotated("{ingress.cilium.io/load-balancer-mode: shared}")],
      ["Cilium does not read ingress.cilium.io/rewrite-target", annotated("{ingress.cilium.io/rewrite-target: /}")],
      ['"30s"', annotated('{ingress.cilium.io/request-timeout: "30"}')],
      ["tls-passthrough", annotated('{ingress.cilium.io/tls-passthrough: "yes"}')],
      ["force-https", annotated('{ingress.cilium.io/force-https: "on"}')],
    ],
    passes: [
      annotated(
        '{ingress.cilium.io/loadbalancer-mode: shared, ingress.cilium.io/force-https: "true", ingress.cilium.io/request-timeout: 1m30s}',
      ),
      annotated("{io.cilium.ingress/loadbalancer-mode: dedicated}"),
    ],
  },
  "GB-1423": {
    refused: [
      [
        "uses the shared load balancer",
        annotated("{ingress.cilium.io/loadbalancer-mode: shared, ingress.cilium.io/service-type: NodePort}"),
      ],
      ["Service is of type LoadBalancer", annotated('{ingress.cilium.io/insecure-node-port: "30080"}')],
      [
        "ignores a rule without a host",
        ingress(plain.replace("host: api.example.kr, ", ""), "{ingress.cilium.io/tls-passthrough: enabled}"),
      ],
      [
        "cannot see the path /api",
        ingress(plain.replace("path: /", "path: /api"), "{ingress.cilium.io/tls-passthrough: enabled}"),
      ],
    ],
    passes: [
      annotated('{ingress.cilium.io/insecure-node-port: "30080", ingress.cilium.io/service-type: NodePort}'),
      annotated("{ingress.cilium.io/tls-passthrough: enabled}"),
    ],
  },
  "GB-1424": {
    refused: [["read by ingress-nginx", annotated("{nginx.ingress.kubernetes.io/rewrite-target: /}")]],
    passes: [ingress(plain.replace("cilium", "nginx"), "{nginx.ingress.kubernetes.io/rewrite-target: /}")],
  },
  "GB-1425": {
    refused: [
      [
        "ingressClassName: cilium",
        ingress(plain.replace("ingressClassName: cilium, ", ""), "{kubernetes.io/ingress.class: cilium}"),
      ],
    ],
    passes: [
      ingress(plain),
      ingress(plain.replace("ingressClassName: cilium, ", ""), "{kubernetes.io/ingress.class: nginx}"),
    ],
  },
  "GB-1426": {
    refused: [["ingressController.enabled", [ingress(plain), { values: {} }]]],
    passes: [
      ingress(plain),
      [ingress(plain), { values: { ingressController: { enabled: true } } }],
      [ingress(plain.replace("cilium", "nginx")), { values: {} }],
    ],
  },
};

describe("rules on Gateway API and Ingress objects", () => {
  testRules(gatewayRules, fixtures);

  it.each(["1.18.4", "1.19.6", "1.20.2"])("finds nothing in a sound shop of %s", (cilium) => {
    expect(findings(gatewayRules, [`${sound}${service(80)}${ingress(plain)}`, { cilium, complete: true }])).toEqual([]);
  });
});
