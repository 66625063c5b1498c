import type { OpenPorts, PairReport, PassageReport, SegmentationReport } from "../proof/segmentation/report.ts";
import { notOurs, openByDefault } from "../proof/segmentation/unruled.ts";
import { cell, fenced, table, wrap } from "./text.ts";

/** Ports that rules open between parties; pairs for which the same rules say the same are one. */
interface Line extends OpenPorts {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly where: string;
}

/** For people, at 80 columns: what holds for each zone in words, then what is open by which rules. */
export function segmentationText(report: SegmentationReport): string {
  const lines = linesOf(report);
  return [
    head(report),
    ...notes(report).map((note) => wrap(`  ${note}`, 4)),
    ...report.sentences.map((sentence) => wrap(`  ${sentence}`, 4)),
    ...(lines.length === 0 ? [] : ["", "  Open by rule:"]),
    ...lines.flatMap(textOf),
    ...section("Allowed at one end only:", halfOpen(report)),
  ].join("\n");
}

/** For a job's summary: a drawing, a table of zones, the sentences, and the rules folded away. */
export function segmentationMarkdown(report: SegmentationReport): string {
  const rows = linesOf(report).map(
    (line) =>
      `| ${[`${flowOf(line)}${place(line.where)}`, portsOf(line), line.egress.join("\n"), line.ingress.join("\n")].map(cell).join(" | ")} |`,
  );
  const rules = table(["flow", "ports", "egress", "ingress"], rows);
  const sections = [
    `### ${head(report)}`,
    notes(report).join("\n"),
    drawing(report),
    matrix(report),
    [...report.sentences, ...halfOpen(report).map((line) => `Allowed at one end only: ${line}`)]
      .map((sentence) => `- ${sentence}`)
      .join("\n"),
    rules === "" ? "" : `<details><summary>Rules that open these flows</summary>\n\n${rules}\n\n</details>`,
  ];
  return sections.filter((each) => each !== "").join("\n\n");
}

function head({ members, zones, parties }: SegmentationReport): string {
  if (zones.length === 0) return `Segmentation of ${members.join(", ")}: no zones`;
  return `Segmentation of ${members.join(", ")}: ${zones.length} zones, ${parties.length} parties`;
}

function notes({ audited, parties, zones }: SegmentationReport): string[] {
  if (zones.length === 0) {
    return [
      `Policies tell ${parties.length} parties apart; name zones under \`segmentation\` to see who reaches whom.`,
    ];
  }
  return audited.length === 0 ? [] : [`In audit, where nothing is dropped yet: ${audited.join(", ")}.`];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `  ${title}`, ...lines.map((line) => wrap(`  ${line}`, 4))];
}

const place = (where: string) => (where === "everywhere" ? "" : `, ${where}`);
const flowOf = ({ from, to }: Line) => `${from.join(", ")} -> ${to.join(", ")}`;
const portsOf = ({ ports, l7 }: OpenPorts) => `${ports}${l7 === undefined ? "" : ` (${l7})`}`;

function textOf(line: Line): string[] {
  return [
    wrap(`  ${flowOf(line)}: ${portsOf(line)}${place(line.where)}`, 4),
    wrap(`    egress   ${line.egress.join(", ")}`, 13),
    wrap(`    ingress  ${line.ingress.join(", ")}`, 13),
  ];
}

/** What rules open for pairs with a zone of the file at one end. */
function linesOf(report: SegmentationReport): Line[] {
  const single = shownPairs(report).flatMap(({ from, to, passages }) =>
    passages.flatMap(({ where, open }) =>
      open.filter(isRuled).map(({ ports, l7, egress, ingress }): Line => {
        const asked = l7 === undefined ? {} : { l7 };
        return { from: [from], to: [to], where, ports, ...asked, egress, ingress };
      }),
    ),
  );
  return merged(merged(single, "from"), "to");
}

function merged(lines: readonly Line[], end: "from" | "to"): Line[] {
  const groups = Map.groupBy(lines, (line) => JSON.stringify({ ...line, [end]: [] }));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, [end]: group.flatMap((line) => line[end]) }];
  });
}

