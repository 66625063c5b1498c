import { describe, expect, it } from "vitest";
import { policyRules } from "../../proof/objects/policies.ts";
import type { KubernetesObject, ObjectsSubject } from "../../proof/rule.ts";

type Fields = Readonly<Record<string, unknown>>;

function cnp(spec: Fields, metadata: Fields = {}): KubernetesObject {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "orders", namespace: "trading", ...metadata },
    spec: { endpointSelector: { matchLabels: { app: "orders" } }, ...spec },
  };
}
function ccnp(spec: Fields, metadata: Fields = {}): KubernetesObject {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumClusterwideNetworkPolicy",
    metadata: { name: "baseline", ...metadata },
    spec,
  };
}
function knp(spec: Fields, namespace = "trading"): KubernetesObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "orders", namespace },
    spec: { podSelector: {}, ...spec },
  };
}
const ingress = (...entries: Fields[]) => cnp({ ingress: entries });
const egress = (...entries: Fields[]) => cnp({ egress: entries });
const ports = (port: string, more: Fields = {}, protocol = "TCP") => ({ ports: [{ port, protocol }], ...more });
const http = (...rules: Fields[]) => ingress({ toPorts: [ports("8080", { rules: { http: rules } })] });
const dns = (...names: Fields[]) => ({
  toEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns" } }],
  toPorts: [ports("53", { rules: { dns: names.length === 0 ? [{ matchPattern: "*" }] : names } }, "ANY")],
});
const github = { toFQDNs: [{ matchName: "api.github.com" }], toPorts: [ports("443")] };

type Context = Partial<Omit<ObjectsSubject, "objects">>;
/** Objects with what is known of their cluster; Cilium is 1.20 unless said otherwise. */
type Case = KubernetesObject | readonly [Context, ...KubernetesObject[]];

function isList(given: Case): given is readonly [Context, ...KubernetesObject[]] {
  return Array.isArray(given);
}
function subject(given: Case): ObjectsSubject {
  const [context, ...objects] = isList(given) ? given : [{}, given];
  return { cilium: "1.20.2", complete: false, ...context, objects };
}

