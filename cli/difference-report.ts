import type { Difference, PromiseChange } from "../proof/segmentation/difference.ts";
import type { FlowChange, PairChange } from "../proof/segmentation/pair-changes.ts";
import { notOurs, openByDefault } from "../proof/segmentation/unruled.ts";
import type { Comparison } from "./against.ts";
import { cell, table, wrap } from "./text.ts";

/** Lines that a report shows of one kind of change; the rest is in the JSON. */
const shown = 40;

/** One change of one kind, and all pairs that it is of. */
interface Line {
  readonly kind: "opens" | "closes" | "l7" | "one end";
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly where: string;
  readonly text: string;
  /** The rules that open it, or did; none where nothing was denied by default. */
  readonly egress: readonly string[];
  readonly ingress: readonly string[];
}

const kinds = ["opens", "closes", "l7", "one end"] as const;
const signs: Readonly<Record<Line["kind"], string>> = { opens: "+", closes: "-", l7: "~", "one end": "~" };

/** For people: which flows open and close, at 80 columns. */
export function differenceText({ ref, differences = [], findings }: Comparison): string {
  if (differences.length === 0) return nothingToCompare(ref, findings);
  return differences
    .map((difference) =>
      [
        wrap(headOf(ref, difference), 2),
        ...notes(difference).map((note) => wrap(`  ${note}`, 4)),
        ...difference.promises.flatMap(promiseLines),
        ...cut(linesOf(difference.pairs), textOf, (more) => [`  ${more}`]),
      ].join("\n"),
    )
    .join("\n\n");
}

/** For a pull request. */
export function differenceMarkdown({ ref, differences = [], findings }: Comparison): string {
  if (differences.length === 0) return nothingToCompare(ref, findings);
  return differences
    .map((difference) => {
      const promises = difference.promises.map(
        ({ promise, change, path }) => `- promise **${change}**: ${promise}${path === undefined ? "" : ` (${path})`}`,
      );
      const rows = cut(
        linesOf(difference.pairs),
        (line) => [rowOf(line)],
        (more) => [`| | ${more} | | | |`],
      );
      const sections = [
        `### ${headOf(ref, difference)}`,
        [...notes(difference).map((note) => `- ${note}`), ...promises].join("\n"),
        table(["", "flow", "what", "egress", "ingress"], rows),
      ];
      return sections.filter((section) => section !== "").join("\n\n");
    })
    .join("\n\n");
}

/** Findings say why nothing is compared, where they do. */
function nothingToCompare(ref: string, findings: Comparison["findings"]): string {
  return findings.length > 0 ? "" : `Against ${ref}: neither state has policies or zones.`;
}

function headOf(ref: string, { members, removed, pairs }: Difference): string {
  const count = (change: "opens" | "closes" | "l7") => pairs.filter((pair) => pair[change] !== undefined).length;
  const names = members.length > 0 ? members : removed;
  const what =
    pairs.length === 0
      ? "no flow changes"
      : `pairs of parties that open ${count("opens")}, close ${count("closes")}, change L7 ${count("l7")}`;
  return `${names.join(", ")} against ${ref} (its stack files, these programs): ${what}`;
}

function notes({ added, removed, redefined }: Difference): string[] {
  return [
    ...(added.length === 0 ? [] : [`New, and compared with nothing: ${added.join(", ")}.`]),
    ...(removed.length === 0 ? [] : [`Gone: ${removed.join(", ")}.`]),
    ...(redefined.length === 0
      ? []
      : [`Zones that mean other parties now; both states are asked about these: ${redefined.join(", ")}.`]),
  ];
}

function promiseLines({ promise, change, path }: PromiseChange): string[] {
  return [wrap(`  promise ${change}: ${promise}`, 4), ...(path === undefined ? [] : [wrap(`    ${path}`, 6)])];
}

/** Every change, what opens first. Pairs that change alike are one line. */
function linesOf(pairs: readonly PairChange[]): Line[] {
  const single = pairs.flatMap((pair): Line[] => {
    const line = (
      kind: Line["kind"],
      text: string,
      { egress, ingress }: Pick<FlowChange, "egress" | "ingress">,
    ): Line => ({
      kind,
      from: [pair.from],
      to: [pair.to],
      where: pair.where,
      text,
      egress: egress.filter(isWritten),
      ingress: ingress.filter(isWritten),
    });
    const { opens, closes, l7, sends, takes } = pair;
    const nothing = { egress: [], ingress: [] };
    return [
      ...(opens ? [line("opens", `opens ${opens.ports}`, opens)] : []),
      ...(closes ? [line("closes", `closes ${closes.ports}`, closes)] : []),
      ...(l7 ? [line("l7", `${l7.ports} lets pass ${l7.after} (before: ${l7.before})`, nothing)] : []),
      ...(sends
        ? [
            line(
              "one end",
              `no flow changes, but the sender may send ${sends.after} (before: ${sends.before})`,
              nothing,
            ),
          ]
        : []),
      ...(takes
        ? [line("one end", `no flow changes, but the receiver takes ${takes.after} (before: ${takes.before})`, nothing)]
        : []),
    ];
  });
  const byReceivers = merged(single, "to");
  return merged(byReceivers, "from").toSorted((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind));
}

function isWritten(rule: string): boolean {
  return rule !== notOurs && rule !== openByDefault;
}

/** Lines that differ in one end only, as one. */
function merged(lines: readonly Line[], end: "from" | "to"): Line[] {
  const groups = Map.groupBy(lines, (line) => JSON.stringify({ ...line, [end]: [] }));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, [end]: group.flatMap((line) => line[end]) }];
  });
}

function cut(lines: readonly Line[], render: (line: Line) => string[], rest: (more: string) => string[]): string[] {
  return kinds.flatMap((kind) => {
    const own = lines.filter((line) => line.kind === kind);
    const more = own.length > shown ? rest(`and ${own.length - shown} more of this kind, all of them in --json`) : [];
    return [...own.slice(0, shown).flatMap(render), ...more];
  });
}

function flowOf({ from, to, where }: Line): string {
  return `${from.join(", ")} -> ${to.join(", ")}${where === "everywhere" ? "" : ` (${where})`}`;
}

function textOf(line: Line): string[] {
  const rules = (end: "egress" | "ingress") =>
    line[end].length === 0 ? [] : [wrap(`      ${end.padEnd(8)} ${line[end].join(", ")}`, 15)];
  return [wrap(`  ${signs[line.kind]} ${flowOf(line)}: ${line.text}`, 4), ...rules("egress"), ...rules("ingress")];
}

function rowOf(line: Line): string {
  const cells = [
    line.kind === "closes" ? line.kind : `**${line.kind}**`,
    flowOf(line),
    line.text,
    line.egress.join("\n"),
    line.ingress.join("\n"),
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}
