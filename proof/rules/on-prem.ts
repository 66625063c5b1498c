import type { Rule, SiteSubject, Violation } from "../rule.ts";

/** AS_TRANS, the last of the 16-bit numbers, and the last of all (RFC 6793, RFC 7300). */
const unusableAsns = [23_456, 65_535, 4_294_967_295];
/** For documents only (RFC 5398), or never given out (IANA Autonomous System Numbers). */
const doubtfulAsns = [
  [64_496, 64_511],
  [65_536, 131_071],
] as const;

export const onPremRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-431",
    severity: "error",
    title: "BGP sends keepalives more often than it waits for them.",
    korean: "BGP keepAliveSeconds는 holdSeconds보다 짧아야 합니다.",
    reason:
      "Otherwise the ToR ends the session before the next one is due; the CRD refuses a longer one (ciliumbgppeerconfigs, RFC 4271 4.4).",
    check: ({ site }) =>
      site.platform === "on-prem" && site.bgp.keepAliveSeconds >= site.bgp.holdSeconds
        ? [
            {
              path: ["bgp", "keepAliveSeconds"],
              message: `A keepalive every ${site.bgp.keepAliveSeconds} s, and the session ends after ${site.bgp.holdSeconds} s without one.`,
              fix: `Write ${Math.max(1, Math.floor(site.bgp.holdSeconds / 3))}, a third of holdSeconds.`,
            },
          ]
        : [],
  },
  {
    code: "GB-432",
    severity: "warning",
    title: "A BGP session outlives two lost keepalives.",
    korean: "holdSeconds는 keepAliveSeconds의 3배 이상이 좋습니다.",
    reason: "RFC 4271 4.4 and 10 suggest a third: one lost packet must not withdraw every pod of a node.",
    check: ({ site }) => {
      if (site.platform !== "on-prem") return [];
      const { holdSeconds, keepAliveSeconds } = site.bgp;
      return keepAliveSeconds < holdSeconds && keepAliveSeconds * 3 > holdSeconds
        ? [
            {
              path: ["bgp", "holdSeconds"],
              message: `${holdSeconds} s is less than three keepalives of ${keepAliveSeconds} s.`,
              fix: `Write ${keepAliveSeconds * 3} or more, or a shorter keepAliveSeconds.`,
            },
          ]
        : [];
    },
  },
  {
    code: "GB-433",
    severity: "error",
    title: "Both ASNs of a data centre are numbers that routers accept.",
    korean: "nodeAsn과 torAsn은 라우터가 받아들이는 번호여야 합니다.",
    reason: "Routers refuse 23456, 65535 and 4294967295 as a peer's number (RFC 6793, RFC 7300).",
    check: ({ site }) =>
      site.platform === "on-prem"
        ? (["nodeAsn", "torAsn"] as const)
            .filter((key) => unusableAsns.includes(site.bgp[key]))
            .map((key) => ({
              path: ["bgp", key],
              message: `ASN ${site.bgp[key]} is reserved.`,
              fix: "Write a private one: 64512 to 65534, or 4200000000 to 4294967294.",
            }))
        : [],
  },
  {
    code: "GB-434",
    severity: "warning",
    title: "The ASNs of data centres are private or their own, and those of two data centres differ.",
    korean: "데이터센터 ASN은 사설 번호를 쓰고, 사이트마다 torAsn이 달라야 합니다.",
    reason:
      "A router drops routes whose path already holds its own number (RFC 4271 9.1.2); documentation numbers are filtered (RFC 5398).",
    check: ({ site, peers }) => {
      if (site.platform !== "on-prem") return [];
      const { bgp } = site;
      const doubtful = (["nodeAsn", "torAsn"] as const)
        .filter((key) => doubtfulAsns.some(([first, last]) => bgp[key] >= first && bgp[key] <= last))
        .map(
          (key): Violation => ({
            path: ["bgp", key],
            message: `ASN ${bgp[key]} is for documents, or reserved.`,
            fix: "Write a private one: 64512 to 65534, or 4200000000 to 4294967294.",
          }),
        );
      const equal = peers.flatMap((peer): Violation[] =>
        peer.site.platform === "on-prem" && peer.site.bgp.torAsn === bgp.torAsn
          ? [
              {
                path: ["bgp", "torAsn"],
                message: `The ToRs of ${peer.site.name} (${peer.file}) have ASN ${bgp.torAsn} too, so one site's routes may be dropped at the other.`,
                fix: "Write another number, or accept this if the line between them is not BGP.",
              },
            ]
          : [],
      );
      return [...doubtful, ...equal];
    },
  },
  {
    code: "GB-435",
    severity: "warning",
    title: "Control planes are spread over the racks as far as there are racks.",
    korean: "컨트롤 플레인은 가능한 한 여러 랙에 나누어야 합니다.",
    reason: "etcd needs a majority: the rack that holds one takes the cluster with it (etcd.io FAQ, fault tolerance).",
    check: ({ site }) => {
      if (site.platform !== "on-prem") return [];
      return site.nodePools.flatMap((pool, index) => {
        if (pool.role !== "control-plane") return [];
        const perRack = Map.groupBy(pool.hosts, ({ rack }) => rack);
        const most = Math.max(...[...perRack.values()].map((hosts) => hosts.length));
        const fair = Math.ceil(pool.hosts.length / site.racks.length);
        const [rack] = [...perRack].find(([, hosts]) => hosts.length === most) ?? [];
        return most > fair
          ? [
              {
                path: ["nodePools", index, "hosts"],
                message: `${most} of ${pool.hosts.length} control planes stand in rack ${rack}, and there are ${site.racks.length} racks.`,
                fix: `Put at most ${fair} into one rack.`,
              },
            ]
          : [];
      });
    },
  },
];
