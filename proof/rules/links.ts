import { residenceProblems } from "../../components/entry/residence.ts";
import { type Cidr, contains, overlaps } from "../../components/network/cidr.ts";
import { vpnMtu } from "../../components/network/mtu.ts";
import type { EntrySubject, InterconnectSubject, Rule } from "../rule.ts";
import { misplaced } from "./nodes.ts";

/** Inside addresses that Azure's gateway accepts (learn.microsoft.com vpn-gateway-howto-aws-bgp). */
const azureTunnelRanges = ["169.254.21.0/24", "169.254.22.0/24"] as readonly string[] as readonly Cidr[];

/** ASNs that Azure keeps for itself or refuses (learn.microsoft.com vpn-gateway-vpn-faq, BGP). */
const refusedAsns = [8074, 8075, 12076, 23456, 65515, 65517, 65518, 65519, 65520];

export const interconnectRules: readonly Rule<InterconnectSubject>[] = [
  {
    code: "GB-501",
    severity: "error",
    title: "The interconnect joins an AWS site and an Azure site that are peers.",
    korean: "인터커넥트는 서로 peer인 AWS 사이트와 Azure 사이트를 잇습니다.",
    reason: "Routes, prefixes and tunnels are computed from the two sites' files.",
    check: ({ interconnect, sites }) =>
      (["aws", "azure"] as const).flatMap((cloud) => {
        const name = interconnect[cloud].site;
        const found = sites.find(({ stack }) => stack === name);
        if (!found) return [];
        const other = interconnect[cloud === "aws" ? "azure" : "aws"].site;
        if (found.site.platform !== cloud) {
          return [
            {
              path: [cloud, "site"],
              message: `${name} is of platform ${found.site.platform}, not ${cloud}.`,
              fix: `Name a site of platform ${cloud}.`,
            },
          ];
        }
        return found.site.mesh?.peers.includes(other)
          ? []
          : [
              {
                path: [cloud, "site"],
                message: `${name} does not list ${other} as a peer.`,
                fix: `Add it to mesh.peers of ${found.file}.`,
              },
            ];
      }),
  },
  {
    code: "GB-502",
    severity: "error",
    title: "Tunnel insides are four different /30 of 169.254.21.0 to 169.254.22.255.",
    korean: "터널 내부 대역은 169.254.21.0~169.254.22.255 안의 서로 다른 /30 네 개여야 합니다.",
    reason: "Azure accepts no other APIPA range; AWS takes the first host of each /30, Azure the second.",
    check: ({ interconnect: { tunnels } }) => {
      const all = [...tunnels.instance0, ...tunnels.instance1];
      return all.flatMap((block, index) => {
        const path = ["tunnels", index < 2 ? "instance0" : "instance1", index % 2];
        if (!azureTunnelRanges.some((range) => contains(range, block))) {
          return [{ path, message: `${block} is outside Azure's range.`, fix: "Write a /30 such as 169.254.21.0/30." }];
        }
        return all.some((other, position) => position < index && overlaps(other, block))
          ? [{ path, message: `${block} is used by two tunnels.`, fix: "Give each tunnel a /30 of its own." }]
          : [];
      });
    },
  },
  {
    code: "GB-503",
    severity: "error",
    title: "The two ASNs differ and neither is reserved.",
    korean: "두 ASN은 서로 달라야 하고 예약된 번호가 아니어야 합니다.",
    reason:
      "BGP between equal ASNs is internal and announces nothing onward; Azure refuses its own and IANA's reserved numbers.",
    check: ({ interconnect: { aws, azure } }) => {
      const reserved = (asn: number) => refusedAsns.includes(asn) || (asn >= 64_496 && asn <= 64_511);
      return [
        ...(aws.asn === azure.asn
          ? [
              {
                path: ["azure", "asn"],
                message: `Both sides have ASN ${aws.asn}.`,
                fix: "Write 64512 for AWS and 64520 for Azure.",
              },
            ]
          : []),
        ...(["aws", "azure"] as const).flatMap((cloud) => {
          const { asn } = cloud === "aws" ? aws : azure;
          return reserved(asn)
            ? [
                {
                  path: [cloud, "asn"],
                  message: `ASN ${asn} is reserved.`,
                  fix: "Write a private ASN, 64512 to 65514.",
                },
              ]
            : [];
        }),
      ];
    },
  },
  {
    code: "GB-504",
    severity: "error",
    title: "The provider's regions are those of the two sites.",
    korean: "프로바이더의 리전은 두 사이트의 리전과 같아야 합니다.",
    reason:
      "A Transit Gateway attaches only to VPCs of its own region, a gateway only to a subnet of its own location.",
    check: ({ interconnect, sites, config }) =>
      (["aws", "azure"] as const).flatMap((cloud) => {
        const site = sites.find(({ stack }) => stack === interconnect[cloud].site)?.site;
        return (site ? misplaced(site, config) : []).map(({ message, fix }) => ({
          path: [cloud, "site"],
          message,
          fix,
        }));
      }),
  },
  {
    code: "GB-505",
    severity: "error",
    title: "Packets of both sites fit the tunnels.",
    korean: "두 사이트의 cilium.mtu는 VPN 터널이 나를 수 있는 1400 이하여야 합니다.",
    reason:
      "Azure's gateway carries 1400 bytes; larger ones are dropped, and the notice about it never reaches the sender through WireGuard (learn.microsoft.com/azure/vpn-gateway, about VPN devices).",
    check: ({ interconnect, sites }) =>
      (["aws", "azure"] as const).flatMap((cloud) => {
        const found = sites.find(({ stack }) => stack === interconnect[cloud].site);
        return found && found.site.cilium.mtu > vpnMtu
          ? [
              {
                path: [cloud, "site"],
                message: `${found.site.name} sends packets of ${found.site.cilium.mtu} bytes, and the tunnels carry ${vpnMtu}.`,
                fix: `Write cilium.mtu: ${vpnMtu} in ${found.file} and in every other member.`,
              },
            ]
          : [];
      }),
  },
  {
    code: "GB-506",
    severity: "error",
    title: "The Transit Gateway's ASN is a private one.",
    korean: "Transit Gateway의 ASN은 64512~65534의 사설 번호여야 합니다.",
    reason: "AWS takes no other 16-bit number (docs.aws.amazon.com/vpc/latest/tgw, amazonSideAsn).",
    check: ({ interconnect: { aws } }) =>
      aws.asn >= 64_512
        ? []
        : [{ path: ["aws", "asn"], message: `AWS refuses ASN ${aws.asn}.`, fix: "Write one of 64512 to 65534." }],
  },
];

