import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { policyRules } from "../../proof/objects/policies.ts";
import type { KubernetesObject } from "../../proof/rule.ts";

/** A policy that uses most of the language, and uses it right. */
const cilium = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: orders
  namespace: trading
  labels: { team: core }
spec:
  endpointSelector:
    matchLabels: { app: orders }
  enableDefaultDeny: { ingress: true, egress: true }
  ingress:
    - fromEndpoints:
        - matchLabels: { app: web, "k8s:io.kubernetes.pod.namespace": dmz }
      toPorts:
        - ports:
            - { port: "8080", protocol: TCP }
          rules:
            http:
              - { method: GET, path: "/orders/.*", headers: ["X-Trace"] }
    - fromEntities: [host]
      authentication: { mode: disabled }
    - fromEndpoints:
        - matchExpressions: [{ key: tier, operator: In, values: [a, b] }]
  ingressDeny:
    - fromCIDRSet:
        - { cidr: 10.0.0.0/8, except: [10.20.0.0/16] }
  egress:
    - toEndpoints:
        - matchLabels: { "k8s:io.kubernetes.pod.namespace": kube-system, "k8s:k8s-app": kube-dns }
      toPorts:
        - ports: [{ port: "53", protocol: ANY }]
          rules: { dns: [{ matchPattern: "*.example.com" }] }
    - toFQDNs: [{ matchName: api.example.com }]
      toPorts:
        - ports: [{ port: "443", endPort: 444, protocol: TCP }]
    - toCIDR: [192.0.2.0/24]
    - toServices: [{ k8sService: { serviceName: ledger, namespace: books } }]
    - icmps: [{ fields: [{ type: EchoRequest, family: IPv4 }] }]
`;

const kubernetes = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: orders
  namespace: trading
spec:
  podSelector:
    matchLabels: { app: orders }
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector:
            matchLabels: { team: web }
          podSelector: {}
        - ipBlock:
            cidr: 10.0.0.0/8
            except: [10.20.0.0/16]
      ports:
        - { port: 8080, protocol: TCP }
        - { port: metrics }
  egress:
    - ports:
        - { port: 5000, endPort: 5010, protocol: UDP }
`;

const clusterwide = `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: nodes
spec:
  nodeSelector:
    matchLabels: { "node-role.kubernetes.io/control-plane": "" }
  ingress:
    - fromEntities: [cluster]
    - fromCIDR: [10.0.0.0/8]
      toPorts:
        - ports: [{ port: "6443", protocol: TCP }]
  egress:
    - toEntities: [all]
`;

function findings(text: string, version = "1.20.2"): string[] {
  const object: KubernetesObject = parse(text);
  return policyRules.flatMap(({ code, check }) =>
    check({ cilium: version, objects: [object], complete: false }).map(
      ({ path, message, fix }) => `${code} ${path.map(String).join(".")} ${message} ${fix}`,
    ),
  );
}

/** One slip: what is written, what it becomes, and what the finding must name. */
type Slip = readonly [from: string, to: string, named: string];

function slips(text: string, table: readonly Slip[]): void {
  it("starts from a sound policy", () => {
    for (const version of ["1.18.12", "1.19.6", "1.20.2"]) expect(findings(text, version)).toEqual([]);
  });

  it.each(table)("does not keep silent about %s -> %s", (from, to, named) => {
    expect(text).toContain(from);
    expect(findings(text.replace(from, to)).join("\n")).toContain(named);
  });
}

