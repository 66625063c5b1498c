import type { SiteSpec } from "../../components/config/schema.ts";
import { meshEndpoint } from "../../components/network/plan.ts";
import type { Rule, SiteFile, SiteSubject, Violation } from "../rule.ts";

/** A setting that all members must share, with where it stands. */
interface Shared {
  readonly path: readonly string[];
  readonly why: string;
  readonly value: (site: SiteSpec) => string | number | boolean | undefined;
}

const shared: readonly Shared[] = [
  {
    path: ["cilium", "routing"],
    why: "members on different datapaths cannot exchange packets",
    value: ({ cilium }) => cilium.routing,
  },
  {
    path: ["cilium", "encryption"],
    why: "an unencrypted member cannot read an encrypted one",
    value: ({ cilium }) => cilium.encryption,
  },
  { path: ["cilium", "mtu"], why: "larger packets vanish on the smaller side", value: ({ cilium }) => cilium.mtu },
  {
    path: ["cilium", "nativeRoutingCidr"],
    why: "one side would masquerade what the other expects as a pod",
    value: ({ cilium }) => cilium.nativeRoutingCidr,
  },
  {
    path: ["mesh", "maxConnectedClusters"],
    why: "it is the width of the cluster id inside identities",
    value: ({ mesh }) => mesh?.maxConnectedClusters,
  },
  {
    path: ["mesh", "policyDefaultLocalCluster"],
    why: "one policy would mean two things",
    value: ({ mesh }) => mesh?.policyDefaultLocalCluster,
  },
];

function different(site: SiteSpec, peer: SiteFile, { path, why, value }: Shared): Violation[] {
  const own = value(site);
  const other = value(peer.site);
  return own === other
    ? []
    : [
        {
          path,
          message: `It is ${String(own)}, but ${String(other)} in ${peer.file}: ${why}.`,
          fix: "Write the same value in every member.",
        },
      ];
}

const minor = (version: string) => Number(version.split(".")[1]);

export const meshRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-301",
    severity: "error",
    title: "Cluster ids and names are unique in the mesh.",
    korean: "클러스터 id와 이름은 메시 안에서 유일해야 합니다.",
    reason:
      "Both are part of every identity and of the keys in the mesh's etcd; equal ones merge two clusters (chart validate.yaml).",
    check: ({ site, peers }) =>
      peers.flatMap((peer) => [
        ...(peer.site.id === site.id
          ? [
              {
                path: ["id"],
                message: `Cluster id ${site.id} is also that of ${peer.site.name} (${peer.file}).`,
                fix: "Give every member an id of its own, 1 to 255, and never change it.",
              },
            ]
          : []),
        ...(peer.site.name === site.name
          ? [
              {
                path: ["name"],
                message: `${peer.file} has the same name ${site.name}.`,
                fix: "Name every member once.",
              },
            ]
          : []),
      ]),
  },
  {
    code: "GB-302",
    severity: "error",
    title: "Datapath, encryption, MTU and limits are equal in all members.",
    korean: "데이터패스, 암호화, MTU, 한도는 모든 사이트가 같아야 합니다.",
    reason:
      "ClusterMesh prerequisites (docs.cilium.io clustermesh setup) and encryption-wireguard: all members on, or all off.",
    check: ({ site, peers }) => peers.flatMap((peer) => shared.flatMap((setting) => different(site, peer, setting))),
  },
  {
    code: "GB-303",
    severity: "error",
    title: "Members list each other.",
    korean: "메시의 사이트들은 서로를 peers에 적어야 합니다.",
    reason: "A one-sided link gives one site the other's services and leaves the way back closed by the firewall.",
    check: ({ site, peers }) =>
      peers
        .filter((peer) => !peer.site.mesh?.peers.includes(site.name))
        .map((peer) => ({
          path: ["mesh", "peers"],
          message: `${peer.site.name} is a peer here, but ${peer.file} does not list ${site.name}.`,
          fix: `Add ${site.name} to mesh.peers of ${peer.file}, or remove ${peer.site.name} here.`,
        })),
  },
  {
    code: "GB-304",
    severity: "error",
    needsPlan: true,
    title: "Every member of a mesh has a fixed mesh endpoint.",
    korean: "메시의 모든 사이트에는 고정된 메시 주소가 있어야 합니다.",
    reason: "Peers write it into their Helm values before this site exists.",
    check: ({ site }) =>
      site.mesh && !meshEndpoint(site)
        ? [
            {
              path: ["meshAddress"],
              message: "The site is in a mesh, but nothing says where peers find its clustermesh-apiserver.",
              fix: "Write meshAddress: an address of loadBalancers.",
            },
          ]
        : [],
  },
  {
    code: "GB-305",
    severity: "error",
    title: "Members differ by one Cilium minor at most.",
    korean: "사이트 간 Cilium 마이너 버전 차이는 최대 1입니다.",
    reason: "Only consecutive minors are tested together (cilium workflow tests-clustermesh-upgrade).",
    check: ({ site, peers }) =>
      peers
        .filter((peer) => Math.abs(minor(peer.site.cilium.version) - minor(site.cilium.version)) > 1)
        .map((peer) => ({
          path: ["cilium", "version"],
          message: `Cilium ${site.cilium.version} here and ${peer.site.cilium.version} in ${peer.file} are more than one minor apart.`,
          fix: "Upgrade one member at a time, one minor at a time.",
        })),
  },
  {
    code: "GB-306",
    severity: "warning",
    title: "A dead peer's backends are dropped after a time.",
    korean: "죽은 상대 사이트의 백엔드가 일정 시간 뒤 제거되어야 합니다(cacheTTL, 1.19 이상).",
    reason: "Without cacheTTL Cilium keeps them for ever (cilium/cilium#19217); 1.18 has no such setting.",
    check: ({ site }) => {
      if (!site.mesh) return [];
      if (minor(site.cilium.version) < 19) {
        return [
          {
            path: ["cilium", "version"],
            message: `Cilium ${site.cilium.version} has no clustermesh.cacheTTL: a dead peer keeps receiving its share of connections.`,
            fix: "Use 1.19 or later, or affinity: local on every global service.",
          },
        ];
      }
      return site.mesh.cacheTtlSeconds === 0
        ? [
            {
              path: ["mesh", "cacheTtlSeconds"],
              message: "0 means never: a dead peer keeps receiving its share of connections.",
              fix: "Write 60.",
            },
          ]
        : [];
    },
  },
  {
    code: "GB-307",
    severity: "error",
    title: "Identical clusters do not call themselves peers.",
    korean: "사이트가 자기 자신을 peer로 적을 수 없습니다.",
    reason: "Cilium skips its own entry, so the site would be alone without saying so.",
    check: ({ site }) =>
      site.mesh?.peers.includes(site.name)
        ? [{ path: ["mesh", "peers"], message: `${site.name} lists itself.`, fix: "List the other members only." }]
        : [],
  },
];
