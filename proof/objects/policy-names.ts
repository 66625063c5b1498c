import { isIP } from "node:net";
import { list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { mayMeet } from "./policy-effect.ts";
import {
  asText,
  type Entry,
  entriesOf,
  entriesOfPart,
  type Part,
  partsOf,
  peersOf,
  portRulesOf,
  records,
  violation,
} from "./policy-view.ts";

/** What to write so that Cilium sees the lookups of a pod. */
export const dnsRule = `- toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, "k8s:k8s-app": kube-dns}}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]`;

/** The names that a part's DNS rules let through, as `matchName` and `matchPattern`. */
function dnsRules(part: Part): { readonly name?: string; readonly pattern?: string }[] {
  return entriesOfPart(part)
    .filter(({ direction, deny }) => direction === "egress" && !deny)
    .flatMap((entry) => portRulesOf(entry).flatMap(({ rules }) => records(rules.dns, [])))
    .map(({ body: { matchName, matchPattern } }) => ({
      ...(typeof matchName === "string" ? { name: matchName } : {}),
      ...(typeof matchPattern === "string" ? { pattern: matchPattern } : {}),
    }));
}

const plain = (name: string) => name.toLowerCase().replace(/\.$/, "");

/** Whether a DNS pattern lets a name be looked up (pkg/fqdn/matchpattern). */
export function matchesPattern(pattern: string, name: string): boolean {
  if (!/^[-a-z0-9_.*]+$/i.test(pattern)) return false;
  if (/^\*+$/.test(plain(pattern))) return true;
  const parts = plain(pattern)
    .replace(/^\*{2,}\./, "\u0001")
    .split(/\*+/);
  const quoted = parts.map((part) => part.replaceAll(".", "[.]")).join("[-a-z0-9_]*");
  return new RegExp(`^${quoted.replace("\u0001", "([-a-z0-9_]+[.])+")}$`).test(plain(name));
}

interface NameEntry {
  readonly entry: Entry;
  readonly names: readonly {
    readonly path: readonly PropertyKey[];
    readonly name: string;
    readonly pattern: boolean;
  }[];
}

function nameEntries(subject: ObjectsSubject): NameEntry[] {
  return entriesOf(subject)
    .map((entry) => ({
      entry,
      names: records(entry.body.toFQDNs, [...entry.path, "toFQDNs"]).flatMap(({ path, body }) =>
        (["matchName", "matchPattern"] as const).flatMap((field) => {
          const name = body[field];
          return typeof name === "string" ? [{ path: [...path, field], name, pattern: field === "matchPattern" }] : [];
        }),
      ),
    }))
    .filter(({ entry, names }) => entry.direction === "egress" && !entry.deny && names.length > 0);
}

/** Names that Cilium never learns the addresses of: their lookups do not pass its DNS proxy, or it refuses them. */
function unlearnt(subject: ObjectsSubject): Violation[] {
  const shown = partsOf(subject)
    .map((part) => ({ part, rules: dnsRules(part) }))
    .filter(({ rules }) => rules.length > 0);
  return nameEntries(subject).flatMap(({ entry, names }) => {
    const allowed = shown.filter(({ part }) => mayMeet(entry.part, part)).flatMap(({ rules }) => rules);
    if (allowed.length === 0) {
      const some = names
        .map(({ name }) => name)
        .slice(0, 3)
        .join(", ");
      const message = `toFQDNs names ${some}, but no DNS rule shows Cilium the lookups of these pods, so it never learns the addresses and allows none.`;
      return [violation([...entry.path, "toFQDNs"], message, `Add an egress entry with rules.dns: ${dnsRule}`)];
    }
    return names
      .filter(({ pattern }) => !pattern)
      .filter(
        ({ name }) =>
          !allowed.some(
            (rule) =>
              (rule.name !== undefined && plain(rule.name) === plain(name)) ||
              (rule.pattern !== undefined && matchesPattern(rule.pattern, name)),
          ),
      )
      .map(({ path, name }) =>
        violation(
          path,
          `toFQDNs names ${name}, but the DNS rules of these pods only let through ${allowed
            .map(({ name: exact, pattern }) => exact ?? pattern)
            .slice(0, 4)
            .join(", ")}: the lookup is refused.`,
          `Add {matchName: ${name}} to rules.dns.`,
        ),
      );
  });
}

/** Entries that open a port to everyone beside one that names hosts. */
function besideNames(subject: ObjectsSubject): Violation[] {
  return partsOf(subject).flatMap((part) => {
    const egress = entriesOfPart(part).filter(({ direction, deny }) => direction === "egress" && !deny);
    const named = egress.filter(({ body }) => list(body.toFQDNs).length > 0);
    if (named.length === 0) return [];
    const portsOf = (entry: Entry) =>
      portRulesOf(entry).flatMap(({ body }) => records(body.ports, []).map((port) => asText(port.body.port)));
    return egress
      .filter((entry) => peersOf(entry).length === 0 && list(entry.body.toPorts).length > 0)
      .filter((entry) => portsOf(entry).some((port) => port !== "53"))
      .filter((entry) =>
        named.some(
          (other) => portsOf(other).length === 0 || portsOf(other).some((port) => portsOf(entry).includes(port)),
        ),
      )
      .map((entry) =>
        violation(
          entry.path,
          `This entry has ports ${portsOf(entry).join(", ")} but no peer, so it opens them to every destination, whatever toFQDNs beside it names.`,
          "Move toPorts into the entry with toFQDNs.",
        ),
      );
  });
}

function impossibleName(name: string): { message: string; fix: string } | undefined {
  if (isIP(name) !== 0) {
    return {
      message: `${name} is an address, and toFQDNs compares names only, so it allows nothing.`,
      fix: `Write toCIDR: [${name}/${isIP(name) === 4 ? 32 : 128}].`,
    };
  }
  if (/\.svc(\.cluster\.local)?\.?$/.test(name)) {
    return {
      message: `${name} is a Service of the cluster: where its backends are pods, they have identities of their own, which toFQDNs never matches.`,
      fix: "Write toEndpoints with the labels of the Service's pods, or toServices.",
    };
  }
  if (!name.includes(".") && !name.includes("*")) {
    return {
      message: `${name} has no dot: no public name is that short, and search domains are added before the lookup.`,
      fix: "Write the whole name.",
    };
  }
  return undefined;
}

export const policyNameRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1227",
    severity: "error",
    title: "Pods that may reach names have a DNS rule, so that Cilium learns the addresses.",
    korean: "toFQDNs를 쓰는 파드에는 rules.dns가 있는 DNS 규칙이 있어야 합니다.",
    reason:
      "toFQDNs allows addresses that Cilium's DNS proxy saw in answers; it sees them only through a rule with rules.dns (Documentation/security/policy/language.rst, DNS based).",
    check: (subject) => (subject.complete ? unlearnt(subject) : []),
  },
  {
    code: "GB-1228",
    severity: "warning",
    title: "A policy with toFQDNs is judged together with the DNS rule of its pods.",
    korean: "toFQDNs 정책은 같은 파드의 DNS 규칙과 함께 검사합니다.",
    reason: "The same as GB-1227, where further policies may exist that were not given.",
    check: (subject) => (subject.complete ? [] : unlearnt(subject)),
  },
  {
    code: "GB-1229",
    severity: "warning",
    title: "Ports of named hosts stand in the entry that names them.",
    korean: "toFQDNs의 포트 제한은 같은 항목의 toPorts에 씁니다.",
    reason:
      "Entries add up: one with ports alone opens them to every destination (Documentation/security/policy/language.rst).",
    check: besideNames,
  },
  {
    code: "GB-1230",
    severity: "warning",
    title: "toFQDNs names hosts outside of the cluster.",
    korean: "toFQDNs에는 클러스터 밖의 호스트 이름만 씁니다.",
    reason:
      "It becomes a rule on addresses, which never matches pods (Documentation/security/policy/language.rst, CIDR and DNS based).",
    check: (subject) =>
      nameEntries(subject).flatMap(({ names }) =>
        names.flatMap(({ path, name }) => {
          const wrong = impossibleName(name);
          return wrong === undefined ? [] : [violation(path, wrong.message, wrong.fix)];
        }),
      ),
  },
];
