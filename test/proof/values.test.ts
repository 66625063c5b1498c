import { globSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isRecord } from "../../components/cilium/effective-values.ts";
import { mergeValues } from "../../components/cilium/helm-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import { ciliumMinors } from "../../components/cilium/versions.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { ValuesSubject } from "../../proof/rule.ts";
import { releaseConcerns, valuesRules } from "../../proof/values/rules.ts";
import { readChart } from "../../tools/chart-archive.ts";
import { stackFile } from "../support/stacks.ts";

type Values = Readonly<Record<string, unknown>>;
const newest = ciliumMinors.map((minor) => minor.newest);

/** `[code, message]` of everything that the rules find. */
function found(values: Values, cilium = "1.20.2"): { code: string; path: string; message: string; fix: string }[] {
  const subject: ValuesSubject = { cilium, values };
  return valuesRules.flatMap(({ code, check }) =>
    check(subject).map(({ path, message, fix }) => ({ code, path: path.map(String).join("."), message, fix })),
  );
}

/** `a.b: 1` as a tree; several paths merge, and `undefined` takes the key away. */
function tree(paths: Values): Values {
  const nested = Object.entries(paths).map(([path, value]) =>
    path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  );
  return mergeValues(...nested.filter(isRecord));
}

const kpr = { kubeProxyReplacement: true, k8sServiceHost: "api.seoul.example", k8sServicePort: 6443 };
const native = { routingMode: "native", ipv4NativeRoutingCIDR: "10.128.0.0/13", "ipam.mode": "kubernetes" };
const wireguard = { "encryption.enabled": true, "encryption.type": "wireguard" };
const ipsec = { "encryption.enabled": true, "encryption.type": "ipsec" };
/** A mesh member without a doubt in it. */
const member = {
  ...kpr,
  ...native,
  MTU: 1400,
  "cluster.name": "seoul",
  "cluster.id": 1,
  "tls.ca.cert": "UEVN",
  "tls.ca.key": "UEVN",
  "clustermesh.useAPIServer": true,
  "clustermesh.policyDefaultLocalCluster": true,
  "clustermesh.cacheTTL": "60s",
  "clustermesh.apiserver.replicas": 2,
  "clustermesh.config.enabled": true,
  "clustermesh.config.clusters": [{ name: "busan", port: 2379, ips: ["10.91.0.10"] }],
};
const { "clustermesh.cacheTTL": _, ...oldMember } = member;

interface Fixture {
  /** Values, the word that the message must hold, and the version where it is not 1.20.2. */
  readonly refused: readonly [Values, string, string?][];
  /** One step away, and sound. */
  readonly passes: readonly [Values, string?][];
}

