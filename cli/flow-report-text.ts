import { stringify } from "yaml";
import { type Denied, type FlowReport, wouldDrop } from "../proof/flows/flow-report.ts";
import type { Fragment } from "../proof/flows/fragments.ts";
import type { MissingRule } from "../proof/flows/missing-rules.ts";
import type { Aside } from "../proof/flows/observation.ts";
import type { Counts } from "../proof/flows/reading.ts";
import type { Sight } from "../proof/flows/sightings.ts";

/** What a report is about and what it says. */
export interface Reported {
  readonly counts: Counts;
  readonly report: FlowReport;
  /** Clusters whose policies are meant. */
  readonly clusters: readonly string[];
}

/** `{drops, counts, ...report}`, for machines. */
export function renderFlowJson({ counts, report, clusters }: Reported): string {
  return `${JSON.stringify({ drops: wouldDrop(report), clusters, counts, ...report }, null, 2)}\n`;
}

/** The policies to add, ready for `kubectl apply` and for --policies; of several clusters, each says where it belongs. */
export function renderSuggestions({ missing }: FlowReport): string {
  const all = missing.flatMap((rule) => rule.fragments.map((fragment) => ({ rule, fragment })));
  return all
    .map(({ rule, fragment }) => {
      const head = [
        `# ${fragment.cluster}: ${titleOf(rule)}, ${rule.sureness}`,
        ...rule.doubts.map((doubt) => `# ${doubt}`),
      ];
      return `---\n${head.join("\n")}\n${policyYaml(fragment.policy)}`;
    })
    .join("");
}

/** As kubectl reads it: YAML 1.1, in which `on` and `1:30` without quotes are no text. */
function policyYaml(policy: Fragment): string {
  return stringify(policy, { version: "1.1" });
}