describe("a CiliumNetworkPolicy with one slip", () => {
  slips(cilium, [
    // Kinds, versions, metadata.
    ["cilium.io/v2", "cilium.io/v1", "GB-1203 0.apiVersion"],
    ["cilium.io/v2", "cilium.io/v2alpha1", "cilium.io/v2alpha1"],
    ["cilium.io/v2", "networking.k8s.io/v1", "networking.k8s.io/v1"],
    ["kind: CiliumNetworkPolicy", "kind: CiliumNetworkPolicies", "Write kind: CiliumNetworkPolicy"],
    ["kind: CiliumNetworkPolicy", "kind: CiliumNetworkpolicy", '"CiliumNetworkpolicy"'],
    ["kind: CiliumNetworkPolicy", "kind: CiliumNetworkPolcy", "Write kind: CiliumNetworkPolicy"],
    ["name: orders", "name: Orders_API", "Orders_API"],
    ["name: orders", "nmae: orders", "has no name"],
    ["namespace: trading", "namespce: trading", "Write namespace"],
    ["team: core", "team: 7", "labels.team"],
    // Names of fields.
    ["\nspec:", "\nspecc:", "specc"],
    ["\nspec:", "\nspecs:", "specs"],
    ["endpointSelector:", "podSelector:", "Write endpointSelector"],
    ["endpointSelector:", "endpointselector:", "Write endpointSelector"],
    ["matchLabels: { app: orders }", "matchLabel: { app: orders }", "every pod of the policy's own namespace"],
    ["matchLabels: { app: orders }", "app: orders", 'matchLabels: {"app": "orders"}'],
    ["enableDefaultDeny: {", "enableDefaultDenies: {", "Write enableDefaultDeny"],
    ["enableDefaultDeny: { ingress: true", "enableDefaultDeny: { ingres: true", "Write ingress"],
    ["\n  ingress:", "\n  ingres:", "Write ingress"],
    ["\n  ingressDeny:", "\n  denyIngress:", "denyIngress"],
    [
      "- fromEndpoints:\n        - matchLabels: { app: web",
      "- fromEndpoint:\n        - matchLabels: { app: web",
      "Write fromEndpoints",
    ],
    [
      "- fromEndpoints:\n        - matchLabels: { app: web",
      "- from:\n        - matchLabels: { app: web",
      "without peers the entry is open to everyone",
    ],
    [
      "- fromEndpoints:\n        - matchLabels: { app: web",
      "- toEndpoints:\n        - matchLabels: { app: web",
      "Write fromEndpoints",
    ],
    ["- fromEntities: [host]", "- fromEntity: [host]", "Write fromEntities"],
    ["- fromEntities: [host]", "- fromServices: [{ name: web }]", "`fromServices` is not a field"],
    ["- fromEntities: [host]", "- fromFQDNs: [{ matchName: a.example.com }]", "Names can only be allowed in egress"],
    ["- toCIDR: [192.0.2.0/24]", "- toCIDRs: [192.0.2.0/24]", "Write toCIDR"],
    ["- toCIDR: [192.0.2.0/24]", "- toFQDN: [{ matchName: a.example.com }]", "Write toFQDNs"],
    ["- toCIDR: [192.0.2.0/24]", "- ipBlock: { cidr: 192.0.2.0/24 }", "ipBlock"],
    [
      "toPorts:\n        - ports:\n            - { port",
      "ports:\n        - ports:\n            - { port",
      "open on every port",
    ],
    [
      "toPorts:\n        - ports:\n            - { port",
      "toPort:\n        - ports:\n            - { port",
      "Write toPorts",
    ],
    [
      "- matchLabels: { app: web, ",
      "- namespaceSelector: {}\n          matchLabels: { app: web, ",
      "`namespaceSelector` is not a field",
    ],
    ["- matchLabels: { app: web, ", "- podSelector: { app: web, ", "`podSelector` is not a field"],
    // Nesting.
    ["rules:\n            http:\n              - {", "http:\n              - {", "below rules"],
    [
      '{ port: "8080", protocol: TCP }',
      '{ port: "8080", protocol: TCP, rules: { http: [{}] } }',
      "Move rules up one level",
    ],
    ['ports: [{ port: "53", protocol: ANY }]', 'port: "53"', "beside ports"],
    [
      "- fromCIDRSet:\n        - { cidr: 10.0.0.0/8, except: [10.20.0.0/16] }",
      "- fromCIDRSet: { cidr: 10.0.0.0/8 }",
      "Write it as a list",
    ],
    [
      "ingress:\n    - fromEndpoints:\n        - matchLabels: { app: web",
      "ingress:\n    - fromEndpoints:\n          matchLabels: { app: web",
      "Write it as a list",
    ],
    ["toCIDR: [192.0.2.0/24]", "toCIDR: 192.0.2.0/24", "Write [192.0.2.0/24]"],
    ["fromEntities: [host]", "fromEntities: host", "Write [host]"],
    ["fromEntities: [host]", "fromEntities: { name: host }", "fromEntities"],
    ["    matchLabels: { app: orders }", "    - matchLabels: { app: orders }", "Write one object"],
    // Types and forms.
    ['port: "8080"', "port: 8080", 'port: "8080"'],
    ['port: "8080"', 'port: "80800"', '"80800" is no port'],
    ['port: "8080"', 'port: "http-service-port-of-orders"', "15 characters"],
    ['port: "8080"', 'port: ""', "has no port"],
    ["endPort: 444", 'endPort: "444"', "endPort"],
    ["endPort: 444", "endPort: 70000", "70000"],
    ["endPort: 444", "endPort: 442", "before it starts"],
    ['port: "443", endPort: 444', 'port: "https", endPort: 444', "makes no range"],
    ["protocol: TCP", "protocol: tcp", "in capitals"],
    ["protocol: TCP", "protocol: HTTP", '"HTTP" is none of'],
    ['port: "443", endPort: 444, protocol: TCP', 'port: "8", protocol: ICMP', "Write ICMP as icmps"],
    ["enableDefaultDeny: { ingress: true", 'enableDefaultDeny: { ingress: "yes"', "wants boolean"],
    ["mode: disabled", "mode: mutual", '"mutual" is none of'],
    ["fromEntities: [host]", "fromEntities: [hosts]", "Write host"],
    ["fromEntities: [host]", "fromEntities: [internet]", "internet"],
    ["fromEntities: [host]", "fromEntities: [kube-system]", "named by labels"],
    ["192.0.2.0/24", "192.0.2.0/33", "192.0.2.0/33"],
    ["192.0.2.0/24", "192.0.2.7", "192.0.2.7/32"],
    ["192.0.2.0/24", "192.0.2.256/32", "192.0.2.256/32"],
    ["192.0.2.0/24", "192.0.2.7/24", "all of 192.0.2.0/24"],
    ["except: [10.20.0.0/16]", "except: [172.16.0.0/12]", "is not inside 10.0.0.0/8"],
    ["except: [10.20.0.0/16]", "except: [10.0.0.0/8]", "nothing is left"],
    ["except: [10.20.0.0/16]", "exclude: [10.20.0.0/16]", "exclude"],
    ["operator: In,", "operator: in,", '"in" is none of'],
    ["values: [a, b]", "values: []", "has no values"],
    ["operator: In, values: [a, b]", "operator: Exists, values: [a]", "takes no values"],
    ["values: [a, b]", 'values: ["a*"]', "no wildcard"],
    ["app: web,", '"app name": web,', "not a label's key"],
    ["app: web,", "app: web*,", "web*"],
    ["app: web,", "app: true,", 'Write it as text: "true"'],
    ['"k8s:io.kubernetes.pod.namespace": dmz', '"kubernetes.io/metadata.name": dmz', "label of namespaces"],
    [
      '"k8s:io.kubernetes.pod.namespace": dmz',
      '"k8s:io.kubernetes.pod.namespaces": dmz',
      'Write "k8s:io.kubernetes.pod.namespace"',
    ],
    [
      '"k8s:io.kubernetes.pod.namespace": dmz',
      '"k8s.io.kubernetes.pod.namespace": dmz',
      'Write "k8s:io.kubernetes.pod.namespace"',
    ],
    ['"k8s:io.kubernetes.pod.namespace": dmz', '"reserved:hots": ""', 'no reserved label "hots"'],
    ['"k8s:io.kubernetes.pod.namespace": kube-system, ', "", "the cluster's DNS runs in kube-system"],
    ["matchName: api.example.com", 'matchName: "*.example.com"', "matchPattern"],
    ["matchName: api.example.com", "matchName: https://api.example.com", "no scheme"],
    ["matchName: api.example.com", 'matchName: api.example.com, matchPattern: "*"', "exactly one of matchName"],
    ["matchName: api.example.com", "matchName: 192.0.2.9", "is an address"],
    ["matchName: api.example.com", "matchName: api.example.org", "the lookup is refused"],
    ["type: EchoRequest", "type: Ping", "Ping"],
    ["type: EchoRequest", "type: PacketTooBig", "ICMP of IPv4 has no type PacketTooBig"],
    ["type: EchoRequest", "type: 300", "no type 300"],
    ["family: IPv4", "family: ipv4", '"ipv4" is none of'],
    // What stands together and may not.
    ["- fromEntities: [host]", "- fromEntities: [host]\n      fromCIDR: [10.0.0.0/8]", "fromEntities and fromCIDR"],
    [
      "- toCIDR: [192.0.2.0/24]",
      "- toCIDR: [192.0.2.0/24]\n      toFQDNs: [{ matchName: api.example.com }]",
      "toCIDR and toFQDNs",
    ],
    ["- icmps: [", '- toPorts: [{ ports: [{ port: "80" }] }]\n      icmps: [', "icmps and toPorts"],
    ["endpointSelector:", "nodeSelector: {}\n  endpointSelector:", "either endpointSelector"],
    ["endpointSelector:", "nodeSelector:", "nodeSelector in a CiliumNetworkPolicy"],
    [
      "matchLabels: { app: orders }",
      'matchLabels: { "k8s:io.kubernetes.pod.namespace": payments }',
      "lives in trading",
    ],
    ['"8080", protocol: TCP', '"8080", protocol: UDP', "need TCP"],
    ['"8080", protocol: TCP', '"8080"', "without a protocol means ANY"],
    ['"8080", protocol: TCP', '"0", protocol: TCP', "port 0"],
    [
      "http:\n              - {",
      'dns:\n              - matchPattern: "*"\n            http:\n              - {',
      "exactly one of http, dns",
    ],
    [
      'http:\n              - { method: GET, path: "/orders/.*", headers: ["X-Trace"] }',
      'dns: [{ matchPattern: "*" }]',
      "stand in ingress",
    ],
    [
      'http:\n              - { method: GET, path: "/orders/.*", headers: ["X-Trace"] }',
      "grpc: [{ service: a }]",
      "Write gRPC as HTTP",
    ],
    [
      'http:\n              - { method: GET, path: "/orders/.*", headers: ["X-Trace"] }',
      "kafka: [{ topic: a }]",
      "left Cilium with 1.20",
    ],
    [
      'http:\n              - { method: GET, path: "/orders/.*", headers: ["X-Trace"] }',
      "http: []",
      "enforces nothing",
    ],
    // HTTP.
    ["{ method: GET,", "{ action: DENY, method: GET,", "ALLOWS GET /orders/.*"],
    ["{ method: GET,", "{ methods: GET,", "methods"],
    ["method: GET", "method: get", "Write GET"],
    ["method: GET", 'method: "*"', "no regular expression"],
    ["/orders/.*", "/orders/(", "no regular expression"],
    ["/orders/.*", "/orders/(?!admin).*", "looks ahead"],
    ["/orders/.*", "/orders/*", "not a shell pattern"],
    ["/orders/.*", "orders/.*", "does not start with /"],
    ['"X-Trace"', '"Authorization: Bearer .*"', "it is no pattern"],
    ['"X-Trace"', '"X-Trace:on"', "no space after the name"],
    // What it does.
    ["- fromEntities: [host]", "- fromEntities: []", "selects nobody"],
    [
      'toPorts:\n        - ports: [{ port: "443", endPort: 444, protocol: TCP }]',
      "toPorts: []",
      "does not limit the ports",
    ],
    ['rules: { dns: [{ matchPattern: "*.example.com" }] }', "", "no DNS rule shows Cilium"],
    ["- toCIDR: [192.0.2.0/24]", '- toPorts: [{ ports: [{ port: "443" }] }]', "opens them to every destination"],
    ["labels: { team: core }", 'annotations: { policy.cilium.io/priority: "10" }', "policy.cilium.io/priority"],
    ["enableDefaultDeny: {", "policyEnforcement: false\n  enableDefaultDeny: {", "policyEnforcement: false"],
    ["enableDefaultDeny: {", "policyTypes: [Ingress]\n  enableDefaultDeny: {", "policyTypes"],
  ]);
});