/** For each rule: what it must refuse, with what the message must name, and near misses that must pass. */
const fixtures: Record<string, { refused: [string, Case][]; passes: Case[] }> = {
  "GB-1201": {
    refused: [
      ["ALLOWS GET /admin", http({ method: "GET", path: "/admin", action: "DENY" })],
      ["namespaceSelector", ingress({ fromEndpoints: [{ matchLabels: { app: "web" }, namespaceSelector: {} }] })],
      ["fromServices", ingress({ fromServices: [{ name: "web" }] })],
      ["grpc", ingress({ toPorts: [ports("9090", { rules: { grpc: [{ service: "user" }] } })] })],
      ["kafka", [{ cilium: "1.20.2" }, egress({ toPorts: [ports("9092", { rules: { kafka: [{ topic: "a" }] } })] })]],
      ["policyEnforcement", cnp({ policyEnforcement: false, ingress: [{}] })],
      ["rules", cnp({ ingressDeny: [{ toPorts: [ports("80", { rules: { http: [{}] } })] }] })],
    ],
    passes: [
      http({ method: "GET", path: "/admin" }),
      [{ cilium: "1.19.6" }, egress({ toPorts: [ports("9092", { rules: { kafka: [{ topic: "a" }] } })] })],
    ],
  },
  "GB-1202": {
    refused: [
      ["wants string, got 80", ingress({ toPorts: [{ ports: [{ port: 80 }] }] })],
      ['"10.0.0.0/33" is not a valid cidr', egress({ toCIDR: ["10.0.0.0/33"] })],
      ["cluster-mesh", [{ cilium: "1.19.6" }, ingress({ fromEntities: ["cluster-mesh"] })]],
      ["VRRP", [{ cilium: "1.18.12" }, ingress({ toPorts: [ports("0", {}, "VRRP")] })]],
      ["fromRequires", [{ cilium: "1.19.6" }, ingress({ fromRequires: [{ matchLabels: { a: "b" } }] })]],
      ["no name", { ...ingress({}), metadata: {} }],
    ],
    passes: [
      ingress({ toPorts: [{ ports: [{ port: "80" }] }] }),
      ingress({ fromEntities: ["cluster-mesh"] }),
      [{ cilium: "1.19.6" }, ingress({ toPorts: [ports("0", {}, "VRRP")] })],
      [{ cilium: "1.18.12" }, ingress({ fromRequires: [{ matchLabels: { a: "b" } }] })],
      cnp({ ingress: [{}], log: { value: "PCI scope" } }),
      egress({ toCIDR: ["${" + "NAS}/32"] }),
    ],
  },
  "GB-1203": {
    refused: [
      ['"CiliumNetworkPolicies"', { ...ingress({}), kind: "CiliumNetworkPolicies" }],
      ["cilium.io/v2alpha1", { ...ingress({}), apiVersion: "cilium.io/v2alpha1" }],
      ["extensions/v1beta1", { ...knp({}), apiVersion: "extensions/v1beta1" }],
      ["namespce", { ...ingress({}), metadata: { name: "a", namespce: "b" } }],
    ],
    passes: [
      ingress({}),
      { apiVersion: "projectcalico.org/v3", kind: "NetworkPolicy", metadata: { name: "a" }, spec: {} },
      { apiVersion: "cilium.io/v2", kind: "CiliumNode", metadata: { name: "a" }, spec: {} },
    ],
  },
  "GB-1204": {
    refused: [
      ["`ingress: []` and `egress: []` deny nothing", cnp({ ingress: [], egress: [] })],
      ["`ingress: []` denies nothing", cnp({ ingress: [], egress: [dns()] })],
      ["neither ingress nor egress", cnp({})],
      ["neither spec nor specs", [{ cilium: "1.18.12" }, { ...cnp({}), spec: undefined }]],
    ],
    passes: [
      cnp({ ingress: [{}], egress: [{}] }),
      cnp({ ingressDeny: [], ingress: [{ fromEntities: ["host"] }] }),
      cnp({ ingress: [], egress: [dns()], enableDefaultDeny: { ingress: false } }),
    ],
  },
  "GB-1205": {
    refused: [["enableDefaultDeny.ingress", cnp({ egress: [dns()], enableDefaultDeny: { ingress: true } })]],
    passes: [cnp({ egress: [dns()], enableDefaultDeny: { egress: true } })],
  },
  "GB-1206": {
    refused: [
      ["allow-all", cnp({ ingress: [{}] }, { name: "allow-all" })],
      ["orders-deny", { ...knp({ ingress: [{}] }), metadata: { name: "orders-deny" } }],
    ],
    passes: [
      cnp({ ingress: [{ fromEntities: ["all"] }] }, { name: "allow-all" }),
      cnp({ ingress: [{}] }, { name: "deny-all" }),
    ],
  },
  "GB-1207": {
    refused: [["egressDeny", ccnp({ endpointSelector: {}, egressDeny: [{ toCIDR: ["169.254.169.254/32"] }] })]],
    passes: [
      ccnp({
        endpointSelector: {},
        egressDeny: [{ toCIDR: ["169.254.169.254/32"] }],
        enableDefaultDeny: { egress: false },
      }),
      ccnp({
        endpointSelector: {},
        egressDeny: [{ toCIDR: ["169.254.169.254/32"] }],
        egress: [{ toEntities: ["all"] }],
      }),
      [
        {},
        ccnp({ endpointSelector: {}, egressDeny: [{ toCIDR: ["169.254.169.254/32"] }] }),
        egress({ toEntities: ["all"] }),
      ],
      cnp({ ingressDeny: [{ fromEntities: ["world"] }] }),
    ],
  },
  "GB-1208": {
    refused: [
      ["policy.cilium.io/priority", cnp({ ingress: [{}] }, { annotations: { "policy.cilium.io/priority": "1" } })],
    ],
    passes: [cnp({ ingress: [{}] }, { annotations: { "example.kr/priority": "1" } })],
  },
  "GB-1209": {
    refused: [
      [
        "tier: application",
        [
          {},
          egress({ toEndpoints: [{ matchLabels: { tier: "application" } }] }),
          cnp(
            { endpointSelector: { matchLabels: { tier: "application" } }, ingress: [{}] },
            { namespace: "application" },
          ),
        ],
      ],
      ["kube-system", egress({ toEndpoints: [{ matchLabels: { "k8s-app": "kube-dns" } }] })],
      [
        "payments",
        [
          {},
          ingress({ fromEndpoints: [{ matchLabels: { app: "pay" } }] }),
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            metadata: { name: "pay", namespace: "payments" },
            spec: { template: { metadata: { labels: { app: "pay" } } } },
          },
        ],
      ],
    ],
    passes: [
      [
        {},
        egress({
          toEndpoints: [{ matchLabels: { tier: "application", "k8s:io.kubernetes.pod.namespace": "application" } }],
        }),
        cnp(
          { endpointSelector: { matchLabels: { tier: "application" } }, ingress: [{}] },
          { namespace: "application" },
        ),
      ],
      [
        {},
        egress({ toEndpoints: [{ matchLabels: { tier: "application" } }] }),
        cnp({ endpointSelector: { matchLabels: { tier: "application" } }, ingress: [{}] }),
      ],
      ccnp({ endpointSelector: {}, egress: [{ toEndpoints: [{ matchLabels: { "k8s-app": "kube-dns" } }] }] }),
    ],
  },
  "GB-1210": {
    refused: [
      ["In of app has no values", ingress({ fromEndpoints: [{ matchExpressions: [{ key: "app", operator: "In" }] }] })],
      ['"a*"', ingress({ fromEndpoints: [{ matchExpressions: [{ key: "app", operator: "In", values: ["a*"] }] }] })],
      ['"app=web"', ingress({ fromEndpoints: [{ matchLabels: { "app=web": "" } }] })],
      ["k8s:app", knp({ podSelector: { matchLabels: { "k8s:app": "web" } } })],
    ],
    passes: [
      ingress({ fromEndpoints: [{ matchExpressions: [{ key: "app", operator: "Exists" }] }] }),
      ingress({ fromEndpoints: [{ matchLabels: { "k8s:app.kubernetes.io/name": "web" } }] }),
    ],
  },
  "GB-1211": {
    refused: [
      [
        "kubernetes.io/metadata.name",
        ingress({ fromEndpoints: [{ matchLabels: { "kubernetes.io/metadata.name": "web" } }] }),
      ],
      [
        "io.kubernetes.pod.name-space",
        ingress({ fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.name-space": "web" } }] }),
      ],
      ["reserved label", ingress({ fromEndpoints: [{ matchLabels: { "reserved:nodes": "" } }] })],
    ],
    passes: [
      ingress({
        fromEndpoints: [{ matchLabels: { "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": "web" } }],
      }),
      ingress({
        fromEndpoints: [
          { matchLabels: { "k8s:io.kubernetes.pod.namespace": "web" } },
          { matchLabels: { "reserved:host": "" } },
        ],
      }),
      knp({ ingress: [{ from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "web" } } }] }] }),
    ],
  },
  "GB-1212": {
    refused: [
      [
        "pods of payments",
        cnp({ endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": "payments" } }, ingress: [{}] }),
      ],
    ],
    passes: [
      cnp({ endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": "trading" } }, ingress: [{}] }),
      ccnp({ endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": "payments" } }, ingress: [{}] }),
    ],
  },
  "GB-1213": {
    refused: [["nodeSelector", { ...cnp({}), spec: { nodeSelector: {}, ingress: [{}] } }]],
    passes: [ccnp({ nodeSelector: {}, ingress: [{}] })],
  },
  "GB-1214": {
    refused: [
      ["fromEndpoints and fromCIDR", ingress({ fromEndpoints: [{}], fromCIDR: ["10.0.0.0/8"] })],
      ["toEntities and toFQDNs", egress({ toEntities: ["world"], toFQDNs: [{ matchName: "a.example.com" }] })],
    ],
    passes: [
      ingress({ fromEndpoints: [{}] }, { fromCIDR: ["10.0.0.0/8"] }),
      egress({ toEntities: ["world"], toPorts: [ports("443")] }),
    ],
  },
  "GB-1215": {
    refused: [
      ["fromEndpoints: []", ingress({ fromEndpoints: [] })],
      ["toPorts: []", ingress({ fromEntities: ["world"], toPorts: [] })],
    ],
    passes: [ingress({ fromEndpoints: [{}] }), ingress({ fromEntities: ["world"] })],
  },
  "GB-1216": {
    refused: [
      ["172.16.0.0/12 is not inside", egress({ toCIDRSet: [{ cidr: "10.0.0.0/8", except: ["172.16.0.0/12"] }] })],
      [
        "192.168.0.0/16 is not inside",
        knp({ ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["192.168.0.0/16"] } }] }] }),
      ],
      ["nothing is left", egress({ toCIDRSet: [{ cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] }] })],
    ],
    passes: [
      egress({ toCIDRSet: [{ cidr: "10.0.0.0/8", except: ["10.255.0.0/16"] }] }),
      egress({ toCIDRSet: [{ cidr: "fd00::/8", except: ["fd12::/16"] }] }),
    ],
  },
  "GB-1217": {
    refused: [
      ["10.0.0.5/8", egress({ toCIDR: ["10.0.0.5/8"] })],
      ["10.0.0.5/8", knp({ egress: [{ to: [{ ipBlock: { cidr: "10.0.0.5/8" } }] }] })],
    ],
    passes: [egress({ toCIDR: ["10.0.0.5/32", "10.0.0.0/8", "0.0.0.0/0", "::/0"] })],
  },
  "GB-1218": {
    refused: [
      ['"70000" is no port', ingress({ toPorts: [ports("70000")] })],
      ["before it starts", ingress({ toPorts: [{ ports: [{ port: "3010", endPort: 3000, protocol: "TCP" }] }] })],
      [
        "DNS rules take no range",
        egress({
          toPorts: [{ ports: [{ port: "53", endPort: 54, protocol: "UDP" }], rules: { dns: [{ matchPattern: "*" }] } }],
        }),
      ],
      [
        "41 ports",
        cnp({
          ingressDeny: [
            { toPorts: [{ ports: Array.from({ length: 41 }, (_, index) => ({ port: String(8000 + index) })) }] },
          ],
        }),
      ],
    ],
    passes: [
      ingress({ toPorts: [ports("65535")] }, { toPorts: [ports("http-metrics")] }),
      ingress({ toPorts: [{ ports: [{ port: "3000", endPort: 3010, protocol: "TCP" }] }] }),
    ],
  },
  "GB-1219": {
    refused: [
      ["icmps and toPorts", ingress({ icmps: [{ fields: [{ type: 8 }] }], toPorts: [ports("80")] })],
      ["PacketTooBig", ingress({ icmps: [{ fields: [{ type: "PacketTooBig" }] }] })],
    ],
    passes: [ingress({ icmps: [{ fields: [{ type: "PacketTooBig", family: "IPv6" }, { type: 8 }] }] })],
  },
  "GB-1220": {
    refused: [
      ["stand in ingress", ingress({ toPorts: [ports("53", { rules: { dns: [{ matchPattern: "*" }] } }, "UDP")] })],
      ["need TCP", ingress({ toPorts: [{ ports: [{ port: "80" }], rules: { http: [{}] } }] })],
      ["policy of nodes", ccnp({ nodeSelector: {}, ingress: [{ toPorts: [ports("80", { rules: { http: [{}] } })] }] })],
      ["serverNames", egress({ toPorts: [ports("443", { serverNames: ["a.example.com"], rules: { http: [{}] } })] })],
      [
        "A listener stands in ingress",
        ingress({ toPorts: [ports("80", { listener: { envoyConfig: { name: "a" }, name: "b" } })] }),
      ],
    ],
    passes: [
      egress(dns()),
      http({}),
      egress({ toPorts: [ports("443", { serverNames: ["a.example.com"] })] }),
      egress({
        toPorts: [
          ports("443", {
            serverNames: ["a.example.com"],
            terminatingTLS: { secret: { name: "a" } },
            originatingTLS: { secret: { name: "b" } },
            rules: { http: [{}] },
          }),
        ],
      }),
    ],
  },
  "GB-1221": {
    refused: [["`http: []`", http()]],
    passes: [http({})],
  },
  "GB-1222": {
    refused: [
      ["kafka", [{ cilium: "1.19.6" }, egress({ toPorts: [ports("9092", { rules: { kafka: [{ topic: "a" }] } })] })]],
    ],
    passes: [[{ cilium: "1.19.6" }, http({})]],
  },
  "GB-1223": {
    refused: [
      [
        '"consume"',
        [
          { cilium: "1.18.4" },
          egress({ toPorts: [ports("9092", { rules: { kafka: [{ apiKey: "consume", topic: "a" }] } })] }),
        ],
      ],
      [
        '"admin-.*"',
        [{ cilium: "1.18.4" }, egress({ toPorts: [ports("9092", { rules: { kafka: [{ topic: "admin-.*" }] } })] })],
      ],
    ],
    passes: [
      [
        { cilium: "1.18.4" },
        egress({ toPorts: [ports("9092", { rules: { kafka: [{ role: "consume", topic: "a.b-c" }] } })] }),
      ],
    ],
  },
  "GB-1224": {
    refused: [
      ["/users/(", http({ path: "/users/(" })],
      ["looks ahead", http({ path: "/(?!admin).*" })],
      ["method: *", http({ method: "*" })],
      ["back to a group", http({ path: "/(a)/\\1" })],
    ],
    passes: [
      http({ path: "/users/[0-9]+(/.*)?", method: "GET|POST", host: "a\\.example\\.com" }),
      http({ path: "(?i)/users/[[:alnum:]]+", method: ".*" }),
      http({ path: "/users/(?P<id>\\d+)\\z" }),
    ],
  },
  "GB-1225": {
    refused: [
      ["method: get", http({ method: "get" })],
      ["path: api/.*", http({ path: "api/.*" })],
      ["path: /api/*", http({ path: "/api/*" })],
    ],
    passes: [
      http({ method: "GET|HEAD", path: "/api/.*" }),
      http({ method: "(?i)get", path: "^/api/[^/]*$" }),
      http({ path: ".*" }),
    ],
  },
  "GB-1226": {
    refused: [
      ["Authorization", http({ headers: ["Authorization: Bearer .*"] })],
      ["X-Limit", http({ headerMatches: [{ name: "X-Limit", value: "[0-9]+" }] })],
    ],
    passes: [http({ headers: ["Authorization", "Content-Type: application/json", "Accept: */*"] })],
  },
  "GB-1227": {
    refused: [
      ["api.github.com", [{ complete: true }, egress(github)]],
      ["api.github.com", [{ complete: true }, egress(github, dns({ matchName: "www.example.com" }))]],
      [
        "api.github.com",
        [
          { complete: true },
          egress(github),
          cnp({ endpointSelector: { matchLabels: { app: "web" } }, egress: [dns()] }),
        ],
      ],
    ],
    passes: [
      [{ complete: true }, egress(github, dns())],
      [
        { complete: true },
        egress(github),
        ccnp({ endpointSelector: {}, egress: [dns({ matchPattern: "*.github.com" })] }),
      ],
      egress(github),
    ],
  },
  "GB-1228": {
    refused: [["api.github.com", egress(github)]],
    passes: [egress(github, dns({ matchPattern: "**.github.com" })), [{ complete: true }, egress(github)]],
  },
  "GB-1229": {
    refused: [
      ["ports 443", egress({ toFQDNs: [{ matchName: "api.github.com" }] }, { toPorts: [ports("443")] }, dns())],
    ],
    passes: [
      egress(github, dns()),
      egress({ toPorts: [ports("443")] }),
      egress(github, { toPorts: [ports("53", {}, "UDP")] }),
    ],
  },
  "GB-1230": {
    refused: [
      ["192.0.2.7", egress({ toFQDNs: [{ matchName: "192.0.2.7" }] })],
      ["db.books.svc.cluster.local", egress({ toFQDNs: [{ matchName: "db.books.svc.cluster.local" }] })],
    ],
    passes: [egress({ toFQDNs: [{ matchPattern: "*" }, { matchName: "svc.example.com" }] })],
  },
  "GB-1231": {
    refused: [
      ["no policy allows DNS", [{ complete: true }, ccnp({ endpointSelector: {}, egress: [{}] })]],
      ["policyEnforcementMode: always", [{ complete: true, values: { policyEnforcementMode: "always" } }, ingress({})]],
    ],
    passes: [
      [
        { complete: true },
        ccnp({ endpointSelector: {}, egress: [{}] }),
        ccnp({ endpointSelector: {}, egress: [dns()] }),
      ],
      [{ complete: true }, ccnp({ endpointSelector: {}, ingress: [{}] })],
      ccnp({ endpointSelector: {}, egress: [{}] }),
    ],
  },
  "GB-1232": {
    refused: [
      [
        "Namespace trading",
        [
          {},
          cnp({ endpointSelector: {}, egress: [{}] }),
          egress({ toEndpoints: [{ matchLabels: { app: "db" } }], toPorts: [ports("5432")] }),
        ],
      ],
      [
        "Namespace trading",
        [
          {},
          knp({ policyTypes: ["Ingress", "Egress"] }),
          knp({ egress: [{ to: [{ podSelector: {} }], ports: [{ port: 5432 }] }] }),
        ],
      ],
    ],
    passes: [
      [
        {},
        cnp({ endpointSelector: {}, egress: [{}] }),
        egress({ toEndpoints: [{ matchLabels: { app: "db" } }], toPorts: [ports("5432")] }, dns()),
      ],
      [
        {},
        knp({ policyTypes: ["Ingress", "Egress"] }),
        knp({ egress: [{ ports: [{ port: 53, protocol: "UDP" }] }, { ports: [{ port: 5432 }] }] }),
      ],
      knp({ policyTypes: ["Ingress", "Egress"] }),
    ],
  },
  "GB-1233": {
    refused: [
      [
        "hostFirewall.enabled is false",
        [{ values: {} }, ccnp({ nodeSelector: {}, ingress: [{ fromEntities: ["cluster"] }] })],
      ],
    ],
    passes: [
      [
        { values: { hostFirewall: { enabled: true } } },
        ccnp({ nodeSelector: {}, ingress: [{ fromEntities: ["cluster"] }] }),
      ],
      ccnp({ nodeSelector: {}, ingress: [{ fromEntities: ["cluster"] }] }),
    ],
  },
  "GB-1234": {
    refused: [
      ["nodeSelectorLabels", [{ values: {} }, ingress({ fromNodes: [{}] })]],
      ["l7Proxy", [{ values: { l7Proxy: false } }, http({})]],
      ["authentication", [{ values: {} }, ingress({ authentication: { mode: "required" } })]],
      ["enable-extended-ip-protocols", [{ values: {} }, ingress({ toPorts: [ports("0", {}, "VRRP")] })]],
    ],
    passes: [
      [{ values: { nodeSelectorLabels: true } }, ingress({ fromNodes: [{}] })],
      [{ values: {} }, http({})],
      [
        { values: { extraConfig: { "enable-extended-ip-protocols": "true" } } },
        ingress({ toPorts: [ports("0", {}, "VRRP")] }),
      ],
      ingress({ fromNodes: [{}] }),
    ],
  },
  "GB-1235": {
    refused: [["never", [{ values: { policyEnforcementMode: "never" } }, knp({})]]],
    passes: [[{ values: { policyEnforcementMode: "default" } }, knp({})]],
  },
  "GB-1236": {
    refused: [
      [
        "called pusan",
        [
          { values: { cluster: { name: "seoul" }, clustermesh: { config: { clusters: [{ name: "busan" }] } } } },
          ingress({ fromEndpoints: [{ matchLabels: { "io.cilium.k8s.policy.cluster": "pusan" } }] }),
        ],
      ],
    ],
    passes: [
      [
        { values: { cluster: { name: "seoul" }, clustermesh: { config: { clusters: { busan: {} } } } } },
        ingress({ fromEndpoints: [{ matchLabels: { "io.cilium.k8s.policy.cluster": "busan" } }] }),
      ],
      [
        { values: { cluster: { name: "seoul" } } },
        ingress({ fromEndpoints: [{ matchLabels: { "io.cilium.k8s.policy.cluster": "busan" } }] }),
      ],
    ],
  },
  "GB-1237": {
    refused: [
      [
        "10.128.3.0/24",
        [
          { values: { ipam: { operator: { clusterPoolIPv4PodCIDRList: ["10.128.0.0/16"] } } } },
          ingress({ fromCIDR: ["10.128.3.0/24"] }),
        ],
      ],
    ],
    passes: [
      [
        { values: { ipam: { operator: { clusterPoolIPv4PodCIDRList: ["10.128.0.0/16"] } } } },
        ingress({ fromCIDR: ["10.129.3.0/24", "10.0.0.0/8"] }),
      ],
    ],
  },
  "GB-1238": {
    refused: [
      ["CiliumCIDRGroup offices", [{ complete: true }, ingress({ fromCIDRSet: [{ cidrGroupRef: "offices" }] })]],
      [
        "CiliumEnvoyConfig proxy",
        [
          { complete: true },
          egress({ toPorts: [ports("80", { listener: { envoyConfig: { name: "proxy" }, name: "a" } })] }),
        ],
      ],
    ],
    passes: [
      [
        { complete: true },
        ingress({ fromCIDRSet: [{ cidrGroupRef: "offices" }] }),
        { apiVersion: "cilium.io/v2", kind: "CiliumCIDRGroup", metadata: { name: "offices" } },
      ],
      ingress({ fromCIDRSet: [{ cidrGroupRef: "offices" }] }),
    ],
  },
  "GB-1239": {
    refused: [["port 443", egress({ toPorts: [ports("443", { rules: { http: [{}] } })] })]],
    passes: [
      http({}),
      egress({ toPorts: [ports("443", { terminatingTLS: { secret: { name: "a" } }, rules: { http: [{}] } })] }),
    ],
  },
  "GB-1240": {
    refused: [
      ["endpointSelector", { ...knp({}), spec: { endpointSelector: {} } }],
      ["toPorts", knp({ ingress: [{ from: [{ podSelector: {} }], toPorts: [] }] })],
    ],
    passes: [knp({ ingress: [{ from: [{ podSelector: {} }], ports: [] }] })],
  },
  "GB-1241": {
    refused: [
      ["ingress", knp({ policyTypes: ["ingress"] })],
      ["tcp", knp({ ingress: [{ ports: [{ port: 80, protocol: "tcp" }] }] })],
    ],
    passes: [knp({ policyTypes: ["Ingress"], ingress: [{ ports: [{ port: 80, protocol: "TCP" }] }] })],
  },
  "GB-1242": {
    refused: [
      ["ipBlock and podSelector", knp({ ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }] }] })],
      ["names no peer", knp({ ingress: [{ from: [{}] }] })],
    ],
    passes: [knp({ ingress: [{ from: [{ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8" } }] }, {}] })],
  },
  "GB-1243": {
    refused: [
      ["70000", knp({ ingress: [{ ports: [{ port: 70_000 }] }] })],
      ['"80"', knp({ ingress: [{ ports: [{ port: "80" }] }] })],
      ["ends at 79", knp({ ingress: [{ ports: [{ port: 80, endPort: 79 }] }] })],
    ],
    passes: [knp({ ingress: [{ ports: [{ port: 80, endPort: 80 }, { port: "http" }, { protocol: "UDP" }] }] })],
  },
  "GB-1244": {
    refused: [
      ["lists only Ingress", knp({ policyTypes: ["Ingress"], egress: [{}] })],
      ["`egress: []`", knp({ ingress: [{}], egress: [] })],
    ],
    passes: [
      knp({ policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] }),
      knp({ ingress: [] }),
      knp({ egress: [{}] }),
    ],
  },
  "GB-1246": {
    refused: [
      [
        "no namespace web",
        [
          { complete: true },
          ingress({ fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "web" } }] }),
        ],
      ],
    ],
    passes: [
      [
        { complete: true },
        ingress({ fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "trading" } }] }),
        egress(dns()),
      ],
      [
        { complete: true },
        ingress({ fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "web" } }] }),
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } },
      ],
    ],
  },
  "GB-1247": {
    refused: [
      [
        "Pods app: backend may reach database",
        [
          {},
          cnp({ endpointSelector: {}, ingress: [{}], egress: [{}] }),
          cnp(
            {
              endpointSelector: { matchLabels: { app: "db" } },
              ingress: [{ fromEndpoints: [{ matchLabels: { app: "backend" } }] }],
            },
            { name: "database" },
          ),
        ],
      ],
      [
        "denied ingress",
        [{}, knp({ policyTypes: ["Ingress"] }), egress({ toEndpoints: [{ matchLabels: { app: "db" } }] })],
      ],
    ],
    passes: [
      [
        {},
        cnp({ endpointSelector: {}, ingress: [{}], egress: [{}] }),
        cnp({
          endpointSelector: { matchLabels: { app: "db" } },
          ingress: [{ fromEndpoints: [{ matchLabels: { app: "backend" } }] }],
        }),
        cnp({
          endpointSelector: { matchLabels: { app: "backend" } },
          egress: [{ toEndpoints: [{ matchLabels: { app: "db" } }] }],
        }),
      ],
      [
        {},
        knp({ policyTypes: ["Ingress"] }),
        egress({ toEndpoints: [{ matchLabels: { app: "db" } }] }),
        ccnp({ endpointSelector: {}, ingress: [{ fromEntities: ["cluster"] }] }),
      ],
      egress({ toEndpoints: [{ matchLabels: { app: "db" } }] }),
    ],
  },
};

