import type { SiteSpec } from "../../components/config/schema.ts";
import { clusterLoss, dnsPropagationSeconds } from "../failover.ts";
import type { EntrySubject, Rule, SiteSubject, Violation } from "../rule.ts";
import { hasValues } from "./versions.ts";

/** Modelled from published creation times: machines and packages 5, three control planes 4, Cilium 3 (README, What it costs in time). */
const newSiteMinutes = 12;

function controlPlanes(site: SiteSpec): number | undefined {
  if (site.platform === "existing") return undefined;
  return site.nodePools
    .filter(({ role }) => role === "control-plane")
    .reduce((sum, pool) => sum + ("hosts" in pool ? pool.hosts.length : pool.count), 0);
}

/** Seconds that must pass before a peer's clients leave this site's services, or why they never do. */
function peersLeave({ site, peers }: SiteSubject): { seconds: number; because: string } | { never: string } {
  let worst = { seconds: 0, because: "" };
  for (const peer of peers) {
    if (!hasValues(peer.site)) continue;
    const loss = clusterLoss(peer.site, [site]);
    if ("never" in loss) return loss;
    if (loss.seconds > worst.seconds) {
      const detection = loss.seconds - loss.ttlSeconds;
      const because = `${peer.site.name} needs up to ${detection} s to notice that a whole cluster is gone and then ${loss.ttlSeconds} s of cacheTtlSeconds, ${loss.seconds} s in all`;
      worst = { seconds: loss.seconds, because };
    }
  }
  return worst;
}

function brokenRto(subject: SiteSubject, minutes: number): Violation[] {
  const { site, peers } = subject;
  const path = ["promises", "rtoMinutes"];
  if (!site.mesh) {
    return minutes < newSiteMinutes
      ? [
          {
            path,
            message: `${minutes} minutes are promised, but ${site.name} has no peer to take over, and a new site takes about ${newSiteMinutes} minutes to build.`,
            fix: `Write ${newSiteMinutes} or more, or give it a peer (mesh.peers).`,
          },
        ]
      : [];
  }
  const found: Violation[] = [];
  const voters = controlPlanes(site);
  if (voters !== undefined && voters < 3) {
    found.push({
      path,
      message: `${minutes} minutes are promised, but with ${voters} control plane(s) the loss of one machine ends the cluster, and there is no backup to rebuild it from.`,
      fix: "Use 3 control planes, or remove the promise.",
    });
  }
  const leave = peers.length > 0 ? peersLeave(subject) : { seconds: 0, because: "" };
  if ("never" in leave) {
    found.push({
      path,
      message: `${minutes} minutes are promised, but ${leave.never}.`,
      fix: "Use Cilium 1.19 or later with cacheTtlSeconds above 0 in every member, or remove the promise.",
    });
  } else if (leave.seconds > minutes * 60) {
    found.push({
      path,
      message: `${minutes} minutes are promised, but ${leave.because}.`,
      fix: `Write ${Math.ceil(leave.seconds / 60)} or more, or a smaller cacheTtlSeconds.`,
    });
  }
  if (site.platform === "on-prem") {
    const { holdSeconds, restartSeconds } = site.bgp;
    const silent = holdSeconds + restartSeconds;
    if (silent > minutes * 60) {
      found.push({
        path: ["bgp", "restartSeconds"],
        message: `${minutes} minutes are promised, but the ToRs keep sending to a dead node for holdSeconds ${holdSeconds} + restartSeconds ${restartSeconds} = ${silent} s.`,
        fix: `Write a restartSeconds of ${Math.max(10, minutes * 60 - holdSeconds)} or less.`,
      });
    }
  }
  return found;
}

