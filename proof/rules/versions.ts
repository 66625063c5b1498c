import { describe, unknownValues } from "../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../components/cilium/chart-refusals.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import { type CiliumMinor, ciliumMinors, patchWarning, testedTogether } from "../../components/cilium/versions.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { kubernetesMinors, minorOf } from "../../components/kubernetes/versions.ts";
import type { Rule, SiteSubject } from "../rule.ts";

const minorEntry = (site: SiteSpec): CiliumMinor | undefined =>
  ciliumMinors.find(({ minor }) => minor === minorOf(site.cilium.version));
const adopts = (site: SiteSpec) => site.platform === "existing" && site.adopt !== undefined;

export const versionRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-411",
    severity: "error",
    title: "Cilium is of a minor that is known here.",
    korean: "지원하는 Cilium 마이너 버전이어야 합니다.",
    reason: "Keys change between minors, and Helm accepts wrong ones in silence.",
    check: ({ site }) =>
      minorEntry(site)
        ? []
        : [
            {
              path: ["cilium", "version"],
              message: `Cilium ${site.cilium.version} is not in the table of versions.`,
              fix: `Write one of ${ciliumMinors.map(({ newest }) => newest).join(", ")}.`,
            },
          ],
  },
  {
    code: "GB-412",
    severity: "error",
    title: "Cilium and Kubernetes were tested together.",
    korean: "함께 시험된 Cilium·쿠버네티스 조합이어야 합니다.",
    reason: "The chart asks for Kubernetes 1.21 only; the tested pairs are in Cilium's compatibility.rst per release.",
    check: ({ site }) => {
      const entry = minorEntry(site);
      if (!entry || testedTogether(site.cilium.version, site.kubernetes.version)) return [];
      const newest = ciliumMinors.findLast(({ minor }) => testedTogether(`${minor}.0`, site.kubernetes.version));
      return [
        {
          path: ["kubernetes", "version"],
          message: `Cilium ${site.cilium.version} was not tested with Kubernetes ${site.kubernetes.version}.`,
          fix: `Write a Kubernetes of ${entry.kubernetes.join(", ")}${newest ? `, or Cilium ${newest.newest}` : ""}.`,
        },
      ];
    },
  },
  {
    code: "GB-413",
    severity: "error",
    title: "Kubernetes is of a minor that kubeadm v1beta4 installs and this project writes configuration for.",
    korean: "지원하는 쿠버네티스 마이너 버전이어야 합니다.",
    reason: "Older minors get no security fixes; newer ones may refuse our configuration (kubernetes.io/releases).",
    check: ({ site }) =>
      site.platform === "existing" || minorOf(site.kubernetes.version) in kubernetesMinors
        ? []
        : [
            {
              path: ["kubernetes", "version"],
              message: `Kubernetes ${site.kubernetes.version} is not supported.`,
              fix: `Write a version of ${Object.keys(kubernetesMinors).join(", ")}.`,
            },
          ],
  },
  {
    code: "GB-414",
    severity: "warning",
    title: "Cilium is a patch without known harm.",
    korean: "알려진 문제가 있는 Cilium 패치 버전입니다.",
    reason: "Release notes and regressions, components/cilium/versions.ts.",
    check: ({ site }) => {
      const warning = minorEntry(site) && patchWarning(site.cilium.version);
      return warning
        ? [
            {
              path: ["cilium", "version"],
              message: warning,
              fix: `Upgrade within ${minorOf(site.cilium.version)} first.`,
            },
          ]
        : [];
    },
  },
  {
    code: "GB-415",
    severity: "error",
    needsPlan: true,
    title: "Every Helm value exists in the chart of that version.",
    korean: "모든 Helm 값은 해당 버전의 차트에 실제로 있는 키여야 합니다. Helm은 틀린 키를 조용히 무시합니다.",
    reason:
      "The chart's schema allows additional properties, so a misspelt or removed key does nothing and says nothing.",
    check: ({ site, peers }) => {
      if (!minorEntry(site) || adopts(site)) return [];
      const values = ciliumValues(
        site,
        peers.map((peer) => peer.site),
      );
      return unknownValues(site.cilium.version, values).map((problem) => ({
        path: ["cilium", "values", ...problem.path.split(".")],
        message: describe(problem, site.cilium.version),
        fix: problem.nearest === undefined ? "Remove it." : `Write ${problem.nearest}.`,
      }));
    },
  },
  {
    code: "GB-416",
    severity: "error",
    needsPlan: true,
    title: "The chart renders with these values.",
    korean: "차트가 이 값들로 렌더링되어야 합니다.",
    reason: "templates/validate.yaml and the helpers of the chart stop the release otherwise.",
    check: ({ site, peers }) => {
      if (!minorEntry(site) || adopts(site)) return [];
      const values = ciliumValues(
        site,
        peers.map((peer) => peer.site),
      );
      return chartRefusals(site.cilium.version, values).map((message) => ({
        path: ["cilium", "values"],
        message,
        fix: "Change or remove the value that it names.",
      }));
    },
  },
];