describe("policy rules", () => {
  it("have distinct codes from GB-1201 to GB-1299, and fixtures of both kinds each", () => {
    const codes = policyRules.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.every((code) => /^GB-12\d\d$/.test(code))).toBe(true);
    expect(Object.keys(fixtures).sort()).toEqual([...codes].sort());
    for (const { refused, passes } of Object.values(fixtures)) {
      expect(refused.length).toBeGreaterThan(0);
      expect(passes.length).toBeGreaterThan(0);
    }
  });

  it.each(policyRules.map(({ code, check }) => [code, check] as const))("%s", (code, check) => {
    for (const [named, given] of fixtures[code]?.refused ?? []) {
      const found = check(subject(given));
      expect(found.map(({ message }) => message).join("\n")).toContain(named);
      for (const { path, fix } of found) {
        expect(typeof path[0]).toBe("number");
        expect(fix).not.toBe("");
      }
    }
    for (const given of fixtures[code]?.passes ?? []) expect(check(subject(given))).toEqual([]);
  });

  it("take any YAML for an object", () => {
    let judged = 0;
    const judge = (given: Case) => {
      for (const { check } of policyRules) judged += check(subject(given)).length;
    };
    const strange: unknown[] = [null, 0, "", [], [[]], {}, { "": null }, "\u0000", Number.NaN, { a: { b: [1, null] } }];
    for (const value of strange) {
      for (const field of ["metadata", "spec", "specs", "kind", "apiVersion"]) {
        for (const object of [cnp({}), ccnp({}), knp({})]) {
          judge({ ...object, [field]: value });
        }
      }
      const fields = [
        "ingress",
        "egress",
        "ingressDeny",
        "egressDeny",
        "endpointSelector",
        "nodeSelector",
        "podSelector",
        "policyTypes",
        "enableDefaultDeny",
      ];
      for (const field of fields) {
        for (const object of [
          cnp({ [field]: value }),
          cnp({ [field]: [value] }),
          knp({ [field]: value }),
          knp({ [field]: [value] }),
        ]) {
          judge(object);
        }
      }
      const inner = [
        "fromEndpoints",
        "toFQDNs",
        "toPorts",
        "fromCIDRSet",
        "icmps",
        "toServices",
        "from",
        "to",
        "ports",
      ];
      for (const field of inner) {
        for (const entry of [
          { [field]: value },
          { [field]: [value] },
          { toPorts: [{ [field]: value, ports: [value], rules: value }] },
        ]) {
          for (const object of [ingress(entry), egress(entry), knp({ ingress: [entry], egress: [entry] })]) {
            judge([{ complete: true, values: {} }, object]);
          }
        }
      }
    }
    expect(judged).toBeGreaterThan(0);
  });
});
