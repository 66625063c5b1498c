import type { Finding } from "../components/config/finding.ts";
import { parseStackFile, type StackFile } from "../components/config/parse.ts";
import { namedStacks } from "../components/config/read.ts";
import { chartsOf, chartVersion, unknownVersion, withChart } from "./documents/charts.ts";
import { type AlertsPart, type Classified, classify, type Place, type ValuesPart } from "./documents/classify.ts";
import { filesCompletedBySet } from "./documents/completed-values.ts";
import { distinct, type Located, run, valueAt } from "./documents/findings.ts";
import { helmCall } from "./documents/helm-set.ts";
import { locator } from "./documents/locate.ts";
import { onPart } from "./documents/partial-values.ts";
import { maxFileBytes, readingFindings, tooLarge } from "./documents/reading.ts";
import { objectRules } from "./documents/rule-lists.ts";
import { checkCommands } from "./documents/script.ts";
import { folderOf, readSource, type Source, type SourceFile } from "./documents/source.ts";
import { toolCalls } from "./documents/tools.ts";
import { judge } from "./judge.ts";
import { alertRules } from "./objects/alerts.ts";
import { kubeadmRules } from "./objects/kubeadm.ts";
import { valuesRules } from "./values/rules.ts";

/**
 * Everything that is wrong with files that nobody generated: Cilium values, Kubernetes objects, kubeadm and alert rules, scripts, guides and
 * our own stack files. Never throws; files that are none of these give no findings. Pure.
 *
 * @param cilium  Exact version, e.g. `1.18.4`; a version that stands beside values wins over it.
 */
export function check(files: readonly SourceFile[], cilium: string): Finding[] {
  const stacks = files.filter(isStackFile);
  const others = files.filter((file) => !isStackFile(file));
  const refused = others.filter(({ text }) => text.length > maxFileBytes);
  const found = others
    .filter((file) => !refused.includes(file))
    .map((file): Found => {
      const source = readSource(file);
      return { source, parts: source.documents.flatMap((document) => classify(document, cilium)) };
    });
  const charts = chartsOf(found.map(({ source }) => source));
  const completed = new Set(found.flatMap(({ source }) => filesCompletedBySet(source)));
  const findings = [
    ...refused.map(tooLarge),
    ...checkStacks(stacks),
    ...found.flatMap(({ source, parts }) => [
      ...readingFindings(source),
      ...parts.flatMap((part) =>
        part.kind === "values" ? checkValues(withChart(part, charts), cilium, completed) : [],
      ),
      ...parts.flatMap((part) => (part.kind === "alerts" ? checkAlerts(part, cilium) : [])),
      ...checkCommands(source, cilium),
    ]),
    ...grouped(found).flatMap((group) => checkTogether(group, cilium)),
  ];
  const order = new Map(files.map(({ file }, index) => [file, index]));
  const alerts = new Set(findings.flatMap(({ code, file, line }) => (code === "GB-1601" ? [`${file}:${line}`] : [])));
  // A name in an alert's expression is judged as part of the alert.
  const told = findings.filter(({ code, file, line }) => code !== "GB-1708" || !alerts.has(`${file}:${line}`));
  return distinct(told).toSorted(
    (one, other) => (order.get(one.file) ?? 0) - (order.get(other.file) ?? 0) || (one.line ?? 0) - (other.line ?? 0),
  );
}