/** Addresses that Route 53's health checkers, which stand on the Internet, cannot reach and the API refuses (API_HealthCheckConfig). */
const unreachable = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
] as readonly string[] as readonly Cidr[];

export const entryRules: readonly Rule<EntrySubject>[] = [
  {
    code: "GB-601",
    severity: "error",
    title: "The active site is one of the entry's two sites.",
    korean: "activeSite는 entry에 적힌 두 사이트 중 하나여야 합니다.",
    reason: "Failover records have one primary and one secondary.",
    check: ({ entry }) => [
      ...(entry.activeSite in entry.sites
        ? []
        : [
            {
              path: ["activeSite"],
              message: `${entry.activeSite} is not in sites.`,
              fix: `Write one of ${Object.keys(entry.sites).join(", ")}.`,
            },
          ]),
      ...(Object.keys(entry.sites).length === 2
        ? []
        : [
            {
              path: ["sites"],
              message: `${Object.keys(entry.sites).length} sites are listed.`,
              fix: "List exactly two: the active one and its standby.",
            },
          ]),
    ],
  },
  {
    code: "GB-602",
    severity: "error",
    title: "The two ingress addresses differ.",
    korean: "두 인그레스 주소는 서로 달라야 합니다.",
    reason: "Otherwise a switch changes nothing.",
    check: ({ entry }) => {
      const addresses = Object.values(entry.sites).map(({ ingressAddress }) => ingressAddress);
      return new Set(addresses).size === addresses.length
        ? []
        : [
            {
              path: ["sites"],
              message: `Both sites have ${addresses[0] ?? "the same address"}.`,
              fix: "Write each site's own address.",
            },
          ];
    },
  },
  {
    code: "GB-603",
    severity: "error",
    title: "The entry's provider region is none of the sites'.",
    korean: "entry의 프로바이더 리전은 어느 사이트의 리전도 아니어야 합니다.",
    reason: "When a region is lost the stack that leaves it must still run; Route 53's own region is us-east-1.",
    check: ({ sites, config }) =>
      sites.flatMap(({ site }) =>
        site.platform === "aws" && config["aws:region"] === site.region
          ? [
              {
                path: [],
                message: `aws:region is ${site.region}, where ${site.name} stands.`,
                fix: "Write aws:region: us-east-1 at the top of the file.",
              },
            ]
          : [],
      ),
  },
  {
    code: "GB-606",
    severity: "error",
    title: "Ingress addresses are public.",
    korean: "ingressAddress는 인터넷에서 닿는 공인 주소여야 합니다.",
    reason:
      "Users and Route 53's health checkers come from the Internet; the API refuses a check of a private address.",
    check: ({ entry }) =>
      Object.entries(entry.sites).flatMap(([name, { ingressAddress }]) =>
        unreachable.some((block) => contains(block, ingressAddress))
          ? [
              {
                path: ["sites", name, "ingressAddress"],
                message: `${ingressAddress} is not an address of the Internet.`,
                fix: "Write the public address of the site's ingress.",
              },
            ]
          : [],
      ),
  },
  ...(["error", "warning"] as const).map(
    (severity, index): Rule<EntrySubject> => ({
      code: index === 0 ? "GB-604" : "GB-605",
      severity,
      title:
        index === 0
          ? "The entry's state and keys are not in a site's region."
          : "The entry's state and keys say where they are.",
      korean:
        index === 0
          ? "entry의 상태와 키는 사이트의 리전에 두면 안 됩니다."
          : "entry의 상태와 키가 어디에 있는지 명시해야 합니다.",
      reason: "Whoever loses the region loses the stack that leaves it (facts of the drill: docs/operations.md).",
      check: ({ sites, backendUrl, secretsProvider }) =>
        residenceProblems({
          backendUrl,
          secretsProvider,
          siteRegions: sites.flatMap(({ site }) => (site.platform === "aws" ? [site.region] : [])),
        })
          .filter((problem) => problem.severity === severity)
          .map(({ message, fix }) => ({ path: [], message, fix })),
    }),
  ),
];
