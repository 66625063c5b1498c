import type { Finding } from "../../components/config/finding.ts";
import { valuesRules } from "../values/rules.ts";
import { chartVersion, unknownVersion } from "./charts.ts";
import { commandRules } from "./commands.ts";
import { documentRule } from "./document-rules.ts";
import { finding, type Located, run, valueAt } from "./findings.ts";
import { helmCall } from "./helm-set.ts";
import { metricMentions } from "./metrics.ts";
import { onPart } from "./partial-values.ts";
import { inventedFlows } from "./sample-output.ts";
import type { Source } from "./source.ts";
import { toolCalls } from "./tools.ts";

/** What is wrong with the commands of a script or guide, with the values they pass to Helm, and with the metrics its prose names. */
export function checkCommands(source: Source, cilium: string): Finding[] {
  const { file, text } = source;
  const calls = source.commands.flatMap(toolCalls);
  const lineOf = (path: readonly PropertyKey[]) => calls[Number(path[0])]?.command.line ?? 1;
  const place = (line: number): Located => ({ file, path: [], line, value: undefined });
  const lines = text.split("\n");
  const pinned = new Set(calls.flatMap((call) => helmCall(call)?.version ?? []));
  // A guide pins the version once and means it all through.
  const [usual] = pinned.size === 1 ? pinned : [];
  const values = calls.flatMap((call) => {
    const found = helmCall(call);
    if (!found || Object.keys(found.values).length === 0) return [];
    const { line } = call.command;
    const version = found.version ?? usual;
    const chart = version === undefined ? cilium : chartVersion(version, cilium);
    if (chart === undefined) return [unknownVersion(version ?? "", place(line))];
    const rules = found.complete ? valuesRules : onPart(valuesRules);
    const locate = (path: readonly PropertyKey[]): Located => ({
      file,
      path,
      line: lineOfSet(lines, line, path),
      value: valueAt(found.values, path),
    });
    return run(rules, { cilium: chart, values: found.values }, locate);
  });
  const mentions = source.prose
    ? metricMentions(text, cilium).map(({ line, message, fix }) =>
        finding(documentRule("GB-1708"), { message, fix }, place(line)),
      )
    : [];
  const samples = source.prose
    ? inventedFlows(text).map(({ line, message, fix }) =>
        finding(documentRule("GB-1709"), { message, fix }, place(line)),
      )
    : [];
  // Commands of a release that cannot be judged may have been right in their time.
  const release = usual === undefined ? cilium : chartVersion(usual, cilium);
  const commands =
    release === undefined ? [] : run(commandRules, { cilium: release, calls, text }, (path) => place(lineOf(path)));
  const unknown = values.findIndex(({ code }) => code === "GB-1707");
  // One version in twenty commands is one thing to say.
  const told = values.filter(({ code }, index) => code !== "GB-1707" || index === unknown);
  return [...commands, ...told, ...mentions, ...samples];
}

/** The line of a long command on which a value is set: the nearest that names the path, or as much of it as any does. */
function lineOfSet(lines: readonly string[], from: number, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const dotted = path.slice(0, depth).map(String).join(".");
    const found = lines.slice(from - 1, from + 60).findIndex((line) => line.includes(dotted));
    if (found !== -1) return from + found;
  }
  return from;
}
