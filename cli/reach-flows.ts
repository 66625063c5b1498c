import { statSync, writeFileSync } from "node:fs";
import type { Finding } from "../components/config/finding.ts";
import { formatFindings } from "../components/config/finding.ts";
import type { Conversation } from "../proof/flows/conversations.ts";
import { flowReport, wouldDrop } from "../proof/flows/flow-report.ts";
import type { Enforcement } from "../proof/flows/judge.ts";
import { type Counts, Reading } from "../proof/flows/reading.ts";
import { eachLine, type FlowFile, flowFiles, shortName } from "./flow-files.ts";
import {
  asideText,
  renderFlowJson,
  renderFlowMarkdown,
  renderFlowText,
  renderSuggestions,
} from "./flow-report-text.ts";
import { command, found, Unusable } from "./reach-findings.ts";
import { type Asked, ofFiles, readPolicyFile, wanted } from "./reach-policies.ts";

export interface FlowOptions extends Omit<Asked, "folder" | "stacks"> {
  /** Files, folders, `-`. */
  readonly flows: readonly string[];
  /** Where the report goes in other forms; `-` is standard output. */
  readonly json?: string;
  readonly markdown?: string;
  readonly suggest?: string;
}

/**
 * Reads flow files and tells what enforcing would drop.
 *
 * @param given  Stacks, or a folder of stack files and then stacks of it.
 * @returns the exit code.
 * @throws Unusable where nothing can be told.
 */
export async function judgeFlows(given: readonly string[], options: FlowOptions): Promise<number> {
  const asked = { ...options, ...placeOf(given) };
  const { enforcements, ownRanges } = wanted(asked);
  const reading = new Reading(enforcements);
  await readAll(flowFiles(options.flows), reading);
  const { counts, conversations } = reading;
  refuseUseless(counts, conversations.length, options.flows.join(", "));
  const settled = settle(enforcements, clustersOf(counts, conversations), asked);
  const report = flowReport(conversations, settled, ownRanges);
  const warnings = [
    ...warningsOf(counts, options.flows.join(", ")),
    ...unseenNamespaces(options.namespaces, conversations),
    ...namedPorts(settled, conversations),
  ];
  if (warnings.length > 0) process.stderr.write(`${formatFindings(warnings)}\n\n`);

  const { json, markdown, suggest } = options;
  const subject = { counts, report, clusters: settled.map(({ options: { cluster } }) => cluster) };
  if (json !== undefined) write(json, renderFlowJson(subject));
  if (markdown !== undefined) write(markdown, renderFlowMarkdown(subject));
  if (suggest !== undefined) write(suggest, renderSuggestions(report));
  if (![json, markdown, suggest].includes("-")) process.stdout.write(renderFlowText(subject));
  return wouldDrop(report) ? 1 : 0;
}

function placeOf(given: readonly string[]): Pick<Asked, "folder" | "stacks"> {
  const [folder, ...stacks] = given;
  if (folder === undefined || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    return { folder: ".", stacks: given };
  }
  if (stacks.length > 0) return { folder, stacks };
  const message = `${folder} is a folder of stack files, and no stack of it is named.`;
  throw new Unusable([found("GB-2329", command, message, `Write the stack behind it: ${folder} prod-seoul.`)]);
}

function write(file: string, text: string): void {
  if (file === "-") process.stdout.write(text);
  else writeFileSync(file, text);
}

const progressMilliseconds = 200;

async function readAll(files: readonly FlowFile[], reading: Reading): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  let told = 0;
  for (const file of files) {
    await eachLine(
      file,
      (text, line) => reading.add(text, file.file, line),
      (bytes) => {
        done += bytes;
        if (!process.stderr.isTTY || performance.now() - told < progressMilliseconds) return;
        told = performance.now();
        const share = total > 0 ? `${Math.floor((100 * done) / total)} %` : `${Math.floor(done / 1e6)} MB`;
        process.stderr.write(`\u001b[2K\rreading ${shortName(file.file)}: ${share} ...`);
      },
    );
  }
  if (process.stderr.isTTY) process.stderr.write("\u001b[2K\r");
}

