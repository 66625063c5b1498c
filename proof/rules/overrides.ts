import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { memberProblems } from "../mesh.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { hasValues } from "./versions.ts";

/** A Helm value that the stack file has a key of its own for. Firewalls, peers and proofs are computed from that key. */
interface Owned {
  readonly value: string;
  readonly key: string;
}

const own = (value: string, key: string): Owned => ({ value, key });
/** Of any release, one that is taken over too. */
const datapath: readonly Owned[] = [
  own("routingMode", "cilium.routing"),
  own("tunnelProtocol", "cilium.routing"),
  own("encryption.enabled", "cilium.encryption"),
  own("encryption.type", "cilium.encryption"),
  own("ipam.mode", "ipam"),
  own("MTU", "cilium.mtu"),
];
const ours: readonly Owned[] = [
  ...datapath,
  own("cluster.name", "name"),
  own("cluster.id", "id"),
  own("ipv4NativeRoutingCIDR", "cilium.nativeRoutingCidr"),
  own("ipam.operator.clusterPoolIPv4PodCIDRList", "network.pods"),
  own("kubeProxyReplacement", "kubeProxyReplacement of an existing site"),
  own("k8sServiceHost", "api.host of an existing site"),
  own("k8sServicePort", "api.port of an existing site"),
  own("clustermesh.useAPIServer", "mesh"),
  own("clustermesh.maxConnectedClusters", "mesh.maxConnectedClusters"),
  own("clustermesh.cacheTTL", "mesh.cacheTtlSeconds"),
  own("clustermesh.policyDefaultLocalCluster", "mesh.policyDefaultLocalCluster"),
  own("clustermesh.config.enabled", "mesh"),
  own("clustermesh.config.clusters", "mesh.peers"),
  own("clustermesh.apiserver.service.type", "mesh"),
  own("clustermesh.apiserver.service.nodePort", "mesh"),
  own("clustermesh.apiserver.tls.authMode", "mesh"),
  own("bgpControlPlane.enabled", "bgp of an on-prem site"),
];

/** The site as it is without `cilium.values`. */
export const withoutOverrides = (site: SiteSpec): SiteSpec => {
  const { cilium } = site;
  if (site.platform !== "existing") return { ...site, cilium: { ...cilium, values: {} } };
  const { adopt: _, ...rest } = site;
  return { ...rest, cilium: { ...cilium, values: {} } };
};

function changed({ site, peers }: SiteSubject): Violation[] {
  const { version, values } = site.cilium;
  const sites = peers.map((peer) => peer.site);
  const adopted = site.platform === "existing" && site.adopt !== undefined;
  const written = new EffectiveValues(version, values);
  const planned = new EffectiveValues(version, ciliumValues(withoutOverrides(site), sites));
  return (adopted ? datapath : ours).flatMap(({ value, key }) => {
    const given = written.given(value);
    const expected = planned.given(value);
    if (given === undefined || given === null || expected === undefined || same(given, expected)) return [];
    return [
      {
        path: ["cilium", "values", ...value.split(".")],
        message: `${value} is ${JSON.stringify(given)}, but the file's own key ${key} makes it ${JSON.stringify(expected)}.`,
        fix: `Remove it here and change ${key}, from which firewalls, peers and proofs are computed.`,
      },
    ];
  });
}

/** Helm takes `"true"` and `true`, `8443` and `"8443"` for the same in a ConfigMap. */
function same(one: unknown, other: unknown): boolean {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return text(one) === text(other);
}

export const overrideRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-309",
    severity: "error",
    needsPlan: true,
    title: "cilium.values change nothing that the stack file has a key of its own for.",
    korean: "스택 파일에 전용 키가 있는 설정은 cilium.values로 바꿀 수 없습니다.",
    reason:
      "cilium.values are merged last, so Cilium would do one thing while firewalls, peers and proofs are computed for another.",
    check: (subject) => (hasValues(subject.site) ? changed(subject) : []),
  },
  {
    code: "GB-313",
    severity: "error",
    title: "The CA is not among cilium.values.",
    korean: "CA는 cilium.values에 적지 않습니다. `npm run secrets`가 만들어 암호화합니다.",
    reason: "Its key would stand in clear text, and ours, which all members share, would replace it anyway.",
    check: ({ site }) => {
      const adopted = site.platform === "existing" && site.adopt !== undefined;
      const written = new Map(Object.entries(site.cilium.values)).get("tls");
      const ca = typeof written === "object" && written !== null && "ca" in written ? written.ca : undefined;
      return ca === undefined || adopted
        ? []
        : [
            {
              path: ["cilium", "values", "tls", "ca"],
              message: "tls.ca comes from the stack's secrets.",
              fix: "Remove it; npm run secrets makes one CA for all members.",
            },
          ];
    },
  },
  {
    code: "GB-314",
    severity: "error",
    needsPlan: true,
    title: "A release that is taken over as a member of a mesh says what the mesh needs.",
    korean: "인수한 릴리스가 메시에 속하려면 메시 설정이 cilium.values에 있어야 합니다.",
    reason: "Taking over changes nothing, so a value that is not there is not there afterwards either.",
    check: ({ site, peers }) => {
      if (site.platform !== "existing" || !site.adopt || !site.mesh || !hasValues(site)) return [];
      return memberProblems(
        site,
        peers.map((peer) => peer.site),
      ).map((message) => ({
        path: ["cilium", "values"],
        message,
        fix: "Remove mesh until the release has it, or remove adopt to move the release to our values.",
      }));
    },
  },
];