function isStackFile({ file, text }: SourceFile): boolean {
  return /(?:^|\/)Pulumi\.[^/]+\.ya?ml$/.test(file) && /^[ \t]*["']?gyeongbu:/m.test(text);
}

function checkStacks(files: readonly SourceFile[]): Finding[] {
  const parsed = files.map(({ file, text }) => parseStackFile(file, text));
  const stacks: StackFile[] = parsed.flatMap((each) => ("stack" in each ? [each.stack] : []));
  return [
    ...parsed.flatMap((each) => ("findings" in each ? each.findings : [])),
    ...stacks.flatMap((own) => {
      const named = namedStacks(own);
      const others = stacks.filter(
        (other) => named.includes(other.stack) && folderOf(other.file) === folderOf(own.file),
      );
      // Without the files it names only the shape of a stack can be judged; `npm run plan` reads them all.
      return others.length === named.length ? judge({ own, others }, undefined) : [];
    }),
  ];
}

/** @param completed  Names of files that a command completes by further files or `--set`. */
function checkValues(
  { values, version, document, prefix }: ValuesPart,
  cilium: string,
  completed: ReadonlySet<string>,
): Finding[] {
  const locate = locator({ document, prefix });
  const chart = version === undefined ? cilium : chartVersion(version, cilium);
  if (chart === undefined) return [unknownVersion(version ?? "", locate([]))];
  const whole = document.whole && !completed.has(document.file.slice(folderOf(document.file).length));
  return run(whole ? valuesRules : onPart(valuesRules), { cilium: chart, values }, locate);
}

function checkAlerts({ groups, document, prefix }: AlertsPart, cilium: string): Finding[] {
  return run(alertRules, { cilium, groups }, locatorWithTemplates(locator({ document, prefix })));
}

/** Alerts quote `{{ $value }}` and are no templates themselves. */
function locatorWithTemplates(
  locate: (path: readonly PropertyKey[]) => Located,
): (path: readonly PropertyKey[]) => Located {
  return (path) => ({ ...locate(path), value: undefined });
}

interface Found {
  readonly source: Source;
  readonly parts: readonly Classified[];
}

interface Group {
  readonly parts: readonly Classified[];
  /** Helm values of the Cilium that reads the objects, where they are known. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
}

/** Objects that may belong to one cluster: those of a folder, unless it holds one of them twice, as collections of examples do. */
function grouped(found: readonly Found[]): Group[] {
  const folders = new Map<string, Found[]>();
  for (const each of found) {
    const folder = each.source.prose ? each.source.file : folderOf(each.source.file);
    folders.set(folder, [...(folders.get(folder) ?? []), each]);
  }
  return [...folders.values()].flatMap((members) => {
    const together = members.flatMap(({ parts }) => parts);
    const installs = members.some(({ source }) =>
      source.commands.flatMap(toolCalls).some((call) => helmCall(call) !== undefined),
    );
    const groups = members.length > 1 && hasTwins(together) ? members.map(({ parts }) => parts) : [together];
    return groups.map((parts) => ({ parts, values: installs ? undefined : onlyValues(parts) }));
  });
}

/** Which of several sets of values is meant, nobody knows. */
function onlyValues(parts: readonly Classified[]): Group["values"] {
  const releases = parts.flatMap((part) => (part.kind === "values" && part.document.whole ? [part.values] : []));
  return releases.length === 1 ? releases[0] : undefined;
}

function hasTwins(parts: readonly Classified[]): boolean {
  const names = parts.flatMap((part) => ("object" in part ? [identity(part.object)] : []));
  return new Set(names).size < names.length;
}

function identity(object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([
    object.kind,
    valueAt(object, ["metadata", "namespace"]),
    valueAt(object, ["metadata", "name"]),
  ]);
}

function checkTogether({ parts, values }: Group, cilium: string): Finding[] {
  const objects = parts.filter((part) => part.kind === "object");
  const kubeadm = parts.filter((part) => part.kind === "kubeadm");
  const locate =
    (list: readonly Place[]) =>
    ([index, ...path]: readonly PropertyKey[]): Located => {
      const part = list[Number(index)];
      return part ? locator(part)(path) : { file: "", path, line: 1, value: undefined };
    };
  const subject = {
    cilium,
    objects: objects.map(({ object }) => object),
    complete: false,
    ...(values === undefined ? {} : { values }),
  };
  return [
    ...(objects.length === 0 ? [] : run(objectRules, subject, locate(objects))),
    ...(kubeadm.length === 0
      ? []
      : run(kubeadmRules, { documents: kubeadm.map(({ object }) => object), values }, locate(kubeadm))),
  ];
}
