import { rackLabel } from "../../components/cilium/labels.ts";
import type { NodeSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { firewallRules } from "../../components/network/firewall.ts";
import { planSlots } from "../../components/network/plan.ts";
import { neededDiskGb, ubuntuReleases } from "../../components/nodes/requirements.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";

/** Publishers of Azure's marketplace whose machines are no Ubuntu. */
const otherSystems = /^(redhat|suse|debian|openlogic|almalinux|oracle|microsoft.*|kinvolk|resf)$/i;

/** Routes that one table of Azure holds (learn.microsoft.com/azure/azure-resource-manager/management, networking limits). */
const azureRoutes = 400;
/** Rules of one direction in one security group, unless the account's quota was raised (docs.aws.amazon.com/vpc, quotas). */
const securityGroupRules = 60;
/** Availability zones of a region, by letter, where they are all known. */
const zonesOf: Readonly<Record<string, readonly string[]>> = { "ap-northeast-2": ["a", "b", "c", "d"] };
/** Fault domains of an availability set, where Azure offers fewer than three (learn.microsoft.com/azure/virtual-machines/availability). */
const faultDomainsOf: Readonly<Record<string, number>> = { koreasouth: 2 };

const labelKey = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

interface Image {
  readonly path: readonly (string | number)[];
  readonly image: { readonly publisher: string; readonly offer: string; readonly sku: string };
}

function azureImages(site: SiteSpec): Image[] {
  if (site.platform !== "azure") return [];
  return [
    ...(site.access.kind === "bastion" ? [{ path: ["access", "image"], image: site.access.image }] : []),
    ...site.nodePools.map(({ image }, index) => ({ path: ["nodePools", index, "image"], image })),
  ];
}

function imageProblem({ publisher, offer, sku }: Image["image"]): string | undefined {
  if (otherSystems.test(publisher)) return `${publisher} ${offer} is no Ubuntu.`;
  if (/arm64/i.test(`${offer} ${sku}`)) return `${sku} is for ARM, and all machine sizes here are x86-64.`;
  if (publisher.toLowerCase() !== "canonical") return undefined;
  const [, year, month] = /(\d\d)[._](\d\d)/.exec(`${offer} ${sku}`) ?? [];
  const release = `${year}.${month}`;
  return year === undefined || ubuntuReleases.includes(release) ? undefined : `${offer} ${sku} is Ubuntu ${release}.`;
}

function badLabels(site: NodeSiteSpec): Violation[] {
  return site.nodePools.flatMap((pool, index) =>
    Object.entries(pool.labels).flatMap(([key, value]): Violation[] => {
      const path = ["nodePools", index, "labels", key];
      if (!labelKey.test(key)) {
        return [{ path, message: `"${key}" is no label key.`, fix: "Write a key such as bank.example/tier." }];
      }
      if (!labelValue.test(value)) {
        const fix = "Write at most 63 of a-z, A-Z, 0-9, -, _ and ., starting and ending with a letter or digit.";
        return [{ path, message: `"${value}" is no label value.`, fix }];
      }
      return key === rackLabel
        ? [{ path, message: `${key} says which ToRs a node speaks to.`, fix: "Remove it; the host's rack sets it." }]
        : [];
    }),
  );
}

export const machineRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-410",
    severity: "warning",
    title: "Three control planes stand in three zones.",
    korean: "컨트롤 플레인 3대는 가용 영역 3곳에 나누어야 합니다.",
    reason: "etcd needs a majority: with two zones one of them holds it (etcd.io FAQ, fault tolerance).",
    check: ({ site }) => {
      if (site.platform !== "aws" || site.zones.length > 2) return [];
      const voters = site.nodePools.reduce((sum, { role, count }) => sum + (role === "control-plane" ? count : 0), 0);
      return voters < 3
        ? []
        : [
            {
              path: ["zones"],
              message: `${voters} control planes stand in ${site.zones.length} zone(s), so the loss of one can take the majority.`,
              fix: "List three zones.",
            },
          ];
    },
  },
  {
    code: "GB-421",
    severity: "error",
    title: "A root disk holds the images and logs of its node.",
    korean: "루트 디스크는 컨테이너 이미지와 로그를 담을 수 있어야 합니다.",
    reason: "The node's preflight would refuse it (GB-706): 15 GB of images, the flow log, and 10 GB of audit log.",
    check: ({ site }) => {
      if (site.platform !== "aws" && site.platform !== "azure") return [];
      return site.nodePools.flatMap(({ role, rootGiB }, index) => {
        const needed = neededDiskGb(site, role);
        return needed <= rootGiB
          ? []
          : [
              {
                path: ["nodePools", index, "rootGiB"],
                message: `${rootGiB} GiB, and images and logs need ${needed}.`,
                fix: `Write ${needed + 10} or more, or keep fewer flow logs (cilium.hubble.exportFileBackups).`,
              },
            ];
      });
    },
  },
  {
    code: "GB-422",
    severity: "error",
    title: "Azure's images are Ubuntu 22.04 or 24.04 for x86-64.",
    korean: "Azure 이미지는 x86-64용 Ubuntu 22.04 또는 24.04여야 합니다.",
    reason: "The node's preflight refuses any other (GB-701): its kernel and cgroups are not known to carry Cilium.",
    check: ({ site }) =>
      azureImages(site).flatMap(({ path, image }) => {
        const message = imageProblem(image);
        return message === undefined
          ? []
          : [{ path, message, fix: "Write publisher: Canonical, offer: ubuntu-24_04-lts, sku: server." }];
      }),
  },
  {
    code: "GB-425",
    severity: "error",
    title: "Labels of nodes are ones that Kubernetes takes.",
    korean: "노드 레이블은 쿠버네티스 형식에 맞아야 하며 랙 레이블을 바꿀 수 없습니다.",
    reason:
      "A node that cannot be labelled does not join (kubernetes.io, labels: syntax); the rack's label chooses its BGP peers.",
    check: ({ site }) => (site.platform === "existing" ? [] : badLabels(site)),
  },
  {
    code: "GB-426",
    severity: "error",
    needsPlan: true,
    title: "Azure's route tables hold a route for every node.",
    korean: "Azure 라우팅 테이블 하나에는 최대 400개의 경로만 넣을 수 있습니다.",
    reason: "Every slot's pod block is one route; Azure takes 400 in a table.",
    check: ({ site }) => {
      if (site.platform !== "azure") return [];
      const nodes = planSlots(site).length;
      return nodes <= azureRoutes
        ? []
        : [
            {
              path: ["nodePools"],
              message: `${nodes} nodes need ${nodes} routes, and a table holds ${azureRoutes}.`,
              fix: `Use at most ${azureRoutes} nodes per site; larger machines, or another site.`,
            },
          ];
    },
  },
  {
    code: "GB-427",
    severity: "warning",
    needsPlan: true,
    title: "No security group has more rules than AWS allows by default.",
    korean: "보안 그룹 한 방향의 규칙이 기본 한도 60개를 넘지 않아야 합니다. 넘으면 한도 증설을 신청하십시오.",
    reason:
      "60 per direction unless the quota was raised; every peer's block is a rule for each row of the port table.",
    check: ({ site, peers }) => {
      if (site.platform !== "aws") return [];
      const members = peers.map((peer) => peer.site);
      const groups = Map.groupBy(firewallRules(site, members), ({ group, direction }) => `${group} ${direction}`);
      const [name, largest = []] = [...groups].toSorted(([, one], [, other]) => other.length - one.length)[0] ?? [];
      return largest.length <= securityGroupRules
        ? []
        : [
            {
              path: ["mesh", "peers"],
              message: `Security group ${name} gets ${largest.length} rules, and AWS allows ${securityGroupRules} by default.`,
              fix: `Ask AWS for a quota of ${Math.ceil(largest.length / 50) * 50} (L-0EA8095F), or let peers have fewer blocks.`,
            },
          ];
    },
  },
  {
    code: "GB-428",
    severity: "warning",
    title: "A site without a way out takes packages and images from mirrors.",
    korean: "외부로 나가는 길이 없는 사이트는 내부 미러를 써야 합니다.",
    reason: "With egress: none no node reaches the public repositories, so none would install anything.",
    check: ({ site }) => {
      if ((site.platform !== "aws" && site.platform !== "azure") || site.egress !== "none") return [];
      const { packages, imageRegistry } = site.kubernetes;
      const sources = [
        [["kubernetes", "packages", "kubernetes"], packages.kubernetes, /\bpkgs\.k8s\.io\b/],
        [["kubernetes", "packages", "containerd"], packages.containerd, /\bdownload\.docker\.com\b/],
        [["kubernetes", "imageRegistry"], imageRegistry, /\bregistry\.k8s\.io\b/],
        [["cilium", "images", "registry"], site.cilium.images.registry ?? "quay.io", /^quay\.io\b/],
      ] as const;
      return sources
        .filter(([, source, known]) => known.test(source))
        .map(([path, source]) => ({
          path,
          message: `${source} is out of reach with egress: none.`,
          fix: "Name a mirror that nodes reach inside, or write egress: nat.",
        }));
    },
  },
  {
    code: "GB-429",
    severity: "error",
    title: "Zones exist in their region.",
    korean: "가용 영역은 해당 리전에 실제로 있어야 합니다.",
    reason: "AWS would refuse the subnet (docs.aws.amazon.com, Regions and Availability Zones).",
    check: ({ site }) => {
      const known = site.platform === "aws" ? zonesOf[site.region] : undefined;
      if (site.platform !== "aws" || !known) return [];
      return site.zones.flatMap((zone, index) =>
        known.includes(zone)
          ? []
          : [
              {
                path: ["zones", index],
                message: `${site.region} has no zone ${zone}.`,
                fix: `Write some of ${known.join(", ")}.`,
              },
            ],
      );
    },
  },
  {
    code: "GB-430",
    severity: "warning",
    title: "Azure's location offers that many fault domains.",
    korean: "faultDomains는 해당 Azure 지역이 제공하는 수를 넘을 수 없습니다.",
    reason: "Azure refuses an availability set with more than the location has; Korea South has two.",
    check: ({ site }) => {
      const most = site.platform === "azure" ? faultDomainsOf[site.location] : undefined;
      return site.platform === "azure" && most !== undefined && site.faultDomains > most
        ? [
            {
              path: ["faultDomains"],
              message: `${site.location} has ${most} fault domains, and this asks for ${site.faultDomains}.`,
              fix: `Write ${most}.`,
            },
          ]
        : [];
    },
  },
  {
    code: "GB-437",
    severity: "warning",
    needsPlan: true,
    title: "Every zone and every rack has nodes.",
    korean: "노드가 없는 가용 영역이나 랙은 목록에서 빼는 것이 좋습니다.",
    reason:
      "A zone's subnets, routes and NAT gateway cost money and carry nothing; a rack's BGP configuration fits no node.",
    check: ({ site }) => {
      if (site.platform !== "aws" && site.platform !== "on-prem") return [];
      const used = new Set(planSlots(site).map(({ zone }) => zone));
      const [key, noun, names] =
        site.platform === "aws"
          ? (["zones", "Zone", site.zones] as const)
          : (["racks", "Rack", site.racks.map(({ name }) => name)] as const);
      return names.flatMap((name, index) =>
        used.has(name)
          ? []
          : [
              {
                path: [key, index],
                message: `${noun} ${name} has no node.`,
                fix: "Remove it until it has, or add nodes.",
              },
            ],
      );
    },
  },
];
