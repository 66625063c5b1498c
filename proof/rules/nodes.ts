import type { SiteSpec } from "../../components/config/schema.ts";
import { prefixLength } from "../../components/network/cidr.ts";
import { azureMachines, ec2Machines } from "../../components/nodes/machines.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";

function poolSize(pool: Exclude<SiteSpec, { platform: "existing" }>["nodePools"][number]): number {
  return "hosts" in pool ? pool.hosts.length : pool.count;
}

/** Where the provider's region, the first key of the file, is not the site's. */
export function misplaced(site: SiteSpec, config: SiteSubject["config"]): Pick<Violation, "message" | "fix">[] {
  if (site.platform !== "aws" && site.platform !== "azure") return [];
  const [key, wanted] =
    site.platform === "aws"
      ? (["aws:region", site.region] as const)
      : (["azure-native:location", site.location] as const);
  const actual = config[key];
  if (actual === wanted) return [];
  return [
    {
      message: `${site.name} is in ${wanted}, but ${key} is ${typeof actual === "string" ? actual : "not set"}.`,
      fix: `Write ${key}: ${wanted} at the top of the file.`,
    },
  ];
}

export const nodeRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-401",
    severity: "error",
    title: "The site's name is its stack's name.",
    korean: "사이트 이름은 스택 이름과 같아야 합니다.",
    reason: "Peers find a site's file by the stack's name.",
    check: ({ site, stack }) =>
      site.name === stack
        ? []
        : [
            {
              path: ["name"],
              message: `The stack is ${stack}, the site ${site.name}.`,
              fix: `Write name: ${stack}, or rename the file.`,
            },
          ],
  },
  {
    code: "GB-402",
    severity: "error",
    title: "Control planes are odd in number and stand in one pool.",
    korean: "컨트롤 플레인은 홀수 개이며 한 노드 풀에 있어야 합니다.",
    reason: "etcd needs a majority: an even member adds a way to fail and no way to survive (etcd.io FAQ).",
    check: ({ site }) => {
      if (site.platform === "existing") return [];
      const pools = site.nodePools.filter(({ role }) => role === "control-plane");
      const voters = pools.reduce((sum, pool) => sum + poolSize(pool), 0);
      const found: Violation[] = [];
      if (pools.length !== 1) {
        found.push({
          path: ["nodePools"],
          message: `${pools.length} pools have role control-plane.`,
          fix: "Write exactly one control-plane pool; its first slot starts the cluster.",
        });
      }
      if (voters > 0 && voters % 2 === 0) {
        found.push({
          path: ["nodePools"],
          message: `${voters} control planes.`,
          fix: "Use 3, or 5 for large sites; 1 only to try.",
        });
      }
      return found;
    },
  },
  {
    code: "GB-403",
    severity: "warning",
    title: "A site has at least three control planes.",
    korean: "운영용 사이트는 컨트롤 플레인이 3대 이상이어야 합니다.",
    reason: "One control plane is down with its machine; RTO 30 minutes then depends on a rebuild.",
    check: ({ site }) =>
      site.platform !== "existing" && site.nodePools.some((pool) => pool.role === "control-plane" && poolSize(pool) < 3)
        ? [
            {
              path: ["nodePools"],
              message: "Fewer than three control planes.",
              fix: "Use 3 for anything called production.",
            },
          ]
        : [],
  },
  {
    code: "GB-404",
    severity: "error",
    title: "Control planes run on machines that keep their speed, with 2 CPUs and 4 GiB at least.",
    korean: "컨트롤 플레인은 버스터블이 아닌, 2 vCPU·4 GiB 이상의 머신이어야 합니다.",
    reason:
      "Burstable machines run out of credits, etcd then misses its fsync deadline and the leader changes; kubeadm wants 2 CPUs.",
    check: ({ site }) => {
      if (site.platform !== "aws" && site.platform !== "azure") return [];
      return site.nodePools.flatMap((pool, index) => {
        const [key, name, machine] =
          "instanceType" in pool
            ? (["instanceType", pool.instanceType, ec2Machines[pool.instanceType]] as const)
            : (["vmSize", pool.vmSize, azureMachines[pool.vmSize]] as const);
        if (pool.role !== "control-plane" || (!machine.burstable && machine.vcpus >= 2 && machine.memoryGiB >= 4))
          return [];
        return [
          {
            path: ["nodePools", index, key],
            message: `${name} is ${machine.burstable ? "burstable" : "too small"}.`,
            fix: site.platform === "aws" ? "Write m7i.xlarge." : "Write Standard_D4s_v5.",
          },
        ];
      });
    },
  },
  {
    code: "GB-405",
    severity: "error",
    title: "A site has workers, and a mesh member at least two.",
    korean: "워커가 있어야 하며, 메시 사이트는 2대 이상이어야 합니다.",
    reason: "Control planes are tainted; the two clustermesh-apiserver replicas stand on different machines.",
    check: ({ site }) => {
      if (site.platform === "existing") return [];
      const workers = site.nodePools
        .filter(({ role }) => role === "worker")
        .reduce((sum, pool) => sum + poolSize(pool), 0);
      const needed = site.mesh ? 2 : 1;
      return workers < needed
        ? [
            {
              path: ["nodePools"],
              message: `${workers} workers, and ${needed} needed.`,
              fix: "Add a pool with role: worker.",
            },
          ]
        : [];
    },
  },
  {
    code: "GB-406",
    severity: "error",
    title: "The provider's region is the site's.",
    korean: "프로바이더의 리전은 사이트의 리전과 같아야 합니다.",
    reason: "The provider would create the site somewhere else than its file says.",
    check: ({ site, config }) =>
      misplaced(site, config).map(({ message, fix }) => ({
        path: [site.platform === "aws" ? "region" : "location"],
        message,
        fix,
      })),
  },
  {
    code: "GB-407",
    severity: "error",
    title: "Zones are listed once.",
    korean: "가용 영역은 한 번씩만 적습니다.",
    reason: "Each zone has its own subnet, by its place in the list.",
    check: ({ site }) =>
      site.platform === "aws" && new Set(site.zones).size !== site.zones.length
        ? [{ path: ["zones"], message: `[${site.zones.join(", ")}] names a zone twice.`, fix: "List each zone once." }]
        : [],
  },
  {
    code: "GB-408",
    severity: "error",
    title: "etcd has a disk of its own on every control plane on-prem.",
    korean: "온프레미스 컨트롤 플레인마다 etcd 전용 디스크가 있어야 합니다.",
    reason: "etcd's fsync must not wait behind container images and logs (etcd.io hardware guide).",
    check: ({ site }) =>
      site.platform === "on-prem"
        ? site.nodePools.flatMap((pool, index) =>
            pool.role === "control-plane" && pool.etcdDevice === undefined
              ? [
                  {
                    path: ["nodePools", index, "etcdDevice"],
                    message: "The control planes have no etcdDevice.",
                    fix: "Name the block device, e.g. /dev/disk/by-id/...",
                  },
                ]
              : [],
          )
        : [],
  },
  {
    code: "GB-409",
    severity: "error",
    title: "Administrators come from networks of their own.",
    korean: "관리자 접속 대역은 실제 사무실이나 VPN 대역이어야 합니다. 0.0.0.0/0처럼 넓게 열 수 없습니다.",
    reason:
      "SSH that is open to everyone is tried by everyone; no organization's own range is wider than a /8 (RFC 1466).",
    check: ({ site }) => {
      if ((site.platform !== "aws" && site.platform !== "azure") || site.access.kind !== "bastion") return [];
      return site.access.adminCidrs.flatMap((cidr, index) =>
        prefixLength(cidr) >= 8
          ? []
          : [
              {
                path: ["access", "adminCidrs", index],
                message: `The bastion's SSH would be open to ${cidr}.`,
                fix: "Write the block of your office or VPN.",
              },
            ],
      );
    },
  },
];
