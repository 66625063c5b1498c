import type { SiteSpec } from "../../components/config/schema.ts";
import { type Cidr, contains, overlaps, prefixLength } from "../../components/network/cidr.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { strangers } from "./strangers.ts";

/** A block with the path that names it. */
export interface Named {
  readonly label: string;
  readonly path: readonly string[];
  readonly block: Cidr;
}

/** Every block of a site that addresses are given out of. */
export function blocksOf(site: SiteSpec): Named[] {
  const named = (label: string, path: readonly string[], block: Cidr): Named => ({ label, path, block });
  return [
    named("network.nodes", ["network", "nodes"], site.network.nodes),
    named("network.pods", ["network", "pods"], site.network.pods),
    named("network.services", ["network", "services"], site.network.services),
    ...(site.platform === "on-prem" ? [named("loadBalancers", ["loadBalancers"], site.loadBalancers)] : []),
  ];
}

/** Every two of a list. */
export function pairs<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((one, index) => list.slice(index + 1).map((other): [T, T] => [one, other]));
}

/** Ranges that the clouds, Docker or the link itself use, so that no site may. */
const reserved = [
  { block: "0.0.0.0/8" as Cidr, use: "addresses that mean this host" },
  { block: "169.254.0.0/16" as Cidr, use: "link-local addresses, metadata services and the tunnels' insides" },
  { block: "127.0.0.0/8" as Cidr, use: "loopback" },
  { block: "224.0.0.0/4" as Cidr, use: "multicast" },
  { block: "240.0.0.0/4" as Cidr, use: "nothing that hosts may use" },
  { block: "168.63.129.16/32" as Cidr, use: "Azure's resolver and health probes" },
];

/** Space that nobody on the Internet has (RFC 1918, RFC 6598, RFC 2544). */
const privateSpace = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"].map(
  (block) => block as Cidr,
);

const clouds = (site: SiteSpec) => site.platform === "aws" || site.platform === "azure";

/** Where a block is too small or too large for the address plan to be computed. */
export function missized(site: SiteSpec): Violation[] {
  const found: Violation[] = [];
  const nodes = prefixLength(site.network.nodes);
  if (clouds(site) && nodes !== 16) {
    found.push({
      path: ["network", "nodes"],
      message: `A cloud site's node block is a /16, and this is ${site.network.nodes}.`,
      fix: "AWS takes at most a /16 per VPC; write a /16.",
    });
  }
  const pods = prefixLength(site.network.pods);
  if (site.platform !== "existing") {
    const last = Math.max(
      ...site.nodePools.map((pool) => pool.firstSlot + ("hosts" in pool ? pool.hosts.length : pool.count) - 1),
    );
    if (pods > 24 || last >= 2 ** (24 - pods)) {
      found.push({
        path: ["network", "pods"],
        message: `${site.network.pods} holds ${Math.floor(2 ** (24 - pods))} blocks of /24, but the highest slot is ${last}.`,
        fix: "Write a wider block; a /16 holds 256 slots.",
      });
    }
  }
  if (site.platform === "existing" && site.ipam === "cluster-pool" && pods > 24) {
    found.push({
      path: ["network", "pods"],
      message: `The operator hands out a /24 per node, and ${site.network.pods} holds none.`,
      fix: "Write a block of /24 or wider.",
    });
  }
  const services = prefixLength(site.network.services);
  if (services < 12 || services > 24) {
    found.push({
      path: ["network", "services"],
      message: `${site.network.services} is a /${services}.`,
      fix: "Write a block of /12 to /24, e.g. 172.20.0.0/16.",
    });
  }
  return found;
}

/** Blocks of two members that share an address, of kinds that may not. */
function meeting(site: SiteSpec, peer: SiteSpec, forbidden: (one: Named, other: Named) => boolean): [Named, Named][] {
  return blocksOf(site).flatMap((own) =>
    blocksOf(peer)
      .filter((other) => overlaps(own.block, other.block) && forbidden(own, other))
      .map((other): [Named, Named] => [own, other]),
  );
}
const isService = ({ label }: Named) => label === "network.services";
const sameKind = (one: Named, other: Named) => !isService(one) && !isService(other);
const serviceAndOther = (one: Named, other: Named) => isService(one) !== isService(other);

