import type { SiteSpec } from "../../components/config/schema.ts";
import { azureMtu, podMtu, vpnMtu } from "../../components/network/mtu.ts";
import { meshEndpoint } from "../../components/network/plan.ts";
import type { Rule, SiteFile, SiteSubject, Violation } from "../rule.ts";
import { strangers } from "./strangers.ts";

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
    check: ({ site, peers }) => [
      ...strangers(peers)
        .filter(([one, other]) => one.site.id === other.site.id || one.site.name === other.site.name)
        .map(([one, other]) => ({
          path: ["mesh", "peers"],
          message: `${one.site.name} and ${other.site.name}, both peers here, have cluster id ${one.site.id}.`,
          fix: `Give every member an id of its own, in ${one.file} or ${other.file}.`,
        })),
      ...peers.flatMap((peer) => [
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
    ],
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
    title: "No site is its own peer.",
    korean: "사이트가 자기 자신을 peer로 적을 수 없습니다.",
    reason: "Cilium skips its own entry, so the site would be alone without saying so.",
    check: ({ site }) =>
      site.mesh?.peers.includes(site.name)
        ? [{ path: ["mesh", "peers"], message: `${site.name} lists itself.`, fix: "List the other members only." }]
        : [],
  },
  {
    code: "GB-316",
    severity: "error",
    needsPlan: true,
    title: "Every member has a mesh endpoint of its own.",
    korean: "메시 주소는 사이트마다 달라야 합니다.",
    reason:
      "Behind a shared address answers one of the two, and the other's services are never seen (cilium/cilium#20375).",
    check: ({ site, peers }) => {
      const own = meshEndpoint(site)?.addresses ?? [];
      return peers.flatMap((peer) =>
        (meshEndpoint(peer.site)?.addresses ?? [])
          .filter((address) => own.includes(address))
          .map((address) => ({
            path: site.platform === "on-prem" || site.platform === "existing" ? ["meshAddress"] : ["network", "nodes"],
            message: `${address} is also the mesh endpoint of ${peer.site.name} (${peer.file}).`,
            fix: "Give every member its own address.",
          })),
      );
    },
  },
  {
    code: "GB-308",
    severity: "error",
    title: "Peers are listed once.",
    korean: "peers에는 같은 사이트를 한 번만 적습니다.",
    reason: "The second entry would be dropped without a word; most likely another site was meant.",
    check: ({ site }) => {
      const names = site.mesh?.peers ?? [];
      return names.flatMap((name, index) =>
        names.indexOf(name) < index
          ? [{ path: ["mesh", "peers", index], message: `${name} is listed twice.`, fix: "List each member once." }]
          : [],
      );
    },
  },
  {
    code: "GB-310",
    severity: "warning",
    title: "clustermesh-apiserver runs more than once.",
    korean: "clustermesh-apiserver는 2개 이상 실행해야 합니다.",
    reason: "With one, every drain of its node cuts this site off from its peers (clustermesh, apiserver.replicas).",
    check: ({ site }) =>
      site.mesh?.apiserverReplicas === 1
        ? [{ path: ["mesh", "apiserverReplicas"], message: "There is one replica.", fix: "Write 2." }]
        : [],
  },
  {
    code: "GB-311",
    severity: "warning",
    title: "Members on AWS and Azure leave room for a VPN.",
    korean: "AWS와 Azure를 잇는 메시의 MTU는 1400 이하여야 합니다.",
    reason:
      "Azure's VPN gateway carries 1400 bytes, and cloud routers drop what is larger without telling WireGuard (learn.microsoft.com/azure/vpn-gateway, about VPN devices).",
    check: ({ site, peers }) =>
      peers
        .filter(
          (peer) =>
            site.cilium.mtu > vpnMtu &&
            [site, peer.site].some(({ platform }) => platform === "aws") &&
            [site, peer.site].some(({ platform }) => platform === "azure"),
        )
        .map((peer) => ({
          path: ["cilium", "mtu"],
          message: `It is ${site.cilium.mtu}, and a VPN to ${peer.site.name} carries ${vpnMtu}.`,
          fix: `Write ${vpnMtu} in every member, or accept this if they are joined by private lines.`,
        })),
  },
  {
    code: "GB-317",
    severity: "warning",
    title: "Packets fit Azure's network.",
    korean: "Azure 사이트의 cilium.mtu는 1500 이하여야 합니다.",
    reason:
      "A virtual network carries 1500 bytes unless machine size and guest both have jumbo frames turned on (learn.microsoft.com/azure/virtual-network/how-to-virtual-machine-mtu).",
    check: ({ site }) =>
      site.platform === "azure" && site.cilium.mtu > azureMtu
        ? [
            {
              path: ["cilium", "mtu"],
              message: `It is ${site.cilium.mtu}, and Azure's virtual network carries ${azureMtu} by default.`,
              fix: `Write ${azureMtu}, or accept this if every machine has jumbo frames turned on.`,
            },
          ]
        : [],
  },
  {
    code: "GB-312",
    severity: "warning",
    title: "Pods can send the smallest packet of QUIC.",
    korean: "캡슐화 후 파드 MTU가 1228 이상이어야 합니다(QUIC 최소 패킷).",
    reason: "A QUIC datagram has 1200 bytes at least and 28 of headers, and may not be fragmented (RFC 9000, 14).",
    check: ({ site }) => {
      const pods = podMtu(site.cilium);
      return pods < 1228
        ? [
            {
              path: ["cilium", "mtu"],
              message: `Of ${site.cilium.mtu} bytes, ${site.cilium.routing} routing and ${site.cilium.encryption} leave pods ${pods}.`,
              fix: `Write ${site.cilium.mtu + 1228 - pods} or more if the line carries it, or use native routing.`,
            },
          ]
        : [];
    },
  },
];
