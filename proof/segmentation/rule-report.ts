import type { PolicyEntry, PortProtocol, Selector } from "../reachability/entry.ts";
import type { Actor } from "./actors.ts";
import { asksSomething } from "./flows.ts";
import { l7Text } from "./l7-text.ts";
import type { Model } from "./model.ts";

/** One rule of a policy, by whom it is about. */
export interface RuleReport {
  /** `CiliumNetworkPolicy payments/api spec.ingress[0]`. */
  readonly rule: string;
  readonly cluster: string;
  readonly direction: PolicyEntry["direction"];
  readonly verdict: PolicyEntry["verdict"];
  /** Whether what no rule allows is denied for its subjects. */
  readonly defaultDeny: boolean;
  /** Parties of the report that it selects. */
  readonly subjects: readonly string[];
  /** Parties that it names at the other end, with the blocks and host names as they are written; `everyone`, `nobody`. */
  readonly peers: readonly string[];
  /** As written: `5432/TCP`, `http/TCP`; `all`. */
  readonly ports: readonly string[];
}

/** Every rule that is loaded, whether it opens anything or not. */
export function ruleReports({ members, actors, now }: Model): RuleReport[] {
  return members.flatMap(({ options: { cluster }, now: { entries } }) => {
    const own = actors.filter((actor) => actor.cluster === cluster);
    const named = (selector: Selector, among: readonly Actor[]) => [
      ...new Set(now.selected(cluster, selector, among).map(({ name }) => name)),
    ];
    return entries.map(
      (entry): RuleReport => ({
        rule: `${entry.policy} ${entry.path}`,
        cluster,
        direction: entry.direction,
        verdict: entry.verdict,
        defaultDeny: entry.defaultDeny,
        subjects: named(
          entry.subject,
          own.filter((actor) => isSubject(actor, entry)),
        ),
        peers: peersText(entry, (selector) => named(selector, actors)),
        ports: portsTexts(entry),
      }),
    );
  });
}

/** A namespaced policy is about pods of its namespace, one with a `nodeSelector` about nodes. */
function isSubject({ subject }: Actor, { namespace, node }: PolicyEntry): boolean {
  if (subject === undefined) return false;
  const isHost = subject.labels.some(({ source, key }) => source === "reserved" && key === "host");
  const own = subject.labels.find(({ key }) => key === "io.kubernetes.pod.namespace")?.value;
  return node === isHost && (namespace === undefined || namespace === own);
}

function peersText({ peers }: PolicyEntry, named: (selector: Selector) => string[]): string[] {
  if (peers === "none") return ["nobody"];
  if (peers.length === 0) return ["everyone"];
  if (peers.some((peer) => peer.kind === "labels" && peer.requirements.length === 0)) return ["everyone"];
  return [...new Set(peers.flatMap((peer) => (peer.kind === "labels" ? named(peer) : [written(peer)])))];
}

function written(peer: Exclude<Selector, { kind: "labels" }>): string {
  const except = "except" in peer && peer.except.length > 0 ? ` except ${peer.except.join(", ")}` : "";
  switch (peer.kind) {
    case "cidr":
      return `${peer.block}${except}`;
    case "cidr-group":
      return `group ${peer.name}${except}`;
    case "cidr-groups":
      return `groups with ${peer.requirements.map(({ key, operator, values }) => `${key} ${operator} ${values.join(", ")}`).join(" and ")}${except}`;
    case "fqdn":
      return peer.name ?? peer.pattern ?? "";
  }
}

function portsTexts({ ports }: PolicyEntry): string[] {
  if (ports.length === 0) return ["all"];
  return ports.flatMap(({ ports: written, l7 }) => {
    const asked =
      l7 === undefined || !asksSomething([l7])
        ? undefined
        : l7Text({ egress: { rules: [], l7: [l7] }, ingress: { rules: [] } });
    const all = written.length === 0 ? ["all"] : written.map(portText);
    return asked === undefined ? all : all.map((text) => `${text} (${asked})`);
  });
}

function portText({ port, endPort, protocol }: PortProtocol): string {
  return `${port === 0 ? "all" : port}${endPort === undefined ? "" : `-${endPort}`}/${protocol}`;
}