export const addressRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-201",
    severity: "error",
    title: "Nodes, pods, services and load-balancer addresses of a site are disjoint.",
    korean: "한 사이트의 노드·파드·서비스·로드밸런서 대역은 서로 겹치지 않아야 합니다.",
    reason:
      "Cilium routes by destination: a shared address reaches whichever table matches first (cilium/cilium#32296, #13766).",
    check: ({ site }) =>
      pairs(blocksOf(site))
        // A pool of load-balancer addresses may be cut from the node network if no rack uses it.
        .filter(
          ([one, other]) =>
            overlaps(one.block, other.block) && !(one.label === "network.nodes" && other.label === "loadBalancers"),
        )
        .map(([one, other]) => ({
          path: other.path,
          message: `${other.label} ${other.block} overlaps ${one.label} ${one.block}.`,
          fix: "Give each its own block; docs/architecture.md has the address plan.",
        })),
  },
  {
    code: "GB-202",
    severity: "error",
    title: "Node and pod blocks of all members of a mesh are disjoint.",
    korean: "메시에 속한 모든 사이트의 노드·파드 대역은 서로 겹치지 않아야 합니다.",
    reason:
      "Packets between members keep their addresses, so equal ones reach the wrong cluster, or itself (cilium/cilium#20375).",
    check: ({ site, peers }) => [
      ...peers.flatMap((peer) =>
        meeting(site, peer.site, sameKind).map(([own, other]) => ({
          path: own.path,
          message: `${own.label} ${own.block} overlaps ${other.label} ${other.block} of ${peer.site.name} (${peer.file}).`,
          fix: "Give every member its own node and pod block.",
        })),
      ),
      ...strangers(peers).flatMap(([one, other]) =>
        meeting(one.site, other.site, sameKind).map(([first, second]) => ({
          path: ["mesh", "peers"],
          message: `${first.label} ${first.block} of ${one.site.name} overlaps ${second.label} ${second.block} of ${other.site.name}, and both are peers here.`,
          fix: `Give every member its own block, in ${one.file} or ${other.file}.`,
        })),
      ),
    ],
  },
  {
    code: "GB-203",
    severity: "warning",
    title: "Service blocks of members are disjoint.",
    korean: "사이트 간 서비스 대역도 겹치지 않는 것이 좋습니다.",
    reason: "Cilium translates service addresses locally, but a shared block makes flow logs of two sites ambiguous.",
    check: ({ site, peers }) =>
      peers
        .filter((peer) => overlaps(site.network.services, peer.site.network.services))
        .map((peer) => ({
          path: ["network", "services"],
          message: `network.services ${site.network.services} overlaps that of ${peer.site.name} (${peer.file}).`,
          fix: "Use another block, e.g. 172.20.0.0/16 and 172.21.0.0/16.",
        })),
  },
  {
    code: "GB-204",
    severity: "error",
    title: "With native routing, cilium.nativeRoutingCidr contains the pod block of every member.",
    korean: "네이티브 라우팅에서는 nativeRoutingCidr가 모든 사이트의 파드 대역을 포함해야 합니다.",
    reason:
      "Traffic to a pod outside it is masqueraded to the node's address and loses its identity (clustermesh setup guide).",
    check: ({ site, peers }) =>
      site.cilium.routing !== "native"
        ? []
        : [site, ...peers.map((peer) => peer.site)]
            .filter((member) => !contains(site.cilium.nativeRoutingCidr, member.network.pods))
            .map((member) => ({
              path: ["cilium", "nativeRoutingCidr"],
              message: `${site.cilium.nativeRoutingCidr} does not contain the pods of ${member.name}, ${member.network.pods}.`,
              fix: "Write the pod supernet of the whole mesh, e.g. 10.128.0.0/13.",
            })),
  },
  {
    code: "GB-205",
    severity: "error",
    title: "With native routing, cilium.nativeRoutingCidr contains no node or load-balancer address of any member.",
    korean: "nativeRoutingCidr에는 노드나 로드밸런서 주소가 들어가면 안 됩니다. 10.0.0.0/8처럼 넓게 쓰지 마십시오.",
    reason:
      "Pods would reach nodes, databases and endpoints with their own address, which no security group or resolver there knows (10.0.0.0/8 is often written).",
    check: ({ site, peers }) =>
      site.cilium.routing !== "native"
        ? []
        : [site, ...peers.map((peer) => peer.site)].flatMap((member) =>
            blocksOf(member)
              .filter(({ label, block }) => label !== "network.pods" && overlaps(site.cilium.nativeRoutingCidr, block))
              .map(({ label, block }) => ({
                path: ["cilium", "nativeRoutingCidr"],
                message: `${site.cilium.nativeRoutingCidr} holds addresses of ${label} ${block} of ${member.name}.`,
                fix: "Narrow it to pod blocks only, e.g. 10.128.0.0/13.",
              })),
          ),
  },
  {
    code: "GB-206",
    severity: "error",
    title:
      "Blocks have the right size: a cloud site's nodes are a /16, pods hold a /24 for every slot, services are /12 to /24.",
    korean: "대역의 크기: 클라우드 노드는 /16, 파드는 슬롯마다 /24, 서비스는 /12~/24여야 합니다.",
    reason:
      "The address plan cuts zone subnets out of the node block (components/network/plan.ts) and a /24 per slot out of the pod block; kube-apiserver refuses more than 20 bits of services.",
    check: ({ site }) => missized(site),
  },
  {
    code: "GB-207",
    severity: "error",
    title: "No block of a site is one that hosts and clouds use for themselves.",
    korean: "호스트와 클라우드가 쓰는 예약 대역은 사용할 수 없습니다.",
    reason: "RFC 3927, RFC 1122; AWS 169.254.169.254, Azure 168.63.129.16.",
    check: ({ site }) =>
      blocksOf(site).flatMap(({ label, path, block }) =>
        reserved
          .filter((other) => overlaps(block, other.block))
          .map((other) => ({
            path,
            message: `${label} ${block} overlaps ${other.block}: ${other.use}.`,
            fix: "Use private space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
          })),
      ),
  },
  {
    code: "GB-209",
    severity: "error",
    title: "Slots and host addresses of a site are each used once.",
    korean: "슬롯과 호스트 주소는 한 번씩만 쓸 수 있습니다.",
    reason: "A slot fixes the pod block and the node's address: two nodes in one slot announce the same pods.",
    check: ({ site }) => {
      if (site.platform === "existing") return [];
      const spans = site.nodePools.map((pool, index) => {
        const size = "hosts" in pool ? pool.hosts.length : pool.count;
        return { name: pool.name, index, first: pool.firstSlot, last: pool.firstSlot + size - 1 };
      });
      const found: Violation[] = pairs(spans)
        .filter(([one, other]) => one.first <= other.last && other.first <= one.last)
        .map(([one, other]) => ({
          path: ["nodePools", other.index, "firstSlot"],
          message: `Slots ${other.first}-${other.last} of pool ${other.name} overlap ${one.first}-${one.last} of ${one.name}.`,
          fix: `Write a firstSlot after ${one.last}, and leave ${one.name} room to grow.`,
        }));
      for (const [one, other] of pairs(spans)) {
        if (one.name === other.name) {
          found.push({
            path: ["nodePools", other.index, "name"],
            message: `Two pools are named ${one.name}, so their nodes would have equal names.`,
            fix: "Name each pool once.",
          });
        }
      }
      if (site.platform === "on-prem") {
        const hosts = site.nodePools.flatMap((pool, index) =>
          pool.hosts.map((each, position) => ({ ...each, index, position })),
        );
        for (const [one, other] of pairs(hosts)) {
          if (one.address === other.address) {
            found.push({
              path: ["nodePools", other.index, "hosts", other.position, "address"],
              message: `${other.address} is listed twice.`,
              fix: "List each machine once.",
            });
          }
        }
      }
      return found;
    },
  },
  {
    code: "GB-213",
    severity: "warning",
    title: "Blocks are private address space.",
    korean: "대역은 사설 주소 공간(RFC 1918 등)을 쓰는 것이 좋습니다.",
    reason: "Whoever owns the block on the Internet can then not be reached from this site (RFC 1918, RFC 6598).",
    check: ({ site }) =>
      [
        ...blocksOf(site),
        ...(site.cilium.routing === "native"
          ? [
              {
                label: "cilium.nativeRoutingCidr",
                path: ["cilium", "nativeRoutingCidr"],
                block: site.cilium.nativeRoutingCidr,
              },
            ]
          : []),
      ]
        .filter(({ block }) => !privateSpace.some((space) => contains(space, block)))
        .map(({ label, path, block }) => ({
          path,
          message: `${label} ${block} holds public addresses.`,
          fix: "Use 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10.",
        })),
  },
  {
    code: "GB-214",
    severity: "error",
    title: "No member's service block meets another member's nodes, pods or load-balancer addresses.",
    korean: "한 사이트의 서비스 대역은 다른 사이트의 노드·파드·로드밸런서 대역과 겹치지 않아야 합니다.",
    reason:
      "A packet for the other site's node or pod whose address is a ClusterIP here is sent to that service instead (Cilium, kube-proxy replacement).",
    check: ({ site, peers }) =>
      peers.flatMap((peer) =>
        meeting(site, peer.site, serviceAndOther).map(([own, other]) => ({
          path: own.path,
          message: `${own.label} ${own.block} overlaps ${other.label} ${other.block} of ${peer.site.name} (${peer.file}).`,
          fix: "Give each its own block, e.g. services out of 172.16.0.0/12 and nodes and pods out of 10.0.0.0/8.",
        })),
      ),
  },
];