describe("a NetworkPolicy with one slip", () => {
  slips(kubernetes, [
    ["networking.k8s.io/v1", "extensions/v1beta1", "extensions/v1beta1"],
    ["networking.k8s.io/v1", "cilium.io/v2", "Write kind: CiliumNetworkPolicy"],
    ["kind: NetworkPolicy", "kind: NetworkPolicies", "Write kind: NetworkPolicy"],
    ["podSelector:\n    matchLabels", "endpointSelector:\n    matchLabels", "Write podSelector"],
    ["policyTypes:", "policyType:", "Write policyTypes"],
    ["[Ingress, Egress]", "[ingress, egress]", "with capitals"],
    ["[Ingress, Egress]", "[Ingress]", "policyTypes lists only Ingress"],
    ["[Ingress, Egress]", "[Egress]", "policyTypes lists only Egress"],
    ["[Ingress, Egress]", "Ingress", "Write [Ingress]"],
    ["- from:", "- fromEndpoints:", "Write from: [{podSelector"],
    ["- from:", "- to:", "Write from"],
    ["podSelector: {}", "podSelectors: {}", "podSelectors"],
    ["podSelector: {}", "ipBlock: { cidr: 10.0.0.0/8 }", "two peers"],
    ["- ipBlock:\n            cidr: 10.0.0.0/8\n            except: [10.20.0.0/16]", "- {}", "names no peer"],
    ["cidr: 10.0.0.0/8", "cidr: 10.0.0.0", "10.0.0.0"],
    ["cidr: 10.0.0.0/8", "cidr: 10.0.0.9/8", "all of 10.0.0.0/8"],
    ["except: [10.20.0.0/16]", "except: [192.168.0.0/16]", "is not inside"],
    ["except: [10.20.0.0/16]", "except: 10.20.0.0/16", "Write [10.20.0.0/16]"],
    ["port: 8080", "port: 0", "0 is no port"],
    ["port: 8080", "port: 70000", "70000 is no port"],
    ["port: 8080", 'port: "8080"', "without quotes"],
    ["port: metrics", "port: Metrics_Port", "no port's name"],
    ["protocol: TCP", "protocol: tcp", "in capitals"],
    ["protocol: TCP", "protocol: ICMP", "ICMP"],
    ["endPort: 5010", "endPort: 4999", "before it starts"],
    ["port: 5000, endPort", "port: web, endPort", "needs a number"],
    ["port: 8080,", "ports: 8080,", "Write port"],
    ["matchLabels: { team: web }", "matchLabels: { team: true }", "team"],
    [
      "policyTypes: [Ingress, Egress]\n  ingress:",
      "action: Deny\n  policyTypes: [Ingress, Egress]\n  ingress:",
      "action",
    ],
  ]);
});

