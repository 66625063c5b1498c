import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { inIdentity } from "../../components/cilium/identity-labels.ts";
import { namespacesOf } from "../../components/cilium/policies/applications.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { PoliciesSpec } from "../../components/config/policies.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { applicationRules } from "./policies-applications.ts";
import { crossClusterRules } from "./policies-cross-cluster.ts";
import { hostFirewallRules } from "./policies-host-firewall.ts";
import { segmentationRules } from "./policies-segmentation.ts";
import { hasValues } from "./versions.ts";

/** Pods of a list in `policies` whose lookups `dns.without` refuses. */
function withoutNames({ dns, egress }: PoliciesSpec): Violation[] {
  return egress.flatMap(({ labels, namespace }, index) => {
    const refused = dns.without.findIndex(
      (each) =>
        each.namespace === namespace && Object.entries(each.labels).every(([key, value]) => labels[key] === value),
    );
    return refused < 0
      ? []
      : [
          {
            path: ["policies", "egress", index],
            message: `These pods of ${namespace} may call hosts by name, but dns.without[${refused}] refuses them every lookup.`,
            fix: "Remove one of the two.",
          },
        ];
  });
}

/** Applications by a key that each should have for itself. */
function shared(
  { applications }: PoliciesSpec,
  keysOf: (application: PoliciesSpec["applications"][number]) => readonly string[],
): { readonly index: number; readonly first: number; readonly key: string }[] {
  const owner = new Map<string, number>();
  return applications.flatMap((application, index) =>
    keysOf(application).flatMap((key) => {
      const first = owner.get(key);
      if (first === undefined) owner.set(key, index);
      return first === undefined || first === index ? [] : [{ index, first, key }];
    }),
  );
}

/** Keys of every `labels` below a value, with their paths. */
function labelKeys(value: unknown, path: readonly PropertyKey[]): { path: readonly PropertyKey[]; key: string }[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => labelKeys(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([field, child]) => {
    const below = [...path, field];
    return field === "labels" && isRecord(child)
      ? Object.keys(child).map((key) => ({ path: [...below, key], key }))
      : labelKeys(child, below);
  });
}

const own: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2101",
    severity: "error",
    title: "A cluster that is taken over gets policies after its release was moved to our values.",
    korean: "인수 중인(adopt) 클러스터에는 policies를 쓸 수 없습니다. 릴리스를 먼저 옮깁니다.",
    reason:
      "Taking over changes nothing, and policies that are there already are not known here: a default deny beside them could cut anything off.",
    check: ({ site }) =>
      site.platform === "existing" && site.adopt && site.policies
        ? [
            {
              path: ["policies"],
              message: `The release ${site.adopt.release} is taken over as it is, so nothing is added to it.`,
              fix: "Remove policies, or remove adopt once the release was taken over.",
            },
          ]
        : [],
  },
  {
    code: "GB-2102",
    severity: "error",
    title: "Helm values leave a namespace in audit as it is.",
    korean:
      "policies의 단계(phase)를 쓰려면 policyEnforcementMode와 enableNonDefaultDenyPolicies는 기본값이어야 합니다.",
    reason:
      "With policyEnforcementMode always every pod is denied what nothing allows, in audit as well (Documentation/security/policy/intro.rst); without enableNonDefaultDenyPolicies Cilium refuses the policies of an audit.",
    needsPlan: true,
    check: ({ peers, site }) => {
      if (!site.policies || !hasValues(site)) return [];
      const sites = peers.map((peer) => peer.site);
      const values = new EffectiveValues(site.cilium.version, ciliumValues(site, sites));
      const path = ["cilium", "values"];
      return [
        ...(values.text("policyEnforcementMode") === "always"
          ? [
              {
                path: [...path, "policyEnforcementMode"],
                message: "policyEnforcementMode is always, so a namespace in audit is denied what no policy allows.",
                fix: "Remove it, and write policies.phase: enforce where nothing is in audit any more.",
              },
            ]
          : []),
        ...(values.on("enableNonDefaultDenyPolicies")
          ? []
          : [
              {
                path: [...path, "enableNonDefaultDenyPolicies"],
                message:
                  "enableNonDefaultDenyPolicies is off, so Cilium refuses the baseline and every policy in audit.",
                fix: "Remove it.",
              },
            ]),
      ];
    },
  },
  {
    code: "GB-2106",
    severity: "error",
    title: "Pods that call hosts by name may look the names up.",
    korean: "이름으로 외부를 호출하는 파드(egress)는 DNS 조회도 허용되어야 합니다.",
    reason:
      "Cilium learns a name's addresses from the lookups that it sees (Documentation/security/policy/language.rst).",
    check: ({ site }) => (site.policies ? withoutNames(site.policies) : []),
  },
  {
    code: "GB-2109",
    severity: "error",
    title: "Each application of a site has a name of its own.",
    korean: "한 사이트의 애플리케이션(policies.applications)은 이름이 서로 달라야 합니다.",
    reason: "Policies and zones are named after it, so the second would replace the first.",
    check: ({ site }) =>
      site.policies
        ? shared(site.policies, ({ name }) => [name]).map(({ first, index, key }) => ({
            path: ["policies", "applications", index, "name"],
            message: `applications[${first}] is called ${key} as well.`,
            fix: "Write another name.",
          }))
        : [],
  },
  {
    code: "GB-2110",
    severity: "error",
    title: "No two applications of a site share a namespace.",
    korean: "한 사이트의 두 애플리케이션은 같은 네임스페이스를 쓸 수 없습니다.",
    reason:
      "Each promises who reaches its pods; labels such as app: web of one would let in the other's, and a phase is one for the whole namespace.",
    check: ({ site }) =>
      site.policies
        ? shared(site.policies, namespacesOf).map(({ first, index, key }) => ({
            path: ["policies", "applications", index],
            message: `Its namespace ${key} is one of applications[${first}] as well.`,
            fix: "Write another namespace for its pods.",
          }))
        : [],
  },
  {
    code: "GB-2114",
    severity: "error",
    title: "Labels by which policies select pods are part of their identities.",
    korean: "정책이 파드를 고르는 레이블은 Cilium 신원(identity)에 들어가는 것이어야 합니다.",
    reason:
      "Cilium leaves labels of single pods, runs and releases out (pkg/labelsfilter/filter.go and the Helm value labels): a selector with one of them selects nobody.",
    check: ({ site }) =>
      [...labelKeys(site.policies, ["policies"]), ...labelKeys(site.segmentation, ["segmentation"])]
        .filter(({ key }) => !inIdentity(key))
        .map(({ key, path }) => ({
          path,
          message: `The label ${key} is not in any identity, so the selector matches no pod.`,
          fix: "Select by a label of the application, such as app or app.kubernetes.io/name.",
        })),
  },
];

/** Everything that is judged in `policies` and `segmentation` of a site. */
export const policiesRules: readonly Rule<SiteSubject>[] = [
  ...own,
  ...hostFirewallRules,
  ...crossClusterRules,
  ...segmentationRules,
  ...applicationRules,
];
