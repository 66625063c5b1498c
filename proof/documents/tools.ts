import { type Command, parseShell } from "./shell.ts";

/** A command seen from the program it runs: `sudo`, `watch` and `kubectl exec ... --` are taken off. */
export interface ToolCall {
  /** Its name without a folder: `helm`, `kubectl`, `cilium`, `cilium-dbg`, `hubble`. */
  readonly tool: string;
  readonly args: readonly string[];
  /** It runs in a pod, by `kubectl exec`; `cilium` is then the agent's own tool. */
  readonly inPod: boolean;
  readonly command: Command;
}

const wrappers = /^(?:sudo|time|nohup|command|env|do|then|else|elif|if|while|until|!|exec|watch|timeout|xargs)$/;

/** Everything a command runs. */
export function toolCalls(command: Command): ToolCall[] {
  return unwrap(command.words, false, command, 0);
}

function unwrap(words: readonly string[], inPod: boolean, command: Command, depth: number): ToolCall[] {
  let start = 0;
  while (start < words.length) {
    const word = words[start] ?? "";
    const wrapped = start > 0 && wrappers.test(words[start - 1] ?? "");
    if (/^\w+=/.test(word) || wrappers.test(word) || (wrapped && /^(?:-|\d+[smh]?$)/.test(word))) start++;
    else break;
  }
  const [name, ...args] = words.slice(start);
  if (name === undefined || depth > 4) return [];
  if (args.length === 0 && /\s/.test(name)) return inner(name, inPod, command, depth);
  const tool = name.slice(name.lastIndexOf("/") + 1);
  const script = args.find((_, index) => /^-\w*c$/.test(args[index - 1] ?? ""));
  if (/^(?:ba|z|da)?sh$/.test(tool) && script !== undefined) return inner(script, inPod, command, depth);
  const own = { tool, args, inPod, command };
  const separator = args.indexOf("--");
  if (tool === "kubectl" && args.includes("exec") && separator !== -1) {
    return [own, ...unwrap(args.slice(separator + 1), true, command, depth + 1)];
  }
  return [own];
}

function inner(script: string, inPod: boolean, command: Command, depth: number): ToolCall[] {
  return parseShell(script, command.line).flatMap(({ words }) => unwrap(words, inPod, command, depth + 1));
}

/** Values of a flag, given as `--name value`, `--name=value` or by its letter; repeated flags all. */
export function flagValues({ args }: Pick<ToolCall, "args">, ...names: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const name = names.find((each) => arg === each || arg.startsWith(`${each}=`));
    if (name === undefined) return [];
    const value = arg === name ? args[index + 1] : arg.slice(name.length + 1);
    return value === undefined ? [] : [value];
  });
}

/** Whether a flag is there at all. */
export function hasFlag({ args }: Pick<ToolCall, "args">, ...names: readonly string[]): boolean {
  return args.some((arg) => names.some((name) => arg === name || arg.startsWith(`${name}=`)));
}

/** Words up to the first flag or `--`: a command's path of subcommands. */
export function subcommands({ args }: Pick<ToolCall, "args">): string[] {
  const end = args.findIndex((arg) => arg.startsWith("-"));
  return args.slice(0, end === -1 ? undefined : end);
}
