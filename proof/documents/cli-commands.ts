import { closest } from "../../components/cilium/chart-keys.ts";
import type { Rule, Violation } from "../rule.ts";
import {
  choices,
  connectivityFlags,
  follow,
  observedTypes,
  observedVerdicts,
  observeFlags,
  trees,
} from "./command-trees.ts";
import { type CommandsSubject, eachCall } from "./each-call.ts";
import { flagValues, hasFlag, subcommands, type ToolCall } from "./tools.ts";

type Found = Omit<Violation, "path">;

/** Commands that were there once, and what does the job now. */
const replacements: Readonly<Record<string, string>> = {
  "policy trace":
    "`cilium-dbg policy selectors` and `cilium-dbg endpoint get ID` in the agent's pod, or `hubble observe --type policy-verdict`",
  "hubble observe": "the hubble program itself: `hubble observe`, after `cilium hubble port-forward`",
  "hubble status": "the hubble program itself: `hubble status`",
  "proxy statistics": "`cilium-dbg endpoint get ID` or `cilium-dbg envoy admin metrics`",
  "endpoint regenerate": "`cilium-dbg endpoint config ID`, or restart the agent's pod",
  wg: "`cilium-dbg encrypt status`",
};

/** In the agent's pod `cilium` is a link to `cilium-dbg` (cilium-dbg/Makefile). */
function agentTool(call: ToolCall): boolean {
  return call.tool === "cilium-dbg" || (call.tool === "cilium" && call.inPod);
}

function wrongAgentCommand(call: ToolCall): Found | undefined {
  const words = subcommands(call);
  const { known, wrong } = follow(trees.agentTool, words);
  if (wrong === undefined) return undefined;
  const asked = [...known, wrong].join(" ");
  return { message: `${call.tool} has no command "${asked}".`, fix: hint(asked, known, wrong) };
}

function hint(asked: string, known: readonly string[], wrong: string): string {
  const instead = Object.entries(replacements).find(
    ([gone]) => asked.startsWith(gone) || gone.startsWith(`${asked} `),
  )?.[1];
  if (instead !== undefined) return `Use ${instead}.`;
  const possible = choices(trees.agentTool, known);
  const near = closest(wrong, possible);
  if (near !== undefined) return `Did you mean "${[...known, near].join(" ")}"?`;
  return `There are ${possible.filter((each) => each !== "ls").join(", ")}.`;
}

/** Long flags of a call that are in no list; after `--` nothing is a flag. */
function unknownFlags({ args }: ToolCall, known: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.slice(0, end === -1 ? undefined : end).flatMap((arg) => {
    const name = /^--([a-z][a-z0-9-]*)(?:=|$)/.exec(arg)?.[1];
    return name === undefined || known.includes(name) ? [] : [name];
  });
}

/** Somebody opened a shell in a pod: the commands that follow may run there. */
function entersPod({ calls }: CommandsSubject): boolean {
  return calls.some(
    ({ tool, args }) =>
      /^(?:kubectl|docker)$/.test(tool) &&
      args.includes("exec") &&
      /^(?:ba|z)?sh$/.test(args.at(-1)?.split("/").at(-1) ?? ""),
  );
}

const observes = (call: ToolCall) => subcommands(call)[0] === "observe";

/** A day in ms: rings of 4095 flows never reach back that far on a node with traffic. */
const day = 86_400_000;

function goesBackDays(since: string): boolean {
  if (/^\d{4}-\d{2}-\d{2}/.test(since)) return true;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: day, w: 7 * day };
  const total = [...since.matchAll(/(\d+)(ms|[smhdw])/g)].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
  return total >= day;
}

