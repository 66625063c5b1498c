import { describe, expect, it } from "vitest";
import { bgpRules } from "../../proof/objects/bgp.ts";
import { type Fixtures, findings, testRules } from "../support/object-rules.ts";

const cluster = (lines: string, name = "rack-1") => `
apiVersion: cilium.io/v2
kind: CiliumBGPClusterConfig
metadata: {name: ${name}}
spec:
${lines}
---`;
const instance = (peers: string, more = "") => `
  nodeSelector: {matchLabels: {rack: r1}}
  bgpInstances:
    - name: main
      localASN: 65101
      ${more}
      peers: [${peers}]`;
const peerA = "{name: tor-a, peerASN: 65001, peerAddress: 10.10.1.1, peerConfigRef: {name: tor}}";
const sound = cluster(instance(peerA));
const config = (spec: string, name = "tor") => `
apiVersion: cilium.io/v2
kind: CiliumBGPPeerConfig
metadata: {name: ${name}}
spec: ${spec}
---`;
const family = "families: [{afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}]";
const advert = (entry: string, labels = "{advertise: bgp}") => `
apiVersion: cilium.io/v2
kind: CiliumBGPAdvertisement
metadata: {name: routes, labels: ${labels}}
spec: {advertisements: [${entry}]}
---`;
const pods = "{advertisementType: PodCIDR}";
const vips =
  "{advertisementType: Service, service: {addresses: [LoadBalancerIP]}, selector: {matchLabels: {bgp: blue}}}";
const whole = `${sound}${config(`{${family}}`)}${advert(`${pods}, ${vips}`)}`;
const override = (lines: string, name = "worker-1") => `
apiVersion: cilium.io/v2
kind: CiliumBGPNodeConfigOverride
metadata: {name: ${name}}
spec: {bgpInstances: [${lines}]}
---`;
const secret = (data: string, namespace = "kube-system") => `
apiVersion: v1
kind: Secret
metadata: {name: md5, namespace: ${namespace}}
${data}
---`;
const on = { values: { bgpControlPlane: { enabled: true }, ipam: { mode: "kubernetes" } } };