describe("a CiliumClusterwideNetworkPolicy with one slip", () => {
  slips(clusterwide, [
    [
      "kind: CiliumClusterwideNetworkPolicy",
      "kind: CiliumClusterWideNetworkPolicy",
      "Write kind: CiliumClusterwideNetworkPolicy",
    ],
    ["kind: CiliumClusterwideNetworkPolicy", "kind: CiliumClusterNetworkPolicy", "CiliumClusterNetworkPolicy"],
    ["kind: CiliumClusterwideNetworkPolicy", "kind: CiliumNetworkPolicy", "nodeSelector in a CiliumNetworkPolicy"],
    ["name: nodes", "name: nodes\n  namespace: kube-system", "cluster-scoped"],
    ["nodeSelector:", "nodeselector:", "Write nodeSelector"],
    ["matchLabels: {", "matchLabel: {", "every node"],
    [
      "protocol: TCP }]",
      'protocol: TCP }]\n          rules: { http: [{ path: "/" }] }',
      "policy of nodes has HTTP rules",
    ],
    ["fromEntities: [cluster]", "fromEntites: [cluster]", "Write fromEntities"],
    ["[{ port", "[{ portRange", "portRange"],
    ["egress:\n    - toEntities: [all]", "egress: []", "`egress: []` denies nothing"],
  ]);
});