export const cliRules: readonly Rule<CommandsSubject>[] = [
  {
    code: "GB-1721",
    severity: "error",
    title: "The agent's tool has the command.",
    korean: "에이전트 도구(cilium-dbg)에 있는 명령만 써야 합니다.",
    reason: "Documentation/cmdref of the version lists them; the tool answers an unknown one with its help.",
    check: (subject) =>
      eachCall(subject, ["cilium", "cilium-dbg"], (call) => (agentTool(call) ? wrongAgentCommand(call) : undefined)),
  },
  {
    code: "GB-1722",
    severity: "error",
    title: "A cilium command exists in one of the two tools of that name.",
    korean: "cilium 명령은 cilium CLI나 에이전트 도구에 실제로 있어야 합니다.",
    reason:
      "The CLI installs and tests (cilium-cli/cli); flows are hubble's business, the agent's inside is cilium-dbg's.",
    check: (subject) =>
      eachCall(subject, "cilium", (call) => {
        if (call.inPod) return undefined;
        const words = subcommands(call);
        const cli = follow(trees.installTool, words);
        const dbg = follow(trees.agentTool, words);
        if (cli.wrong === undefined || dbg.wrong === undefined) return undefined;
        const { known, wrong } =
          cli.known.length >= dbg.known.length ? { ...cli, wrong: cli.wrong } : { ...dbg, wrong: dbg.wrong };
        const asked = [...known, wrong].join(" ");
        const near = closest(wrong, choices(trees.installTool, cli.known));
        const fix =
          near === undefined
            ? hint(asked, dbg.known, dbg.wrong)
            : `Did you mean "cilium ${[...cli.known, near].join(" ")}"?`;
        return { message: `cilium has no command "${asked}".`, fix };
      }),
  },
  {
    code: "GB-1723",
    severity: "warning",
    title: "Commands about the agent's inside run in its pod.",
    korean: "에이전트 내부를 보는 명령은 에이전트 파드 안에서 실행해야 합니다.",
    reason:
      "The cilium CLI on a workstation has no such command; cilium-dbg is in the agent's image (Documentation/cmdref).",
    check: (subject) =>
      entersPod(subject)
        ? []
        : eachCall(subject, "cilium", (call) => {
            const words = subcommands(call);
            const { wrong } = follow(trees.installTool, words);
            if (call.inPod || wrong === undefined) return undefined;
            const { known, wrong: unknown } = follow(trees.agentTool, words);
            if (unknown !== undefined) return undefined;
            return {
              message: `The cilium CLI has no command "${known.join(" ")}"; the agent's own tool has.`,
              fix: `Write kubectl -n kube-system exec ds/cilium -- cilium-dbg ${known.join(" ")}.`,
            };
          }),
  },
  {
    code: "GB-1724",
    severity: "error",
    title: "cilium connectivity test has the flag.",
    korean: "cilium connectivity test에 있는 플래그만 써야 합니다.",
    reason: "cilium-cli/cli/connectivity.go; an unknown flag ends the command.",
    check: (subject) =>
      eachCall(subject, "cilium", (call) =>
        subcommands(call).join(" ") === "connectivity test" && !call.inPod
          ? unknownFlags(call, connectivityFlags)
              .filter((name) => !/^(?:perf|external|conn-disrupt|include-conn-disrupt|encryption)/.test(name))
              .map((name) => {
                const near = closest(name, connectivityFlags);
                return {
                  message: `cilium connectivity test has no flag --${name}.`,
                  fix:
                    near === undefined
                      ? "Leave it out; node to node is part of the test, `--test` selects by name."
                      : `Did you mean --${near}?`,
                };
              })
          : [],
      ),
  },
  {
    code: "GB-1725",
    severity: "error",
    title: "hubble has the command and the flag.",
    korean: "hubble에 있는 명령과 플래그만 써야 합니다.",
    reason: "hubble/cmd and its help text; an unknown one ends the command.",
    check: (subject) =>
      eachCall(subject, "hubble", (call): Found[] => {
        const { known, wrong } = follow(trees.flowTool, subcommands(call));
        if (wrong !== undefined) {
          const near = closest(wrong, choices(trees.flowTool, known));
          const fix =
            near === undefined ? `There are ${choices(trees.flowTool, known).join(", ")}.` : `Did you mean "${near}"?`;
          return [{ message: `hubble has no command "${[...known, wrong].join(" ")}".`, fix }];
        }
        if (!observes(call)) return [];
        return unknownFlags(call, observeFlags).map((name) => {
          const near = closest(name, observeFlags);
          const fix = near === undefined ? "`hubble observe --help` lists them." : `Did you mean --${near}?`;
          return { message: `hubble observe has no flag --${name}.`, fix };
        });
      }),
  },
  {
    code: "GB-1726",
    severity: "error",
    title: "Verdicts and types to filter by are those of Hubble.",
    korean: "--verdict와 --type에는 Hubble에 있는 값만 쓸 수 있습니다.",
    reason: "api/v1/flow/flow.proto: a denied packet's verdict is DROPPED, an allowed one's FORWARDED.",
    check: (subject) =>
      eachCall(subject, "hubble", (call): Found[] => {
        if (!observes(call)) return [];
        const verdicts = flagValues(call, "--verdict").flatMap((each) => each.split(","));
        const wrongVerdicts = verdicts
          .filter((each) => /^\w+$/.test(each) && !observedVerdicts.some((known) => known === each.toUpperCase()))
          .map((each) => ({
            message: `Hubble has no verdict ${each}.`,
            fix: /den|reject|block/i.test(each)
              ? "Write DROPPED."
              : /allow|accept|pass/i.test(each)
                ? "Write FORWARDED."
                : `Write one of ${observedVerdicts.join(", ")}.`,
          }));
        const types = flagValues(call, "--type", "-t").flatMap((each) => each.split(","));
        const wrongTypes = types
          .filter(
            (each) => /^[a-z0-9-]+(?::|$)/.test(each) && !observedTypes.some((known) => known === each.split(":")[0]),
          )
          .map((each) => ({
            message: `Hubble has no event type ${each}.`,
            fix: `Write one of ${observedTypes.join(", ")}.`,
          }));
        return [...wrongVerdicts, ...wrongTypes];
      }),
  },
  {
    code: "GB-1727",
    severity: "error",
    title: "One namespace per flag.",
    korean: "네임스페이스 필터는 플래그 하나에 하나씩 써야 합니다.",
    reason:
      "hubble does not split the value at commas, so it looks for one namespace of that whole name (hubble/cmd/observe).",
    check: (subject) =>
      eachCall(subject, "hubble", (call) =>
        observes(call)
          ? flagValues(call, "--namespace", "-n", "--from-namespace", "--to-namespace")
              .filter((value) => /^[\w-]+(?:,[\w-]+)+$/.test(value))
              .map((value) => ({
                message: `--namespace ${value} asks for one namespace of that name.`,
                fix: `Repeat the flag: ${value
                  .split(",")
                  .map((each) => `--namespace ${each}`)
                  .join(" ")}.`,
              }))
          : [],
      ),
  },
  {
    code: "GB-1728",
    severity: "warning",
    title: "Hubble's memory is not taken for an archive.",
    korean: "Hubble의 링 버퍼를 감사 로그 보관소로 쓰지 않습니다.",
    reason:
      "Each agent keeps the last 4095 flows by default (hubble.eventBufferCapacity in values.yaml); older ones are gone.",
    check: (subject) =>
      eachCall(subject, "hubble", (call) =>
        observes(call) && !hasFlag(call, "--input-file")
          ? flagValues(call, "--since")
              .filter(goesBackDays)
              .map((since) => ({
                message: `--since ${since} reaches further back than Hubble remembers: 4095 flows per node.`,
                fix: "For an audit trail set hubble.export.static.enabled and ship its file to where logs are kept.",
              }))
          : [],
      ),
  },
  {
    code: "GB-1729",
    severity: "warning",
    title: "A group of commands is not a command.",
    korean: "명령 그룹만 쓰면 도움말만 출력됩니다.",
    reason: "cilium-dbg bpf and its groups print their help without a subcommand (Documentation/cmdref).",
    check: (subject) =>
      eachCall(subject, ["cilium", "cilium-dbg"], (call) => {
        const [group, name, ...rest] = subcommands(call);
        const alone = group === "bpf" && name !== undefined && rest.length === 0 && !hasFlag(call, "-h", "--help");
        if (!alone || !agentTool(call) || !choices(trees.agentTool, ["bpf"]).includes(name)) return undefined;
        return { message: `"bpf ${name}" alone prints its help.`, fix: `Write ${call.tool} bpf ${name} list.` };
      }),
  },
  {
    code: "GB-1730",
    severity: "warning",
    title: "Flushing connection tracking is not garbage collection.",
    korean: "bpf ct flush는 가비지 컬렉션이 아니라 연결을 끊는 명령입니다.",
    reason:
      "It forgets every connection at once; the agent collects garbage itself (Documentation/cmdref/cilium-dbg_bpf_ct_flush.md).",
    check: (subject) =>
      eachCall(subject, ["cilium", "cilium-dbg"], (call) =>
        subcommands(call).join(" ").startsWith("bpf ct flush") &&
        /garbage|\bGC\b|가비지|정리/i.test(call.command.comment)
          ? {
              message: "bpf ct flush drops every tracked connection of the node.",
              fix: "Leave it out; the agent's own collection shows in cilium_datapath_conntrack_gc_runs_total.",
            }
          : undefined,
      ),
  },
];
