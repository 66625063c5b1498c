import { describe, expect, it } from "vitest";
import { ciliumKindRules } from "../../proof/objects/cilium-kinds.ts";
import { type Fixtures, findings, testRules } from "../support/object-rules.ts";

const object = (kind: string, spec: string, version = "v2", metadata = "{name: a}") => `
apiVersion: cilium.io/${version}
kind: ${kind}
metadata: ${metadata}
spec: {${spec}}
---`;
const old = { cilium: "1.18.12" };
const selectors = "selectors: [{podSelector: {matchLabels: {app: batch}}}]";
const egress = (gateway: string, more = `${selectors}, destinationCIDRs: [203.0.113.0/24]`) =>
  object(
    "CiliumEgressGatewayPolicy",
    `${more}, egressGateway: {nodeSelector: {matchLabels: {egress: "true"}}${gateway}}`,
  );
const redirect = (front: string, back = '[{port: "53", protocol: UDP}]') =>
  object(
    "CiliumLocalRedirectPolicy",
    `redirectFrontend: {${front}}, redirectBackend: {localEndpointSelector: {matchLabels: {k8s-app: node-local-dns}}, toPorts: ${back}}`,
    "v2",
    "{name: dns, namespace: kube-system}",
  );
const service = "serviceMatcher: {serviceName: kube-dns, namespace: kube-system}";
const pods = (cidrs: string, name = "default", maskSize = 24) =>
  object("CiliumPodIPPool", `ipv4: {cidrs: [${cidrs}], maskSize: ${maskSize}}`, "v2alpha1", `{name: ${name}}`);
const nodeConfig = (defaults: string, version = "v2") =>
  object("CiliumNodeConfig", `nodeSelector: {matchLabels: {a: b}}, defaults: {${defaults}}`, version);
const ipsec = (line: string, entry = "keys", name = "cilium-ipsec-keys") =>
  `{apiVersion: v1, kind: Secret, metadata: {name: ${name}, namespace: kube-system}, stringData: {${entry}: "${line}"}}`;
const needed = { egressGateway: { enabled: true }, bpf: { masquerade: true }, kubeProxyReplacement: true };