/** Pairs with a zone at one end of which a rule decides. Addresses that fare as the world does are not shown. */
function shownPairs({ pairs, zones, parties, world }: SegmentationReport): PairReport[] {
  const named = new Set(zones.map(({ name }) => name));
  const addresses = new Set(parties.flatMap(({ name, kind }) => (kind === "address" && name !== world ? [name] : [])));
  const known = new Map(pairs.map((pair) => [JSON.stringify([pair.from, pair.to]), JSON.stringify(pair.passages)]));
  const isWorldly = ({ from, to, passages }: PairReport) => {
    const ends = [addresses.has(from) ? world : from, addresses.has(to) ? world : to];
    return (ends[0] !== from || ends[1] !== to) && known.get(JSON.stringify(ends)) === JSON.stringify(passages);
  };
  return pairs.filter(
    (pair) =>
      (named.has(pair.from) || named.has(pair.to)) &&
      pair.passages.some(({ open }) => open.some(isRuled)) &&
      !isWorldly(pair),
  );
}

function isRuled({ egress, ingress }: OpenPorts): boolean {
  return [egress, ingress].some(([rule]) => rule !== notOurs && rule !== openByDefault);
}

/** What one end's rules allow and the other's do not: harmless, and often a mistake. */
function halfOpen({ pairs, zones }: SegmentationReport): string[] {
  const named = new Set(zones.map(({ name }) => name));
  return pairs.flatMap(({ from, to, passages }) =>
    named.has(from) && named.has(to)
      ? passages
          .filter(isHalfOpen)
          .map(
            ({ where, sends, takes }) =>
              `${from} -> ${to}: ${sends} at the sender, ${takes} at the receiver${place(where)}`,
          )
      : [],
  );
}

function isHalfOpen({ sends, takes }: PassageReport): boolean {
  return sends !== takes && sends !== "everything" && takes !== "everything";
}

/** Parties beside the zones that the table has a row and a column for, where anything is open. */
const always = ["host", "remote-node", "kube-apiserver", "kube-dns", "other pods"];

function matrix({ pairs, zones, parties, world }: SegmentationReport): string {
  const names = new Set(zones.map(({ name }) => name));
  const byPair = new Map(pairs.map((pair) => [`${pair.from} -> ${pair.to}`, pair.passages]));
  const others = parties
    .map(({ name }) => name)
    .filter((name) => !names.has(name) && [world, ...always].includes(name));
  const ports = (from: string, to: string) => {
    // Between two parties that are no zones nothing is asked.
    const passages = names.has(from) || names.has(to) ? (byPair.get(`${from} -> ${to}`) ?? []) : [];
    return cell(passages.map(passageText).join("\n"));
  };
  const all = [...names, ...others];
  const isOpen = (text: string) => text !== "" && text !== "-";
  const senders = all.filter((from) => names.has(from) || all.some((to) => isOpen(ports(from, to))));
  const receivers = all.filter((to) => names.has(to) || all.some((from) => isOpen(ports(from, to))));
  return table(
    ["from \\ to", ...receivers],
    senders.map((from) => `| **${from}** | ${receivers.map((to) => ports(from, to)).join(" | ")} |`),
  );
}

function passageText({ where, open, enforced }: PassageReport): string {
  const texts = open.map(({ ports, l7 }) => `${ports}${l7 === undefined ? "" : " (L7)"}`);
  const now = texts.length === 0 ? "-" : texts.join(", ");
  return `${now}${enforced === undefined ? "" : ` (enforced: ${enforced})`}${place(where)}`;
}

/** Zones as boxes, and an arrow for what rules open between them; only boxes that have an arrow. */
function drawing(report: SegmentationReport): string {
  const boxes = new Map(
    [...new Set([...report.zones.map(({ name }) => name), report.world])].map((name, index) => [name, `z${index}`]),
  );
  const arrows = shownPairs(report).flatMap(({ from, to, passages }) => {
    const [one, other] = [boxes.get(from), boxes.get(to)];
    const texts = passages
      .flatMap(({ open }) => open.filter(isRuled))
      .map(({ ports, l7 }) => `${ports}${l7 === undefined ? "" : " L7"}`);
    if (one === undefined || other === undefined || texts.length === 0) return [];
    return [{ ends: [from, to], line: `  ${one} -->|"${[...new Set(texts)].join(", ")}"| ${other}` }];
  });
  if (arrows.length === 0) return "";
  const drawn = new Set(arrows.flatMap(({ ends }) => ends));
  const nodes = [...boxes].filter(([name]) => drawn.has(name)).map(([name, id]) => `  ${id}["${name}"]`);
  return fenced(["flowchart LR", ...nodes, ...arrows.map(({ line }) => line)].join("\n"), "mermaid");
}
