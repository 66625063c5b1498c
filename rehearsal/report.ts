import { type CriticalPath, criticalPath, nameOf } from "./critical-path.ts";
import type { StackKind } from "./stack-files.ts";
import type { DeployedResource } from "./stacks.ts";

/** What a rehearsal tells about one stack; also the shape of `--json`. */
export interface StackReport {
  readonly name: string;
  readonly kind: StackKind;
  /** Resources in the state after the first `up`, the stack's own root left out. */
  readonly created: number;
  /** Resources that the second `up` did not leave alone; 0 when all is well. */
  readonly secondRunChanges: number;
  /** Those resources, as `<operation> <URN>`. */
  readonly changed: readonly string[];
  /** Seconds of the first `up` on this machine. */
  readonly wallSeconds: number;
  /** Seconds that the first `up` would take against the real clouds: the length of the critical path. */
  readonly modelledSeconds: number;
  readonly criticalPath: readonly { readonly name: string; readonly urn: string; readonly seconds: number }[];
  /** Number of resources by type token. */
  readonly types: Readonly<Record<string, number>>;
}

/** Everything that `npm start` found out. */
export interface Report {
  readonly engine: string;
  /** Modelled seconds per wall second. */
  readonly speed: number;
  readonly wallSeconds: number;
  readonly stacks: readonly StackReport[];
  /** Objects of the world that no state knows; empty when all is well. */
  readonly orphans: readonly string[];
  /** What the network does not carry, and what no stack of ours may hold; empty when all is well. */
  readonly problems: readonly string[];
}

const rootType = "pulumi:pulumi:Stack";

/** One stack's report from its state and the modelled time of each of its resources. */
export function reportStack(
  stack: { readonly name: string; readonly kind: StackKind },
  resources: readonly DeployedResource[],
  seconds: ReadonlyMap<string, number>,
  wallSeconds: number,
  changed: readonly string[],
): StackReport {
  const own = resources.filter(({ type }) => type !== rootType);
  const path: CriticalPath = criticalPath(resources, seconds);
  const types: Record<string, number> = {};
  for (const { type } of own) types[type] = (types[type] ?? 0) + 1;
  return {
    name: stack.name,
    kind: stack.kind,
    created: own.length,
    secondRunChanges: changed.length,
    changed,
    wallSeconds,
    modelledSeconds: path.seconds,
    criticalPath: path.steps.map((step) => ({ name: nameOf(step.urn), ...step })),
    types,
  };
}

/** Columns of the table: a heading and the packages whose resources it counts. */
const groups: readonly (readonly [string, RegExp])[] = [
  ["aws", /^aws:/],
  ["azure", /^azure-native:/],
  ["ssh", /^command:/],
  ["k8s", /^kubernetes:/],
];

/** The table that ends a rehearsal, at most 80 columns wide. */
export function renderTable(stacks: readonly StackReport[]): string {
  const count = (types: StackReport["types"], matches: (type: string) => boolean): string => {
    const sum = Object.entries(types).reduce((total, [type, number]) => total + (matches(type) ? number : 0), 0);
    return sum === 0 ? "-" : String(sum);
  };
  const head = ["stack", "resources", ...groups.map(([name]) => name), "other", "wall", "modelled", "2nd up"];
  const rows = stacks.map(({ name, created, types, wallSeconds, modelledSeconds, secondRunChanges }) => [
    name,
    String(created),
    ...groups.map(([, pattern]) => count(types, (type) => pattern.test(type))),
    count(types, (type) => !groups.some(([, pattern]) => pattern.test(type))),
    `${wallSeconds.toFixed(1)} s`,
    duration(modelledSeconds),
    secondRunChanges === 0 ? "same" : `${secondRunChanges} !`,
  ]);
  return alignColumns([head, ...rows]);
}

/** Rows of cells as text: the first column to the left, the others to the right, two spaces between. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return rows.map(line).join("\n");
}

/** A site's critical path, one line per step with the modelled time at which the step ends. */
export function renderCriticalPath({ name, criticalPath: steps, modelledSeconds }: StackReport): string {
  const shown = 12;
  const longest = [...steps].sort((a, b) => b.seconds - a.seconds).slice(0, shown);
  let end = 0;
  const lines = steps.flatMap((step) => {
    end += step.seconds;
    if (!longest.includes(step)) return [];
    const time = `  ${duration(end).padStart(11)}  ${`+${duration(step.seconds)}`.padStart(10)}`;
    return `${time}  ${kindOf(step.urn)} ${step.name}`.slice(0, 80);
  });
  if (steps.length === 0) return `${name}: nothing that takes time`;
  const hidden = steps.length - lines.length;
  const rest = hidden > 0 ? [`  ${hidden} shorter steps are left out`] : [];
  return [`${name}: ready after ${duration(modelledSeconds)}; what it waits for`, ...lines, ...rest].join("\n");
}

/** The last word of a URN's type: `Vpc` of `...$aws:ec2/vpc:Vpc::name`. */
function kindOf(urn: string): string {
  const type = urn.split("::").at(-2) ?? "";
  return type.slice(type.lastIndexOf(":") + 1);
}

/** Seconds in the unit a reader expects: `45 s`, `12 min 5 s`, `1 h 3 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
