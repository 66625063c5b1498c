import type { Finding } from "../../components/config/finding.ts";
import { clusterKey, namespaceKey } from "../reachability/labels.ts";
import type { Actor } from "./actors.ts";
import { canMeet } from "./flows.ts";
import type { MemberPolicies } from "./member-policies.ts";
import type { Model } from "./model.ts";
import { type Conditions, fewestLabels, fulfils, is, subjectOf } from "./pod-labels.ts";
import { portsText, setOf } from "./ports.ts";
import type { PromiseVerdict } from "./promises.ts";
import { segmentationRules } from "./rules.ts";
import { conditionsOf, isPodZone, type PodZone } from "./zones.ts";

/** What is wrong, or doubtful, about the policies of a mesh and its zones, beside broken promises. */
export function segmentationFindings(model: Model, verdicts: readonly PromiseVerdict[]): Finding[] {
  return [
    ...model.members.flatMap((member) => conflicting(member, model)),
    ...model.members.flatMap((member) => unselected(member, verdicts)),
    ...differing(model),
    ...audited(model, verdicts),
  ];
}

type RuleName = keyof typeof segmentationRules;

function finding({ file }: MemberPolicies, rule: RuleName, key: string, message: string, fix: string): Finding {
  const { code, severity } = segmentationRules[rule];
  const path = ["gyeongbu:site", key];
  const line = file.lineOf(path);
  const place = { file: file.file, path: path.join("."), ...(line === undefined ? {} : { line }) };
  return { code, severity, ...place, message, fix };
}

/** Pods that lose every connection since their rules contradict each other. */
function conflicting(member: MemberPolicies, { actors, now }: Model): Finding[] {
  const conflicts = new Map(
    actors.flatMap((actor) => {
      const conflict = actor.cluster === member.options.cluster ? now.conflict(actor) : undefined;
      return conflict === undefined ? [] : [[conflict, actor.name] as const];
    }),
  );
  return [...conflicts].map(([conflict, name]) =>
    finding(
      member,
      "conflicting",
      "policies",
      `Cilium cannot compute a policy for ${name}: ${conflict}.`,
      "Ask for one kind of L7 rules on a port, or give the rules different peers.",
    ),
  );
}

/** A zone with labels that no selector asks about fares as any pod of its namespace does. */
function unselected(member: MemberPolicies, verdicts: readonly PromiseVerdict[]): Finding[] {
  const entries = [...member.now.entries, ...(member.enforced?.entries ?? [])];
  const selectors = entries.flatMap((entry) => [
    subjectOf(entry),
    ...(entry.peers === "none"
      ? []
      : entry.peers.flatMap((peer) => (peer.kind === "labels" ? [peer.requirements] : []))),
  ]);
  const promised = new Set(verdicts.flatMap(({ from, to }) => [from, to]));
  return Object.entries(member.segmentation.zones).flatMap(([name, zone]) =>
    promised.has(name) && isPodZone(zone) && !isTold(zone, selectors)
      ? [
          finding(
            member,
            "unselected",
            "segmentation",
            `No policy here tells the pods of zone ${name} from others of namespace ${zone.namespace}.`,
            `Compare the zone's labels (${labelsText(zone)}) with those that policies select; a zone without labels is its whole namespace.`,
          ),
        ]
      : [],
  );
}

function isTold(zone: PodZone, selectors: readonly Conditions[]): boolean {
  const [own, other] = [fewestLabels(conditionsOf(zone)), fewestLabels([is(namespaceKey, zone.namespace)])];
  if (Object.keys(zone.labels).length === 0 && zone.serviceAccount === undefined) return true;
  if (own === undefined || other === undefined) return true;
  // In whichever cluster its pods are.
  const anywhere = selectors.map((selector) => selector.filter(({ key }) => key !== clusterKey));
  return anywhere.some((selector) => fulfils(own, selector) !== fulfils(other, selector));
}

function labelsText({ labels, serviceAccount }: PodZone): string {
  const words = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [...words, ...(serviceAccount === undefined ? [] : [`service account ${serviceAccount}`])].join(", ");
}

/** The same pair within each cluster: zones of pods with one another, with the world, with the cluster's DNS. */
function differing({ members, actors, now }: Model): Finding[] {
  const [first, ...others] = members;
  if (first === undefined || others.length === 0) return [];
  const isCompared = ({ kind, like }: Actor) => kind === "zone" || (like === undefined && kind === "address");
  const compared = actors.filter(isCompared);
  const within = (member: MemberPolicies) => {
    const own = compared.filter(({ cluster }) => cluster === undefined || cluster === member.options.cluster);
    return new Map(
      own.flatMap((from) =>
        own
          .filter((to) => (from.kind === "zone" || to.kind === "zone") && canMeet(from, to))
          .map((to) => [`${from.name} -> ${to.name}`, portsText(setOf(now.passage(from, to).open))] as const),
      ),
    );
  };
  const reference = within(first);
  return others.flatMap((member) => {
    const differences = [...within(member)].flatMap(([pair, ports]) => {
      const expected = reference.get(pair);
      return expected === undefined || expected === ports
        ? []
        : [`${pair} is ${ports} here and ${expected} at ${first.options.cluster}`];
    });
    if (differences.length === 0) return [];
    const some = differences.slice(0, 3).join("; ");
    const more = differences.length > 3 ? `; and ${differences.length - 3} more` : "";
    return [
      finding(
        member,
        "differing",
        "policies",
        `Flows differ between the clusters: ${some}${more}.`,
        "Give both sites the same policies, or accept this warning with the reason.",
      ),
    ];
  });
}

function audited({ members }: Model, verdicts: readonly PromiseVerdict[]): Finding[] {
  const waiting = verdicts.filter(({ holds, holdsEnforced }) => holdsEnforced && !holds);
  if (waiting.length === 0) return [];
  return members.flatMap((member) =>
    member.audited.length === 0
      ? []
      : [
          finding(
            member,
            "audited",
            "policies",
            `Nothing is dropped yet in ${member.audited.join(", ")}: ${waiting.length} promise(s) hold only once these namespaces are enforced, e.g. "${waiting[0]?.text}".`,
            "Write `enforce` under policies.namespaces when Hubble shows nothing that would be dropped.",
          ),
        ],
  );
}