/** For people, 80 columns where the words allow. */
export function renderFlowText({ counts, report, clusters }: Reported): string {
  const { missing, denied, droppedAlready } = report;
  const sections = [
    readLines(counts).join("\n"),
    ...(missing.length === 0 ? [] : [heading("Would be dropped, by the rule to add")]),
    ...missing.map((rule, index) => missingText(rule, index + 1, clusters.length > 1)),
    ...(denied.length === 0 ? [] : [heading("Denied on purpose, no rule opens it"), denied.map(deniedText).join("\n")]),
    ...(droppedAlready.length === 0
      ? []
      : [heading("Dropped today already; --json has the rules"), droppedAlready.map(droppedText).join("\n")]),
    verdictLines(report, clusters).join("\n"),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** For a job's summary on a pull request. */
export function renderFlowMarkdown({ counts, report, clusters }: Reported): string {
  const { missing, denied, droppedAlready } = report;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");
  const ruleRow = (rule: MissingRule) => [
    rule.client,
    rule.server,
    [...rule.ports, ...rule.requests].join(", "),
    rule.fragments.map(({ direction }) => direction).join(", "),
    counted(rule.flows),
    [rule.sureness, ...rule.doubts].join("; "),
  ];
  const head = ["client", "server", "ports", "side that lacks it", "flows", "how sure"];
  const sections = [
    "## Flows",
    verdictLines(report, clusters).join(" "),
    readLines(counts)
      .map((line) => `- ${line}`)
      .join("\n"),
    ...(missing.length === 0 ? [] : ["### Would be dropped, by the rule to add", table(head, missing.map(ruleRow))]),
    ...(missing.length === 0
      ? []
      : [
          `<details><summary>Policies to add</summary>\n\n\`\`\`yaml\n${renderSuggestions(report)}\`\`\`\n\n</details>`,
        ]),
    ...(denied.length === 0
      ? []
      : [
          "### Denied on purpose",
          table(
            ["client", "server", "ports", "by", "flows", "today"],
            denied.map((each) => [
              each.client,
              each.server,
              each.ports.join(", "),
              each.by.join(", "),
              counted(each.flows),
              each.dropped ? "dropped" : "passes",
            ]),
          ),
        ]),
    ...(droppedAlready.length === 0 ? [] : ["### Dropped today already", table(head, droppedAlready.map(ruleRow))]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function heading(text: string): string {
  return `${text}\n${"-".repeat(text.length)}`;
}

const asideTexts: Readonly<Record<Exclude<Aside, `drop ${string}`>, string>> = {
  reply: "replies",
  "no-direction": "of which neither end is known to have begun",
  socket: "translations at sockets",
  service: "to a Service's address, judged at its backend",
  "no-ports": "of protocols that are not judged",
  "no-identity": "of unknown ends",
  "no-labels": "of pods without labels",
  "no-verdict": "without a verdict",
};

function readLines({ lines, flows, first, last, asides, broken }: Counts): string[] {
  const damage = broken > 0 ? `; broken lines ${counted(broken)}` : "";
  const read = `${counted(lines)} lines, ${counted(flows)} flows${timeText(first, last)}${first === undefined ? "" : " UTC"}${damage}.`;
  const left = Object.entries(asides).map(([why, count = 0]) => `${asideText(why)} ${counted(count)}`);
  return left.length === 0 ? [read] : [read, ...wrap(`Not judged: ${left.join(", ")}.`, "")];
}

/** Why flows are not judged, for people. */
export function asideText(why: string): string {
  for (const [key, text] of Object.entries(asideTexts)) if (key === why) return text;
  return `dropped for another reason (${why.replace(/^drop /, "")})`;
}

function titleOf({ client, server, ports }: Pick<MissingRule, "client" | "server" | "ports">): string {
  const shown = ports.slice(0, 6).join(", ");
  return `${client} -> ${server} ${shown}${ports.length > 6 ? ` and ${ports.length - 6} more` : ""}`;
}

function missingText(rule: MissingRule, number: number, several: boolean): string {
  const { sureness, doubts, requests, fragments } = rule;
  const lines = [
    ...wrap(`${number}. ${titleOf(rule)}`, "   "),
    ...requests.slice(0, 10).map((request) => `   ${request}`),
    ...(requests.length > 10 ? [`   and ${requests.length - 10} more requests`] : []),
    ...wrap(`   ${[sightText(rule), sureness].join("; ")}`, "   "),
    ...doubts.flatMap((doubt) => wrap(`   (${doubt})`, "   ")),
    ...examplesText(rule),
  ];
  const policies = fragments.map(({ cluster, direction, policy }) => {
    const where = several ? ` in ${cluster}` : "";
    return `   Add for ${direction}${where}:\n\n${indented(policyYaml(policy).trimEnd(), "     ")}`;
  });
  return [lines.join("\n"), ...policies].join("\n\n");
}

function deniedText({ client, server, ports, by, dropped, ...sight }: Denied): string {
  return [
    ...wrap(
      `- ${titleOf({ client, server, ports })}: ${sightText(sight)}, ${dropped ? "dropped today, too" : "passes today"}`,
      "  ",
    ),
    ...by.flatMap((rule) => wrap(`  by ${rule}`, "  ")),
  ].join("\n");
}

function droppedText(rule: MissingRule): string {
  return wrap(`- ${titleOf(rule)}: ${sightText(rule)}`, "  ").join("\n");
}

function sightText({ flows, first, last, audited }: Sight): string {
  return `${counted(flows)} ${flows === 1 ? "flow" : "flows"}${timeText(first, last)}${audited ? ", audited" : ""}`;
}

function examplesText({ examples }: Sight): string[] {
  return examples.flatMap(({ client, server, node }) =>
    wrap(`   e.g. ${client} -> ${server}${node === "" ? "" : `, seen by ${node}`}`, "        "),
  );
}

function verdictLines(report: FlowReport, clusters: readonly string[]): string[] {
  const { missing, denied, opened, kept, unknownClusters } = report;
  const rules = missing.reduce((sum, { fragments }) => sum + fragments.length, 0);
  const flows = missing.reduce((sum, each) => sum + each.flows, 0);
  const newlyDenied = denied.filter(({ dropped }) => !dropped);
  const said = wouldDrop(report)
    ? `Enforcing in ${clusters.join(" and ")} would drop ${counted(flows)} flows for want of ${counted(rules)} rules${
        newlyDenied.length === 0
          ? ""
          : `, and ${counted(newlyDenied.reduce((sum, each) => sum + each.flows, 0))} on purpose`
      }; ${counted(kept.flows)} flows of ${counted(kept.conversations)} conversations stay.`
    : `Enforcing in ${clusters.join(" and ")} would drop nothing of what was seen: ${counted(kept.flows)} flows of ${counted(kept.conversations)} conversations.`;
  return [
    ...wrap(said, ""),
    ...(opened.flows === 0 ? [] : wrap(`${counted(opened.flows)} flows that are dropped today would pass.`, "")),
    ...(unknownClusters.length === 0
      ? []
      : wrap(
          `Not judged: what pods of ${unknownClusters.join(" and ")} themselves allow; name their stacks, too.`,
          "",
        )),
  ];
}

function timeText(first: string | undefined, last: string | undefined): string {
  if (first === undefined || last === undefined) return "";
  const [from, to] = [shortTime(first), shortTime(last)];
  return from === to ? `, ${from}` : `, ${from} to ${to}`;
}

/** `2026-07-01 09:12:04`. */
function shortTime(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}

function counted(count: number): string {
  return count.toLocaleString("en-US");
}

/** Breaks between words at 80 columns; further lines are indented. */
function wrap(line: string, indent: string): string[] {
  const cut = line.length <= 80 ? -1 : line.lastIndexOf(" ", 80);
  return cut <= indent.length ? [line] : [line.slice(0, cut), ...wrap(`${indent}${line.slice(cut + 1)}`, indent)];
}

function indented(text: string, by: string): string {
  return text.replaceAll(/^/gm, by);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", "<br>");
}