const fixtures: Fixtures = {
  "GB-1471": {
    refused: [
      ["left Cilium with 1.19", object("CiliumBGPPeeringPolicy", "virtualRouters: []", "v2alpha1")],
      ["left Cilium with 1.20", nodeConfig("enable-bbr: 'true'", "v2alpha1")],
      ["Write kind: CiliumBGPPeerConfig", object("CiliumBGPPeerCfg", "")],
      ["as cilium.io/v2alpha1, not as cilium.io/v2", object("CiliumL2AnnouncementPolicy", "externalIPs: true")],
      ["CiliumLoadBalancerIPPool as cilium.io/v2", object("CiliumLoadBalancerIPPool", "", "v1")],
      ["CiliumExternalWorkload", object("CiliumExternalWorkload", "")],
    ],
    passes: [
      [object("CiliumBGPPeeringPolicy", "virtualRouters: []", "v2alpha1"), old],
      [nodeConfig("enable-bbr: 'true'", "v2alpha1"), { cilium: "1.19.6" }],
      // Tetragon's, of the same group.
      object("TracingPolicy", "kprobes: []", "v1alpha1"),
    ],
  },
  "GB-1472": {
    refused: [
      ["CiliumBGPClusterConfig", [object("CiliumBGPClusterConfig", "", "v2alpha1"), old]],
      ["Write apiVersion: cilium.io/v2", object("CiliumLoadBalancerIPPool", "", "v2alpha1")],
      ["CiliumBGPPeeringPolicy", [object("CiliumBGPPeeringPolicy", "", "v2alpha1"), old]],
      ["CiliumCIDRGroup", object("CiliumCIDRGroup", "externalCIDRs: []", "v2alpha1")],
    ],
    passes: [
      [object("CiliumLoadBalancerIPPool", "blocks: []", "v2alpha1"), old],
      object("CiliumCIDRGroup", "externalCIDRs: [10.0.0.0/8]"),
    ],
  },
  "GB-1473": {
    refused: [
      ["Write externalCIDRs", object("CiliumCIDRGroup", "externalCIDR: [10.0.0.0/8]")],
      ["10.0.0.0/8x", object("CiliumCIDRGroup", "externalCIDRs: [10.0.0.0/8x]")],
      ["destinationCIDRs is missing", egress("", selectors)],
      ["Write egressIP", egress(", egressIp: 10.0.0.9")],
      ["10.0.0.999", egress(", egressIP: 10.0.0.999")],
      ["string", nodeConfig("enable-bbr: true")],
      [
        "httpOptions came with 1.20",
        [object("CiliumGatewayClassConfig", "httpOptions: {}", "v2alpha1", "{name: a, namespace: b}"), old],
      ],
      [
        "ClusterIP",
        object("CiliumGatewayClassConfig", "service: {type: ClusterIP}", "v2alpha1", "{name: a, namespace: b}"),
      ],
      ["exactly one of", redirect(`${service}, addressMatcher: {ip: 169.254.169.254, toPorts: []}`)],
    ],
    passes: [egress(", egressIP: 10.0.0.9"), nodeConfig("enable-bbr: 'true'"), redirect(service)],
  },
  "GB-1474": {
    refused: [
      [
        "app In has no values",
        egress(
          "",
          "selectors: [{podSelector: {matchExpressions: [{key: app, operator: In}]}}], destinationCIDRs: [10.0.0.0/8]",
        ),
      ],
      [
        "app Exists has values",
        egress(
          "",
          "selectors: [{podSelector: {matchExpressions: [{key: app, operator: Exists, values: [a]}]}}], destinationCIDRs: [10.0.0.0/8]",
        ),
      ],
      [
        '"app name" is no label key',
        object("CiliumLoadBalancerIPPool", 'blocks: [], serviceSelector: {matchLabels: {"app name": a}}'),
      ],
    ],
    passes: [
      egress(
        "",
        'selectors: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [a]}], matchLabels: {"k8s:io.kubernetes.pod.namespace": a}}}], destinationCIDRs: [10.0.0.0/8]',
      ),
    ],
  },
  "GB-1475": {
    refused: [
      ["Write enable-bpf-masquerade", nodeConfig("enableBpfMasquerade: 'true'")],
      ["bpf.masquerade is no option", nodeConfig("bpf.masquerade: 'true'")],
    ],
    passes: [nodeConfig("enable-bpf-masquerade: 'true', ipv4-native-routing-cidr: 10.128.0.0/13")],
  },
  "GB-1476": {
    refused: [
      ["10.128.0.0/25 is smaller than a node's block of /24", pods("10.128.0.0/25")],
      [
        "10.128.0.0/24 shares addresses with 10.128.0.0/16 of pool default",
        `${pods("10.128.0.0/16")}${pods("10.128.0.0/24", "batch")}`,
      ],
      ["fd00::/64 stands below ipv4", pods('"fd00::/64"')],
    ],
    passes: [
      `${pods("10.128.0.0/24")}${pods("10.129.0.0/16", "batch")}`,
      `${pods("10.128.0.0/16")}${pods("10.128.0.0/16")}`,
    ],
  },
  "GB-1477": {
    refused: [
      ["egressGateway.enabled: true", [egress(""), { values: { ...needed, egressGateway: { enabled: false } } }]],
      ["bpf.masquerade: true", [egress(""), { values: { ...needed, bpf: {} } }]],
      ["localRedirectPolicies.enabled: true", [redirect(service), { values: {} }]],
      ["ipam.mode: multi-pool", [pods("10.128.0.0/16"), { values: {} }]],
    ],
    passes: [
      [egress(""), { values: needed }],
      [redirect(service), { values: { localRedirectPolicies: { enabled: true } } }],
      pods("10.128.0.0/16"),
    ],
  },
  "GB-1481": {
    refused: [
      ["Both interface eth1 and egressIP 10.0.0.9", egress(", interface: eth1, egressIP: 10.0.0.9")],
      ["came with 1.20", [egress(', egressIP: "fd00::9"'), old]],
      ["no podSelector", egress("", "selectors: [{}], destinationCIDRs: [10.0.0.0/8]")],
      [
        "nodeSelector but no podSelector",
        egress("", "selectors: [{nodeSelector: {}}], destinationCIDRs: [10.0.0.0/8]"),
      ],
      ["No pod is selected", egress("", "selectors: [], destinationCIDRs: [10.0.0.0/8]")],
      ["No destination", egress("", `${selectors}, destinationCIDRs: []`)],
    ],
    passes: [
      egress(", interface: eth1"),
      egress(', egressIP: "fd00::9"'),
      egress("", "selectors: [{podSelector: {}}], destinationCIDRs: [10.0.0.0/8]"),
    ],
  },
  "GB-1482": {
    refused: [
      ["in kube-system, its Service in dns", redirect("serviceMatcher: {serviceName: kube-dns, namespace: dns}")],
      [
        "Port 54 has no name",
        redirect(service, '[{port: "53", name: dns, protocol: UDP}, {port: "54", protocol: TCP}]'),
      ],
      [
        "speaks UDP, the backend TCP",
        redirect(
          'addressMatcher: {ip: 169.254.20.10, toPorts: [{port: "53", protocol: UDP}]}',
          '[{port: "53", protocol: TCP}]',
        ),
      ],
      ["no ports", redirect("addressMatcher: {ip: 169.254.20.10, toPorts: []}")],
    ],
    passes: [
      redirect(service),
      redirect(service, '[{port: "53", name: dns, protocol: UDP}, {port: "53", name: dns-tcp, protocol: TCP}]'),
      redirect('addressMatcher: {ip: 169.254.20.10, toPorts: [{port: "53", protocol: UDP}]}'),
    ],
  },
  "GB-1483": {
    refused: [
      ["its id is 16", ipsec(`16+ rfc4106(gcm(aes)) ${"0a".repeat(20)} 128`)],
      ["its cipher is gcm(aes)", ipsec(`3+ gcm(aes) ${"0a".repeat(20)} 128`)],
      ["has 38 hex digits", ipsec(`3+ rfc4106(gcm(aes)) ${"0a".repeat(19)} 128`)],
      ["not an even number of hex digits", ipsec(`3+ rfc4106(gcm(aes)) ${"0g".repeat(20)} 128`)],
      ["none of 96, 128, 256", ipsec(`3+ rfc4106(gcm(aes)) ${"0a".repeat(20)} 64`)],
      ["not an id such as 3+", ipsec(`rfc4106(gcm(aes)) ${"0a".repeat(20)} 128`)],
      ["no entry `keys`", ipsec("", "key")],
    ],
    passes: [
      ipsec(`3+ rfc4106(gcm(aes)) ${"0a".repeat(20)} 128`),
      ipsec(`15 rfc4106(gcm(aes)) 0x${"0a".repeat(36)} 128`),
      ipsec(`3 hmac(sha256) 0x${"0a".repeat(32)} cbc(aes) 0x${"0a".repeat(32)}`),
      ipsec("ENC[AES256_GCM,data:abc]"),
      ipsec("16+ wrong", "keys", "somebody-elses"),
    ],
  },
  "GB-1491": {
    refused: [
      ["Write annotations", object("CiliumCIDRGroup", "externalCIDRs: []", "v2", "{name: a, annotation: {}}")],
      ["Write namespace", object("CiliumNodeConfig", "", "v2", "{name: a, namspace: b}")],
      ["CiliumCIDRGroup has no name", object("CiliumCIDRGroup", "externalCIDRs: []", "v2", "{labels: {}}")],
      ['name: "7", with quotes', object("CiliumCIDRGroup", "externalCIDRs: []", "v2", "{name: 7}")],
      ["Service has no name", "{apiVersion: v1, kind: Service, metadata: {namespace: shop}}"],
    ],
    passes: [
      object("CiliumCIDRGroup", "externalCIDRs: []", "v2", "{generateName: a-, finalizers: []}"),
      // Judged elsewhere, or not by us.
      "{apiVersion: v1, kind: ConfigMap, metadata: {label: a}}",
    ],
  },
  "GB-1492": {
    refused: [
      ["Write apiVersion: cilium.io/v2", object("CiliumCIDRGroup", "").replace("cilium.io", "cillium.io")],
      ["gateway.networking.k8s.io/v1", "{apiVersion: networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}}"],
      ["gateway.networking.k8s.io/v1", "{apiVersion: gateway.networking.k8.io/v1, kind: Gateway, metadata: {name: a}}"],
      ["networking.k8s.io", "{apiVersion: v1, kind: Ingress, metadata: {name: a}}"],
      ["Write apiVersion: v1", "{apiVersion: apps/v1, kind: Service, metadata: {name: a}}"],
    ],
    passes: [
      // Kinds of the same name in groups of other software.
      "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: a}}",
      "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}",
      "{apiVersion: policy.linkerd.io/v1beta2, kind: HTTPRoute, metadata: {name: a}}",
    ],
  },
};

describe("rules on other kinds of cilium.io", () => {
  testRules(ciliumKindRules, fixtures);

  it("leaves policies to their own rules", () => {
    expect(findings(ciliumKindRules, object("CiliumNetworkPolicy", "ingres: []"))).toEqual([]);
  });
});