/** Every field of a policy, with its path; what users name themselves is left out. */
function fieldsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => fieldsIn(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [
    ...(path.at(-1) === "matchLabels" || path.at(-1) === "labels" ? [] : [[...path, name]]),
    ...fieldsIn(child, [...path, name]),
  ]);
}

function edited(text: string, path: (string | number)[], edit: (parent: object, name: string) => void): string[] {
  const object: KubernetesObject = parse(text);
  let parent: unknown = object;
  for (const step of path.slice(0, -1))
    parent = typeof parent === "object" && parent !== null ? Reflect.get(parent, step) : undefined;
  if (typeof parent === "object" && parent !== null) edit(parent, String(path.at(-1)));
  return policyRules
    .flatMap(({ check }) => check({ cilium: "1.20.2", objects: [object], complete: false }))
    .map(({ message }) => message);
}

describe.each([
  ["CiliumNetworkPolicy", cilium],
  ["CiliumClusterwideNetworkPolicy", clusterwide],
  ["NetworkPolicy", kubernetes],
])("every field of a %s", (_, text) => {
  const fields = fieldsIn(parse(text)).filter(([first]) => first !== "apiVersion" && first !== "kind");

  it.each(fields.map((path) => [path.join("."), path] as const))("%s is missed when it is misspelt", (_name, path) => {
    const found = edited(text, path, (parent, name) => {
      Reflect.set(parent, `${name}x`, Reflect.get(parent, name));
      Reflect.deleteProperty(parent, name);
    });
    expect(found).not.toEqual([]);
  });

  it.each(fields.map((path) => [path.join("."), path] as const))("%s is refused with another type", (_name, path) => {
    const type = (value: unknown) => (Array.isArray(value) ? "array" : typeof value);
    const original = path.reduce((value: unknown, step) => Reflect.get(Object(value), step), parse(text));
    const silent = [42.5, "?", true, ["?"], { "?": 1 }]
      .filter((wrong) => type(wrong) !== type(original))
      .filter((wrong) => edited(text, path, (parent, name) => Reflect.set(parent, name, wrong)).length === 0);
    expect(silent).toEqual([]);
  });
});