const fixtures: Fixtures = {
  "GB-1301": {
    refused: [
      ["10.10.1.1, without the prefix length", cluster(instance(peerA.replace("10.10.1.1", "10.10.1.1/32")))],
      ["timers", config("{timer: {holdTimeSeconds: 9}}")],
      ["keepAliveTimeSeconds can not be larger", config("{timers: {holdTimeSeconds: 9}}")],
      ["keepAliveTimeSeconds can not be larger", config("{timers: {holdTimeSeconds: 9, keepAliveTimeSeconds: 10}}")],
      ["2 is outside 3", config("{timers: {holdTimeSeconds: 2, keepAliveTimeSeconds: 1}}")],
      ["4096 is outside 1 to 4095", config("{gracefulRestart: {enabled: true, restartTimeSeconds: 4096}}")],
      ["0 is outside 1", config("{timers: {connectRetryTimeSeconds: 0}}")],
      ["256 is outside 1 to 255", config("{ebgpMultihop: 256}")],
      ["0 is outside 1", cluster(instance(peerA).replace("65101", "0"))],
      ["integer", cluster(instance(peerA).replace("65101", '"65101"'))],
      ["selector field is not allowed", advert("{advertisementType: PodCIDR, selector: {matchLabels: {a: b}}}")],
      ["service field is required", advert("{advertisementType: Service, selector: {matchLabels: {a: b}}}")],
      ['"VIP" is none of', advert(vips.replace("LoadBalancerIP", "VIP"))],
      ['"PodCidr" is none of', advert("{advertisementType: PodCidr}")],
      [
        "virtualRouters belongs to CiliumBGPPeeringPolicy",
        cluster("  virtualRouters: []\n  bgpInstances: [{name: a}]"),
      ],
      ["ipv4", override("{name: main, routerID: 10.0.0}")],
      ["localPort", config("{transport: {localPort: 179}}")],
      ["came with 1.19", [advert("{advertisementType: Interface, interface: {name: lo}}"), { cilium: "1.18.12" }]],
    ],
    passes: [
      whole,
      config("{timers: {holdTimeSeconds: 9, keepAliveTimeSeconds: 9}}"),
      config("{timers: null, families: null}"),
      cluster(instance(peerA.replace("{name: tor}", "{name: tor, kind: CiliumBGPPeerConfig, group: cilium.io}"))),
      cluster(instance(peerA.replace("10.10.1.1", "fd00:10::1"))),
      [sound.replace("cilium.io/v2", "cilium.io/v2alpha1"), { cilium: "1.18.4" }],
      // What a template fills in later is not judged.
      cluster(instance(peerA.replace("10.10.1.1", '"{{ tor }}"'))),
    ],
  },
  "GB-1302": {
    refused: [
      ["bgpControlPlane.enabled", [whole, { values: {} }]],
      ["bgpControlPlane.enabled", [whole, { values: { bgp: { enabled: true } } }]],
    ],
    passes: [whole, [whole, on]],
  },
  "GB-1303": {
    refused: [
      ["AS_TRANS", cluster(instance(peerA).replace("65101", "23456"))],
      ["65535", cluster(instance(peerA.replace("65001", "65535")))],
    ],
    passes: [cluster(instance(peerA).replace("65101", "65534")), cluster(instance(peerA.replace("65001", "0")))],
  },
  "GB-1304": {
    refused: [
      ["tor-a has neither peerAddress", cluster(instance("{name: tor-a, peerASN: 65001, peerConfigRef: {name: tor}}"))],
      ["no peerConfigRef", cluster(instance("{name: tor-a, peerASN: 65001, peerAddress: 10.10.1.1}"))],
      ["main has no localASN", cluster("  bgpInstances: [{name: main, peers: []}]")],
    ],
    passes: [
      cluster(
        instance(
          "{name: tor-a, peerASN: 65001, autoDiscovery: {mode: DefaultGateway, defaultGateway: {addressFamily: ipv4}}, peerConfigRef: {name: tor}}",
        ),
      ),
      `${cluster("  bgpInstances: [{name: main, peers: []}]")}${override("{name: main, localASN: 65010}")}`,
    ],
  },
  "GB-1305": {
    refused: [
      ["Peer tor-a occurs twice", cluster(instance(`${peerA}, ${peerA.replace("1.1", "1.2")}`))],
      ["10.10.1.1 occurs twice", cluster(instance(`${peerA}, ${peerA.replace("tor-a", "tor-b")}`))],
      ["Instance main occurs twice", cluster("  bgpInstances: [{name: main, localASN: 1}, {name: main, localASN: 2}]")],
    ],
    passes: [cluster(instance(`${peerA}, ${peerA.replace("tor-a", "tor-b").replace("10.10.1.1", "10.10.1.2")}`))],
  },
  "GB-1306": {
    refused: [
      ["bfd: Cilium has no BFD", config("{bfd: {enabled: true}}")],
      ["holdTimeSeconds: 9", cluster(instance(peerA.replace("{name: tor}}", "{name: tor}, bfdEnabled: true}")))],
    ],
    passes: [config("{timers: {holdTimeSeconds: 9, keepAliveTimeSeconds: 3}}")],
  },
  "GB-1307": {
    refused: [
      [
        "Service advertisement has no selector",
        advert("{advertisementType: Service, service: {addresses: [ClusterIP]}}"),
      ],
      ["CiliumPodIPPool advertisement has no selector", advert("{advertisementType: CiliumPodIPPool}")],
    ],
    passes: [advert("{advertisementType: Service, service: {addresses: [ClusterIP]}, selector: {}}"), advert(pods)],
  },
  "GB-1308": {
    refused: [
      ["ipam.mode multi-pool", [whole, { values: { ...on.values, ipam: { mode: "multi-pool" } } }]],
      ["ipam.mode eni", [whole, { values: { ...on.values, ipam: { mode: "eni" } } }]],
      ["PodCIDR, without a selector", [advert("{advertisementType: CiliumPodIPPool, selector: {}}"), on]],
      ["bpf.lbExternalClusterIP: true", [advert(vips.replace("LoadBalancerIP", "ClusterIP")), on]],
    ],
    passes: [
      [whole, { values: { bgpControlPlane: { enabled: true } } }],
      [
        advert(vips.replace("LoadBalancerIP", "ClusterIP")),
        { values: { ...on.values, bpf: { lbExternalClusterIP: true } } },
      ],
    ],
  },
  "GB-1309": {
    refused: [
      ["l2vpn/evpn", config("{families: [{afi: l2vpn, safi: evpn}]}")],
      ["ipv4/unicast occurs twice", config("{families: [{afi: ipv4, safi: unicast}, {afi: ipv4, safi: unicast}]}")],
    ],
    passes: [config("{families: [{afi: ipv4, safi: unicast}, {afi: ipv6, safi: unicast}]}")],
  },
  "GB-1310": {
    refused: [
      [
        "10.0.0.1 of node worker-2 is also that of worker-1",
        `${override("{name: main, routerID: 10.0.0.1}")}${override("{name: main, routerID: 10.0.0.1}", "worker-2")}`,
      ],
    ],
    passes: [
      `${override("{name: main, routerID: 10.0.0.1}")}${override("{name: main, routerID: 10.0.0.2}", "worker-2")}`,
    ],
  },
  "GB-1311": {
    refused: [
      [
        "kube-vip",
        `${whole}
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-vip}
spec: {template: {spec: {containers: [{name: a, image: "ghcr.io/kube-vip/kube-vip:v1.0.0", env: [{name: bgp_enable, value: "true"}]}]}}}`,
      ],
      ["MetalLB", `${whole}\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: tor}\nspec: {myASN: 1}`],
    ],
    passes: [
      `${whole}
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-vip}
spec: {template: {spec: {containers: [{name: a, image: "ghcr.io/kube-vip/kube-vip:v1.0.0", env: [{name: bgp_enable, value: "false"}]}]}}}`,
    ],
  },
  "GB-1312": {
    refused: [["81 bytes", `${config("{authSecretRef: md5}")}${secret(`stringData: {password: ${"a".repeat(81)}}`)}`]],
    passes: [`${config("{authSecretRef: md5}")}${secret(`stringData: {password: ${"a".repeat(80)}}`)}`],
  },
  "GB-1313": {
    refused: [["port 179", [cluster(instance(peerA, "localPort: 179")), on]]],
    passes: [
      cluster(instance(peerA, "localPort: 179")),
      [cluster(instance(peerA, "localPort: 1790")), on],
      [
        cluster(instance(peerA, "localPort: 179")),
        { values: { ...on.values, securityContext: { capabilities: { ciliumAgent: ["NET_BIND_SERVICE"] } } } },
      ],
    ],
  },
  "GB-1321": {
    refused: [
      ["no CiliumBGPPeerConfig tor", `${sound}${config(`{${family}}`, "tor1")}`],
      ["no CiliumBGPPeerConfig tor", [sound, { complete: true }]],
    ],
    passes: [sound, `${sound}${config("{}")}`],
  },
  "GB-1322": {
    refused: [
      ["no key password", `${config("{authSecretRef: md5}")}${secret("stringData: {pass: a}")}`],
      [
        "the agent reads kube-system",
        [`${config("{authSecretRef: md5}")}${secret("stringData: {password: a}", "bgp")}`, { values: on.values }],
      ],
      ["empty password", [`${config(`{authSecretRef: md5, ${family}}`)}${advert(pods)}`, { complete: true }]],
    ],
    passes: [
      config("{authSecretRef: md5}"),
      `${config("{authSecretRef: md5}")}${secret("data: {password: YQ==}")}`,
      `${config("{authSecretRef: md5}")}${secret("stringData: {password: a}", "bgp")}`,
    ],
  },
  "GB-1323": {
    refused: [
      ["advertise=bgp", `${config(`{${family}}`)}${advert(pods, "{advertise: bpg}")}`],
      ["has no families", `${config("{ebgpMultihop: 2}")}${advert(pods)}`],
      ["has no advertisements", `${config("{families: [{afi: ipv4, safi: unicast}]}")}${advert(pods)}`],
    ],
    passes: [whole, config("{ebgpMultihop: 2}")],
  },
  "GB-1324": {
    refused: [
      ["advertise=bgp", `${config(`{${family}}`)}${advert(pods, "{advertise: bpg}")}`],
      ["has no labels", `${config(`{${family}}`)}${advert(pods, "{}")}`],
    ],
    passes: [
      advert(pods, "{}"),
      `${config("{families: [{afi: ipv4, safi: unicast, advertisements: {matchExpressions: [{key: advertise, operator: In, values: [bgp]}]}}]}")}${advert(pods)}`,
    ],
  },
  "GB-1325": {
    refused: [
      ["rack-1 selects rack=r1", `${sound}${cluster(instance(peerA), "rack-2")}`],
      ["everything", `${sound}${cluster(`  bgpInstances: [{name: a, localASN: 65101, peers: [${peerA}]}]`, "all")}`],
      ["rack=r1, zone=a", `${sound}${cluster(instance(peerA).replace("{rack: r1}", "{rack: r1, zone: a}"), "zone-a")}`],
    ],
    passes: [
      `${sound}${cluster(instance(peerA).replace("rack: r1", "rack: r2"), "rack-2")}`,
      // The same object twice is one of two clusters' files.
      `${sound}${sound}`,
    ],
  },
  "GB-1326": {
    refused: [
      ["no peer tor-b", `${sound}${override("{name: main, peers: [{name: tor-b, localAddress: 10.0.0.1}]}")}`],
      ["an instance mian", `${sound}${override("{name: mian, routerID: 10.0.0.1}")}`],
      [
        "no node worker-1",
        [
          `${whole}${override("{name: main, routerID: 10.0.0.1}")}\napiVersion: v1\nkind: Node\nmetadata: {name: worker1}`,
          { complete: true },
        ],
      ],
    ],
    passes: [
      `${sound}${override("{name: main, peers: [{name: tor-a, localAddress: 10.0.0.1}]}")}`,
      override("{name: main, routerID: 10.0.0.1}"),
    ],
  },
  "GB-1327": {
    refused: [
      ["localPreference is never sent", whole.replace("PodCIDR}", "PodCIDR, attributes: {localPreference: 200}}")],
    ],
    passes: [
      whole
        .replace("PodCIDR}", "PodCIDR, attributes: {localPreference: 200}}")
        .replace("peerASN: 65001", "peerASN: 65101"),
    ],
  },
  "GB-1328": {
    refused: [["two CiliumBGPPeerConfig named tor", [`${whole}${config(`{${family}}`)}`, { complete: true }]]],
    passes: [[whole, { complete: true }]],
  },
};

describe("rules on BGP objects", () => {
  testRules(bgpRules, fixtures);

  it.each(["1.18.4", "1.18.12", "1.19.6", "1.20.2"])("finds nothing in a sound rack of %s", (cilium) => {
    expect(findings(bgpRules, [whole, { cilium, complete: true }])).toEqual([]);
  });
});
