import { segmentationOf } from "../../components/cilium/policies/bundles.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import type { Rule, SiteSubject } from "../rule.ts";

/** Stands for everybody in a promise. */
const anyone = "anyone";

/** The site as its applications have it, without the stack file's own zones. */
function withoutOwn(site: SiteSpec): SiteSpec {
  return { ...site, segmentation: { zones: {}, promises: [] } };
}

export const segmentationRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2111",
    severity: "error",
    title: "A promise names zones that there are.",
    korean: "분리(segmentation) 약속은 실제로 있는 영역(zone)을 가리켜야 합니다.",
    reason: "A promise about nobody holds whatever the policies say.",
    check: ({ peers, site }) => {
      const sites = peers.map((peer) => peer.site);
      const zones = [site, ...sites].flatMap((member) =>
        Object.keys(
          segmentationOf(
            member,
            [site, ...sites].filter((other) => other !== member),
          ).zones,
        ),
      );
      const known = [...new Set([...zones, anyone])];
      return (site.segmentation?.promises ?? []).flatMap((promise, index) =>
        (["from", "to"] as const)
          .filter((end) => !known.includes(promise[end]))
          .map((end) => ({
            path: ["segmentation", "promises", index, end],
            message: `There is no zone ${promise[end]}.`,
            fix: `Add it to segmentation.zones, or write one of ${known.toSorted().join(", ")}.`,
          })),
      );
    },
  },
  {
    code: "GB-2112",
    severity: "error",
    title: "No zone is called anyone.",
    korean: "영역(zone) 이름으로 anyone을 쓸 수 없습니다.",
    reason: "In a promise it stands for every other party there is.",
    check: ({ site }) =>
      Object.hasOwn(site.segmentation?.zones ?? {}, anyone)
        ? [
            {
              path: ["segmentation", "zones", anyone],
              message: "A promise could not tell this zone from everybody.",
              fix: "Write another name.",
            },
          ]
        : [],
  },
  {
    code: "GB-2113",
    severity: "error",
    title: "A zone of the stack file does not replace an application's.",
    korean: "스택 파일의 영역(zone)은 애플리케이션이 정의한 영역과 이름이 달라야 합니다.",
    reason: "The application's promises would be about other pods than its policies are.",
    check: ({ peers, site }) => {
      const sites = peers.map((peer) => peer.site);
      const { zones } = segmentationOf(withoutOwn(site), sites);
      return Object.entries(site.segmentation?.zones ?? {}).flatMap(([name, zone]) => {
        const other = zones[name];
        return other === undefined || JSON.stringify(other) === JSON.stringify(zone)
          ? []
          : [
              {
                path: ["segmentation", "zones", name],
                message: `${name} is a zone of an application, with other members.`,
                fix: "Write another name.",
              },
            ];
      });
    },
  },
];
