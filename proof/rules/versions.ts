import { describe, unknownValues } from "../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../components/cilium/chart-refusals.ts";
import { chartImages } from "../../components/cilium/image-values.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import { type CiliumMinor, ciliumMinors, patchWarning, testedTogether } from "../../components/cilium/versions.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { kubernetesMinors, minorOf } from "../../components/kubernetes/versions.ts";
import type { Rule, SiteSubject } from "../rule.ts";

const minorEntry = (site: SiteSpec): CiliumMinor | undefined =>
  ciliumMinors.find(({ minor }) => minor === minorOf(site.cilium.version));
const adopts = (site: SiteSpec) => site.platform === "existing" && site.adopt !== undefined;
const unknownImages = ({ cilium }: SiteSpec) =>
  Object.keys(cilium.images.digests).filter((name) => !Object.hasOwn(chartImages, name));
/** Whether our values for the site can be computed at all; what stands in the way is a finding of its own. */
export const hasValues = (site: SiteSpec) => minorEntry(site) !== undefined && unknownImages(site).length === 0;

const part = (version: string, index: number) => Number(version.split(".")[index]);

/** containerd that kubelet still works with, and the oldest line that gets fixes (endoflife.date/containerd, November 2026). */
const containerd = { firstKubernetesWithout1: 36, supported: "2.3" };

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
      if (!hasValues(site) || adopts(site)) return [];
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
      if (!hasValues(site) || adopts(site)) return [];
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
  {
    code: "GB-417",
    severity: "warning",
    title: "Cilium's patch is one that is known here.",
    korean: "알려진 패치 버전이 아닙니다. 버전을 잘못 적지 않았는지 확인하십시오.",
    reason: "A chart that does not exist stops the release; one that is newer than the table has not been looked at.",
    check: ({ site }) => {
      const entry = minorEntry(site);
      return entry && part(site.cilium.version, 2) > part(entry.newest, 2)
        ? [
            {
              path: ["cilium", "version"],
              message: `The newest known patch of ${entry.minor} is ${entry.newest}, and this is ${site.cilium.version}.`,
              fix: `Write ${entry.newest}, or look at the release notes and accept this.`,
            },
          ]
        : [];
    },
  },
  {
    code: "GB-418",
    severity: "error",
    title: "upgradeCompatibility names the minor that was installed first.",
    korean: "upgradeCompatibility에는 처음 설치한 마이너 버전을 문자열로 적어야 합니다.",
    reason:
      "The chart keeps that minor's defaults (Documentation/operations/upgrade.rst); 1.20 without quotes is the number 1.2.",
    check: ({ site }) => {
      const value = site.cilium.values.upgradeCompatibility;
      if (value === undefined || value === null) return [];
      const path = ["cilium", "values", "upgradeCompatibility"];
      const shown = JSON.stringify(value);
      if (typeof value !== "string" || !/^1\.\d+(\.\d+)?$/.test(value)) {
        return [{ path, message: `${shown} is no minor in quotes.`, fix: 'Write it as "1.19".' }];
      }
      return part(value, 1) > part(site.cilium.version, 1)
        ? [
            {
              path,
              message: `${shown} is newer than Cilium ${site.cilium.version} itself.`,
              fix: "Write the minor that this cluster was first installed with.",
            },
          ]
        : [];
    },
  },
  {
    code: "GB-419",
    severity: "error",
    title: "kubelet works with this containerd.",
    korean: "kubelet이 지원하는 containerd 버전이어야 합니다.",
    reason: "Kubernetes 1.35 is the last whose kubelet works with containerd 1.x (KEP-4033).",
    check: ({ site }) => {
      const { version, containerdVersion } = site.kubernetes;
      return site.platform !== "existing" &&
        part(version, 1) >= containerd.firstKubernetesWithout1 &&
        part(containerdVersion, 0) < 2
        ? [
            {
              path: ["kubernetes", "containerdVersion"],
              message: `Kubernetes ${version} does not work with containerd ${containerdVersion}.`,
              fix: "Remove the line to get the version we test with, or write a 2.3.",
            },
          ]
        : [];
    },
  },
  {
    code: "GB-420",
    severity: "warning",
    title: "containerd is of a line that gets fixes.",
    korean: "containerd는 보안 수정이 제공되는 버전이어야 합니다.",
    reason: "2.3 is the long-term line; 1.7, 2.1 and 2.2 ended in 2026 (endoflife.date/containerd).",
    check: ({ site }) => {
      const { version, containerdVersion } = site.kubernetes;
      const [major, minor] = [part(containerdVersion, 0), part(containerdVersion, 1)];
      const refused = part(version, 1) >= containerd.firstKubernetesWithout1 && major < 2;
      return site.platform !== "existing" && !refused && (major < 2 || (major === 2 && minor < 3))
        ? [
            {
              path: ["kubernetes", "containerdVersion"],
              message: `containerd ${containerdVersion} gets no fixes any more.`,
              fix: `Write a ${containerd.supported}, or remove the line.`,
            },
          ]
        : [];
    },
  },
  {
    code: "GB-423",
    severity: "error",
    title: "Digests are of images that the chart runs.",
    korean: "cilium.images.digests에는 차트가 쓰는 이미지 이름만 적을 수 있습니다.",
    reason: "A digest under another name would pin nothing, and nobody would notice.",
    check: ({ site }) =>
      unknownImages(site).map((name) => ({
        path: ["cilium", "images", "digests", name],
        message: `The chart has no image "${name}".`,
        fix: `Write one of ${Object.keys(chartImages).join(", ")}.`,
      })),
  },
  {
    code: "GB-424",
    severity: "error",
    title: "A release that is taken over has a chart that the engine can compare.",
    korean: "기존 릴리스를 인수할 때 OCI 레지스트리의 차트는 쓸 수 없습니다.",
    reason: "The import finds the chart again by its file or repository, never in an OCI registry (pulumi-kubernetes).",
    check: ({ site }) =>
      adopts(site) && site.cilium.chart.kind === "oci"
        ? [
            {
              path: ["cilium", "chart"],
              message: `A release cannot be adopted from ${site.cilium.chart.url}.`,
              fix: `Put cilium-${site.cilium.version}.tgz into the project folder and write chart: { kind: file, path: cilium-${site.cilium.version}.tgz }.`,
            },
          ]
        : [],
  },
  {
    code: "GB-436",
    severity: "error",
    title: "A chart file is of the version that the stack file says.",
    korean: "차트 파일의 버전은 cilium.version과 같아야 합니다.",
    reason:
      "Helm takes a file as it is and does not compare: keys would be checked against another version than is installed.",
    check: ({ site }) => {
      const { chart, version } = site.cilium;
      const found = chart.kind === "file" ? /cilium-(\d+\.\d+\.\d+)\.tgz$/.exec(chart.path)?.[1] : undefined;
      return found === undefined || found === version
        ? []
        : [
            {
              path: ["cilium", "chart", "path"],
              message: `The file is Cilium ${found}, and cilium.version is ${version}.`,
              fix: "Write the same version in both.",
            },
          ];
    },
  },
];
