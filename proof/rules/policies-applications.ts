import type { Tier } from "../../components/cilium/policies/application.ts";
import { applicationOf } from "../../components/cilium/policies/applications.ts";
import type { ApplicationSpec } from "../../components/config/applications.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { type Cidr, contains } from "../../components/network/cidr.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";

function applicationsOf({ cilium, policies }: SiteSpec) {
  return (policies?.applications ?? []).map((spec, index) => ({
    spec,
    path: ["policies", "applications", index],
    application: applicationOf(spec, cilium),
  }));
}

/** Whether one pod can be of both tiers. */
function mayShare(one: Tier, other: Tier): boolean {
  const apart = Object.entries(one.labels).some(
    ([key, value]) => other.labels[key] !== undefined && other.labels[key] !== value,
  );
  return one.namespace === other.namespace && !apart;
}

function crossesClusters(spec: ApplicationSpec): boolean {
  return "acrossClusters" in spec && spec.acrossClusters;
}

/** Whose addresses a block holds and no rule on addresses can match. */
function inside(cidr: Cidr, sites: readonly SiteSpec[]): string | undefined {
  for (const { name, network } of sites) {
    if (contains(network.pods, cidr)) return `the pods of ${name} (${network.pods})`;
    if (contains(network.services, cidr)) return `the Services of ${name} (${network.services})`;
  }
  return undefined;
}

export const applicationRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2121",
    severity: "error",
    title: "Tiers of one namespace differ in the value of a label.",
    korean: "같은 네임스페이스의 계층(tier)은 어떤 레이블의 값이 서로 달라야 합니다.",
    reason: "Policies add up: a pod that is of two tiers may do what either may.",
    check: ({ site }) =>
      applicationsOf(site).flatMap(({ application: { tiers }, path }) =>
        tiers.flatMap((one, index) =>
          tiers
            .slice(index + 1)
            .filter((other) => mayShare(one, other))
            .map((other) => ({
              path,
              message: `A pod of ${one.namespace} can be ${one.name} and ${other.name} at once.`,
              fix: "Give both one label, such as app, with different values, or give each a namespace of its own.",
            })),
        ),
      ),
  },
  {
    code: "GB-2122",
    severity: "error",
    title: "Only a member of a mesh has applications across clusters.",
    korean: "acrossClusters는 메시에 속한 사이트에서만 쓸 수 있습니다.",
    reason: "Without a mesh there is no other cluster whose pods could be known.",
    check: ({ site }) =>
      site.mesh
        ? []
        : applicationsOf(site)
            .filter(({ spec }) => crossesClusters(spec))
            .map(({ path }) => ({
              path: [...path, "acrossClusters"],
              message: `${site.name} has no mesh.`,
              fix: "Remove acrossClusters, or add mesh with the peers.",
            })),
  },
  {
    code: "GB-2123",
    severity: "warning",
    title: "An application across clusters is in every member's stack file, alike.",
    korean: "클러스터를 넘나드는 애플리케이션은 모든 구성원의 스택 파일에 같은 내용으로 있어야 합니다.",
    reason:
      "Policies are not replicated: one member lets the packet out, the other lets it in (Documentation/network/clustermesh/policy.rst).",
    check: ({ peers, site }) =>
      applicationsOf(site)
        .filter(({ spec }) => crossesClusters(spec))
        .flatMap(({ path, spec }) =>
          peers.flatMap(({ file, site: peer }): Violation[] => {
            const same = peer.policies?.applications.find(({ kind, name }) => kind === spec.kind && name === spec.name);
            // Without policies a peer lets everything through.
            if (!peer.policies || JSON.stringify(same) === JSON.stringify(spec)) return [];
            const what = same ? "has it otherwise" : "does not have it";
            return [
              {
                path,
                message: `${file} ${what}, so once enforced one side of a conversation stays closed.`,
                fix: `Copy the application to ${file}.`,
              },
            ];
          }),
        ),
  },
  {
    code: "GB-2124",
    severity: "error",
    title: "Blocks of an application lie outside of the clusters.",
    korean: "애플리케이션의 CIDR은 클러스터의 파드·노드 대역 밖이어야 합니다.",
    reason:
      "CIDR rules match neither pods nor nodes, which have identities (Documentation/security/policy/language.rst).",
    check: ({ peers, site }) => {
      const sites = [site, ...peers.map((peer) => peer.site)];
      return applicationsOf(site).flatMap(({ application, path }) => {
        const parties = [
          ...application.tiers.flatMap(({ refuses }) => refuses ?? []),
          ...application.conversations.flatMap(({ from, to }) => [from, to]),
        ];
        const blocks = parties.flatMap((party) => (party.kind === "blocks" ? party.cidrs : []));
        return [...new Set(blocks)].flatMap((cidr): Violation[] => {
          const place = inside(cidr, sites);
          return place === undefined
            ? []
            : [
                {
                  path,
                  message: `${cidr} lies in ${place}, and a rule on addresses matches none of them.`,
                  fix: "Write the block of hosts outside of the clusters.",
                },
              ];
        });
      });
    },
  },
];