export const promiseRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2051",
    severity: "error",
    needsPlan: true,
    title: "The promised failover of services is one that the mesh can keep.",
    korean: "약속한 서비스 장애 조치 시간(serviceFailoverSeconds)은 설정으로 지킬 수 있어야 합니다.",
    reason:
      "Loss of a whole cluster: 60 to 150 s until Cilium notices, constants of its code, and only then cacheTTL (1.19 or later; measured with 1.20.2). While the other cluster is alive, its own pods leave within seconds.",
    check: (subject) => {
      const { site, peers } = subject;
      const promised = site.promises?.serviceFailoverSeconds;
      const path = ["promises", "serviceFailoverSeconds"];
      if (promised === undefined) return [];
      if (!site.mesh) {
        const message = `${promised} s are promised, but ${site.name} is in no mesh: nothing takes its services over.`;
        return [{ path, message, fix: "Give it a peer (mesh.peers), or remove the promise." }];
      }
      if (peers.length === 0) return [];
      const leave = peersLeave(subject);
      if ("never" in leave) {
        return [
          {
            path,
            message: `${promised} s are promised, but ${leave.never}.`,
            fix: "Use Cilium 1.19 or later with cacheTtlSeconds above 0 in every member, or remove the promise.",
          },
        ];
      }
      if (leave.seconds <= promised) return [];
      const largest = Math.max(...peers.map((peer) => peer.site.mesh?.cacheTtlSeconds ?? 0));
      const ttl = promised - (leave.seconds - largest);
      const smaller = ttl >= 1 ? `, or cacheTtlSeconds ${ttl} or less in the other members` : "";
      return [
        {
          path,
          message: `${promised} s are promised, but ${leave.because}.`,
          fix: `Write ${leave.seconds} or more${smaller}.`,
        },
      ];
    },
  },
  {
    code: "GB-2052",
    severity: "error",
    needsPlan: true,
    title: "The promised recovery time is one that the site's own settings can keep.",
    korean: "약속한 복구 시간(rtoMinutes)은 설정으로 지킬 수 있어야 합니다.",
    reason:
      "What can be known from the files: control planes, the mesh's failover, and how long ToRs keep a dead node's routes. People and data take their own time on top.",
    check: (subject) => {
      const promised = subject.site.promises?.rtoMinutes;
      return promised === undefined ? [] : brokenRto(subject, promised);
    },
  },
  {
    code: "GB-2053",
    severity: "error",
    title: "No recovery point is promised, since nothing is backed up yet.",
    korean: "아직 백업 기능이 없으므로 rpoMinutes는 약속할 수 없습니다.",
    reason:
      "This version takes no snapshots of etcd: what is lost with its disks is lost. Databases need their own replication.",
    check: ({ site }) =>
      site.promises?.rpoMinutes === undefined
        ? []
        : [
            {
              path: ["promises", "rpoMinutes"],
              message: `${site.promises.rpoMinutes} minutes are promised, but this version has no backup schedule, so the loss has no bound.`,
              fix: "Remove the line until backups of etcd exist.",
            },
          ],
  },
];

export const entryPromiseRules: readonly Rule<EntrySubject>[] = [
  {
    code: "GB-2054",
    severity: "error",
    title: "Users are moved within the recovery time that each site promises.",
    korean: "사용자 전환 시간은 각 사이트가 약속한 복구 시간(rtoMinutes) 안이어야 합니다.",
    reason:
      "Route 53 needs intervalSeconds x failureThreshold to see the loss, up to a minute to tell all its servers, and resolvers keep the old answer for ttlSeconds.",
    check: ({ entry, sites }) =>
      sites.flatMap(({ site, file }) => {
        const promised = site.promises?.rtoMinutes;
        const { intervalSeconds, failureThreshold } = entry.healthCheck;
        const needed = intervalSeconds * failureThreshold + dnsPropagationSeconds + entry.ttlSeconds;
        return promised === undefined || needed <= promised * 60
          ? []
          : [
              {
                path: ["healthCheck"],
                message: `${file} promises ${promised} minutes, but moving users takes ${intervalSeconds} s x ${failureThreshold} + ${dnsPropagationSeconds} s + ttlSeconds ${entry.ttlSeconds} = ${needed} s.`,
                fix: `Check more often, lower ttlSeconds, or promise ${Math.ceil(needed / 60)} minutes or more.`,
              },
            ];
      }),
  },
];