const fixtures: Readonly<Record<string, Fixture>> = {
  "GB-1101": {
    refused: [
      [tree({ "hubble.relay.replica": 2 }), "hubble.relay.replica"],
      [tree({ kubeproxyReplacement: true }), "kubeproxyReplacement"],
      [tree({ "bpf.events.monitorInterval": "5s" }), "bpf.events.monitorInterval"],
      [
        tree({ ...member, "clustermesh.config.clusters": [{ name: "b", port: 1, adress: "x", ips: ["10.0.0.1"] }] }),
        "adress",
      ],
      [{ "hubble.enabled": true }, "hubble.enabled"],
    ],
    passes: [
      [tree({ "hubble.relay.replicas": 2 })],
      [tree({ "bpf.monitorInterval": "5s" })],
      [tree({ "extraConfig.anything-at-all": "true", "podAnnotations.a/b": "c", "nodeSelector.a": "b" })],
      [tree({ "ipMasqAgent.config.nonMasqueradeCIDRs": ["10.0.0.0/8"] })],
      [{ global: { clusterDomain: "cluster.local" } }],
      [{}],
    ],
  },
  "GB-1102": {
    refused: [
      [tree({ "bgp.enabled": true }), "bgp"],
      [tree({ tunnel: "disabled" }), "refuses to render with it; 1.14 was the last"],
      [tree({ "encryption.wireguard.userspaceFallback": true }), "1.16 was the last"],
      [tree({ "serviceMesh.enableMutualTLS": true }), "serviceMesh"],
      [tree({ "ingressController.service.nodePorts.http": 30_080 }), "nodePorts"],
      [tree({ "hubble.export.static.backends.jaeger": {} }), "backends"],
      [tree({ "encryption.strictMode.enabled": true }), "1.19 was the last"],
      [tree({ "clustermesh.cacheTTL": "60s" }), "came with 1.19", "1.18.12"],
      [tree({ "encryption.strictMode.egress.enabled": true }), "came with 1.19", "1.18.12"],
      [tree({ "clustermesh.apiserver.tls.server.cert": "UEVN" }), "tls.server.cert"],
      [tree({ "hubble.export.static.aggregationInterval": "30s" }), "came with 1.19", "1.18.12"],
    ],
    passes: [
      [tree({ "bgpControlPlane.enabled": true })],
      [tree({ tunnelProtocol: "vxlan" })],
      [tree({ "clustermesh.cacheTTL": "60s" }), "1.19.7"],
      [tree({ "ingressController.service.insecureNodePort": 30_080 })],
      [tree({ "clustermesh.apiserver.tls.server.cert": "UEVN" }), "1.18.12"],
    ],
  },
  "GB-1103": {
    refused: [
      [tree({ "hubble.enabled": "true" }), "wants boolean"],
      [tree({ "clustermesh.apiserver.replicas": "2" }), "wants integer"],
      [tree({ "scheduling.mode": "spread" }), "spread"],
      [tree({ bpf: true }), "wants object"],
      [tree({ "hubble.metrics.enabled": "dns,drop" }), "wants"],
      [tree({ "clustermesh.config.clusters": { busan: {} } }), "wants array", "1.18.12"],
    ],
    passes: [
      [tree({ "hubble.enabled": true })],
      [tree({ ...kpr, kubeProxyReplacement: "true" })],
      [tree({ k8sServiceHost: "api", k8sServicePort: "6443" })],
      [tree({ "cluster.name": "{{ name }}", "cluster.id": "{{ id }}" })],
      [tree({ "hubble.enabled": null })],
    ],
  },
  "GB-1104": {
    refused: [
      [tree({ "cluster.name": "Seoul", "cluster.id": 1 }), "lower case"],
      [tree({ "cluster.id": 1 }), "default value"],
      [tree({ "cluster.name": "a".repeat(33) }), "32 characters"],
      [tree({ "cluster.name": "a", "cluster.id": 130, "eni.enabled": true }), "cluster ID is 128-255"],
      [tree({ ...kpr, kubeProxyReplacement: "strict" }), "true or false"],
      [tree({ routingMode: "native", enableIPv4Masquerade: true }), "ipv4NativeRoutingCIDR"],
      [tree({ "clustermesh.maxConnectedClusters": 300 }), "255 or 511"],
      [tree({ ...member, "clustermesh.apiserver.tls.authMode": "shared" }), "authMode"],
      [tree({ "hubble.ui.enabled": true }), "Hubble UI requires"],
      [tree({ "hubble.enabled": false, "hubble.relay.enabled": true }), "Hubble Relay requires"],
      [
        tree({
          "hubble.redact.http.headers.allow": ["a"],
          "hubble.redact.http.headers.deny": ["b"],
          "hubble.redact.enabled": true,
        }),
        "Only one of",
      ],
      [tree({ ...kpr, "gatewayAPI.enabled": true, l7Proxy: false }), "l7Proxy"],
      [tree({ "k8sServiceHostRef.name": "a", "k8sServiceHostRef.key": "b", k8sServiceHost: "c" }), "only one of them"],
      [tree({ conntrackGCInterval: "5" }), "duration"],
      [tree({ upgradeCompatibility: "v1.x" }), "Semantic Version"],
      [tree({ "ipam.operator.clusterPoolIPv4PodCIDR": "10.0.0.0/8" }), "PodCIDRList", "1.18.12"],
      [tree({ "hubble.tls.auto.enabled": false }), "hubble.tls.server"],
    ],
    passes: [
      [tree({ "cluster.name": "seoul", "cluster.id": 1 })],
      [tree({ "cluster.name": "a", "cluster.id": 127, "eni.enabled": true })],
      [tree(native)],
      [tree({ routingMode: "native", enableIPv4Masquerade: false })],
      [tree({ "clustermesh.maxConnectedClusters": 511 })],
      [tree({ "hubble.ui.enabled": true, "hubble.relay.enabled": true })],
      [tree({ conntrackGCInterval: "5s" })],
      [tree({ upgradeCompatibility: "1.18" })],
      [tree({ "hubble.tls.auto.enabled": false, "hubble.tls.server.existingSecret": "hubble" })],
    ],
  },
  "GB-1105": {
    refused: [
      [tree({ "prometheus.enabled": true, "prometheus.serviceMonitor.enabled": true }), "prometheus.serviceMonitor"],
    ],
    passes: [
      [
        tree({
          "prometheus.enabled": true,
          "prometheus.serviceMonitor.enabled": true,
          "prometheus.serviceMonitor.trustCRDsExist": true,
        }),
      ],
      [tree({ "prometheus.serviceMonitor.enabled": true })],
    ],
  },
  "GB-1106": {
    refused: [
      [tree({ hubble: null }), "hubble is empty"],
      [tree({ ipam: null }), "ipam is empty"],
    ],
    passes: [[tree({ hubble: {} })], [tree({ nodePort: null })], [tree({ ipv4NativeRoutingCIDR: null })]],
  },
  "GB-1107": {
    refused: [
      [tree({ "extraConfig.enable-foo": true }), "extraConfig.enable-foo"],
      [{ podAnnotations: { "prometheus.io/port": 9962 } }, "9962"],
      [{ operator: { nodeSelector: { infra: true } } }, "operator.nodeSelector.infra"],
      [{ extraEnv: [{ name: "A", value: 5 }] }, "extraEnv.0.value"],
    ],
    passes: [
      [tree({ "extraConfig.enable-foo": "true" })],
      [{ podAnnotations: { "prometheus.io/port": "9962" } }],
      [{ certgen: { annotations: { job: { a: "b" }, cronJob: {} } } }],
      [{ extraEnv: [{ name: "A", value: "5" }] }],
    ],
  },
  "GB-1110": {
    refused: [
      [tree({ ...native, routingMode: "direct" }), "direct"],
      [tree({ tunnelProtocol: "gre" }), "gre"],
      [tree({ "ipam.mode": "clusterpool" }), "clusterpool"],
      [tree({ policyEnforcementMode: "strict" }), "strict"],
      [tree({ ...kpr, ...native, "loadBalancer.mode": "DSR" }), "DSR"],
      [tree({ "bpf.datapathMode": "auto" }), "1.20", "1.19.7"],
      [tree({ ...kpr, "ingressController.enabled": true, "ingressController.loadbalancerMode": "share" }), "share"],
    ],
    passes: [
      [tree({ tunnelProtocol: "geneve" })],
      [tree({ "ipam.mode": "cluster-pool" })],
      [tree({ "bpf.datapathMode": "auto" })],
      [tree({ "bpf.monitorAggregation": "Medium" })],
      [tree({ "ingressController.loadbalancerMode": "share" })],
      [tree({ routingMode: "" })],
    ],
  },
  "GB-1111": {
    refused: [
      [tree({ ...native, ipv4NativeRoutingCIDR: "10.128.0.0" }), "no prefix length"],
      [tree({ ...native, ipv4NativeRoutingCIDR: "fd00::/48" }), "no IPv4 block"],
      [tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/33"] }), "10.128.0.0/33"],
      [tree({ ...member, "clustermesh.cacheTTL": "60" }), "duration"],
      [tree({ ...wireguard, "encryption.wireguard.persistentKeepalive": "25 s" }), "25 s"],
    ],
    passes: [
      [tree(native)],
      [tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/16"] })],
      [tree({ ...member, "clustermesh.cacheTTL": "1m30s" })],
      [tree({ ...native, ipv4NativeRoutingCIDR: "{{ pods }}" })],
    ],
  },
  "GB-1112": {
    refused: [
      [tree({ ...kpr, k8sServicePort: 644_300 }), "644300"],
      [tree({ MTU: -1 }), "MTU"],
      [tree({ "bpf.policyMapMax": 131_072 }), "131072"],
      [tree({ "bpf.mapDynamicSizeRatio": 1.5 }), "1.5"],
      [tree({ ...kpr, "nodePort.range": "32767,30000" }), "nodePort.range"],
    ],
    passes: [
      [tree({ ...kpr, k8sServicePort: 65_535 })],
      [tree({ "bpf.policyMapMax": 65_536 })],
      [tree({ ...kpr, "nodePort.range": "30000,32767" })],
      [tree({ MTU: 0 })],
    ],
  },
  "GB-1113": {
    refused: [
      [tree({ "maglev.tableSize": 65_520 }), "65520"],
      [tree({ "maglev.hashSeed": "c2hvcnQ=" }), "12 bytes"],
    ],
    passes: [[tree({ "maglev.tableSize": 65_521, "maglev.hashSeed": "JLfvgnHc2kaSUFaI" })]],
  },
  "GB-1114": {
    refused: [
      [tree({ "hubble.eventBufferCapacity": 4096 }), "4096"],
      [tree({ "hubble.eventBufferCapacity": 131_071 }), "131071"],
    ],
    passes: [
      [tree({ "hubble.eventBufferCapacity": "4095" })],
      [tree({ "hubble.eventBufferCapacity": 65_535 })],
      [tree({ "hubble.enabled": false, "hubble.eventBufferCapacity": 4096 })],
    ],
  },
  "GB-1115": {
    refused: [
      [tree({ ...kpr, k8sServiceHost: "https://api.seoul.example" }), "https://api.seoul.example"],
      [tree({ ...kpr, k8sServiceHost: "10.10.0.10:6443" }), "10.10.0.10:6443"],
    ],
    passes: [[tree(kpr)], [tree({ ...kpr, k8sServiceHost: "fd00::10" })], [tree({ ...kpr, k8sServiceHost: "auto" })]],
  },
  "GB-1120": {
    refused: [[tree({ kubeProxyReplacement: true }), "k8sServiceHost"]],
    passes: [
      [tree(kpr)],
      [tree({ kubeProxyReplacement: false })],
      [tree({ kubeProxyReplacement: true, "k8s.apiServerURLs": "https://10.10.0.10:6443 https://10.10.0.11:6443" })],
    ],
  },
  "GB-1121": {
    refused: [
      [tree({ autoDirectNodeRoutes: true }), "routingMode is tunnel"],
      [tree({ ...native, directRoutingSkipUnreachable: true }), "directRoutingSkipUnreachable"],
    ],
    passes: [
      [tree({ ...native, autoDirectNodeRoutes: true, directRoutingSkipUnreachable: true })],
      [tree({ autoDirectNodeRoutes: false })],
      [tree({ autoDirectNodeRoutes: "false" })],
    ],
  },
  "GB-1122": {
    refused: [
      [tree({ "bpf.masquerade": true }), "kubeProxyReplacement", "1.18.12"],
      [tree({ ...kpr, "bpf.masquerade": true, enableIPv4Masquerade: false }), "nothing is masqueraded"],
      [tree({ ...kpr, "eni.enabled": true, "bpf.masquerade": true }), "ENI"],
      [tree({ ...kpr, "bpf.masquerade": true, enableMasqueradeRouteSource: true }), "enableMasqueradeRouteSource"],
      [tree({ ...kpr, "ipMasqAgent.enabled": true }), "ipMasqAgent"],
    ],
    passes: [
      [tree({ ...kpr, "bpf.masquerade": true }), "1.18.12"],
      [tree({ "bpf.masquerade": true })],
      [tree({ ...kpr, "bpf.masquerade": true, "ipMasqAgent.enabled": true })],
      [tree({ ...kpr, "eni.enabled": true, "bpf.masquerade": true, enableIPv4Masquerade: true })],
    ],
  },
  "GB-1123": {
    refused: [
      [tree({ ...kpr, "egressGateway.enabled": true }), "bpf.masquerade"],
      [
        tree({ ...kpr, "bpf.masquerade": true, "egressGateway.enabled": true, "ciliumEndpointSlice.enabled": true }),
        "ciliumEndpointSlice",
      ],
    ],
    passes: [
      [tree({ ...kpr, "bpf.masquerade": true, "egressGateway.enabled": true })],
      [tree({ ...kpr, "egressGateway.enabled": false })],
    ],
  },
  "GB-1124": {
    refused: [
      [tree({ "gatewayAPI.enabled": true }), "gatewayAPI"],
      [tree({ "ingressController.enabled": true, kubeProxyReplacement: false }), "ingressController"],
    ],
    passes: [
      [tree({ ...kpr, "gatewayAPI.enabled": true, "l2announcements.enabled": true })],
      [tree({ "ingressController.enabled": true, "nodePort.enabled": true }), "1.18.12"],
      [
        tree({
          "gatewayAPI.enabled": true,
          ...kpr,
          kubeProxyReplacement: false,
          "extraConfig.kube-proxy-replacement": "true",
        }),
      ],
    ],
  },
  "GB-1125": {
    refused: [
      [tree({ ...kpr, "loadBalancer.mode": "dsr" }), "VXLAN"],
      [tree({ ...kpr, "loadBalancer.mode": "hybrid", tunnelProtocol: "geneve" }), "opt"],
      [
        tree({ ...kpr, ...native, "loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "geneve" }),
        "tunnelProtocol is vxlan",
      ],
    ],
    passes: [
      [tree({ ...kpr, ...native, "loadBalancer.mode": "dsr" })],
      [tree({ ...kpr, "loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "geneve", tunnelProtocol: "geneve" })],
      [tree({ ...kpr, "loadBalancer.mode": "snat" })],
    ],
  },
  "GB-1126": {
    refused: [
      [tree({ ...kpr, ...native, "bpf.datapathMode": "netkit" }), "bpf.masquerade is off"],
      [
        tree({
          ...kpr,
          ...native,
          "bpf.masquerade": true,
          "bpf.datapathMode": "netkit",
          "bpf.hostLegacyRouting": true,
        }),
        "hostLegacyRouting",
      ],
      [
        tree({ ...kpr, ...native, "bpf.masquerade": true, "bpf.datapathMode": "netkit", "bpf.tproxy": true }),
        "tproxy",
        "1.18.12",
      ],
    ],
    passes: [
      [tree({ ...kpr, ...native, "bpf.masquerade": true, "bpf.datapathMode": "netkit" })],
      [tree({ ...kpr, ...native, enableIPv4Masquerade: false, "bpf.datapathMode": "netkit" })],
      [tree({ "bpf.datapathMode": "veth", "bpf.hostLegacyRouting": true })],
    ],
  },
  "GB-1127": {
    refused: [
      [tree({ ...kpr, "bpf.masquerade": true, enableIPv4BIGTCP: true }), "tunnel", "1.19.7"],
      [tree({ ...kpr, ...native, "bpf.masquerade": true, ...ipsec, enableIPv4BIGTCP: true }), "ipsec"],
      [tree({ ...kpr, ...native, enableIPv6BIGTCP: true }), "bpf.masquerade is off"],
    ],
    passes: [
      [tree({ ...kpr, ...native, "bpf.masquerade": true, enableIPv4BIGTCP: true })],
      [tree({ ...kpr, enableIPv4BIGTCP: false })],
    ],
  },
  "GB-1128": {
    refused: [[tree({ ...kpr, ...native, installNoConntrackIptablesRules: true }), "bpf.masquerade: true"]],
    passes: [
      [tree({ ...kpr, ...native, "bpf.masquerade": true, installNoConntrackIptablesRules: true })],
      [tree({ ...kpr, "eni.enabled": true, installNoConntrackIptablesRules: true })],
    ],
  },
  "GB-1129": {
    refused: [
      [tree({ ...kpr, "bandwidthManager.enabled": true, "bandwidthManager.bbr": true }), "bpf.masquerade is off"],
      [tree({ "bandwidthManager.bbr": true }), "bandwidthManager.enabled"],
      [tree({ ...ipsec, "bandwidthManager.enabled": true }), "IPsec"],
    ],
    passes: [
      [tree({ ...kpr, "bpf.masquerade": true, "bandwidthManager.enabled": true, "bandwidthManager.bbr": true })],
      [tree({ "bandwidthManager.enabled": true })],
    ],
  },
  "GB-1130": {
    refused: [
      [tree({ "eni.enabled": true, routingMode: "tunnel" }), "eni"],
      [tree({ "eni.enabled": true, "ipv6.enabled": true }), "IPv6", "1.18.12"],
      [tree({ "ipv4.enabled": false }), "ipv6.enabled"],
      [tree({ "nat46x64Gateway.enabled": true }), "both families"],
    ],
    passes: [
      [tree({ "eni.enabled": true })],
      [tree({ "eni.enabled": true, "ipv6.enabled": true })],
      [tree({ "ipv4.enabled": false, "ipv6.enabled": true })],
    ],
  },
  "GB-1131": {
    refused: [
      [tree({ "bpf.events.default.rateLimit": 1000 }), "burstLimit"],
      [tree({ "bpf.distributedLRU.enabled": true }), "mapDynamicSizeRatio"],
    ],
    passes: [
      [tree({ "bpf.events.default.rateLimit": 1000, "bpf.events.default.burstLimit": 2000 })],
      [tree({ "bpf.distributedLRU.enabled": true, "bpf.mapDynamicSizeRatio": 0.08 })],
    ],
  },
  "GB-1132": {
    refused: [[tree({ policyEnforcementMode: "always" }), "1.20.0", "1.20.0"]],
    passes: [
      [tree({ policyEnforcementMode: "default" }), "1.20.0"],
      [tree({ policyEnforcementMode: "always", policyAuditMode: true })],
    ],
  },
  "GB-1133": {
    refused: [[tree({ policyEnforcementMode: "always" }), "always"]],
    passes: [
      [tree({ policyEnforcementMode: "default" })],
      [tree({ policyEnforcementMode: "always", policyAuditMode: true })],
    ],
  },
  "GB-1134": {
    refused: [[tree({ ...native, ipv4NativeRoutingCIDR: "10.0.0.0/8" }), "10.0.0.0/8"]],
    passes: [
      [tree({ ...native, ipv4NativeRoutingCIDR: "10.0.0.0/9" })],
      [tree({ ...native, ipv4NativeRoutingCIDR: "10.0.0.0/8", enableIPv4Masquerade: false })],
    ],
  },
  "GB-1135": {
    refused: [[tree({ ...member, ...wireguard, MTU: undefined }), "MTU"]],
    passes: [[tree({ ...member, ...wireguard })], [tree({ ...native, ...wireguard })]],
  },
  "GB-1136": {
    refused: [[tree({ "bpf.masquerade": true, "egressGateway.enabled": true }), "kubeProxyReplacement"]],
    passes: [[tree({ ...kpr, "bpf.masquerade": true, "egressGateway.enabled": true })]],
  },
  "GB-1137": {
    refused: [
      [tree({ routingMode: "native" }), "ipv4NativeRoutingCIDR"],
      [tree({ "gke.enabled": true }), "ipv4NativeRoutingCIDR"],
    ],
    passes: [
      [tree(native)],
      [tree({ routingMode: "native", "eni.enabled": true, enableIPv4Masquerade: true })],
      [tree({ routingMode: "native", enableIPv4Masquerade: false })],
      [tree({ routingMode: "tunnel" })],
    ],
  },
  "GB-1138": {
    refused: [[tree({ "l2announcements.enabled": true }), "l2announcements"]],
    passes: [[tree({ ...kpr, "l2announcements.enabled": true })]],
  },
  "GB-1140": {
    refused: [
      [tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/25"] }), "/24"],
      [tree({ "ipam.operator.clusterPoolIPv4MaskSize": 31 }), "31"],
      [
        tree({
          "ipv6.enabled": true,
          "ipam.operator.clusterPoolIPv6PodCIDRList": ["fd00:10::/64"],
          "ipam.operator.clusterPoolIPv6MaskSize": 96,
        }),
        "96",
      ],
    ],
    passes: [
      [
        tree({
          "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/25"],
          "ipam.operator.clusterPoolIPv4MaskSize": 26,
        }),
      ],
      [tree({ "ipam.mode": "kubernetes", "ipam.operator.clusterPoolIPv4MaskSize": 31 })],
      [tree({ "ipv6.enabled": true, "ipam.operator.clusterPoolIPv6PodCIDRList": ["fd00:10::/104"] })],
    ],
  },
  "GB-1141": {
    refused: [[tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/16", "10.128.128.0/17"] }), "overlap"]],
    passes: [[tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/17", "10.128.128.0/17"] })]],
  },
  "GB-1142": {
    refused: [[tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/24"] }), "second node"]],
    passes: [[tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/23"] })]],
  },
  "GB-1143": {
    refused: [
      [
        tree({
          ...native,
          "ipam.mode": "cluster-pool",
          "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.64.0.0/16"],
        }),
        "10.64.0.0/16",
      ],
    ],
    passes: [
      [
        tree({
          ...native,
          "ipam.mode": "cluster-pool",
          "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.135.0.0/16"],
        }),
      ],
      [
        tree({
          ...native,
          enableIPv4Masquerade: false,
          "ipam.mode": "cluster-pool",
          "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.64.0.0/16"],
        }),
      ],
    ],
  },
  "GB-1144": {
    refused: [
      [tree({ "ipam.mode": "kubernetes", "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.42.0.0/16"] }), "kubernetes"],
    ],
    passes: [
      [tree({ "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.42.0.0/16"] })],
      [tree({ "ipam.mode": "kubernetes", "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.0.0.0/8"] })],
    ],
  },
  "GB-1145": {
    refused: [[tree({ ...member, "ipam.mode": "cluster-pool" }), "10.0.0.0/8"]],
    passes: [
      [
        tree({
          ...member,
          "ipam.mode": "cluster-pool",
          "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.128.0.0/16"],
        }),
      ],
      [tree({ "cluster.name": "seoul", "cluster.id": 1 })],
    ],
  },
  "GB-1150": {
    refused: [
      [tree({ "encryption.enabled": true, "encryption.type": "WireGuard" }), "WireGuard"],
      [tree({ "encryption.enabled": true, "encryption.type": "ztunnel" }), "ztunnel", "1.18.12"],
    ],
    passes: [[tree(wireguard)], [tree({ "encryption.enabled": true, "encryption.type": "ztunnel" })], [tree(ipsec)]],
  },
  "GB-1151": {
    refused: [[tree({ "encryption.type": "wireguard" }), "encryption.type"]],
    passes: [[tree(wireguard)], [tree({ "encryption.enabled": false, "encryption.type": "wireguard" })]],
  },
  "GB-1152": {
    refused: [[tree({ ...ipsec, "encryption.nodeEncryption": true }), "nodeEncryption"]],
    passes: [[tree({ ...ipsec, "encryption.nodeEncryption": false })]],
  },
  "GB-1153": {
    refused: [[tree({ ...wireguard, "encryption.nodeEncryption": true }), "beta"]],
    passes: [[tree(wireguard)]],
  },
  "GB-1154": {
    refused: [
      [tree({ ...ipsec, "hostFirewall.enabled": true }), "hostFirewall"],
      [tree({ ...ipsec, "cni.chainingMode": "aws-cni" }), "aws-cni"],
      [tree({ ...ipsec, ...native, "ipam.mode": "multi-pool" }), "multi-pool", "1.18.12"],
    ],
    passes: [
      [tree({ ...wireguard, "hostFirewall.enabled": true })],
      [tree({ ...ipsec, ...native, "ipam.mode": "multi-pool" })],
      [tree(ipsec)],
    ],
  },
  "GB-1155": {
    refused: [
      [
        tree({
          ...native,
          "encryption.strictMode.egress.enabled": true,
          "encryption.strictMode.egress.cidr": "10.128.0.0/13",
        }),
        "off",
      ],
      [
        tree({ ...native, ...wireguard, "encryption.strictMode.enabled": true }),
        "without encryption.strictMode.cidr",
        "1.18.12",
      ],
      [
        tree({
          ...wireguard,
          "encryption.strictMode.egress.enabled": true,
          "encryption.strictMode.egress.cidr": "10.128.0.0/13",
        }),
        "allowRemoteNodeIdentities",
      ],
      [tree({ ...native, ...wireguard, "encryption.strictMode.ingress.enabled": true }), "tunnel"],
    ],
    passes: [
      [
        tree({
          ...native,
          ...wireguard,
          "encryption.strictMode.egress.enabled": true,
          "encryption.strictMode.egress.cidr": "10.128.0.0/13",
        }),
      ],
      [
        tree({
          ...native,
          ...wireguard,
          "encryption.strictMode.enabled": true,
          "encryption.strictMode.cidr": "10.128.0.0/13",
        }),
        "1.18.12",
      ],
      [tree({ ...wireguard, "encryption.strictMode.ingress.enabled": true })],
    ],
  },
  "GB-1156": {
    refused: [
      [tree({ ...kpr, ...native, ...wireguard, "loadBalancer.acceleration": "native" }), "native"],
      [tree({ ...kpr, ...native, ...wireguard, "loadBalancer.mode": "dsr" }), "dsr"],
    ],
    passes: [
      [tree({ ...kpr, ...native, ...wireguard, "loadBalancer.mode": "snat" })],
      [tree({ ...kpr, ...native, "loadBalancer.mode": "dsr" })],
    ],
  },
  "GB-1157": {
    refused: [
      [
        tree({
          ...native,
          ...wireguard,
          "encryption.strictMode.enabled": true,
          "encryption.strictMode.cidr": "10.128.0.0/13",
        }),
        "deprecated",
        "1.19.7",
      ],
      [tree({ ...ipsec, "encryption.ipsec.interface": "eth0" }), "ipsec.interface"],
    ],
    passes: [
      [
        tree({
          ...native,
          ...wireguard,
          "encryption.strictMode.enabled": true,
          "encryption.strictMode.cidr": "10.128.0.0/13",
        }),
        "1.18.12",
      ],
      [tree({ ...ipsec, "encryption.ipsec.interface": "" })],
    ],
  },
  "GB-1160": {
    refused: [
      [tree({ "cluster.name": "seoul", "cluster.id": 256 }), "256"],
      [tree({ "cluster.name": "seoul", "cluster.id": -1 }), "-1"],
      [tree({ ...member, "cluster.id": 0 }), "cluster.id is 0"],
    ],
    passes: [
      [tree({ "cluster.name": "seoul", "cluster.id": 255 })],
      [tree({ "cluster.name": "seoul", "cluster.id": 256, "clustermesh.maxConnectedClusters": 511 })],
      [tree({ "cluster.name": "default", "cluster.id": 0 })],
    ],
  },
  "GB-1161": {
    refused: [
      [tree({ ...member, "clustermesh.config.clusters": [{ port: 2379, ips: ["10.91.0.10"] }] }), "no name"],
      [tree({ ...member, "clustermesh.config.clusters": [{ name: "busan", ips: ["10.91.0.10"] }] }), "no port"],
      [
        tree({ ...member, "clustermesh.config.clusters": { busan: { port: 2379, ips: ["10.91.0.0/24"] } } }),
        "10.91.0.0/24",
      ],
      [
        tree({ ...member, "clustermesh.config.clusters": [{ name: "seoul", port: 2379, ips: ["10.90.0.10"] }] }),
        "alone",
      ],
    ],
    passes: [
      [tree(member)],
      [tree({ ...member, "clustermesh.config.clusters": { busan: { port: 2379, ips: ["10.91.0.10"] } } })],
      [tree({ ...member, "clustermesh.config.enabled": false, "clustermesh.config.clusters": [{ port: 2379 }] })],
    ],
  },
  "GB-1162": {
    refused: [[tree({ ...member, tls: undefined, "clustermesh.apiserver.tls.authMode": "cluster" }), "tls.ca"]],
    passes: [
      [tree(member)],
      [
        tree({
          ...member,
          tls: undefined,
          "clustermesh.apiserver.tls.auto.method": "certmanager",
          "clustermesh.apiserver.tls.auto.certManagerIssuerRef": { name: "mesh" },
        }),
      ],
    ],
  },
  "GB-1163": {
    refused: [
      [
        tree({
          ...oldMember,
          "clustermesh.config.clusters": [{ name: "busan", port: 32_379, ips: ["10.20.0.10", "10.20.0.11"] }],
        }),
        "32379",
        "1.18.12",
      ],
      [
        tree({ ...member, "clustermesh.config.clusters": [{ name: "busan", port: 32_379, ips: ["10.20.0.10"] }] }),
        "one node",
      ],
    ],
    passes: [
      [
        tree({
          ...oldMember,
          "clustermesh.config.clusters": [{ name: "busan", port: 32_380, ips: ["10.20.0.10", "10.20.0.11"] }],
        }),
        "1.18.12",
      ],
      [tree(member)],
    ],
  },
  "GB-1164": {
    refused: [[tree({ ...member, "clustermesh.policyDefaultLocalCluster": undefined }), "policyDefaultLocalCluster"]],
    passes: [[tree({ ...member, "clustermesh.policyDefaultLocalCluster": false })], [tree(kpr)]],
  },
  "GB-1165": {
    refused: [[tree(oldMember), "cacheTTL"]],
    passes: [[tree({ ...member, "clustermesh.cacheTTL": "0s" })], [tree(oldMember), "1.18.12"]],
  },
  "GB-1166": {
    refused: [
      [tree({ ...member, "authentication.enabled": true, "authentication.mutual.spire.enabled": true }), "SPIRE"],
      [tree({ ...member, "encryption.enabled": true, "encryption.type": "ztunnel" }), "ztunnel"],
    ],
    passes: [[tree({ "authentication.enabled": true, "authentication.mutual.spire.enabled": true })]],
  },
  "GB-1167": {
    refused: [[tree({ ...member, "bpf.masquerade": true, "egressGateway.enabled": true }), "egressGateway"]],
    passes: [[tree({ ...kpr, "bpf.masquerade": true, "egressGateway.enabled": true })]],
  },
  "GB-1168": {
    refused: [[tree({ "hubble.relay.enabled": true, "hubble.tls.auto.method": "cronJob" }), "cronJob", "1.18.12"]],
    passes: [
      [tree({ "hubble.relay.enabled": true, "hubble.tls.auto.method": "cronJob" })],
      [tree({ "hubble.relay.enabled": true, "hubble.tls.auto.method": "helm" }), "1.18.12"],
    ],
  },
  "GB-1169": {
    refused: [[tree({ "hubble.tls.auto.certValidityDuration": 90 }), "90 days"]],
    passes: [
      [tree({ "hubble.tls.auto.certValidityDuration": 180 })],
      [tree({ "hubble.tls.auto.certValidityDuration": 90, "hubble.tls.auto.method": "cronJob" })],
    ],
  },
  "GB-1170": {
    refused: [[tree({ ...member, "clustermesh.apiserver.replicas": 1 }), "runs once"]],
    passes: [[tree(member)]],
  },
  "GB-1171": {
    refused: [
      [
        tree({
          ...member,
          "clustermesh.config.clusters": [{ name: "busan", port: 2379, address: "mesh.busan.example" }],
        }),
        "mesh.busan.example",
      ],
    ],
    passes: [
      [
        tree({
          ...member,
          "clustermesh.config.clusters": [{ name: "busan", port: 2379, address: "busan.mesh.cilium.io" }],
        }),
      ],
    ],
  },
  "GB-1180": {
    refused: [
      [tree({ "hubble.metrics.enabled": ["dns", "drops"] }), "drops"],
      [tree({ "hubble.metrics.enabled": ["http", "httpV2"] }), "both"],
      [tree({ "hubble.metrics.enabled": [{ dns: "query" }] }), "no text"],
      [tree({ "hubble.metrics.enabled": ["drop:sourceContext=pods"] }), "pods"],
      [tree({ "hubble.metrics.enabled": ["flow:labelsContext=source_node"] }), "source_node"],
      [tree({ "hubble.metrics.enabled": ["kafka"] }), "1.19 was the last"],
    ],
    passes: [
      [
        tree({
          "hubble.metrics.enabled": ["dns:query;ignoreAAAA", "drop", "tcp", "flow", "port-distribution", "icmp"],
        }),
      ],
      [
        tree({
          "hubble.metrics.enabled": ["drop:sourceContext=workload-name|reserved-identity;destinationContext=dns"],
        }),
      ],
      [
        tree({
          "hubble.metrics.enableOpenMetrics": true,
          "hubble.metrics.enabled": [
            "httpV2:exemplars=true;labelsContext=source_ip,source_namespace,source_workload,destination_ip,traffic_direction",
          ],
        }),
      ],
      [tree({ "hubble.metrics.enabled": ["kafka"] }), "1.19.7"],
      [tree({ "hubble.enabled": false, "hubble.metrics.enabled": ["drops"] })],
    ],
  },
  "GB-1181": {
    refused: [
      [
        tree({ "hubble.metrics.enabled": ["flow:sourceContext=pod;destinationContext=namespace"] }),
        "sourceContext=pod",
      ],
    ],
    passes: [[tree({ "hubble.metrics.enabled": ["flow:sourceContext=workload|pod"] })]],
  },
  "GB-1182": {
    refused: [[tree({ "hubble.metrics.enabled": ["http"] }), "deprecated"]],
    passes: [[tree({ "hubble.metrics.enabled": ["httpV2"] })]],
  },
  "GB-1183": {
    refused: [[tree({ "hubble.metrics.enabled": ["httpV2:exemplars=true"] }), "exemplars"]],
    passes: [[tree({ "hubble.metrics.enabled": ["httpV2:exemplars=true"], "hubble.metrics.enableOpenMetrics": true })]],
  },
  "GB-1184": {
    refused: [[tree({ "hubble.export.static.enabled": true }), "/var/run/cilium/hubble/events.log"]],
    passes: [
      [tree({ "hubble.export.static.enabled": true, "hubble.export.static.filePath": "/var/log/hubble/events.log" })],
      [tree({ "hubble.export.static.enabled": true, "hubble.export.static.filePath": "stdout" })],
    ],
  },
  "GB-1185": {
    refused: [
      [
        tree({
          "hubble.export.static.enabled": true,
          "hubble.export.static.filePath": "/var/log/h.log",
          "hubble.export.static.allowList": ["verdict=DROPPED"],
        }),
        "verdict=DROPPED",
      ],
    ],
    passes: [
      [
        tree({
          "hubble.export.static.enabled": true,
          "hubble.export.static.filePath": "/var/log/h.log",
          "hubble.export.static.allowList": ['{"verdict":["DROPPED"]}'],
        }),
      ],
    ],
  },
  "GB-1186": {
    refused: [
      [tree({ "prometheus.enabled": true, "prometheus.metrics": ["cilium_bpf_map_pressure"] }), "sign"],
      [tree({ "prometheus.enabled": true, "prometheus.metrics": ["+cilium_a,+cilium_b"] }), "more than one"],
    ],
    passes: [[tree({ "prometheus.enabled": true, "prometheus.metrics": ["+cilium_bpf_map_pressure"] })]],
  },
  "GB-1187": {
    refused: [[tree({ "monitor.enabled": true }), "monitor.enabled"]],
    passes: [[tree({ "monitor.enabled": false })]],
  },
  "GB-1188": {
    refused: [[tree({ "hubble.redact.http.urlQuery": true }), "urlQuery"]],
    passes: [[tree({ "hubble.redact.enabled": true, "hubble.redact.http.urlQuery": true })]],
  },
  "GB-1190": {
    refused: [
      [
        tree({ ...kpr, "ingressController.enabled": true, "ingressController.service.insecureNodePort": 30_080 }),
        "dedicated",
      ],
    ],
    passes: [
      [
        tree({
          ...kpr,
          "ingressController.enabled": true,
          "ingressController.loadbalancerMode": "shared",
          "ingressController.service.insecureNodePort": 30_080,
        }),
      ],
    ],
  },
  "GB-1191": {
    refused: [
      [
        tree({
          ...kpr,
          "ingressController.enabled": true,
          "ingressController.hostNetwork.enabled": true,
          "ingressController.hostNetwork.sharedListenerPort": 80,
        }),
        "port 80",
      ],
    ],
    passes: [
      [
        tree({
          ...kpr,
          "ingressController.enabled": true,
          "ingressController.hostNetwork.enabled": true,
          "ingressController.hostNetwork.sharedListenerPort": 1024,
        }),
      ],
    ],
  },
  "GB-1192": {
    refused: [[tree({ "envoyConfig.enabled": true, l7Proxy: false }), "l7Proxy"]],
    passes: [[tree({ "envoyConfig.enabled": true })]],
  },
  "GB-1193": {
    refused: [
      [
        tree({ ...member, "bgpControlPlane.enabled": true, "clustermesh.apiserver.service.type": "LoadBalancer" }),
        "pool",
      ],
    ],
    passes: [
      [tree({ ...member, "clustermesh.apiserver.service.type": "LoadBalancer" })],
      [tree({ ...member, "bgpControlPlane.enabled": true, "clustermesh.apiserver.service.type": "NodePort" })],
    ],
  },
  "GB-1194": {
    refused: [[tree({ "loadBalancer.algorithm": "maglev" }), "maglev"]],
    passes: [[tree({ ...kpr, "loadBalancer.algorithm": "maglev" })], [tree({ "loadBalancer.algorithm": "random" })]],
  },
};

it("every rule has a fixture that it refuses and one that it lets pass", () => {
  const codes = valuesRules.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(Object.keys(fixtures).sort()).toEqual([...codes].sort());
  expect(codes.filter((code) => !fixtures[code]?.refused.length || !fixtures[code].passes.length)).toEqual([]);
});

describe.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
  it.each(
    refused.map(([values, word, version]) => [JSON.stringify(values), word, version, values] as const),
  )("refuses %s: %s", (_text, word, version, values) => {
    const own = found(values, version).filter((finding) => finding.code === code);
    expect(own.map(({ message, path }) => `${path} ${message}`).join("\n")).toContain(word);
    for (const { message, fix } of own) {
      expect(message).toMatch(/\.$/);
      expect(fix).toMatch(/[.}\]]$/);
    }
  });

  it.each(
    passes.map(([values, version]) => [JSON.stringify(values), version, values] as const),
  )("lets %s pass", (_text, version, values) => {
    expect(found(values, version).filter((finding) => finding.code === code)).toEqual([]);
  });
});

describe("sound values", () => {
  it.each<[string, Values]>([
    ["nothing", {}],
    ["the smallest file", tree({ "ipam.mode": "kubernetes" })],
    ["kind", tree({ "image.pullPolicy": "IfNotPresent", "ipam.mode": "kubernetes" })],
    ["GKE", tree({ "gke.enabled": true, "ipam.mode": "kubernetes", ipv4NativeRoutingCIDR: "10.44.0.0/14" })],
    ["EKS", tree({ "eni.enabled": true, "ipam.mode": "eni", routingMode: "native" })],
    [
      "EKS with the VPC's own plugin",
      tree({
        "cni.chainingMode": "aws-cni",
        "cni.exclusive": false,
        enableIPv4Masquerade: false,
        routingMode: "native",
      }),
    ],
    ["AKS with its own network", tree({ "aksbyocni.enabled": true })],
    ["k3s", tree({ ...kpr, "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.42.0.0/16"] })],
    ["a mesh member", tree(member)],
    ["preflight", tree({ "preflight.enabled": true, agent: false, "operator.enabled": false })],
  ])("%s has no finding in any minor", (_name, values) => {
    for (const version of newest) {
      const known = version.startsWith("1.18.") ? withoutTtl(values) : values;
      expect(found(known, version)).toEqual([]);
    }
  });
});

function withoutTtl(values: Values): Values {
  const mesh = values.clustermesh;
  if (typeof mesh !== "object" || mesh === null) return values;
  return { ...values, clustermesh: Object.fromEntries(Object.entries(mesh).filter(([key]) => key !== "cacheTTL")) };
}

/** Every key that a rule or the index looks at, with anything below it. */
const anyValues = fc.dictionary(
  fc.constantFrom(
    "MTU",
    "bpf",
    "cluster",
    "clustermesh",
    "cni",
    "encryption",
    "extraConfig",
    "hubble",
    "ipam",
    "ipv4NativeRoutingCIDR",
    "k8sServiceHost",
    "kubeProxyReplacement",
    "loadBalancer",
    "maglev",
    "nodePort",
    "prometheus",
    "routingMode",
    "tls",
    "constructor",
  ),
  fc.oneof(
    fc.jsonValue(),
    fc.record({ enabled: fc.jsonValue(), mode: fc.jsonValue(), config: fc.jsonValue(), metrics: fc.jsonValue() }),
    fc.record({ config: fc.record({ enabled: fc.constant(true), clusters: fc.jsonValue() }) }),
    fc.record({ metrics: fc.record({ enabled: fc.array(fc.jsonValue()) }), operator: fc.jsonValue() }),
  ),
);

it("answers whatever is written, and never throws", () => {
  fc.assert(
    fc.property(anyValues, fc.constantFrom(...newest), (values, version) => {
      for (const { message, fix } of found(values, version)) expect([message, fix]).not.toContain("");
    }),
    { numRuns: 300 },
  );
});

const root = join(import.meta.dirname, "../..");
const folders = [".", ...globSync("examples/*", { cwd: root }).sort()];

/** The sites of a folder, as if they ran this Cilium. */
function sites(folder: string, version: string): SiteSpec[] {
  return globSync("Pulumi.*.yaml", { cwd: join(root, folder) }).flatMap((name) => {
    const file = stackFile(name.slice("Pulumi.".length, -".yaml".length), undefined, folder);
    return file.kind === "site" ? [{ ...file.spec, cilium: { ...file.spec.cilium, version } }] : [];
  });
}

it.each(folders)("the sites of %s give values without a finding", (folder) => {
  for (const version of newest) {
    const all = sites(folder, version);
    for (const site of all) {
      const peers = all.filter(({ name }) => site.mesh?.peers.includes(name));
      const findings = found(ciliumValues(site, peers), version).filter(({ code }) => !releaseConcerns.has(code));
      expect(findings, `${site.name} ${version}`).toEqual([]);
    }
  }
});

// GYEONGBU_CHARTS: a folder with cilium-1.20.0.tgz and its like.
const charts = process.env.GYEONGBU_CHARTS;
it.skipIf(charts === undefined).each(["1.18.4", "1.18.12", "1.19.6", "1.20.0"])(
  "the chart's own values of %s have no finding",
  (version) => {
    const text = readChart(`${charts}/cilium-${version}.tgz`).get("values.yaml") ?? "";
    expect(found(parse(text) as Values, version)).toEqual([]);
  },
);
