import { describe, expect, it } from "vitest";
import { loadBalancerRules } from "../../proof/objects/load-balancers.ts";
import { type Fixtures, findings, testRules } from "../support/object-rules.ts";

const pool = (blocks: string, more = "", name = "vip") => `
apiVersion: cilium.io/v2
kind: CiliumLoadBalancerIPPool
metadata: {name: ${name}}
spec: {${blocks}${more}}
---`;
const blocks = (...all: string[]) => `blocks: [${all.join(", ")}]`;
const cidr = (block: string) => `{cidr: "${block}"}`;
const range = (start: string, stop: string) => `{start: "${start}", stop: "${stop}"}`;
const l2 = (spec: string) => `
apiVersion: cilium.io/v2alpha1
kind: CiliumL2AnnouncementPolicy
metadata: {name: office}
spec: {${spec}}
---`;
const clusterPool = (block: string) => ({
  values: { ipam: { mode: "cluster-pool", operator: { clusterPoolIPv4PodCIDRList: [block] } } },
});

const fixtures: Fixtures = {
  "GB-1341": {
    refused: [
      ["cidrs is the old name of blocks", pool("cidrs: [{cidr: 10.90.0.0/24}]")],
      ["Write blocks", pool("block: [{cidr: 10.90.0.0/24}]")],
      ["10.90.0.0/33", pool(blocks(cidr("10.90.0.0/33")))],
      ["10.90.0.0", pool(blocks(cidr("10.90.0.0")))],
      ["Write start", pool(blocks("{begin: 10.0.0.1, stop: 10.0.0.2}").replace("begin", "strat"))],
      ["none of", pool(blocks(cidr("10.90.0.0/24")), ', allowFirstLastIPs: "Maybe"')],
      ["boolean", pool(blocks(cidr("10.90.0.0/24")), ", allowFirstLastIPs: No, disabled: 1")],
      ["serviceSelector", pool(blocks(cidr("10.90.0.0/24")), ", serviceSelectors: {}")],
      ["loadBalancerIPs", l2("loadBalancerIP: true, externalIPs: true")],
      ["interfaces", l2("interface: [eth0], externalIPs: true")],
    ],
    passes: [
      pool(
        blocks(cidr("10.90.0.0/24"), range("10.90.1.10", "10.90.1.50")),
        ', allowFirstLastIPs: "No", disabled: false',
      ),
      [pool(blocks(cidr("10.90.0.0/24"))).replace("cilium.io/v2", "cilium.io/v2alpha1"), { cilium: "1.18.12" }],
      l2("loadBalancerIPs: true, interfaces: [^eth0$], serviceSelector: null"),
      // Cleared by the API server, without harm.
      pool(blocks(cidr("10.90.0.0/24"))).replace("{name: vip}", "{name: vip, namespace: kube-system}"),
    ],
  },
  "GB-1342": {
    refused: [
      ["only cidr is used", pool(blocks('{cidr: 10.90.0.0/24, start: "10.90.1.1"}'))],
      ["10.90.1.50 is after stop 10.90.1.10", pool(blocks(range("10.90.1.50", "10.90.1.10")))],
      ["two address families", pool(blocks(range("10.90.1.10", "fd00::1")))],
      ["stop 10.90.1.9 but no start", pool(blocks("{stop: 10.90.1.9}"))],
      ["neither cidr nor start", pool(blocks("{}"))],
      ["10.90.1.0/24 is no IP address", pool(blocks(range("10.90.1.0/24", "10.90.1.9")))],
      ["10.90.1.256 is no IP address", pool(blocks(range("10.90.1.10", "10.90.1.256")))],
      ["vip has no blocks", pool("serviceSelector: {}")],
    ],
    passes: [
      pool(blocks(range("10.90.1.10", "10.90.1.10"))),
      pool(blocks("{start: 10.90.1.10}")),
      pool(blocks(range("fd00::a", "fd00::ff"))),
    ],
  },
  "GB-1343": {
    refused: [
      [
        "10.90.0.128/25 shares addresses with 10.90.0.0/24 of the same pool",
        pool(blocks(cidr("10.90.0.0/24"), cidr("10.90.0.128/25"))),
      ],
      [
        "pool vip",
        `${pool(blocks(cidr("10.90.0.0/24")))}${pool(blocks(range("10.90.0.255", "10.90.1.9")), "", "other")}`,
      ],
      [
        "whatever",
        `${pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {a: b}}")}${pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {a: c}}", "whatever-other")}`.replace(
          "name: vip",
          "name: whatever",
        ),
      ],
      ["fd00::/64", `${pool(blocks(cidr("fd00::/64")))}${pool(blocks(cidr("fd00::ff00/120")), "", "v6")}`],
    ],
    passes: [
      `${pool(blocks(cidr("10.90.0.0/25"), cidr("10.90.0.128/25")))}${pool(blocks(cidr("10.90.1.0/24")), "", "other")}`,
      pool(blocks(cidr("10.90.0.0/24"), cidr("fd00::/120"))),
      // One pool of two clusters.
      `${pool(blocks(cidr("10.90.0.0/24")))}${pool(blocks(cidr("10.90.0.0/24")))}`,
    ],
  },
  "GB-1344": {
    refused: [
      ["127.0.0.0/24 reaches into", pool(blocks(cidr("127.0.0.0/24")))],
      ["multicast", pool(blocks(cidr("239.1.0.0/24")))],
      ["fe80::/10", pool(blocks(cidr("fe80::/64")))],
      ["10.0.0.0/8 (pods)", [pool(blocks(cidr("10.90.0.0/24"))), clusterPool("10.0.0.0/8")]],
    ],
    passes: [pool(blocks(cidr("10.90.0.0/24"))), [pool(blocks(cidr("10.90.0.0/24"))), clusterPool("10.128.0.0/16")]],
  },
  "GB-1345": {
    refused: [
      [
        "Did you mean io.kubernetes.service.namespace",
        pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {io.kubernetes.service.namespce: shop}}"),
      ],
      [
        "io.kubernetes.service/namespace",
        pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {io.kubernetes.service/namespace: shop}}"),
      ],
      [
        "k8s:io.kubernetes.service.namespace",
        l2(
          'externalIPs: true, serviceSelector: {matchExpressions: [{key: "k8s:io.kubernetes.service.namespace", operator: Exists}]}',
        ),
      ],
    ],
    passes: [
      pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {io.kubernetes.service.namespace: shop}}"),
      pool(blocks(cidr("10.90.0.0/24")), ", serviceSelector: {matchLabels: {io.kubernetes.service/cluster: infra}}"),
    ],
  },
  "GB-1346": {
    refused: [
      ["office has neither", l2("interfaces: [eth0]")],
      ["office has neither", l2("externalIPs: false, loadBalancerIPs: false")],
    ],
    passes: [l2("loadBalancerIPs: true"), l2("externalIPs: true")],
  },
  "GB-1347": {
    refused: [
      ["*eth is no regular expression", l2('externalIPs: true, interfaces: ["*eth"]')],
      ["^(?!lo)", l2('externalIPs: true, interfaces: ["^(?!lo).*"]')],
      ["^eth[0-9+$", l2('externalIPs: true, interfaces: ["^eth[0-9+$"]')],
    ],
    passes: [l2('externalIPs: true, interfaces: ["^eth[0-9]+$", "^(?P<name>en).*", eno1]')],
  },
  "GB-1348": {
    refused: [
      ["l2announcements.enabled: true", [l2("externalIPs: true"), { values: { kubeProxyReplacement: true } }]],
      ["kubeProxyReplacement: true", [l2("externalIPs: true"), { values: { l2announcements: { enabled: true } } }]],
    ],
    passes: [
      l2("externalIPs: true"),
      [l2("externalIPs: true"), { values: { l2announcements: { enabled: true }, kubeProxyReplacement: "true" } }],
    ],
  },
  "GB-1349": {
    refused: [
      [
        "two pools named vip",
        [`${pool(blocks(cidr("10.90.0.0/24")))}${pool(blocks(cidr("10.91.0.0/24")))}`, { complete: true }],
      ],
    ],
    passes: [
      [`${pool(blocks(cidr("10.90.0.0/24")))}${pool(blocks(cidr("10.91.0.0/24")), "", "b")}`, { complete: true }],
    ],
  },
};

describe("rules on address pools and L2 policies", () => {
  testRules(loadBalancerRules, fixtures);

  it("reads addresses of both families in every spelling", () => {
    const overlapping = [
      ["::1:0:0/112", "::1:0:10/124"],
      ["fd00::1.2.3.0/120", "fd00::102:300/120"],
      ["0:0:0:0:0:0:a:0/112", "::a:0/112"],
    ];
    for (const [one = "", other = ""] of overlapping) {
      expect(findings(loadBalancerRules, pool(blocks(cidr(one), cidr(other)))).join()).toContain("GB-1343");
    }
  });
});
