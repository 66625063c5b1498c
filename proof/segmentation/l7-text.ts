import type { HttpRule, L7Rules } from "../reachability/entry.ts";
import { asksSomething, type End, type Flow } from "./flows.ts";

/** What proxies at both ends let through, in words; `undefined` where no proxy asks anything. */
export function l7Text({ egress, ingress }: Pick<Flow, "egress" | "ingress">): string | undefined {
  const [out, into] = [endText(egress), endText(ingress)];
  if (out === undefined || into === undefined || out === into) return out ?? into;
  return `${out}; at the receiver ${into}`;
}

function endText({ l7 }: End): string | undefined {
  if (l7 === undefined || !asksSomething(l7)) return undefined;
  const words = [
    ...sentence("HTTP", l7.flatMap(({ http }) => http ?? []).map(httpText)),
    ...sentence(
      "DNS",
      l7.flatMap(({ dns }) => dns ?? []).map(({ name, pattern }) => name ?? pattern ?? ""),
    ),
    ...(l7.some(({ kafka }) => kafka !== undefined) ? ["Kafka"] : []),
    ...(l7.some(({ proxied }) => proxied) ? [proxyText(l7)] : []),
  ];
  return words.join("; ");
}

function sentence(parser: string, rules: readonly string[]): string[] {
  return rules.length === 0 ? [] : [`${parser} ${[...new Set(rules)].join(", ")}`];
}

function httpText({ method, path, host, headers, headerMatches }: HttpRule): string {
  const wanted = [
    ...headers,
    ...headerMatches.map(
      ({ name, value, mismatch }) =>
        `${name}${value === undefined ? "" : `: ${value}`}${mismatch === undefined ? "" : ` (else ${mismatch})`}`,
    ),
  ];
  const words = [
    method ?? "any method",
    path,
    host === undefined ? undefined : `host ${host}`,
    wanted.length === 0 ? undefined : `with ${wanted.join(" and ")}`,
  ];
  return words.filter((word) => word !== undefined).join(" ");
}

function proxyText(l7: readonly L7Rules[]): string {
  const names = l7.flatMap(({ serverNames }) => serverNames ?? []);
  const listeners = l7.flatMap(({ listener }) => listener?.name ?? []);
  return [
    "TLS or a listener",
    ...(names.length > 0 ? [names.join(", ")] : []),
    ...(listeners.length > 0 ? [listeners.join(", ")] : []),
  ].join(" ");
}