/** Files of which nothing can be said. */
function refuseUseless({ flows, asides, firstBroken }: Counts, conversations: number, files: string): void {
  if (flows === 0) {
    const at = firstBroken === undefined ? "" : ` ${firstBroken.file}:${firstBroken.line}: ${firstBroken.problem}.`;
    const fix = "Write it with hubble observe -o jsonpb, or name files of Hubble's exporter.";
    throw new Unusable([found("GB-2321", files, `No line is a flow of Hubble.${at}`, fix)]);
  }
  if (conversations > 0) return;
  if ((asides["no-labels"] ?? 0) > 0) {
    const fix =
      "Add source.labels, source.identity, destination.labels and destination.identity to the exporter's fieldMask.";
    throw new Unusable([found("GB-2328", files, "The flows carry no labels, by which policies know pods.", fix)]);
  }
  const why = Object.entries(asides).map(([aside, count]) => `${asideText(aside)} ${count}`);
  const fix = "Watch both directions and every verdict, where pods talk.";
  throw new Unusable([found("GB-2328", files, `None of ${flows} flows can be judged: ${why.join(", ")}.`, fix)]);
}

/** Policies of files alone are for the cluster that the flows come from, unless `--cluster` says so. */
function settle(
  enforcements: readonly Enforcement[],
  seen: readonly string[],
  asked: FlowOptions & Asked,
): readonly Enforcement[] {
  const own = enforcements.map(({ options: { cluster } }) => cluster);
  const refuse = (message: string, fix: string) =>
    new Unusable([found("GB-2327", asked.flows.join(", "), message, fix)]);
  const from = `The flows come from ${seen.join(" and ")}`;
  if (asked.stacks.length > 0 || asked.cluster !== undefined) {
    if (seen.some((cluster) => own.includes(cluster))) return enforcements;
    throw refuse(`${from}, the policies are for ${own.join(" and ")}.`, "Name the site whose flows these are.");
  }
  const [only, ...more] = seen;
  if (more.length > 0) throw refuse(`${from}.`, "Write --cluster with the one that the policies are for.");
  return [ofFiles(asked.files.flatMap(readPolicyFile), only ?? "default", asked.cilium)];
}

/** The clusters whose agents wrote the files; where a field mask leaves them out, those whose pods were seen. */
function clustersOf({ clusters }: Counts, conversations: readonly Conversation[]): readonly string[] {
  if (clusters.length > 0) return clusters;
  const ends = conversations.flatMap(({ client, server }) => [client.who, server.who]);
  return [...new Set(ends.flatMap((who) => (who.kind === "pod" ? [who.cluster] : [])))].toSorted();
}

/** Most often a wrong name. */
function unseenNamespaces(names: readonly string[], conversations: readonly Conversation[]): Finding[] {
  const ends = conversations.flatMap(({ client, server }) => [client.who, server.who]);
  const seen = new Set(ends.flatMap((who) => (who.kind === "pod" ? [who.namespace] : [])));
  return names
    .filter((name) => !seen.has(name))
    .map((name) => {
      const fix = "Correct the name, or watch for longer.";
      return found("GB-2332", "--namespace", `No pod of namespace ${name} was seen.`, fix, "warning");
    });
}

/** Cilium tells the named ports of pods since 1.20. */
function namedPorts(enforcements: readonly Enforcement[], conversations: readonly Conversation[]): Finding[] {
  const parties = conversations.flatMap(({ client, server }) => [client.party, server.party]);
  const named = enforcements
    .flatMap(({ loaded }) => loaded.entries)
    .filter((entry) => entry.ports.some(({ ports }) => ports.some(({ port }) => typeof port === "string")));
  const [first] = named;
  if (first === undefined || parties.some((party) => party.namedPorts !== undefined)) return [];
  const message = `${first.policy} names a port by its name, and the flows do not tell which port of a pod that is.`;
  const fix = "Write the number while you judge flows of Cilium before 1.20.";
  return [found("GB-2333", "--flows", message, fix, "warning")];
}

function warningsOf({ broken, firstBroken, lost, lines }: Counts, files: string): Finding[] {
  return [
    ...(firstBroken === undefined
      ? []
      : [
          {
            ...found(
              "GB-2330",
              firstBroken.file,
              `${broken} of ${lines} lines cannot be read; of the first, ${firstBroken.problem}.`,
              "Nothing needs to be done if the agent was writing just then; otherwise copy the file anew.",
              "warning",
            ),
            line: firstBroken.line,
          },
        ]),
    ...(lost === 0
      ? []
      : [
          found(
            "GB-2331",
            files,
            `Hubble lost ${lost} events, so that rules may be missing which are not listed.`,
            "Raise hubble.eventBufferCapacity, or watch for longer.",
            "warning",
          ),
        ]),
  ];
}
