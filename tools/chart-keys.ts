/**
 * Derives the index of real value keys from Cilium charts: `node tools/chart-keys.ts CHART...`, each a `cilium-X.Y.Z.tgz` or an
 * unpacked chart folder; prints the JSON that `components/cilium/data/chart-keys.json` holds. `values.schema.json` allows any key
 * and leaves real ones out, so what the templates read counts as well.
 */
import { basename } from "node:path";
import { parse } from "yaml";
import { readChart } from "./chart-archive.ts";
import { readTemplates } from "./template-reads.ts";

/** Per key: JSON types (`b`oolean, `i`nteger, `n`umber, `s`tring, `o`bject with known keys, `m`ap of anything, `a`rray, `z` null), `?` when nothing says. */
export interface ChartKeys {
  readonly version: string;
  readonly types: Map<string, string>;
  readonly enums: Map<string, readonly string[]>;
  /** Scalar defaults of `values.yaml`, images left out. */
  readonly defaults: Map<string, boolean | number | string>;
}

const letters: Record<string, string> = {
  boolean: "b",
  integer: "i",
  number: "n",
  string: "s",
  object: "o",
  array: "a",
  null: "z",
};

/** Every value key of one chart. */
export function chartKeys(chart: string): ChartKeys {
  const files = readChart(chart);
  const file = (name: string) => {
    const content = files.get(name);
    if (content === undefined)
      throw new Error(`${chart}: no ${name}; pass a chart folder or a .tgz made by helm package.`);
    return content;
  };
  const version = text(record(parse(file("Chart.yaml"))).version);
  // validate.yaml reads removed keys only to refuse them.
  const templates = [...files].filter(
    ([name]) => /^(templates|files)\//.test(name) && name !== "templates/validate.yaml",
  );
  const { reads, dumps } = readTemplates(templates.map(([, content]) => content));

  const types = new Map<string, string>();
  const enums = new Map<string, readonly string[]>();
  const defaults = new Map<string, boolean | number | string>();
  for (const path of reads) for (const parent of lineage(path)) types.set(parent, "");
  walkDefaults(parse(file("values.yaml")), "", (path, value) => {
    if (!types.has(path)) types.set(path, "");
    if (
      ["boolean", "number", "string"].includes(typeof value) &&
      value !== "" &&
      !/(^|[.])image[.]|Digest$/.test(path)
    ) {
      defaults.set(path, value as boolean | number | string);
    }
  });
  walkSchema(JSON.parse(file("values.schema.json")), "", (path, letter, allowed) => {
    types.set(path, letter);
    if (allowed.length > 0) enums.set(path, allowed);
  });

  // A path such as `x.Values.y` is a slip in a template's `and`, not a key.
  for (const path of types.keys()) if (path === "" || path.includes(".Values")) types.delete(path);
  const printed = (path: string) => dumps.has(path);
  for (const path of types.keys()) {
    const above = lineage(path).slice(0, -1);
    const elementsUnread = path.endsWith("[]") && ![...reads].some((read) => read.startsWith(`${path}.`));
    if (above.some(printed) || elementsUnread || (path.endsWith("[]") && printed(path))) types.delete(path);
  }
  // Sorted, so that a parent is gone before its children are asked.
  for (const path of Array.from(types.keys()).sort())
    if (!lineage(path).every((parent) => types.has(parent))) types.delete(path);
  for (const [path, type] of types) {
    const closed = [...types.keys()].some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[]`));
    if (closed) types.set(path, type === "" ? "o" : type);
    else types.set(path, type === "" ? "?" : type.replace("o", "m"));
  }
  for (const path of defaults.keys()) if (!types.has(path)) defaults.delete(path);
  return { version, types, enums, defaults };
}

/** `a.b[].c` gives `a`, `a.b`, `a.b[]`, `a.b[].c`. */
function lineage(path: string): string[] {
  const ends = [...path.matchAll(/\.|\[\]/g)].map((match) => match.index);
  return [...new Set([...ends, path.length])].map((end) => path.slice(0, end)).filter((part) => part !== "");
}

function walkDefaults(value: unknown, path: string, visit: (path: string, value: unknown) => void): void {
  if (path !== "") visit(path, value);
  if (!isRecord(value)) return;
  for (const [key, child] of Object.entries(value)) walkDefaults(child, path === "" ? key : `${path}.${key}`, visit);
}

function walkSchema(
  schema: unknown,
  path: string,
  visit: (path: string, letter: string, allowed: string[]) => void,
): void {
  const { type, oneOf, properties, enum: allowed } = record(schema);
  const branches = Array.isArray(oneOf) ? oneOf.map(record) : [];
  const names = [type, ...branches.map((branch) => branch.type ?? (branch.enum ? "string" : undefined))].flat();
  const values = [allowed, ...branches.map((branch) => branch.enum)].flat().filter((value) => value !== undefined);
  if (path !== "")
    visit(path, names.map((name) => letters[String(name)] ?? "").join("") || (allowed ? "s" : ""), values.map(String));
  for (const [key, child] of Object.entries(record(properties ?? {}))) {
    walkSchema(child, path === "" ? key : `${path}.${key}`, visit);
  }
}

/** One line per key: its value where all versions agree, else one entry per version, `null` where the version lacks it. */
export function renderIndex(charts: readonly ChartKeys[]): string {
  const section = <T>(name: string, pick: (chart: ChartKeys) => Map<string, T>) => {
    const paths = [...new Set(charts.flatMap((chart) => [...pick(chart).keys()]))].sort();
    const lines = paths.map((path) => {
      const values = charts.map((chart) => pick(chart).get(path) ?? null);
      const same = values.every((value) => JSON.stringify(value) === JSON.stringify(values[0]));
      return `${JSON.stringify(path)}:${JSON.stringify(same ? values[0] : { by: values })}`;
    });
    return `${JSON.stringify(name)}:{\n${lines.join(",\n")}\n}`;
  };
  return `{"versions":${JSON.stringify(charts.map((chart) => chart.version))},\n${[
    section("types", (chart) => chart.types),
    section("enums", (chart) => chart.enums),
    section("defaults", (chart) => chart.defaults),
  ].join(",\n")}}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError(`expected a mapping, got ${JSON.stringify(value)}`);
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`expected text, got ${JSON.stringify(value)}`);
  return value;
}

if (import.meta.main) {
  const charts = process.argv.slice(2);
  if (charts.length === 0) {
    console.error(`usage: node tools/${basename(import.meta.filename)} CHART...   (oldest version first)`);
    process.exit(2);
  }
  process.stdout.write(renderIndex(charts.map(chartKeys)));
}
