import type { CrossClusterRule } from "../../components/config/policies.ts";
import type { Rule, SiteSubject } from "../rule.ts";

/** The same conversation, however its labels and ports are ordered. */
function sameRule(one: CrossClusterRule, other: CrossClusterRule): boolean {
  const end = ({ cluster, labels, namespace }: CrossClusterRule["from"]) => [
    cluster,
    namespace,
    Object.entries(labels).toSorted(([first], [second]) => (first < second ? -1 : 1)),
  ];
  const text = ({ from, ports, to }: CrossClusterRule) => JSON.stringify([end(from), end(to), ports.toSorted()]);
  return text(one) === text(other);
}

export const crossClusterRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2107",
    severity: "error",
    title: "A rule across clusters joins this site and a peer of its mesh.",
    korean: "클러스터 간 규칙(crossCluster)은 이 사이트와 메시 peer를 잇는 것이어야 합니다.",
    reason: "Each cluster's agents decide about their own pods, and a name that is no member's matches nothing.",
    check: ({ site }) =>
      (site.policies?.crossCluster ?? []).flatMap(({ from, to }, index) => {
        const far = [from.cluster, to.cluster].filter((name) => name !== site.name);
        const path = ["policies", "crossCluster", index];
        const [peer] = far;
        if (far.length !== 1 || peer === undefined) {
          const what = far.length === 0 ? "both ends are" : "neither end is";
          return [
            { path, message: `${what} in ${site.name}.`, fix: "Write this site at one end and a peer at the other." },
          ];
        }
        return site.mesh?.peers.includes(peer)
          ? []
          : [
              {
                path,
                message: `${peer} is no peer of ${site.name}.`,
                fix: `Peers: ${site.mesh?.peers.join(", ") ?? "none"}.`,
              },
            ];
      }),
  },
  {
    code: "GB-2108",
    severity: "warning",
    title: "A rule across clusters stands in both members' stack files.",
    korean: "클러스터 간 규칙은 양쪽 스택 파일에 모두 있어야 합니다.",
    reason:
      "Policies are not replicated: one lets the packet out, the other lets it in (Documentation/network/clustermesh/policy.rst).",
    check: ({ peers, site }) =>
      (site.policies?.crossCluster ?? []).flatMap((rule, index) => {
        const peer = peers.find(({ site: other }) => [rule.from.cluster, rule.to.cluster].includes(other.name));
        // Without policies the peer lets everything through.
        if (!peer?.site.policies || peer.site.policies.crossCluster.some((other) => sameRule(rule, other))) return [];
        return [
          {
            path: ["policies", "crossCluster", index],
            message: `${peer.file} does not have this rule, so once enforced one side of it stays closed.`,
            fix: `Copy it to ${peer.file}.`,
          },
        ];
      }),
  },
];
