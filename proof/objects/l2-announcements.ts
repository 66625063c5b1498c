import { list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { chartValues, flaw, objectsOf } from "./objects.ts";

const l2Kind = "CiliumL2AnnouncementPolicy";

export const l2Rules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1346",
    severity: "error",
    title: "An L2 policy announces external addresses, load balancer addresses, or both.",
    korean: "L2 정책은 externalIPs나 loadBalancerIPs를 true로 해야 합니다.",
    reason:
      "Both are false unless written, and then nothing is announced (Documentation/network/l2-announcements.rst).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", [l2Kind])
        .filter(({ spec }) => spec.externalIPs !== true && spec.loadBalancerIPs !== true)
        .map((placed) =>
          flaw(
            placed,
            ["spec"],
            `${placed.name} has neither externalIPs nor loadBalancerIPs, so it announces nothing.`,
            "Write loadBalancerIPs: true, externalIPs: true, or both.",
          ),
        ),
  },
  {
    code: "GB-1347",
    severity: "error",
    title: "Interface names of an L2 policy are regular expressions.",
    korean: "L2 정책의 interfaces는 올바른 정규식이어야 합니다.",
    reason:
      "Each entry is compiled as a Go regular expression; one that does not compile stops the whole policy (cilium pkg/l2announcer/l2announcer.go).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", [l2Kind]).flatMap((placed) =>
        list(placed.spec.interfaces).flatMap((entry, at) =>
          typeof entry === "string" && !compiles(entry)
            ? [
                flaw(
                  placed,
                  ["spec", "interfaces", at],
                  `${entry} is no regular expression that Go accepts.`,
                  `Write one such as ^eth[0-9]+$.`,
                ),
              ]
            : [],
        ),
      ),
  },
  {
    code: "GB-1348",
    severity: "error",
    title: "L2 policies need L2 announcements and the kube-proxy replacement.",
    korean: "L2 정책을 쓰려면 l2announcements와 kube-proxy 대체가 켜져 있어야 합니다.",
    reason:
      "Without l2announcements.enabled nothing reads them, and without kubeProxyReplacement nothing answers (Documentation/network/l2-announcements.rst, Prerequisites).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined) return [];
      const missing = [
        ...(values.on("l2announcements.enabled") ? [] : ["l2announcements.enabled: true"]),
        ...(values.text("kubeProxyReplacement") === "true" ? [] : ["kubeProxyReplacement: true"]),
      ];
      return missing.length === 0
        ? []
        : objectsOf(subject, "cilium.io", [l2Kind])
            .slice(0, 1)
            .map((placed) =>
              flaw(
                placed,
                ["kind"],
                `${placed.kind} ${placed.name} does nothing without ${missing.join(" and ")}.`,
                `Write ${missing.join(" and ")} in the Helm values.`,
              ),
            );
    },
  },
];

/** Go's RE2 has no look-around and no back-references. */
function compiles(pattern: string): boolean {
  if (/\(\?[=!<](?!\w+>)|\\[1-9]/.test(pattern)) return false;
  try {
    return new RegExp(pattern.replaceAll("(?P<", "(?<")) instanceof RegExp;
  } catch {
    return false;
  }
}
